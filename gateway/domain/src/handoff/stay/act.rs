//! What the stay side enters in its log about a handoff, and what it tells.

use serde::{Deserialize, Serialize};

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Answer, Stay};
use crate::handoff::{
    Alarm, Answers, CareApproval, Category, DeclineReason, Duty, EntryRef, KnownReport, Loss, Newborn,
    NoticeId, Offer, Report, Statement, StaySays, report::CHANGE_WITHIN,
};

/// One entry of the stay side's log about a handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StayEntry {
    /// Which entry.
    pub name: EntryRef,
    /// When it was appended.
    pub at: Timestamp,
    /// What it enters.
    pub act: StayAct,
}

/// What happened, as the stay side enters it. `cause` is home's entry that it
/// rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StayAct {
    /// An offer arrived.
    OfferReceived {
        /// The offer.
        offer: Box<Offer>,
        /// Home's entry.
        offered: EntryRef,
        /// When home entered it.
        offered_at: Timestamp,
    },
    /// Accepted, duty by duty.
    Accepted(Answers),
    /// Declined.
    Declined(DeclineReason),
    /// Home confirmed.
    Confirmed {
        /// Its confirm, whose index is the fencing number.
        cause: EntryRef,
        /// Last day.
        last: Date,
    },
    /// Home ends the stay earlier.
    Shortened {
        /// Its entry.
        cause: EntryRef,
        /// Last day.
        last: Date,
    },
    /// Duties towards a child are owed no more, or again.
    ChildDuties {
        /// Home's entry.
        cause: EntryRef,
        /// Whether they are.
        owed: bool,
    },
    /// The mother wants to stay longer.
    Asked {
        /// The confirm held.
        cause: EntryRef,
        /// Last day.
        last: Date,
    },
    /// Duties are given back.
    GaveBack {
        /// The confirm held.
        cause: EntryRef,
        /// Which.
        duties: BTreeSet<Duty>,
    },
    /// Something is reported.
    Reported {
        /// The confirm held.
        cause: EntryRef,
        /// What.
        report: Box<Report>,
    },
    /// A person at home has read a report, or a wish to stay longer.
    Acknowledged {
        /// Home's entry.
        cause: EntryRef,
        /// This side's entry of what was read.
        report: EntryRef,
    },
    /// The mother shares more, by home's word.
    ConsentGiven {
        /// Home's entry.
        cause: EntryRef,
        /// What.
        categories: BTreeSet<Category>,
    },
    /// Home approved care.
    CareApproved {
        /// Its entry.
        cause: EntryRef,
        /// What.
        approval: CareApproval,
    },
    /// What home approved of care before may be shown no more.
    CareEnded {
        /// Its entry.
        cause: EntryRef,
    },
    /// The mother took consent back at this window.
    ConsentWithdrawn(BTreeSet<Category>),
    /// Everything is given back.
    Returned {
        /// The confirm held.
        cause: EntryRef,
    },
    /// Home has the return.
    ReturnReceived {
        /// Its entry.
        cause: EntryRef,
    },
    /// Home says that it is over.
    Ended {
        /// Its entry.
        cause: EntryRef,
    },
    /// A restriction against home: nothing is told any more.
    Restricted,
    /// A facility told of a newborn.
    Born(Box<Newborn>),
    /// A facility told of a loss.
    Lost {
        /// Of which birth.
        birth: NoticeId,
        /// Which.
        loss: Loss,
    },
}

