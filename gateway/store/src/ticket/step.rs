//! One step of one ticket: found, decided, written.

use jiff::civil::Date;
use pmh_domain::{checkup::ticket::Ticket, organization::IssuerId, resident::ResidentLink};

use super::{KeptTicket, body, kept, number, record_id};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply, SubjectRef,
    gateway::{parse, short},
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// What is printed on a ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKey {
    /// Who issued it.
    pub issuer: IssuerId,
    /// As printed.
    pub number: String,
}

/// How a ticket is found. One that is another's is not found.
#[derive(Clone)]
pub enum TicketOf {
    /// Of the person behind a reference.
    Person(TicketKey, SubjectRef),
    /// The same in a guardian's view, in which a restricted person has nothing (design.md §2, P5 and P16).
    OnBehalf(TicketKey, SubjectRef),
    /// Of somebody born on this day, as printed on it.
    Born(TicketKey, Date),
    /// Whoever's: its issuer asks, or who has used it.
    Anybody(TicketKey),
}

/// A decided step.
#[derive(Clone)]
pub struct TicketStep<A> {
    /// Whose ticket.
    pub subject: SubjectRef,
    /// Whether where the person lives is withheld.
    pub restricted: bool,
    /// Index and time of the step, microseconds.
    pub at: (u64, i64),
    /// What was decided.
    pub decided: A,
}

pmh_domain::withheld!(TicketKey, TicketOf);

impl GatewayStore {
    /// Decides about a ticket and writes what it becomes; `None` if there is none. `decide` is pure and may be called
    /// again; it gives the ticket as it is to be, or `None` to leave it.
    pub async fn ticket_step<A, R>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        of: TicketOf,
        decide: impl Fn(&KeptTicket) -> (A, Option<Ticket>) + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, Option<TicketStep<A>>>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        A: Send + 'static,
        R: Send + 'static,
    {
        self.write(Lane::Interactive, attempt, Some(idempotency), Step { of, decide }, conclude).await
    }
}

impl TicketOf {
    /// What is printed on it.
    pub fn key(&self) -> &TicketKey {
        match self {
            Self::Person(key, _) | Self::OnBehalf(key, _) | Self::Born(key, _) | Self::Anybody(key) => key,
        }
    }
}

struct Step<D> {
    of: TicketOf,
    decide: D,
}

impl<A, D> Transaction for Step<D>
where
    A: Send + 'static,
    D: Fn(&KeptTicket) -> (A, Option<Ticket>) + Send + Sync + 'static,
{
    type Outcome = Option<TicketStep<A>>;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let Some(ticket) = tx.ticket(&self.of).await? else { return Ok(None) };
            let (decided, wanted) = (self.decide)(&ticket);
            if let Some(wanted) = wanted {
                tx.change_ticket(&ticket, wanted).await?;
            }
            let restricted = tx.is_restricted(ticket.subject).await?;
            let at = (tx.next_index, tx.now_us);
            Ok(Some(TicketStep { subject: ticket.subject, restricted, at, decided }))
        })
    }
}

impl Tx {
    pub(crate) async fn ticket(&mut self, of: &TicketOf) -> Result<Option<KeptTicket>, Fault> {
        let key = of.key();
        let sql = "SELECT subject_ref, body FROM ticket WHERE issuer = $1 AND number = $2";
        let row = self.fetch_one(sql, vec![short(key.issuer).into(), key.number.as_str().into()]).await?;
        let Some(ticket) = row.as_ref().map(kept).transpose()? else { return Ok(None) };
        let is_theirs = match of {
            TicketOf::Anybody(_) => true,
            TicketOf::OnBehalf(_, person) if self.is_restricted(*person).await? => false,
            TicketOf::Person(_, person) | TicketOf::OnBehalf(_, person) => {
                self.references_of(*person).await?.contains(&ticket.subject)
            }
            TicketOf::Born(_, day) => self.birth_date(key.issuer, &ticket).await? == Some(*day),
        };
        Ok(is_theirs.then_some(ticket))
    }

    async fn birth_date(&mut self, issuer: IssuerId, ticket: &KeptTicket) -> Result<Option<Date>, Fault> {
        let sql = "SELECT body FROM resident_link WHERE issuer = $1 AND resident_key = $2";
        let key = ticket.issued.resident_key.as_str();
        let Some(row) = self.fetch_one(sql, vec![short(issuer).into(), key.into()]).await? else {
            return Ok(None);
        };
        let link: ResidentLink = parse(&row.text(0)?, "resident_link")?;
        Ok(Some(link.birth_date))
    }

    /// Every reference of a person, the one asked for among them.
    pub(crate) async fn references_of(&mut self, person: SubjectRef) -> Result<Vec<SubjectRef>, Fault> {
        let sql = "SELECT one.subject_ref FROM subject_alias asked
             JOIN subject_alias one ON one.survivor = asked.survivor WHERE asked.subject_ref = $1";
        let rows = self.fetch(sql, vec![person.into()]).await?;
        let found: Result<Vec<SubjectRef>, Fault> =
            rows.iter().map(|row| row.array(0, "subject_alias")).collect();
        let mut found = found?;
        if !found.contains(&person) {
            found.push(person);
        }
        Ok(found)
    }

    /// Whether any municipality withholds where the person lives.
    pub(crate) async fn is_restricted(&mut self, person: SubjectRef) -> Result<bool, Fault> {
        const RESTRICTIONS: &str =
            "SELECT restriction FROM resident_link WHERE subject_ref IN ({keys}) AND restriction <> 0";
        let keys = self.references_of(person).await?.into_iter().map(Into::into).collect();
        Ok(!self.connection.fetch_in(RESTRICTIONS, &[], keys).await?.is_empty())
    }

    /// The condition is what was decided on: nobody else can have used it meanwhile.
    async fn change_ticket(&mut self, before: &KeptTicket, wanted: Ticket) -> Result<(), Fault> {
        let (old, new) = (&before.issued.ticket.state, number(&wanted.state));
        let record = record_id(&wanted.state).to_owned();
        let (issuer, ticket_number) = (short(wanted.issuer), wanted.number.clone());
        let after = super::Issued { ticket: wanted, ..before.issued.clone() };
        let entry = signed(self.next_index)?;
        let changed = self
            .execute(
                "UPDATE ticket SET state = $1, record_id = $2, body = $3, entry_idx = $4
                 WHERE issuer = $5 AND number = $6 AND state = $7 AND record_id = $8",
                vec![
                    new.into(),
                    record.into(),
                    body(&after)?.into(),
                    entry.into(),
                    issuer.into(),
                    ticket_number.into(),
                    number(old).into(),
                    record_id(old).into(),
                ],
            )
            .await?;
        if changed == 1 { Ok(()) } else { Err(Fault::Inconsistent { table: "ticket", column: "state" }) }
    }
}
