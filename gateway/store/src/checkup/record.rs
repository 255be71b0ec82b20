//! One checkup by the institution that examined: decided on what is held of it, kept, and delivered in the same commit.
//!
//! What is recorded at the counter is of one batch that is always accepted: nothing of it waits for an end, and nobody
//! undoes it. A mistake is amended or withdrawn by a higher version.

use jiff::civil::Date;
use pmh_domain::{
    checkup::{
        record::Checkup,
        version::{Held, Outcome, place},
    },
    organization::OrganizationKind,
    resident::ResidentLink,
};
use sha2::{Digest as _, Sha256};

use super::{KeptDelivery, NewCase, batch::BatchKey, push::INSERT_ROW, read::version};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, PersonLink, Recorded, Reply,
    RowOutcome, SubjectRef,
    db::Value,
    gateway::{format, short},
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// What an institution writes down.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// `<kind>:<code>`.
    pub institution: String,
    /// Its own id of the record.
    pub record_id: String,
    /// Who was present; `None`: an amendment without a card.
    pub person: Option<SubjectRef>,
    /// Who acts for the person was.
    pub on_behalf: bool,
    /// The day in Tokyo, for where the person lives.
    pub today: Date,
}

/// What the rules made of it.
#[derive(Debug, Clone)]
pub struct Judged<S> {
    /// The record.
    pub checkup: Checkup,
    /// Cases for the municipality where the person lives; not empty: the record is urgent, whoever can be told.
    pub cases: Vec<NewCase>,
    /// What else is to be said.
    pub said: S,
}

/// What a register says of whom was examined.
#[derive(Clone, Copy)]
pub struct Registered<'a> {
    /// The link at the municipality where the person lives, which must hear what is urgent.
    pub home: Option<&'a ResidentLink>,
    /// What the rules may compare with and the answer may show. Before who acts for a restricted person there is nothing
    /// (design.md §2, P16).
    pub known: Option<&'a ResidentLink>,
}

/// Why nothing was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordRefusal {
    /// Nobody was present, and there is no record of these days to amend.
    CardMissing,
    /// The record is another person's.
    OtherPerson,
    /// Its version is held with other content, or a higher one is.
    VersionConflict,
}

/// What became of the call.
#[derive(Debug, Clone)]
pub enum RecordOutcome<S, E> {
    /// It is kept, now or before.
    Kept(RecordedCheckup<S>),
    /// It is not.
    Refused(RecordRefusal),
    /// The rules say why not.
    Invalid(E),
}

/// A kept record.
#[derive(Debug, Clone)]
pub struct RecordedCheckup<S> {
    /// The reference that stands for the person.
    pub subject: SubjectRef,
    /// Whether where the person lives is withheld.
    pub restricted: bool,
    /// Names the record for ever.
    pub checkup_id: [u8; 16],
    /// Created, updated, or unchanged.
    pub outcome: RowOutcome,
    /// By version, to whom it went.
    pub deliveries: Vec<KeptDelivery>,
    /// What the rules said.
    pub said: S,
}

