//! The guest's view. Home decides, reads and enters; the stay side enters again before its officer sees anything.

use std::sync::Arc;

use pmh_audit::{Kind, OrgRef, Receipt, Reference, registry::Categories};
use pmh_domain::{
    handoff::{
        Ask, BirthOrder, Category, Disclosure, Duty, HandoffId, Home, LeafHash, Person, Proven, ReadRefusal,
        Side, State, StaySays, StayState, VerifiedAccept, guest_reads,
    },
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Recorded, Reply,
    handoff::{DisclosureOf, StoredHandoff},
};
use sha2::{Digest as _, Sha256};

use super::{
    Kept, consent_reference,
    fold::{self, instant},
    link::{Link, Peer},
    proof::MunicipalLog,
    shown::{Shown, nth_child},
};
use crate::{
    ops::{
        Call, Gateway, Response,
        refusals::{refused, settled},
        unavailable,
    },
    rpc::{handoff::wire, status::Refusal},
};

/// What a guest asks: of which handoff, which category of whose record, in the course of which duty.
#[derive(Debug, Clone, Copy)]
pub struct Guest {
    /// Which handoff.
    pub handoff: HandoffId,
    /// Which category.
    pub category: Category,
    /// Whose: 0 the mother, otherwise the place among the children of whom the guest is told, from 1.
    pub child: u8,
    /// In the course of which duty.
    pub duty: Option<Duty>,
}

/// Records as home disclosed them, with home's entry.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The encoded answer of home without its receipt.
    pub response: Vec<u8>,
    /// Index of home's entry.
    pub index: u64,
    /// Its leaf.
    pub leaf_hash: [u8; 32],
}

