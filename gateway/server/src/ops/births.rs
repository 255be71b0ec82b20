//! Births and losses: told by facilities and municipalities, kept for the mother's home, entered by her handoffs.

mod merge;
mod spread;

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _, civil::Date};
use pmh_audit::{Kind, OrgRef, Receipt, ShortText, registry::Categories};
use pmh_auth::policy::Permit;
use pmh_domain::{
    handoff::{BirthOrder, ChildEvent, Children, Decision, Loss, Newborn, Notice, NoticeId},
    organization::{IssuerId, OrganizationKind},
    time::tokyo_date,
};
use pmh_proto::common::Reason;
use pmh_store::{
    Concluding, Conclusion, Draft, PersonLink, Reply, SubjectRef,
    birth::{BirthChange, BirthPage, LoadedMother, MotherOf, StoredBirth},
};
use sha2::{Digest as _, Sha256};

use super::{
    Call, Gateway,
    call::Named,
    entitlements::replay,
    refusals::{refused, settled},
    unavailable,
    verify::purpose_number,
};
use crate::rpc::status::Refusal;

pub use merge::{Merge, Merged, merge};
pub use spread::spread_births;
pub(super) use spread::{at_home, at_stay, told_by_stay};

/// An answer as the log committed to it, and its proof.
type Kept = (Vec<u8>, Option<Receipt>);

/// Who tells, and of whom.
pub struct Teller {
    /// The mother.
    pub mother: MotherOf,
    /// The contract under which a facility tells without her card; empty: none.
    pub contract: String,
}

/// A loss as it is told.
#[derive(Debug, Clone, Copy)]
pub struct ToldLoss {
    /// Of which birth; `None`: nothing was told of this pregnancy yet.
    pub birth: Option<NoticeId>,
    /// Which.
    pub loss: Loss,
}

/// A birth of one or more children. `newborns` name no birth yet.
pub async fn notify_birth(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    teller: Teller,
    newborns: Vec<Newborn>,
    render: impl Fn(NoticeId) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let fresh = NoticeId(gateway.random_bytes());
    let places: Vec<BirthOrder> = newborns.iter().map(|newborn| newborn.notice.order).collect();
    let minted = gateway.mint_children(fresh, &places).await?;
    let telling = Telling::new(gateway, call, permit, teller)?;
    let by = call.short().to_owned();
    let decide = move |mother: &LoadedMother| {
        let birth = present(mother);
        let mut children = birth.map_or_else(Children::default, StoredBirth::fold);
        let mut change = change(mother, birth.map_or(fresh, |birth| birth.id), &by);
        for (newborn, reference) in newborns.iter().zip(&minted) {
            let notice = Notice { id: change.birth, ..newborn.notice };
            match children.notice(notice).map_err(|_| Reason::StateNotAllowed)? {
                Decision::Known => {}
                Decision::Append(notice) => {
                    let event = ChildEvent::Born(notice);
                    children.apply(&event);
                    change.events.push(event);
                    change.newborns.push((Newborn { notice, ..newborn.clone() }, *reference));
                }
            }
        }
        Ok(change)
    };
    telling.tell(gateway, idempotency_key, decide, render).await
}

/// 死産, 流産 or a child's death.
pub async fn notify_loss(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    teller: Teller,
    told: ToldLoss,
    render: impl Fn(NoticeId) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let fresh = NoticeId(gateway.random_bytes());
    let own = call.issuer().ok().filter(|issuer| issuer.kind() == OrganizationKind::Municipality);
    let telling = Telling::new(gateway, call, permit, teller)?;
    let by = call.short().to_owned();
    let decide = move |mother: &LoadedMother| {
        let birth = match told.birth {
            Some(id) => {
                Some(mother.births.iter().find(|birth| birth.id == id).ok_or(Reason::SubjectMismatch)?)
            }
            None => present(mother),
        };
        // A municipality speaks of its own residents alone.
        if own.is_some_and(|own| !is_own(own, mother, birth)) {
            return Err(Reason::NotFound);
        }
        let mut change = change(mother, birth.map_or(fresh, |birth| birth.id), &by);
        let children = birth.map_or_else(Children::default, StoredBirth::fold);
        if let Decision::Append(loss) = children.loss(told.loss) {
            change.events.push(ChildEvent::Lost(loss));
        }
        Ok(change)
    };
    telling.tell(gateway, idempotency_key, decide, render).await
}

