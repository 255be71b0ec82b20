//! A batch is taken back, step by step, so that no commit is long and who waits at a counter does not wait for it.
//!
//! Each record is at any moment what it was before the batch or what the batch made of it. How far it has come is kept
//! beside the batch: whoever asks again continues.

use super::batch::{BatchKey, BatchMove, BatchState, Known, SEVEN_DAYS_US, Said, Undoing};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply,
    db::Value,
    gateway::format,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// What undoing a batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// Records that are what they were before.
    pub restored: u32,
    /// Records that stay, because a later version rests upon them.
    pub superseded: u32,
    /// Their ids, the first thousand.
    pub superseded_ids: Vec<String>,
}

impl GatewayStore {
    /// Takes some records of a large batch of `<kind>:<code>` back, so that no commit is long; `None` if what is left is for
    /// [`GatewayStore::undo_checkup_batch`]. A batch that was begun with takes no rows and is continued by whoever asks.
    pub async fn undo_some_of_checkup_batch<R: Send + 'static>(
        &self,
        attempt: Attempt,
        sender: String,
        batch_id: String,
        conclude: impl FnMut(Concluding<'_, Option<Undone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let some = UndoSome(UndoBatch { sender, batch_id });
        self.write(Lane::Bulk, attempt, None, some, conclude).await
    }

    /// Takes a batch of `<kind>:<code>` back: what is left of it, in one commit.
    pub async fn undo_checkup_batch<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        sender: String,
        batch_id: String,
        conclude: impl FnMut(Concluding<'_, BatchMove<Undone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let undo = UndoBatch { sender, batch_id };
        self.write(Lane::Bulk, attempt, Some(idempotency), undo, conclude).await
    }
}

struct UndoBatch {
    sender: String,
    batch_id: String,
}

impl Transaction for UndoBatch {
    type Outcome = BatchMove<Undone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let key = BatchKey { sender: &self.sender, batch_id: &self.batch_id };
            let Some(known) = tx.known_batch(key).await? else { return Ok(BatchMove::NotFound) };
            let Some(delete) = known.undone_by(tx.now_us) else { return Ok(BatchMove::NotAllowed) };
            let mut said = known.said;
            let mut undoing = said.undoing.take().unwrap_or_default();
            loop {
                let records = tx.records_after(key, &undoing.after).await?;
                tx.take_back(key, delete, &records, &mut undoing).await?;
                if records.len() <= RECORDS_A_STEP {
                    break;
                }
            }
            let undone = tx.undone(key, undoing.restored).await?;
            said.undoing = Some(undoing);
            tx.note(key, BatchState::Undone, &said).await?;
            Ok(BatchMove::Done(undone))
        })
    }
}

struct UndoSome(UndoBatch);

impl Transaction for UndoSome {
    type Outcome = Option<Undone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let key = BatchKey { sender: &self.0.sender, batch_id: &self.0.batch_id };
            let Some(known) = tx.known_batch(key).await? else { return Ok(None) };
            let Some(delete) = known.undone_by(tx.now_us) else { return Ok(None) };
            let (state, mut said) = (known.state, known.said);
            let mut undoing = said.undoing.take().unwrap_or_default();
            let records = tx.records_after(key, &undoing.after).await?;
            if records.len() <= RECORDS_A_STEP {
                return Ok(None);
            }
            tx.take_back(key, delete, &records, &mut undoing).await?;
            let undone = Undone { restored: undoing.restored, superseded: 0, superseded_ids: Vec::new() };
            said.undoing = Some(undoing);
            tx.note(key, state, &said).await?;
            Ok(Some(undone))
        })
    }
}

impl Known {
    /// Which rows go when it is taken back; `None`: it was, or it is too late. What was begun in time may end later.
    fn undone_by(&self, now_us: i64) -> Option<&'static str> {
        let late = self.said.undoing.is_none() && self.closed_us.saturating_add(SEVEN_DAYS_US) < now_us;
        match self.state {
            BatchState::Accepted if late => None,
            BatchState::Accepted => Some(DELETE_WHAT_NOTHING_RESTS_UPON),
            BatchState::Open | BatchState::Held => Some(DELETE_ALL),
            BatchState::Undone | BatchState::Abandoned => None,
        }
    }
}