impl GatewayStore {
    /// Keeps an institution's record. `judge` is pure and may be called again.
    pub async fn record_checkup<S, E, R>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        new: NewRecord,
        judge: impl Fn(Registered<'_>) -> Result<Judged<S>, E> + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, RecordOutcome<S, E>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        S: Send + Sync + 'static,
        E: Send + Sync + 'static,
        R: Send + 'static,
    {
        self.write(Lane::Interactive, attempt, Some(idempotency), Record { new, judge }, conclude).await
    }
}

struct Record<J> {
    new: NewRecord,
    judge: J,
}

impl<J, S, E> Transaction for Record<J>
where
    J: Fn(Registered<'_>) -> Result<Judged<S>, E> + Send + Sync + 'static,
    S: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    type Outcome = RecordOutcome<S, E>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let new = &self.new;
            let known = tx.known_record(new).await?;
            let person = match known.whose(new, tx.now_us) {
                Ok(person) => person,
                Err(refusal) => return Ok(RecordOutcome::Refused(refusal)),
            };
            let (survivor, references) = tx.person_of(person).await?;
            if known.rows.iter().any(|row| !references.contains(&row.batch)) {
                return Ok(RecordOutcome::Refused(RecordRefusal::OtherPerson));
            }
            let links = tx.links_of(&references).await?;
            let home = home(&links, new.today);
            let restricted = links.iter().any(|link| link.non_disclosure || link.protective);
            let link = home.or_else(|| links.first().map(|known| &known.link));
            let known_there = link.filter(|_| !(restricted && (new.on_behalf || known.on_behalf)));
            let judged = match (self.judge)(Registered { home, known: known_there }) {
                Ok(judged) => judged,
                Err(problems) => return Ok(RecordOutcome::Invalid(problems)),
            };
            let body = format(&judged.checkup)?;
            let content: [u8; 32] = Sha256::digest(&body).into();
            let outcome = match place(&known.rows, judged.checkup.source_version, &content) {
                Outcome::Created => RowOutcome::Created,
                Outcome::Updated => RowOutcome::Updated,
                Outcome::Unchanged => RowOutcome::Unchanged,
                Outcome::Superseded | Outcome::Quarantined => {
                    return Ok(RecordOutcome::Refused(RecordRefusal::VersionConflict));
                }
            };
            if outcome != RowOutcome::Unchanged {
                let batch = BatchKey { sender: &new.institution, batch_id: AT_THE_COUNTER };
                let version = Version {
                    subject: survivor,
                    checkup: &judged.checkup,
                    content,
                    body,
                    position: 0,
                    on_behalf: new.on_behalf,
                    home,
                    cases: &judged.cases,
                };
                tx.keep_versions(batch, &[version]).await?;
            }
            Ok(RecordOutcome::Kept(RecordedCheckup {
                subject: survivor,
                restricted,
                checkup_id: tx.keys.checkup_id(&new.institution, &new.record_id),
                outcome,
                deliveries: tx.deliveries(&new.institution, &new.record_id).await?,
                said: judged.said,
            }))
        })
    }
}

/// What is held of a record.
struct Known {
    rows: Vec<Held<SubjectRef, [u8; 32]>>,
    first_us: Option<i64>,
    on_behalf: bool,
}

impl Known {
    /// About whom the call is.
    fn whose(&self, new: &NewRecord, now_us: i64) -> Result<SubjectRef, RecordRefusal> {
        if let Some(person) = new.person {
            return Ok(person);
        }
        let is_recent = |first_us: i64| now_us.saturating_sub(first_us) <= WITHOUT_CARD_US;
        let recent = self.rows.first().filter(|_| self.first_us.is_some_and(is_recent));
        recent.map(|row| row.batch).ok_or(RecordRefusal::CardMissing)
    }
}

impl Tx {
    async fn known_record(&mut self, new: &NewRecord) -> Result<Known, Fault> {
        const HELD: &str = "SELECT source_version, content_sha256, subject_ref FROM checkup_row
             WHERE sender = $1 AND record_id = $2 ORDER BY source_version";
        let values = vec![new.institution.as_str().into(), new.record_id.as_str().into()];
        let mut rows = Vec::new();
        for row in self.fetch(HELD, values).await? {
            rows.push(Held {
                version: version(row.int(0)?)?,
                batch: row.array(2, "checkup_row")?,
                content: row.array(1, "checkup_row")?,
            });
        }
        let deliveries = self.deliveries(&new.institution, &new.record_id).await?;
        Ok(Known {
            rows,
            first_us: deliveries.iter().map(|delivery| delivery.delivered_us).min(),
            on_behalf: deliveries.iter().any(|delivery| delivery.on_behalf),
        })
    }

