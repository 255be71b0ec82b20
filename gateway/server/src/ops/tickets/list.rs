//! A person's tickets as each reader sees them.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_auth::{names::Role, policy::Permit};
use pmh_domain::{
    checkup::ticket::{Place, Ticket, TicketState, Use},
    codes::MunicipalityCode,
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::ticket::{PersonTickets, TicketsOf};

use super::{outcome_number, visit_id};
use crate::{
    ops::{
        Call, Gateway,
        asked::{Asked, Kept, Told},
        refusals::settled,
        unavailable,
    },
    rpc::status::Refusal,
};

/// A ticket as one reader sees it.
pub struct SeenTicket {
    /// The ticket. Its state tells a use's day and fee: show [`SeenTicket::shown`] instead.
    pub ticket: Ticket,
    /// What using it here today would come to, by its number in the contract; 0: not at a clinic.
    pub today: u16,
    /// Its use, if this reader may see it.
    pub shown: Option<ShownUse>,
}

/// A use as far as a reader may see it.
pub struct ShownUse {
    /// `<kind>:<code>`; empty if withheld.
    pub institution: String,
    /// The institution's own id of the visit; empty if withheld.
    pub record_id: String,
    /// The rest.
    pub used: Use,
}

/// Who reads.
enum Reader {
    /// The issuer.
    Home,
    /// At a counter.
    Clinic { short: String, place: Place },
    /// The person.
    Citizen,
}

/// The tickets of the token's person, or of a municipality's own resident.
pub async fn list_tickets(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    resident_key: Option<String>,
    municipality: Option<MunicipalityCode>,
    render: impl Fn(&[SeenTicket]) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
    let asked = Asked::new(gateway, call, permit, Kind::Disclosure);
    let of = match (asked.person(), resident_key) {
        (Some(_), Some(_)) => return Err(Refusal::new(Reason::SubjectMismatch)),
        (Some(person), None) => TicketsOf::Person(person),
        // Its own residents need no card; a clinic that names one is asked for its token.
        (None, Some(key)) => {
            TicketsOf::Resident(call.issuer().map_err(|_| Refusal::new(Reason::TokenMissing))?, key)
        }
        (None, None) => return Err(Refusal::new(Reason::TokenMissing)),
    };
    let seen_by = Reader::of(call, permit, asked.person().is_some(), municipality)?;
    let (today, on_behalf) = (tokyo_date(call.now), asked.is_on_behalf());
    let recorded = gateway
        .store
        .list_tickets(gateway.attempt(), of, move |concluding| {
            asked.conclude(concluding, |found: Option<PersonTickets>| {
                let found = found.ok_or(Reason::NotFound)?;
                let hidden = found.restricted && on_behalf;
                let tickets = if hidden { &[] } else { found.tickets.as_slice() };
                let seen =
                    tickets.iter().map(|kept| seen_by.see(&kept.issued.ticket, today, found.restricted));
                let answer = render(&seen.collect::<Vec<_>>());
                let holder = if found.restricted { String::new() } else { holder(tickets) };
                Ok(Told { answer, subject: Some(found.subject), holder, outcome: 0 })
            })
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

impl Reader {
    fn of(
        call: &Call,
        permit: &Permit,
        has_token: bool,
        municipality: Option<MunicipalityCode>,
    ) -> Result<Self, Refusal> {
        match (permit.role(), has_token) {
            (Role::Clinic, _) => {
                let institution = call.organization()?.institution();
                let prefecture =
                    institution.ok_or_else(|| Refusal::new(Reason::RoleNotAllowed))?.prefecture();
                Ok(Self::Clinic { short: call.short().to_owned(), place: Place { prefecture, municipality } })
            }
            (_, true) => Ok(Self::Citizen),
            (_, false) => Ok(Self::Home),
        }
    }

    fn see(&self, ticket: &Ticket, today: Date, restricted: bool) -> SeenTicket {
        let seen_today = match self {
            Self::Clinic { place, .. } => outcome_number(ticket.consume(&trial(ticket, today, *place)).err()),
            Self::Home | Self::Citizen => 0,
        };
        let shown = match &ticket.state {
            TicketState::Used(used) => self.shown(used, restricted),
            TicketState::Issued | TicketState::Void { .. } => None,
        };
        SeenTicket { ticket: ticket.clone(), today: seen_today, shown }
    }

    fn shown(&self, used: &Use, restricted: bool) -> Option<ShownUse> {
        let (institution, record_id) = used.record_id.split_once('/')?;
        let (institution, record_id) = match self {
            Self::Home => (institution, record_id),
            Self::Clinic { short, .. } if short == institution => (institution, record_id),
            Self::Clinic { .. } => return None,
            Self::Citizen if restricted => ("", ""),
            Self::Citizen => (institution, ""),
        };
        Some(ShownUse {
            institution: institution.to_owned(),
            record_id: record_id.to_owned(),
            used: used.clone(),
        })
    }
}

/// A use that no visit has: only what is printed on the ticket decides.
fn trial(ticket: &Ticket, date: Date, place: Place) -> Use {
    Use { record_id: visit_id("", ""), date, kind: ticket.kind, place, fee_yen: 0 }
}

/// The one municipality whose tickets these are, if it is one.
fn holder(tickets: &[pmh_store::ticket::KeptTicket]) -> String {
    let mut issuers = tickets.iter().map(|kept| kept.issued.ticket.issuer);
    match (issuers.next(), issuers.next_back()) {
        (Some(first), last) if last.is_none_or(|last| last == first) => first.to_string(),
        _ => String::new(),
    }
}
