//! Issuers' own persons: bulk upsert, moves, relations, restrictions.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::Date;
use pmh_audit::{Kind, OrgRef, Receipt, registry};
use pmh_auth::policy::Permit;
use pmh_domain::{
    handoff::{BirthOrder, NoticeId},
    organization::IssuerId,
    problem::Accepted,
    resident::{RawResident, ResidentLink, RestrictionKind},
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{Concluding, Conclusion, Draft, Relation, Reply, ResidentChange, ResidentChunk, SubjectRef};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    bulk::{Batch, Judged, Received, RowReport, detail_salt},
    entitlements::replay,
    refusals::{refused, settled},
    unavailable, uninterrupted,
};
use crate::rpc::status::Refusal;

/// Judges and keeps one chunk; auth mints a person for each new resident first.
pub async fn put_chunk(
    gateway: &Gateway,
    call: &Call,
    permit: &Permit,
    batch: &Batch,
    rows: &[Received<RawResident>],
    render: impl Fn(&[RowReport]) -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer = call.issuer()?;
    let today = tokyo_date(call.now);
    let verdicts: Vec<_> = rows.iter().map(|row| ResidentLink::validate(&row.raw, issuer, today)).collect();
    // A dry run keeps nothing, so nobody is minted; the reference is not read then.
    let mut references = if batch.dry_run {
        Vec::new()
    } else {
        let links = verdicts.iter().flatten().map(|accepted| &accepted.value);
        gateway.mint(links).await?
    }
    .into_iter();
    let mut judged = Judged::of(registry::Categories::SUBSIDY);
    for (row, verdict) in rows.iter().zip(verdicts) {
        let verdict = verdict.map(|Accepted { value, warnings }| Accepted {
            value: (value, references.next().unwrap_or_default()),
            warnings,
        });
        judged.push(row, verdict);
    }
    let report = judged.report();
    let chunk = ResidentChunk {
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
        .put_residents(attempt, chunk, move |concluding| {
            report.conclude(&call, dry_run, &salt, concluding, &render)
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// 転出・転入, or a restriction.
pub async fn change(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    resident_key: String,
    change: Change,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer = call.issuer()?;
    let idempotency = call.idempotency(idempotency_key, None);
    let protects = matches!(change, Change::Restriction { lifted: false, .. });
    let change = match change {
        Change::MovedOut(last_day) => ResidentChange::Move(last_day),
        Change::Restriction { kind, lifted } => ResidentChange::Restrict(kind, lifted),
    };
    let (call, gateway) = (call.clone(), Arc::clone(gateway));
    uninterrupted(async move {
        let _alone = gateway.linking.lock().await;
        // Guardians' lists end before the restriction's own entry, which is the person's alone.
        if protects && let Some((child, _)) = gateway.resident(issuer, &resident_key).await? {
            if let Some(kept) = gateway.earlier(&call, &idempotency, Some(child)).await? {
                return Ok(kept);
            }
            gateway.end_guardianships(&call, child).await?;
        }
        let keeper = Arc::clone(&gateway);
        let conclude = move |concluding: Concluding<'_, Option<SubjectRef>>| match concluding {
            Concluding::Fresh(Some(subject)) => {
                let answer = render();
                let mut draft = own_person(&call, Sha256::digest(&answer).into());
                draft.subject = keeper.entry_subject(subject, call.peer.urn());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Fresh(None) => refused(Reason::NotFound),
            Concluding::Replay(answer) => replay(|sha256| own_person(&call, sha256), answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        };
        let recorded = gateway
            .store
            .change_resident(gateway.attempt(), idempotency, issuer, resident_key, change, conclude)
            .await
            .map_err(|fault| unavailable(&fault))?;
        settled(recorded)
    })
    .await
}

/// A change of one resident, as the contract names it.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// Last day as a resident; `None` takes it back.
    MovedOut(Option<Date>),
    /// Set or lifted.
    Restriction {
        /// Which.
        kind: RestrictionKind,
        /// Lifted.
        lifted: bool,
    },
}

/// Guardian and child as the municipality states them.
#[derive(Debug, Clone)]
pub struct Guardianship {
    /// Resident key of the guardian.
    pub guardian: String,
    /// Resident key of the child.
    pub child: String,
    /// Last day, at most the day before the 18th birthday (民法 4条); `None`: that day.
    pub until: Option<Date>,
    /// Ended now.
    pub ended: bool,
}

/// Keeps a relation. Auth has it, because a guardian's card must open the
/// child there; the entry about the child is in auth's log.
pub async fn put_relation(
    gateway: &Arc<Gateway>,
    call: &Call,
    idempotency_key: &str,
    guardianship: Guardianship,
    render: impl Fn() -> Vec<u8> + Send + 'static,
) -> Result<(Vec<u8>, Option<Receipt>), Refusal> {
    let issuer = call.issuer()?;
    let (guardian, _) = gateway.own_resident(call, &guardianship.guardian, "guardian_resident_key").await?;
    let (child, link) = gateway.own_resident(call, &guardianship.child, "child_resident_key").await?;
    let majority = pmh_domain::time::day_before_birthday(link.birth_date, ADULT);
    let until = guardianship
        .until
        .into_iter()
        .chain(majority)
        .min()
        .ok_or_else(|| Refusal::invalid_fields(vec![]).with_field("until", Reason::Date))?;
    let person = |reference| {
        gateway.subject_refs.open_subject_ref(reference).map_err(|_| Refusal::new(Reason::Internal))
    };
    let relation = Relation {
        guardian: person(&guardian)?,
        child: person(&child)?,
        issuer: issuer.organization().to_string(),
        child_birth_date: link.birth_date.to_string(),
        until: until.to_string(),
        ended: guardianship.ended,
    };
    let idempotency = call.idempotency(idempotency_key, None);
    let (call, gateway) = (call.clone(), Arc::clone(gateway));
    uninterrupted(async move {
        let _alone = gateway.linking.lock().await;
        let (ended, issuer) = (relation.ended, relation.issuer.clone());
        let (keeper, caller) = (Arc::clone(&gateway), call.clone());
        let draft = move |sha256| {
            let mut draft = own_person(&caller, sha256);
            draft.subject = keeper.entry_subject(child, caller.peer.urn());
            draft
        };
        let conclude = move |concluding: Concluding<'_, ()>| match concluding {
            Concluding::Fresh(()) => {
                let answer = render();
                let draft = draft(Sha256::digest(&answer).into());
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            }
            Concluding::Replay(answer) => replay(&draft, answer),
            Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
        };
        let recorded = gateway
            .auth
            .put_relation_once(gateway.attempt(), idempotency, relation, conclude)
            .await
            .map_err(|fault| unavailable(&fault))?;
        if ended {
            gateway.refresh_denied().await.map_err(|fault| unavailable(&fault))?;
        }
        let kept = settled(recorded)?;
        gateway.follow_relation(&call, child, guardian, &issuer).await?;
        Ok(kept)
    })
    .await
}

/// Majority since 2022-04-01 (民法 4条).
const ADULT: i16 = 18;

fn own_person(call: &Call, response_sha256: [u8; 32]) -> Draft {
    let mut draft = call.draft(Kind::RegistryChange, registry::Categories::IDENTITY, None, response_sha256);
    draft.holder = OrgRef::new(call.short()).ok();
    draft
}

impl Gateway {
    /// References of persons for residents; the same resident always gets the same.
    async fn mint(&self, links: impl Iterator<Item = &ResidentLink>) -> Result<Vec<[u8; 32]>, Refusal> {
        let wanted: Vec<_> = links.map(|link| (self.mint_key_of(link), self.random_bytes())).collect();
        let minted = self.auth.mint(self.attempt(), wanted).await.map_err(|fault| unavailable(&fault))?;
        Ok(minted.iter().map(|minted| self.subject_refs.subject_ref(&minted.person)).collect())
    }

    fn mint_key_of(&self, link: &ResidentLink) -> [u8; 32] {
        // HMAC takes a key of any length, so the constructor cannot refuse this one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.mint_key.as_ref()) else { return [0; 32] };
        mac.update(link.issuer.organization().to_string().as_bytes());
        mac.update(&[0]);
        mac.update(link.resident_key.as_str().as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// A provisional child belongs to no issuer yet, so its key begins with none.
    pub(super) fn mint_key_of_child(&self, birth: NoticeId, place: BirthOrder) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.mint_key.as_ref()) else { return [0; 32] };
        mac.update(b"\0birth\0");
        mac.update(&birth.0);
        mac.update(&[place.0]);
        mac.finalize().into_bytes().into()
    }

    /// One of the caller's own residents by its key.
    pub(super) async fn own_resident(
        &self,
        call: &Call,
        resident_key: &str,
        field: &str,
    ) -> Result<([u8; 32], ResidentLink), Refusal> {
        self.resident(call.issuer()?, resident_key)
            .await?
            .ok_or_else(|| Refusal::new(Reason::NotFound).with_field(field, Reason::ResidentUnknown))
    }

    async fn resident(
        &self,
        issuer: IssuerId,
        resident_key: &str,
    ) -> Result<Option<(SubjectRef, ResidentLink)>, Refusal> {
        self.store.reader().resident(issuer, resident_key).await.map_err(|fault| unavailable(&fault))
    }
}
