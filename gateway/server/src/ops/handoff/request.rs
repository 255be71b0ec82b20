//! The request that may come before an offer: asked at the stay side's window, answered by an officer at home.

use std::sync::Arc;

use pmh_audit::{Kind, registry::Categories};
use pmh_auth::policy::Permit;
use pmh_domain::handoff::{
    Asking, Decision, DeclineReason, HandoffId, LeafHash, Proven, Refusal as Refused, Request, RequestAct,
    RequestRefused, Side,
};
use pmh_proto::common::Reason;
use pmh_store::{
    SubjectRef,
    handoff::{Alarms, Loaded, NewHandoff, NewStep, StoredHandoff},
};

use super::{
    Kept, fold,
    link::Link,
    proof::MunicipalLog,
    step::{About, Decided, Stepping, entered, known_before},
};
use crate::{
    ops::{Call, Gateway, unavailable, verify::purpose_number},
    rpc::{handoff::wire, status::Refusal},
};

/// A request as the caller's side keeps it, before there is an offer.
#[derive(Debug, Clone)]
pub struct Requested {
    /// Which side the caller is.
    pub side: Side,
    /// The request.
    pub asking: Asking,
    /// Messages not acknowledged.
    pub unsent: u32,
}

/// The stay side asks; the token's person is the mother.
pub async fn request(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    request: Request,
) -> Result<Kept, Refusal> {
    let named = permit.subject().and_then(|_| call.named(gateway));
    let named = named.ok_or_else(|| Refusal::new(Reason::TokenMissing))?;
    let subject = named.subject.reference;
    let home = request.home.to_string();
    if gateway.link(&home).is_none() {
        return Err(Refusal::invalid_fields(vec![]).with_field("home", Reason::UnknownCode));
    }
    // A restriction here: home must not learn from us where she is.
    if gateway.store.reader().withholds(subject).await.map_err(|fault| unavailable(&fault))? {
        return Err(Refusal::new(Reason::StateNotAllowed));
    }
    let mut stepping = Stepping::by(call, idempotency_key, request.handoff, Side::Stay);
    stepping.idempotency = Some(call.idempotency(idempotency_key, Some(&named)));
    stepping.draft = call.draft(Kind::Write, Categories::HANDOFF, Some(&named), [0; 32]);
    stepping.draft.purpose = purpose_number(permit.purpose());
    let opens = NewHandoff {
        municipality: call.short().to_owned(),
        other: home.clone(),
        resident_key: String::new(),
    };
    let id = request.handoff;
    let act = RequestAct::RequestMade(Box::new(request));
    stepping
        .run(gateway, move |loaded| {
            if loaded.handoff.is_some() {
                return (Decided::Refused(Reason::StateNotAllowed), None);
            }
            let about = About { subject: Some(subject), other: home.clone() };
            let (decided, step) = taken(id, &act, about, Some(opens.clone()), None);
            (decided, step.map(|step| NewStep { binds: Some(subject), ..step }))
        })
        .await
}

/// Home will not offer.
pub async fn refuse_request(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    reason: DeclineReason,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    let home = call.short().to_owned();
    stepping
        .run(gateway, move |loaded| {
            let known = loaded.handoff.as_ref().filter(|stored| stored.municipality == home);
            let Some(stored) = known else { return (Decided::Refused(Reason::NotFound), None) };
            match fold::asking(stored).filter(|_| fold::home(stored).is_none()) {
                Some(asking) => decided(loaded, stored, asking.refuse(reason), None),
                None => (Decided::Refused(Reason::StateNotAllowed), None),
            }
        })
        .await
}

/// The request that an offer of home's answers, proved once more by the receipt that came with it. Errors: none such, or it
/// was answered.
pub async fn asked_for(gateway: &Gateway, call: &Call, id: HandoffId) -> Result<Proven<Request>, Refusal> {
    let reader = gateway.store.reader();
    let found = reader.handoff(id, Side::Home).await.map_err(|fault| unavailable(&fault))?;
    let stored = found.filter(|stored| stored.municipality == call.short());
    let stored = stored.ok_or_else(|| Refusal::new(Reason::NotFound))?;
    open(&stored).ok_or_else(|| Refusal::new(Reason::StateNotAllowed))?;
    let log = MunicipalLog::of(gateway, &stored.other).ok_or_else(|| Refusal::new(Reason::TryAgain))?;
    let heard = reader.handoff_heard(id, Side::Home).await.map_err(|fault| unavailable(&fault))?;
    let proven = |bytes: &Vec<u8>| Proven::check(&log, &wire::decode(bytes)?).ok();
    heard.iter().find_map(proven).ok_or_else(|| Refusal::new(Reason::ProofInvalid))
}

