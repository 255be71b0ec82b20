//! What was told of a birth becomes a step of a handoff.

use std::sync::Arc;

use pmh_audit::registry::Method;
use pmh_domain::handoff::Side;
use pmh_store::birth::BirthEcho;

use super::{deliver::own_draft, step::Stepping};
use crate::{
    ops::{
        Gateway,
        births::{at_home, at_stay},
        unavailable,
    },
    rpc::status::Refusal,
};

/// One side of a handoff enters an event. Errors: it is over, or the event contradicts what it knows.
pub async fn enter_birth(gateway: &Arc<Gateway>, echo: &BirthEcho, method: Method) -> Result<(), Refusal> {
    let stored = gateway.store.reader().handoff(echo.handoff, echo.side).await;
    let Some(stored) = stored.map_err(|fault| unavailable(&fault))? else { return Ok(()) };
    let draft = pmh_store::Draft { method, ..own_draft() };
    let stepping = Stepping::by_itself(echo.handoff, echo.side, stored.municipality, draft);
    let echo = echo.clone();
    match echo.side {
        Side::Home => stepping.at_home(gateway, move |home, _| at_home(home, &echo.event)).await,
        Side::Stay => stepping.at_stay(gateway, None, move |stay, _| at_stay(stay, &echo)).await,
    }
    .map(drop)
}
