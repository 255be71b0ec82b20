//! What home enters in its log about a handoff, and what of it is told.

use serde::{Deserialize, Serialize};

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Answer, Asked, End, Home, Standing};
use crate::handoff::{
    Answers, BirthOrder, CareApproval, Category, Consent, DeclineReason, Duty, EntryRef, HomeSays,
    KnownReport, Loss, Notice, Offer, Officer, Report, Statement, TwoOfficers,
};
use crate::resident::ResidentKey;

/// One entry of home's log about a handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeEntry {
    /// Which entry.
    pub name: EntryRef,
    /// When it was appended.
    pub at: Timestamp,
    /// What it enters.
    pub act: HomeAct,
}

/// What happened, as home enters it. `cause` is the stay side's entry that it
/// answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HomeAct {
    /// The handoff is offered.
    Offered(Box<Offer>),
    /// The stay side accepted.
    Accepted {
        /// Its accept.
        cause: EntryRef,
        /// Duty by duty.
        answers: Answers,
    },
    /// The stay side declined.
    Declined {
        /// Its decline.
        cause: EntryRef,
        /// Why.
        reason: DeclineReason,
    },
    /// Duties pass here, or stay passed until a later day.
    Confirmed {
        /// The accept, or the wish to stay longer.
        cause: EntryRef,
        /// Last day.
        last: Date,
    },
    /// The stay side tells that the mother wants to stay longer.
    Asked {
        /// Its entry.
        cause: EntryRef,
        /// Last day.
        last: Date,
    },
    /// The stay ends earlier.
    Shortened {
        /// Last day.
        last: Date,
    },
    /// The stay side gave duties back.
    GivenBack {
        /// Its entry.
        cause: EntryRef,
        /// Which.
        duties: BTreeSet<Duty>,
    },
    /// The mother consented to more.
    ConsentGiven(Consent),
    /// The mother took consent back.
    ConsentWithdrawn {
        /// The stay side's entry, if she did it there.
        cause: Option<EntryRef>,
        /// To what.
        categories: BTreeSet<Category>,
        /// Nothing is left to rest on.
        ends: bool,
        /// Nothing is left for what was approved of care.
        #[serde(default)]
        ends_care: bool,
    },
    /// Care is approved for the stay.
    CareApproved(CareApproval),
    /// A restriction (支援措置, 不開示).
    Restricted(Restriction),
    /// A child was born.
    Born {
        /// The notice.
        notice: Notice,
        /// Whether duties towards a child are owed from here on, if that changes.
        owed: Option<bool>,
    },
    /// A loss.
    Lost {
        /// Which.
        loss: Loss,
        /// As for a birth.
        owed: Option<bool>,
    },
    /// A loss that was entered in error.
    LossCorrected {
        /// Which.
        loss: Loss,
        /// Who found it.
        officers: TwoOfficers,
        /// As for a birth.
        owed: Option<bool>,
    },
    /// A provisional child is this resident.
    Merged {
        /// Which child.
        child: BirthOrder,
        /// Which resident.
        resident: ResidentKey,
        /// Who made sure.
        officers: TwoOfficers,
    },
    /// The mother's residence moved to another municipality, the stay side or
    /// a third.
    Moved {
        /// The day.
        on: Date,
    },
    /// The stay side reported something.
    Reported {
        /// Its entry.
        cause: EntryRef,
        /// What.
        report: Box<Report>,
        /// What it is worth.
        standing: Standing,
    },
    /// A person at home has read a report, or a wish to stay longer.
    Acknowledged {
        /// The stay side's entry.
        cause: EntryRef,
        /// Who.
        officer: Officer,
    },
    /// The stay side gave everything back.
    Returned {
        /// Its return.
        cause: EntryRef,
    },
    /// Home takes the offer or the handoff back.
    Withdrawn,
    /// Over.
    Closed,
}

/// What a restriction hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Restriction {
    /// Her place, from everybody.
    Place,
    /// Everything, from the other side: the handoff ends, and nothing says so.
    OtherSide,
}