/// A request arrives at home: it is entered whoever she is, and answered alike.
pub(super) async fn hear_request(
    gateway: &Arc<Gateway>,
    stepping: Stepping,
    proven: &Proven<Request>,
) -> Result<Kept, Refusal> {
    let asked = proven.says();
    let (home, stay) = (asked.home.to_string(), asked.stay.to_string());
    let is_ours = matches!(gateway.link(&home), Some(Link::Here)) && asked.handoff == proven.handoff();
    if !is_ours || home == stay {
        return Err(Refusal::new(Reason::NotFound));
    }
    let id = proven.handoff();
    let act = RequestAct::RequestReceived { cause: proven.entry(), request: Box::new(asked.clone()) };
    let opens = NewHandoff { municipality: home, other: stay.clone(), resident_key: String::new() };
    let heard = stepping.heard.clone();
    stepping
        .run(gateway, move |loaded| {
            let about = About { subject: None, other: stay.clone() };
            match (&loaded.heard, &loaded.handoff) {
                (Some(_), _) => known_before(loaded, about),
                (None, Some(_)) => (Decided::Refused(Reason::StateNotAllowed), None),
                (None, None) => taken(id, &act, about, Some(opens.clone()), heard.as_ref()),
            }
        })
        .await
}

/// Home's refusal arrives at the stay side.
pub(super) async fn hear_refusal(
    gateway: &Arc<Gateway>,
    stepping: Stepping,
    proven: Proven<RequestRefused>,
) -> Result<Kept, Refusal> {
    let heard = stepping.heard.clone();
    stepping
        .run(gateway, move |loaded| {
            match loaded.handoff.as_ref().and_then(|stored| Some((stored, fold::asking(stored)?))) {
                None => (Decided::Refused(Reason::NotFound), None),
                // A restriction here since: home hears what it would hear of nothing.
                Some((stored, _)) if stored.is_withheld => (Decided::Refused(Reason::NotFound), None),
                Some((stored, _)) if fold::stay(stored).is_some() => {
                    decided(loaded, stored, Err(Refused::Contradicts), heard.as_ref())
                }
                Some((stored, asking)) => decided(loaded, stored, asking.hear(&proven), heard.as_ref()),
            }
        })
        .await
}

/// What this side asked of a home, and for whom, as long as that home has neither offered nor refused.
pub(super) fn asked_of(stored: &StoredHandoff, home: &str) -> Option<(Asking, Option<SubjectRef>)> {
    (stored.other == home && !stored.is_withheld).then_some(())?;
    Some((open(stored)?, stored.subject))
}

/// A request that nobody answered.
pub(super) fn open(stored: &StoredHandoff) -> Option<Asking> {
    let is_offered = match stored.side {
        Side::Home => fold::home(stored).is_some(),
        Side::Stay => fold::stay(stored).is_some(),
    };
    fold::asking(stored).filter(|asking| !is_offered && asking.refused().is_none())
}

fn decided(
    loaded: &Loaded,
    stored: &StoredHandoff,
    decided: Result<Decision<RequestAct>, Refused>,
    heard: Option<&(LeafHash, Vec<u8>)>,
) -> (Decided, Option<NewStep>) {
    let about = About { subject: stored.subject, other: stored.other.clone() };
    match decided {
        Err(refused) => (Decided::Refused(fold::reason(refused)), None),
        Ok(Decision::Known) => known_before(loaded, about),
        Ok(Decision::Append(act)) => taken(stored.id, &act, about, None, heard),
    }
}

fn taken(
    id: HandoffId,
    act: &RequestAct,
    about: About,
    opens: Option<NewHandoff>,
    heard: Option<&(LeafHash, Vec<u8>)>,
) -> (Decided, Option<NewStep>) {
    let (kind, cause) = match act {
        RequestAct::RequestMade(_) => (Kind::Write, None),
        RequestAct::RequestReceived { cause, .. } => (Kind::Write, Some(*cause)),
        RequestAct::RequestRefused { cause, .. } | RequestAct::RefusalReceived { cause, .. } => {
            (Kind::HandoffDecline, Some(*cause))
        }
    };
    let answer = wire::of_request(act, id);
    entered(
        kind,
        fold::format(act),
        !answer.is_empty(),
        answer,
        cause,
        about,
        opens,
        heard,
        Alarms::default(),
    )
}
