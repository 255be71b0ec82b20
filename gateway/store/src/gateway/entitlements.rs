//! Issuers' rights: bulk upsert by history key, and reading them back.

use std::collections::HashMap;

use pmh_domain::{
    entitlement::{Entitlement, Placement, place},
    organization::IssuerId,
};

use super::{
    ChunkRow, GatewayStore, RowConflict, RowDone, RowOutcome, RowVerdict, SubjectRef,
    chunk::{Batch, decided_before, remember},
    people,
    registry::short,
};
use crate::{
    Attempt, Concluding, Conclusion, Fault, Recorded, Reply,
    db::Value,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Rows of one commit.
#[derive(Debug)]
pub struct EntitlementChunk {
    /// Whose rights.
    pub issuer: IssuerId,
    /// Method number, part of the batch's identity.
    pub method: u16,
    /// UUID.
    pub batch_id: String,
    /// Do everything but keep.
    pub dry_run: bool,
    /// At most 1,024.
    pub rows: Vec<ChunkRow<Entitlement>>,
}

impl GatewayStore {
    /// Applies a chunk; the outcome has one entry per row, in order.
    pub async fn put_entitlements<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chunk: EntitlementChunk,
        conclude: impl FnMut(Concluding<'_, Vec<RowDone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, chunk, conclude).await
    }

    /// All versions of an issuer's own resident; `None` if it has none by this key.
    pub async fn list_entitlements<R: Send + 'static>(
        &self,
        attempt: Attempt,
        issuer: IssuerId,
        resident_key: String,
        conclude: impl FnMut(Concluding<'_, Option<(SubjectRef, Vec<Entitlement>)>>) -> Conclusion<R>
        + Send
        + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, ReadBack { issuer, resident_key }, conclude).await
    }
}

impl Transaction for EntitlementChunk {
    type Outcome = Vec<RowDone>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<RowDone>, Fault>> {
        Box::pin(async move {
            let batch =
                Batch { organization: short(self.issuer), method: self.method, id: self.batch_id.clone() };
            let mut seen = tx.earlier_rows(&batch, &self.rows).await?;
            let residents = self.residents(tx).await?;
            let mut known = self.known_versions(tx, residents.values().copied()).await?;
            let mut done = Vec::with_capacity(self.rows.len());
            let mut stored = Vec::new();
            for (position, row) in self.rows.iter().enumerate() {
                let outcome = match decided_before(row, &seen) {
                    Some(outcome) => outcome,
                    None => place_row(row, &residents, &mut known),
                };
                if remember(&mut seen, row, outcome)
                    && is_stored(outcome.outcome)
                    && let RowVerdict::Accepted(version) = &row.verdict
                    && let Some(subject) = residents.get(version.resident_key.as_str())
                {
                    stored.push(version_row(subject, version, tx.next_index, position)?);
                }
                done.push(outcome);
            }
            if !self.dry_run {
                tx.connection.insert(INSERT_VERSION, "", stored).await?;
                tx.quarantine(&batch, &self.rows, &done).await?;
                tx.keep_rows(&batch, &self.rows, &done).await?;
            }
            Ok(done)
        })
    }
}

impl EntitlementChunk {
    fn accepted(&self) -> impl Iterator<Item = &Entitlement> {
        self.rows.iter().filter_map(|row| match &row.verdict {
            RowVerdict::Accepted(version) => Some(version),
            _ => None,
        })
    }

