//! One step about one mother's births: load, decide, write, inside the batch's transaction.

use pmh_domain::{handoff::NoticeId, resident::ResidentLink};

use super::{BirthChange, StoredBirth};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, PersonLink, Recorded, Reply,
    SubjectRef,
    gateway::parse,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
    ticket::TicketOf,
};

/// How the mother is named.
#[derive(Clone)]
pub enum MotherOf {
    /// By her card.
    Person(SubjectRef),
    /// By her ticket.
    Ticket(TicketOf),
    /// As an issuer's own resident: who, `<kind>:<code>`, and its key.
    Resident(String, String),
    /// By a birth that was told of.
    Birth(NoticeId),
}

/// What a decision is made on.
#[derive(Clone)]
pub struct LoadedMother {
    /// The mother.
    pub subject: SubjectRef,
    /// Issuers' links.
    pub links: Vec<PersonLink>,
    /// Her births, the newest first.
    pub births: Vec<StoredBirth>,
    /// The resident asked for beside her.
    pub resident: Option<(SubjectRef, ResidentLink)>,
    /// Time of the entry, microseconds.
    pub now_us: i64,
}

pmh_domain::withheld!(MotherOf, LoadedMother);

impl GatewayStore {
    /// Decides about a mother's births and writes what was decided; `None` if there is nobody by this name. `resident` is a
    /// second person to look for, by issuer and key. `decide` is pure and may be called again.
    pub async fn birth_step<A, R>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        of: MotherOf,
        resident: Option<(String, String)>,
        decide: impl Fn(&LoadedMother) -> (A, Option<BirthChange>) + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, Option<(SubjectRef, A)>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        A: Send + 'static,
        R: Send + 'static,
    {
        let step = Step { of, resident, decide };
        self.write(Lane::Interactive, attempt, Some(idempotency), step, conclude).await
    }
}

struct Step<D> {
    of: MotherOf,
    resident: Option<(String, String)>,
    decide: D,
}

impl<A, D> Transaction for Step<D>
where
    A: Send + 'static,
    D: Fn(&LoadedMother) -> (A, Option<BirthChange>) + Send + Sync + 'static,
{
    type Outcome = Option<(SubjectRef, A)>;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let Some(subject) = tx.named_mother(&self.of).await? else { return Ok(None) };
            let references = tx.references_of(subject).await?;
            let resident = match &self.resident {
                Some((issuer, key)) => tx.known_resident(issuer, key).await?,
                None => None,
            };
            let loaded = LoadedMother {
                subject,
                links: tx.links_of(&references).await?,
                births: tx.births_of(&references).await?,
                resident,
                now_us: tx.now_us,
            };
            let (decided, change) = (self.decide)(&loaded);
            if let Some(change) = change {
                tx.keep_birth(subject, change, None).await?;
            }
            Ok(Some((subject, decided)))
        })
    }
}

impl Tx {
    async fn named_mother(&mut self, of: &MotherOf) -> Result<Option<SubjectRef>, Fault> {
        Ok(match of {
            MotherOf::Person(subject) => Some(*subject),
            MotherOf::Ticket(ticket) => self.ticket(ticket).await?.map(|ticket| ticket.subject),
            MotherOf::Resident(issuer, key) => self.resident(issuer, key).await?,
            MotherOf::Birth(birth) => self.birth(*birth).await?.map(|birth| birth.mother),
        })
    }

    async fn known_resident(
        &mut self,
        issuer: &str,
        key: &str,
    ) -> Result<Option<(SubjectRef, ResidentLink)>, Fault> {
        let sql = "SELECT subject_ref, body FROM resident_link WHERE issuer = $1 AND resident_key = $2";
        let row = self.fetch_one(sql, vec![issuer.into(), key.into()]).await?;
        row.map(|row| Ok((row.array(0, "resident_link")?, parse(&row.text(1)?, "resident_link")?)))
            .transpose()
    }
}
