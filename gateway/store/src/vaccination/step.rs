//! One step about one person's doses: load, decide, write, inside the batch's transaction.
//!
//! The decision is pure and made on the very rows that the head lock protects, so there is no gap between check and
//! act. What it wants is still written with conditions, and a condition that does not hold undoes the whole step: the
//! database alone would keep "one dose, once" even if a decision were wrong.

use pmh_domain::organization::IssuerId;

use super::{
    facts::{PersonDoses, Taken},
    record::{DoseRecord, Source},
};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply, SubjectRef,
    db::Value,
    gateway::{format, short},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Whose doses a step is about.
#[derive(Clone)]
pub enum DosesOf {
    /// The person behind a reference.
    Person(SubjectRef),
    /// The person who got this dose.
    Dose(String),
    /// The person for whom an organization reserved this; nobody else's reservation is found.
    Reservation {
        /// UUID.
        id: String,
        /// Who reserved, `<kind>:<code>`.
        organization: String,
    },
    /// An issuer's own resident.
    Resident(IssuerId, String),
}

/// What a decision wants written. Nothing by default.
#[derive(Clone, Default)]
pub struct DoseChange {
    /// A number to hold for a while.
    pub lease: Option<Lease>,
    /// A lease to give back, by its reservation.
    pub release: Option<String>,
    /// A dose's first or next version.
    pub dose: Option<NewVersion>,
    /// What was stopped.
    pub stops: Vec<Stop>,
    /// A dose of which a municipality learns only now that the person is its resident.
    pub late_news: Option<LateNews>,
}

/// A known dose that takes its place in a municipality's feed.
#[derive(Clone)]
pub struct LateNews {
    /// `<kind>:<code>`.
    pub municipality: String,
    /// The dose.
    pub dose_id: String,
}

/// A number of a series, held for a while.
#[derive(Clone)]
pub struct Lease {
    /// UUID.
    pub reservation_id: String,
    /// Who holds it, `<kind>:<code>`.
    pub organization: String,
    /// Series.
    pub series: String,
    /// Number.
    pub dose_number: u8,
    /// End, microseconds.
    pub expires_us: i64,
    /// What the reservation remembers beside it, as JSON.
    pub body: String,
}

/// A version to write.
#[derive(Clone)]
pub struct NewVersion {
    /// UUID; a known one gets its next version.
    pub dose_id: String,
    /// Who writes, `<kind>:<code>`.
    pub organization: String,
    /// The content.
    pub record: DoseRecord,
    /// Whether a lease of somebody else gives way.
    pub against: Against,
    /// Municipalities to tell, `<kind>:<code>`.
    pub tell: Vec<String>,
}

/// What a given dose is written against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Its number must be free, or held by this very organization.
    OthersLeases,
    /// It was given before it is recorded: what happened goes before a promise about what may happen.
    NoLease,
}

/// A shot that was stopped, or that a doctor went on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Municipality of residence, `<kind>:<code>`; empty if none is known.
    pub municipality: String,
    /// Day, ISO 8601.
    pub day: String,
    /// Rule id.
    pub rule: String,
    /// Vaccine code.
    pub vaccine: String,
    /// Who asked: makes the tag under which asking again counts once.
    pub organization: String,
    /// A doctor went on with a reason.
    pub overridden: bool,
}

/// A decided step.
#[derive(Clone)]
pub struct Stepped<A> {
    /// The person.
    pub survivor: SubjectRef,
    /// What was decided.
    pub decided: A,
    /// What a reservation remembered, if the step was about one.
    pub reserved: Option<String>,
}

impl GatewayStore {
    /// Decides about one person's doses and writes what was decided; `None` if there is nobody by this handle.
    /// `decide` is pure: it may be called again if the batch has to run again. It is given what the reservation
    /// remembered, if the handle is one.
    pub async fn dose_step<A, R>(
        &self,
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        of: DosesOf,
        decide: impl Fn(&PersonDoses, Option<&str>) -> (A, DoseChange) + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, Option<Stepped<A>>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        A: Send + 'static,
        R: Send + 'static,
    {
        self.write(Lane::Interactive, attempt, idempotency, Step { of, decide }, conclude).await
    }
}

struct Step<D> {
    of: DosesOf,
    decide: D,
}

impl<A, D> Transaction for Step<D>
where
    A: Send + 'static,
    D: Fn(&PersonDoses, Option<&str>) -> (A, DoseChange) + Send + Sync + 'static,
{
    type Outcome = Option<Stepped<A>>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let Some((reference, reserved)) = tx.found(&self.of).await? else { return Ok(None) };
            let doses = tx.person_doses(reference).await?;
            let (decided, change) = (self.decide)(&doses, reserved.as_deref());
            tx.change(&doses, change).await?;
            Ok(Some(Stepped { survivor: doses.survivor, decided, reserved }))
        })
    }
}