impl Stay {
    /// Follows an appended entry.
    pub fn apply(&mut self, entry: &StayEntry) {
        match &entry.act {
            StayAct::OfferReceived { .. } => {}
            StayAct::Accepted(answers) => {
                self.answer = Some(Answer::Accepted { entry: entry.name, answers: answers.clone() });
            }
            StayAct::Declined(_) => self.answer = Some(Answer::Declined),
            StayAct::Confirmed { cause, last } => {
                self.confirm = self.confirm.into_iter().chain([*cause]).max_by_key(|confirm| confirm.index);
                self.learns_last(*cause, *last);
                // A later wish than the one that home granted still waits.
                self.wish = self.wish.filter(|_| self.asked_until() > Some(*last));
            }
            StayAct::Shortened { cause, last } => {
                self.learns_last(*cause, *last);
                self.wish = None;
            }
            StayAct::ChildDuties { cause, owed } => {
                self.heard.insert(cause.leaf);
                self.child_duties = self.child_duties.max((cause.index, *owed));
            }
            StayAct::Asked { last, .. } => {
                self.asks.push((entry.name, *last));
                let (of, own) = (entry.name, entry.name.index);
                self.wish = Some(Alarm { of, own, raised_at: entry.at, within: CHANGE_WITHIN });
            }
            StayAct::Reported { report, .. } => self.reports.push(KnownReport {
                of: entry.name,
                own: entry.name.index,
                at: entry.at,
                report: (**report).clone(),
                standing: None,
            }),
            StayAct::Acknowledged { cause, report } => {
                self.heard.insert(cause.leaf);
                self.acknowledged.insert(report.leaf);
            }
            StayAct::ConsentGiven { cause, categories } => {
                self.heard.insert(cause.leaf);
                // What she took back here stays closed: which of the two she said last, nothing here proves.
                self.shared.extend(categories);
            }
            StayAct::CareApproved { cause, approval } => {
                self.heard.insert(cause.leaf);
                self.care.approved(*cause, *approval);
            }
            StayAct::CareEnded { cause } => {
                self.heard.insert(cause.leaf);
                self.care.ended(cause.index);
            }
            StayAct::GaveBack { duties, .. } => self.given_back.extend(duties),
            StayAct::ConsentWithdrawn(categories) => self.withdrawn.extend(categories),
            StayAct::Returned { .. } => self.returned = Some(entry.name),
            StayAct::ReturnReceived { cause } => {
                self.heard.insert(cause.leaf);
                self.is_return_received = true;
            }
            StayAct::Ended { cause } => {
                self.heard.insert(cause.leaf);
                self.is_ended = true;
            }
            StayAct::Restricted => self.is_restricted = true,
            StayAct::Born(newborn) => self.children.born(newborn.notice),
            StayAct::Lost { loss, .. } => self.children.lost(*loss),
        }
    }

    /// What home is told of an entry; `None` if it is not its affair, and of
    /// every entry under a restriction against home.
    pub fn tells(&self, entry: &StayEntry) -> Option<Statement<StaySays>> {
        if self.is_restricted {
            return None;
        }
        let (cause, says) = match &entry.act {
            StayAct::Accepted(answers) => (self.offered, StaySays::Accept(answers.clone())),
            StayAct::Declined(reason) => (self.offered, StaySays::Decline(*reason)),
            StayAct::Asked { cause, last } => (*cause, StaySays::Extend { last: *last }),
            StayAct::GaveBack { cause, duties } => (*cause, StaySays::GiveBack(duties.clone())),
            StayAct::ConsentWithdrawn(categories) => {
                (self.offered, StaySays::ConsentWithdrawn(categories.clone()))
            }
            StayAct::Reported { cause, report } => (*cause, StaySays::Report(report.clone())),
            StayAct::Returned { cause } => (*cause, StaySays::Return),
            StayAct::Born(newborn) => (self.offered, StaySays::Born(newborn.clone())),
            StayAct::Lost { birth, loss } => (self.offered, StaySays::Lost { birth: *birth, loss: *loss }),
            _ => return None,
        };
        Some(Statement { entry: entry.name, handoff: self.id(), at: entry.at, cause: Some(cause), says })
    }

    /// Home's later entry counts, in whichever order they arrive.
    fn learns_last(&mut self, said: EntryRef, last: Date) {
        self.heard.insert(said.leaf);
        self.last = self.last.max((said.index, last));
    }
}
