//! An institution's visits in bulk: each row names its person by what is printed on a ticket, and is kept and delivered as
//! a record of somebody who was present.

use std::collections::HashMap;

use jiff::civil::Date;
use pmh_domain::checkup::{
    record::Checkup,
    ticket::TicketState,
    version::{Held, Outcome, place},
};
use sha2::{Digest as _, Sha256};

use super::{
    NewCase, Registered,
    batch::BatchKey,
    push::{distinct, done, refused_by_rules},
    read::version,
    record::{Version, home},
};
use crate::{
    Attempt, ChunkRow, Concluding, Conclusion, Fault, GatewayStore, PersonLink, Recorded, Reply, RowConflict,
    RowDone, RowOutcome, RowVerdict, SubjectRef,
    gateway::{Batch, format},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
    ticket::{TicketKey, TicketOf},
};

/// Rows of one commit.
#[derive(Debug)]
pub struct VisitChunk {
    /// Who examined, `<kind>:<code>`.
    pub institution: String,
    /// Method number, part of the batch's identity.
    pub method: u16,
    /// UUID.
    pub batch_id: String,
    /// Do everything but keep.
    pub dry_run: bool,
    /// The day in Tokyo, for where each person lives.
    pub today: Date,
    /// At most 1,024.
    pub rows: Vec<VisitRow>,
}

/// A row before anybody knows whose it is.
pub struct VisitRow {
    /// The sender's own id.
    pub row_id: String,
    /// SHA-256 of the row as sent.
    pub row_sha256: [u8; 32],
    /// Whose; `None`: what the row says of that is unusable.
    pub holder: Option<TicketHolder>,
}

/// A person by what is printed on a ticket.
#[derive(Clone)]
pub struct TicketHolder {
    /// The ticket.
    pub ticket: TicketKey,
    /// The day of birth that must agree.
    pub birth_date: Date,
}

pmh_domain::withheld!(VisitRow, TicketHolder);

/// What the rules made of a row, and what is to be said about it.
pub type JudgedVisit<S> = (RowVerdict<(Checkup, Vec<NewCase>)>, S);

impl GatewayStore {
    /// Keeps an institution's visits; the outcome has one entry per row, in order. `judge` is given the row's position, is
    /// pure and may be called again.
    pub async fn push_visits<S, R>(
        &self,
        attempt: Attempt,
        chunk: VisitChunk,
        judge: impl Fn(usize, Registered<'_>) -> JudgedVisit<S> + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, Vec<(RowDone, S)>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        S: Send + Sync + 'static,
        R: Send + 'static,
    {
        self.write(Lane::Bulk, attempt, None, Push { chunk, judge }, conclude).await
    }
}

struct Push<J> {
    chunk: VisitChunk,
    judge: J,
}

/// Whom a ticket names.
struct Present {
    survivor: SubjectRef,
    references: Vec<SubjectRef>,
    links: Vec<PersonLink>,
}

impl<J, S> Transaction for Push<J>
where
    J: Fn(usize, Registered<'_>) -> JudgedVisit<S> + Send + Sync + 'static,
    S: Send + Sync + 'static,
{
    type Outcome = Vec<(RowDone, S)>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let chunk = &self.chunk;
            let mut present = Vec::with_capacity(chunk.rows.len());
            for row in &chunk.rows {
                present.push(match &row.holder {
                    Some(holder) => tx.present(holder).await?,
                    None => None,
                });
            }
            let (rows, said) = self.judged(&present);
            let batch = BatchKey { sender: &chunk.institution, batch_id: &chunk.batch_id };
            let takes = tx.takes_visits(batch).await?;
            let held = tx.held_visits(&chunk.institution, &rows).await?;
            let mut placing = Placing { takes, held, versions: Vec::new() };
            let mut outcomes = Vec::with_capacity(rows.len());
            for (position, (row, person)) in (0..).zip(rows.iter().zip(&present)) {
                outcomes.push(placing.place(position, row, person.as_ref(), chunk.today)?);
            }
            if !chunk.dry_run {
                tx.keep_versions(batch, &placing.versions).await?;
                let (organization, id) = (chunk.institution.clone(), chunk.batch_id.clone());
                tx.quarantine(&Batch { organization, method: chunk.method, id }, &rows, &outcomes).await?;
            }
            Ok(outcomes.into_iter().zip(said).collect())
        })
    }
}

