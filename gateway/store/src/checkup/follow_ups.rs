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
    /// The institution that recorded it, `<kind>:<code>`; empty: the municipality itself.
    pub institution: String,
    /// The municipality's key of the person.
    pub resident_key: String,
}

/// A page of a municipality's open follow-ups, by day.
#[derive(Clone, Default)]
pub struct FollowUpPage {
    /// The open ones among the records looked at.
    pub open: Vec<OpenFollowUp>,
    /// After which the next page begins; `None`: this was the last.
    pub next: Option<FollowUpPlace>,
}

/// A record's place among a municipality's follow-ups, which are ordered by it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FollowUpPlace {
    /// Day of the checkup.
    pub day: Option<Date>,
    /// `<kind>:<code>`.
    pub sender: String,
    /// The sender's id of the record.
    pub record_id: String,
}

/// What a person says came of a follow-up.
#[derive(Clone)]
pub struct NewClosing {
    /// Who closes it.
    pub municipality: IssuerId,
    /// The institution that recorded it, `<kind>:<code>`; `None`: the municipality itself.
    pub institution: Option<String>,
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
    /// A municipality's open follow-ups after a place, institutions' records that were delivered to it among them.
    pub async fn list_follow_ups<R: Send + 'static>(
        &self,
        attempt: Attempt,
        municipality: IssuerId,
        after: Option<FollowUpPlace>,
        conclude: impl FnMut(Concluding<'_, FollowUpPage>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, List { municipality, after }, conclude).await
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
    municipality: IssuerId,
    after: Option<FollowUpPlace>,
}

impl Transaction for List {
    type Outcome = FollowUpPage;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<FollowUpPage, Fault>> {
        Box::pin(async move {
            let own = short(self.municipality);
            let candidates = tx.asking(&own, self.after.as_ref()).await?;
            let is_last = candidates.len() < PAGE;
            let next = candidates.last().filter(|_| !is_last).map(|(place, _)| place.clone());
            let mut senders: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
            for (place, _) in &candidates {
                senders.entry(&place.sender).or_default().push(place.record_id.as_str().into());
            }
            let mut records = BTreeMap::new();
            for (sender, ids) in senders {
                records.insert(sender, tx.followed(sender, ids).await?);
            }
            let subjects = records.values().flat_map(BTreeMap::values).map(|record| record.subject).collect();
            let silent = tx.silent_among(subjects).await?;
            let mut open = Vec::new();
            for (place, resident_key) in &candidates {
                let record =
                    records.get_mut(place.sender.as_str()).and_then(|of| of.remove(&place.record_id));
                let institution = if place.sender == own { "" } else { &place.sender };
                let told = record.filter(|record| !silent.contains(&record.subject));
                open.extend(told.and_then(|record| record.open(institution, resident_key)));
            }
            Ok(FollowUpPage { open, next })
        })
    }
}

impl Transaction for NewClosing {
    type Outcome = CloseOutcome;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<CloseOutcome, Fault>> {
        Box::pin(async move {
            let municipality = short(self.municipality);
            let sender = self.institution.as_deref().unwrap_or(&municipality);
            if self.institution.is_some() && !tx.was_delivered(sender, &self.record_id, &municipality).await?
            {
                return Ok(CloseOutcome::NotFound);
            }
            let mut records = tx.followed(sender, vec![self.record_id.as_str().into()]).await?;
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
                        tx.note_closing(sender, self, known.disposition).await?;
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

    /// If it is open. Of an institution's record the key is the one it was delivered with.
    fn open(mut self, institution: &str, delivered: &str) -> Option<OpenFollowUp> {
        let known = self.standing().filter(|known| known.state == FollowUpState::Open)?;
        let checkup = self.versions.pop()?;
        let own = checkup.resident_key.as_ref().map(|key| key.as_str().to_owned());
        Some(OpenFollowUp {
            disposition: known.disposition,
            institution: institution.to_owned(),
            resident_key: own.unwrap_or_else(|| delivered.to_owned()),
            checkup,
        })
    }
}

impl Tx {
    /// Records with a version that asks for something and that nobody has closed since. More than are open: a later
    /// version may ask for nothing.
    async fn asking(
        &mut self,
        municipality: &str,
        after: Option<&FollowUpPlace>,
    ) -> Result<Vec<(FollowUpPlace, String)>, Fault> {
        let after = after.cloned().unwrap_or_default();
        let values = vec![
            municipality.into(),
            after.day.map(|day| day.to_string()).unwrap_or_default().into(),
            after.sender.into(),
            after.record_id.into(),
            signed(PAGE as u64)?.into(),
        ];
        let rows = self.fetch(ASKING, values).await?;
        let place = |row: &Row| {
            let day = Some(day_of(&row.text(0)?)?);
            let place = FollowUpPlace { day, sender: row.text(1)?, record_id: row.text(2)? };
            Ok((place, row.text(3)?))
        };
        rows.iter().map(place).collect()
    }

    async fn was_delivered(
        &mut self,
        sender: &str,
        record_id: &str,
        municipality: &str,
    ) -> Result<bool, Fault> {
        let sql = "SELECT 1 FROM checkup_delivery WHERE municipality = $1 AND sender = $2 AND record_id = $3";
        let values = vec![municipality.into(), sender.into(), record_id.into()];
        Ok(!self.fetch(sql, values).await?.is_empty())
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
macro_rules! asks {
    () => {
        " AND (r.body LIKE '%\"disposition\":\"OBSERVATION\"%' OR r.body LIKE '%\"disposition\":\"DETAILED_EXAMINATION\"%'
            OR r.body LIKE '%\"disposition\":\"TREATMENT\"%')
          AND NOT EXISTS (SELECT 1 FROM checkup_closing c
                          WHERE c.sender = r.sender AND c.record_id = r.record_id
                            AND c.source_version >= r.source_version
                            AND r.body LIKE '%\"disposition\":\"' || c.disposition || '\"%')"
    };
}
const ASKING: &str = concat!(
    "SELECT MIN(day), sender, record_id, MAX(resident_key) FROM (
         SELECT r.day, r.sender, r.record_id, '' AS resident_key FROM ",
    rows_and_batches!(),
    " WHERE r.sender = $1 AND ",
    counting!(),
    asks!(),
    " UNION ALL SELECT r.day, r.sender, r.record_id, d.resident_key FROM checkup_delivery d
         JOIN checkup_row r ON r.sender = d.sender AND r.record_id = d.record_id
         JOIN checkup_batch b ON b.sender = r.sender AND b.batch_id = r.batch_id
         WHERE d.municipality = $1 AND ",
    counting!(),
    asks!(),
    ") asking GROUP BY sender, record_id
     HAVING MIN(day) > $2 OR (MIN(day) = $2 AND (sender > $3 OR (sender = $3 AND record_id > $4)))
     ORDER BY 1, 2, 3 LIMIT $5"
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

pmh_domain::withheld!(OpenFollowUp, FollowUpPage, FollowUpPlace, NewClosing);
