//! What all bulk transactions share: row outcomes, and the memory of a batch.

use std::collections::{HashMap, hash_map::Entry};

use crate::{Fault, db::Value, sequencer::Tx};

/// What became of a row. Numbers are stored and committed in row digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RowOutcome {
    /// New.
    Created = 1,
    /// Newer than what was known.
    Updated = 2,
    /// Known already.
    Unchanged = 3,
    /// Older than what is known.
    Superseded = 4,
    /// Held apart.
    Quarantined = 5,
    /// Not kept.
    Rejected = 6,
}

/// Why the store itself refuses a row that is well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RowConflict {
    /// The issuer never registered this resident.
    ResidentUnknown = 1,
    /// The history key is known with other content.
    HistoryKeyConflict = 2,
    /// The row id came before in this batch with other content.
    DuplicateRow = 3,
    /// Another record counts under this number; the row is kept all the same.
    DoseNumberTaken = 4,
    /// Another content claims the same version of the record; neither counts.
    VersionDisputed = 5,
    /// The batch was closed before this row came.
    BatchClosed = 6,
    /// Says that a register is complete, of which rows were refused.
    RowsMissing = 7,
    /// The ticket's number is another resident's.
    TicketNumberTaken = 20,
    /// The ticket was used or taken back, and stays as it is.
    TicketClosed = 21,
    /// The pregnancy has all the tickets that the issuer's rule gives it.
    TicketsExhausted = 22,
    /// Ticket and birth date name nobody here. Held apart, for the sender to look at the paper again.
    HolderUnknown = 23,
    /// The record is another person's.
    OtherPerson = 24,
}

/// A row and what the rules said about it.
#[derive(Debug, Clone)]
pub struct ChunkRow<T> {
    /// The sender's own id.
    pub row_id: String,
    /// SHA-256 of the row as sent.
    pub row_sha256: [u8; 32],
    /// The rules' verdict.
    pub verdict: RowVerdict<T>,
}

/// The rules' verdict.
#[derive(Debug, Clone)]
pub enum RowVerdict<T> {
    /// Well formed.
    Accepted(T),
    /// Looks like an individual number in this field.
    Quarantined {
        /// Path of the field, never its value.
        field: String,
    },
    /// Breaks a rule.
    Rejected,
}

/// Outcome of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowDone {
    /// What became of it.
    pub outcome: RowOutcome,
    /// Why, if the store refused it.
    pub conflict: Option<RowConflict>,
}

impl RowOutcome {
    const ALL: [Self; 6] =
        [Self::Created, Self::Updated, Self::Unchanged, Self::Superseded, Self::Quarantined, Self::Rejected];
}

impl RowConflict {
    const ALL: [Self; 12] = [
        Self::ResidentUnknown,
        Self::HistoryKeyConflict,
        Self::DuplicateRow,
        Self::DoseNumberTaken,
        Self::VersionDisputed,
        Self::BatchClosed,
        Self::RowsMissing,
        Self::TicketNumberTaken,
        Self::TicketClosed,
        Self::TicketsExhausted,
        Self::HolderUnknown,
        Self::OtherPerson,
    ];
}

impl RowDone {
    pub(crate) fn of(outcome: RowOutcome) -> Self {
        Self { outcome, conflict: None }
    }

    pub(crate) fn refused(conflict: RowConflict) -> Self {
        Self { outcome: RowOutcome::Rejected, conflict: Some(conflict) }
    }

    /// Refused or held apart, about somebody whom the gateway knows.
    pub(crate) fn is_missing(self) -> bool {
        matches!(self.outcome, RowOutcome::Rejected | RowOutcome::Quarantined)
            && self.conflict != Some(RowConflict::ResidentUnknown)
    }

    fn encode(self) -> Vec<u8> {
        vec![self.outcome as u8, self.conflict.map_or(0, |conflict| conflict as u8)]
    }

    fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        const BROKEN: Fault = Fault::Inconsistent { table: "bulk_row", column: "result" };
        let &[outcome, conflict] = bytes else { return Err(BROKEN) };
        let outcome = RowOutcome::ALL.into_iter().find(|known| *known as u8 == outcome).ok_or(BROKEN)?;
        let conflict = RowConflict::ALL.into_iter().find(|known| *known as u8 == conflict);
        Ok(Self { outcome, conflict })
    }
}

/// A batch as one organization sends it by one method.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) organization: String,
    pub(crate) method: u16,
    pub(crate) id: String,
}

