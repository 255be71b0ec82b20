//! What both bulk calls share: rows, their verdicts, and the one entry that
//! commits to a whole chunk.

use pmh_audit::{
    Kind, OrgRef, Salt, ShortText,
    part::Rows,
    registry,
    rows::{row_digest, rows_root},
};
use pmh_domain::problem::{Accepted, FieldProblem, FieldReason, RowRefusal};
use pmh_proto::common::Reason;
use pmh_store::{
    Attempt, ChunkRow, Concluding, Conclusion, Draft, Reply, RowConflict, RowDone, RowOutcome, RowVerdict,
};
use sha2::{Digest as _, Sha256};

use super::{Call, refusals::refused};
use crate::rpc::status::{Refusal, reason_named};

/// A batch as its header names it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// UUID.
    pub batch_id: String,
    /// Do everything but keep.
    pub dry_run: bool,
}

/// One row as received.
#[derive(Debug, Clone)]
pub struct Received<T> {
    /// The sender's own id.
    pub row_id: String,
    /// SHA-256 of the encoded row.
    pub row_sha256: [u8; 32],
    /// Its fields.
    pub raw: T,
    /// Fields with a word that the contract does not know; they have no place in `raw`.
    pub unknown_words: Vec<String>,
}

/// What the sender is told about a row.
#[derive(Debug, Clone)]
pub struct RowReport {
    /// The sender's own id.
    pub row_id: String,
    /// What became of it.
    pub outcome: RowOutcome,
    /// Field, reason, and whether it is only a warning.
    pub problems: Vec<(String, Reason, bool)>,
}

/// Rows that the rules have judged, with what there is to say about each.
pub(super) struct Judged<T> {
    pub(super) rows: Vec<ChunkRow<T>>,
    said: Vec<Said>,
    categories: registry::Categories,
}

impl<T> Judged<T> {
    /// What the rows are about.
    pub(super) fn of(categories: registry::Categories) -> Self {
        Self { rows: Vec::new(), said: Vec::new(), categories }
    }

    pub(super) fn push<R>(&mut self, row: &Received<R>, verdict: Result<Accepted<T>, RowRefusal>) {
        let (verdict, said) = match with_unknown_words(&row.unknown_words, verdict) {
            Ok(Accepted { value, warnings }) => (RowVerdict::Accepted(value), say(&warnings, true)),
            Err(RowRefusal::Quarantined(problems)) => {
                let hit =
                    problems.iter().find(|problem| problem.reason.name() == "INDIVIDUAL_NUMBER_FORBIDDEN");
                let field = hit.map(|problem| problem.field.clone()).unwrap_or_default();
                (RowVerdict::Quarantined { field }, say(&problems, false))
            }
            Err(RowRefusal::Rejected(problems)) => (RowVerdict::Rejected, say(&problems, false)),
        };
        self.push_said(row, verdict, said);
    }

    /// A row whose verdict is in the words of its own rules.
    pub(super) fn push_said<R>(&mut self, row: &Received<R>, verdict: RowVerdict<T>, said: Said) {
        self.rows.push(ChunkRow { row_id: row.row_id.clone(), row_sha256: row.row_sha256, verdict });
        self.said.push(said);
    }

    /// Ids and digests of the rows, for the entry, and what was said about each.
    pub(super) fn report(&self) -> Report {
        let reported = |(row, said): (&ChunkRow<T>, &Said)| ReportedRow {
            row_id: row.row_id.clone(),
            row_sha256: row.row_sha256,
            said: said.clone(),
        };
        let rows = self.rows.iter().zip(&self.said).map(reported).collect();
        Report { rows, categories: self.categories }
    }
}

/// A word that the contract does not know refuses the row, beside whatever the
/// rules found: a care type read as "any" would change bills.
fn with_unknown_words<T>(
    fields: &[String],
    verdict: Result<Accepted<T>, RowRefusal>,
) -> Result<Accepted<T>, RowRefusal> {
    if fields.is_empty() {
        return verdict;
    }
    let problem = |field: &String| FieldProblem { field: field.clone(), reason: FieldReason::Value };
    let unknown = fields.iter().map(problem);
    Err(match verdict {
        Ok(_) => RowRefusal::Rejected(unknown.collect()),
        Err(RowRefusal::Rejected(found)) => RowRefusal::Rejected(found.into_iter().chain(unknown).collect()),
        Err(RowRefusal::Quarantined(found)) => {
            RowRefusal::Quarantined(found.into_iter().chain(unknown).collect())
        }
    })
}

/// Makes reports and entry from outcomes.
pub(super) struct Report {
    rows: Vec<ReportedRow>,
    categories: registry::Categories,
}

struct ReportedRow {
    row_id: String,
    row_sha256: [u8; 32],
    said: Said,
}

