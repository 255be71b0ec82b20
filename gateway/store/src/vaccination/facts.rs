//! What is known about one person's vaccinations, as of the batch.

use std::collections::HashMap;

use jiff::civil::Date;
use pmh_domain::{codes::MunicipalityCode, organization::OrganizationKind};

use super::record::{AuthorizationRecord, DoseRecord};
use crate::{
    Fault, PersonLink, SubjectRef,
    db::{Row, Value},
    gateway::{NON_DISCLOSURE, PROTECTIVE, parse},
    sequencer::Tx,
};

/// All that a decision about a dose needs.
#[derive(Clone, Default)]
pub struct PersonDoses {
    /// Time of the batch, microseconds.
    pub now_us: i64,
    /// Index that the entry of this step will have.
    pub index: u64,
    /// The reference that stands for all references of this person.
    pub survivor: SubjectRef,
    /// All references of this person.
    pub references: Vec<SubjectRef>,
    /// Issuers' links.
    pub links: Vec<PersonLink>,
    /// The newest version of every dose, by the day of the shot.
    pub doses: Vec<StoredDose>,
    /// Numbers that are taken, or were reserved once.
    pub slots: Vec<Slot>,
    /// As their issuers sent them last.
    pub authorizations: Vec<AuthorizationRecord>,
    /// Up to which day an issuer, `<kind>:<code>`, says that its register of this person is here.
    pub registers: Vec<(String, Date)>,
    /// A child that was lost: nothing is due any more, and nobody is told that anything is.
    pub is_silent: bool,
}

/// A dose as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredDose {
    /// The reference it was first recorded under; every version stays there, whoever the person is linked with later.
    pub subject: SubjectRef,
    /// UUID.
    pub dose_id: String,
    /// From 1.
    pub version: u32,
    /// Who wrote this version, `<kind>:<code>`.
    pub organization: String,
    /// When, microseconds.
    pub written_us: i64,
    /// When its first version was written, microseconds.
    pub first_us: i64,
    /// The content.
    pub record: DoseRecord,
}

/// One number of one series of one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Slot {
    /// Series.
    pub series: String,
    /// Number.
    pub dose_number: u8,
    /// UUID of the lease.
    pub reservation_id: String,
    /// Who holds it, `<kind>:<code>`.
    pub organization: String,
    /// End of the lease, microseconds.
    pub expires_us: i64,
    /// The valid dose; empty: none yet.
    pub dose_id: String,
}

/// Who has a number at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken<'a> {
    /// Nobody.
    Free,
    /// A lease that runs.
    Leased(&'a Slot),
    /// A valid dose.
    Given(&'a Slot),
}

impl PersonDoses {
    /// Who has this number now. A lease that has ended is nobody's.
    pub fn taken(&self, series: &str, dose_number: u8) -> Taken<'_> {
        let ours = |slot: &&Slot| slot.series == series && slot.dose_number == dose_number;
        if let Some(given) = self.slots.iter().filter(ours).find(|slot| !slot.dose_id.is_empty()) {
            return Taken::Given(given);
        }
        match self.slots.iter().filter(ours).find(|slot| slot.expires_us > self.now_us) {
            Some(leased) => Taken::Leased(leased),
            None => Taken::Free,
        }
    }

    /// The municipality that served the person on a day.
    pub fn home(&self, on: Date) -> Option<MunicipalityCode> {
        let lives = |known: &&PersonLink| {
            let issuer = known.link.issuer;
            issuer.kind() == OrganizationKind::Municipality
                && known.link.last_day.is_none_or(|last| on <= last)
        };
        self.links.iter().find(lives).map(|known| known.link.issuer.code())
    }

    /// Up to which day an issuer's register of this person is here; `None`: it has not said so.
    pub fn register_until(&self, issuer: &str) -> Option<Date> {
        self.registers.iter().filter(|(known, _)| known == issuer).map(|(_, until)| *until).max()
    }

    /// Whether a reference is this person's.
    pub fn is_reference(&self, reference: &SubjectRef) -> bool {
        self.references.contains(reference)
    }

    /// The newest version of a dose.
    pub fn dose(&self, dose_id: &str) -> Option<&StoredDose> {
        self.doses.iter().find(|dose| dose.dose_id == dose_id)
    }

    /// The lease with this id, if it runs.
    pub fn lease(&self, reservation_id: &str) -> Option<&Slot> {
        let runs = |slot: &&Slot| slot.dose_id.is_empty() && slot.expires_us > self.now_us;
        self.slots.iter().filter(runs).find(|slot| slot.reservation_id == reservation_id)
    }
}

impl Tx {
    /// Everything about the person behind a reference, whichever of several it is.
    pub(crate) async fn person_doses(&mut self, reference: SubjectRef) -> Result<PersonDoses, Fault> {
        let mut found = self.people_doses(vec![reference]).await?;
        Ok(found.remove(&reference).unwrap_or_default())
    }

    /// The same for many at once, in seven statements. One whom no issuer knows is alone.
    pub(super) async fn people_doses(
        &mut self,
        asked: Vec<SubjectRef>,
    ) -> Result<HashMap<SubjectRef, PersonDoses>, Fault> {
        let (now_us, index) = (self.now_us, self.next_index);
        let people = self.references(asked).await?;
        let keys: Vec<Value> = people.keys().map(Value::from).collect();
        let mut found: HashMap<SubjectRef, PersonDoses> = HashMap::new();
        for (asked, survivor) in people.values().flatten() {
            let doses = PersonDoses { now_us, index, survivor: *survivor, ..PersonDoses::default() };
            found.insert(*asked, doses);
        }
        for (reference, askers) in &people {
            for (asked, _) in askers {
                if let Some(person) = found.get_mut(asked) {
                    person.references.push(*reference);
                }
            }
        }
        for (table, sql) in TABLES {
            for row in self.connection.fetch_in(sql, &[], keys.clone()).await? {
                let reference: SubjectRef = row.array(0, "dose")?;
                for (asked, _) in people.get(&reference).into_iter().flatten() {
                    if let Some(person) = found.get_mut(asked) {
                        person.learn(*table, &row)?;
                    }
                }
            }
        }
        Ok(found)
    }

