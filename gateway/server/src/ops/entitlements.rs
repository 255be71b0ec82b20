//! Issuers' rights: bulk upsert, reading back, watermarks.

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef, Receipt, registry};
use pmh_auth::policy::Permit;
use pmh_domain::{
    codes::LawNumber,
    entitlement::{Entitlement, RawEntitlement},
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, EntitlementChunk, EntrySubject, RegistryChange, Reply};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    bulk::{Batch, Judged, Received, RowReport, chunk_draft, detail_salt},
    refusals::{refused, settled},
    unavailable,
};
use crate::rpc::status::Refusal;

/// Judges and keeps one chunk; the answer has one report per row, in order.
pub async fn put_chunk(
    gateway: &Gateway,
    call: &Call,
    permit: &Permit,
    batch: &Batch,
    rows: &[Received<RawEntitlement>],
    render: impl Fn(&[RowReport]) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer = call.issuer()?;
    let directory = gateway.registry();
    let today = tokyo_date(call.now);
    let mut judged = Judged::of(registry::Categories::SUBSIDY);
    for row in rows {
        judged.push(row, Entitlement::validate(&row.raw, issuer, &directory.directory, today));
    }
    let report = judged.report();
    let chunk = EntitlementChunk {
        issuer,
        method: permit.method(),
        batch_id: batch.batch_id.clone(),
        dry_run: batch.dry_run,
        rows: judged.rows,
    };
    let attempt = gateway.attempt();
    let salt = detail_salt(&attempt);
    let (call, dry_run) = (call.clone(), batch.dry_run);
    let recorded = gateway
        .store
        .put_entitlements(attempt, chunk, move |concluding| {
            report.conclude(&call, dry_run, &salt, concluding, &render)
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// All versions of one of the caller's own residents.
pub async fn list(
    gateway: &Arc<Gateway>,
    call: &Call,
    resident_key: String,
    render: impl Fn(&[Entitlement]) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer = call.issuer()?;
    let (call, keeper) = (call.clone(), Arc::clone(gateway));
    let recorded = gateway
        .store
        .list_entitlements(gateway.attempt(), issuer, resident_key, move |concluding| {
            let Concluding::Fresh(Some((subject, versions))) = concluding else {
                return refused(Reason::NotFound);
            };
            let answer = render(&versions);
            let mut draft = chunk_draft(&call, registry::Categories::SUBSIDY, Sha256::digest(&answer).into());
            draft.kind = Kind::Disclosure;
            draft.subject = keeper.entry_subject(subject, call.peer.urn());
            Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Says that the issuer's data for a scheme is complete up to an instant.
pub async fn advance_watermark(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    law_no: LawNumber,
    as_of_us: i64,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer = call.issuer()?;
    if as_of_us > gateway.now_us() {
        return Err(Refusal::invalid_fields(vec![]).with_field("as_of", Reason::DateOutOfRange));
    }
    if !gateway.registry().directory.iter().any(|known| known.issuer == issuer && known.law_no() == law_no) {
        return Err(Refusal::new(Reason::IssuerMismatch));
    }
    let change = RegistryChange::AdvanceWatermark { issuer, law_no, as_of_us };
    let idempotency = call.idempotency(idempotency_key, None);
    let call = call.clone();
    let recorded = gateway
        .store
        .change_registry(gateway.attempt(), Some(idempotency), change, move |concluding| {
            let draft = |sha256| {
                let mut draft =
                    call.draft(Kind::RegistryChange, registry::Categories::REGISTRY, None, sha256);
                draft.holder = OrgRef::new(call.short()).ok();
                draft
            };
            match concluding {
                Concluding::Fresh(Some(_)) => {
                    let answer = render();
                    let draft = draft(Sha256::digest(&answer).into());
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Fresh(None) => {
                    let back = Refusal::invalid_fields(vec![]).with_field("as_of", Reason::DateOutOfRange);
                    Conclusion { reply: Reply::Refused(back), draft: None }
                }
                Concluding::Replay(answer) => replay(draft, answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// The first answer again, under a new entry of kind 16.
pub(super) fn replay<R>(draft: impl FnOnce([u8; 32]) -> pmh_store::Draft, answer: &[u8]) -> Conclusion<R> {
    let mut draft = draft(Sha256::digest(answer).into());
    draft.kind = Kind::Replay;
    Conclusion { reply: Reply::Answer(answer.to_vec()), draft: Some(draft) }
}

impl Gateway {
    /// A person as the entry names them before one organization.
    pub(super) fn entry_subject(&self, reference: [u8; 32], urn: &str) -> Option<EntrySubject> {
        let person = self.subject_refs.open_subject_ref(&reference).ok()?;
        Some(EntrySubject { reference, sub: self.pairwise.sub(&person, urn), also: Vec::new() })
    }
}
