//! Follow-ups of a municipality: open until somebody says what came of them.

use std::sync::Arc;

use pmh_audit::Kind;
use pmh_domain::{checkup::follow_up::CloseRefusal, time::tokyo_date};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Reply,
    checkup::{CloseOutcome, FollowUpPage, FollowUpPlace, NewClosing},
};
use sha2::{Digest as _, Sha256};

use super::{Kept, own_draft};
use crate::{
    ops::{
        Call, Gateway,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

/// A page of the open ones.
pub async fn list_follow_ups(
    gateway: &Gateway,
    call: &Call,
    after: Option<FollowUpPlace>,
    render: impl Fn(&FollowUpPage) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let (issuer, call) = (call.issuer()?, call.clone());
    let recorded = gateway
        .store
        .list_follow_ups(gateway.attempt(), issuer, after, move |concluding| {
            let Concluding::Fresh(page) = concluding else { return refused(Reason::Internal) };
            let answer = render(&page);
            let draft = own_draft(&call, Kind::Disclosure, Sha256::digest(&answer).into());
            Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// A person says what came of one.
pub async fn close_follow_up(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    closing: NewClosing,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    if closing.on > tokyo_date(call.now) {
        return Err(out_of_range());
    }
    let key = call.idempotency(idempotency_key, None);
    let (call, keeper) = (call.clone(), Arc::clone(gateway));
    let recorded = gateway
        .store
        .close_follow_up(gateway.attempt(), key, closing, move |concluding| {
            let draft = |sha256| own_draft(&call, Kind::Write, sha256);
            match concluding {
                Concluding::Fresh(CloseOutcome::Closed(subject)) => {
                    let answer = render();
                    let mut draft = draft(Sha256::digest(&answer).into());
                    draft.subject = keeper.entry_subject(subject, call.peer.urn());
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Fresh(CloseOutcome::NotFound) => refused(Reason::NotFound),
                Concluding::Fresh(CloseOutcome::OtherVersion) => refused(Reason::VersionConflict),
                Concluding::Fresh(CloseOutcome::Refused(CloseRefusal::BeforeOpened)) => {
                    Conclusion { reply: Reply::Refused(out_of_range()), draft: None }
                }
                Concluding::Fresh(CloseOutcome::Refused(_)) => refused(Reason::StateNotAllowed),
                Concluding::Replay(answer) => replay(draft, answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

fn out_of_range() -> Refusal {
    Refusal::invalid_fields(vec![]).with_field("date", Reason::DateOutOfRange)
}