    /// Whose record an institution keeps under its own id.
    pub(super) async fn recorded_subject(
        &mut self,
        sender: &str,
        record_id: &str,
    ) -> Result<Option<SubjectRef>, Fault> {
        let sql = "SELECT subject_ref FROM checkup_row WHERE sender = $1 AND record_id = $2
             ORDER BY source_version DESC LIMIT 1";
        let row = self.fetch_one(sql, vec![sender.into(), record_id.into()]).await?;
        row.map(|row| row.array(0, "checkup_row")).transpose()
    }

    /// Keeps versions of an institution's records and delivers each to where its person lives, with what must be heard
    /// there at once (transactional outbox).
    pub(super) async fn keep_versions(
        &mut self,
        batch: BatchKey<'_>,
        versions: &[Version<'_>],
    ) -> Result<(), Fault> {
        const DELIVERY: &str =
            "INSERT INTO checkup_delivery (sender, record_id, source_version, municipality, resident_key,
             on_behalf, urgent, delivered_us, read_us, read_idx, entry_idx)";
        // Another content of a version goes where the first one went.
        const DELIVERED: &str = "ON CONFLICT (sender, record_id, source_version) DO NOTHING";
        let (entry, now) = (signed(self.next_index)?, self.now_us);
        self.begin_counting(batch).await?;
        let rows = versions.iter().map(|version| version.row(batch, entry)).collect();
        self.connection.insert(INSERT_ROW, "", rows).await?;
        let rows = versions.iter().map(|version| version.delivery(batch, entry, now)).collect();
        self.connection.insert(DELIVERY, DELIVERED, rows).await?;
        for version in versions {
            if let Some(home) = version.home {
                self.raise(&short(home.issuer), batch.sender, version.cases).await?;
            }
        }
        Ok(())
    }
}

/// A version of an institution's record.
pub(super) struct Version<'a> {
    pub(super) subject: SubjectRef,
    pub(super) checkup: &'a Checkup,
    pub(super) content: [u8; 32],
    pub(super) body: String,
    /// Place among the rows of its commit.
    pub(super) position: i64,
    /// Who acts for the person was present.
    pub(super) on_behalf: bool,
    pub(super) home: Option<&'a ResidentLink>,
    pub(super) cases: &'a [NewCase],
}

impl Version<'_> {
    fn row(&self, batch: BatchKey<'_>, entry: i64) -> Vec<Value> {
        vec![
            self.subject.into(),
            batch.sender.into(),
            self.checkup.record_id.as_str().into(),
            self.checkup.source_version.number().into(),
            self.content.into(),
            batch.batch_id.into(),
            self.checkup.date.to_string().into(),
            self.body.as_str().into(),
            entry.into(),
            self.position.into(),
        ]
    }

    fn delivery(&self, batch: BatchKey<'_>, entry: i64, now_us: i64) -> Vec<Value> {
        vec![
            batch.sender.into(),
            self.checkup.record_id.as_str().into(),
            self.checkup.source_version.number().into(),
            self.home.map(|link| short(link.issuer)).unwrap_or_default().into(),
            self.home.map_or("", |link| link.resident_key.as_str()).into(),
            i64::from(self.on_behalf).into(),
            i64::from(!self.cases.is_empty()).into(),
            now_us.into(),
            0_i64.into(),
            0_i64.into(),
            entry.into(),
        ]
    }
}

/// The municipality whose resident the person is on a day.
pub(super) fn home(links: &[PersonLink], on: Date) -> Option<&ResidentLink> {
    let mut lives = links.iter().map(|known| &known.link).filter(|link| {
        let is_municipality = link.issuer.kind() == OrganizationKind::Municipality;
        is_municipality && link.last_day.is_none_or(|last| on <= last)
    });
    lives.next()
}

/// Whether a sender records what it examined itself.
pub(super) fn is_institution(sender: &str) -> bool {
    sender.starts_with("clinic:")
}

/// What an institution records one by one; no UUID, so no batch that somebody sends can be it.
const AT_THE_COUNTER: &str = "counter";
/// Results of tests come after the person has gone. Ours; no source was read.
const WITHOUT_CARD_US: i64 = 30 * 24 * 3600 * 1_000_000;
