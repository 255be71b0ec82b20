//! Erasing what the log says about a person, or in one entry.
//!
//! Only the operator of the log can erase, and no one member of its staff alone: one asks, a second agrees, at another
//! terminal and under the same case. Entries have many holders, and none of them may decide over what the others need as
//! evidence; whoever needs it puts a hold ([`hold`]), which wins. Every step and every refusal is an entry.

pub mod follow;
pub mod hold;
pub mod retention;

use std::sync::Arc;

use pmh_audit::{
    Kind, Receipt, Reference, Salt, ShortText,
    part::Rows,
    registry,
    rows::{row_digest, rows_root},
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, ErasedEntry, Erasing, ErasureAsked, ErasureRequest, NewErasure, Reply,
    ToErase,
};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    auditor::{Asker, Named, are_two, asker},
    bulk::detail_salt,
    entitlements::replay,
    refusals::{reason_number, refused, settled},
    unavailable, uninterrupted,
};
use crate::rpc::status::Refusal;

/// Encoded answer and proof.
type Kept = (Vec<u8>, Option<Receipt>);

/// What the first person asks.
#[derive(Debug, Clone)]
pub struct Request {
    /// UUID of the erasure, fresh.
    pub erasure_id: String,
    /// What.
    pub named: Named,
    /// The case.
    pub case_reference: String,
    /// Why.
    pub ground: String,
}

/// What an erasure answers.
#[derive(Debug, Clone, Copy)]
pub enum Answered {
    /// Somebody else must agree until then, microseconds.
    Requested(i64),
    /// So many entries have lost their content.
    Erased(u64),
}

