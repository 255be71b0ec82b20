//! What a guest reads of home's records: never without a [`Disclosure`].

use pmh_domain::handoff::{Disclosure, HandoffId, Side};

use super::{StoredHandoff, number};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Recorded, Reply, SubjectRef,
    checkup::KeptCheckup,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// What a disclosure is decided on.
#[derive(Clone)]
pub struct DisclosureOf {
    /// Home's side; `None` if there is no such handoff.
    pub handoff: Option<StoredHandoff>,
    /// Every message of the stay side that home entered, with its receipt: among them the accept.
    pub heard: Vec<Vec<u8>>,
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
    /// Her checkups as home keeps them, of every kind: the category is cut from them by the rules.
    pub checkups: Vec<KeptCheckup>,
}

impl std::fmt::Debug for DisclosureOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DisclosureOf(..)")
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
            let of = DisclosureOf { handoff, heard, now_us: tx.now_us };
            let disclosure = match (self.permit)(&of) {
                Ok(disclosure) => disclosure,
                Err(refused) => return Ok(Err(refused)),
            };
            let known = of.handoff.and_then(|home| Some((home.subject?, home.municipality)));
            let (subject, municipality) =
                known.ok_or(Fault::Inconsistent { table: "handoff", column: "subject_ref" })?;
            let checkups = tx.guests_checkups(&disclosure, &municipality, subject).await?;
            Ok(Ok(GuestView { disclosure, subject, checkups }))
        })
    }
}

impl Tx {
    async fn heard(&mut self, id: HandoffId) -> Result<Vec<Vec<u8>>, Fault> {
        let sql = "SELECT message FROM handoff_heard WHERE handoff_id = $1 AND side = $2 ORDER BY entry_idx";
        let rows = self.fetch(sql, vec![id.0.into(), number(Side::Home).into()]).await?;
        rows.iter().map(|row| row.bytes(0)).collect()
    }

    /// The only way from a handoff to a record: whoever has no disclosure cannot say it.
    async fn guests_checkups(
        &mut self,
        _: &Disclosure,
        home: &str,
        subject: SubjectRef,
    ) -> Result<Vec<KeptCheckup>, Fault> {
        let mut person = self.person_checkups(subject).await?;
        person.records.retain(|kept| kept.sender == home);
        Ok(person.records)
    }
}
