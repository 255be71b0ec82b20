//! A batch from its first row to its end: judged, accepted or held, confirmed.

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
    db::Value,
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
    /// Taken back, or on the way.
    Undone = 4,
    /// Was open for too long: takes no rows and counts for nobody. Reckoned by the clock, never stored.
    Abandoned = 5,
}

/// The end of a batch's stream.
#[derive(Debug)]
pub struct BatchEnd {
    /// Whose, `<kind>:<code>`. An institution's rows count already, and no gate looks at them.
    pub sender: String,
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
}

/// What the gate said, and how far an undoing has come, as kept beside the batch.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Said {
    departures: Vec<(String, String)>,
    empty_columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) undoing: Option<Undoing>,
}

/// An undoing that is under way.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Undoing {
    /// Records up to this id are dealt with.
    pub(super) after: String,
    pub(super) restored: u32,
}

type Shapes = BTreeMap<CheckupKind, BatchShape>;

impl Transaction for BatchEnd {
    type Outcome = EndedBatch;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<EndedBatch, Fault>> {
        Box::pin(async move {
            let sender = self.sender.as_str();
            let key = BatchKey { sender, batch_id: &self.batch_id };
            let state = tx.batch_state(key, !self.dry_run).await?;
            if state != BatchState::Open {
                let said = tx.known_batch(key).await?.map(|known| known.said);
                return Ok(ended(state, said.unwrap_or_default()));
            }
            let said = self.judged(&tx.history(sender).await?);
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
            let key = BatchKey { sender: &sender, batch_id: &self.batch_id };
            let Some(known) = tx.known_batch(key).await? else { return Ok(BatchMove::NotFound) };
            if known.standing(tx.now_us) != BatchState::Held {
                return Ok(BatchMove::NotAllowed);
            }
            let mut values = key.values();
            values.push(tx.now_us.into());
            tx.execute(CONFIRM, values).await?;
            Ok(BatchMove::Done(()))
        })
    }
}

/// A batch as its sender names it.
#[derive(Clone, Copy)]
pub(super) struct BatchKey<'a> {
    pub(super) sender: &'a str,
    pub(super) batch_id: &'a str,
}

impl BatchKey<'_> {
    pub(super) fn values(self) -> Vec<Value> {
        vec![self.sender.into(), self.batch_id.into()]
    }
}

/// A batch as kept.
pub(super) struct Known {
    pub(super) state: BatchState,
    opened_us: i64,
    pub(super) closed_us: i64,
    pub(super) said: Said,
}

impl Known {
    /// Where it stands for everybody but who undoes it.
    fn standing(&self, now_us: i64) -> BatchState {
        match self.state {
            _ if self.said.undoing.is_some() => BatchState::Undone,
            BatchState::Open if self.opened_us.saturating_add(SEVEN_DAYS_US) < now_us => {
                BatchState::Abandoned
            }
            state => state,
        }
    }
}

impl Tx {
    /// Where a batch stands; an unknown one is open, and is begun if it is to be kept.
    pub(super) async fn batch_state(&mut self, key: BatchKey<'_>, begin: bool) -> Result<BatchState, Fault> {
        if let Some(known) = self.known_batch(key).await? {
            return Ok(known.standing(self.now_us));
        }
        if begin {
            let mut values = key.values();
            values.push(self.now_us.into());
            self.execute(
                "INSERT INTO checkup_batch (sender, batch_id, state, opened_us, closed_us, shapes, said)
                 VALUES ($1, $2, 1, $3, 0, '', '')",
                values,
            )
            .await?;
        }
        Ok(BatchState::Open)
    }

    /// Begins an institution's batch, unless it is known. Its rows count from the commit that answers them: nothing of it
    /// waits for an end.
    pub(super) async fn begin_counting(&mut self, key: BatchKey<'_>) -> Result<(), Fault> {
        let mut row = key.values();
        row.extend([2_i64.into(), self.now_us.into(), self.now_us.into(), "{}".into(), "".into()]);
        let head = "INSERT INTO checkup_batch (sender, batch_id, state, opened_us, closed_us, shapes, said)";
        let tail = "ON CONFLICT (sender, batch_id) DO NOTHING";
        self.connection.insert(head, tail, vec![row]).await.map(drop)
    }

    /// Whether an institution's batch takes rows: as long as it can be taken back.
    pub(super) async fn takes_visits(&mut self, key: BatchKey<'_>) -> Result<bool, Fault> {
        let now = self.now_us;
        let known = self.known_batch(key).await?;
        Ok(known.is_none_or(|known| {
            known.standing(now) == BatchState::Accepted
                && known.closed_us.saturating_add(SEVEN_DAYS_US) >= now
        }))
    }

    pub(super) async fn known_batch(&mut self, key: BatchKey<'_>) -> Result<Option<Known>, Fault> {
        let sql =
            "SELECT state, opened_us, closed_us, said FROM checkup_batch WHERE sender = $1 AND batch_id = $2";
        let Some(row) = self.fetch_one(sql, key.values()).await? else { return Ok(None) };
        Ok(Some(Known {
            state: state(row.int(0)?)?,
            opened_us: row.int(1)?,
            closed_us: row.int(2)?,
            said: said(&row.text(3)?)?,
        }))
    }

    /// Shapes of the sender's newest accepted batches.
    async fn history(&mut self, sender: &str) -> Result<Vec<Shapes>, Fault> {
        let sql = "SELECT shapes, said FROM checkup_batch WHERE sender = $1 AND state = 2
                   ORDER BY closed_us DESC LIMIT 20";
        let mut history = Vec::new();
        for row in self.fetch(sql, vec![sender.into()]).await? {
            if said(&row.text(1)?)?.undoing.is_none() {
                history.push(parse(&row.text(0)?, "checkup_batch")?);
            }
        }
        Ok(history)
    }
}

fn state(number: i64) -> Result<BatchState, Fault> {
    [BatchState::Open, BatchState::Accepted, BatchState::Held, BatchState::Undone]
        .into_iter()
        .find(|state| i64::from(*state as u8) == number)
        .ok_or(Fault::Inconsistent { table: "checkup_batch", column: "state" })
}

fn said(text: &str) -> Result<Said, Fault> {
    if text.is_empty() { Ok(Said::default()) } else { parse(text, "checkup_batch") }
}

/// An accepted batch may be taken back for so long from when its rows began to count, and an open one be continued for
/// so long from its first row.
pub(super) const SEVEN_DAYS_US: i64 = 7 * 24 * 3600 * 1_000_000;
const CONFIRM: &str =
    "UPDATE checkup_batch SET state = 2, closed_us = $3 WHERE sender = $1 AND batch_id = $2 AND state = 3";
