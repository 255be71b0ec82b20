//! What the stay side reports to home, and how long an alarm may stay unread.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{CareKind, Duty, EntryRef, LeafHash, Standing};
use crate::checkup::urgent::UrgentRule;

/// One report. What was really done is recorded whoever held the duty; a word
/// of free text is never part of it, for what a protective case needs is told
/// by phone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    duty: Option<Duty>,
    on: Date,
    news: News,
    cost: Option<Cost>,
    is_urgent: bool,
}

/// What is reported.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// A visit or a consultation.
    Visit(Assessment),
    /// A checkup.
    Checkup(Assessment),
    /// Doses given that day.
    Doses(Vec<GivenDose>),
    /// 産後ケア that was used.
    PostpartumCare {
        /// Days, or single visits.
        days: u8,
        /// Which kind; `None`: not told.
        #[serde(default)]
        kind: Option<CareKind>,
    },
    /// An EPDS.
    Epds {
        /// Sum of the ten answers.
        total: u8,
        /// Answer to item 10.
        item10: u8,
    },
    /// A protective case: home calls back.
    Protective,
    /// She gave birth before the days that were agreed.
    EarlyBirth,
    /// She moves her residence (住民票) on the day of the report.
    Transfer,
}

/// What became of a visit or checkup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Assessment {
    /// Nothing more to do.
    Fine,
    /// Home or the stay side must look again.
    FollowUp,
    /// She or the child was not met.
    NotMet,
}

/// One dose in a report; the record itself is the vaccination service's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenDose {
    /// The vaccine's code, such as `JE1`.
    pub vaccine: String,
    /// Which dose of its series, from 1.
    pub number: u8,
}

/// What a visit cost her, for the refund.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Number of home's ticket that was used; empty: none.
    pub ticket: String,
    /// Paid at the window, yen.
    pub paid_yen: u32,
    /// Number of the paper receipt (領収書); empty: none.
    pub paper_receipt: String,
}

/// Why something is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A result belongs to a duty, and not to every one.
    #[error("names no duty that it can be of")]
    Duty,
    /// Numbers that cannot be.
    #[error("holds a number that cannot be")]
    Number,
    /// News that costs nothing.
    #[error("is of something that costs nothing")]
    Cost,
}

/// An alarm that waits for a person of the home municipality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// The stay side's entry that raised it: its name on both sides.
    pub of: EntryRef,
    /// Index of this side's own entry.
    pub own: u64,
    /// When this side entered it.
    pub raised_at: Timestamp,
    /// How long it may stay unread.
    pub within: SignedDuration,
}

/// A report as one side keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownReport {
    /// The stay side's entry: its name on both sides.
    pub of: EntryRef,
    /// Index of this side's own entry.
    pub own: u64,
    /// When this side entered it.
    pub at: Timestamp,
    /// What it says.
    pub report: Report,
    /// What home found it worth; the stay side is not told.
    pub standing: Option<Standing>,
}

impl Report {
    /// A report. An officer may call anything urgent; a protective case always
    /// is. Errors: see [`ReportError`].
    pub fn new(
        duty: Option<Duty>,
        on: Date,
        news: News,
        cost: Option<Cost>,
        is_urgent: bool,
    ) -> Result<Self, ReportError> {
        if !news.may_be_of(duty) {
            return Err(ReportError::Duty);
        }
        if !news.is_possible() {
            return Err(ReportError::Number);
        }
        if cost.is_some() && !news.is_result() {
            return Err(ReportError::Cost);
        }
        let is_urgent = is_urgent || news == News::Protective;
        Ok(Self { duty, on, news, cost, is_urgent })
    }

    /// The same under home's rule of the urgent EPDS.
    #[must_use]
    pub fn under(mut self, rule: &UrgentRule) -> Self {
        if let News::Epds { total, item10 } = self.news {
            self.is_urgent |= total >= rule.epds_total_at_least || item10 >= rule.epds_item10_at_least;
        }
        self
    }

