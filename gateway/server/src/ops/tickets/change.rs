//! A ticket is used, given back, taken back: decided on the ticket as the log's head finds it.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::{
    checkup::{
        kind::CheckupKind,
        ticket::{Place, Repeat, Ticket, TicketRefusal, TicketState, Use},
    },
    codes::MunicipalityCode,
    organization::IssuerId,
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::ticket::{KeptTicket, TicketKey, TicketOf, TicketStep};

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

/// What is printed on a ticket.
#[derive(Clone)]
pub struct TicketName {
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its number.
    pub number: String,
}

/// A visit that a ticket is to pay for.
#[derive(Clone)]
pub struct Visit {
    /// The ticket.
    pub ticket: TicketName,
    /// The holder's, as printed; needed where no card was presented.
    pub birth_date: Option<Date>,
    /// The institution's own id.
    pub record_id: String,
    /// Kind of the checkup.
    pub kind: CheckupKind,
    /// Day.
    pub date: Date,
    /// The whole fee, whole yen.
    pub fee_yen: u32,
    /// Where the institution is.
    pub municipality: Option<MunicipalityCode>,
}

/// Who pays what of a visit.
pub struct Cover {
    /// Why the ticket does not pay; `None`: it does.
    pub refusal: Option<TicketRefusal>,
    /// Most that it pays, whole yen.
    pub cap_yen: u32,
    /// The issuer's share, whole yen.
    pub issuer_yen: u32,
    /// The family's share, whole yen.
    pub family_yen: u32,
}

/// Uses a ticket once.
pub async fn use_ticket(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    visit: &Visit,
    render: impl Fn(&Cover) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let of = whose(&asked, visit)?;
    let wanted = wanted(call, visit)?;
    let decide = move |kept: &KeptTicket| {
        let (cover, change) = cover(&kept.issued.ticket, &wanted);
        (Ok(cover), change)
    };
    let tell = move |cover: &Cover| (render(cover), outcome_number(cover.refusal));
    step(gateway, asked, idempotency_key, of, decide, tell).await
}

/// Gives back what the caller's own visit used.
pub async fn release_ticket(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    ticket: TicketName,
    record_id: &str,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let visit = visit_id(call.short(), record_id);
    let decide = move |kept: &KeptTicket| {
        let released = kept.issued.ticket.release(&visit);
        if released == kept.issued.ticket {
            // Whose visit used it, if any did, is not the caller's to know.
            return (Err(Reason::NotFound), None);
        }
        (Ok(()), Some(released))
    };
    step(gateway, asked, idempotency_key, TicketOf::Anybody(key(ticket)), decide, move |()| (render(), 0))
        .await
}

/// Takes one of the caller's own tickets out of use.
pub async fn void_ticket(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    number: String,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let of = TicketOf::Anybody(TicketKey { issuer: call.issuer()?, number });
    let today = tokyo_date(call.now);
    let decide = move |kept: &KeptTicket| match kept.issued.ticket.void(today) {
        Ok(void) => (Ok(()), (kept.issued.ticket.state == TicketState::Issued).then_some(void)),
        Err(_) => (Err(Reason::StateNotAllowed), None),
    };
    step(gateway, asked, idempotency_key, of, decide, move |()| (render(), 0)).await
}

/// Decides, writes, records.
async fn step<A: Send + 'static>(
    gateway: &Arc<Gateway>,
    asked: Asked,
    idempotency_key: &str,
    of: TicketOf,
    decide: impl Fn(&KeptTicket) -> (Result<A, Reason>, Option<Ticket>) + Send + Sync + 'static,
    tell: impl Fn(&A) -> (Vec<u8>, u16) + Send + 'static,
) -> Result<Kept, Refusal> {
    let once = asked.once(idempotency_key);
    let issuer = of.key().issuer;
    let recorded = gateway
        .store
        .ticket_step(gateway.attempt(), once, of, decide, move |concluding| {
            asked.conclude(concluding, |stepped: Option<TicketStep<Result<A, Reason>>>| {
                let TicketStep { subject, restricted, decided, .. } = stepped.ok_or(Reason::NotFound)?;
                let (answer, outcome) = tell(&decided?);
                // The receipt shows the entry's holder: where a restricted person lives is nobody else's.
                let holder = if restricted { String::new() } else { issuer.to_string() };
                Ok(Told { answer, subject: Some(subject), holder, outcome })
            })
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

fn whose(asked: &Asked, visit: &Visit) -> Result<TicketOf, Refusal> {
    let key = key(visit.ticket.clone());
    match (asked.person(), visit.birth_date) {
        (Some(person), None) if asked.is_on_behalf() => Ok(TicketOf::OnBehalf(key, person)),
        (Some(person), None) => Ok(TicketOf::Person(key, person)),
        (None, Some(born)) => Ok(TicketOf::Born(key, born)),
        (None, None) => Err(Refusal::new(Reason::TokenMissing)),
        (Some(_), Some(_)) => {
            Err(Refusal::invalid_fields(vec![]).with_field("birth_date", Reason::Contradiction))
        }
    }
}

fn wanted(call: &Call, visit: &Visit) -> Result<Use, Refusal> {
    let institution = call.organization()?.institution();
    let prefecture = institution.ok_or_else(|| Refusal::new(Reason::RoleNotAllowed))?.prefecture();
    if visit.municipality.is_some_and(|place| place.prefecture() != prefecture) {
        let path = "institution_municipality";
        return Err(Refusal::invalid_fields(vec![]).with_field(path, Reason::Contradiction));
    }
    if visit.date > tokyo_date(call.now) {
        return Err(Refusal::invalid_fields(vec![]).with_field("date", Reason::DateOutOfRange));
    }
    Ok(Use {
        record_id: visit_id(call.short(), &visit.record_id),
        date: visit.date,
        kind: visit.kind,
        place: Place { prefecture, municipality: visit.municipality },
        fee_yen: visit.fee_yen,
    })
}

/// What a use comes to, and the ticket it leaves if that is another.
fn cover(ticket: &Ticket, wanted: &Use) -> (Cover, Option<Ticket>) {
    match ticket.consume(wanted) {
        Ok(consumed) => {
            let (issuer_yen, family_yen) = (consumed.issuer_yen, consumed.family_yen);
            let cover = Cover { refusal: None, cap_yen: ticket.cap_yen, issuer_yen, family_yen };
            (cover, (consumed.first == Repeat::First).then_some(consumed.ticket))
        }
        Err(refusal) => {
            let (refusal, family_yen) = (Some(refusal), wanted.fee_yen);
            (Cover { refusal, cap_yen: ticket.cap_yen, issuer_yen: 0, family_yen }, None)
        }
    }
}

fn key(ticket: TicketName) -> TicketKey {
    TicketKey { issuer: ticket.issuer, number: ticket.number }
}
