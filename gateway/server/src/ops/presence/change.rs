//! A living presence: a new token, less consent, or its end.

use std::sync::Arc;

use pmh_auth::{names::Purpose, policy::Permit, token::IssuedToken};
use pmh_domain::time::tokyo_date;
use pmh_proto::common::Reason;
use pmh_store::{Concluding, PresenceUpdate};
use sha2::{Digest as _, Sha256};

use super::{
    Remembered,
    issuing::{Issuing, Opened},
    remembered,
};
use crate::{
    ops::{Call, Carried, Gateway, refusals::settled, unavailable},
    rpc::status::Refusal,
};

/// What a caller may do with a living presence.
#[derive(Debug, Clone)]
pub enum PresenceCall {
    /// A new token, optionally for a child.
    Renew {
        /// Handle of the child.
        act_for: Option<String>,
    },
    /// Drop groups (or `*`) and purposes.
    Narrow {
        /// Groups.
        withdraw: Vec<String>,
        /// Purposes.
        drop: Vec<Purpose>,
    },
    /// End.
    End,
}

/// What came of it.
#[derive(Clone)]
pub enum PresenceAnswer {
    /// New token.
    Token(IssuedToken),
    /// Groups still granted.
    Groups(Vec<String>),
    /// Ended.
    Ended,
}

/// Renews, narrows or ends.
pub async fn change(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: Permit,
    handle: &[u8],
    wish: PresenceCall,
    render: impl Fn(&PresenceAnswer) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<pmh_audit::Receipt>), Refusal> {
    let handle_hash: [u8; 32] = Sha256::digest(handle).into();
    let organization = permit.organization().short().to_owned();
    let issuing =
        Issuing { gateway: Arc::clone(gateway), call: call.clone(), random: gateway.random_bytes(), permit };
    // Held until the narrowed body is committed: of two withdrawals none is lost.
    let _alone = match &wish {
        PresenceCall::Narrow { .. } => Some(gateway.narrowing.lock().await),
        PresenceCall::Renew { .. } | PresenceCall::End => None,
    };
    let update = match &wish {
        PresenceCall::Renew { act_for } => PresenceUpdate::Renew {
            act_for: act_for
                .as_ref()
                .map(|child| gateway.pairwise.open(child, issuing.permit.organization().as_str()))
                .transpose()
                .map_err(|_| Refusal::new(Reason::SubjectMismatch))?,
            today: tokyo_date(call.now).to_string(),
        },
        PresenceCall::Narrow { withdraw, drop } => {
            let living = living_presence(gateway, handle_hash, &organization).await?;
            let body = narrowed(&living, withdraw, drop)?;
            PresenceUpdate::Narrow { body, pres_id: gateway.random_bytes() }
        }
        PresenceCall::End => PresenceUpdate::End,
    };
    let denied = Carried::default();
    let ended = denied.clone();
    let narrowed_body = match &update {
        PresenceUpdate::Narrow { body, .. } => Some(body.clone()),
        _ => None,
    };
    let recorded = gateway
        .auth
        .update_presence(gateway.attempt(), handle_hash, organization, update, move |concluding| {
            let Concluding::Fresh(found) = concluding else { return issuing.refuse(Reason::Internal, None) };
            let Some(presence) = found else { return issuing.refuse(Reason::PresenceEnded, None) };
            let named = Some(presence.person);
            match &wish {
                PresenceCall::End => {
                    ended.put(presence.pres_id);
                    issuing.record(named, render(&PresenceAnswer::Ended))
                }
                _ if presence.ended => issuing.refuse(Reason::PresenceEnded, named),
                PresenceCall::Narrow { .. } => {
                    ended.put(presence.pres_id);
                    let groups = narrowed_body.as_deref().and_then(remembered).map(|kept| kept.grants);
                    issuing.record(named, render(&PresenceAnswer::Groups(groups.unwrap_or_default())))
                }
                PresenceCall::Renew { .. } => {
                    let Some(kept) = remembered(&presence.body) else {
                        return issuing.refuse(Reason::Internal, named);
                    };
                    let opened = Opened {
                        holder: presence.holder,
                        person: presence.person,
                        pres_id: presence.pres_id,
                        until: presence.until_us.div_euclid(1_000_000),
                    };
                    issuing.issue(&kept, &opened, |token| render(&PresenceAnswer::Token(token)))
                }
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    let answer = settled(recorded);
    if let (Ok(_), Some(pres_id)) = (&answer, denied.take()) {
        gateway.deny_presence(pres_id);
    }
    answer
}

async fn living_presence(
    gateway: &Gateway,
    handle_hash: [u8; 32],
    organization: &str,
) -> Result<Remembered, Refusal> {
    let found = gateway
        .auth
        .reader()
        .presence_body(handle_hash, organization, gateway.now_us())
        .await
        .map_err(|fault| unavailable(&fault))?;
    found.as_deref().and_then(remembered).ok_or_else(|| Refusal::new(Reason::PresenceEnded))
}

/// Only ever less: a group or purpose that is not there is no error.
fn narrowed(living: &Remembered, withdraw: &[String], drop: &[Purpose]) -> Result<String, Refusal> {
    let mut kept = living.clone();
    // "All but one" has no form in a token, so it becomes nothing: a withdrawal never leaves what it names.
    let names_all = |groups: &[String]| groups.iter().any(|group| group == "*");
    let all = names_all(withdraw) || (!withdraw.is_empty() && names_all(&kept.grants));
    kept.grants.retain(|group| !all && !withdraw.contains(group));
    kept.purposes.retain(|purpose| !drop.iter().any(|dropped| dropped.as_str() == purpose));
    if kept.purposes.is_empty() {
        return Err(Refusal::invalid_fields(vec![]).with_field("drop_purposes", Reason::Value));
    }
    if kept.grants.is_empty() {
        kept.consent_ref = String::new();
    }
    serde_json::to_string(&kept).map_err(|_| Refusal::new(Reason::Internal))
}