impl Home {
    /// Follows an appended entry. The log is the truth: nothing is judged here.
    pub fn apply(&mut self, entry: &HomeEntry) {
        self.heard.extend(entry.act.cause().map(|cause| cause.leaf));
        match &entry.act {
            HomeAct::Offered(_) => {}
            HomeAct::Accepted { cause, answers } => {
                self.answer = Some(Answer::Accepted { accept: *cause, answers: answers.clone() });
            }
            HomeAct::Declined { .. } => self.answer = Some(Answer::Declined),
            HomeAct::Confirmed { last, .. } => {
                self.confirms.push(entry.name);
                self.last = *last;
                self.asked = None;
            }
            HomeAct::Asked { cause, last } => {
                self.asked = Some(Asked { cause: *cause, own: entry.name.index, at: entry.at, last: *last });
            }
            HomeAct::Reported { cause, report, standing } => self.reports.push(KnownReport {
                of: *cause,
                own: entry.name.index,
                at: entry.at,
                report: (**report).clone(),
                standing: Some(*standing),
            }),
            HomeAct::Acknowledged { cause, .. } => {
                self.acknowledged.insert(cause.leaf);
            }
            HomeAct::Shortened { last } => {
                self.last = *last;
                self.asked = None;
            }
            HomeAct::GivenBack { duties, .. } => self.given_back.extend(duties),
            HomeAct::ConsentGiven(consent) => self.bases.give(consent),
            HomeAct::CareApproved(approval) => self.care.approved(entry.name, *approval),
            HomeAct::ConsentWithdrawn { categories, ends, ends_care, .. } => {
                self.bases.withdraw(categories);
                if *ends_care {
                    self.care.ended(entry.name.index);
                }
                self.end = if *ends { Some(End::Withdrawn) } else { self.end };
            }
            HomeAct::Restricted(Restriction::Place) => self.hides_place = true,
            HomeAct::Restricted(Restriction::OtherSide) => {
                self.is_hidden = true;
                self.end = self.end.or(Some(End::Withdrawn));
            }
            HomeAct::Born { notice, .. } => self.children.born(*notice),
            HomeAct::Lost { loss, .. } => self.children.lost(*loss),
            HomeAct::LossCorrected { loss, .. } => self.children.corrected(*loss),
            HomeAct::Merged { child, resident, officers } => self.children.merged(*child, resident, officers),
            HomeAct::Moved { .. } => self.end = Some(End::Moved),
            HomeAct::Returned { cause } => self.returned = Some(*cause),
            HomeAct::Withdrawn => self.end = Some(End::Withdrawn),
            HomeAct::Closed => self.end = Some(End::Closed),
        }
    }

    /// What the stay side is told of an entry; `None` if it is not its affair,
    /// and of every entry once it must not know of the handoff.
    pub fn tells(&self, entry: &HomeEntry) -> Option<Statement<HomeSays>> {
        let says = if self.is_hidden { None } else { entry.act.says() }?;
        let cause = match &entry.act {
            HomeAct::Offered(offer) => offer.request(),
            act => act.cause(),
        };
        Some(Statement { entry: entry.name, handoff: self.id(), at: entry.at, cause, says })
    }
}

impl HomeAct {
    /// The stay side's entry that it answers.
    fn cause(&self) -> Option<EntryRef> {
        match self {
            Self::Accepted { cause, .. }
            | Self::Declined { cause, .. }
            | Self::Confirmed { cause, .. }
            | Self::Asked { cause, .. }
            | Self::GivenBack { cause, .. }
            | Self::Reported { cause, .. }
            | Self::Acknowledged { cause, .. }
            | Self::Returned { cause } => Some(*cause),
            Self::ConsentWithdrawn { cause, .. } => *cause,
            _ => None,
        }
    }

    fn says(&self) -> Option<HomeSays> {
        match self {
            Self::Offered(offer) => Some(HomeSays::Offer(offer.clone())),
            Self::Confirmed { last, .. } => Some(HomeSays::Confirm { last: *last }),
            Self::Shortened { last } => Some(HomeSays::Shorten { last: *last }),
            // The change alone: of the birth or loss itself the guest reads what consent allows.
            Self::Born { owed, .. } | Self::Lost { owed, .. } | Self::LossCorrected { owed, .. } => {
                owed.map(|owed| HomeSays::ChildDuties { owed })
            }
            Self::ConsentGiven(consent) => Some(HomeSays::ConsentGiven(consent.categories().clone())),
            Self::CareApproved(approval) => Some(HomeSays::CareApproved(*approval)),
            Self::ConsentWithdrawn { ends: false, ends_care: true, .. } => Some(HomeSays::CareEnded),
            Self::Acknowledged { .. } => Some(HomeSays::Acknowledged),
            Self::Returned { .. } => Some(HomeSays::Received),
            Self::Withdrawn
            | Self::Closed
            | Self::Moved { .. }
            | Self::ConsentWithdrawn { ends: true, .. } => Some(HomeSays::Ended),
            _ => None,
        }
    }
}
