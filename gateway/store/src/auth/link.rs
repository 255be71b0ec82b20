//! Cards and residents become one person; guardians get their children.

use super::{AuthStore, Person};
use crate::{
    Attempt, Concluding, Conclusion, Fault, Idempotency, Recorded, Reply,
    db::Value,
    sequencer::{BoxFuture, Transaction, Tx},
};

/// Two persons made one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkOutcome {
    /// Who stays.
    pub survivor: Person,
    /// False if they were one before.
    pub changed: bool,
}

/// A renewed credential tied to its predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalOutcome {
    /// The old credential is not known here.
    UnknownOld,
    /// The new credential's person, before and after.
    Linked {
        /// Person the new credential had been seen as, if it was.
        absorbed: Option<Person>,
        /// Person it is now.
        survivor: Person,
        /// False if this was known.
        changed: bool,
    },
}

impl AuthStore {
    /// Says that the person of a card (or of another issuer) is this resident.
    pub async fn link_persons<R: Send + 'static>(
        &self,
        attempt: Attempt,
        card: Person,
        resident: Person,
        conclude: impl FnMut(Concluding<'_, LinkOutcome>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, Link { card, resident }, conclude).await
    }

    /// Says that a new credential belongs to the holder of an old one (公的個人認証法 18条4項の対応番号に当たる).
    pub async fn link_renewal<R: Send + 'static>(
        &self,
        attempt: Attempt,
        old_hash: [u8; 32],
        new_hash: [u8; 32],
        conclude: impl FnMut(Concluding<'_, RenewalOutcome>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, Renewal { old_hash, new_hash }, conclude).await
    }

    /// Says that a credential belongs to an issuer's resident.
    pub async fn link_credential<R: Send + 'static>(
        &self,
        attempt: Attempt,
        cred_hash: [u8; 32],
        resident: Person,
        conclude: impl FnMut(Concluding<'_, RenewalOutcome>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, CredentialOf { cred_hash, resident }, conclude).await
    }

    /// Keeps or ends a relation between guardian and child; the presences that a
    /// guardian opened for the child end with it.
    pub async fn put_relation<R: Send + 'static>(
        &self,
        attempt: Attempt,
        relation: Relation,
        conclude: impl FnMut(Concluding<'_, ()>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, relation, conclude).await
    }

    /// The same under a caller's key: a late repetition brings no ended relation back.
    pub async fn put_relation_once<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        relation: Relation,
        conclude: impl FnMut(Concluding<'_, ()>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write_once(attempt, Some(idempotency), relation, conclude).await
    }

    /// Takes a confirmed link back: the person stands alone again, the others
    /// of its group stay one, and all their presences end. To be called with
    /// the resident who was linked by error: taking the card out instead would
    /// leave that resident one with all whom the card had joined before.
    pub async fn unlink<R: Send + 'static>(
        &self,
        attempt: Attempt,
        person: Person,
        conclude: impl FnMut(Concluding<'_, ()>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, Unlink { person }, conclude).await
    }
}

/// Guardian and child, verified by a municipality.
#[derive(Debug, Clone)]
pub struct Relation {
    /// The guardian.
    pub guardian: Person,
    /// The child.
    pub child: Person,
    /// Who verified it, `<kind>:<code>`.
    pub issuer: String,
    /// To choose among siblings.
    pub child_birth_date: String,
    /// Last day.
    pub until: String,
    /// Whether it has ended.
    pub ended: bool,
}

struct Link {
    card: Person,
    resident: Person,
}

struct Renewal {
    old_hash: [u8; 32],
    new_hash: [u8; 32],
}

struct CredentialOf {
    cred_hash: [u8; 32],
    resident: Person,
}

struct Unlink {
    person: Person,
}

impl Transaction for Link {
    type Outcome = LinkOutcome;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<LinkOutcome, Fault>> {
        Box::pin(async move {
            let changed = tx.survivor(self.card).await? != tx.survivor(self.resident).await?;
            let survivor = tx.merge(self.card, self.resident).await?;
            tx.execute("UPDATE credential SET linked = 1 WHERE person = $1", vec![self.card.into()]).await?;
            Ok(LinkOutcome { survivor, changed })
        })
    }
}

impl Transaction for Renewal {
    type Outcome = RenewalOutcome;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<RenewalOutcome, Fault>> {
        Box::pin(async move {
            let Some((old, _)) = tx.known_credential(self.old_hash).await? else {
                return Ok(RenewalOutcome::UnknownOld);
            };
            tx.attach(self.new_hash, old).await
        })
    }
}

impl Transaction for CredentialOf {
    type Outcome = RenewalOutcome;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<RenewalOutcome, Fault>> {
        Box::pin(async move { tx.attach(self.cred_hash, self.resident).await })
    }
}

impl Transaction for Relation {
    type Outcome = ();

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            tx.execute(
                "INSERT INTO relation (guardian, child, issuer, child_birth_date, until, ended)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (guardian, child, issuer) DO UPDATE
                 SET child_birth_date = excluded.child_birth_date, until = excluded.until, ended = excluded.ended",
                vec![
                    self.guardian.into(),
                    self.child.into(),
                    self.issuer.as_str().into(),
                    self.child_birth_date.as_str().into(),
                    self.until.as_str().into(),
                    self.ended.into(),
                ],
            )
            .await?;
            if self.ended { tx.end_guardianship(self.guardian, self.child).await } else { Ok(()) }
        })
    }
}

