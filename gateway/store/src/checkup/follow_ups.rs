//! Follow-ups: reckoned from the records that ask for something and from what people said came of them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use pmh_domain::{
    checkup::{
        follow_up::{CloseRefusal, ClosedByHand, Closing, FollowUp, FollowUpState, standing},
        judgement::Disposition,
        record::Checkup,
        version::{Held, SourceVersion, undisputed},
    },
    organization::IssuerId,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{counting, read::version, rows_and_batches};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply, SubjectRef,
    db::{Row, Value},
    gateway::{parse, short},
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// An open follow-up.
#[derive(Clone)]
pub struct OpenFollowUp {
    /// The version that reads now.
    pub checkup: Checkup,
    /// What it asks for.
    pub disposition: Disposition,
}

/// A page of a municipality's open follow-ups, by day.
#[derive(Clone, Default)]
pub struct FollowUpPage {
    /// The open ones among the records looked at.
    pub open: Vec<OpenFollowUp>,
    /// Day and record id after which the next page begins; `None`: this was the last.
    pub next: Option<(Date, String)>,
}

/// What a person says came of a follow-up.
#[derive(Clone)]
pub struct NewClosing {
    /// Whose record.
    pub sender: IssuerId,
    /// The sender's id of the record.
    pub record_id: String,
    /// The version that the person saw.
    pub version: SourceVersion,
    /// What came of it.
    pub closing: Closing,
    /// When.
    pub on: Date,
}

/// What became of a wish to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseOutcome {
    /// There is nothing to follow.
    NotFound,
    /// Another version reads now.
    OtherVersion,
    /// The rules say no.
    Refused(CloseRefusal),
    /// Closed, now or before in the same way; whose checkup it was.
    Closed(SubjectRef),
}

impl GatewayStore {
    /// A municipality's open follow-ups after a day and record id.
    pub async fn list_follow_ups<R: Send + 'static>(
        &self,
        attempt: Attempt,
        sender: IssuerId,
        after: Option<(Date, String)>,
        conclude: impl FnMut(Concluding<'_, FollowUpPage>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, List { sender, after }, conclude).await
    }

    /// Writes down what came of a follow-up.
    pub async fn close_follow_up<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        closing: NewClosing,
        conclude: impl FnMut(Concluding<'_, CloseOutcome>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), closing, conclude).await
    }
}

struct List {
    sender: IssuerId,
    after: Option<(Date, String)>,
}

impl Transaction for List {
    type Outcome = FollowUpPage;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<FollowUpPage, Fault>> {
        Box::pin(async move {
            let sender = short(self.sender);
            let candidates = tx.asking(&sender, self.after.as_ref()).await?;
            let is_last = candidates.len() < PAGE;
            let next = candidates.last().filter(|_| !is_last).cloned();
            let ids = candidates.iter().map(|(_, record)| record.as_str().into()).collect();
            let mut records = tx.followed(&sender, ids).await?;
            let silent = tx.silent_among(records.values().map(|record| record.subject).collect()).await?;
            records.retain(|_, record| !silent.contains(&record.subject));
            let open = candidates.iter().filter_map(|(_, record_id)| records.remove(record_id)?.open());
            Ok(FollowUpPage { open: open.collect(), next })
        })
    }
}

impl Transaction for NewClosing {
    type Outcome = CloseOutcome;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<CloseOutcome, Fault>> {
        Box::pin(async move {
            let sender = short(self.sender);
            let mut records = tx.followed(&sender, vec![self.record_id.as_str().into()]).await?;
            let Some(record) = records.remove(&self.record_id) else { return Ok(CloseOutcome::NotFound) };
            let (Some(known), Some(current)) = (record.standing(), record.versions.last()) else {
                return Ok(CloseOutcome::NotFound);
            };
            if current.source_version != self.version {
                return Ok(CloseOutcome::OtherVersion);
            }
            match known.close(self.on, self.closing) {
                Err(refusal) => Ok(CloseOutcome::Refused(refusal)),
                Ok(closed) => {
                    if closed != known {
                        tx.note_closing(&sender, self, known.disposition).await?;
                    }
                    Ok(CloseOutcome::Closed(record.subject))
                }
            }
        })
    }
}

/// A record with everything that decides its follow-up.
struct Followed {
    subject: SubjectRef,
    versions: Vec<Checkup>,
    closings: Vec<ClosedByHand>,
}

impl Followed {
    fn standing(&self) -> Option<FollowUp> {
        standing(&self.versions, &self.closings)
    }

    fn open(mut self) -> Option<OpenFollowUp> {
        let known = self.standing().filter(|known| known.state == FollowUpState::Open)?;
        Some(OpenFollowUp { checkup: self.versions.pop()?, disposition: known.disposition })
    }
}

impl Tx {
    /// Records with a version that asks for something and that nobody has closed since. More than are open: a later
    /// version may ask for nothing.
    async fn asking(
        &mut self,
        sender: &str,
        after: Option<&(Date, String)>,
    ) -> Result<Vec<(Date, String)>, Fault> {
        let (day, record) = after.map(|(day, record)| (day.to_string(), record.clone())).unwrap_or_default();
        let values = vec![sender.into(), day.into(), record.into(), signed(PAGE as u64)?.into()];
        let rows = self.fetch(ASKING, values).await?;
        rows.iter().map(|row| Ok((day_of(&row.text(0)?)?, row.text(1)?))).collect()
    }