/// Home's side: records one category before it is told. `caller` is the peer that asks, or the stay side served here.
pub async fn disclose(
    gateway: &Arc<Gateway>,
    call: &Call,
    guest: Guest,
    render: impl Fn(Guest, &Shown) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    gateway.witnesses.permit_disclosure(gateway.now_us())?;
    let stored = home_of(gateway, call, guest.handoff).await?;
    let (permit, keeper, call) = (Permit::new(gateway, &stored, guest), Arc::clone(gateway), call.clone());
    let (holder, other) = (OrgRef::new(&stored.municipality).ok(), stored.other.clone());
    let (urn, today) = (format!("urn:x-pmh:org:{other}"), tokyo_date(gateway.now()));
    let recorded = gateway
        .store
        .disclose_to_guest(
            gateway.attempt(),
            guest.handoff,
            move |of| permit.ask(of),
            move |concluding| {
                let view = match concluding {
                    Concluding::Fresh(Ok(view)) => view,
                    Concluding::Fresh(Err(refusal)) => return refused(reason(refusal)),
                    Concluding::Replay(_) | Concluding::KeyReused => return refused(Reason::Internal),
                };
                let answer = render(guest, &Shown::of(&view.records, guest.category, today));
                let categories = classes(guest.category);
                let mut draft =
                    call.draft(Kind::Disclosure, categories, None, Sha256::digest(&answer).into());
                draft.holder.clone_from(&holder);
                draft.detail.consent = consent_reference(guest.handoff);
                draft.subject = keeper.entry_subject(view.subject, &urn);
                let accept = view.disclosure.cites();
                let cited = Reference { origin_sha256: keeper.origin_of(&other), leaf_hash: accept.leaf.0 };
                draft.references = vec![cited].try_into().unwrap_or_default();
                Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
            },
        )
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// Home's side: whether the view is open, and nothing more.
pub async fn is_open(gateway: &Gateway, call: &Call, guest: Guest) -> Result<(), Refusal> {
    let stored = home_of(gateway, call, guest.handoff).await?;
    is_open_at(gateway, &stored, guest)
}

/// Home's side: the same of a handoff that is at hand. Care that was approved is open before the stay begins.
pub(super) fn is_open_at(gateway: &Gateway, stored: &StoredHandoff, guest: Guest) -> Result<(), Refusal> {
    let home = fold::home(stored).ok_or_else(|| Refusal::new(Reason::NotFound))?;
    if guest.category == Category::CareApproval && home.stands_by_care(gateway.now()) {
        return Ok(());
    }
    if home.state(gateway.now()) != State::Active {
        return Err(Refusal::new(Reason::NotFound));
    }
    if grounds(&home, guest, gateway) { Ok(()) } else { Err(Refusal::new(Reason::ConsentRequired)) }
}

/// The stay side: what its officer may ask for, of what was asked; everything if nothing was.
pub async fn shared(
    gateway: &Gateway,
    call: &Call,
    id: HandoffId,
    asked: &[Category],
) -> Result<Vec<Category>, Refusal> {
    let stored = own(gateway, call, id, Side::Stay).await?;
    let stay = fold::stay(&stored).filter(|stay| stay.state(gateway.now()) == StayState::Active);
    let stay = stay.ok_or_else(|| Refusal::new(Reason::NotFound))?;
    let is_shared = |category: &Category| stay.is_shared(*category) && stay.may_ask(*category);
    let asked = if asked.is_empty() { Category::ALL.as_slice() } else { asked };
    let shared: Vec<Category> = asked.iter().copied().filter(is_shared).collect();
    if shared.is_empty() { Err(Refusal::new(Reason::ConsentRequired)) } else { Ok(shared) }
}

/// The stay side: one category from home, entered here before it is told. `render` makes the officer's answer of home's.
pub async fn view<R: Response>(
    gateway: &Arc<Gateway>,
    call: &Call,
    guest: Guest,
    at_home: impl Fn(Guest, &Shown) -> Vec<u8> + Send + 'static,
    render: impl Fn(&Chunk) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let stored = own(gateway, call, guest.handoff, Side::Stay).await?;
    let chunk = match gateway.link(&stored.other) {
        Some(Link::Here) => chunk_of(disclose(gateway, call, guest, at_home).await?)?,
        Some(Link::Peer(peer)) => from_peer(peer, guest).await?,
        None => return Err(Refusal::new(Reason::TryAgain)),
    };
    let reference = Reference { origin_sha256: gateway.origin_of(&stored.other), leaf_hash: chunk.leaf_hash };
    let subject = stored.subject.and_then(|subject| gateway.entry_subject(subject, call.peer.urn()));
    let (call, holder) = (call.clone(), OrgRef::new(&stored.other).ok());
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&chunk);
            let categories = classes(guest.category);
            let mut draft = call.draft(Kind::Disclosure, categories, None, response.digest());
            draft.holder.clone_from(&holder);
            draft.detail.consent = consent_reference(guest.handoff);
            draft.subject.clone_from(&subject);
            draft.references = vec![reference].try_into().unwrap_or_default();
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// The stay side: asks home whether the view is still open.
pub async fn still_open(gateway: &Arc<Gateway>, call: &Call, guest: Guest) -> Result<(), Refusal> {
    let allowed = shared(gateway, call, guest.handoff, &[guest.category]).await?;
    if allowed.is_empty() {
        return Err(Refusal::new(Reason::NotFound));
    }
    let stored = own(gateway, call, guest.handoff, Side::Stay).await?;
    match gateway.link(&stored.other) {
        Some(Link::Here) => is_open(gateway, call, guest).await,
        Some(Link::Peer(peer)) => {
            let asked = peer.client.call_unrecorded(&wire::ask(guest, true), None).await;
            asked.map(drop).map_err(|error| passed_on(&error))
        }
        None => Err(Refusal::new(Reason::TryAgain)),
    }
}

/// What permits a disclosure, asked again inside the batch for each one.
struct Permit {
    gateway: Arc<Gateway>,
    stay: String,
    guest: Guest,
}

impl Permit {
    fn new(gateway: &Arc<Gateway>, stored: &StoredHandoff, guest: Guest) -> Self {
        Self { gateway: Arc::clone(gateway), stay: stored.other.clone(), guest }
    }

    fn ask(&self, of: &DisclosureOf) -> Result<Disclosure, ReadRefusal> {
        let home = of.handoff.as_ref().and_then(fold::home);
        let accept = home.as_ref().and_then(|home| self.accept(home, &of.heard));
        let Guest { handoff, category, child, duty } = self.guest;
        let person = match child {
            0 => Some(Person::Mother),
            place => home.as_ref().and_then(|home| nth_child(home, &of.children, place)).map(Person::Child),
        };
        // Whoever is not shown is asked for as somebody who cannot be: the same answer in every state.
        let person = person.unwrap_or(Person::Child(BirthOrder(0)));
        let ask = Ask { handoff, person, category, duty };
        match (&home, &accept) {
            (Some(home), Some(accept)) => guest_reads(Some((home, accept)), ask, instant(of.now_us)),
            (Some(home), None) if home.state(instant(of.now_us)) == State::Active => {
                Err(ReadRefusal::NoAccept)
            }
            _ => Err(ReadRefusal::Unknown),
        }
    }

    /// The accept, proved once more by the receipt that came with it: what home's rows say of it is not enough.
    fn accept(&self, home: &Home, heard: &[Vec<u8>]) -> Option<VerifiedAccept> {
        let log = MunicipalLog::of(&self.gateway, &self.stay)?;
        heard.iter().filter_map(|bytes| wire::decode(bytes)).find_map(|message| {
            let proven: Proven<StaySays> = Proven::check(&log, &message).ok()?;
            VerifiedAccept::of(home.id(), home.offered(), home.offered_at(), &proven).ok()
        })
    }
}

async fn from_peer(peer: &Peer, guest: Guest) -> Result<Chunk, Refusal> {
    let proven = peer.client.call(&wire::ask(guest, false), None).await.map_err(|error| passed_on(&error))?;
    Ok(Chunk {
        response: wire::bare(&proven.response),
        index: proven.proof.index,
        leaf_hash: proven.proof.leaf_hash,
    })
}

/// Home's refusals are the officer's; whatever else went wrong on the way passes.
pub(super) fn passed_on(error: &pmh_client::Error) -> Refusal {
    let reason = error.refused().map_or(Reason::TryAgain, |refused| refused.reason);
    Refusal::new(match reason {
        Reason::NotFound | Reason::ConsentRequired => reason,
        _ => Reason::TryAgain,
    })
}

fn chunk_of((response, receipt): Kept) -> Result<Chunk, Refusal> {
    let receipt: Receipt = receipt.ok_or_else(|| Refusal::new(Reason::Internal))?;
    let LeafHash(leaf_hash) = LeafHash(pmh_audit::tree::leaf_hash(&receipt.leaf));
    Ok(Chunk { response, index: receipt.index, leaf_hash })
}

/// Classes of record that a category is made of.
fn classes(category: Category) -> Categories {
    let class = match category {
        Category::ChildVaccinations | Category::MotherVaccinations => Categories::VACCINATION,
        Category::Entitlements => Categories::SUBSIDY,
        _ => Categories::CHECKUP,
    };
    Categories::HANDOFF | class
}

fn grounds(home: &Home, guest: Guest, gateway: &Gateway) -> bool {
    let holds = |duty| home.holder(duty, gateway.now()) == Some(pmh_domain::handoff::Holder::Stay);
    home.bases().ground(guest.category, guest.duty, holds).is_some()
}

/// Home's side of a handoff whose stay side asks, itself or by its peer. Everybody else sees none.
async fn home_of(gateway: &Gateway, call: &Call, id: HandoffId) -> Result<StoredHandoff, Refusal> {
    let found = gateway.store.reader().handoff(id, Side::Home).await.map_err(|fault| unavailable(&fault))?;
    let is_asking = |stored: &StoredHandoff| match gateway.link(&stored.other) {
        Some(Link::Here) => stored.other == call.short(),
        Some(link) => link.is_caller(call.short()),
        None => false,
    };
    found.filter(is_asking).ok_or_else(|| Refusal::new(Reason::NotFound))
}

async fn own(gateway: &Gateway, call: &Call, id: HandoffId, side: Side) -> Result<StoredHandoff, Refusal> {
    let found = gateway.store.reader().handoff(id, side).await.map_err(|fault| unavailable(&fault))?;
    let is_own = |stored: &StoredHandoff| stored.municipality == call.short();
    found.filter(is_own).ok_or_else(|| Refusal::new(Reason::NotFound))
}

/// For the guest every end looks like nothing; only what it may ask for is told apart, and the offer told it that.
fn reason(refusal: ReadRefusal) -> Reason {
    match refusal {
        ReadRefusal::NotAllowed => Reason::ConsentRequired,
        _ => Reason::NotFound,
    }
}
