//! Home's side: the fold of its log's entries, and what follows from it.

mod act;
mod care;
mod decide;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

pub use act::{HomeAct, HomeEntry, Restriction};

use super::{
    Alarm, Answers, Bases, Children, Duty, EntryRef, Fence, GRACE_DAYS, HandoffId, Holder, KnownReport,
    LeafHash, Offer, Refusal, Report, VerifiedAccept,
    care::Approvals,
    report::{CHANGE_WITHIN, open_alarms},
};
use crate::time::{DateRange, tokyo_date};

/// A handoff as home's log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    offer: Offer,
    offered: EntryRef,
    offered_at: Timestamp,
    bases: Bases,
    children: Children,
    answer: Option<Answer>,
    confirms: Vec<EntryRef>,
    asked: Option<Asked>,
    reports: Vec<KnownReport>,
    care: Approvals,
    /// What a person here has read, by the stay side's entry.
    acknowledged: BTreeSet<LeafHash>,
    last: Date,
    given_back: BTreeSet<Duty>,
    returned: Option<EntryRef>,
    end: Option<End>,
    /// The other side must see what it would see of nothing.
    is_hidden: bool,
    hides_place: bool,
    /// Entries of the stay side that were acted on: each acts once.
    heard: BTreeSet<LeafHash>,
}

/// A wish to stay longer that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    cause: EntryRef,
    own: u64,
    at: Timestamp,
    last: Date,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Accepted { accept: EntryRef, answers: Answers },
    Declined,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Withdrawn,
    Closed,
    Moved,
}

/// Where a handoff stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Offered, and still to be answered.
    Offered,
    /// Accepted; duties are home's until it confirms.
    Accepted,
    /// Confirmed: the stay side holds what it accepted, and reads.
    Active,
    /// Given back by the stay side.
    Returned,
    /// Over, orderly or by the mother's new residence.
    Closed,
    /// Declined by the stay side.
    Declined,
    /// Ended by home, by the mother, or by a restriction.
    Withdrawn,
    /// Ended by the calendar: unanswered, never begun, or never given back.
    Expired,
}

/// A report of something that the stay side did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// In the course of which duty.
    pub duty: Duty,
    /// The fencing number that the writer holds.
    pub fence: Fence,
    /// The day it was done.
    pub done_on: Date,
}

/// What a report is worth. What was really done is recorded either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// Done by the duty's holder.
    UnderDuty,
    /// Done while the duty was somebody else's, or with an old fencing number:
    /// an officer at home looks at it.
    Late,
}

/// Who holds a duty, from the home log alone (P8). `None`: not owed, or there
/// is no handoff in the log and home's ordinary rules apply.
pub fn holder(entries: &[HomeEntry], duty: Duty, now: Timestamp) -> Option<Holder> {
    Home::rebuild(entries)?.holder(duty, now)
}

impl Home {
    /// From an offer's entry; `None` if it is none.
    pub fn begin(entry: &HomeEntry) -> Option<Self> {
        let HomeAct::Offered(offer) = &entry.act else { return None };
        Some(Self {
            offered: entry.name,
            offered_at: entry.at,
            bases: offer.terms().bases.clone(),
            last: offer.terms().period.last(),
            offer: (**offer).clone(),
            children: Children::default(),
            answer: None,
            confirms: Vec::new(),
            asked: None,
            reports: Vec::new(),
            care: Approvals::default(),
            acknowledged: BTreeSet::new(),
            given_back: BTreeSet::new(),
            returned: None,
            end: None,
            is_hidden: false,
            hides_place: false,
            heard: BTreeSet::new(),
        })
    }

    /// From all entries of the handoff in the log's order: what a restart does.
    pub fn rebuild(entries: &[HomeEntry]) -> Option<Self> {
        let (first, rest) = entries.split_first()?;
        let mut home = Self::begin(first)?;
        for entry in rest {
            home.apply(entry);
        }
        Some(home)
    }

    /// The state now.
    pub fn state(&self, now: Timestamp) -> State {
        match self.end {
            Some(End::Withdrawn) => return State::Withdrawn,
            Some(End::Closed | End::Moved) => return State::Closed,
            None if self.returned.is_some() => return State::Returned,
            None => {}
        }
        let (state, until) = match &self.answer {
            Some(Answer::Declined) => return State::Declined,
            None => (State::Offered, self.offer.terms().answer_by),
            Some(Answer::Accepted { .. }) if self.confirms.is_empty() => (State::Accepted, self.last),
            Some(Answer::Accepted { .. }) => (State::Active, self.last.saturating_add(GRACE_DAYS.days())),
        };
        if tokyo_date(now) <= until { state } else { State::Expired }
    }

