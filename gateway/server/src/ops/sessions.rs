//! Places at group checkups (集団健診): a family asks for itself, the municipality for its own residents.

use std::sync::Arc;

use pmh_audit::Kind;
use pmh_auth::policy::Permit;
use pmh_domain::{
    checkup::session::{Event, SessionRefusal},
    organization::IssuerId,
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::session::{Group, GroupKey, GroupStep, SessionInfo, Wanted, Whose};

use super::{
    Call, Gateway,
    asked::{Asked, Kept, Told},
    refusals::settled,
    unavailable,
};
use crate::rpc::status::Refusal;

/// Whose place in which group, as the request names it.
pub struct Wish {
    /// A family names the municipality; a municipality may name itself.
    pub municipality: Option<IssuerId>,
    /// A municipality's own resident.
    pub resident_key: Option<String>,
    /// The group.
    pub group: String,
}

/// A group after a step, as its reader may see it.
pub struct GroupView<'a> {
    /// The group.
    pub group: &'a Group,
    /// The resident the step was for; empty if nobody.
    pub resident: &'a str,
    /// Whether the municipality itself reads.
    pub is_home: bool,
    /// Residents who got a place by this, the asking one left out; empty for a family.
    pub moved_up: Vec<&'a str>,
}

/// Opens or changes days of a group.
pub async fn put_sessions(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    group: String,
    sessions: Vec<(String, u32, SessionInfo)>,
    render: impl Fn(&GroupView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let key = GroupKey { municipality: call.issuer()?, group };
    step(gateway, asked, Some(idempotency_key), (key, Whose::Nobody), Wanted::Open(sessions), render).await
}

/// Books a place, moves, or waits.
pub async fn request_place(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    wish: Wish,
    session_id: String,
    render: impl Fn(&GroupView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let whose = whose(call, &asked, wish)?;
    let wanted = Wanted::Place(session_id, tokyo_date(call.now));
    step(gateway, asked, Some(idempotency_key), someone(whose)?, wanted, render).await
}

/// Gives up place and waiting.
pub async fn cancel_place(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    wish: Wish,
    render: impl Fn(&GroupView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let whose = whose(call, &asked, wish)?;
    step(gateway, asked, Some(idempotency_key), someone(whose)?, Wanted::Cancel, render).await
}

/// The days of a group.
pub async fn list_sessions(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    wish: Wish,
    render: impl Fn(&GroupView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
    let asked = Asked::new(gateway, call, permit, Kind::Disclosure);
    let whose = whose(call, &asked, wish)?;
    step(gateway, asked, None, whose, Wanted::Look, render).await
}

async fn step(
    gateway: &Arc<Gateway>,
    asked: Asked,
    idempotency_key: Option<&str>,
    (key, whose): (GroupKey, Whose),
    wanted: Wanted,
    render: impl Fn(&GroupView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let once = idempotency_key.map(|key| asked.once(key));
    let (municipality, is_home) = (key.municipality, asked.person().is_none());
    let recorded = gateway
        .store
        .group_step(gateway.attempt(), once, key, whose, wanted, move |concluding| {
            asked.conclude(concluding, |stepped: Option<Result<GroupStep, SessionRefusal>>| {
                let stepped = stepped.ok_or(Reason::NotFound)?.map_err(reason)?;
                let answer = render(&view(&stepped, is_home));
                // The receipt shows the entry's holder: where a restricted person lives is nobody else's.
                let shows_home = is_home || !stepped.restricted;
                let holder = if shows_home { municipality.to_string() } else { String::new() };
                let subject = stepped.whose.map(|(subject, _)| subject);
                Ok(Told { answer, subject, holder, outcome: 0 })
            })
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

fn whose(call: &Call, asked: &Asked, wish: Wish) -> Result<(GroupKey, Whose), Refusal> {
    let Wish { municipality, resident_key, group } = wish;
    if let Some(person) = asked.person() {
        if resident_key.is_some() {
            return Err(Refusal::new(Reason::SubjectMismatch));
        }
        let municipality = municipality
            .ok_or_else(|| Refusal::invalid_fields(vec![]).with_field("municipality", Reason::Required))?;
        let whose = if asked.is_on_behalf() { Whose::OnBehalf(person) } else { Whose::Person(person) };
        return Ok((GroupKey { municipality, group }, whose));
    }
    let own = call.issuer().map_err(|_| Refusal::new(Reason::TokenMissing))?;
    if municipality.is_some_and(|named| named != own) {
        return Err(Refusal::new(Reason::IssuerMismatch));
    }
    let whose = resident_key.map_or(Whose::Nobody, Whose::Resident);
    Ok((GroupKey { municipality: own, group }, whose))
}

/// A place is somebody's.
fn someone((key, whose): (GroupKey, Whose)) -> Result<(GroupKey, Whose), Refusal> {
    match whose {
        Whose::Nobody => Err(Refusal::invalid_fields(vec![]).with_field("resident_key", Reason::Required)),
        whose => Ok((key, whose)),
    }
}

fn view(stepped: &GroupStep, is_home: bool) -> GroupView<'_> {
    let resident = stepped.whose.as_ref().map_or("", |(_, key)| key.as_str());
    let others = stepped.events.iter().filter_map(|event| match event {
        Event::Placed(person, _) if is_home && person != resident => Some(person.as_str()),
        _ => None,
    });
    GroupView { group: &stepped.group, resident, is_home, moved_up: others.collect() }
}

fn reason(refusal: SessionRefusal) -> Reason {
    match refusal {
        SessionRefusal::Unknown => Reason::NotFound,
        SessionRefusal::BelowTaken | SessionRefusal::Over => Reason::StateNotAllowed,
    }
}
