//! Which references are one person, and clinics' proposals that two are.

use pmh_domain::organization::IssuerId;

use super::{GatewayStore, SubjectRef, people, registry::short};
use crate::{
    Attempt, Concluding, Conclusion, Fault, Idempotency, Recorded, Reply,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Newest entries about the persons that a link joins; the link's entry
/// references them, as their chains stay separate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// Leaf hashes, at most four (a leaf refers to no more).
    pub leaves: Vec<[u8; 32]>,
    /// False if they were one before.
    pub changed: bool,
}

/// A clinic has card and paper at hand.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// UUID.
    pub proposal_id: String,
    /// The card's person.
    pub subject: SubjectRef,
    /// `<kind>:<code>`.
    pub proposed_by: String,
    /// On the paper.
    pub payer_number: String,
    /// On the paper.
    pub recipient_number: String,
    /// ISO 8601.
    pub birth_date: String,
}

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// Waits for the issuer.
    Proposed,
    /// Served.
    Confirmed,
    /// Dropped.
    Refused,
    /// Taken back.
    Undone,
}

/// A proposal as stored.
#[derive(Debug, Clone)]
pub struct ProposedLink {
    /// UUID.
    pub proposal_id: String,
    /// The card's person.
    pub card: SubjectRef,
    /// The issuer's resident.
    pub resident: SubjectRef,
    /// Its key.
    pub resident_key: String,
    /// Who proposed.
    pub proposed_by: String,
    /// Where it stands.
    pub state: ProposalState,
}

/// What the issuer decided, and what auth made of it.
#[derive(Debug, Clone)]
pub enum LinkDecision {
    /// Confirm; auth says who survives.
    Confirm {
        /// The references that are one.
        members: Vec<SubjectRef>,
        /// Surviving reference.
        survivor: SubjectRef,
    },
    /// Refuse.
    Refuse,
    /// Undo a confirmed one.
    Undo {
        /// The card's reference.
        card: SubjectRef,
    },
}

impl GatewayStore {
    /// Makes references one person, under the survivor that auth named. Idempotent.
    pub async fn link_subjects<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        members: Vec<SubjectRef>,
        survivor: SubjectRef,
        conclude: impl FnMut(Concluding<'_, Heads>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, idempotency, Join { members, survivor }, conclude).await
    }

    /// Keeps a proposal; the outcome is whether exactly one resident matched.
    pub async fn propose_link<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        proposal: Proposal,
        conclude: impl FnMut(Concluding<'_, bool>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), proposal, conclude).await
    }

    /// Decides a proposal; `None` if it is not this issuer's or not in a state for it.
    pub async fn decide_link<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        issuer: IssuerId,
        proposal_id: String,
        decision: LinkDecision,
        conclude: impl FnMut(Concluding<'_, Option<Heads>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        let decide = Decide { issuer, proposal_id, decision };
        self.write(Lane::Interactive, attempt, Some(idempotency), decide, conclude).await
    }

    /// Proposals of this issuer that wait, oldest first, at most 100.
    pub async fn list_proposals<R: Send + 'static>(
        &self,
        attempt: Attempt,
        issuer: IssuerId,
        conclude: impl FnMut(Concluding<'_, Vec<ProposedLink>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, Waiting { issuer }, conclude).await
    }
}

struct Join {
    members: Vec<SubjectRef>,
    survivor: SubjectRef,
}

impl Transaction for Join {
    type Outcome = Heads;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Heads, Fault>> {
        Box::pin(async move { tx.join(&self.members, &self.survivor).await })
    }
}

impl Transaction for Proposal {
    type Outcome = bool;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            let matched = self.find(tx).await?;
            let (issuer, resident_key) = matched.clone().unwrap_or_default();
            tx.execute(
                "INSERT INTO link_proposal
                 (proposal_id, subject_ref, proposed_by, issuer, resident_key, state, created_us)
                 VALUES ($1, $2, $3, $4, $5, 'PROPOSED', $6)",
                vec![
                    self.proposal_id.as_str().into(),
                    self.subject.into(),
                    self.proposed_by.as_str().into(),
                    issuer.into(),
                    resident_key.into(),
                    tx.now_us.into(),
                ],
            )
            .await?;
            Ok(matched.is_some())
        })
    }
}