/// Births of the caller's residents after a place.
pub async fn list_births(
    gateway: &Gateway,
    call: &Call,
    after: u64,
    render: impl Fn(&BirthPage) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let (caller, call) = (call.short().to_owned(), call.clone());
    let recorded = gateway
        .store
        .list_births(gateway.attempt(), caller, after, move |concluding| {
            let Concluding::Fresh(page) = concluding else { return refused(Reason::Internal) };
            let answer = render(&page);
            let mut draft = call.draft(Kind::Disclosure, CATEGORIES, None, Sha256::digest(&answer).into());
            draft.holder = OrgRef::new(call.short()).ok();
            Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

/// One call that tells something.
struct Telling {
    call: Call,
    mother: MotherOf,
    named: Option<Named>,
    draft: Draft,
}

impl Telling {
    /// The token's person is the mother, herself: nobody tells of a birth with another's card.
    fn new(gateway: &Gateway, call: &Call, permit: &Permit, teller: Teller) -> Result<Self, Refusal> {
        if permit.subject().is_some_and(|subject| subject.actor().is_some()) {
            return Err(Refusal::new(Reason::SubjectMismatch));
        }
        let named = permit.subject().and_then(|_| call.named(gateway));
        let mut draft = call.draft(Kind::Write, CATEGORIES, named.as_ref(), [0; 32]);
        draft.purpose = purpose_number(permit.purpose());
        if named.is_none() {
            draft.detail.consent = ShortText::new(teller.contract).unwrap_or_default();
        }
        let mother = named.as_ref().map_or(teller.mother, |named| MotherOf::Person(named.subject.reference));
        Ok(Self { call: call.clone(), mother, named, draft })
    }

    async fn tell(
        self,
        gateway: &Arc<Gateway>,
        idempotency_key: &str,
        decide: impl Fn(&LoadedMother) -> Result<BirthChange, Reason> + Send + Sync + 'static,
        render: impl Fn(NoticeId) -> Vec<u8> + Send + 'static,
    ) -> Result<Kept, Refusal> {
        let Self { call, mother, named, draft } = self;
        let once = call.idempotency(idempotency_key, named.as_ref());
        let keeper = Arc::clone(gateway);
        let decide = move |mother: &LoadedMother| match decide(mother) {
            Ok(change) => {
                let told = Told { birth: change.birth, holder: holder(mother, &change.home) };
                (Ok(told), (!change.events.is_empty()).then_some(change))
            }
            Err(reason) => (Err(reason), None),
        };
        let conclude = move |concluding: Concluding<'_, Option<(SubjectRef, Result<Told, Reason>)>>| {
            let with = |sha256: [u8; 32]| {
                let mut draft = draft.clone();
                draft.detail.response_sha256 = sha256;
                draft
            };
            match concluding {
                Concluding::Fresh(None) => refused(Reason::NotFound),
                Concluding::Fresh(Some((_, Err(reason)))) => refused(reason),
                Concluding::Fresh(Some((subject, Ok(told)))) => {
                    let answer = render(told.birth);
                    let mut draft = with(Sha256::digest(&answer).into());
                    draft.holder = OrgRef::new(&told.holder).ok();
                    if draft.subject.is_none() {
                        draft.subject = keeper.entry_subject(subject, call.peer.urn());
                    }
                    Conclusion { reply: Reply::Answer(answer), draft: Some(draft) }
                }
                Concluding::Replay(answer) => replay(with, answer),
                Concluding::KeyReused => refused(Reason::IdempotencyKeyReused),
            }
        };
        let recorded = gateway
            .store
            .birth_step(gateway.attempt(), once, mother, None, decide, conclude)
            .await
            .map_err(|fault| unavailable(&fault))?;
        let kept = settled(recorded)?;
        spread_soon(gateway).await;
        Ok(kept)
    }
}

/// What was decided, as the entry needs it.
struct Told {
    birth: NoticeId,
    holder: String,
}

/// The mother's handoffs enter it before the caller is answered. What fails now is done by the upkeep.
async fn spread_soon(gateway: &Arc<Gateway>) {
    if let Err(fault) = spread_births(gateway).await {
        tracing::warn!(error = %fault, "births not entered by handoffs yet");
    }
}

/// The birth that something told now belongs to: no two pregnancies end so close together.
fn present(mother: &LoadedMother) -> Option<&StoredBirth> {
    let since = mother.now_us.saturating_sub(ONE_BIRTH_US);
    mother.births.first().filter(|birth| birth.opened_us >= since)
}

fn change(mother: &LoadedMother, birth: NoticeId, teller: &str) -> BirthChange {
    BirthChange {
        birth,
        home: home(&mother.links, mother.now_us),
        teller: teller.to_owned(),
        events: Vec::new(),
        newborns: Vec::new(),
        proposal: None,
        joins: None,
    }
}

/// The municipality that serves her today; empty if none has said so.
fn home(links: &[PersonLink], now_us: i64) -> String {
    let today = tokyo_date(Timestamp::from_microsecond(now_us).unwrap_or(Timestamp::UNIX_EPOCH));
    let serves = |known: &&PersonLink| {
        known.link.issuer.kind() == OrganizationKind::Municipality
            && known.link.last_day.is_none_or(|last| today <= last)
    };
    links.iter().find(serves).map(|known| known.link.issuer.to_string()).unwrap_or_default()
}

/// The receipt shows the entry's holder: where a restricted person lives is nobody else's.
fn holder(mother: &LoadedMother, home: &str) -> String {
    let is_restricted = mother.links.iter().any(|link| link.non_disclosure || link.protective);
    if is_restricted { String::new() } else { home.to_owned() }
}

fn is_own(municipality: IssuerId, mother: &LoadedMother, birth: Option<&StoredBirth>) -> bool {
    let is_told = birth.is_some_and(|birth| birth.home == municipality.to_string());
    is_told || mother.links.iter().any(|known| known.link.issuer == municipality)
}

/// Last day of the statutory filing, without what a holiday adds (戸籍法49条1項).
pub fn filing_due(born_on: Date) -> Date {
    born_on.saturating_add(13.days())
}

const CATEGORIES: Categories = Categories::HANDOFF;
/// 180 days: a next pregnancy cannot have ended yet.
const ONE_BIRTH_US: i64 = 180 * 24 * 3600 * 1_000_000;