    /// Who holds a duty now; `None` while it is not owed.
    ///
    /// Between the stay side's return and home's entry of it the holder is
    /// still the stay side: it has stopped acting, but answers for the duty
    /// until home's log says that it came back.
    pub fn holder(&self, duty: Duty, now: Timestamp) -> Option<Holder> {
        if self.end == Some(End::Moved) {
            return Some(Holder::NewHome);
        }
        if duty.is_owed_to_child() && !self.children.is_owed() {
            return None;
        }
        let is_passed = self.state(now) == State::Active && self.has_passed(duty);
        let is_stay = is_passed && self.stay().contains(tokyo_date(now));
        Some(if is_stay { Holder::Stay } else { Holder::Home })
    }

    /// What a report of the stay side is worth. Errors: unknown, as when there
    /// is no handoff; or a fencing number that home never gave.
    pub fn judge(&self, write: Write, now: Timestamp) -> Result<Standing, Refusal> {
        if self.is_hidden {
            return Err(Refusal::Unknown);
        }
        if !self.confirms.iter().any(|confirm| confirm.index == write.fence.0) {
            return Err(Refusal::CauseMissing);
        }
        let is_current = self.fence() == Some(write.fence) && self.state(now) == State::Active;
        let is_in_stay = self.stay().contains(write.done_on) && write.done_on <= tokyo_date(now);
        let is_owed = !write.duty.is_owed_to_child() || self.children.is_owed();
        let is_held = is_current && is_in_stay && is_owed && self.has_passed(write.duty);
        Ok(if is_held { Standing::UnderDuty } else { Standing::Late })
    }

    /// What a whole report is worth. News of no duty only needs the fencing
    /// number in force. Errors: as [`judge`](Self::judge).
    fn judge_report(&self, report: &Report, fence: Fence, now: Timestamp) -> Result<Standing, Refusal> {
        let Some(duty) = report.duty() else {
            let is_current = self.fence() == Some(fence) && self.state(now) == State::Active;
            return Ok(if is_current { Standing::UnderDuty } else { Standing::Late });
        };
        self.judge(Write { duty, fence, done_on: report.on() }, now)
    }

    /// Every report that was entered, in home's order.
    pub fn reports(&self) -> &[KnownReport] {
        &self.reports
    }

    /// Whether a person here has read a report.
    pub fn is_acknowledged(&self, report: EntryRef) -> bool {
        self.acknowledged.contains(&report.leaf)
    }

    /// What waits for a person here, in home's order.
    pub fn alarms(&self) -> Vec<Alarm> {
        let is_on = self.end.is_none() && self.returned.is_none();
        let wish = self.asked.filter(|_| is_on).map(|asked| Alarm {
            of: asked.cause,
            own: asked.own,
            raised_at: asked.at,
            within: CHANGE_WITHIN,
        });
        open_alarms(&self.reports, wish, &self.acknowledged)
    }

    /// The last day that the stay side asked for and home has not answered.
    pub fn asked_until(&self) -> Option<Date> {
        self.asked.map(|asked| asked.last)
    }

    /// The fencing number in force; `None` before the first confirm.
    pub fn fence(&self) -> Option<Fence> {
        self.confirms.last().map(|confirm| Fence(confirm.index))
    }

    /// Name.
    pub fn id(&self) -> HandoffId {
        self.offer.terms().handoff
    }

    /// The offer.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// The offer's entry.
    pub fn offered(&self) -> EntryRef {
        self.offered
    }

    /// When the offer was entered.
    pub fn offered_at(&self) -> Timestamp {
        self.offered_at
    }

    /// What the sharing rests on now.
    pub fn bases(&self) -> &Bases {
        &self.bases
    }

    /// The children.
    pub fn children(&self) -> &Children {
        &self.children
    }

    /// Days of the stay, as changed.
    pub fn stay(&self) -> DateRange {
        let first = self.offer.terms().period.first();
        DateRange::new(first, self.last).unwrap_or(DateRange::day(first))
    }

    /// Whether this is the accept that home entered.
    pub(super) fn is_accepted_by(&self, proof: &VerifiedAccept) -> bool {
        let is_entered =
            matches!(&self.answer, Some(Answer::Accepted { accept, .. }) if *accept == proof.accept());
        is_entered && proof.offer() == self.offered && proof.handoff() == self.id()
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    pub(super) fn hides_place(&self) -> bool {
        self.hides_place
    }

    fn has_passed(&self, duty: Duty) -> bool {
        let accepted =
            matches!(&self.answer, Some(Answer::Accepted { answers, .. }) if answers.accepts(duty));
        accepted && !self.given_back.contains(&duty)
    }
}