/// The first person asks. Neither answer nor receipt names anybody.
pub async fn request(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    request: Request,
    render: impl Fn(&str, Answered) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let first = asker(call)?;
    let case = request.case_reference;
    let Some(target) = find(gateway, &request.named).await? else {
        return Err(gateway.refuse_auditor(call, Reason::NotFound, &case).await);
    };
    let asked = NewErasure {
        erasure_id: request.erasure_id.clone(),
        requester: call.short().to_owned(),
        lives_us: LIVES_US,
        asked: ErasureAsked {
            what: target.what,
            case_reference: case.clone(),
            ground: request.ground,
            terminal: first.terminal.to_owned(),
            certificate_sha256: *first.certificate_sha256,
            operator: first.operator.to_owned(),
        },
    };
    let key = call.idempotency(idempotency_key, None);
    let mut draft = draft(call, Kind::Write, &case);
    draft.subject = gateway.subject_of(target.what, call);
    let recorded = gateway
        .store
        .request_erasure(gateway.attempt(), key, asked, move |concluding| match concluding {
            Concluding::Fresh(expires_us) => {
                let answer = render(&request.erasure_id, Answered::Requested(expires_us));
                answered(draft.clone(), answer)
            }
            Concluding::Replay(answer) => replay(|sha256| with_digest(draft.clone(), sha256), answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded).map(unnamed)
}

/// The second person agrees, and it is done: in this log within one transaction, then in the other log and in the files.
/// A retry with the same key goes on where a failure broke off; so does the gateway by itself ([`follow`]).
pub async fn agree(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    erasure_id: String,
    case_reference: &str,
    render: impl Fn(&str, Answered) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let second = asker(call)?;
    let key = call.idempotency(idempotency_key, None);
    let found = gateway.store.reader().erasure_request(&erasure_id, gateway.now_us()).await;
    let Some(found) = found.map_err(|fault| unavailable(&fault))? else {
        return agreed_before(gateway, call, key, case_reference).await;
    };
    if let Err(reason) = may_agree(&found, second, case_reference) {
        return Err(gateway.refuse_auditor(call, reason, case_reference).await);
    }
    let (gateway, call) = (Arc::clone(gateway), call.clone());
    uninterrupted(async move {
        let attempt = gateway.attempt();
        let conclusions = Conclusions {
            salt: detail_salt(&attempt),
            origin_sha256: gateway.log_origin_sha256(),
            subject: gateway.subject_of(found.asked.what, &call),
            case: found.asked.case_reference.clone(),
            what: found.asked.what,
            call,
        };
        let id = erasure_id.clone();
        let conclude = move |concluding: Concluding<'_, Erasing>| {
            conclusions.conclude(concluding, |count| render(&id, Answered::Erased(count)))
        };
        let recorded = gateway
            .store
            .erase(attempt, key, erasure_id, found.asked.what, conclude)
            .await
            .map_err(|fault| unavailable(&fault))?;
        let kept = settled(recorded)?;
        gateway.follow_erasure(&found).await.map_err(|fault| unavailable(&fault))?;
        Ok(unnamed(kept))
    })
    .await
}

/// No such request is open: either its answer is repeated, or there never was one.
async fn agreed_before(
    gateway: &Gateway,
    call: &Call,
    key: pmh_store::Idempotency,
    case: &str,
) -> Result<Kept, Refusal> {
    let (call, case) = (call.clone(), case.to_owned());
    let recorded = gateway
        .store
        .once(gateway.attempt(), key, move |concluding| match concluding {
            Concluding::Fresh(()) => refusal(&call, &case, Reason::NotFound),
            Concluding::Replay(answer) => {
                replay(|sha256| with_digest(draft(&call, Kind::Replay, &case), sha256), answer)
            }
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded).map(unnamed)
}

fn may_agree(found: &ErasureRequest, second: Asker<'_>, case_reference: &str) -> Result<(), Reason> {
    let asked = &found.asked;
    let first = Asker {
        organization: &found.requester,
        terminal: &asked.terminal,
        certificate_sha256: &asked.certificate_sha256,
        operator: &asked.operator,
    };
    if asked.case_reference != case_reference {
        return Err(Reason::StateNotAllowed);
    }
    if are_two(first, second) { Ok(()) } else { Err(Reason::SecondPersonNeeded) }
}

/// What each end of an erasure says and records.
struct Conclusions {
    call: Call,
    case: String,
    what: ToErase,
    salt: [u8; 32],
    origin_sha256: [u8; 32],
    subject: Option<pmh_store::EntrySubject>,
}

impl Conclusions {
    fn conclude(
        &self,
        concluding: Concluding<'_, Erasing>,
        render: impl FnOnce(u64) -> Vec<u8>,
    ) -> Conclusion<Refusal> {
        match concluding {
            Concluding::Fresh(Erasing::Done(entries)) => {
                let answer = render(entries.len() as u64);
                answered(self.erasure(&entries), answer)
            }
            Concluding::Fresh(Erasing::Held(holds)) => self.held(holds),
            Concluding::Fresh(Erasing::Before(_)) => refusal(&self.call, &self.case, Reason::Erased),
            Concluding::Fresh(Erasing::Unknown) => refusal(&self.call, &self.case, Reason::NotFound),
            Concluding::Fresh(Erasing::NotErasable | Erasing::NotAsked) => {
                refusal(&self.call, &self.case, Reason::StateNotAllowed)
            }
            Concluding::Replay(answer) => {
                let draft = draft(&self.call, Kind::Replay, &self.case);
                replay(|sha256| with_digest(draft, sha256), answer)
            }
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        }
    }

    /// One erased entry is named in the leaf. Those of a person are not: that they belong together is what was to be
    /// forgotten. They are committed to as rows, so that whoever may open this entry can check the list.
    fn erasure(&self, entries: &[ErasedEntry]) -> Draft {
        let mut draft = draft(&self.call, Kind::Erasure, &self.case);
        match self.what {
            ToErase::Entry(_) => {
                let hashes = entries.iter().map(|entry| entry.leaf_hash);
                draft.references = references(self.origin_sha256, hashes);
            }
            ToErase::Person(_) => {
                draft.subject.clone_from(&self.subject);
                draft.detail.rows = rows(&self.salt, entries);
            }
        }
        draft
    }

    fn held(&self, holds: Vec<[u8; 32]>) -> Conclusion<Refusal> {
        let mut conclusion = refusal(&self.call, &self.case, Reason::LegalHold);
        if let Some(draft) = &mut conclusion.draft {
            draft.references = references(self.origin_sha256, holds);
        }
        conclusion
    }
}

/// What is named, and by which organizations it is within somebody's jurisdiction.
pub(super) struct Target {
    pub(super) what: ToErase,
    pub(super) within: Vec<String>,
}

/// `None` if there is no such entry or resident.
pub(super) async fn find(gateway: &Gateway, named: &Named) -> Result<Option<Target>, Refusal> {
    match named {
        Named::Entry(log, index) => {
            let leaf = match super::auditor::stored(gateway, *log, *index).await {
                Err(refusal) if refusal.reason() == Reason::NotFound => return Ok(None),
                found => found?.1,
            };
            let within = [leaf.holder, leaf.requester].into_iter().flatten().map(|org| org.to_string());
            Ok(Some(Target { what: ToErase::Entry(*index), within: within.collect() }))
        }
        Named::Resident(issuer, resident_key) => {
            let found = gateway.store.reader().resident(*issuer, resident_key).await;
            let found = found.map_err(|fault| unavailable(&fault))?;
            let within = vec![issuer.organization().to_string()];
            Ok(found.map(|(person, _)| Target { what: ToErase::Person(person), within }))
        }
    }
}

/// The first references of a list; a leaf has room for four.
pub(super) fn references(
    origin_sha256: [u8; 32],
    hashes: impl IntoIterator<Item = [u8; 32]>,
) -> pmh_audit::References {
    let reference = |leaf_hash| Reference { origin_sha256, leaf_hash };
    hashes.into_iter().take(REFERENCES).map(reference).collect::<Vec<_>>().try_into().unwrap_or_default()
}

/// Each row: index and leaf hash of an erased entry, salted from the detail part's own salt.
pub(super) fn rows(salt: &[u8; 32], entries: &[ErasedEntry]) -> Option<Rows> {
    let digest = |(position, entry): (u32, &ErasedEntry)| {
        let salt = Sha256::new_with_prefix(salt).chain_update(position.to_be_bytes()).finalize();
        let index = ShortText::new(entry.index.to_string()).unwrap_or_default();
        row_digest(&Salt::new(salt.into()), &index, &entry.leaf_hash, 0)
    };
    let digests: Vec<_> = (0_u32..).zip(entries).map(digest).collect();
    Rows::new(u32::try_from(digests.len()).ok()?, rows_root(&digests)).ok()
}

/// The case stands where other entries name the consent that they rest on.
pub(super) fn draft(call: &Call, kind: Kind, case: &str) -> Draft {
    let mut draft = call.draft(kind, registry::Categories::AUDIT, None, [0; 32]);
    draft.detail.consent = ShortText::new(case).unwrap_or_default();
    draft
}

pub(super) fn with_digest(mut draft: Draft, sha256: [u8; 32]) -> Draft {
    draft.detail.response_sha256 = sha256;
    draft
}

pub(super) fn answered(draft: Draft, answer: Vec<u8>) -> Conclusion<Refusal> {
    let draft = with_digest(draft, Sha256::digest(&answer).into());
    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
}

/// A refusal with an entry of its own.
pub(super) fn refusal(call: &Call, case: &str, reason: Reason) -> Conclusion<Refusal> {
    let refusal = Refusal::new(reason).with_request_id(call.request_id());
    let mut draft = with_digest(draft(call, Kind::Refusal, case), refusal.digest());
    draft.outcome = reason_number(reason);
    Conclusion { reply: Reply::Refused(refusal), draft: Some(draft) }
}

/// The entry stands in the person's list; its receipt does not name them to an operator.
fn unnamed((answer, receipt): Kept) -> Kept {
    (answer, receipt.map(|receipt| Receipt { subject: None, ..receipt }))
}

impl Gateway {
    fn subject_of(&self, what: ToErase, call: &Call) -> Option<pmh_store::EntrySubject> {
        match what {
            ToErase::Person(person) => self.entry_subject(person, call.peer.urn()),
            ToErase::Entry(_) => None,
        }
    }
}

/// A day, agreed to or not.
const LIVES_US: i64 = 24 * 3600 * 1_000_000;
const REFERENCES: usize = 4;