    async fn residents(&self, tx: &mut Tx) -> Result<HashMap<String, SubjectRef>, Fault> {
        let mut keys: Vec<&str> = self.accepted().map(|version| version.resident_key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let rows = tx
            .connection
            .fetch_in(
                "SELECT resident_key, subject_ref FROM resident_link WHERE issuer = $1 AND resident_key IN ({keys})",
                &[short(self.issuer).into()],
                keys.into_iter().map(Value::from).collect(),
            )
            .await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.array(1, "resident_link")?))).collect()
    }

    async fn known_versions(
        &self,
        tx: &mut Tx,
        subjects: impl Iterator<Item = SubjectRef>,
    ) -> Result<HashMap<String, Vec<Entitlement>>, Fault> {
        let rows = tx
            .connection
            .fetch_in(
                "SELECT body FROM entitlement WHERE issuer = $1 AND subject_ref IN ({keys})",
                &[short(self.issuer).into()],
                subjects.map(Value::from).collect(),
            )
            .await?;
        let mut known: HashMap<String, Vec<Entitlement>> = HashMap::new();
        for row in rows {
            let version: Entitlement = people::parse(&row.text(0)?, "entitlement")?;
            known.entry(version.resident_key.as_str().to_owned()).or_default().push(version);
        }
        Ok(known)
    }
}

fn place_row(
    row: &ChunkRow<Entitlement>,
    residents: &HashMap<String, SubjectRef>,
    known: &mut HashMap<String, Vec<Entitlement>>,
) -> RowDone {
    let RowVerdict::Accepted(version) = &row.verdict else { return RowDone::of(RowOutcome::Rejected) };
    let key = version.resident_key.as_str();
    if !residents.contains_key(key) {
        return RowDone::refused(RowConflict::ResidentUnknown);
    }
    let versions = known.entry(key.to_owned()).or_default();
    let outcome = match place(versions.iter(), version) {
        Placement::Created => RowOutcome::Created,
        Placement::Updated => RowOutcome::Updated,
        Placement::Superseded => RowOutcome::Superseded,
        Placement::Unchanged => return RowDone::of(RowOutcome::Unchanged),
        Placement::Conflict => return RowDone::refused(RowConflict::HistoryKeyConflict),
    };
    versions.push(version.clone());
    RowDone::of(outcome)
}

fn is_stored(outcome: RowOutcome) -> bool {
    matches!(outcome, RowOutcome::Created | RowOutcome::Updated | RowOutcome::Superseded)
}

const INSERT_VERSION: &str =
    "INSERT INTO entitlement (subject_ref, issuer, resident_key, certificate_type_id,
     sub_key, history_key, payer_number, recipient_number, body, entry_idx, entry_position)";

fn version_row(
    subject: &SubjectRef,
    version: &Entitlement,
    entry: u64,
    position: usize,
) -> Result<Vec<Value>, Fault> {
    const RANGE: Fault = Fault::Inconsistent { table: "entitlement", column: "entry_idx" };
    Ok(vec![
        subject.into(),
        short(version.issuer).into(),
        version.resident_key.as_str().into(),
        version.certificate_type_id.as_str().into(),
        version.certification_sub_key.as_str().into(),
        version.history_key.as_str().into(),
        version.payer_number.map(|number| number.to_string()).unwrap_or_default().into(),
        version.recipient_number.as_ref().map(ToString::to_string).unwrap_or_default().into(),
        people::format(version)?.into(),
        i64::try_from(entry).map_err(|_| RANGE)?.into(),
        i64::try_from(position).map_err(|_| RANGE)?.into(),
    ])
}

struct ReadBack {
    issuer: IssuerId,
    resident_key: String,
}

impl Transaction for ReadBack {
    type Outcome = Option<(SubjectRef, Vec<Entitlement>)>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let issuer = short(self.issuer);
            let Some(subject) = tx.resident(&issuer, &self.resident_key).await? else { return Ok(None) };
            let rows = tx
                .fetch(
                    "SELECT body FROM entitlement
                     WHERE subject_ref = $1 AND issuer = $2 AND resident_key = $3
                     ORDER BY entry_idx, entry_position",
                    vec![subject.into(), issuer.into(), self.resident_key.as_str().into()],
                )
                .await?;
            let versions: Result<_, _> =
                rows.iter().map(|row| people::parse(&row.text(0)?, "entitlement")).collect();
            Ok(Some((subject, versions?)))
        })
    }
}
