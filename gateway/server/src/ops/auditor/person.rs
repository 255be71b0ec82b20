//! Searching by person: one asks, a second agrees, both are entries, and after
//! a day it is over.

use pmh_audit::Receipt;
use pmh_domain::organization::IssuerId;
use pmh_proto::common::Reason;
use pmh_store::{Asked, Concluding, Conclusion, NewPersonSearch, PersonSearch, Reply, SubjectRef};
use sha2::{Digest as _, Sha256};

use super::{
    Log, parts, stored,
    two_people::{Asker, are_two},
    under,
};
use crate::{
    ops::{
        Call, Gateway,
        entitlements::replay,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::status::Refusal,
};

/// Encoded answer and proof.
type Kept = (Vec<u8>, Option<Receipt>);

/// How an auditor names a person.
#[derive(Debug, Clone)]
pub enum Named {
    /// Whoever this entry is about.
    Entry(Log, u64),
    /// An issuer's resident.
    Resident(IssuerId, String),
}

/// What the first person asks.
#[derive(Debug, Clone)]
pub struct Request {
    /// UUID of the search, fresh.
    pub search_id: String,
    /// About whom.
    pub named: Named,
    /// The case.
    pub case_reference: String,
    /// Why.
    pub ground: String,
}

/// The first person asks. Neither answer nor receipt names anybody.
pub async fn request(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    request: Request,
    render: impl Fn(&str, i64) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asker = asker(call)?;
    let case = request.case_reference;
    let (person, within) = match find(gateway, call, &request.named).await? {
        Ok(found) => found,
        Err(reason) => return Err(gateway.refuse_auditor(call, reason, &case).await),
    };
    let subject = gateway.entry_subject(person, call.peer.urn());
    let kept = NewPersonSearch {
        search_id: request.search_id.clone(),
        requester: call.short().to_owned(),
        lives_us: LIVES_US,
        asked: Asked {
            person,
            people: Vec::new(),
            within,
            case_reference: case.clone(),
            ground: request.ground,
            terminal: asker.terminal.to_owned(),
            certificate_sha256: *asker.certificate_sha256,
            operator: asker.operator.to_owned(),
        },
    };
    let (key, search_id) = (call.idempotency(idempotency_key, None), request.search_id);
    let call = call.clone();
    let draft = move |sha256| {
        let mut draft = under(&call, sha256, Some(&case));
        draft.subject.clone_from(&subject);
        draft
    };
    let recorded = gateway
        .store
        .request_person_search(gateway.attempt(), key, kept, move |concluding| match concluding {
            Concluding::Fresh(expires_us) => answered(&draft, render(&search_id, expires_us)),
            Concluding::Replay(answer) => replay(&draft, answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded).map(unnamed)
}

/// The second person agrees.
pub async fn approve(
    gateway: &Gateway,
    call: &Call,
    idempotency_key: &str,
    search_id: String,
    case_reference: &str,
    render: impl Fn(&PersonSearch) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let second = asker(call)?;
    let found = gateway.store.reader().person_search(&search_id, gateway.now_us()).await;
    let found = found.map_err(|fault| unavailable(&fault))?;
    let found = found.ok_or_else(|| Refusal::new(Reason::NotFound))?;
    if let Err(reason) = may_approve(gateway, &found, second, case_reference) {
        return Err(gateway.refuse_auditor(call, reason, case_reference).await);
    }
    let subject = gateway.entry_subject(found.asked.person, call.peer.urn());
    let key = call.idempotency(idempotency_key, None);
    let call = call.clone();
    let case = found.asked.case_reference.clone();
    let draft = move |sha256| {
        let mut draft = under(&call, sha256, Some(&case));
        draft.subject.clone_from(&subject);
        draft
    };
    let recorded = gateway
        .store
        .approve_person_search(gateway.attempt(), key, search_id, move |concluding| match concluding {
            Concluding::Fresh(true) => answered(&draft, render(&found)),
            Concluding::Fresh(false) => refused(Reason::StateNotAllowed),
            Concluding::Replay(answer) => replay(&draft, answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded).map(unnamed)
}

/// The caller's own search, if two people agreed to it and it has not ended.
pub(super) async fn approved(
    gateway: &Gateway,
    call: &Call,
    search_id: &str,
) -> Result<PersonSearch, Refusal> {
    let found = gateway.store.reader().person_search(search_id, gateway.now_us()).await;
    let found = found.map_err(|fault| unavailable(&fault))?.filter(|found| found.requester == call.short());
    match found {
        None => Err(Refusal::new(Reason::NotFound)),
        Some(found) if found.approved => Ok(found),
        Some(found) => {
            let case = found.asked.case_reference;
            Err(gateway.refuse_auditor(call, Reason::SecondPersonNeeded, &case).await)
        }
    }
}

fn may_approve(
    gateway: &Gateway,
    found: &PersonSearch,
    second: Asker<'_>,
    case_reference: &str,
) -> Result<(), Reason> {
    let asked = &found.asked;
    let first = Asker {
        organization: &found.requester,
        terminal: &asked.terminal,
        certificate_sha256: &asked.certificate_sha256,
        operator: &asked.operator,
    };
    let jurisdiction = gateway.jurisdictions.of(second.organization);
    if !asked.within.iter().any(|organization| jurisdiction.covers_organization(organization)) {
        return Err(Reason::OutsideJurisdiction);
    }
    if asked.case_reference != case_reference {
        return Err(Reason::StateNotAllowed);
    }
    if are_two(first, second) { Ok(()) } else { Err(Reason::SecondPersonNeeded) }
}

/// The person, and the organizations by which they are within the caller's
/// jurisdiction; or why not.
async fn find(
    gateway: &Gateway,
    call: &Call,
    named: &Named,
) -> Result<Result<(SubjectRef, Vec<String>), Reason>, Refusal> {
    let jurisdiction = gateway.jurisdictions.of(call.short());
    match named {
        Named::Entry(log, index) => {
            let (_, leaf) = match stored(gateway, *log, *index).await {
                Err(refusal) if refusal.reason() == Reason::NotFound => return Ok(Err(Reason::NotFound)),
                found => found?,
            };
            if !jurisdiction.covers(&leaf) {
                return Ok(Err(Reason::OutsideJurisdiction));
            }
            let openings =
                gateway.reader(*log).openings(*index).await.map_err(|fault| unavailable(&fault))?;
            let person = parts::person_of(gateway, &leaf, openings.as_deref());
            let within = [leaf.holder, leaf.requester].into_iter().flatten().map(|org| org.to_string());
            Ok(person.map(|person| (person, within.collect())).ok_or(Reason::NotFound))
        }
        Named::Resident(issuer, resident_key) => {
            let within = issuer.organization().to_string();
            if !jurisdiction.covers_organization(&within) {
                return Ok(Err(Reason::OutsideJurisdiction));
            }
            let found = gateway.store.reader().resident(*issuer, resident_key).await;
            let found = found.map_err(|fault| unavailable(&fault))?;
            Ok(found.map(|(person, _)| (person, vec![within])).ok_or(Reason::NotFound))
        }
    }
}

/// Who calls; without a pseudonym nobody can say that two are two.
pub(in crate::ops) fn asker(call: &Call) -> Result<Asker<'_>, Refusal> {
    let identity = call.peer.identity();
    match call.operator() {
        "" => Err(Refusal::invalid_fields(vec![]).with_field("pmh-operator", Reason::Required)),
        operator => Ok(Asker {
            organization: call.short(),
            terminal: identity.terminal().unwrap_or_default(),
            certificate_sha256: identity.thumbprint(),
            operator,
        }),
    }
}

fn answered(draft: impl Fn([u8; 32]) -> pmh_store::Draft, answer: Vec<u8>) -> Conclusion<Refusal> {
    let draft = draft(Sha256::digest(&answer).into());
    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
}

/// The entry stands in the person's list, but the receipt does not name them:
/// two requests would tell whether two entries are about one person.
fn unnamed((answer, receipt): Kept) -> Kept {
    (answer, receipt.map(|receipt| Receipt { subject: None, ..receipt }))
}

/// A day, approved or not.
const LIVES_US: i64 = 24 * 3600 * 1_000_000;
