//! Home's approval of 産後ケア (母子保健法17条の2): what a facility at the stay side relies on before the mother comes.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{EntryRef, KnownReport, News};
use crate::time::DateRange;

/// How care is given (母子保健法17条の2第1項各号).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CareKind {
    /// 短期入所: she stays overnight.
    ShortStay,
    /// 通所: she comes for the day.
    Day,
    /// 居宅訪問: somebody comes to her.
    HomeVisit,
}

/// What home approves: so many days of one kind, at this copayment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CareApproval {
    kind: CareKind,
    days: u8,
    copayment_yen: u32,
    period: DateRange,
}

/// Numbers that no approval has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CareError {
    /// No day, or more than a month of them.
    #[error("approves no day, or too many")]
    Days,
    /// More than care costs.
    #[error("asks for more than care costs")]
    Copayment,
}

/// What a facility may rely on, for one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CareAnswer {
    /// Nothing is approved; or nothing that may be shown, which is the same.
    NoApproval,
    /// It was approved, and is over.
    Over,
    /// It is approved for days to come, or home has not confirmed the stay.
    NotYet,
    /// Every approved day is reported as used.
    UsedUp(Vec<Care>),
    /// Days are left of at least one kind.
    Approved(Vec<Care>),
}

/// One kind of care as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Care {
    /// What home approved.
    pub approval: CareApproval,
    /// Home's entry of it.
    pub said: EntryRef,
    /// Last day on which it counts: the approval's, or the stay's if that ends earlier.
    pub last: Date,
    /// Days reported as used.
    pub used: u32,
    /// Home's tickets that these reports name.
    pub tickets: Vec<String>,
}

impl CareApproval {
    /// An approval. Errors: see [`CareError`].
    pub fn new(kind: CareKind, days: u8, copayment_yen: u32, period: DateRange) -> Result<Self, CareError> {
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(CareError::Days);
        }
        if copayment_yen > MOST_YEN {
            return Err(CareError::Copayment);
        }
        Ok(Self { kind, days, copayment_yen, period })
    }

    /// Which kind.
    pub fn kind(&self) -> CareKind {
        self.kind
    }

    /// How many days, or single visits.
    pub fn days(&self) -> u8 {
        self.days
    }

    /// What she pays for one, yen.
    pub fn copayment_yen(&self) -> u32 {
        self.copayment_yen
    }

    /// The days on which it may be used.
    pub fn period(&self) -> DateRange {
        self.period
    }

    /// Whether a report counts against it. One that names no kind counts against every kind: fewer days than there are
    /// can be put right by a call, more cannot.
    fn is_used_by(&self, known: &KnownReport) -> Option<u32> {
        let News::PostpartumCare { days, kind } = known.report.news() else { return None };
        let is_its = kind.is_none_or(|kind| kind == self.kind) && self.period.contains(known.report.on());
        is_its.then_some(u32::from(*days))
    }
}

impl CareAnswer {
    /// Whether, of two handoffs of one mother, this one tells a facility more.
    pub fn tells_more_than(&self, other: &Self) -> bool {
        self.rank() > other.rank()
    }

    /// What is shown; empty unless something is approved for the day.
    pub fn care(&self) -> &[Care] {
        match self {
            Self::Approved(care) | Self::UsedUp(care) => care,
            Self::NoApproval | Self::Over | Self::NotYet => &[],
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::NoApproval => 0,
            Self::Over => 1,
            Self::NotYet => 2,
            Self::UsedUp(_) => 3,
            Self::Approved(_) => 4,
        }
    }
}

impl Care {
    /// As reports leave it, within a stay that ends on a day.
    pub(super) fn after(
        said: EntryRef,
        approval: CareApproval,
        reports: &[KnownReport],
        stay_ends: Date,
    ) -> Self {
        let counted = || reports.iter().filter_map(|known| Some((known, approval.is_used_by(known)?)));
        let ticket = |(known, _): (&KnownReport, u32)| known.report.cost().map(|cost| cost.ticket.clone());
        Self {
            approval,
            said,
            last: approval.period.last().min(stay_ends),
            used: counted().map(|(_, days)| days).sum(),
            tickets: counted().filter_map(ticket).filter(|ticket| !ticket.is_empty()).collect(),
        }
    }

    /// Days that are left.
    pub fn days_left(&self) -> u32 {
        u32::from(self.approval.days).saturating_sub(self.used)
    }
}

/// Home's word on care, by kind. Its later entry counts, in whichever order they arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Approvals {
    latest: BTreeMap<CareKind, (EntryRef, CareApproval)>,
    /// Home's last entry that ended what was approved before it; 0: none did.
    ended: u64,
}

impl Approvals {
    pub(super) fn approved(&mut self, said: EntryRef, approval: CareApproval) {
        let known = self.latest.entry(approval.kind).or_insert((said, approval));
        if known.0.index < said.index {
            *known = (said, approval);
        }
    }

    pub(super) fn ended(&mut self, index: u64) {
        self.ended = self.ended.max(index);
    }

    /// What stands.
    pub(super) fn standing(&self) -> impl Iterator<Item = (EntryRef, CareApproval)> {
        self.latest.values().copied().filter(|(said, _)| said.index > self.ended)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.standing().next().is_none()
    }
}

/// As of a report; guidelines speak of seven (産前・産後サポート事業ガイドライン).
const MOST_DAYS: u8 = 31;
/// Catches a slip of the keyboard; our own choice.
const MOST_YEN: u32 = 100_000;