    /// In the course of which duty; news may be of none.
    pub fn duty(&self) -> Option<Duty> {
        self.duty
    }

    /// The day it was done or became known.
    pub fn on(&self) -> Date {
        self.on
    }

    /// What it says.
    pub fn news(&self) -> &News {
        &self.news
    }

    /// What it cost her.
    pub fn cost(&self) -> Option<&Cost> {
        self.cost.as_ref()
    }

    /// Whether home must hear of it on the same day.
    pub fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    /// Whether its day may lie ahead: a move is known before it happens.
    pub(super) fn is_of_days_to_come(&self) -> bool {
        self.news == News::Transfer
    }

    /// How long it may stay unread; `None`: nobody has to acknowledge it.
    pub fn within(&self) -> Option<SignedDuration> {
        match self.news {
            _ if self.is_urgent => Some(URGENT_WITHIN),
            News::EarlyBirth | News::Transfer => Some(CHANGE_WITHIN),
            _ => None,
        }
    }
}

impl News {
    fn is_result(&self) -> bool {
        !matches!(self, Self::Protective | Self::EarlyBirth | Self::Transfer)
    }

    fn may_be_of(&self, duty: Option<Duty>) -> bool {
        match self {
            Self::Visit(_) => matches!(duty, Some(Duty::NewbornVisit | Duty::Consultation)),
            Self::Checkup(_) => {
                matches!(duty, Some(Duty::PregnancyCheckup | Duty::PostpartumCheckup | Duty::InfantCheckup))
            }
            Self::Doses(_) => duty == Some(Duty::Vaccination),
            Self::PostpartumCare { .. } => duty == Some(Duty::PostpartumCare),
            Self::Epds { .. } => duty.is_some_and(|duty| duty != Duty::Vaccination),
            Self::Protective | Self::EarlyBirth | Self::Transfer => true,
        }
    }

    fn is_possible(&self) -> bool {
        match self {
            Self::Doses(doses) => {
                let is_dose = |dose: &GivenDose| !dose.vaccine.is_empty() && dose.number > 0;
                (1..=MOST_DOSES).contains(&doses.len()) && doses.iter().all(is_dose)
            }
            Self::PostpartumCare { days, .. } => (1..=31).contains(days),
            Self::Epds { total, item10 } => *total <= 30 && *item10 <= 3 && item10 <= total,
            _ => true,
        }
    }
}

/// What of a side's reports and wishes nobody has read, in its own order.
pub(super) fn open_alarms(
    reports: &[KnownReport],
    wish: Option<Alarm>,
    acknowledged: &BTreeSet<LeafHash>,
) -> Vec<Alarm> {
    let alarm = |known: &KnownReport| {
        let within = known.report.within()?;
        Some(Alarm { of: known.of, own: known.own, raised_at: known.at, within })
    };
    let mut alarms: Vec<Alarm> = reports.iter().filter_map(alarm).chain(wish).collect();
    alarms.retain(|alarm| !acknowledged.contains(&alarm.of.leaf));
    alarms.sort_by_key(|alarm| alarm.own);
    alarms
}

impl Alarm {
    /// How often it has been escalated by now: once for each span unread.
    pub fn escalations(&self, now: Timestamp) -> u32 {
        let passed = now.duration_since(self.raised_at).as_secs().max(0);
        let times = passed.checked_div(self.within.as_secs()).unwrap_or_default();
        u32::try_from(times).unwrap_or(u32::MAX)
    }

    /// When it is escalated first.
    pub fn due(&self) -> Timestamp {
        self.raised_at.checked_add(self.within).unwrap_or(Timestamp::MAX)
    }
}

crate::withheld!(Report, News, Cost, KnownReport);

/// EPDS and protective cases: the same day (domain.md §5.3 step 5), so that a
/// first escalation still falls into it; as for a checkup's case.
const URGENT_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// A change of plan, a wish to stay longer among them; our own choice.
pub(super) const CHANGE_WITHIN: SignedDuration = SignedDuration::from_hours(24);
const MOST_DOSES: usize = 20;
