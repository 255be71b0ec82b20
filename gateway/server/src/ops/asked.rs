//! Who asks about whom around a checkup, and the entry of what they are told.

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef, Receipt, registry};
use pmh_auth::{names::Role, policy::Permit};
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, Draft, Idempotency, Reply, SubjectRef};
use sha2::{Digest as _, Sha256};

use super::{Call, Gateway, call::Named, entitlements::replay, refusals::refused, verify::purpose_number};
use crate::rpc::status::Refusal;

/// An answer as the log committed to it, and its proof.
pub(super) type Kept = (Vec<u8>, Option<Receipt>);

/// A call about one person, or about nobody.
pub(super) struct Asked {
    keeper: Arc<Gateway>,
    call: Call,
    kind: Kind,
    named: Option<Named>,
    purpose: registry::Purpose,
    is_on_behalf: bool,
}

/// What the caller is told, and what the entry says of it.
pub(super) struct Told {
    /// The encoded answer without its receipt.
    pub(super) answer: Vec<u8>,
    /// The person, where no token names one.
    pub(super) subject: Option<SubjectRef>,
    /// The municipality whose data it is, `<kind>:<code>`; empty where that is withheld.
    pub(super) holder: String,
    /// Number of the outcome in the contract.
    pub(super) outcome: u16,
}

impl Asked {
    pub(super) fn new(gateway: &Arc<Gateway>, call: &Call, permit: &Permit, kind: Kind) -> Self {
        let has_actor = permit.subject().is_some_and(|subject| subject.actor().is_some());
        Self {
            keeper: Arc::clone(gateway),
            call: call.clone(),
            kind,
            named: permit.subject().and_then(|_| call.named(gateway)),
            purpose: purpose_number(permit.purpose()),
            is_on_behalf: has_actor || permit.role() == Role::App,
        }
    }

    /// The token's person.
    pub(super) fn person(&self) -> Option<SubjectRef> {
        self.named.as_ref().map(|named| named.subject.reference)
    }

    /// In a guardian's or an app's view a restricted person equals absence (design.md §2, P5 and P16).
    pub(super) fn is_on_behalf(&self) -> bool {
        self.is_on_behalf
    }

    /// The caller's key for a write.
    pub(super) fn once(&self, key: &str) -> Idempotency {
        self.call.idempotency(key, self.named.as_ref())
    }

    /// The end of a step: what is told goes into the log, what is refused changes nothing.
    pub(super) fn conclude<O>(
        &self,
        concluding: Concluding<'_, O>,
        tell: impl FnOnce(O) -> Result<Told, Reason>,
    ) -> Conclusion<Refusal> {
        match concluding {
            Concluding::Fresh(outcome) => match tell(outcome) {
                Ok(told) => self.told(told),
                Err(reason) => refused(reason),
            },
            Concluding::Replay(answer) => replay(|sha256| self.draft(sha256), answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        }
    }

    fn told(&self, told: Told) -> Conclusion<Refusal> {
        let mut draft = self.draft(Sha256::digest(&told.answer).into());
        draft.outcome = told.outcome;
        draft.holder = OrgRef::new(&told.holder).ok();
        if draft.subject.is_none() {
            let subject = told.subject;
            draft.subject =
                subject.and_then(|subject| self.keeper.entry_subject(subject, self.call.peer.urn()));
        }
        Conclusion { reply: Reply::Answer(told.answer), draft: Some(draft) }
    }

    fn draft(&self, response_sha256: [u8; 32]) -> Draft {
        let categories = registry::Categories::CHECKUP;
        let mut draft = self.call.draft(self.kind, categories, self.named.as_ref(), response_sha256);
        draft.purpose = self.purpose;
        draft
    }
}
