//! Issuers' own persons: bulk upsert, moves, restrictions.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use pmh_domain::{
    organization::IssuerId,
    resident::{ResidentLink, RestrictionKind},
};

use super::{
    ChunkRow, GatewayStore, RowDone, RowOutcome, RowVerdict, SubjectRef,
    chunk::{Batch, decided_before, remember},
    people::{self, NON_DISCLOSURE, PROTECTIVE},
    registry::short,
};
use crate::{
    Attempt, Concluding, Conclusion, Fault, Idempotency, Recorded, Reply,
    db::Value,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Rows of one commit; each accepted row brings the reference to use if the
/// resident is new (auth minted it).
#[derive(Debug)]
pub struct ResidentChunk {
    /// Whose residents.
    pub issuer: IssuerId,
    /// Method number, part of the batch's identity.
    pub method: u16,
    /// UUID.
    pub batch_id: String,
    /// Do everything but keep.
    pub dry_run: bool,
    /// At most 1,024.
    pub rows: Vec<ChunkRow<(ResidentLink, SubjectRef)>>,
}

/// A change of one resident.
#[derive(Debug, Clone)]
pub enum ResidentChange {
    /// 転出 with its last day, or `None` to take it back.
    Move(Option<Date>),
    /// A restriction, set or lifted.
    Restrict(RestrictionKind, bool),
}

impl GatewayStore {
    /// Applies a chunk; the outcome has one entry per row, in order.
    pub async fn put_residents<R: Send + 'static>(
        &self,
        attempt: Attempt,
        chunk: ResidentChunk,
        conclude: impl FnMut(Concluding<'_, Vec<RowDone>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, chunk, conclude).await
    }

    /// Changes one resident; the outcome is `None` if the issuer has none by this key.
    pub async fn change_resident<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        issuer: IssuerId,
        resident_key: String,
        change: ResidentChange,
        conclude: impl FnMut(Concluding<'_, Option<SubjectRef>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let change = Change { issuer, resident_key, to: change };
        self.write(Lane::Interactive, attempt, Some(idempotency), change, conclude).await
    }
}

impl Transaction for ResidentChunk {
    type Outcome = Vec<RowDone>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<RowDone>, Fault>> {
        Box::pin(async move {
            let batch =
                Batch { organization: short(self.issuer), method: self.method, id: self.batch_id.clone() };
            let mut seen = tx.earlier_rows(&batch, &self.rows).await?;
            let mut known = self.known(tx).await?;
            let mut done = Vec::with_capacity(self.rows.len());
            // A later row of the chunk may correct an earlier one; the last is kept.
            let (mut links, mut persons) = (BTreeMap::new(), Vec::new());
            for row in &self.rows {
                let outcome = match (decided_before(row, &seen), &row.verdict) {
                    (Some(outcome), _) => outcome,
                    (None, RowVerdict::Accepted((link, fresh))) => {
                        let before = known.insert(link.resident_key.as_str().to_owned(), link.clone());
                        let outcome = compare(before.as_ref(), link);
                        if outcome != RowOutcome::Unchanged {
                            links.insert(link.resident_key.as_str(), link_row(fresh, link)?);
                            persons.push(vec![fresh.into(), fresh.into(), tx.now_us.into()]);
                        }
                        RowDone::of(outcome)
                    }
                    (None, _) => RowDone::of(RowOutcome::Rejected),
                };
                remember(&mut seen, row, outcome);
                done.push(outcome);
            }
            if !self.dry_run {
                keep(tx, links.into_values().collect(), persons).await?;
                tx.quarantine(&batch, &self.rows, &done).await?;
                tx.keep_rows(&batch, &self.rows, &done).await?;
            }
            Ok(done)
        })
    }
}

impl ResidentChunk {
    async fn known(&self, tx: &mut Tx) -> Result<HashMap<String, ResidentLink>, Fault> {
        let keys = self.rows.iter().filter_map(|row| match &row.verdict {
            RowVerdict::Accepted((link, _)) => Some(Value::from(link.resident_key.as_str())),
            _ => None,
        });
        let rows = tx
            .connection
            .fetch_in(
                "SELECT resident_key, body FROM resident_link WHERE issuer = $1 AND resident_key IN ({keys})",
                &[short(self.issuer).into()],
                keys.collect(),
            )
            .await?;
        rows.iter().map(|row| Ok((row.text(0)?, people::parse(&row.text(1)?, "resident_link")?))).collect()
    }
}

async fn keep(tx: &mut Tx, links: Vec<Vec<Value>>, persons: Vec<Vec<Value>>) -> Result<(), Fault> {
    tx.connection
        .insert(
            "INSERT INTO subject_alias (subject_ref, survivor, created_us)",
            "ON CONFLICT (subject_ref) DO NOTHING",
            persons,
        )
        .await?;
    tx.connection
        .insert(
            "INSERT INTO resident_link (subject_ref, issuer, resident_key, body, restriction)",
            "ON CONFLICT (issuer, resident_key) DO UPDATE SET body = excluded.body",
            links,
        )
        .await
        .map(drop)
}

fn compare(before: Option<&ResidentLink>, link: &ResidentLink) -> RowOutcome {
    match before {
        None => RowOutcome::Created,
        Some(known) if known == link => RowOutcome::Unchanged,
        Some(_) => RowOutcome::Updated,
    }
}

fn link_row(subject: &SubjectRef, link: &ResidentLink) -> Result<Vec<Value>, Fault> {
    Ok(vec![
        subject.into(),
        short(link.issuer).into(),
        link.resident_key.as_str().into(),
        people::format(link)?.into(),
        0.into(),
    ])
}

struct Change {
    issuer: IssuerId,
    resident_key: String,
    to: ResidentChange,
}

impl Transaction for Change {
    type Outcome = Option<SubjectRef>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Option<SubjectRef>, Fault>> {
        Box::pin(async move {
            let issuer = short(self.issuer);
            let row = tx
                .fetch_one(
                    "SELECT subject_ref, body, restriction FROM resident_link
                     WHERE issuer = $1 AND resident_key = $2",
                    vec![issuer.as_str().into(), self.resident_key.as_str().into()],
                )
                .await?;
            let Some(row) = row else { return Ok(None) };
            let mut link: ResidentLink = people::parse(&row.text(1)?, "resident_link")?;
            let mut restriction = row.int(2)?;
            match self.to {
                ResidentChange::Move(last_day) => link.last_day = last_day,
                ResidentChange::Restrict(kind, lifted) => {
                    let bit = match kind {
                        RestrictionKind::NonDisclosure => NON_DISCLOSURE,
                        RestrictionKind::Protective => PROTECTIVE,
                    };
                    restriction = if lifted { restriction & !bit } else { restriction | bit };
                }
            }
            tx.execute(
                "UPDATE resident_link SET body = $1, restriction = $2 WHERE issuer = $3 AND resident_key = $4",
                vec![
                    people::format(&link)?.into(),
                    restriction.into(),
                    issuer.into(),
                    self.resident_key.as_str().into(),
                ],
            )
            .await?;
            Ok(Some(row.array(0, "resident_link")?))
        })
    }
}

impl Tx {
    pub(crate) async fn resident(
        &mut self,
        issuer: &str,
        resident_key: &str,
    ) -> Result<Option<SubjectRef>, Fault> {
        let row = self
            .fetch_one(
                "SELECT subject_ref FROM resident_link WHERE issuer = $1 AND resident_key = $2",
                vec![issuer.into(), resident_key.into()],
            )
            .await?;
        row.map(|row| row.array(0, "resident_link")).transpose()
    }
}
