//! A municipality's register (予防接種台帳): past doses, and up to which day they are all here.

use std::collections::HashMap;

use jiff::civil::Date;

use super::{
    facts::{PersonDoses, StoredDose},
    import::{DoseChunk, distinct, position_of},
    record::{DoseRecord, DoseStatus, Source},
    step::{Against, NewVersion},
};
use crate::{
    Fault, RowConflict, RowDone, RowOutcome, RowVerdict, SubjectRef,
    gateway::{decided_before, remember, short},
    sequencer::{BoxFuture, Transaction, Tx},
};

/// One row of a register.
#[derive(Debug, Clone)]
pub enum RegisterRow {
    /// A dose.
    Dose(Box<ImportedDose>),
    /// What the rows before it amount to.
    Complete(Statement),
}

/// A dose from a register.
#[derive(Clone)]
pub struct ImportedDose {
    /// Whose, by the issuer's key.
    pub resident_key: String,
    /// UUID made of the issuer's key of the record: the same row is the same dose.
    pub dose_id: String,
    /// The content.
    pub record: DoseRecord,
}

/// The issuer says that every dose of its register up to a day is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Of this resident; empty: of all.
    pub resident_key: String,
    /// Last day.
    pub through: Date,
}

impl std::fmt::Debug for ImportedDose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ImportedDose(..)")
    }
}

impl RegisterRow {
    fn resident_key(&self) -> Option<&str> {
        let key = match self {
            Self::Dose(dose) => &dose.resident_key,
            Self::Complete(statement) => &statement.resident_key,
        };
        (!key.is_empty()).then_some(key)
    }
}

impl Transaction for DoseChunk<RegisterRow> {
    type Outcome = Vec<RowDone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<RowDone>, Fault>> {
        Box::pin(async move {
            let mut seen = tx.earlier_rows(&self.batch(), &self.rows).await?;
            let residents = self.residents(tx, RegisterRow::resident_key).await?;
            let known = tx.people_doses(distinct(&residents)).await?;
            let mut people = People { residents, known };
            let mut done = Vec::with_capacity(self.rows.len());
            for (position, row) in self.rows.iter().enumerate() {
                let (outcome, version) = match (decided_before(row, &seen), &row.verdict) {
                    (Some(outcome), _) => (outcome, None),
                    (None, RowVerdict::Accepted(RegisterRow::Dose(sent))) => {
                        match people.of(&sent.resident_key) {
                            Some(doses) => place_dose(doses, sent, &short(self.issuer)),
                            None => (RowDone::refused(RowConflict::ResidentUnknown), None),
                        }
                    }
                    (None, RowVerdict::Accepted(RegisterRow::Complete(statement))) => {
                        (self.state(tx, &people, statement, &done).await?, None)
                    }
                    (None, _) => (RowDone::of(RowOutcome::Rejected), None),
                };
                if remember(&mut seen, row, outcome)
                    && let (Some(version), Some(doses)) = (version, people.of_row(&row.verdict))
                {
                    if !self.dry_run {
                        tx.write_version(doses, &version, position_of(position)?).await?;
                    }
                    learn(doses, version);
                }
                done.push(outcome);
            }
            self.keep(tx, &done).await?;
            Ok(done)
        })
    }
}

/// The issuer's residents named in a chunk, with what is known of each.
struct People {
    residents: HashMap<String, SubjectRef>,
    known: HashMap<SubjectRef, PersonDoses>,
}

impl People {
    fn of(&self, resident_key: &str) -> Option<&PersonDoses> {
        self.known.get(self.residents.get(resident_key)?)
    }

    fn of_row(&mut self, verdict: &RowVerdict<RegisterRow>) -> Option<&mut PersonDoses> {
        let RowVerdict::Accepted(row) = verdict else { return None };
        self.known.get_mut(self.residents.get(row.resident_key()?)?)
    }
}

