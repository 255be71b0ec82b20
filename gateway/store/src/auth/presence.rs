//! A card was presented: the replay guard, the credential, the presence.

use super::{AuthStore, Person};
use crate::{
    Attempt, Concluding, Conclusion, Fault, Recorded, Reply,
    db::Row,
    sequencer::{BoxFuture, Transaction, Tx},
};

/// A verified card asks to be admitted. All randomness is drawn before.
#[derive(Clone)]
pub struct Admission {
    /// SHA-256 of the challenge's nonce.
    pub nonce_hash: [u8; 32],
    /// When the nonce may be forgotten, microseconds.
    pub nonce_expires_us: i64,
    /// Keyed hash of the card's certificate.
    pub cred_hash: [u8; 32],
    /// The card certificate's last moment, microseconds.
    pub not_after_us: i64,
    /// Bits of the person if the card was never seen.
    pub new_person: Person,
    /// The child to open, if the holder acts for one.
    pub act_for: Option<Person>,
    /// The day on which a relation must be in force.
    pub today: String,
    /// The presence to keep.
    pub presence: PresenceRow,
}

/// A presence as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PresenceRow {
    /// SHA-256 of the secret handle.
    pub handle_hash: [u8; 32],
    /// Public id in tokens.
    pub pres_id: [u8; 16],
    /// `<kind>:<code>`.
    pub organization: String,
    /// Person of the card. Ignored in an admission.
    pub holder: Person,
    /// Person it opens. Ignored in an admission.
    pub person: Person,
    /// JSON of what was consented and how it was verified; the server's own.
    pub body: String,
    /// Until when tokens may be renewed, microseconds.
    pub until_us: i64,
    /// Whether it has ended.
    pub ended: bool,
}

/// What became of an admission.
#[derive(Clone, PartialEq, Eq)]
pub enum Admitted {
    /// The nonce was used before: nothing was changed.
    Replayed,
    /// The holder has no relation in force to that child.
    NoRelation,
    /// Admitted.
    Present {
        /// Person of the card.
        holder: Person,
        /// Person that is opened.
        person: Person,
        /// Whether an issuer or directory has said who the card is.
        linked: bool,
        /// Children whom the holder may act for, with birth date.
        children: Vec<(Person, String)>,
    },
}

/// A change of a presence.
#[derive(Clone)]
pub enum PresenceUpdate {
    /// Read it for a new token, optionally for a child from now on.
    Renew {
        /// The child.
        act_for: Option<Person>,
        /// The day on which a relation must be in force.
        today: String,
    },
    /// Replace consent and purposes; earlier tokens end.
    Narrow {
        /// New body.
        body: String,
        /// New public id.
        pres_id: [u8; 16],
    },
    /// End it.
    End,
}

impl AuthStore {
    /// One insert of the nonce is the replay guard of all replicas.
    pub async fn admit<R: Send + 'static>(
        &self,
        attempt: Attempt,
        admission: Admission,
        conclude: impl FnMut(Concluding<'_, Admitted>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, admission, conclude).await
    }

    /// Records something about the person of a credential; `None` if it was never seen.
    pub async fn note_credential<R: Send + 'static>(
        &self,
        attempt: Attempt,
        cred_hash: [u8; 32],
        conclude: impl FnMut(Concluding<'_, Option<Person>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, PersonOf { cred_hash }, conclude).await
    }

    /// Renews, narrows or ends a presence of this organization. The outcome is
    /// the presence as it was before the change; `None` if there is none.
    pub async fn update_presence<R: Send + 'static>(
        &self,
        attempt: Attempt,
        handle_hash: [u8; 32],
        organization: String,
        update: PresenceUpdate,
        conclude: impl FnMut(Concluding<'_, Option<PresenceRow>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, Change { handle_hash, organization, update }, conclude).await
    }
}

impl Transaction for Admission {
    type Outcome = Admitted;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Admitted, Fault>> {
        Box::pin(async move {
            let first = tx
                .execute(
                    "INSERT INTO used_presentation (nonce_hash, expires_us) VALUES ($1, $2)
                     ON CONFLICT (nonce_hash) DO NOTHING",
                    vec![self.nonce_hash.into(), self.nonce_expires_us.into()],
                )
                .await?;
            if first == 0 {
                return Ok(Admitted::Replayed);
            }
            let (seen, linked) = tx.credential(self).await?;
            let holder = tx.survivor(seen).await?;
            let children = tx.children(holder, &self.today).await?;
            let person = match self.act_for {
                None => holder,
                Some(child) => {
                    let child = tx.survivor(child).await?;
                    if !children.iter().any(|(known, _)| *known == child) {
                        return Ok(Admitted::NoRelation);
                    }
                    child
                }
            };
            tx.keep_presence(&PresenceRow { holder, person, ..self.presence.clone() }).await?;
            Ok(Admitted::Present { holder, person, linked, children })
        })
    }
}

struct Change {
    handle_hash: [u8; 32],
    organization: String,
    update: PresenceUpdate,
}

