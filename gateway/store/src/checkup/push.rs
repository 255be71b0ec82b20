//! A chunk of a batch: its rows are placed among those held, and kept with its entry.

use std::collections::HashMap;

use pmh_domain::{
    checkup::{
        record::{Checkup, changes},
        version::{Held, Outcome, place, read},
    },
    organization::IssuerId,
};
use sha2::{Digest as _, Sha256};

use super::{
    NewCase,
    batch::{BatchKey, BatchState},
    counting, rows_and_batches,
};
use crate::{
    Attempt, ChunkRow, Concluding, Conclusion, Fault, GatewayStore, Recorded, Reply, RowConflict, RowDone,
    RowOutcome, RowVerdict, SubjectRef,
    db::Value,
    gateway::{Batch, format, parse, short},
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Rows of one commit.
#[derive(Debug)]
pub struct CheckupChunk {
    /// Whose residents.
    pub sender: IssuerId,
    /// Method number, under which rows are held apart.
    pub method: u16,
    /// UUID.
    pub batch_id: String,
    /// Do everything but keep, and tell what would change.
    pub dry_run: bool,
    /// At most 1,024.
    pub rows: Vec<ChunkRow<Checkup>>,
    /// What rows of the chunk raise, refused ones too.
    pub cases: Vec<NewCase>,
}

/// What became of a chunk.
#[derive(Debug, Clone)]
pub struct PlacedChunk {
    /// One per row, in order.
    pub done: Vec<RowDone>,
    /// Of a dry run: position and changed fields of rows that would update a record.
    pub changes: Vec<(usize, Vec<String>)>,
}

impl GatewayStore {
    /// Places a chunk; what is new is kept, but counts only once its batch is accepted.
    pub async fn push_checkups<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chunk: CheckupChunk,
        conclude: impl FnMut(Concluding<'_, PlacedChunk>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, chunk, conclude).await
    }
}

impl Transaction for CheckupChunk {
    type Outcome = PlacedChunk;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<PlacedChunk, Fault>> {
        Box::pin(async move {
            let sender = short(self.sender);
            let key = BatchKey { sender: &sender, batch_id: &self.batch_id };
            let state = tx.batch_state(key, !self.dry_run).await?;
            let residents = self.residents(tx, &sender).await?;
            let mut held = self.held(tx, &sender).await?;
            let mut placed = PlacedChunk { done: Vec::with_capacity(self.rows.len()), changes: Vec::new() };
            let (mut kept, mut updates) = (Vec::new(), Vec::new());
            for (position, row) in self.rows.iter().enumerate() {
                let RowVerdict::Accepted(checkup) = &row.verdict else {
                    placed.done.push(refused_by_rules(&row.verdict));
                    continue;
                };
                let key = checkup.resident_key.as_ref();
                let Some(subject) = key.and_then(|key| residents.get(key.as_str())) else {
                    placed.done.push(RowDone::refused(RowConflict::ResidentUnknown));
                    continue;
                };
                let body = format(checkup)?;
                let content: [u8; 32] = Sha256::digest(&body).into();
                let rows = held.entry(checkup.record_id.clone()).or_default();
                let outcome = place(rows, checkup.source_version, &content);
                let is_new = outcome != Outcome::Unchanged;
                if is_new && state != BatchState::Open {
                    placed.done.push(RowDone::refused(RowConflict::BatchClosed));
                    continue;
                }
                if is_new {
                    rows.push(Held { version: checkup.source_version, batch: (), content });
                    kept.push(self.row(
                        subject,
                        &sender,
                        checkup,
                        content,
                        body,
                        (tx.next_index, position),
                    )?);
                }
                if outcome == Outcome::Updated {
                    updates.push((position, checkup));
                }
                placed.done.push(done(outcome));
            }
            if self.dry_run {
                placed.changes = self.changes(tx, &sender, &updates).await?;
                return Ok(placed);
            }
            tx.connection.insert(INSERT_ROW, "", kept).await?;
            tx.note_mothers(&sender, self.accepted()).await?;
            tx.raise(&sender, "", &self.cases).await?;
            let batch = Batch { organization: sender, method: self.method, id: self.batch_id.clone() };
            tx.quarantine(&batch, &self.rows, &placed.done).await?;
            Ok(placed)
        })
    }
}

type HeldRows = HashMap<String, Vec<Held<(), [u8; 32]>>>;

impl CheckupChunk {
    fn accepted(&self) -> impl Iterator<Item = &Checkup> {
        self.rows.iter().filter_map(|row| match &row.verdict {
            RowVerdict::Accepted(checkup) => Some(checkup),
            _ => None,
        })
    }

    async fn residents(&self, tx: &mut Tx, sender: &str) -> Result<HashMap<String, SubjectRef>, Fault> {
        let keys = self.accepted().filter_map(|checkup| checkup.resident_key.as_ref());
        let keys = distinct(keys.map(pmh_domain::resident::ResidentKey::as_str));
        let sql = "SELECT resident_key, subject_ref FROM resident_link WHERE issuer = $1 AND resident_key IN ({keys})";
        let rows = tx.connection.fetch_in(sql, &[sender.into()], keys).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.array(1, "resident_link")?))).collect()
    }

    /// Rows of the same records that count, and those that this batch brought before.
    async fn held(&self, tx: &mut Tx, sender: &str) -> Result<HeldRows, Fault> {
        const HELD: &str = concat!(
            "SELECT r.record_id, r.source_version, r.content_sha256 FROM ",
            rows_and_batches!(),
            " WHERE r.sender = $1 AND (",
            counting!(),
            " OR r.batch_id = $2) AND r.record_id IN ({keys})"
        );
        let keys = distinct(self.accepted().map(|checkup| checkup.record_id.as_str()));
        let fixed = [sender.into(), self.batch_id.as_str().into()];
        let mut held = HeldRows::new();
        for row in tx.connection.fetch_in(HELD, &fixed, keys).await? {
            let version = super::read::version(row.int(1)?)?;
            let content = row.array(2, "checkup_row")?;
            held.entry(row.text(0)?).or_default().push(Held { version, batch: (), content });
        }
        Ok(held)
    }

    fn row(
        &self,
        subject: &SubjectRef,
        sender: &str,
        checkup: &Checkup,
        content: [u8; 32],
        body: String,
        (entry, position): (u64, usize),
    ) -> Result<Vec<Value>, Fault> {
        const RANGE: Fault = Fault::Inconsistent { table: "checkup_row", column: "entry_position" };
        Ok(vec![
            subject.into(),
            sender.into(),
            checkup.record_id.as_str().into(),
            checkup.source_version.number().into(),
            content.into(),
            self.batch_id.as_str().into(),
            checkup.date.to_string().into(),
            body.into(),
            signed(entry)?.into(),
            i64::try_from(position).map_err(|_| RANGE)?.into(),
        ])
    }

    /// What updates would change of what readers see.
    async fn changes(
        &self,
        tx: &mut Tx,
        sender: &str,
        updates: &[(usize, &Checkup)],
    ) -> Result<Vec<(usize, Vec<String>)>, Fault> {
        const BODIES: &str = concat!(
            "SELECT r.record_id, r.source_version, r.body FROM ",
            rows_and_batches!(),
            " WHERE r.sender = $1 AND ",
            counting!(),
            " AND r.record_id IN ({keys})"
        );
        let keys = distinct(updates.iter().map(|(_, checkup)| checkup.record_id.as_str()));
        let mut bodies: HashMap<String, Vec<Held<(), String>>> = HashMap::new();
        for row in tx.connection.fetch_in(BODIES, &[sender.into()], keys).await? {
            let (version, content) = (super::read::version(row.int(1)?)?, row.text(2)?);
            bodies.entry(row.text(0)?).or_default().push(Held { version, batch: (), content });
        }
        let mut told = Vec::new();
        for (position, after) in updates {
            let Some(before) = bodies.get(&after.record_id).and_then(|rows| read(rows)) else { continue };
            let before: Checkup = parse(&before.row.content, "checkup_row")?;
            let fields = changes(&before, after).into_iter().map(|change| change.field).collect();
            told.push((*position, fields));
        }
        Ok(told)
    }
}

pub(super) fn distinct<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let mut keys: Vec<&str> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(Value::from).collect()
}

pub(super) fn refused_by_rules<T>(verdict: &RowVerdict<T>) -> RowDone {
    match verdict {
        RowVerdict::Quarantined { .. } => RowDone::of(RowOutcome::Quarantined),
        RowVerdict::Rejected | RowVerdict::Accepted(_) => RowDone::of(RowOutcome::Rejected),
    }
}

pub(super) fn done(outcome: Outcome) -> RowDone {
    RowDone::of(match outcome {
        Outcome::Created => RowOutcome::Created,
        Outcome::Updated => RowOutcome::Updated,
        Outcome::Unchanged => RowOutcome::Unchanged,
        Outcome::Superseded => RowOutcome::Superseded,
        Outcome::Quarantined => {
            return RowDone {
                outcome: RowOutcome::Quarantined,
                conflict: Some(RowConflict::VersionDisputed),
            };
        }
    })
}

pub(super) const INSERT_ROW: &str =
    "INSERT INTO checkup_row (subject_ref, sender, record_id, source_version, content_sha256,
     batch_id, day, body, entry_idx, entry_position)";
