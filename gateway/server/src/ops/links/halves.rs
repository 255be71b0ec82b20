//! The two halves of a link, each of which may run again, and the memory that
//! decides whether they run at all.

use std::sync::Arc;

use pmh_audit::Reference;
use pmh_auth::directory::DirectoryItem;
use pmh_domain::organization::IssuerId;
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, Fault, Heads, Idempotency, Person, Recorded, RenewalOutcome, Reply,
    SubjectRef,
};
use sha2::{Digest as _, Sha256};

use super::{Kept, link_draft};
use crate::{
    ops::{
        Call, Carried, Gateway,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

impl Gateway {
    /// The first answer under the caller's key, before any half of the change
    /// runs. Refuses a key that was used for something else.
    pub(in crate::ops) async fn earlier(
        self: &Arc<Self>,
        call: &Call,
        key: &Idempotency,
        about: Option<SubjectRef>,
    ) -> Result<Option<Kept>, Refusal> {
        let (call, keeper) = (call.clone(), Arc::clone(self));
        let recorded = self
            .store
            .once(self.attempt(), key.clone(), move |concluding| match concluding {
                Concluding::Fresh(()) => Conclusion { reply: Reply::Refused(None), draft: None },
                Concluding::Replay(answer) => {
                    replay(|sha256| keeper.link_entry(&call, about, sha256), answer)
                }
                Concluding::KeyReused => {
                    let refusal = Some(Refusal::new(Reason::IdempotencyKeyReused));
                    Conclusion { reply: Reply::Refused(refusal), draft: None }
                }
            })
            .await
            .map_err(|fault| unavailable(&fault))?;
        match recorded.into_parts() {
            (Reply::Answer(answer), proof) => Ok(Some((answer, proof))),
            (Reply::Refused(None), _) => Ok(None),
            (Reply::Refused(Some(refusal)), _) => Err(refusal),
        }
    }

    /// One directory item, in auth and then here. True if it said something new.
    pub(super) async fn follow(self: &Arc<Self>, call: &Call, item: &DirectoryItem) -> Result<bool, Refusal> {
        let (seen, conclude) = carried_to_auth(call);
        let (recorded, resident) = match item {
            DirectoryItem::Renewal { old, new } => {
                let old = self.credentials.credential_hash(&old.0);
                let new = self.credentials.credential_hash(&new.0);
                (self.auth.link_renewal(self.attempt(), old, new, conclude).await, None)
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
                let hash = self.credentials.credential_hash(&credential.0);
                let person = self.person(&resident)?;
                (self.auth.link_credential(self.attempt(), hash, person, conclude).await, Some(resident))
            }
        };
        settle(recorded)?;
        let Some(RenewalOutcome::Linked { survivor, changed, .. }) = seen.take() else { return Ok(false) };
        let joined = self.join_references(call, survivor, resident).await?;
        Ok(changed || joined)
    }

    /// The gateway's half of a directory item: all whom auth knows as one. Asked
    /// for anew each time, so that a batch that broke off can be sent again.
    async fn join_references(
        self: &Arc<Self>,
        call: &Call,
        survivor: Person,
        resident: Option<SubjectRef>,
    ) -> Result<bool, Refusal> {
        let others = self.auth.reader().absorbed_by(survivor).await.map_err(|fault| unavailable(&fault))?;
        let survivor = self.subject_refs.subject_ref(&survivor);
        let members: Vec<SubjectRef> = others
            .iter()
            .map(|other| self.subject_refs.subject_ref(other))
            .chain(resident)
            .filter(|member| *member != survivor)
            .collect();
        if members.is_empty() {
            return Ok(false);
        }
        let changed = Carried::default();
        let (keep, call, keeper) = (changed.clone(), call.clone(), Arc::clone(self));
        let conclude = move |concluding: Concluding<'_, Heads>| {
            let Concluding::Fresh(heads) = concluding else { return refused(Reason::Internal) };
            let draft = heads.changed.then(|| keeper.joining_entry(&call, survivor, &heads, [0; 32]));
            keep.put(heads.changed);
            Conclusion { reply: Reply::Answer(Vec::new()), draft }
        };
        settle(self.store.link_subjects(self.attempt(), None, members, survivor, conclude).await)?;
        Ok(changed.take().unwrap_or(false))
    }

    /// Makes two persons one in auth, with an entry in its log. Gives the survivor.
    pub(super) async fn join_persons(
        &self,
        call: &Call,
        card: SubjectRef,
        resident: SubjectRef,
    ) -> Result<SubjectRef, Refusal> {
        let (seen, conclude) = carried_to_auth(call);
        let (card, resident) = (self.person(&card)?, self.person(&resident)?);
        settle(self.auth.link_persons(self.attempt(), card, resident, conclude).await)?;
        let outcome = seen.take().ok_or_else(|| Refusal::new(Reason::Internal))?;
        Ok(self.subject_refs.subject_ref(&outcome.survivor))
    }

    /// Takes a resident who was linked by error out of its group in auth. Its
    /// tokens, and those of the others, end now.
    pub(super) async fn separate(&self, call: &Call, resident: SubjectRef) -> Result<(), Refusal> {
        let (_, conclude) = carried_to_auth(call);
        settle(self.auth.unlink(self.attempt(), self.person(&resident)?, conclude).await)?;
        self.refresh_denied().await.map_err(|fault| unavailable(&fault))
    }

    fn person(&self, reference: &SubjectRef) -> Result<Person, Refusal> {
        self.subject_refs.open_subject_ref(reference).map_err(|_| Refusal::new(Reason::Internal))
    }

    fn link_entry(&self, call: &Call, about: Option<SubjectRef>, response_sha256: [u8; 32]) -> Draft {
        let mut draft = link_draft(call, response_sha256);
        draft.subject = about.and_then(|about| self.entry_subject(about, call.peer.urn()));
        draft
    }

    /// The entry references both chains, because they stay separate.
    fn joining_entry(
        &self,
        call: &Call,
        about: SubjectRef,
        heads: &Heads,
        response_sha256: [u8; 32],
    ) -> Draft {
        let mut draft = self.link_entry(call, Some(about), response_sha256);
        let origin_sha256 = Sha256::digest(self.logs.gateway.verifier().name()).into();
        let reference = |leaf: &[u8; 32]| Reference { origin_sha256, leaf_hash: *leaf };
        draft.references =
            heads.leaves.iter().take(4).map(reference).collect::<Vec<_>>().try_into().unwrap_or_default();
        draft
    }

    pub(super) fn conclude_link(
        &self,
        call: &Call,
        about: SubjectRef,
        concluding: Concluding<'_, Heads>,
        render: impl FnOnce(&Heads) -> Vec<u8>,
    ) -> Conclusion<Refusal> {
        match concluding {
            Concluding::Fresh(heads) => {
                let answer = render(&heads);
                let draft = self.joining_entry(call, about, &heads, Sha256::digest(&answer).into());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Replay(answer) => replay(|sha256| self.link_entry(call, Some(about), sha256), answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        }
    }
}

/// An entry in auth's log that says only that it was told to; what it made of it
/// is for the other half.
fn carried_to_auth<O: Send + 'static>(
    call: &Call,
) -> (Carried<O>, impl FnMut(Concluding<'_, O>) -> Conclusion<Refusal> + Send + 'static) {
    let seen = Carried::default();
    let (keep, entry) = (seen.clone(), link_draft(call, [0; 32]));
    let conclude = move |concluding: Concluding<'_, O>| {
        let Concluding::Fresh(outcome) = concluding else { return refused(Reason::Internal) };
        keep.put(outcome);
        Conclusion { reply: Reply::Answer(Vec::new()), draft: Some(entry.clone()) }
    };
    (seen, conclude)
}

fn settle(recorded: Result<Recorded<Reply<Refusal>>, Fault>) -> Result<(), Refusal> {
    settled(recorded.map_err(|fault| unavailable(&fault))?).map(drop)
}