impl Tx {
    /// Outcomes of rows that came before under this batch id.
    pub(crate) async fn earlier_rows<T>(
        &mut self,
        batch: &Batch,
        rows: &[ChunkRow<T>],
    ) -> Result<HashMap<String, (Vec<u8>, RowDone)>, Fault> {
        let fixed: [Value; 3] =
            [batch.organization.as_str().into(), i64::from(batch.method).into(), batch.id.as_str().into()];
        let found = self
            .connection
            .fetch_in(
                "SELECT row_id, row_sha256, result FROM bulk_row
                 WHERE organization = $1 AND method = $2 AND batch_id = $3 AND row_id IN ({keys})",
                &fixed,
                rows.iter().map(|row| row.row_id.as_str().into()).collect(),
            )
            .await?;
        found
            .into_iter()
            .map(|row| Ok((row.text(0)?, (row.bytes(1)?, RowDone::decode(&row.bytes(2)?)?))))
            .collect()
    }

    /// Whether rows of an earlier chunk of this batch were refused or held apart.
    pub(crate) async fn batch_misses_rows(&mut self, batch: &Batch) -> Result<bool, Fault> {
        let values: Vec<Value> = vec![
            batch.organization.as_str().into(),
            i64::from(batch.method).into(),
            batch.id.as_str().into(),
        ];
        let sql = "SELECT DISTINCT result FROM bulk_row
             WHERE organization = $1 AND method = $2 AND batch_id = $3";
        let results = self.fetch(sql, values).await?;
        let mut done = results.iter().map(|row| RowDone::decode(&row.bytes(0)?));
        done.try_fold(false, |misses, done| Ok(misses || done?.is_missing()))
    }

    /// Remembers the outcomes of this chunk; first answers stay.
    pub(crate) async fn keep_rows<T>(
        &mut self,
        batch: &Batch,
        rows: &[ChunkRow<T>],
        done: &[RowDone],
    ) -> Result<(), Fault> {
        let expires = self.now_us + crate::sequencer::KEPT_US;
        let values = rows
            .iter()
            .zip(done)
            .filter(|(_, done)| done.conflict != Some(RowConflict::DuplicateRow))
            .map(|(row, done)| {
                vec![
                    batch.organization.as_str().into(),
                    i64::from(batch.method).into(),
                    batch.id.as_str().into(),
                    row.row_id.as_str().into(),
                    row.row_sha256.into(),
                    done.encode().into(),
                    expires.into(),
                ]
            })
            .collect();
        self.connection
            .insert(
                "INSERT INTO bulk_row (organization, method, batch_id, row_id, row_sha256, result, expires_us)",
                "ON CONFLICT (organization, method, batch_id, row_id) DO NOTHING",
                values,
            )
            .await
            .map(drop)
    }

    /// Notes that a row was held apart. Only where and when, never the value.
    pub(crate) async fn quarantine<T>(
        &mut self,
        batch: &Batch,
        rows: &[ChunkRow<T>],
        done: &[RowDone],
    ) -> Result<(), Fault> {
        let now = self.now_us;
        let mut held = Vec::new();
        for (row, done) in rows.iter().zip(done) {
            if let (RowVerdict::Quarantined { field }, None) = (&row.verdict, done.conflict) {
                held.push(vec![
                    batch.organization.as_str().into(),
                    batch.id.as_str().into(),
                    row.row_id.as_str().into(),
                    field.as_str().into(),
                    now.into(),
                ]);
            }
        }
        self.connection
            .insert(
                "INSERT INTO quarantine (issuer, batch_id, row_id, field, held_us)",
                "ON CONFLICT (issuer, batch_id, row_id) DO NOTHING",
                held,
            )
            .await
            .map(drop)
    }
}

/// What an earlier answer or the verdict alone already decides.
pub(crate) fn decided_before<T>(
    row: &ChunkRow<T>,
    earlier: &HashMap<String, (Vec<u8>, RowDone)>,
) -> Option<RowDone> {
    match earlier.get(&row.row_id) {
        Some((sha256, done)) if sha256.as_slice() == row.row_sha256 => return Some(*done),
        Some(_) => return Some(RowDone::refused(RowConflict::DuplicateRow)),
        None => {}
    }
    match row.verdict {
        RowVerdict::Accepted(_) => None,
        RowVerdict::Quarantined { .. } => Some(RowDone::of(RowOutcome::Quarantined)),
        RowVerdict::Rejected => Some(RowDone::of(RowOutcome::Rejected)),
    }
}

/// Remembers a row's outcome unless its id came before: first answers stay.
/// Tells whether this was the first.
pub(crate) fn remember<T>(
    seen: &mut HashMap<String, (Vec<u8>, RowDone)>,
    row: &ChunkRow<T>,
    outcome: RowDone,
) -> bool {
    match seen.entry(row.row_id.clone()) {
        Entry::Occupied(_) => false,
        Entry::Vacant(place) => {
            place.insert((row.row_sha256.to_vec(), outcome));
            true
        }
    }
}
