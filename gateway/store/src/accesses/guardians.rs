//! Whose lists of accesses take the entries about a child.

use super::signed;
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Person, Reader, Recorded, Relation, Reply,
    SubjectRef,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A relation as auth keeps it now, for the gateway to follow.
#[derive(Clone)]
pub struct GuardianChange {
    /// The child's reference.
    pub child: SubjectRef,
    /// The guardian's reference.
    pub guardian: SubjectRef,
    /// Who verified it, `<kind>:<code>`.
    pub issuer: String,
    /// Last day.
    pub until: String,
    /// Whether it is over.
    pub ended: bool,
}

impl GatewayStore {
    /// Begins or ends a guardian's list; the entry of this very call is its first or last one. The outcome is whether
    /// anything changed: what is known already needs no entry.
    pub async fn put_guardian<R: Send + 'static>(
        &self,
        attempt: Attempt,
        change: GuardianChange,
        conclude: impl FnMut(Concluding<'_, bool>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, change, conclude).await
    }
}

impl Transaction for GuardianChange {
    type Outcome = bool;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            let index = signed(tx.next_index)?;
            let known = tx
                .fetch_one(
                    "SELECT until, end_idx FROM guardian WHERE child = $1 AND guardian = $2 AND issuer = $3",
                    vec![self.child.into(), self.guardian.into(), self.issuer.as_str().into()],
                )
                .await?;
            let known = known.map(|row| Ok::<_, Fault>((row.text(0)?, row.int(1)? < 0))).transpose()?;
            let changed = match (&known, self.ended) {
                (Some((_, false)) | None, true) => return Ok(false),
                (Some((until, true)), false) => *until != self.until,
                _ => true,
            };
            if changed {
                self.keep(tx, index, known.is_some_and(|(_, in_force)| in_force)).await?;
            }
            Ok(changed)
        })
    }
}

impl GuardianChange {
    async fn keep(&self, tx: &mut Tx, index: i64, was_in_force: bool) -> Result<(), Fault> {
        let end = if self.ended { index } else { -1 };
        let from = if was_in_force { "guardian.from_idx" } else { "excluded.from_idx" };
        tx.execute(
            &format!(
                "INSERT INTO guardian (child, guardian, issuer, until, from_idx, end_idx)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (child, guardian, issuer) DO UPDATE
                 SET until = excluded.until, from_idx = {from}, end_idx = excluded.end_idx"
            ),
            vec![
                self.child.into(),
                self.guardian.into(),
                self.issuer.as_str().into(),
                self.until.as_str().into(),
                index.into(),
                end.into(),
            ],
        )
        .await
        .map(drop)
    }
}

impl Reader {
    /// Guardians of a child by relations in force on a day.
    pub async fn guardians_of(&self, child: SubjectRef, today: &str) -> Result<Vec<SubjectRef>, Fault> {
        let rows = self
            .fetch(
                "SELECT DISTINCT guardian FROM guardian WHERE child = $1 AND end_idx < 0 AND until >= $2
                 ORDER BY guardian",
                vec![child.into(), today.into()],
            )
            .await?;
        rows.iter().map(|row| row.array(0, "guardian")).collect()
    }

    /// A child's relations in force, under whichever reference: child, guardian, and the issuer that verified it.
    pub async fn relations_of(
        &self,
        child: SubjectRef,
    ) -> Result<Vec<(SubjectRef, SubjectRef, String)>, Fault> {
        let rows = self
            .fetch(
                "SELECT g.child, g.guardian, g.issuer
                 FROM subject_alias asked
                 JOIN subject_alias one ON one.survivor = asked.survivor
                 JOIN guardian g ON g.child = one.subject_ref
                 WHERE asked.subject_ref = $1 AND g.end_idx < 0
                 ORDER BY g.child, g.guardian, g.issuer",
                vec![child.into()],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.array(0, "guardian")?, row.array(1, "guardian")?, row.text(2)?)))
            .collect()
    }

    /// A relation as auth keeps it (auth database only).
    pub async fn relation(
        &self,
        guardian: Person,
        child: Person,
        issuer: &str,
    ) -> Result<Option<Relation>, Fault> {
        let row = self
            .fetch_one(
                "SELECT child_birth_date, until, ended FROM relation
                 WHERE guardian = $1 AND child = $2 AND issuer = $3",
                vec![guardian.into(), child.into(), issuer.into()],
            )
            .await?;
        row.map(|row| {
            let issuer = issuer.to_owned();
            let (child_birth_date, until, ended) = (row.text(0)?, row.text(1)?, row.flag(2)?);
            Ok(Relation { guardian, child, issuer, child_birth_date, until, ended })
        })
        .transpose()
    }
}