impl Transaction for Unlink {
    type Outcome = ();

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { tx.separate(self.person).await })
    }
}

impl Tx {
    async fn known_credential(&mut self, hash: [u8; 32]) -> Result<Option<(Person, bool)>, Fault> {
        let row = self
            .fetch_one("SELECT person, linked FROM credential WHERE cred_hash = $1", vec![hash.into()])
            .await?;
        row.map(|row| Ok((row.array(0, "credential")?, row.flag(1)?))).transpose()
    }

    /// Ties a credential to a person, whether the card was seen before or not:
    /// both orders end in the same state (R-REN-02).
    async fn attach(&mut self, hash: [u8; 32], person: Person) -> Result<RenewalOutcome, Fault> {
        let Some((seen_as, linked)) = self.known_credential(hash).await? else {
            let survivor = self.survivor(person).await?;
            let now = self.now_us;
            self.execute(
                "INSERT INTO credential (cred_hash, person, kind, not_after_us, linked, created_us)
                 VALUES ($1, $2, 'CARD', 0, 1, $3)",
                vec![hash.into(), survivor.into(), now.into()],
            )
            .await?;
            return Ok(RenewalOutcome::Linked { absorbed: None, survivor, changed: true });
        };
        let before = self.survivor(seen_as).await?;
        let changed = !linked || before != self.survivor(person).await?;
        let survivor = self.merge(seen_as, person).await?;
        self.execute("UPDATE credential SET linked = 1 WHERE cred_hash = $1", vec![hash.into()]).await?;
        let absorbed = (before != survivor).then_some(before);
        Ok(RenewalOutcome::Linked { absorbed, survivor, changed })
    }

    /// Takes a person out of its group, whose other members stay together. All
    /// presences of the group end: each was opened as the one that it was.
    async fn separate(&mut self, person: Person) -> Result<(), Fault> {
        let survivor = self.survivor(person).await?;
        let mut others = self.absorbed_by(survivor).await?;
        others.push(survivor);
        self.end_presences(&others).await?;
        others.retain(|other| *other != person);
        self.execute("DELETE FROM person_alias WHERE person = $1", vec![person.into()]).await?;
        if survivor == person {
            self.bequeath(person, &others).await?;
        }
        self.settle_linked(&[person]).await?;
        self.settle_linked(&others).await
    }

    async fn absorbed_by(&mut self, survivor: Person) -> Result<Vec<Person>, Fault> {
        let rows =
            self.fetch("SELECT person FROM person_alias WHERE survivor = $1", vec![survivor.into()]).await?;
        rows.iter().map(|row| row.array(0, "person_alias")).collect()
    }

    /// The oldest of the others survives in place of one that leaves.
    async fn bequeath(&mut self, leaving: Person, others: &[Person]) -> Result<(), Fault> {
        let mut heir = None;
        for other in others {
            let candidate = (self.created(*other).await?, *other);
            heir = heir.map_or(Some(candidate), |heir| Some(candidate.min(heir)));
        }
        let Some((_, heir)) = heir else { return Ok(()) };
        self.execute("DELETE FROM person_alias WHERE person = $1", vec![heir.into()]).await?;
        self.execute(
            "UPDATE person_alias SET survivor = $1 WHERE survivor = $2",
            vec![heir.into(), leaving.into()],
        )
        .await
        .map(drop)
    }

    /// A credential is linked as long as its group holds somebody whom an issuer knows.
    async fn settle_linked(&mut self, group: &[Person]) -> Result<(), Fault> {
        let keys = || group.iter().map(Value::from).collect();
        let known =
            self.connection.fetch_in("SELECT 1 FROM minted WHERE person IN ({keys})", &[], keys()).await?;
        if known.is_empty() {
            for person in group {
                self.execute("UPDATE credential SET linked = 0 WHERE person = $1", vec![person.into()])
                    .await?;
            }
        }
        Ok(())
    }

    async fn end_presences(&mut self, people: &[Person]) -> Result<(), Fault> {
        for person in people {
            let rows = self
                .fetch(
                    "SELECT pres_id FROM presence WHERE ended = 0 AND (holder = $1 OR person = $1)",
                    vec![person.into()],
                )
                .await?;
            for row in rows {
                self.deny_presence(row.array(0, "presence")?).await?;
            }
        }
        Ok(())
    }

    /// Presences that a guardian opened for a child, under whichever alias.
    async fn end_guardianship(&mut self, guardian: Person, child: Person) -> Result<(), Fault> {
        let child = self.survivor(child).await?;
        let guardian = self.survivor(guardian).await?;
        let mut guardians = self.absorbed_by(guardian).await?;
        guardians.push(guardian);
        for holder in guardians {
            let rows = self
                .fetch(
                    "SELECT pres_id, person FROM presence WHERE holder = $1 AND person <> $1 AND ended = 0",
                    vec![holder.into()],
                )
                .await?;
            for row in rows {
                if self.survivor(row.array(1, "presence")?).await? == child {
                    self.deny_presence(row.array(0, "presence")?).await?;
                }
            }
        }
        Ok(())
    }

    async fn deny_presence(&mut self, pres_id: [u8; 16]) -> Result<(), Fault> {
        self.execute("UPDATE presence SET ended = 1 WHERE pres_id = $1", vec![pres_id.into()]).await?;
        self.deny(&pres_id).await
    }
}
