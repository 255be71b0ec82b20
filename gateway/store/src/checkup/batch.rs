//! A batch from its first row to its end: judged, accepted or held, confirmed, taken back.

use std::collections::BTreeMap;

use jiff::civil::Date;
use pmh_domain::{
    checkup::{
        anomaly::{BatchShape, Verdict, judge},
        item::expected,
        kind::CheckupKind,
    },
    organization::IssuerId,
};
use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply,
    gateway::{format, parse, short},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Where a batch stands. Numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum BatchState {
    /// Its end has not come.
    Open = 1,
    /// Its rows count.
    Accepted = 2,
    /// Waits for a person.
    Held = 3,
    /// Taken back.
    Undone = 4,
}

/// The end of a batch's stream.
#[derive(Debug)]
pub struct BatchEnd {
    /// Whose.
    pub sender: IssuerId,
    /// UUID.
    pub batch_id: String,
    /// Judge, but keep nothing.
    pub dry_run: bool,
    /// The day in Tokyo, for which items a complete record has.
    pub today: Date,
    /// Shape of the stream that has ended, by kind.
    pub shapes: BTreeMap<CheckupKind, BatchShape>,
}

/// How a batch ended.
#[derive(Debug, Clone)]
pub struct EndedBatch {
    /// Where it stands; in a dry run where it would.
    pub state: BatchState,
    /// In what it departs, Japanese and English.
    pub departures: Vec<(String, String)>,
    /// Columns that are wholly empty, where there is no history.
    pub empty_columns: Vec<String>,
}

/// What became of a wish to move a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchMove<T> {
    /// The sender has no such batch.
    NotFound,
    /// Not from where it stands, or too late.
    NotAllowed,
    /// Done.
    Done(T),
}

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
    /// Ends a batch: the gate compares it with its sender's own, and its rows count or wait. An ended batch stays as it is.
    pub async fn end_checkup_batch<R: Send + 'static>(
        &self,
        attempt: Attempt,
        end: BatchEnd,
        conclude: impl FnMut(Concluding<'_, EndedBatch>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, end, conclude).await
    }

    /// Accepts a held batch.
    pub async fn confirm_checkup_batch<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        sender: IssuerId,
        batch_id: String,
        conclude: impl FnMut(Concluding<'_, BatchMove<()>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let confirm = Confirm { sender, batch_id };
        self.write(Lane::Interactive, attempt, Some(idempotency), confirm, conclude).await
    }

    /// Takes a batch back.
    pub async fn undo_checkup_batch<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        sender: IssuerId,
        batch_id: String,
        conclude: impl FnMut(Concluding<'_, BatchMove<Undone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let undo = UndoBatch { sender, batch_id };
        self.write(Lane::Bulk, attempt, Some(idempotency), undo, conclude).await
    }
}

/// What the gate said, as kept beside the batch.
#[derive(Default, Serialize, Deserialize)]
struct Said {
    departures: Vec<(String, String)>,
    empty_columns: Vec<String>,
}

type Shapes = BTreeMap<CheckupKind, BatchShape>;

impl Transaction for BatchEnd {
    type Outcome = EndedBatch;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<EndedBatch, Fault>> {
        Box::pin(async move {
            let sender = short(self.sender);
            let state = tx.batch_state(&sender, &self.batch_id, !self.dry_run).await?;
            if state != BatchState::Open {
                let sql = "SELECT said FROM checkup_batch WHERE sender = $1 AND batch_id = $2";
                let row = tx.fetch_one(sql, vec![sender.into(), self.batch_id.as_str().into()]).await?;
                let said = row.map(|row| parse::<Said>(&row.text(0)?, "checkup_batch")).transpose()?;
                return Ok(ended(state, said.unwrap_or_default()));
            }
            let said = self.judged(&tx.history(&sender).await?);
            let state = if said.departures.is_empty() { BatchState::Accepted } else { BatchState::Held };
            if !self.dry_run {
                tx.execute(
                    "UPDATE checkup_batch SET state = $3, closed_us = $4, shapes = $5, said = $6
                     WHERE sender = $1 AND batch_id = $2 AND state = 1",
                    vec![
                        sender.into(),
                        self.batch_id.as_str().into(),
                        i64::from(state as u8).into(),
                        tx.now_us.into(),
                        format(&self.shapes)?.into(),
                        format(&said)?.into(),
                    ],
                )
                .await?;
            }
            Ok(ended(state, said))
        })
    }
}

