//! Which card is which resident: at the municipal counter, by the credential
//! directory, or proposed by a clinic and decided by the issuer.
//!
//! A link lives in both databases and no transaction spans them. So each change
//! asks for an earlier answer before it touches anything, runs to its end even
//! if the caller goes away, and each half may run again: whoever repeats a call
//! that broke off between the halves completes it.

mod halves;

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef, Receipt, registry};
use pmh_auth::policy::Permit;
use pmh_domain::organization::IssuerId;
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, LinkDecision, Proposal, ProposalState, ProposedLink, Reply, SubjectRef,
};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    entitlements::replay,
    refusals::{refused, settled},
    unavailable, uninterrupted,
    verify::purpose_number,
};
use crate::rpc::status::Refusal;

/// Encoded answer and proof.
type Kept = (Vec<u8>, Option<Receipt>);

/// A card was presented at the issuer's own counter: it is this resident.
pub async fn link_at_counter(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    resident_key: &str,
    render: impl Fn(u32) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let subject = permit.subject().ok_or_else(|| Refusal::new(Reason::TokenMissing))?;
    let card = subject.open(&gateway.encrypted_subjects).map_err(|_| Refusal::new(Reason::TokenInvalid))?;
    let (resident, _) = gateway.own_resident(call, resident_key, "resident_key").await?;
    let key = call.idempotency(idempotency_key, call.named(gateway).as_ref());
    let (call, gateway) = (call.clone(), Arc::clone(gateway));
    uninterrupted(async move {
        let _alone = gateway.linking.lock().await;
        if let Some(kept) = gateway.earlier(&call, &key, Some(card)).await? {
            return Ok(kept);
        }
        let survivor = gateway.join_persons(&call, card, resident).await?;
        let members = vec![card, resident];
        let keeper = Arc::clone(&gateway);
        let recorded = gateway
            .store
            .link_subjects(gateway.attempt(), Some(key), members, survivor, move |concluding| {
                keeper.conclude_link(&call, survivor, concluding, |heads| render(u32::from(heads.changed)))
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded)
    })
    .await
}

/// The credential directory's signed word, item by item. Each item is
/// idempotent, so a batch that broke off is simply sent again.
pub async fn link_by_directory(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    batch: &str,
    render: impl Fn(u32) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let directory = gateway.directory.as_ref().ok_or_else(|| Refusal::new(Reason::Unimplemented))?;
    let batch = directory
        .verify(batch, call.now.as_second())
        .map_err(|_| Refusal::invalid_fields(vec![]).with_field("directory_batch", Reason::Value))?;
    let key = call.idempotency(idempotency_key, None);
    let (call, gateway) = (call.clone(), Arc::clone(gateway));
    uninterrupted(async move {
        if let Some(kept) = gateway.earlier(&call, &key, None).await? {
            return Ok(kept);
        }
        let mut linked = 0;
        for item in batch.items() {
            let _alone = gateway.linking.lock().await;
            linked += u32::from(gateway.follow(&call, item).await?);
        }
        let recorded = gateway
            .store
            .once(gateway.attempt(), key, move |concluding| match concluding {
                Concluding::Fresh(()) => {
                    let answer = render(linked);
                    let draft = link_draft(&call, Sha256::digest(&answer).into());
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Replay(answer) => replay(|sha256| link_draft(&call, sha256), answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded)
    })
    .await
}

/// What a clinic reads off the paper.
#[derive(Debug, Clone)]
pub struct Paper {
    /// 公費負担者番号.
    pub payer_number: String,
    /// 公費受給者番号.
    pub recipient_number: String,
    /// ISO 8601.
    pub birth_date: String,
}

/// The answer is the same for a match and for none.
pub async fn propose(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    paper: Paper,
    proposal_id: String,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let subject = permit.subject().ok_or_else(|| Refusal::new(Reason::TokenMissing))?;
    let card = subject.open(&gateway.encrypted_subjects).map_err(|_| Refusal::new(Reason::TokenInvalid))?;
    let named = call.named(gateway);
    let idempotency = call.idempotency(idempotency_key, named.as_ref());
    let proposal = Proposal {
        proposal_id,
        subject: card,
        proposed_by: call.short().to_owned(),
        payer_number: paper.payer_number,
        recipient_number: paper.recipient_number,
        birth_date: paper.birth_date,
    };
    let (call, purpose) = (call.clone(), purpose_number(permit.purpose()));
    let draft = move |call: &Call, sha256| {
        let mut draft =
            call.draft(Kind::RegistryChange, registry::Categories::IDENTITY, named.as_ref(), sha256);
        draft.purpose = purpose;
        draft
    };
    let recorded = gateway
        .store
        .propose_link(gateway.attempt(), idempotency, proposal, move |concluding| match concluding {
            Concluding::Fresh(_) => {
                let answer = render();
                let draft = draft(&call, Sha256::digest(&answer).into());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Replay(answer) => replay(|sha256| draft(&call, sha256), answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Decision words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Serve it from now on.
    Confirm,
    /// Drop it.
    Refuse,
    /// Take it back.
    Undo,
}

/// The issuer decides.
///
/// The gateway's state says what was decided, so it confirms before auth joins:
/// a proposal that another officer refused meanwhile is joined nowhere. A link
/// is taken back in auth first: tokens must not open the resident any more when
/// the gateway says that they do not.
pub async fn decide(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    proposal_id: String,
    decision: Decision,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let issuer = call.issuer()?;
    let key = call.idempotency(idempotency_key, None);
    let (call, gateway) = (call.clone(), Arc::clone(gateway));
    uninterrupted(async move {
        let _alone = gateway.linking.lock().await;
        let proposal = gateway
            .store
            .reader()
            .proposal(issuer, &proposal_id)
            .await
            .map_err(|fault| unavailable(&fault))?
            .ok_or_else(|| Refusal::new(Reason::NotFound))?;
        let (step, about) = step(decision, &proposal);
        if let Some(kept) = gateway.earlier(&call, &key, Some(about)).await? {
            // The first call may have broken off between the halves.
            if decision == Decision::Confirm && proposal.state == ProposalState::Confirmed {
                gateway.join_persons(&call, proposal.card, proposal.resident).await?;
            }
            return Ok(kept);
        }
        match (decision, proposal.state) {
            (Decision::Undo, ProposalState::Confirmed) => gateway.separate(&call, proposal.resident).await?,
            (Decision::Confirm | Decision::Refuse, ProposalState::Proposed) => {}
            _ => return Err(Refusal::new(Reason::StateNotAllowed)),
        }
        let (keeper, concluded) = (Arc::clone(&gateway), call.clone());
        let recorded = gateway
            .store
            .decide_link(gateway.attempt(), key, issuer, proposal_id, step, move |concluding| {
                let concluding = match concluding {
                    Concluding::Fresh(None) => return refused(Reason::StateNotAllowed),
                    Concluding::Fresh(Some(heads)) => Concluding::Fresh(heads),
                    Concluding::Replay(answer) => Concluding::Replay(answer),
                    Concluding::KeyReused => Concluding::KeyReused,
                };
                keeper.conclude_link(&concluded, about, concluding, |_| render())
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        let kept = settled(recorded)?;
        if decision == Decision::Confirm {
            gateway.join_persons(&call, proposal.card, proposal.resident).await?;
        }
        Ok(kept)
    })
    .await
}

/// The gateway's half of a decision, and whom the entry is about.
fn step(decision: Decision, proposal: &ProposedLink) -> (LinkDecision, SubjectRef) {
    let (card, resident) = (proposal.card, proposal.resident);
    match decision {
        Decision::Confirm => (LinkDecision::Confirm { members: vec![card], survivor: resident }, resident),
        Decision::Refuse => (LinkDecision::Refuse, card),
        Decision::Undo => (LinkDecision::Undo { card }, card),
    }
}

/// Proposals that wait for this issuer.
pub async fn list_proposals(
    gateway: &Gateway,
    call: &Call,
    render: impl Fn(&[ProposedLink]) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let issuer: IssuerId = call.issuer()?;
    let call = call.clone();
    let recorded = gateway
        .store
        .list_proposals(gateway.attempt(), issuer, move |concluding| {
            let Concluding::Fresh(waiting) = concluding else {
                return refused(Reason::Internal);
            };
            let answer = render(&waiting);
            let mut draft = link_draft(&call, Sha256::digest(&answer).into());
            draft.kind = Kind::Disclosure;
            Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

fn link_draft(call: &Call, response_sha256: [u8; 32]) -> Draft {
    let mut draft = call.draft(Kind::RegistryChange, registry::Categories::IDENTITY, None, response_sha256);
    draft.holder = OrgRef::new(call.short()).ok();
    draft
}
