//! The stay side: the fold of its own log's entries. It acts only while it
//! holds home's confirm, and within the days that home last told.

mod act;
mod care;
mod decide;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

pub use act::{StayAct, StayEntry};
pub use decide::Binding;

use super::{
    Alarm, Answers, Category, Children, Duty, EntryRef, Fence, GRACE_DAYS, HandoffId, KnownReport, LeafHash,
    Offer, Refusal, care::Approvals, report::open_alarms,
};
use crate::time::tokyo_date;

/// A handoff as the stay side's log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    offer: Offer,
    offered: EntryRef,
    offered_at: Timestamp,
    answer: Option<Answer>,
    /// The latest confirm by home's order, whichever arrived first.
    confirm: Option<EntryRef>,
    /// The last day, and the index of home's entry that said so.
    last: (u64, Date),
    asks: Vec<(EntryRef, Date)>,
    /// The wish to stay longer that home has not answered.
    wish: Option<Alarm>,
    reports: Vec<KnownReport>,
    care: Approvals,
    /// What a person at home has read, by this side's entry.
    acknowledged: BTreeSet<LeafHash>,
    /// What the mother shared since the offer.
    shared: BTreeSet<Category>,
    given_back: BTreeSet<Duty>,
    /// The children as facilities here told of them.
    children: Children,
    /// Whether duties towards a child are owed, and home's entry that said so.
    child_duties: (u64, bool),
    withdrawn: BTreeSet<Category>,
    returned: Option<EntryRef>,
    is_return_received: bool,
    is_ended: bool,
    is_restricted: bool,
    heard: BTreeSet<LeafHash>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Accepted { entry: EntryRef, answers: Answers },
    Declined,
}

/// Where a handoff stands on the stay side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StayState {
    /// To be answered.
    Offered,
    /// Accepted here; home has not confirmed.
    Accepted,
    /// Confirmed: it may act and read.
    Active,
    /// Given back here; sent until home has it.
    Returned,
    /// Declined here.
    Declined,
    /// Over, by home's word, the calendar or a restriction; which, home keeps
    /// to itself.
    Over,
}

impl Stay {
    /// From the entry of an offer that arrived; `None` if it is another.
    pub fn begin(entry: &StayEntry) -> Option<Self> {
        let StayAct::OfferReceived { offer, offered, offered_at } = &entry.act else { return None };
        Some(Self {
            last: (offered.index, offer.terms().period.last()),
            offer: (**offer).clone(),
            offered: *offered,
            offered_at: *offered_at,
            answer: None,
            confirm: None,
            asks: Vec::new(),
            wish: None,
            reports: Vec::new(),
            care: Approvals::default(),
            acknowledged: BTreeSet::new(),
            shared: BTreeSet::new(),
            child_duties: (offered.index, true),
            given_back: BTreeSet::new(),
            children: Children::default(),
            withdrawn: BTreeSet::new(),
            returned: None,
            is_return_received: false,
            is_ended: false,
            is_restricted: false,
            heard: BTreeSet::from([offered.leaf]),
        })
    }

    /// From all entries of the handoff in the log's order.
    pub fn rebuild(entries: &[StayEntry]) -> Option<Self> {
        let (first, rest) = entries.split_first()?;
        let mut stay = Self::begin(first)?;
        for entry in rest {
            stay.apply(entry);
        }
        Some(stay)
    }

    /// The state now.
    pub fn state(&self, now: Timestamp) -> StayState {
        if self.is_ended || self.is_restricted || self.is_return_received {
            return StayState::Over;
        }
        if self.returned.is_some() {
            return StayState::Returned;
        }
        let (state, until) = match &self.answer {
            Some(Answer::Declined) => return StayState::Declined,
            None => (StayState::Offered, self.offer.terms().answer_by),
            Some(Answer::Accepted { .. }) if self.confirm.is_none() => (StayState::Accepted, self.last.1),
            Some(Answer::Accepted { .. }) => {
                (StayState::Active, self.last.1.saturating_add(GRACE_DAYS.days()))
            }
        };
        if tokyo_date(now) <= until { state } else { StayState::Over }
    }

    /// Whether it may act in a duty today, and the fencing number that its
    /// report carries. Errors: it does not hold the duty, as far as it knows.
    pub fn may_act(&self, duty: Duty, now: Timestamp) -> Result<Fence, Refusal> {
        let today = tokyo_date(now);
        let is_in_stay = self.offer.terms().period.first() <= today && today <= self.last.1;
        let is_owed = !duty.is_owed_to_child() || (self.child_duties.1 && self.children.is_owed());
        let is_mine = is_owed && self.accepts(duty) && !self.given_back.contains(&duty);
        let is_held = self.state(now) == StayState::Active && is_in_stay && is_mine;
        self.fence().filter(|_| is_held).ok_or(Refusal::NotHeld)
    }

    /// Whether a category may be asked for here: not once the mother withdrew
    /// it at this window, even while home has not heard of it yet.
    pub fn may_ask(&self, category: Category) -> bool {
        let stated = self.offer.terms().bases.statutory();
        !self.withdrawn.contains(&category) || stated.iter().any(|law| law.categories.contains(&category))
    }

    /// Whether a category is shared, by the offer or since, as far as this side
    /// was told.
    pub fn is_shared(&self, category: Category) -> bool {
        let bases = &self.offer.terms().bases;
        let is_stated = bases.statutory().iter().any(|law| law.categories.contains(&category));
        is_stated || bases.consent(category).is_some() || self.shared.contains(&category)
    }

    /// Every report that was entered, in this side's order.
    pub fn reports(&self) -> &[KnownReport] {
        &self.reports
    }

    /// Whether a person at home has read a report, as far as this side was told.
    pub fn is_acknowledged(&self, report: EntryRef) -> bool {
        self.acknowledged.contains(&report.leaf)
    }

    /// What waits for a person at home, in this side's order.
    pub fn alarms(&self) -> Vec<Alarm> {
        let is_on = !self.is_ended && self.returned.is_none();
        open_alarms(&self.reports, self.wish.filter(|_| is_on), &self.acknowledged)
    }

    /// The last day that was asked for and that home has not answered.
    pub fn asked_until(&self) -> Option<Date> {
        self.wish
            .and_then(|wish| self.asks.iter().find(|(entry, _)| *entry == wish.of))
            .map(|(_, last)| *last)
    }

    /// The fencing number held.
    pub fn fence(&self) -> Option<Fence> {
        self.confirm.map(|confirm| Fence(confirm.index))
    }

    /// Name.
    pub fn id(&self) -> HandoffId {
        self.offer.terms().handoff
    }

    /// Last day of the stay, as home last told it.
    pub fn last_day(&self) -> Date {
        self.last.1
    }

    /// Home's entry of the offer.
    pub fn offer_entry(&self) -> EntryRef {
        self.offered
    }

    /// When home entered the offer.
    pub fn offered_at(&self) -> Timestamp {
        self.offered_at
    }

    /// The offer.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    fn accepts(&self, duty: Duty) -> bool {
        matches!(&self.answer, Some(Answer::Accepted { answers, .. }) if answers.accepts(duty))
    }
}