impl Transaction for Change {
    type Outcome = Option<PresenceRow>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let row = tx
                .fetch_one(
                    "SELECT handle_hash, pres_id, organization, holder, person, body, until_us, ended
                     FROM presence WHERE handle_hash = $1 AND organization = $2",
                    vec![self.handle_hash.into(), self.organization.as_str().into()],
                )
                .await?;
            let Some(mut presence) = row.as_ref().map(PresenceRow::read).transpose()? else {
                return Ok(None);
            };
            // A card linked meanwhile opens its person from the next token on.
            presence.holder = tx.survivor(presence.holder).await?;
            presence.person = tx.survivor(presence.person).await?;
            if presence.ended || presence.until_us <= tx.now_us {
                presence.ended = true;
                return Ok(Some(presence));
            }
            match &self.update {
                PresenceUpdate::Renew { act_for: None, .. } if presence.person == presence.holder => {}
                PresenceUpdate::Renew { act_for: None, today } => {
                    // The relation may have ended since; then the guardian's presence has, too.
                    let children = tx.children(presence.holder, today).await?;
                    presence.ended = !children.iter().any(|(known, _)| *known == presence.person);
                }
                PresenceUpdate::Renew { act_for: Some(child), today } => {
                    let child = &tx.survivor(*child).await?;
                    let children = tx.children(presence.holder, today).await?;
                    if !children.iter().any(|(known, _)| known == child) {
                        return Ok(None);
                    }
                    presence.person = *child;
                    tx.execute(
                        "UPDATE presence SET person = $1 WHERE handle_hash = $2",
                        vec![child.into(), self.handle_hash.into()],
                    )
                    .await?;
                }
                PresenceUpdate::Narrow { body, pres_id } => {
                    tx.deny(&presence.pres_id).await?;
                    tx.execute(
                        "UPDATE presence SET body = $1, pres_id = $2 WHERE handle_hash = $3",
                        vec![body.as_str().into(), pres_id.into(), self.handle_hash.into()],
                    )
                    .await?;
                }
                PresenceUpdate::End => {
                    tx.deny(&presence.pres_id).await?;
                    tx.execute(
                        "UPDATE presence SET ended = 1 WHERE handle_hash = $1",
                        vec![self.handle_hash.into()],
                    )
                    .await?;
                }
            }
            Ok(Some(presence))
        })
    }
}

struct PersonOf {
    cred_hash: [u8; 32],
}

impl Transaction for PersonOf {
    type Outcome = Option<Person>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let row = tx
                .fetch_one("SELECT person FROM credential WHERE cred_hash = $1", vec![self.cred_hash.into()])
                .await?;
            let Some(row) = row else { return Ok(None) };
            tx.survivor(row.array(0, "credential")?).await.map(Some)
        })
    }
}

impl PresenceRow {
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            handle_hash: row.array(0, "presence")?,
            pres_id: row.array(1, "presence")?,
            organization: row.text(2)?,
            holder: row.array(3, "presence")?,
            person: row.array(4, "presence")?,
            body: row.text(5)?,
            until_us: row.int(6)?,
            ended: row.flag(7)?,
        })
    }
}

impl Tx {
    /// The person of a credential; a card seen first makes one.
    async fn credential(&mut self, admission: &Admission) -> Result<(Person, bool), Fault> {
        let known = self
            .fetch_one(
                "SELECT person, linked FROM credential WHERE cred_hash = $1",
                vec![admission.cred_hash.into()],
            )
            .await?;
        if let Some(row) = known {
            return Ok((row.array(0, "credential")?, row.flag(1)?));
        }
        self.add_person(&admission.new_person).await?;
        let now = self.now_us;
        self.execute(
            "INSERT INTO credential (cred_hash, person, kind, not_after_us, linked, created_us)
             VALUES ($1, $2, 'CARD', $3, 0, $4)",
            vec![
                admission.cred_hash.into(),
                admission.new_person.into(),
                admission.not_after_us.into(),
                now.into(),
            ],
        )
        .await?;
        Ok((admission.new_person, false))
    }

    /// Children of a guardian by relations in force on a day.
    async fn children(&mut self, guardian: Person, today: &str) -> Result<Vec<(Person, String)>, Fault> {
        let rows = self
            .fetch(
                "SELECT DISTINCT r.child, r.child_birth_date FROM relation r
                 WHERE r.ended = 0 AND r.until >= $2
                   AND (r.guardian = $1 OR r.guardian IN (SELECT person FROM person_alias WHERE survivor = $1))
                 ORDER BY r.child_birth_date, r.child",
                vec![guardian.into(), today.into()],
            )
            .await?;
        let mut children = Vec::with_capacity(rows.len());
        for row in rows {
            let child = self.survivor(row.array(0, "relation")?).await?;
            let named = (child, row.text(1)?);
            if !children.contains(&named) {
                children.push(named);
            }
        }
        Ok(children)
    }

    async fn keep_presence(&mut self, presence: &PresenceRow) -> Result<(), Fault> {
        self.execute(
            "INSERT INTO presence (handle_hash, pres_id, organization, holder, person, body, until_us, ended)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
            vec![
                presence.handle_hash.into(),
                presence.pres_id.into(),
                presence.organization.as_str().into(),
                presence.holder.into(),
                presence.person.into(),
                presence.body.as_str().into(),
                presence.until_us.into(),
            ],
        )
        .await
        .map(drop)
    }

    /// Tokens of this presence id end now; the row may go when the last has expired.
    pub(super) async fn deny(&mut self, pres_id: &[u8; 16]) -> Result<(), Fault> {
        let expires = self.now_us + TOKEN_LIFE_US;
        self.execute(
            "INSERT INTO ended_presence (pres_id, expires_us) VALUES ($1, $2) ON CONFLICT (pres_id) DO NOTHING",
            vec![pres_id.into(), expires.into()],
        )
        .await
        .map(drop)
    }
}

/// A token lives five minutes; one more for clock skew.
const TOKEN_LIFE_US: i64 = 6 * 60 * 1_000_000;
