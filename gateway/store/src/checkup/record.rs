//! One checkup by the institution that examined: decided on what is held of it, kept, and delivered in the same commit.
//!
//! An institution's rows are of one batch that is always accepted: nothing of it waits for an end, and nobody undoes it.
//! A mistake is amended or withdrawn by a higher version.

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

use super::{KeptDelivery, NewCase, push::INSERT_ROW, read::version};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, PersonLink, Recorded, Reply,
    RowOutcome, SubjectRef,
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
                tx.keep_record(new, survivor, &judged.checkup, (content, body)).await?;
                tx.deliver(new, home, &judged).await?;
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

    async fn keep_record(
        &mut self,
        new: &NewRecord,
        subject: SubjectRef,
        checkup: &Checkup,
        (content, body): ([u8; 32], String),
    ) -> Result<(), Fault> {
        let (sender, now) = (new.institution.as_str(), self.now_us);
        let batch = "INSERT INTO checkup_batch (sender, batch_id, state, opened_us, closed_us, shapes, said)";
        let row = vec![
            sender.into(),
            AT_THE_COUNTER.into(),
            2_i64.into(),
            now.into(),
            now.into(),
            "{}".into(),
            "".into(),
        ];
        self.connection.insert(batch, "ON CONFLICT (sender, batch_id) DO NOTHING", vec![row]).await?;
        let row = vec![
            subject.into(),
            sender.into(),
            new.record_id.as_str().into(),
            checkup.source_version.number().into(),
            content.into(),
            AT_THE_COUNTER.into(),
            checkup.date.to_string().into(),
            body.into(),
            signed(self.next_index)?.into(),
            0_i64.into(),
        ];
        self.connection.insert(INSERT_ROW, "", vec![row]).await.map(drop)
    }

    /// To where the person lives, with what must be heard there at once (transactional outbox).
    async fn deliver<S>(
        &mut self,
        new: &NewRecord,
        home: Option<&ResidentLink>,
        judged: &Judged<S>,
    ) -> Result<(), Fault> {
        const HEAD: &str =
            "INSERT INTO checkup_delivery (sender, record_id, source_version, municipality, resident_key,
             on_behalf, urgent, delivered_us, read_us, read_idx, entry_idx)";
        let municipality = home.map(|link| short(link.issuer)).unwrap_or_default();
        let row = vec![
            new.institution.as_str().into(),
            new.record_id.as_str().into(),
            judged.checkup.source_version.number().into(),
            municipality.as_str().into(),
            home.map_or("", |link| link.resident_key.as_str()).into(),
            i64::from(new.on_behalf).into(),
            i64::from(!judged.cases.is_empty()).into(),
            self.now_us.into(),
            0_i64.into(),
            0_i64.into(),
            signed(self.next_index)?.into(),
        ];
        self.connection.insert(HEAD, "", vec![row]).await?;
        if home.is_some() { self.raise(&municipality, &judged.cases).await } else { Ok(()) }
    }
}

/// The municipality whose resident the person is on a day.
fn home(links: &[PersonLink], on: Date) -> Option<&ResidentLink> {
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

/// The one batch of an institution; no UUID, so no batch that somebody sends can be it.
const AT_THE_COUNTER: &str = "counter";
/// Results of tests come after the person has gone. Ours; no source was read.
const WITHOUT_CARD_US: i64 = 30 * 24 * 3600 * 1_000_000;