impl Tx {
    async fn found(&mut self, of: &DosesOf) -> Result<Option<(SubjectRef, Option<String>)>, Fault> {
        let row = match of {
            DosesOf::Person(reference) => return Ok(Some((*reference, None))),
            DosesOf::Resident(issuer, key) => {
                return Ok(self.resident(&short(*issuer), key).await?.map(|reference| (reference, None)));
            }
            DosesOf::Dose(id) => {
                let sql = "SELECT subject_ref, '' FROM dose WHERE dose_id = $1 AND is_newest = 1";
                self.fetch_one(sql, vec![id.as_str().into()]).await?
            }
            DosesOf::Reservation { id, organization } => {
                let sql = "SELECT subject_ref, body FROM dose_reservation
                     WHERE reservation_id = $1 AND organization = $2";
                self.fetch_one(sql, vec![id.as_str().into(), organization.as_str().into()]).await?
            }
        };
        row.map(|row| Ok((row.array(0, "dose")?, Some(row.text(1)?)))).transpose()
    }

    async fn change(&mut self, doses: &PersonDoses, change: DoseChange) -> Result<(), Fault> {
        if let Some(reservation) = &change.release {
            self.release(reservation).await?;
        }
        if let Some(lease) = &change.lease {
            self.lease(doses, lease).await?;
        }
        if let Some(version) = &change.dose {
            self.write_version(doses, version, 0).await?;
        }
        for stop in &change.stops {
            self.note_stop(&doses.survivor, stop).await?;
        }
        if let Some((news, dose)) =
            change.late_news.as_ref().and_then(|news| Some((news, doses.dose(&news.dose_id)?)))
        {
            self.tell(
                dose.subject,
                &dose.dose_id,
                dose.version.into(),
                std::slice::from_ref(&news.municipality),
            )
            .await?;
        }
        Ok(())
    }

    async fn release(&mut self, reservation_id: &str) -> Result<(), Fault> {
        self.execute(
            "DELETE FROM dose_slot WHERE reservation_id = $1 AND dose_id = ''",
            vec![reservation_id.into()],
        )
        .await
        .map(drop)
    }

    /// An ended lease frees its number here, in the statement that takes it: no timer has to be on time.
    async fn lease(&mut self, doses: &PersonDoses, lease: &Lease) -> Result<(), Fault> {
        if doses.taken(&lease.series, lease.dose_number) != Taken::Free {
            return Err(TAKEN);
        }
        self.take_slot(doses, lease, "", Against::OthersLeases).await?;
        self.execute(
            "INSERT INTO dose_reservation (reservation_id, subject_ref, organization, body, expires_us)
             VALUES ($1, $2, $3, $4, $5)",
            vec![
                lease.reservation_id.as_str().into(),
                doses.survivor.into(),
                lease.organization.as_str().into(),
                lease.body.as_str().into(),
                (doses.now_us + crate::sequencer::KEPT_US).into(),
            ],
        )
        .await
        .map(drop)
    }

    async fn take_slot(
        &mut self,
        doses: &PersonDoses,
        slot: &Lease,
        dose_id: &str,
        against: Against,
    ) -> Result<(), Fault> {
        let now = self.now_us;
        let taken = self
            .execute(
                "INSERT INTO dose_slot (subject_ref, series, dose_number, reservation_id, organization, expires_us, dose_id)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (subject_ref, series, dose_number) DO UPDATE
                 SET reservation_id = excluded.reservation_id, organization = excluded.organization,
                     expires_us = excluded.expires_us, dose_id = excluded.dose_id
                 WHERE dose_slot.dose_id = ''
                   AND ($8 = 1 OR dose_slot.expires_us <= $9
                        OR (excluded.dose_id <> '' AND dose_slot.organization = excluded.organization))",
                vec![
                    doses.survivor.into(),
                    slot.series.as_str().into(),
                    i64::from(slot.dose_number).into(),
                    slot.reservation_id.as_str().into(),
                    slot.organization.as_str().into(),
                    slot.expires_us.into(),
                    dose_id.into(),
                    (against == Against::NoLease).into(),
                    now.into(),
                ],
            )
            .await?;
        if taken == 1 { Ok(()) } else { Err(TAKEN) }
    }