impl Tx {
    /// The next records of a batch, one more than a step takes.
    async fn records_after(&mut self, key: BatchKey<'_>, after: &str) -> Result<Vec<String>, Fault> {
        const RECORDS: &str = "SELECT DISTINCT record_id FROM checkup_row
             WHERE sender = $1 AND batch_id = $2 AND record_id > $3 ORDER BY record_id LIMIT $4";
        let limit = i64::try_from(RECORDS_A_STEP).unwrap_or(i64::MAX).saturating_add(1);
        let mut values = key.values();
        values.extend([after.into(), limit.into()]);
        self.fetch(RECORDS, values).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Takes back the rows of a step's records.
    async fn take_back(
        &mut self,
        key: BatchKey<'_>,
        delete: &str,
        records: &[String],
        undoing: &mut Undoing,
    ) -> Result<(), Fault> {
        const LEFT: &str = "SELECT COUNT(DISTINCT record_id) FROM checkup_row
             WHERE sender = $1 AND batch_id = $2 AND record_id > $3 AND record_id <= $4";
        let step = records.get(..RECORDS_A_STEP).unwrap_or(records);
        let Some(last) = step.last() else { return Ok(()) };
        let values = || {
            let mut values = key.values();
            values.extend([undoing.after.as_str().into(), last.as_str().into()]);
            values
        };
        self.execute(delete, values()).await?;
        let range = vec![key.sender.into(), undoing.after.as_str().into(), last.as_str().into()];
        self.execute(DELETE_DELIVERIES, range).await?;
        let left = self.count(LEFT, values()).await?;
        let gone = u32::try_from(step.len()).unwrap_or(u32::MAX).saturating_sub(left);
        undoing.restored = undoing.restored.saturating_add(gone);
        undoing.after.clone_from(last);
        Ok(())
    }

    /// What is left of a batch that was taken back rests under later versions.
    async fn undone(&mut self, key: BatchKey<'_>, restored: u32) -> Result<Undone, Fault> {
        let superseded = self.count(SUPERSEDED_COUNT, key.values()).await?;
        let rows = self.fetch(SUPERSEDED, key.values()).await?;
        let superseded_ids = rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
        Ok(Undone { restored, superseded, superseded_ids })
    }

    async fn note(&mut self, key: BatchKey<'_>, state: BatchState, said: &Said) -> Result<(), Fault> {
        let sql = "UPDATE checkup_batch SET state = $3, said = $4 WHERE sender = $1 AND batch_id = $2";
        let mut values = key.values();
        values.extend([i64::from(state as u8).into(), format(said)?.into()]);
        self.execute(sql, values).await.map(drop)
    }

    async fn count(&mut self, sql: &str, values: Vec<Value>) -> Result<u32, Fault> {
        let count = self.fetch_one(sql, values).await?.map_or(Ok(0), |row| row.int(0))?;
        u32::try_from(count).map_err(|_| Fault::Inconsistent { table: "checkup_row", column: "record_id" })
    }
}

/// Records of one commit of an undoing: interactive callers wait for no more.
const RECORDS_A_STEP: usize = 1000;
const DELETE_ALL: &str =
    "DELETE FROM checkup_row WHERE sender = $1 AND batch_id = $2 AND record_id > $3 AND record_id <= $4";
const DELETE_WHAT_NOTHING_RESTS_UPON: &str =
    "DELETE FROM checkup_row WHERE sender = $1 AND batch_id = $2 AND record_id > $3 AND record_id <= $4
     AND NOT EXISTS (
         SELECT 1 FROM checkup_row later
         JOIN checkup_batch b ON b.sender = later.sender AND b.batch_id = later.batch_id
         WHERE later.sender = checkup_row.sender AND later.record_id = checkup_row.record_id
           AND later.batch_id <> checkup_row.batch_id AND b.state IN (2, 4)
           AND later.source_version > (
               SELECT MAX(own.source_version) FROM checkup_row own
               WHERE own.sender = checkup_row.sender AND own.record_id = checkup_row.record_id
                 AND own.batch_id = checkup_row.batch_id))";
/// Of versions that are gone; only an institution's have any. A case stays: somebody may have been told.
const DELETE_DELIVERIES: &str =
    "DELETE FROM checkup_delivery WHERE sender = $1 AND record_id > $2 AND record_id <= $3
     AND NOT EXISTS (
         SELECT 1 FROM checkup_row r
         WHERE r.sender = checkup_delivery.sender AND r.record_id = checkup_delivery.record_id
           AND r.source_version = checkup_delivery.source_version)";
const SUPERSEDED: &str = "SELECT DISTINCT record_id FROM checkup_row WHERE sender = $1 AND batch_id = $2
     ORDER BY record_id LIMIT 1000";
const SUPERSEDED_COUNT: &str =
    "SELECT COUNT(DISTINCT record_id) FROM checkup_row WHERE sender = $1 AND batch_id = $2";
