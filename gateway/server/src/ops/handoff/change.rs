//! Changes of plan on either side.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_domain::handoff::{Consent, HandoffId, Side};

use super::{Kept, fold::instant, step::Stepping};
use crate::{
    ops::{Call, Gateway},
    rpc::status::Refusal,
};

/// The stay side asks for a later last day.
pub async fn ask_longer(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    last: Date,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Stay);
    stepping.at_stay(gateway, None, move |stay, loaded| stay.ask_longer(last, instant(loaded.now_us))).await
}

/// Home grants exactly the day that was asked for, or ends the stay earlier.
pub async fn answer_last_day(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    last: Date,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping
        .at_home(gateway, move |home, loaded| {
            let now = instant(loaded.now_us);
            if home.asked_until() == Some(last) { home.confirm(now) } else { home.shorten(last, now) }
        })
        .await
}

/// The mother shares more.
pub async fn add_consent(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    consent: Consent,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping
        .at_home(gateway, move |home, loaded| home.give_consent(consent.clone(), instant(loaded.now_us)))
        .await
}

/// Her residence moved.
pub async fn moved(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    id: HandoffId,
    on: Date,
) -> Result<Kept, Refusal> {
    let stepping = Stepping::by(call, idempotency_key, id, Side::Home);
    stepping.at_home(gateway, move |home, loaded| home.moved(on, instant(loaded.now_us))).await
}
