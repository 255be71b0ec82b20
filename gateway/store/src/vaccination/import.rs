//! A municipality's own past records and authorizations, in bulk.

use std::collections::HashMap;

use pmh_domain::organization::IssuerId;

use super::{
    facts::{PersonDoses, StoredDose},
    record::{AuthorizationRecord, DoseRecord, DoseStatus},
    step::{Against, NewVersion, index},
};
use crate::{
    Attempt, ChunkRow, Concluding, Conclusion, Fault, GatewayStore, Recorded, Reply, RowConflict, RowDone,
    RowOutcome, RowVerdict, SubjectRef,
    db::Value,
    gateway::{Batch, decided_before, format, parse, remember, short},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Rows of one commit.
#[derive(Debug)]
pub struct DoseChunk<T> {
    /// Whose residents.
    pub issuer: IssuerId,
    /// Method number, part of the batch's identity.
    pub method: u16,
    /// UUID.
    pub batch_id: String,
    /// Do everything but keep.
    pub dry_run: bool,
    /// At most 1,024.
    pub rows: Vec<ChunkRow<T>>,
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

impl std::fmt::Debug for ImportedDose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ImportedDose(..)")
    }
}

impl GatewayStore {
    /// Takes past records; the outcome has one entry per row, in order. They are history for the rules and take no
    /// number from anybody, so the order in which they come changes nothing.
    pub async fn put_doses<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chunk: DoseChunk<ImportedDose>,
        conclude: impl FnMut(Concluding<'_, Vec<RowDone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, chunk, conclude).await
    }

    /// Takes authorizations; the outcome has one entry per row, in order. The last one sent counts.
    pub async fn put_authorizations<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chunk: DoseChunk<AuthorizationRecord>,
        conclude: impl FnMut(Concluding<'_, Vec<RowDone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, chunk, conclude).await
    }
}

impl<T: Send + Sync> DoseChunk<T> {
    fn batch(&self) -> Batch {
        Batch { organization: short(self.issuer), method: self.method, id: self.batch_id.clone() }
    }

    /// The issuer's residents among the accepted rows.
    async fn residents(
        &self,
        tx: &mut Tx,
        key: impl Fn(&T) -> &str + Send,
    ) -> Result<HashMap<String, SubjectRef>, Fault> {
        let accepted = self.rows.iter().filter_map(|row| match &row.verdict {
            RowVerdict::Accepted(value) => Some(key(value)),
            _ => None,
        });
        let mut keys: Vec<&str> = accepted.collect();
        keys.sort_unstable();
        keys.dedup();
        let keys = keys.into_iter().map(Value::from).collect();
        let rows = tx.connection.fetch_in(RESIDENTS, &[short(self.issuer).into()], keys).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.array(1, "resident_link")?))).collect()
    }

    async fn keep(&self, tx: &mut Tx, done: &[RowDone]) -> Result<(), Fault> {
        if self.dry_run {
            return Ok(());
        }
        let batch = self.batch();
        tx.quarantine(&batch, &self.rows, done).await?;
        tx.keep_rows(&batch, &self.rows, done).await
    }
}

const RESIDENTS: &str =
    "SELECT resident_key, subject_ref FROM resident_link WHERE issuer = $1 AND resident_key IN ({keys})";