impl BatchEnd {
    fn judged(&self, history: &[Shapes]) -> Said {
        let mut said = Said::default();
        for (kind, shape) in &self.shapes {
            let earlier: Vec<BatchShape> =
                history.iter().filter_map(|shapes| shapes.get(kind)).cloned().collect();
            let columns: Vec<&str> = expected(*kind, self.today).map(|item| item.code.as_str()).collect();
            match judge(shape, &earlier, &columns) {
                Verdict::Pass => {}
                Verdict::Hold(departures) => {
                    let tell = |departure: &pmh_domain::checkup::anomaly::Departure| {
                        let (ja, en) = (departure.ja(), departure.en());
                        (format!("{}：{ja}", kind.ja()), format!("{}: {en}", kind.en()))
                    };
                    said.departures.extend(departures.iter().map(tell));
                }
                Verdict::NotCompared(columns) => said.empty_columns.extend(columns),
            }
        }
        said.empty_columns.sort_unstable();
        said.empty_columns.dedup();
        said
    }
}

fn ended(state: BatchState, said: Said) -> EndedBatch {
    EndedBatch { state, departures: said.departures, empty_columns: said.empty_columns }
}

struct Confirm {
    sender: IssuerId,
    batch_id: String,
}

impl Transaction for Confirm {
    type Outcome = BatchMove<()>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let sender = short(self.sender);
            let Some((state, _)) = tx.known_batch(&sender, &self.batch_id).await? else {
                return Ok(BatchMove::NotFound);
            };
            if state != BatchState::Held {
                return Ok(BatchMove::NotAllowed);
            }
            tx.execute(
                "UPDATE checkup_batch SET state = 2, closed_us = $3 WHERE sender = $1 AND batch_id = $2 AND state = 3",
                vec![sender.into(), self.batch_id.as_str().into(), tx.now_us.into()],
            )
            .await?;
            Ok(BatchMove::Done(()))
        })
    }
}

struct UndoBatch {
    sender: IssuerId,
    batch_id: String,
}

impl Transaction for UndoBatch {
    type Outcome = BatchMove<Undone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let sender = short(self.sender);
            let Some((state, closed_us)) = tx.known_batch(&sender, &self.batch_id).await? else {
                return Ok(BatchMove::NotFound);
            };
            let delete = match state {
                BatchState::Undone => return Ok(BatchMove::NotAllowed),
                BatchState::Accepted if closed_us.saturating_add(UNDO_WITHIN_US) < tx.now_us => {
                    return Ok(BatchMove::NotAllowed);
                }
                BatchState::Accepted => DELETE_WHAT_NOTHING_RESTS_UPON,
                BatchState::Open | BatchState::Held => DELETE_ALL,
            };
            let key = || vec![sender.as_str().into(), self.batch_id.as_str().into()];
            let before = tx.records_of_batch(&sender, &self.batch_id).await?;
            tx.execute(delete, key()).await?;
            let superseded = tx.records_of_batch(&sender, &self.batch_id).await?;
            let rows = tx.fetch(SUPERSEDED, key()).await?;
            let superseded_ids = rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
            tx.execute("UPDATE checkup_batch SET state = 4 WHERE sender = $1 AND batch_id = $2", key())
                .await?;
            Ok(BatchMove::Done(Undone {
                restored: before.saturating_sub(superseded),
                superseded,
                superseded_ids,
            }))
        })
    }
}

