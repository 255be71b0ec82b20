//! Two officers say which resident a provisional child is.

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef};
use pmh_domain::{
    handoff::{BirthOrder, ChildEvent, Decision, NoticeId, Officer, Refusal as Refused, TwoOfficers},
    resident::ResidentKey,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Reply, SubjectRef,
    birth::{AskedBy, BirthChange, LoadedMother, MergeProposal, MotherOf, StoredBirth, StoredChild},
};
use sha2::{Digest as _, Sha256};

use super::{
    super::auditor::{Asker, are_two, asker},
    CATEGORIES, Kept, change, is_own, spread_soon,
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

/// What one officer says.
#[derive(Clone)]
pub struct Merge {
    /// Which birth.
    pub birth: NoticeId,
    /// Which child.
    pub child: BirthOrder,
    /// Which of the caller's residents it is.
    pub resident: ResidentKey,
}

/// Where the merge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// A second officer must say the same.
    Proposed,
    /// The child is this resident.
    Done,
}

/// The first officer proposes, a second one merges.
pub async fn merge(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    wanted: Merge,
    render: impl Fn(Merged) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let own = call.issuer()?;
    let by = asked_by(asker(call)?);
    let once = call.idempotency(idempotency_key, None);
    let resident = Some((call.short().to_owned(), wanted.resident.as_str().to_owned()));
    let of = MotherOf::Birth(wanted.birth);
    let decide = move |mother: &LoadedMother| {
        let birth = mother.births.iter().find(|birth| birth.id == wanted.birth);
        match birth.filter(|birth| is_own(own, mother, Some(birth))) {
            Some(birth) => match decided(mother, birth, &wanted, &by) {
                Ok((merged, change)) => (Ok(merged), change),
                Err(reason) => (Err(reason), None),
            },
            None => (Err(Reason::NotFound), None),
        }
    };
    let (call, keeper) = (call.clone(), Arc::clone(gateway));
    let conclude = move |concluding: Concluding<'_, Option<(SubjectRef, Result<Merged, Reason>)>>| {
        let draft = |sha256: [u8; 32]| {
            let mut draft = call.draft(Kind::RegistryChange, CATEGORIES, None, sha256);
            draft.holder = OrgRef::new(call.short()).ok();
            draft
        };
        match concluding {
            Concluding::Fresh(None) => refused(Reason::NotFound),
            Concluding::Fresh(Some((_, Err(reason)))) => refused(reason),
            Concluding::Fresh(Some((mother, Ok(merged)))) => {
                let answer = render(merged);
                let mut draft = draft(Sha256::digest(&answer).into());
                draft.subject = keeper.entry_subject(mother, call.peer.urn());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Replay(answer) => replay(draft, answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        }
    };
    let recorded = {
        // Links and merges change who is one person, never both at once.
        let _alone = gateway.linking.lock().await;
        gateway.store.birth_step(gateway.attempt(), once, of, resident, decide, conclude).await
    };
    let kept = settled(recorded.map_err(|fault| unavailable(&fault))?)?;
    spread_soon(gateway).await;
    Ok(kept)
}

type Decided = Result<(Merged, Option<BirthChange>), Reason>;

fn decided(mother: &LoadedMother, birth: &StoredBirth, wanted: &Merge, by: &AskedBy) -> Decided {
    let child = birth.children.iter().find(|child| child.order == wanted.child).ok_or(Reason::NotFound)?;
    let (resident, link) = mother.resident.as_ref().ok_or(Reason::NotFound)?;
    // Another day of birth is another child, whatever two people say.
    if link.birth_date != child.newborn.notice.born_on {
        return Err(Reason::StateNotAllowed);
    }
    match birth.fold().merge(wanted.child, &wanted.resident) {
        Err(Refused::CauseMissing) => return Err(Reason::NotFound),
        Err(_) => return Err(Reason::StateNotAllowed),
        Ok(Decision::Known) => return Ok((Merged::Done, None)),
        Ok(Decision::Append(())) => {}
    }
    let mut change = change(mother, birth.id, &by.organization);
    let said = |proposal: &&MergeProposal| {
        proposal.child == wanted.child && proposal.resident_key == wanted.resident.as_str()
    };
    let Some(first) = birth.proposals.iter().find(said) else {
        change.proposal = Some(proposal(wanted, by));
        return Ok((Merged::Proposed, Some(change)));
    };
    if !are_two(as_asker(&first.asked), as_asker(by)) {
        return Err(Reason::SecondPersonNeeded);
    }
    let officers = TwoOfficers::new(Officer(first.asked.operator.clone()), Officer(by.operator.clone()));
    change.events.push(merged(child, wanted, officers.ok_or(Reason::SecondPersonNeeded)?));
    change.joins = Some((child.subject, *resident));
    Ok((Merged::Done, Some(change)))
}

fn merged(child: &StoredChild, wanted: &Merge, officers: TwoOfficers) -> ChildEvent {
    ChildEvent::Merged { child: child.order, resident: wanted.resident.clone(), officers }
}

fn proposal(wanted: &Merge, by: &AskedBy) -> MergeProposal {
    MergeProposal {
        child: wanted.child,
        resident_key: wanted.resident.as_str().to_owned(),
        asked: by.clone(),
    }
}

fn asked_by(asker: Asker<'_>) -> AskedBy {
    AskedBy {
        organization: asker.organization.to_owned(),
        terminal: asker.terminal.to_owned(),
        certificate_sha256: *asker.certificate_sha256,
        operator: asker.operator.to_owned(),
    }
}

fn as_asker(asked: &AskedBy) -> Asker<'_> {
    Asker {
        organization: &asked.organization,
        terminal: &asked.terminal,
        certificate_sha256: &asked.certificate_sha256,
        operator: &asked.operator,
    }
}

impl std::fmt::Debug for Merge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Merge(..)")
    }
}
