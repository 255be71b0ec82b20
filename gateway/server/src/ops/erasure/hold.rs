//! Legal holds: put by an auditor within its jurisdiction or by the operator, released by the same organization.

use pmh_audit::{Kind, Receipt};
use pmh_domain::organization::OrganizationKind;
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Held, LegalHold, Released};

use super::{answered, draft, find, references, refusal, with_digest};
use crate::{
    ops::{
        Call, Gateway,
        auditor::Named,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

/// Encoded answer and proof.
type Kept = (Vec<u8>, Option<Receipt>);

/// Puts a hold with a fresh id. Its entry is about nobody: that somebody's entries are evidence is not theirs to read.
pub async fn put(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    named: &Named,
    hold_id: String,
    case_reference: &str,
    render: impl Fn(&str) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let Some(target) = find(gateway, named).await? else {
        return Err(gateway.refuse_auditor(call, Reason::NotFound, case_reference).await);
    };
    if !may_hold(gateway, call, &target.within)? {
        return Err(gateway.refuse_auditor(call, Reason::OutsideJurisdiction, case_reference).await);
    }
    let organization = call.short().to_owned();
    let hold = LegalHold { hold_id: hold_id.clone(), organization, what: target.what };
    let key = call.idempotency(idempotency_key, None);
    let (call, case) = (call.clone(), case_reference.to_owned());
    let recorded = gateway
        .store
        .put_legal_hold(gateway.attempt(), key, hold, move |concluding| {
            let draft = draft(&call, Kind::Write, &case);
            match concluding {
                Concluding::Fresh(Held::Kept) => answered(draft, render(&hold_id)),
                Concluding::Fresh(Held::Nothing) => refusal(&call, &case, Reason::Erased),
                Concluding::Replay(answer) => replay(|sha256| with_digest(draft, sha256), answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Releases one of the caller's own.
pub async fn release(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    hold_id: String,
    case_reference: &str,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let key = call.idempotency(idempotency_key, None);
    let (call, case, origin) = (call.clone(), case_reference.to_owned(), gateway.log_origin_sha256());
    let organization = call.short().to_owned();
    let recorded = gateway
        .store
        .release_legal_hold(gateway.attempt(), key, organization, hold_id, move |concluding| {
            let mut draft = draft(&call, Kind::Write, &case);
            match concluding {
                Concluding::Fresh(Released::Done(put)) => {
                    draft.references = references(origin, [put]);
                    answered(draft, render())
                }
                Concluding::Fresh(Released::Unknown) => refusal(&call, &case, Reason::NotFound),
                Concluding::Replay(answer) => replay(|sha256| with_digest(draft, sha256), answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// The operator may hold anything, an auditor what it may read.
fn may_hold(gateway: &Gateway, call: &Call, within: &[String]) -> Result<bool, Refusal> {
    let jurisdiction = gateway.jurisdictions.of(call.short());
    Ok(call.organization()?.kind() == OrganizationKind::Operator
        || within.iter().any(|organization| jurisdiction.covers_organization(organization)))
}