    /// Every reference of the persons asked for, with who asked by which and the survivor.
    async fn references(&mut self, asked: Vec<SubjectRef>) -> Result<References, Fault> {
        let mut references = References::new();
        let keys = asked.iter().map(Value::from).collect();
        for row in self.connection.fetch_in(ALIASES, &[], keys).await? {
            let found = (row.array(1, "subject_alias")?, row.array(2, "subject_alias")?);
            references.entry(row.array(0, "subject_alias")?).or_default().push(found);
        }
        for alone in asked {
            let known = references.entry(alone).or_default();
            if known.iter().all(|(asked, _)| *asked != alone) {
                known.push((alone, alone));
            }
        }
        Ok(references)
    }
}

impl PersonDoses {
    fn learn(&mut self, table: Table, row: &Row) -> Result<(), Fault> {
        match table {
            Table::Link => self.links.push(person_link(row)?),
            Table::Dose => self.doses.push(stored_dose(row)?),
            Table::Slot => self.slots.push(slot(row)?),
            Table::Authorization => self.authorizations.push(parse(&row.text(1)?, "dose_authorization")?),
            Table::Silence => self.is_silent = true,
            Table::Register => self.registers.push((row.text(1)?, day(&row.text(2)?, "dose_register")?)),
        }
        Ok(())
    }
}

/// Reference → (asked, survivor).
type References = HashMap<SubjectRef, Vec<(SubjectRef, SubjectRef)>>;

#[derive(Clone, Copy)]
enum Table {
    Link,
    Dose,
    Slot,
    Authorization,
    Register,
    Silence,
}

const ALIASES: &str = "SELECT one.subject_ref, asked.subject_ref, asked.survivor
     FROM subject_alias asked JOIN subject_alias one ON one.survivor = asked.survivor
     WHERE asked.subject_ref IN ({keys})";

/// Each row begins with its reference.
const TABLES: &[(Table, &str)] = &[
    (
        Table::Link,
        "SELECT subject_ref, body, restriction FROM resident_link
         WHERE subject_ref IN ({keys}) ORDER BY issuer, resident_key",
    ),
    (
        Table::Dose,
        "SELECT d.subject_ref, d.dose_id, d.version, d.organization, d.written_us, f.written_us, d.body
         FROM dose d JOIN dose f ON f.subject_ref = d.subject_ref AND f.dose_id = d.dose_id AND f.version = 1
         WHERE d.is_newest = 1 AND d.subject_ref IN ({keys}) ORDER BY d.occurrence, d.dose_id",
    ),
    (
        Table::Slot,
        "SELECT subject_ref, series, dose_number, reservation_id, organization, expires_us, dose_id
         FROM dose_slot WHERE subject_ref IN ({keys}) ORDER BY series, dose_number",
    ),
    (
        Table::Authorization,
        "SELECT subject_ref, body FROM dose_authorization
         WHERE subject_ref IN ({keys}) ORDER BY issuer, authorization_key",
    ),
    (
        Table::Register,
        "SELECT l.subject_ref, r.issuer, r.complete_through FROM resident_link l
         JOIN dose_register r ON r.issuer = l.issuer AND r.resident_key IN ('', l.resident_key)
         WHERE l.subject_ref IN ({keys}) ORDER BY r.issuer, r.resident_key",
    ),
    (Table::Silence, "SELECT child_ref FROM birth_child WHERE is_silent = 1 AND child_ref IN ({keys})"),
];

fn person_link(row: &Row) -> Result<PersonLink, Fault> {
    let restriction = row.int(2)?;
    Ok(PersonLink {
        link: parse(&row.text(1)?, "resident_link")?,
        non_disclosure: restriction & NON_DISCLOSURE != 0,
        protective: restriction & PROTECTIVE != 0,
    })
}

pub(super) fn stored_dose(row: &Row) -> Result<StoredDose, Fault> {
    Ok(StoredDose {
        subject: row.array(0, "dose")?,
        dose_id: row.text(1)?,
        version: small(row.int(2)?, "dose")?,
        organization: row.text(3)?,
        written_us: row.int(4)?,
        first_us: row.int(5)?,
        record: parse(&row.text(6)?, "dose")?,
    })
}

fn slot(row: &Row) -> Result<Slot, Fault> {
    Ok(Slot {
        series: row.text(1)?,
        dose_number: small(row.int(2)?, "dose_slot")?,
        reservation_id: row.text(3)?,
        organization: row.text(4)?,
        expires_us: row.int(5)?,
        dose_id: row.text(6)?,
    })
}

fn day(text: &str, table: &'static str) -> Result<Date, Fault> {
    text.parse().map_err(|_| Fault::Inconsistent { table, column: "day" })
}

pub(super) fn small<T: TryFrom<i64>>(value: i64, table: &'static str) -> Result<T, Fault> {
    T::try_from(value).map_err(|_| Fault::Inconsistent { table, column: "number" })
}

pmh_domain::withheld!(PersonDoses, StoredDose, Slot);
