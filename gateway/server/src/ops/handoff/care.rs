//! 産後ケア at the stay: home approves it, a facility verifies it.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::{Kind, OrgRef, registry::Categories};
use pmh_auth::policy::Permit;
use pmh_domain::{
    handoff::{CareAnswer, CareApproval, Category, Duty, HandoffId, OneTimeCode, Side},
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{Recorded, handoff::StoredHandoff};

use super::{
    Kept, consent_reference,
    fold::{self, instant},
    link::Link,
    step::Stepping,
    view::{Guest, is_open_at, passed_on},
};
use crate::{
    ops::{Call, Gateway, Response, call::Named, unavailable, verify::purpose_number},
    rpc::{handoff::wire, status::Refusal},
};

/// By what a facility knows the mother.
pub enum ShowsCare {
    /// Her card was presented: the token names her.
    Card,
    /// She told the handoff and its code.
    Code(HandoffId, OneTimeCode),
}

/// What a facility may rely on.
pub struct VerifiedCare {
    /// As the rules say.
    pub answer: CareAnswer,
    /// Who approved, `<kind>:<code>`; empty: nobody.
    pub approved_by: String,
}

/// Home approves care.
pub async fn approve_care(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    approval: CareApproval,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping.at_home(gateway, move |home, loaded| home.approve_care(approval, instant(loaded.now_us))).await
}

/// A facility verifies what home approved. Nothing is said of a mother before home was asked whether it still stands by
/// it: a restriction there is not told here, and must act here all the same.
pub async fn verify_care<R: Response>(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    shows: ShowsCare,
    day: Option<Date>,
    render: impl Fn(&VerifiedCare) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    gateway.witnesses.permit_disclosure(gateway.now_us())?;
    if permit.subject().is_some_and(|subject| subject.actor().is_some()) {
        return Err(Refusal::new(Reason::SubjectMismatch));
    }
    let named = permit.subject().and_then(|_| call.named(gateway));
    let found = found(gateway, named.as_ref(), &shows).await?;
    let (answer, of) = best(gateway, &found, day).await?;
    let purpose = purpose_number(permit.purpose());
    let of = of.filter(|_| answer != CareAnswer::NoApproval);
    let holder = of.and_then(|stored| OrgRef::new(&stored.other).ok());
    let reference = of.map(|stored| consent_reference(stored.id));
    let subject = of.and_then(|stored| stored.subject);
    let subject = subject.and_then(|subject| gateway.entry_subject(subject, call.peer.urn()));
    let approved_by = of.map(|stored| stored.other.clone()).unwrap_or_default();
    let (verified, call) = (VerifiedCare { answer, approved_by }, call.clone());
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&verified);
            let mut draft =
                call.draft(Kind::Disclosure, Categories::HANDOFF, named.as_ref(), response.digest());
            draft.purpose = purpose;
            draft.holder.clone_from(&holder);
            draft.subject = draft.subject.or_else(|| subject.clone());
            draft.detail.consent = reference.clone().unwrap_or(draft.detail.consent);
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// The stay sides of her handoffs, as far as she shows that they are hers.
async fn found(
    gateway: &Gateway,
    named: Option<&Named>,
    shows: &ShowsCare,
) -> Result<Vec<StoredHandoff>, Refusal> {
    let reader = gateway.store.reader();
    let found = match (shows, named) {
        (ShowsCare::Card, Some(named)) => reader.stays_of(named.subject.reference).await,
        (ShowsCare::Card, None) => return Err(Refusal::new(Reason::TokenInvalid)),
        (ShowsCare::Code(id, code), _) => reader.handoff(*id, Side::Stay).await.map(|stored| {
            let is_hers =
                |stored: &StoredHandoff| fold::stay(stored).is_some_and(|stay| stay.is_opened_by(code));
            stored.into_iter().filter(is_hers).collect()
        }),
    };
    found.map_err(|fault| unavailable(&fault))
}

/// What tells the facility most, and of which handoff.
async fn best<'a>(
    gateway: &Gateway,
    found: &'a [StoredHandoff],
    day: Option<Date>,
) -> Result<(CareAnswer, Option<&'a StoredHandoff>), Refusal> {
    let now = gateway.now();
    let day = day.unwrap_or_else(|| tokyo_date(now));
    let mut best = (CareAnswer::NoApproval, None);
    for stored in found {
        let Some(stay) = fold::stay(stored) else { continue };
        let answer = stay.care(day, now);
        let rests_on_home = !matches!(answer, CareAnswer::NoApproval | CareAnswer::Over);
        if answer.tells_more_than(&best.0) && (!rests_on_home || stands_at_home(gateway, stored).await?) {
            best = (answer, Some(stored));
        }
    }
    Ok(best)
}

/// Whether home still stands by what it approved. Errors: it cannot be asked now.
async fn stands_at_home(gateway: &Gateway, stored: &StoredHandoff) -> Result<bool, Refusal> {
    let guest = Guest {
        handoff: stored.id,
        category: Category::CareApproval,
        child: 0,
        duty: Some(Duty::PostpartumCare),
    };
    let asked = match gateway.link(&stored.other) {
        Some(Link::Here) => {
            let home = gateway.store.reader().handoff(stored.id, Side::Home).await;
            let home = home.map_err(|fault| unavailable(&fault))?;
            home.map_or(Err(Refusal::new(Reason::NotFound)), |home| is_open_at(gateway, &home, guest))
        }
        Some(Link::Peer(peer)) => {
            let asked = peer.client.call_unrecorded(&wire::ask(guest, true), None).await;
            asked.map(drop).map_err(|error| passed_on(&error))
        }
        None => Err(Refusal::new(Reason::TryAgain)),
    };
    match asked {
        Ok(()) => Ok(true),
        Err(refusal) if matches!(refusal.reason(), Reason::NotFound | Reason::ConsentRequired) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}
