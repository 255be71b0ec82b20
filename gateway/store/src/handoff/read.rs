//! What a guest reads of home's records: never without a [`Disclosure`].

use pmh_domain::{
    entitlement::Entitlement,
    handoff::{Category, Disclosure, HandoffId, Newborn, Person, Side},
};

use super::{StoredHandoff, number};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Reader, Recorded, Reply, SubjectRef,
    birth::{GuestChild, PREGNANCY_US},
    checkup::KeptCheckup,
    gateway::load_people,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
    vaccination::StoredDose,
};

/// What a disclosure is decided on.
#[derive(Clone)]
pub struct DisclosureOf {
    /// Home's side; `None` if there is no such handoff.
    pub handoff: Option<StoredHandoff>,
    /// Every message of the stay side that home entered, with its receipt: among them the accept.
    pub heard: Vec<Vec<u8>>,
    /// The mother's children of this pregnancy, by birth and place.
    pub children: Vec<GuestChild>,
    /// Time of the entry, microseconds.
    pub now_us: i64,
}

/// Records that a disclosure opened.
#[derive(Clone)]
pub struct GuestView {
    /// By which right.
    pub disclosure: Disclosure,
    /// The person.
    pub subject: SubjectRef,
    /// The records of the category asked for.
    pub records: GuestRecords,
}

/// Records of one person, no more than the category asked for can show.
#[derive(Clone, Default)]
pub struct GuestRecords {
    /// Checkups as home keeps them, of every kind: the category is cut from them by the rules.
    pub checkups: Vec<KeptCheckup>,
    /// Doses, by day.
    pub doses: Vec<StoredDose>,
    /// All versions of all rights.
    pub entitlements: Vec<Entitlement>,
    /// What was told of the births, by birth and place.
    pub newborns: Vec<Newborn>,
}

impl std::fmt::Debug for DisclosureOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DisclosureOf(..)")
    }
}

impl std::fmt::Debug for GuestRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuestRecords(..)")
    }
}

impl std::fmt::Debug for GuestView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuestView(..)")
    }
}

impl GatewayStore {
    /// Decides whether the guest may read, reads, and records it. `permit` is pure: it may be called again.
    pub async fn disclose_to_guest<E, R>(
        &self,
        attempt: Attempt,
        id: HandoffId,
        permit: impl Fn(&DisclosureOf) -> Result<Disclosure, E> + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, Result<GuestView, E>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        E: Send + 'static,
        R: Send + 'static,
    {
        self.write(Lane::Interactive, attempt, None, Read { id, permit }, conclude).await
    }
}

struct Read<P> {
    id: HandoffId,
    permit: P,
}

impl<E, P> Transaction for Read<P>
where
    E: Send + 'static,
    P: Fn(&DisclosureOf) -> Result<Disclosure, E> + Send + Sync + 'static,
{
    type Outcome = Result<GuestView, E>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let handoff = tx.handoff(self.id, Side::Home).await?;
            let heard = tx.heard(self.id).await?;
            let mother = handoff.as_ref().and_then(|home| home.subject);
            let children = match mother {
                Some(mother) => tx.guests_children(mother, tx.now_us.saturating_sub(PREGNANCY_US)).await?,
                None => Vec::new(),
            };
            let of = DisclosureOf { handoff, heard, children, now_us: tx.now_us };
            let disclosure = match (self.permit)(&of) {
                Ok(disclosure) => disclosure,
                Err(refused) => return Ok(Err(refused)),
            };
            let known = of.handoff.and_then(|home| Some((home.subject?, home.municipality)));
            let (subject, municipality) =
                known.ok_or(Fault::Inconsistent { table: "handoff", column: "subject_ref" })?;
            let subject = match disclosure.ask().person {
                Person::Mother => subject,
                Person::Child(order) => of
                    .children
                    .iter()
                    .find(|child| child.order == order)
                    .map(|child| child.subject)
                    .ok_or(Fault::Inconsistent { table: "birth_child", column: "child" })?,
            };
            let records = tx.guests_records(&disclosure, &municipality, subject, &of.children).await?;
            Ok(Ok(GuestView { disclosure, subject, records }))
        })
    }
}

impl Reader {
    /// Every message of the other side that a side entered, with its receipt.
    pub async fn handoff_heard(&self, id: HandoffId, side: Side) -> Result<Vec<Vec<u8>>, Fault> {
        let rows = self.fetch(HEARD, vec![id.0.into(), number(side).into()]).await?;
        rows.iter().map(|row| row.bytes(0)).collect()
    }
}

impl Tx {
    async fn heard(&mut self, id: HandoffId) -> Result<Vec<Vec<u8>>, Fault> {
        let rows = self.fetch(HEARD, vec![id.0.into(), number(Side::Home).into()]).await?;
        rows.iter().map(|row| row.bytes(0)).collect()
    }

    /// The only way from a handoff to a record: whoever has no disclosure cannot say it.
    async fn guests_records(
        &mut self,
        disclosure: &Disclosure,
        home: &str,
        subject: SubjectRef,
        children: &[GuestChild],
    ) -> Result<GuestRecords, Fault> {
        let mut records = GuestRecords::default();
        match disclosure.ask().category {
            Category::ChildVaccinations | Category::MotherVaccinations => {
                records.doses = self.person_doses(subject).await?.doses;
            }
            Category::Entitlements => {
                let known = load_people(self, vec![subject]).await?.remove(&subject);
                records.entitlements = known.map(|known| known.entitlements).unwrap_or_default();
            }
            category => {
                records.checkups = self.person_checkups(subject).await?.records;
                records.checkups.retain(|kept| kept.sender == home);
                for child in
                    children.iter().filter(|child| category == Category::Delivery && !child.is_hidden)
                {
                    records.newborns.extend(self.newborn(child).await?);
                }
            }
        }
        Ok(records)
    }
}

const HEARD: &str =
    "SELECT message FROM handoff_heard WHERE handoff_id = $1 AND side = $2 ORDER BY entry_idx";
