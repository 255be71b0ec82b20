//! What municipalities read: the feed of their residents' doses, claim lines, and what was stopped.

use sha2::{Digest as _, Sha256};

use super::{
    facts::{StoredDose, small, stored_dose},
    step::Stop,
};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Reader, Recorded, Reply, SubjectRef,
    db::{Row, Value},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A version of a dose with whom it is about.
#[derive(Clone, PartialEq, Eq)]
pub struct ToldDose {
    /// Where it stands: the entry that wrote it.
    pub index: u64,
    /// The person.
    pub subject: SubjectRef,
    /// The reader's own key of the person; empty if it has none.
    pub resident_key: String,
    /// The dose.
    pub dose: StoredDose,
}

impl std::fmt::Debug for ToldDose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToldDose(..)")
    }
}

/// From which side claim lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimSide {
    /// Who pays.
    Payer,
    /// Who gave the dose.
    Performer,
}

/// How often a rule stopped something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopCount {
    /// Rule id.
    pub rule: String,
    /// Vaccine code.
    pub vaccine: String,
    /// Persons and days on which it stopped a shot that was then not given.
    pub stopped: u64,
    /// The same where a doctor went on.
    pub overridden: u64,
}

impl Reader {
    /// What a municipality is told after an index, oldest first.
    pub async fn told_doses(
        &self,
        municipality: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ToldDose>, Fault> {
        let rows = self
            .fetch(TOLD, vec![municipality.into(), signed(after)?.into(), i64::from(limit).into()])
            .await?;
        rows.iter().map(told).collect()
    }

    /// Doses recorded before anybody knew where the person lives, of persons whom this municipality has linked since;
    /// by dose, after one.
    pub async fn untold_doses(
        &self,
        municipality: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, Fault> {
        let values = vec![municipality.into(), after.into(), i64::from(limit).into()];
        self.fetch(UNTOLD, values).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Up to which index a municipality has said that it keeps what it was told.
    pub async fn acknowledged_doses(&self, municipality: &str) -> Result<Option<u64>, Fault> {
        let sql = "SELECT entry_idx FROM dose_feed_cursor WHERE municipality = $1";
        let row = self.fetch_one(sql, vec![municipality.into()]).await?;
        row.map(|row| small(row.int(0)?, "dose_feed_cursor")).transpose()
    }

    /// The newest version of each dose of a period that somebody pays for, by day and dose, after a place.
    pub async fn claimed_doses(
        &self,
        side: ClaimSide,
        organization: &str,
        (from, to): (&str, &str),
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<ToldDose>, Fault> {
        let sql = match side {
            ClaimSide::Payer => PAID,
            ClaimSide::Performer => PERFORMED,
        };
        let values: Vec<Value> = vec![
            organization.into(),
            from.into(),
            to.into(),
            after.0.into(),
            after.1.into(),
            i64::from(limit).into(),
        ];
        self.fetch(sql, values).await?.iter().map(told).collect()
    }

    /// What rules stopped among a municipality's residents, first to last day.
    pub async fn stops(&self, municipality: &str, from: &str, to: &str) -> Result<Vec<StopCount>, Fault> {
        let rows = self
            .fetch(
                "SELECT rule, vaccine, COUNT(*), SUM(overridden) FROM dose_stop
                 WHERE municipality = $1 AND day >= $2 AND day <= $3
                 GROUP BY rule, vaccine ORDER BY rule, vaccine",
                vec![municipality.into(), from.into(), to.into()],
            )
            .await?;
        rows.iter().map(stop_count).collect()
    }
}

impl GatewayStore {
    /// A municipality keeps all up to an index. The outcome is where it stands now: it never moves back.
    pub async fn acknowledge_doses<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        municipality: String,
        index: u64,
        conclude: impl FnMut(Concluding<'_, u64>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let acknowledge = Acknowledge { municipality, index };
        self.write(Lane::Interactive, attempt, Some(idempotency), acknowledge, conclude).await
    }
}

impl Tx {
    /// A municipality's feed gets a dose where the entry of this step stands.
    pub(super) async fn tell(
        &mut self,
        subject: SubjectRef,
        dose_id: &str,
        version: i64,
        municipalities: &[String],
    ) -> Result<(), Fault> {
        if municipalities.is_empty() {
            return Ok(());
        }
        let entry = signed(self.next_index)?;
        let rows = municipalities.iter().map(|municipality| {
            vec![municipality.as_str().into(), entry.into(), subject.into(), dose_id.into(), version.into()]
        });
        self.connection
            .insert(
                "INSERT INTO dose_feed (municipality, entry_idx, subject_ref, dose_id, version)",
                "",
                rows.collect(),
            )
            .await?;
        self.execute("DELETE FROM dose_untold WHERE dose_id = $1", vec![dose_id.into()]).await.map(drop)
    }

    /// Nobody knows yet whose resident the person is: who links the card later asks for what it missed.
    pub(super) async fn remember_untold(&mut self, subject: SubjectRef, dose_id: &str) -> Result<(), Fault> {
        self.execute(
            "INSERT INTO dose_untold (dose_id, subject_ref) VALUES ($1, $2) ON CONFLICT (dose_id) DO NOTHING",
            vec![dose_id.into(), subject.into()],
        )
        .await
        .map(drop)
    }

    pub(super) async fn note_stop(&mut self, survivor: &SubjectRef, stop: &Stop) -> Result<(), Fault> {
        let Stop { municipality, day, rule, vaccine, organization, overridden } = stop;
        let who = Sha256::new_with_prefix(survivor).chain_update(organization).finalize();
        let tag = self.keys.subject_tag(&who.into());
        self.execute(
            "INSERT INTO dose_stop (municipality, day, rule, vaccine, tag, overridden) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (municipality, day, rule, vaccine, tag) DO UPDATE SET overridden = 1 WHERE excluded.overridden = 1",
            vec![
                municipality.as_str().into(),
                day.as_str().into(),
                rule.as_str().into(),
                vaccine.as_str().into(),
                tag.into(),
                (*overridden).into(),
            ],
        )
        .await
        .map(drop)
    }
}

struct Acknowledge {
    municipality: String,
    index: u64,
}

impl Transaction for Acknowledge {
    type Outcome = u64;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async move {
            // Nobody can keep what has not been written yet.
            let (now, index) = (tx.now_us, self.index.min(tx.next_index));
            tx.execute(
                "INSERT INTO dose_feed_cursor (municipality, entry_idx, told_us) VALUES ($1, $2, $3)
                 ON CONFLICT (municipality) DO UPDATE SET entry_idx = excluded.entry_idx, told_us = excluded.told_us
                 WHERE dose_feed_cursor.entry_idx < excluded.entry_idx",
                vec![self.municipality.as_str().into(), signed(index)?.into(), now.into()],
            )
            .await?;
            let sql = "SELECT entry_idx FROM dose_feed_cursor WHERE municipality = $1";
            let row = tx.fetch_one(sql, vec![self.municipality.as_str().into()]).await?;
            row.map_or(Ok(index), |row| small(row.int(0)?, "dose_feed_cursor"))
        })
    }
}

/// The dose as [`stored_dose`] reads it, then index, the reader's key of the person and the person's survivor: under
/// whichever reference a dose was recorded, its person has one pairwise id.
macro_rules! told_dose {
    ($index:literal, $reader:literal, $from:literal) => {
        concat!(
            "SELECT d.subject_ref, d.dose_id, d.version, d.organization, d.written_us, f.written_us, d.body, ",
            $index,
            ", COALESCE((SELECT MIN(l.resident_key) FROM subject_alias asked
                 JOIN subject_alias one ON one.survivor = asked.survivor
                 JOIN resident_link l ON l.subject_ref = one.subject_ref
                 WHERE asked.subject_ref = d.subject_ref AND l.issuer = ",
            $reader,
            "), ''), COALESCE((SELECT own.survivor FROM subject_alias own WHERE own.subject_ref = d.subject_ref),
                d.subject_ref)",
            $from
        )
    };
}

/// Few doses are untold and a town has many residents, so the doses come first: SQLite keeps the order of CROSS JOIN.
const UNTOLD: &str = "SELECT DISTINCT u.dose_id FROM dose_untold u
     CROSS JOIN subject_alias asked CROSS JOIN subject_alias one CROSS JOIN resident_link l
     WHERE u.dose_id > $2 AND asked.subject_ref = u.subject_ref AND one.survivor = asked.survivor
       AND l.subject_ref = one.subject_ref AND l.issuer = $1
     ORDER BY u.dose_id LIMIT $3";
const TOLD: &str = told_dose!(
    "t.entry_idx",
    "t.municipality",
    " FROM dose_feed t
      JOIN dose d ON d.subject_ref = t.subject_ref AND d.dose_id = t.dose_id AND d.version = t.version
      JOIN dose f ON f.subject_ref = d.subject_ref AND f.dose_id = d.dose_id AND f.version = 1
      WHERE t.municipality = $1 AND t.entry_idx > $2 ORDER BY t.entry_idx LIMIT $3"
);
const PAID: &str = told_dose!(
    "d.entry_idx",
    "d.payer",
    " FROM dose d JOIN dose f ON f.subject_ref = d.subject_ref AND f.dose_id = d.dose_id AND f.version = 1
      WHERE d.is_newest = 1 AND d.payer = $1 AND d.occurrence >= $2 AND d.occurrence <= $3
        AND (d.occurrence > $4 OR (d.occurrence = $4 AND d.dose_id > $5))
      ORDER BY d.occurrence, d.dose_id LIMIT $6"
);
const PERFORMED: &str = told_dose!(
    "d.entry_idx",
    "d.performer",
    " FROM dose d JOIN dose f ON f.subject_ref = d.subject_ref AND f.dose_id = d.dose_id AND f.version = 1
      WHERE d.is_newest = 1 AND d.performer = $1 AND d.payer <> '' AND d.occurrence >= $2 AND d.occurrence <= $3
        AND (d.occurrence > $4 OR (d.occurrence = $4 AND d.dose_id > $5))
      ORDER BY d.occurrence, d.dose_id LIMIT $6"
);

fn told(row: &Row) -> Result<ToldDose, Fault> {
    Ok(ToldDose {
        index: small(row.int(7)?, "dose_feed")?,
        subject: row.array(9, "subject_alias")?,
        resident_key: row.text(8)?,
        dose: stored_dose(row)?,
    })
}

fn stop_count(row: &Row) -> Result<StopCount, Fault> {
    let (all, overridden): (u64, u64) = (small(row.int(2)?, "dose_stop")?, small(row.int(3)?, "dose_stop")?);
    Ok(StopCount {
        rule: row.text(0)?,
        vaccine: row.text(1)?,
        stopped: all.saturating_sub(overridden),
        overridden,
    })
}

fn signed(index: u64) -> Result<i64, Fault> {
    super::step::index(index)
}
