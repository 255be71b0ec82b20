//! What arrives from the other side: verified, entered, answered. The same message again gives the same answer.

use std::sync::Arc;

use pmh_audit::{Kind, registry::Categories};
use pmh_domain::{
    handoff::{HandoffId, HomeSays, Proven, Request, RequestRefused, Side, Stay, StaySays},
    organization::IssuerId,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Draft,
    handoff::{HandoffStep, Loaded, NewHandoff, NewStep},
};

use super::{
    Kept, Message, Said,
    fold::{self, instant},
    link::Link,
    proof::MunicipalLog,
    request::{asked_of, hear_refusal, hear_request},
    step::{About, Decided, Stepping, stay_act},
};
use crate::{
    ops::{Call, Gateway, births::told_by_stay, unavailable},
    rpc::{handoff::wire, status::Refusal},
};

/// From whom a message came: a peer by its call, or this very gateway.
pub(super) enum Bearer<'a> {
    Peer(&'a Call),
    Here,
}

/// A peer's delivery.
pub async fn receive(gateway: &Arc<Gateway>, call: &Call, message: &Message) -> Result<Kept, Refusal> {
    let draft = call.draft(Kind::Write, Categories::HANDOFF, None, [0; 32]);
    take(gateway, &Bearer::Peer(call), draft, message).await
}

pub(super) async fn take(
    gateway: &Arc<Gateway>,
    bearer: &Bearer<'_>,
    draft: Draft,
    message: &Message,
) -> Result<Kept, Refusal> {
    let told = wire::told(&message.response).ok_or_else(unproven)?;
    match &told.said {
        Said::Request(request) => {
            let stay = request.stay.to_string();
            let log = heard_of(gateway, bearer, &stay)?;
            let proven: Proven<Request> = Proven::check(&log, message).map_err(|_| unproven())?;
            let home = request.home.to_string();
            let stepping = stepping(told.handoff, Side::Home, &home, draft, message, proven.entry().leaf);
            hear_request(gateway, stepping, &proven).await
        }
        Said::RequestRefused(_) => {
            let (home, stay) = sides(gateway, told.handoff, Side::Stay).await?;
            let log = heard_of(gateway, bearer, &home)?;
            let proven: Proven<RequestRefused> = Proven::check(&log, message).map_err(|_| unproven())?;
            let stepping = stepping(told.handoff, Side::Stay, &stay, draft, message, proven.entry().leaf);
            hear_refusal(gateway, stepping, proven).await
        }
        Said::Home(says) => {
            let (home, stay) = sides_from_home(gateway, told.handoff, says).await?;
            let log = heard_of(gateway, bearer, &home)?;
            let proven: Proven<HomeSays> = Proven::check(&log, message).map_err(|_| unproven())?;
            let stepping = stepping(told.handoff, Side::Stay, &stay, draft, message, proven.entry().leaf);
            hear_home(gateway, stepping, proven, home, stay).await
        }
        Said::Stay(says) => {
            let (home, stay) = sides(gateway, told.handoff, Side::Home).await?;
            let log = heard_of(gateway, bearer, &stay)?;
            let proven: Proven<StaySays> = Proven::check(&log, message).map_err(|_| unproven())?;
            let mut stepping = stepping(told.handoff, Side::Home, &home, draft, message, proven.entry().leaf);
            stepping.birth = told_by_stay(gateway, (&home, &stay), says).await?;
            stepping.at_home(gateway, move |home, loaded| home.receive(&proven, instant(loaded.now_us))).await
        }
    }
}

async fn hear_home(
    gateway: &Arc<Gateway>,
    stepping: Stepping,
    proven: Proven<HomeSays>,
    home: String,
    stay: String,
) -> Result<Kept, Refusal> {
    let HomeSays::Offer(offer) = proven.says() else {
        return stepping.at_stay(gateway, None, move |stay, _| stay.receive(&proven)).await;
    };
    let us: IssuerId = offer.terms().stay;
    let heard = stepping.heard.clone();
    let opens = NewHandoff { municipality: stay, other: home.clone(), resident_key: String::new() };
    stepping
        .run(gateway, move |loaded: &Loaded| -> (Decided, Option<NewStep>) {
            let about = About { subject: None, other: home.clone() };
            if let Some(answer) = &loaded.heard {
                return (Decided::Known { answer: answer.clone(), about }, None);
            }
            let asked = loaded.handoff.as_ref().and_then(|stored| asked_of(stored, &home));
            let about = About { subject: asked.as_ref().and_then(|(_, subject)| *subject), ..about };
            let opens = asked.is_none().then(|| opens.clone());
            let decided = match &loaded.handoff {
                None => Stay::offered(&proven, us, None),
                Some(_) if asked.is_some() => {
                    Stay::offered(&proven, us, asked.as_ref().map(|(asking, _)| asking.entry()))
                }
                // Another entry offers what was offered before.
                Some(_) => Err(pmh_domain::handoff::Refusal::Contradicts),
            };
            match decided {
                Err(refused) => (Decided::Refused(fold::reason(refused)), None),
                Ok(act) => stay_act(loaded, None, &act, about, opens, heard.as_ref()),
            }
        })
        .await
}

fn stepping(
    id: HandoffId,
    side: Side,
    municipality: &str,
    draft: Draft,
    message: &Message,
    leaf: pmh_domain::handoff::LeafHash,
) -> Stepping {
    Stepping {
        step: HandoffStep { id, side, resident: None, heard: Some(leaf.0) },
        // The message's own leaf is the key: a double changes nothing, whoever brings it.
        idempotency: None,
        draft,
        municipality: municipality.to_owned(),
        heard: Some((leaf, wire::encode(message))),
        birth: None,
    }
}

/// The log that must prove it, if its bearer speaks for the municipality.
fn heard_of<'a>(
    gateway: &'a Gateway,
    bearer: &Bearer<'_>,
    municipality: &'a str,
) -> Result<MunicipalLog<'a>, Refusal> {
    let link = gateway.link(municipality).ok_or_else(unproven)?;
    let speaks = match (bearer, link) {
        (Bearer::Here, link) => matches!(link, Link::Here),
        (Bearer::Peer(call), link) => link.is_caller(call.short()),
    };
    if speaks { MunicipalLog::of(gateway, municipality).ok_or_else(unproven) } else { Err(unproven()) }
}

/// Home and stay of a message of home's. An offer names them itself; whether it may is for its receipt to prove.
async fn sides_from_home(
    gateway: &Gateway,
    id: HandoffId,
    says: &HomeSays,
) -> Result<(String, String), Refusal> {
    let HomeSays::Offer(offer) = says else { return sides(gateway, id, Side::Stay).await };
    let stay = offer.terms().stay.to_string();
    match gateway.link(&stay) {
        Some(Link::Here) => Ok((offer.terms().home.to_string(), stay)),
        _ => Err(Refusal::new(Reason::NotFound)),
    }
}

/// Home and stay of a handoff that this side of it knows.
async fn sides(gateway: &Gateway, id: HandoffId, own: Side) -> Result<(String, String), Refusal> {
    let found = gateway.store.reader().handoff(id, own).await.map_err(|fault| unavailable(&fault))?;
    let stored = found.ok_or_else(|| Refusal::new(Reason::NotFound))?;
    Ok(match own {
        Side::Home => (stored.municipality, stored.other),
        Side::Stay => (stored.other, stored.municipality),
    })
}

fn unproven() -> Refusal {
    Refusal::new(Reason::ProofInvalid)
}
