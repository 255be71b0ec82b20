//! Which card is which resident: at the municipal counter, by the credential
//! directory, or proposed by a clinic and decided by the issuer.

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef, Receipt, Reference, registry};
use pmh_auth::{directory::DirectoryItem, policy::Permit};
use pmh_domain::organization::IssuerId;
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, Heads, LinkDecision, LinkOutcome, Person, Proposal, ProposalState,
    ProposedLink, RenewalOutcome, Reply, SubjectRef,
};
use sha2::{Digest as _, Sha256};

use super::{Call, Gateway, bulk::refused, entitlements::replay, refusals::settled, unavailable};
use crate::rpc::status::Refusal;

/// A card was presented at the issuer's own counter: it is this resident.
pub async fn link_at_counter(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    resident_key: &str,
    render: impl Fn(u32) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let subject = permit.subject().ok_or_else(|| Refusal::new(Reason::TokenMissing))?;
    let card = subject.open(&gateway.encrypted_subjects).map_err(|_| Refusal::new(Reason::TokenInvalid))?;
    let (resident, _) = gateway.own_resident(call, resident_key, "resident_key").await?;
    let outcome = gateway.join_persons(call, card, resident).await?;
    let survivor = gateway.subject_refs.subject_ref(&outcome.survivor);
    let named = call.named(gateway);
    let idempotency = call.idempotency(idempotency_key, named.as_ref());
    let (call, keeper) = (call.clone(), Arc::clone(gateway));
    let recorded = gateway
        .store
        .link_subjects(
            gateway.attempt(),
            Some(idempotency),
            vec![card, resident],
            survivor,
            move |concluding| {
                keeper.conclude_link(&call, survivor, concluding, |heads| render(u32::from(heads.changed)))
            },
        )
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// The credential directory's signed word, item by item; each is idempotent,
/// so a batch that broke off is simply sent again.
pub async fn link_by_directory(
    gateway: &Arc<Gateway>,
    call: &Call,
    batch: &str,
    render: impl Fn(u32) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let directory = gateway.directory.as_ref().ok_or_else(|| Refusal::new(Reason::Unimplemented))?;
    let batch = directory
        .verify(batch, call.now.as_second())
        .map_err(|_| Refusal::invalid_fields(vec![]).with_field("directory_batch", Reason::Value))?;
    let mut linked = 0;
    for item in batch.items() {
        linked += u32::from(gateway.follow(call, item).await?);
    }
    let call = call.clone();
    let recorded = gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let answer = render(linked);
            let draft = link_draft(&call, Sha256::digest(&answer).into());
            (answer, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    Ok(recorded.into_parts())
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
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
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
    let call = call.clone();
    let draft = move |sha256| {
        call.draft(Kind::RegistryChange, registry::Categories::IDENTITY, named.as_ref(), sha256)
    };
    let refusing = {
        let draft = draft.clone();
        move |reason| {
            let refusal = Refusal::new(reason);
            let mut draft = draft(refusal.digest());
            draft.kind = Kind::Refusal;
            draft.outcome = super::refusals::reason_number(reason);
            Conclusion { reply: Reply::Refused(refusal), draft: Some(draft) }
        }
    };
    let recorded = gateway
        .store
        .propose_link(gateway.attempt(), idempotency, proposal, move |concluding| match concluding {
            Concluding::Fresh(_) => {
                let answer = render();
                let draft = draft(Sha256::digest(&answer).into());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Replay(answer) => replay(&draft, answer),
            Concluding::KeyReused => refusing(Reason::IdempotencyKeyReused),
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

/// The issuer decides. Auth changes first; both steps are idempotent.
pub async fn decide(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    proposal_id: String,
    decision: Decision,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer = call.issuer()?;
    let proposal = gateway
        .store
        .reader()
        .proposal(issuer, &proposal_id)
        .await
        .map_err(|fault| unavailable(&fault))?
        .ok_or_else(|| Refusal::new(Reason::NotFound))?;
    let (step, about) = gateway.in_auth(call, &proposal, decision).await?;
    let idempotency = call.idempotency(idempotency_key, None);
    let (call, keeper) = (call.clone(), Arc::clone(gateway));
    let recorded = gateway
        .store
        .decide_link(gateway.attempt(), idempotency, issuer, proposal_id, step, move |concluding| {
            let concluding = match concluding {
                Concluding::Fresh(None) => {
                    return refused(&call, link_draft(&call, [0; 32]), Reason::StateNotAllowed);
                }
                Concluding::Fresh(Some(heads)) => Concluding::Fresh(heads),
                Concluding::Replay(answer) => Concluding::Replay(answer),
                Concluding::KeyReused => Concluding::KeyReused,
            };
            keeper.conclude_link(&call, about, concluding, |_| render())
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Proposals that wait for this issuer.
pub async fn list_proposals(
    gateway: &Gateway,
    call: &Call,
    render: impl Fn(&[ProposedLink]) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer: IssuerId = call.issuer()?;
    let call = call.clone();
    let recorded = gateway
        .store
        .list_proposals(gateway.attempt(), issuer, move |concluding| {
            let Concluding::Fresh(waiting) = concluding else {
                return refused(&call, link_draft(&call, [0; 32]), Reason::Internal);
            };
            let answer = render(&waiting);
            let draft = link_draft(&call, Sha256::digest(&answer).into());
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

impl Gateway {
    /// One directory item, in auth and then here. True if it said something new.
    async fn follow(&self, call: &Call, item: &DirectoryItem) -> Result<bool, Refusal> {
        let outcome = match item {
            DirectoryItem::Renewal { old, new } => {
                let old = self.credentials.credential_hash(&old.0);
                let new = self.credentials.credential_hash(&new.0);
                let conclude = auth_entry(call);
                self.auth.link_renewal(self.attempt(), old, new, conclude).await
            }
            DirectoryItem::Resident { credential, issuer, resident_key } => {
                let issuer = IssuerId::parse(issuer).map_err(|_| {
                    Refusal::invalid_fields(vec![]).with_field("directory_batch", Reason::UnknownCode)
                })?;
                let resident = self
                    .store
                    .reader()
                    .resident(issuer, resident_key)
                    .await
                    .map_err(|fault| unavailable(&fault))?;
                // The directory may know residents whom the issuer has not sent yet.
                let Some((resident, _)) = resident else { return Ok(false) };
                let person = self.person(&resident)?;
                let hash = self.credentials.credential_hash(&credential.0);
                self.auth.link_credential(self.attempt(), hash, person, auth_entry(call)).await
            }
        };
        let recorded = outcome.map_err(|fault| unavailable(&fault))?;
        let (bytes, _) = settled(recorded)?;
        let Some((absorbed, survivor, changed)) = decode_outcome(&bytes) else { return Ok(false) };
        if let Some(absorbed) = absorbed {
            let members = vec![self.subject_refs.subject_ref(&absorbed)];
            let survivor = self.subject_refs.subject_ref(&survivor);
            let conclude = {
                let call = call.clone();
                let subject = self.entry_subject(survivor, call.peer.urn());
                move |_: Concluding<'_, Heads>| {
                    let mut draft = link_draft(&call, [0; 32]);
                    draft.subject.clone_from(&subject);
                    Conclusion { reply: Reply::<Refusal>::Answer(Vec::new()), draft: Some(draft) }
                }
            };
            let linked = self.store.link_subjects(self.attempt(), None, members, survivor, conclude).await;
            drop(linked.map_err(|fault| unavailable(&fault))?.into_parts());
        }
        Ok(changed)
    }

    /// Makes two persons one in auth, with an entry in its log.
    async fn join_persons(
        &self,
        call: &Call,
        card: SubjectRef,
        resident: SubjectRef,
    ) -> Result<LinkOutcome, Refusal> {
        let entry = link_draft(call, [0; 32]);
        let recorded = self
            .auth
            .link_persons(self.attempt(), self.person(&card)?, self.person(&resident)?, move |concluding| {
                let Concluding::Fresh(outcome) = concluding else {
                    return Conclusion { reply: Reply::Refused(Refusal::new(Reason::Internal)), draft: None };
                };
                let mut bytes = outcome.survivor.to_vec();
                bytes.push(u8::from(outcome.changed));
                let mut draft = entry.clone();
                draft.detail.response_sha256 = Sha256::digest(&bytes).into();
                Conclusion { reply: Reply::Answer(bytes), draft: Some(draft) }
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        let (bytes, _) = settled(recorded)?;
        let (survivor, changed) = bytes.split_at_checked(16).ok_or_else(|| Refusal::new(Reason::Internal))?;
        let survivor = survivor.try_into().map_err(|_| Refusal::new(Reason::Internal))?;
        Ok(LinkOutcome { survivor, changed: changed == [1] })
    }

    /// The auth half of a decision, and whom the entry is about.
    async fn in_auth(
        &self,
        call: &Call,
        proposal: &ProposedLink,
        decision: Decision,
    ) -> Result<(LinkDecision, SubjectRef), Refusal> {
        match (decision, proposal.state) {
            (Decision::Confirm, ProposalState::Proposed | ProposalState::Confirmed) => {
                let outcome = self.join_persons(call, proposal.card, proposal.resident).await?;
                let survivor = self.subject_refs.subject_ref(&outcome.survivor);
                let members = vec![proposal.card, proposal.resident];
                Ok((LinkDecision::Confirm { members, survivor }, survivor))
            }
            (Decision::Undo, ProposalState::Confirmed | ProposalState::Undone) => {
                let entry = link_draft(call, [0; 32]);
                let recorded = self
                    .auth
                    .unlink(self.attempt(), self.person(&proposal.card)?, move |_| Conclusion {
                        reply: Reply::<Refusal>::Answer(Vec::new()),
                        draft: Some(entry.clone()),
                    })
                    .await
                    .map_err(|fault| unavailable(&fault))?;
                settled(recorded)?;
                self.refresh_denied().await.map_err(|fault| unavailable(&fault))?;
                Ok((LinkDecision::Undo { card: proposal.card }, proposal.card))
            }
            (Decision::Refuse, _) => Ok((LinkDecision::Refuse, proposal.card)),
            _ => Err(Refusal::new(Reason::StateNotAllowed)),
        }
    }

    fn person(&self, reference: &SubjectRef) -> Result<Person, Refusal> {
        self.subject_refs.open_subject_ref(reference).map_err(|_| Refusal::new(Reason::Internal))
    }

    /// The entry references both chains, because they stay separate.
    fn conclude_link(
        &self,
        call: &Call,
        about: SubjectRef,
        concluding: Concluding<'_, Heads>,
        render: impl FnOnce(&Heads) -> Vec<u8>,
    ) -> Conclusion<Refusal> {
        let draft = |sha256| {
            let mut draft = link_draft(call, sha256);
            draft.subject = self.entry_subject(about, call.peer.urn());
            draft
        };
        match concluding {
            Concluding::Fresh(heads) => {
                let answer = render(&heads);
                let mut draft = draft(Sha256::digest(&answer).into());
                let origin_sha256 = Sha256::digest(self.logs.gateway.verifier().name()).into();
                let references: Vec<Reference> = heads
                    .leaves
                    .iter()
                    .take(4)
                    .map(|leaf| Reference { origin_sha256, leaf_hash: *leaf })
                    .collect();
                draft.references = references.try_into().unwrap_or_default();
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Replay(answer) => replay(draft, answer),
            Concluding::KeyReused => refused(call, draft([0; 32]), Reason::IdempotencyKeyReused),
        }
    }
}

/// An entry in auth's log that says only that the directory spoke, and the
/// outcome in bytes for the second half.
fn auth_entry(
    call: &Call,
) -> impl FnMut(Concluding<'_, RenewalOutcome>) -> Conclusion<Refusal> + Send + 'static {
    let entry = link_draft(call, [0; 32]);
    move |concluding| {
        let Concluding::Fresh(outcome) = concluding else {
            return Conclusion { reply: Reply::Refused(Refusal::new(Reason::Internal)), draft: None };
        };
        let bytes = encode_outcome(&outcome);
        let mut draft = entry.clone();
        draft.detail.response_sha256 = Sha256::digest(&bytes).into();
        Conclusion { reply: Reply::Answer(bytes), draft: Some(draft) }
    }
}

/// `changed | survivor | absorbed?`; nothing for an unknown predecessor.
fn encode_outcome(outcome: &RenewalOutcome) -> Vec<u8> {
    match outcome {
        RenewalOutcome::UnknownOld => Vec::new(),
        RenewalOutcome::Linked { absorbed, survivor, changed } => {
            let mut bytes = vec![u8::from(*changed)];
            bytes.extend_from_slice(survivor);
            bytes.extend(absorbed.iter().flatten());
            bytes
        }
    }
}

fn decode_outcome(bytes: &[u8]) -> Option<(Option<Person>, Person, bool)> {
    let (changed, rest) = bytes.split_first()?;
    let (survivor, absorbed) = rest.split_first_chunk::<16>()?;
    Some((absorbed.try_into().ok(), *survivor, *changed == 1))
}
