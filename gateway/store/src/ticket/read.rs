//! A person's tickets.

use pmh_domain::organization::IssuerId;

use super::{KeptTicket, kept};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Recorded, Reply, SubjectRef,
    gateway::short,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Whose tickets are read.
#[derive(Clone)]
pub enum TicketsOf {
    /// Of the person behind a reference, from every issuer.
    Person(SubjectRef),
    /// Of an issuer's own resident, its own tickets alone.
    Resident(IssuerId, String),
}

/// A person's tickets.
#[derive(Clone)]
pub struct PersonTickets {
    /// The person as asked for.
    pub subject: SubjectRef,
    /// Whether where the person lives is withheld.
    pub restricted: bool,
    /// By issuer and number.
    pub tickets: Vec<KeptTicket>,
}

pmh_domain::withheld!(TicketsOf, PersonTickets);

impl GatewayStore {
    /// A person's tickets; `None` if an issuer has no such resident.
    pub async fn list_tickets<R: Send + 'static>(
        &self,
        attempt: Attempt,
        of: TicketsOf,
        conclude: impl FnMut(Concluding<'_, Option<PersonTickets>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, None, of, conclude).await
    }
}

impl Transaction for TicketsOf {
    type Outcome = Option<PersonTickets>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        const OF_PERSON: &str = "SELECT subject_ref, body FROM ticket WHERE subject_ref IN ({keys})";
        const OF_RESIDENT: &str =
            "SELECT subject_ref, body FROM ticket WHERE issuer = $1 AND resident_key = $2";
        Box::pin(async move {
            let (subject, rows) = match self {
                Self::Person(person) => {
                    let keys = tx.references_of(*person).await?.into_iter().map(Into::into).collect();
                    (*person, tx.connection.fetch_in(OF_PERSON, &[], keys).await?)
                }
                Self::Resident(issuer, key) => {
                    let issuer = short(*issuer);
                    let Some(subject) = tx.resident(&issuer, key).await? else { return Ok(None) };
                    (subject, tx.fetch(OF_RESIDENT, vec![issuer.into(), key.as_str().into()]).await?)
                }
            };
            let mut tickets = rows.iter().map(kept).collect::<Result<Vec<_>, _>>()?;
            tickets.sort_by(|one, other| place(one).cmp(&place(other)));
            let restricted = tx.is_restricted(subject).await?;
            Ok(Some(PersonTickets { subject, restricted, tickets }))
        })
    }
}

fn place(kept: &KeptTicket) -> (IssuerId, &str) {
    (kept.issued.ticket.issuer, &kept.issued.ticket.number)
}
