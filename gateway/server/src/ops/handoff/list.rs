//! A municipality's handoffs as each side knows them.

use pmh_audit::{Kind, OrgRef, registry::Categories};
use pmh_domain::handoff::{Alarm, Duty, Holder, Home, Offer, Side, State, Stay, StayState};
use pmh_store::{Recorded, handoff::StoredHandoff};

use super::{fold, request::Requested};
use crate::{
    ops::{Call, Gateway, Response, unavailable},
    rpc::status::Refusal,
};

/// One handoff as one side knows it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What was offered.
    pub offer: Offer,
    /// Where it stands.
    pub standing: Standing,
    /// Last day as this side knows it.
    pub last: jiff::civil::Date,
    /// Home's key of the mother; empty on the stay side.
    pub resident_key: String,
    /// Duties that the stay side may act in now, as this side knows it.
    pub held_by_stay: Vec<Duty>,
    /// The fencing number in force.
    pub fence: Option<u64>,
    /// Messages not acknowledged.
    pub unsent: u32,
    /// When it was offered, by home's log.
    pub offered_at: jiff::Timestamp,
    /// The later last day that waits for home.
    pub asked_last: Option<jiff::civil::Date>,
    /// What no person at home has read, as this side knows it.
    pub unacknowledged: u32,
    /// Of these, what was not read within its time.
    pub overdue: u32,
}

/// Where a handoff stands for a side.
#[derive(Debug, Clone, Copy)]
pub enum Standing {
    /// As home's log tells it.
    Home(State),
    /// As the stay side's log tells it.
    Stay(StayState),
}

/// The caller's handoffs, the newest first, and whether there are more.
pub async fn list<R: Response>(
    gateway: &Gateway,
    call: &Call,
    render: impl Fn(&[Listed], &[Requested], bool) -> R + Send + 'static,
) -> Result<Recorded<R>, Refusal> {
    let found = gateway.store.reader().handoffs_of(call.short(), MOST + 1).await;
    let mut stored = found.map_err(|fault| unavailable(&fault))?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let has_more = stored.len() > most;
    stored.truncate(most);
    let listed: Vec<Listed> = stored.iter().filter_map(|stored| listed(stored, gateway.now())).collect();
    let requests: Vec<Requested> = stored.iter().filter_map(requested).collect();
    let (call, holder) = (call.clone(), OrgRef::new(call.short()).ok());
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&listed, &requests, has_more);
            let mut draft = call.draft(Kind::Disclosure, Categories::HANDOFF, None, response.digest());
            draft.holder.clone_from(&holder);
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// A request that no offer answered.
fn requested(stored: &StoredHandoff) -> Option<Requested> {
    let is_offered = listed(stored, jiff::Timestamp::UNIX_EPOCH).is_some();
    let asking = fold::asking(stored).filter(|_| !is_offered)?;
    Some(Requested { side: stored.side, asking, unsent: stored.unsent })
}

fn listed(stored: &StoredHandoff, now: jiff::Timestamp) -> Option<Listed> {
    match stored.side {
        Side::Home => fold::home(stored).map(|home| of_home(stored, &home, now)),
        Side::Stay => fold::stay(stored).map(|stay| of_stay(stored, &stay, now)),
    }
}

/// How much waits, and how much of it for too long.
fn waiting(alarms: &[Alarm], now: jiff::Timestamp) -> (u32, u32) {
    let count = |alarms: usize| u32::try_from(alarms).unwrap_or(u32::MAX);
    let late = alarms.iter().filter(|alarm| alarm.due() <= now).count();
    (count(alarms.len()), count(late))
}

fn of_home(stored: &StoredHandoff, home: &Home, now: jiff::Timestamp) -> Listed {
    let (unacknowledged, overdue) = waiting(&home.alarms(), now);
    let is_held = |duty: &Duty| home.holder(*duty, now) == Some(Holder::Stay);
    Listed {
        offer: home.offer().clone(),
        standing: Standing::Home(home.state(now)),
        last: home.stay().last(),
        resident_key: stored.resident_key.clone(),
        held_by_stay: Duty::ALL.into_iter().filter(is_held).collect(),
        fence: home.fence().map(|fence| fence.0),
        unsent: stored.unsent,
        offered_at: home.offered_at(),
        asked_last: home.asked_until(),
        unacknowledged,
        overdue,
    }
}

fn of_stay(stored: &StoredHandoff, stay: &Stay, now: jiff::Timestamp) -> Listed {
    let (unacknowledged, overdue) = waiting(&stay.alarms(), now);
    Listed {
        offer: stay.offer().clone(),
        standing: Standing::Stay(stay.state(now)),
        last: stay.last_day(),
        resident_key: String::new(),
        held_by_stay: Duty::ALL.into_iter().filter(|duty| stay.may_act(*duty, now).is_ok()).collect(),
        fence: stay.fence().map(|fence| fence.0),
        unsent: stored.unsent,
        offered_at: stay.offered_at(),
        asked_last: stay.asked_until(),
        unacknowledged,
        overdue,
    }
}

const MOST: u32 = 500;