    async fn followed(&mut self, sender: &str, ids: Vec<Value>) -> Result<BTreeMap<String, Followed>, Fault> {
        let mut rows: BTreeMap<String, Vec<Held<SubjectRef, String>>> = BTreeMap::new();
        for row in self.connection.fetch_in(VERSIONS, &[sender.into()], ids.clone()).await? {
            rows.entry(row.text(0)?).or_default().push(Held {
                version: version(row.int(1)?)?,
                batch: row.array(3, "checkup_row")?,
                content: row.text(2)?,
            });
        }
        let mut followed = BTreeMap::new();
        for (record_id, held) in rows {
            let counted = undisputed(&held);
            let Some(current) = counted.last() else { continue };
            let subject = current.batch;
            let versions = counted.iter().map(|row| parse(&row.content, "checkup_row"));
            let versions = versions.collect::<Result<_, _>>()?;
            followed.insert(record_id, Followed { subject, versions, closings: Vec::new() });
        }
        for row in self.connection.fetch_in(CLOSINGS, &[sender.into()], ids).await? {
            if let Some(known) = followed.get_mut(&row.text(0)?) {
                known.closings.push(closing(&row)?);
            }
        }
        Ok(followed)
    }

    async fn note_closing(
        &mut self,
        sender: &str,
        new: &NewClosing,
        disposition: Disposition,
    ) -> Result<(), Fault> {
        let (now, entry) = (self.now_us, signed(self.next_index)?);
        self.execute(
            "INSERT INTO checkup_closing (sender, record_id, source_version, disposition, closing, day, closed_us,
             entry_idx) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (sender, record_id, source_version, disposition) DO UPDATE SET closing = excluded.closing,
             day = excluded.day, closed_us = excluded.closed_us, entry_idx = excluded.entry_idx",
            vec![
                sender.into(),
                new.record_id.as_str().into(),
                new.version.number().into(),
                disposition.name().into(),
                word_of(&new.closing)?.into(),
                new.on.to_string().into(),
                now.into(),
                entry.into(),
            ],
        )
        .await
        .map(drop)
    }
}

fn closing(row: &Row) -> Result<ClosedByHand, Fault> {
    Ok(ClosedByHand {
        version: version(row.int(1)?)?,
        disposition: word(row.text(2)?)?,
        closing: word(row.text(3)?)?,
        on: day_of(&row.text(4)?)?,
    })
}

fn word<T: DeserializeOwned>(text: String) -> Result<T, Fault> {
    serde_json::from_value(text.into()).map_err(|_| BROKEN)
}

fn word_of(value: &impl Serialize) -> Result<String, Fault> {
    let value = serde_json::to_value(value).map_err(|_| BROKEN)?;
    value.as_str().map(str::to_owned).ok_or(BROKEN)
}

fn day_of(text: &str) -> Result<Date, Fault> {
    text.parse().map_err(|_| BROKEN)
}

const BROKEN: Fault = Fault::Inconsistent { table: "checkup_closing", column: "closing" };

/// Records looked at for one page.
const PAGE: usize = 100;

/// The condition is that of the index `checkup_row_asking`. A quotation mark inside a text of the record is escaped, so
/// nothing that somebody wrote there is taken for a judgement.
const ASKING: &str = concat!(
    "SELECT MIN(r.day), r.record_id FROM ",
    rows_and_batches!(),
    " WHERE r.sender = $1 AND ",
    counting!(),
    " AND (r.body LIKE '%\"disposition\":\"OBSERVATION\"%' OR r.body LIKE '%\"disposition\":\"DETAILED_EXAMINATION\"%'
       OR r.body LIKE '%\"disposition\":\"TREATMENT\"%')
     AND NOT EXISTS (SELECT 1 FROM checkup_closing c
                     WHERE c.sender = r.sender AND c.record_id = r.record_id
                       AND c.source_version >= r.source_version
                       AND r.body LIKE '%\"disposition\":\"' || c.disposition || '\"%')
     GROUP BY r.record_id
     HAVING MIN(r.day) > $2 OR (MIN(r.day) = $2 AND r.record_id > $3)
     ORDER BY 1, 2 LIMIT $4"
);
const VERSIONS: &str = concat!(
    "SELECT r.record_id, r.source_version, r.body, r.subject_ref FROM ",
    rows_and_batches!(),
    " WHERE r.sender = $1 AND ",
    counting!(),
    " AND r.record_id IN ({keys})"
);
const CLOSINGS: &str = "SELECT record_id, source_version, disposition, closing, day FROM checkup_closing
     WHERE sender = $1 AND record_id IN ({keys}) ORDER BY record_id, source_version";

macro_rules! silent {
    ($($name:ident)*) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })*
    };
}
silent!(OpenFollowUp FollowUpPage NewClosing);
