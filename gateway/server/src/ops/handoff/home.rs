//! What officers at home do.

use std::{collections::BTreeSet, sync::Arc};

use pmh_domain::{
    handoff::{Category, HandoffId, HomeAct, Offer, Request, Side},
    resident::ResidentKey,
};
use pmh_proto::common::Reason;
use pmh_store::handoff::NewHandoff;

use super::{
    Kept,
    fold::instant,
    request::open,
    step::{About, Decided, Stepping, home_act},
};
use crate::{
    ops::{Call, Gateway, unavailable},
    rpc::status::Refusal,
};

/// Offers a handoff of one of the caller's residents.
pub async fn offer(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    resident_key: ResidentKey,
    offer: Offer,
) -> Result<Kept, Refusal> {
    let (stay, home) = (offer.terms().stay.to_string(), call.short().to_owned());
    if gateway.link(&stay).is_none() {
        return Err(Refusal::invalid_fields(vec![]).with_field("stay", Reason::UnknownCode));
    }
    let mut stepping = Stepping::by(call, idempotency_key, offer.terms().handoff, Side::Home);
    stepping.step.resident = Some((home.clone(), resident_key.as_str().to_owned()));
    let act = HomeAct::Offered(Box::new(offer));
    let opens = NewHandoff {
        municipality: home,
        other: stay.clone(),
        resident_key: resident_key.as_str().to_owned(),
    };
    stepping
        .run(gateway, move |loaded| match loaded.resident {
            // An offer that answers a request stands under its name; no other name is taken twice.
            _ if loaded.handoff.as_ref().is_some_and(|stored| open(stored).is_none()) => {
                (Decided::Refused(Reason::StateNotAllowed), None)
            }
            None => (Decided::Refused(Reason::NotFound), None),
            Some((_, true)) => (Decided::Refused(Reason::StateNotAllowed), None),
            Some((subject, false)) => {
                let about = About { subject: Some(subject), other: stay.clone() };
                home_act(loaded, None, &act, about, Some(opens.clone()), None)
            }
        })
        .await
}

/// Whether a request is about the resident that an officer found for it: the day of birth tells most mistakes.
pub async fn is_asked_for(
    gateway: &Gateway,
    call: &Call,
    resident_key: &ResidentKey,
    request: &Request,
) -> Result<(), Refusal> {
    let found = gateway.store.reader().resident(call.issuer()?, resident_key.as_str()).await;
    let (_, link) =
        found.map_err(|fault| unavailable(&fault))?.ok_or_else(|| Refusal::new(Reason::NotFound))?;
    let is_her = link.birth_date == request.mother.born_on;
    if is_her { Ok(()) } else { Err(Refusal::new(Reason::SubjectMismatch)) }
}

/// Passes the accepted duties.
pub async fn confirm(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping.at_home(gateway, |home, loaded| home.confirm(instant(loaded.now_us))).await
}

/// Takes the handoff back.
pub async fn withdraw(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping.at_home(gateway, |home, loaded| home.withdraw(instant(loaded.now_us))).await
}

/// The mother takes consent back at home's window.
pub async fn withdraw_consent(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    categories: BTreeSet<Category>,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping
        .at_home(gateway, move |home, loaded| {
            home.withdraw_consent(&categories, None, instant(loaded.now_us))
        })
        .await
}

/// Closes what was returned, or what the calendar ended.
pub async fn close(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping.at_home(gateway, |home, loaded| home.close(instant(loaded.now_us))).await
}