    /// The next version; its number of the series is taken or given back with it.
    pub(super) async fn write_version(
        &mut self,
        doses: &PersonDoses,
        new: &NewVersion,
        position: i64,
    ) -> Result<(), Fault> {
        let before = doses.dose(&new.dose_id);
        let held = before.filter(|before| before.record.fills_a_slot());
        let (series, number) = (new.record.series.as_str(), new.record.dose_number);
        let fills = new.record.fills_a_slot();
        let stays = fills
            && held.is_some_and(|held| held.record.series == series && held.record.dose_number == number);
        if held.is_some() && !stays {
            self.execute("DELETE FROM dose_slot WHERE dose_id = $1", vec![new.dose_id.as_str().into()])
                .await?;
        }
        if fills && !stays {
            if let Taken::Given(_) = doses.taken(series, number) {
                return Err(TAKEN);
            }
            let slot = Lease {
                reservation_id: String::new(),
                organization: new.organization.clone(),
                series: series.to_owned(),
                dose_number: number,
                expires_us: 0,
                body: String::new(),
            };
            self.take_slot(doses, &slot, &new.dose_id, new.against).await?;
        }
        let version = before.map_or(1, |before| i64::from(before.version) + 1);
        if version > 1 {
            self.retire(&new.dose_id, version - 1).await?;
        }
        let subject = before.map_or(doses.survivor, |before| before.subject);
        let row = version_row(subject, new, version, (self.now_us, self.next_index), position)?;
        self.connection.insert(INSERT_VERSION, "", vec![row]).await?;
        self.tell(subject, &new.dose_id, version, &new.tell).await?;
        if new.tell.is_empty()
            && new.record.source != Source::Register
            && doses.home(new.record.occurrence).is_none()
        {
            self.remember_untold(subject, &new.dose_id).await?;
        }
        Ok(())
    }

    async fn retire(&mut self, dose_id: &str, version: i64) -> Result<(), Fault> {
        let retired = self
            .execute(
                "UPDATE dose SET is_newest = 0 WHERE dose_id = $1 AND version = $2 AND is_newest = 1",
                vec![dose_id.into(), version.into()],
            )
            .await?;
        if retired == 1 { Ok(()) } else { Err(Fault::Inconsistent { table: "dose", column: "is_newest" }) }
    }
}

fn version_row(
    subject: SubjectRef,
    new: &NewVersion,
    version: i64,
    (written_us, entry): (i64, u64),
    position: i64,
) -> Result<Vec<Value>, Fault> {
    let record = &new.record;
    Ok(vec![
        subject.into(),
        new.dose_id.as_str().into(),
        version.into(),
        true.into(),
        new.organization.as_str().into(),
        record.performer.as_str().into(),
        record.payer.as_str().into(),
        record.occurrence.to_string().into(),
        format(record)?.into(),
        written_us.into(),
        index(entry)?.into(),
        position.into(),
    ])
}

pub(super) const INSERT_VERSION: &str =
    "INSERT INTO dose (subject_ref, dose_id, version, is_newest, organization, performer, payer, occurrence, body,
     written_us, entry_idx, entry_position)";

pub(super) fn index(entry: u64) -> Result<i64, Fault> {
    i64::try_from(entry).map_err(|_| Fault::Inconsistent { table: "dose", column: "entry_idx" })
}

/// A decision wanted what somebody else has. Decisions see what is taken, so this is a mistake of ours; the step is undone.
const TAKEN: Fault = Fault::Inconsistent { table: "dose_slot", column: "dose_id" };

pmh_domain::withheld!(DosesOf, DoseChange, Lease, NewVersion, LateNews);