impl DoseChunk<RegisterRow> {
    /// A register of which rows were refused is not all here. Rows about people whom the gateway does not know are not
    /// missing to anybody: nobody can ask for them.
    async fn state(
        &self,
        tx: &mut Tx,
        people: &People,
        statement: &Statement,
        before: &[RowDone],
    ) -> Result<RowDone, Fault> {
        if !statement.resident_key.is_empty() && people.of(&statement.resident_key).is_none() {
            return Ok(RowDone::refused(RowConflict::ResidentUnknown));
        }
        let batch = self.batch();
        if before.iter().any(|done| done.is_missing()) || tx.batch_misses_rows(&batch).await? {
            return Ok(RowDone::refused(RowConflict::RowsMissing));
        }
        let key = vec![batch.organization.as_str().into(), statement.resident_key.as_str().into()];
        let sql = "SELECT complete_through FROM dose_register WHERE issuer = $1 AND resident_key = $2";
        let (through, known) = (statement.through.to_string(), tx.fetch_one(sql, key).await?);
        let outcome = match known.map(|row| row.text(0)).transpose()? {
            Some(known) if known == through => return Ok(RowDone::of(RowOutcome::Unchanged)),
            Some(_) => RowOutcome::Updated,
            None => RowOutcome::Created,
        };
        if !self.dry_run {
            let (now, entry) = (tx.now_us, super::step::index(tx.next_index)?);
            tx.execute(
                "INSERT INTO dose_register (issuer, resident_key, complete_through, told_us, entry_idx)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (issuer, resident_key) DO UPDATE SET complete_through = excluded.complete_through,
                     told_us = excluded.told_us, entry_idx = excluded.entry_idx",
                vec![
                    batch.organization.as_str().into(),
                    statement.resident_key.as_str().into(),
                    through.as_str().into(),
                    now.into(),
                    entry.into(),
                ],
            )
            .await?;
        }
        Ok(RowDone::of(outcome))
    }
}

/// What becomes of a row, and the version to write.
fn place_dose(doses: &PersonDoses, dose: &ImportedDose, issuer: &str) -> (RowDone, Option<NewVersion>) {
    let record = dose.record.clone();
    let is_second = |known: &StoredDose| {
        known.dose_id != dose.dose_id
            && known.record.status.counts()
            && (&known.record.series, known.record.dose_number) == (&record.series, record.dose_number)
    };
    let is_second = record.status.counts() && doses.doses.iter().any(is_second);
    let outcome = match doses.dose(&dose.dose_id) {
        Some(known) if known.record == record => return (RowDone::of(RowOutcome::Unchanged), None),
        // Who gave it has told of it since, and knows more of it than the register.
        Some(known) if is_told_by_the_giver(known, &record) => {
            return (RowDone::of(RowOutcome::Unchanged), None);
        }
        // What the same municipality corrected by hand stays in its lineage; the register has the last word.
        Some(_) => RowOutcome::Updated,
        // The very shot that an institution recorded here already, or a deletion of nothing.
        None if is_recorded(doses, &record) => return (RowDone::of(RowOutcome::Unchanged), None),
        None => RowOutcome::Created,
    };
    let conflict = is_second.then_some(RowConflict::DoseNumberTaken);
    let version = NewVersion {
        dose_id: dose.dose_id.clone(),
        organization: issuer.to_owned(),
        record,
        against: Against::NoLease,
        tell: Vec::new(),
    };
    (RowDone { outcome, conflict }, Some(version))
}

fn is_recorded(doses: &PersonDoses, record: &DoseRecord) -> bool {
    let is_deletion = record.status == DoseStatus::EnteredInError;
    is_deletion || doses.doses.iter().any(|dose| dose.record.is_same_shot(record))
}

fn is_told_by_the_giver(known: &StoredDose, record: &DoseRecord) -> bool {
    known.record.source != Source::Register
        && (known.record.is_same_shot(record) || record.status == DoseStatus::EnteredInError)
}

/// Later rows of the chunk see what the rows before them did.
fn learn(doses: &mut PersonDoses, new: NewVersion) {
    let NewVersion { dose_id, organization, record, .. } = new;
    let before = doses.doses.iter().position(|dose| dose.dose_id == dose_id);
    let before = before.map(|at| doses.doses.remove(at));
    let written_us = doses.now_us;
    doses.doses.push(StoredDose {
        subject: before.as_ref().map_or(doses.survivor, |before| before.subject),
        version: before.as_ref().map_or(1, |before| before.version + 1),
        first_us: before.map_or(written_us, |before| before.first_us),
        dose_id,
        organization,
        written_us,
        record,
    });
}