impl Tx {
    /// Where a batch stands; an unknown one is open, and is begun if it is to be kept.
    pub(super) async fn batch_state(
        &mut self,
        sender: &str,
        batch_id: &str,
        begin: bool,
    ) -> Result<BatchState, Fault> {
        if let Some((state, _)) = self.known_batch(sender, batch_id).await? {
            return Ok(state);
        }
        if begin {
            let now = self.now_us;
            self.execute(
                "INSERT INTO checkup_batch (sender, batch_id, state, opened_us, closed_us, shapes, said)
                 VALUES ($1, $2, 1, $3, 0, '', '')",
                vec![sender.into(), batch_id.into(), now.into()],
            )
            .await?;
        }
        Ok(BatchState::Open)
    }

    async fn known_batch(
        &mut self,
        sender: &str,
        batch_id: &str,
    ) -> Result<Option<(BatchState, i64)>, Fault> {
        let sql = "SELECT state, closed_us FROM checkup_batch WHERE sender = $1 AND batch_id = $2";
        let row = self.fetch_one(sql, vec![sender.into(), batch_id.into()]).await?;
        row.map(|row| Ok((state(row.int(0)?)?, row.int(1)?))).transpose()
    }

    /// Shapes of the sender's newest accepted batches.
    async fn history(&mut self, sender: &str) -> Result<Vec<Shapes>, Fault> {
        let sql = "SELECT shapes FROM checkup_batch WHERE sender = $1 AND state = 2 ORDER BY closed_us DESC LIMIT 20";
        let rows = self.fetch(sql, vec![sender.into()]).await?;
        rows.iter().map(|row| parse(&row.text(0)?, "checkup_batch")).collect()
    }

    async fn records_of_batch(&mut self, sender: &str, batch_id: &str) -> Result<u32, Fault> {
        let sql = "SELECT COUNT(DISTINCT record_id) FROM checkup_row WHERE sender = $1 AND batch_id = $2";
        let row = self.fetch_one(sql, vec![sender.into(), batch_id.into()]).await?;
        let count = row.map_or(Ok(0), |row| row.int(0))?;
        u32::try_from(count).map_err(|_| Fault::Inconsistent { table: "checkup_row", column: "record_id" })
    }
}

fn state(number: i64) -> Result<BatchState, Fault> {
    [BatchState::Open, BatchState::Accepted, BatchState::Held, BatchState::Undone]
        .into_iter()
        .find(|state| i64::from(*state as u8) == number)
        .ok_or(Fault::Inconsistent { table: "checkup_batch", column: "state" })
}

/// An accepted batch may be taken back for seven days from when its rows began to count.
const UNDO_WITHIN_US: i64 = 7 * 24 * 3600 * 1_000_000;
const DELETE_ALL: &str = "DELETE FROM checkup_row WHERE sender = $1 AND batch_id = $2";
const DELETE_WHAT_NOTHING_RESTS_UPON: &str =
    "DELETE FROM checkup_row WHERE sender = $1 AND batch_id = $2 AND NOT EXISTS (
         SELECT 1 FROM checkup_row later
         JOIN checkup_batch b ON b.sender = later.sender AND b.batch_id = later.batch_id
         WHERE later.sender = checkup_row.sender AND later.record_id = checkup_row.record_id
           AND later.batch_id <> checkup_row.batch_id AND b.state IN (2, 4)
           AND later.source_version > (
               SELECT MAX(own.source_version) FROM checkup_row own
               WHERE own.sender = checkup_row.sender AND own.record_id = checkup_row.record_id
                 AND own.batch_id = checkup_row.batch_id))";
const SUPERSEDED: &str = "SELECT DISTINCT record_id FROM checkup_row WHERE sender = $1 AND batch_id = $2
     ORDER BY record_id LIMIT 1000";