impl Proposal {
    /// The one resident whose right and birth date are those on the paper.
    async fn find(&self, tx: &mut Tx) -> Result<Option<(String, String)>, Fault> {
        let rows = tx
            .fetch(
                "SELECT DISTINCT e.issuer, e.resident_key, l.body
                 FROM entitlement e
                 JOIN resident_link l ON l.issuer = e.issuer AND l.resident_key = e.resident_key
                 WHERE e.payer_number = $1 AND e.recipient_number = $2",
                vec![self.payer_number.as_str().into(), self.recipient_number.as_str().into()],
            )
            .await?;
        let mut matched = Vec::new();
        for row in rows {
            let link: pmh_domain::resident::ResidentLink = people::parse(&row.text(2)?, "resident_link")?;
            if link.birth_date.to_string() == self.birth_date {
                matched.push((row.text(0)?, row.text(1)?));
            }
        }
        matched.dedup();
        // Two matches are none: never guess who somebody is.
        Ok(if matched.len() == 1 { matched.pop() } else { None })
    }
}

struct Decide {
    issuer: IssuerId,
    proposal_id: String,
    decision: LinkDecision,
}

impl Transaction for Decide {
    type Outcome = Option<Heads>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Option<Heads>, Fault>> {
        Box::pin(async move {
            let (from, to) = match self.decision {
                LinkDecision::Confirm { .. } => ("PROPOSED", "CONFIRMED"),
                LinkDecision::Refuse => ("PROPOSED", "REFUSED"),
                LinkDecision::Undo { .. } => ("CONFIRMED", "UNDONE"),
            };
            let moved = tx
                .execute(
                    "UPDATE link_proposal SET state = $1 WHERE proposal_id = $2 AND issuer = $3 AND state = $4",
                    vec![to.into(), self.proposal_id.as_str().into(), short(self.issuer).into(), from.into()],
                )
                .await?;
            if moved == 0 {
                return Ok(None);
            }
            match &self.decision {
                LinkDecision::Confirm { members, survivor } => tx.join(members, survivor).await.map(Some),
                LinkDecision::Refuse => Ok(Some(Heads::default())),
                LinkDecision::Undo { card } => self.undo(tx, card).await.map(Some),
            }
        })
    }
}

impl Decide {
    /// The issuer's resident leaves the card's group. Taking the card out
    /// instead would leave this resident joined to all whom the card joined.
    async fn undo(&self, tx: &mut Tx, card: &SubjectRef) -> Result<Heads, Fault> {
        let row = tx
            .fetch_one(
                "SELECT l.subject_ref FROM link_proposal p
                 JOIN resident_link l ON l.issuer = p.issuer AND l.resident_key = p.resident_key
                 WHERE p.proposal_id = $1",
                vec![self.proposal_id.as_str().into()],
            )
            .await?
            .ok_or(Fault::Inconsistent { table: "link_proposal", column: "resident_key" })?;
        let resident: SubjectRef = row.array(0, "resident_link")?;
        let leaves = tx.heads(&[card, &resident]).await?;
        tx.leave_group(&resident).await?;
        Ok(Heads { leaves, changed: true })
    }
}

struct Waiting {
    issuer: IssuerId,
}

impl Transaction for Waiting {
    type Outcome = Vec<ProposedLink>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Vec<ProposedLink>, Fault>> {
        Box::pin(async move {
            let rows = tx
                .fetch(
                    "SELECT p.proposal_id, p.subject_ref, l.subject_ref, p.resident_key, p.proposed_by, p.state
                     FROM link_proposal p
                     JOIN resident_link l ON l.issuer = p.issuer AND l.resident_key = p.resident_key
                     WHERE p.issuer = $1 AND p.state = 'PROPOSED'
                     ORDER BY p.created_us, p.proposal_id LIMIT 100",
                    vec![short(self.issuer).into()],
                )
                .await?;
            rows.iter().map(ProposedLink::read).collect()
        })
    }
}

