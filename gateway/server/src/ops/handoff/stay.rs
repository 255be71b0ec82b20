//! What officers at the stay side do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use pmh_audit::{Kind, registry::Categories};
use pmh_auth::policy::Permit;
use pmh_domain::handoff::{
    Answers, Binding, Category, DeclineReason, Duty, DutyAnswer, HandoffId, OneTimeCode, Side,
};
use pmh_proto::common::Reason;

use super::{Kept, fold::instant, step::Stepping};
use crate::{
    ops::{Call, Gateway, verify::purpose_number},
    rpc::status::Refusal,
};

/// Accepts, duty by duty; the token's person is the mother from here on.
pub async fn accept(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    id: HandoffId,
    code: Option<OneTimeCode>,
    given: BTreeMap<Duty, DutyAnswer>,
) -> Result<Kept, Refusal> {
    let named = permit.subject().and_then(|_| call.named(gateway));
    // Without her code she was at this window when the offer was asked for, and the token's person then is her.
    let (binding, subject) = match (code, &named) {
        (Some(code), Some(named)) => (Binding::Code(code), Some(named.subject.reference)),
        (Some(_), None) => return Err(Refusal::new(Reason::TokenMissing)),
        (None, _) => (Binding::Requested, None),
    };
    let mut stepping = Stepping::by(call, idempotency_key, id, Side::Stay);
    stepping.idempotency = Some(call.idempotency(idempotency_key, named.as_ref()));
    stepping.draft = call.draft(Kind::Write, Categories::HANDOFF, named.as_ref(), [0; 32]);
    stepping.draft.purpose = purpose_number(permit.purpose());
    stepping
        .at_stay(gateway, subject, move |stay, loaded| {
            let answers = Answers::new(&stay.offer().terms().duties, given.clone())?;
            stay.accept(&binding, answers, instant(loaded.now_us))
        })
        .await
}

/// Declines.
pub async fn decline(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    reason: DeclineReason,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Stay);
    stepping.at_stay(gateway, None, move |stay, loaded| stay.decline(reason, instant(loaded.now_us))).await
}

/// Gives duties back; all of them if none is named.
pub async fn give_back(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    duties: BTreeSet<Duty>,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Stay);
    stepping
        .at_stay(gateway, None, move |stay, loaded| {
            if duties.is_empty() {
                stay.give_all_back()
            } else {
                stay.give_back(duties.clone(), instant(loaded.now_us))
            }
        })
        .await
}

/// The mother takes consent back at this window.
pub async fn withdraw_consent_here(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    categories: BTreeSet<Category>,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Stay);
    stepping
        .at_stay(gateway, None, move |stay, loaded| {
            stay.withdraw_consent(categories.clone(), instant(loaded.now_us))
        })
        .await
}