impl Transaction for DoseChunk<ImportedDose> {
    type Outcome = Vec<RowDone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<RowDone>, Fault>> {
        Box::pin(async move {
            let mut seen = tx.earlier_rows(&self.batch(), &self.rows).await?;
            let residents = self.residents(tx, |dose| &dose.resident_key).await?;
            let mut known = tx.people_doses(distinct(&residents)).await?;
            let mut done = Vec::with_capacity(self.rows.len());
            for (position, row) in self.rows.iter().enumerate() {
                let (outcome, version) = match (decided_before(row, &seen), &row.verdict) {
                    (Some(outcome), _) => (outcome, None),
                    (None, RowVerdict::Accepted(imported)) => {
                        match residents.get(&imported.resident_key).and_then(|person| known.get(person)) {
                            Some(doses) => place_dose(doses, imported, &short(self.issuer)),
                            None => (RowDone::refused(RowConflict::ResidentUnknown), None),
                        }
                    }
                    (None, _) => (RowDone::of(RowOutcome::Rejected), None),
                };
                if remember(&mut seen, row, outcome)
                    && let (Some(version), RowVerdict::Accepted(imported)) = (version, &row.verdict)
                    && let Some(doses) =
                        residents.get(&imported.resident_key).and_then(|person| known.get_mut(person))
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
    let same = |dose: &StoredDose| {
        dose.record.vaccine == record.vaccine
            && dose.record.occurrence == record.occurrence
            && !matches!(dose.record.status, DoseStatus::EnteredInError | DoseStatus::NotDone)
    };
    record.status == DoseStatus::EnteredInError || doses.doses.iter().any(same)
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

fn distinct(residents: &HashMap<String, SubjectRef>) -> Vec<SubjectRef> {
    let mut people: Vec<SubjectRef> = residents.values().copied().collect();
    people.sort_unstable();
    people.dedup();
    people
}

fn position_of(position: usize) -> Result<i64, Fault> {
    i64::try_from(position).map_err(|_| Fault::Inconsistent { table: "dose", column: "entry_position" })
}

impl Transaction for DoseChunk<AuthorizationRecord> {
    type Outcome = Vec<RowDone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<RowDone>, Fault>> {
        Box::pin(async move {
            let mut seen = tx.earlier_rows(&self.batch(), &self.rows).await?;
            let residents = self.residents(tx, |permit| &permit.resident_key).await?;
            let mut known = self.known(tx, distinct(&residents)).await?;
            let mut done = Vec::with_capacity(self.rows.len());
            let mut stored = HashMap::new();
            for (position, row) in self.rows.iter().enumerate() {
                let outcome = match (decided_before(row, &seen), &row.verdict) {
                    (Some(outcome), _) => outcome,
                    (None, RowVerdict::Accepted(permit)) => match residents.get(&permit.resident_key) {
                        None => RowDone::refused(RowConflict::ResidentUnknown),
                        Some(person) => {
                            let key = (*person, permit.authorization_key.clone());
                            let before = known.insert(key.clone(), permit.clone());
                            let outcome = compare(before.as_ref(), permit);
                            if outcome != RowOutcome::Unchanged {
                                stored
                                    .insert(key, authorization_row(person, permit, tx.next_index, position)?);
                            }
                            RowDone::of(outcome)
                        }
                    },
                    (None, _) => RowDone::of(RowOutcome::Rejected),
                };
                remember(&mut seen, row, outcome);
                done.push(outcome);
            }
            if !self.dry_run {
                tx.connection.insert(INSERT_AUTHORIZATION, REPLACE, stored.into_values().collect()).await?;
            }
            self.keep(tx, &done).await?;
            Ok(done)
        })
    }
}

type KnownAuthorizations = HashMap<(SubjectRef, String), AuthorizationRecord>;

impl DoseChunk<AuthorizationRecord> {
    async fn known(&self, tx: &mut Tx, people: Vec<SubjectRef>) -> Result<KnownAuthorizations, Fault> {
        let people = people.iter().map(Value::from).collect();
        let rows = tx
            .connection
            .fetch_in(
                "SELECT subject_ref, authorization_key, body FROM dose_authorization
                 WHERE issuer = $1 AND subject_ref IN ({keys})",
                &[short(self.issuer).into()],
                people,
            )
            .await?;
        rows.iter()
            .map(|row| {
                let key = (row.array(0, "dose_authorization")?, row.text(1)?);
                Ok((key, parse(&row.text(2)?, "dose_authorization")?))
            })
            .collect()
    }
}

fn compare(before: Option<&AuthorizationRecord>, permit: &AuthorizationRecord) -> RowOutcome {
    match before {
        None => RowOutcome::Created,
        Some(known) if known == permit => RowOutcome::Unchanged,
        Some(_) => RowOutcome::Updated,
    }
}

fn authorization_row(
    person: &SubjectRef,
    permit: &AuthorizationRecord,
    entry: u64,
    position: usize,
) -> Result<Vec<Value>, Fault> {
    Ok(vec![
        person.into(),
        permit.issuer.as_str().into(),
        permit.authorization_key.as_str().into(),
        format(permit)?.into(),
        index(entry)?.into(),
        position_of(position)?.into(),
    ])
}

const INSERT_AUTHORIZATION: &str = "INSERT INTO dose_authorization (subject_ref, issuer, authorization_key, body, entry_idx, entry_position)";
const REPLACE: &str = "ON CONFLICT (subject_ref, issuer, authorization_key) DO UPDATE
     SET body = excluded.body, entry_idx = excluded.entry_idx, entry_position = excluded.entry_position";