/// Field, reason, and whether it is only a warning.
pub type Said = Vec<(String, Reason, bool)>;

impl Report {
    /// Of rows about which all there is to say is known only with their outcomes.
    pub(super) fn of<R>(rows: &[Received<R>], said: Vec<Said>, categories: registry::Categories) -> Self {
        let reported = |(row, said): (&Received<R>, Said)| ReportedRow {
            row_id: row.row_id.clone(),
            row_sha256: row.row_sha256,
            said,
        };
        Self { rows: rows.iter().zip(said).map(reported).collect(), categories }
    }

    pub(super) fn conclude(
        &self,
        call: &Call,
        dry_run: bool,
        detail_salt: &[u8; 32],
        concluding: Concluding<'_, Vec<RowDone>>,
        render: impl FnOnce(&[RowReport]) -> Vec<u8>,
    ) -> Conclusion<Refusal> {
        let Concluding::Fresh(done) = concluding else {
            return refused(Reason::Internal);
        };
        let reports: Vec<RowReport> =
            self.rows.iter().zip(&done).map(|(row, done)| report(row, *done)).collect();
        let answer = render(&reports);
        let draft = (!dry_run).then(|| {
            let mut draft = chunk_draft(call, self.categories, Sha256::digest(&answer).into());
            draft.detail.rows = self.root(detail_salt, &done);
            draft
        });
        Conclusion { reply: Reply::Answer(answer), draft }
    }

    /// Each row's salt comes from the detail part's, which the sender's receipt
    /// opens: the source can prove any single row, and nobody else can guess one.
    fn root(&self, detail_salt: &[u8; 32], done: &[RowDone]) -> Option<Rows> {
        let digest = |(position, (row, done)): (u32, (&ReportedRow, &RowDone))| {
            let salt = Sha256::new_with_prefix(detail_salt).chain_update(position.to_be_bytes()).finalize();
            let row_id = ShortText::new(row.row_id.clone()).unwrap_or_default();
            row_digest(&Salt::new(salt.into()), &row_id, &row.row_sha256, done.outcome as u16)
        };
        let digests: Vec<_> = (0_u32..).zip(self.rows.iter().zip(done)).map(digest).collect();
        Rows::new(u32::try_from(digests.len()).ok()?, rows_root(&digests)).ok()
    }
}

/// An issuer acts on its own data: holder and requester are one.
pub(super) fn chunk_draft(call: &Call, categories: registry::Categories, response_sha256: [u8; 32]) -> Draft {
    let mut draft = call.draft(Kind::BulkChunk, categories, None, response_sha256);
    draft.holder = OrgRef::new(call.short()).ok();
    draft
}

/// The salt that the chunk's rows derive theirs from.
pub(super) fn detail_salt(attempt: &Attempt) -> [u8; 32] {
    *attempt.detail_salt()
}

fn say(problems: &[FieldProblem], warning: bool) -> Said {
    let say = |problem: &FieldProblem| {
        let reason = reason_named(problem.reason.name()).unwrap_or(Reason::Value);
        (problem.field.clone(), reason, warning)
    };
    problems.iter().map(say).collect()
}

fn report(row: &ReportedRow, done: RowDone) -> RowReport {
    let mut problems = row.said.clone();
    if let Some(conflict) = done.conflict {
        problems.push(match conflict {
            RowConflict::ResidentUnknown => ("resident_key".to_owned(), Reason::ResidentUnknown, false),
            RowConflict::HistoryKeyConflict => ("history_key".to_owned(), Reason::HistoryKeyConflict, false),
            RowConflict::DuplicateRow => ("row_id".to_owned(), Reason::DuplicateRow, false),
            RowConflict::VersionDisputed => ("source_version".to_owned(), Reason::VersionDisputed, false),
            RowConflict::BatchClosed => ("row_id".to_owned(), Reason::BatchClosed, false),
            RowConflict::TicketNumberTaken => ("ticket.number".to_owned(), Reason::TicketNumberTaken, false),
            RowConflict::TicketClosed => ("ticket.number".to_owned(), Reason::TicketClosed, false),
            RowConflict::TicketsExhausted => ("ticket.pregnancy".to_owned(), Reason::TicketsExhausted, false),
            RowConflict::HolderUnknown => ("holder".to_owned(), Reason::TicketHolderUnknown, false),
            RowConflict::OtherPerson => ("record_id".to_owned(), Reason::SubjectMismatch, false),
            RowConflict::RowsMissing => ("complete_through".to_owned(), Reason::Incomplete, false),
            RowConflict::DoseNumberTaken => ("dose_number".to_owned(), Reason::DoseNumberTaken, true),
        });
    }
    RowReport { row_id: row.row_id.clone(), outcome: done.outcome, problems }
}
