//! A municipality's own past records and authorizations, in bulk.

use std::collections::HashMap;

use pmh_domain::organization::IssuerId;

use super::{record::AuthorizationRecord, register::RegisterRow, step::index};
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

impl GatewayStore {
    /// Takes rows of a register; the outcome has one entry per row, in order. Past records are history for the rules and
    /// take no number from anybody, so the order in which they come changes nothing.
    pub async fn put_doses<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chunk: DoseChunk<RegisterRow>,
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
    pub(super) fn batch(&self) -> Batch {
        Batch { organization: short(self.issuer), method: self.method, id: self.batch_id.clone() }
    }

    /// The issuer's residents among the accepted rows.
    pub(super) async fn residents(
        &self,
        tx: &mut Tx,
        key: impl Fn(&T) -> Option<&str> + Send,
    ) -> Result<HashMap<String, SubjectRef>, Fault> {
        let accepted = self.rows.iter().filter_map(|row| match &row.verdict {
            RowVerdict::Accepted(value) => key(value),
            _ => None,
        });
        let mut keys: Vec<&str> = accepted.collect();
        keys.sort_unstable();
        keys.dedup();
        let keys = keys.into_iter().map(Value::from).collect();
        let rows = tx.connection.fetch_in(RESIDENTS, &[short(self.issuer).into()], keys).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.array(1, "resident_link")?))).collect()
    }

    pub(super) async fn keep(&self, tx: &mut Tx, done: &[RowDone]) -> Result<(), Fault> {
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

pub(super) fn distinct(residents: &HashMap<String, SubjectRef>) -> Vec<SubjectRef> {
    let mut people: Vec<SubjectRef> = residents.values().copied().collect();
    people.sort_unstable();
    people.dedup();
    people
}

pub(super) fn position_of(position: usize) -> Result<i64, Fault> {
    i64::try_from(position).map_err(|_| Fault::Inconsistent { table: "dose", column: "entry_position" })
}

impl Transaction for DoseChunk<AuthorizationRecord> {
    type Outcome = Vec<RowDone>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<RowDone>, Fault>> {
        Box::pin(async move {
            let mut seen = tx.earlier_rows(&self.batch(), &self.rows).await?;
            let residents = self.residents(tx, |permit| Some(&permit.resident_key)).await?;
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