type Row = ChunkRow<(Checkup, Vec<NewCase>)>;

impl<J, S> Push<J>
where
    J: Fn(usize, Registered<'_>) -> JudgedVisit<S>,
{
    fn judged(&self, present: &[Option<Present>]) -> (Vec<Row>, Vec<S>) {
        let rows = self.chunk.rows.iter().zip(present).enumerate();
        rows.map(|(position, (row, person))| {
            let home = person.as_ref().and_then(|person| home(&person.links, self.chunk.today));
            let first = person.as_ref().and_then(|person| person.links.first()).map(|known| &known.link);
            let (verdict, said) = (self.judge)(position, Registered { home, known: home.or(first) });
            (ChunkRow { row_id: row.row_id.clone(), row_sha256: row.row_sha256, verdict }, said)
        })
        .unzip()
    }
}

type HeldVisits = HashMap<String, Vec<Held<SubjectRef, [u8; 32]>>>;

/// A chunk's rows among those held.
struct Placing<'a> {
    /// Whether the batch takes what is new.
    takes: bool,
    held: HeldVisits,
    /// What is to be kept.
    versions: Vec<Version<'a>>,
}

impl<'a> Placing<'a> {
    fn place(
        &mut self,
        position: i64,
        row: &'a Row,
        person: Option<&'a Present>,
        today: Date,
    ) -> Result<RowDone, Fault> {
        let RowVerdict::Accepted((checkup, cases)) = &row.verdict else {
            return Ok(refused_by_rules(&row.verdict));
        };
        let Some(person) = person else { return Ok(HOLDER_UNKNOWN) };
        let held = self.held.entry(checkup.record_id.clone()).or_default();
        if held.iter().any(|row| !person.references.contains(&row.batch)) {
            return Ok(RowDone::refused(RowConflict::OtherPerson));
        }
        let body = format(checkup)?;
        let content: [u8; 32] = Sha256::digest(&body).into();
        let outcome = place(held, checkup.source_version, &content);
        if outcome == Outcome::Unchanged {
            return Ok(done(outcome));
        }
        if !self.takes {
            return Ok(RowDone::refused(RowConflict::BatchClosed));
        }
        held.push(Held { version: checkup.source_version, batch: person.survivor, content });
        self.versions.push(Version {
            subject: person.survivor,
            checkup,
            content,
            body,
            position,
            on_behalf: false,
            home: home(&person.links, today),
            cases,
        });
        Ok(done(outcome))
    }
}

/// One answer for a number that nobody has, for another person's, for one that was taken back and for a protected
/// person's: whoever tries numbers out learns nothing (design.md §2, P5).
const HOLDER_UNKNOWN: RowDone =
    RowDone { outcome: RowOutcome::Quarantined, conflict: Some(RowConflict::HolderUnknown) };

impl Tx {
    async fn present(&mut self, holder: &TicketHolder) -> Result<Option<Present>, Fault> {
        let of = TicketOf::Born(holder.ticket.clone(), holder.birth_date);
        let ticket = self.ticket(&of).await?;
        let is_void = |state: &TicketState| matches!(state, TicketState::Void { .. });
        let Some(ticket) = ticket.filter(|kept| !is_void(&kept.issued.ticket.state)) else { return Ok(None) };
        let (survivor, references) = self.person_of(ticket.subject).await?;
        let links = self.links_of(&references).await?;
        let is_restricted = links.iter().any(|link| link.non_disclosure || link.protective);
        Ok((!is_restricted).then_some(Present { survivor, references, links }))
    }

    async fn held_visits(&mut self, institution: &str, rows: &[Row]) -> Result<HeldVisits, Fault> {
        const HELD: &str = "SELECT record_id, source_version, content_sha256, subject_ref FROM checkup_row
             WHERE sender = $1 AND record_id IN ({keys})";
        let accepted = rows.iter().filter_map(|row| match &row.verdict {
            RowVerdict::Accepted((checkup, _)) => Some(checkup.record_id.as_str()),
            _ => None,
        });
        let mut held = HeldVisits::new();
        for row in self.connection.fetch_in(HELD, &[institution.into()], distinct(accepted)).await? {
            held.entry(row.text(0)?).or_default().push(Held {
                version: version(row.int(1)?)?,
                batch: row.array(3, "checkup_row")?,
                content: row.array(2, "checkup_row")?,
            });
        }
        Ok(held)
    }
}