impl ProposedLink {
    pub(crate) fn read(row: &crate::db::Row) -> Result<Self, Fault> {
        let state = match row.text(5)?.as_str() {
            "PROPOSED" => ProposalState::Proposed,
            "CONFIRMED" => ProposalState::Confirmed,
            "REFUSED" => ProposalState::Refused,
            "UNDONE" => ProposalState::Undone,
            _ => return Err(Fault::Inconsistent { table: "link_proposal", column: "state" }),
        };
        Ok(Self {
            proposal_id: row.text(0)?,
            card: row.array(1, "link_proposal")?,
            resident: row.array(2, "resident_link")?,
            resident_key: row.text(3)?,
            proposed_by: row.text(4)?,
            state,
        })
    }
}

impl Tx {
    /// Joins the groups of references. Survivors stay flat: every member of a
    /// group points at one survivor, so a lookup never follows more than one step.
    pub(crate) async fn join(
        &mut self,
        members: &[SubjectRef],
        survivor: &SubjectRef,
    ) -> Result<Heads, Fault> {
        let all: Vec<&SubjectRef> = members.iter().chain([survivor]).collect();
        let mut leaves = self.heads(&all).await?;
        leaves.truncate(REFERENCES);
        let to = self.group(survivor).await?;
        let mut changed = false;
        for member in members {
            let from = self.group(member).await?;
            if from != to {
                self.execute(
                    "UPDATE subject_alias SET survivor = $1 WHERE survivor = $2",
                    vec![to.into(), from.into()],
                )
                .await?;
                changed = true;
            }
        }
        Ok(Heads { leaves, changed })
    }

    /// Takes one reference out of its group, whose other members stay together.
    async fn leave_group(&mut self, reference: &SubjectRef) -> Result<(), Fault> {
        let group = self.group(reference).await?;
        self.execute(
            "UPDATE subject_alias SET survivor = subject_ref WHERE subject_ref = $1",
            vec![reference.into()],
        )
        .await?;
        if group == *reference {
            self.execute(
                "UPDATE subject_alias SET survivor =
                   (SELECT heir.subject_ref FROM subject_alias heir
                    WHERE heir.survivor = $1 AND heir.subject_ref <> $1
                    ORDER BY heir.created_us, heir.subject_ref LIMIT 1)
                 WHERE survivor = $1 AND subject_ref <> $1",
                vec![reference.into()],
            )
            .await?;
        }
        Ok(())
    }

    /// The survivor of a reference's group; one seen first is its own.
    async fn group(&mut self, reference: &SubjectRef) -> Result<SubjectRef, Fault> {
        let now = self.now_us;
        self.execute(
            "INSERT INTO subject_alias (subject_ref, survivor, created_us) VALUES ($1, $1, $2)
             ON CONFLICT (subject_ref) DO NOTHING",
            vec![reference.into(), now.into()],
        )
        .await?;
        self.fetch_one("SELECT survivor FROM subject_alias WHERE subject_ref = $1", vec![reference.into()])
            .await?
            .ok_or(Fault::Inconsistent { table: "subject_alias", column: "survivor" })?
            .array(0, "subject_alias")
    }

    async fn heads(&mut self, subjects: &[&SubjectRef]) -> Result<Vec<[u8; 32]>, Fault> {
        let mut tags: Vec<[u8; 32]> = subjects.iter().map(|subject| self.keys.subject_tag(subject)).collect();
        tags.sort_unstable();
        tags.dedup();
        let tags = tags.into_iter().map(Into::into).collect();
        let rows = self.connection.fetch_in(NEWEST_ABOUT, &[], tags).await?;
        rows.iter().map(|row| row.array(0, "log_entry")).collect()
    }
}

/// The newest entry about each of some persons.
const NEWEST_ABOUT: &str = "WITH wanted (tag) AS (VALUES {rows})
     SELECT e.leaf_hash
     FROM wanted
     JOIN subject_ix x ON x.subject_tag = wanted.tag
      AND x.seq = (SELECT MAX(n.seq) FROM subject_ix n WHERE n.subject_tag = wanted.tag)
     JOIN log_entry e ON e.idx = x.idx";

/// References in one leaf.
const REFERENCES: usize = 4;
