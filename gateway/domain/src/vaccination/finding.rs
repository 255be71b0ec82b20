//! What an evaluation says.

use jiff::civil::Date;
use serde::Serialize;

use super::calendar::AgePolicy;
use super::code::VaccineCode;
use super::facts::{Answer, Completeness};
use super::rules::RuleRef;

/// The answer about one shot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// The worst of the findings.
    pub verdict: Verdict,
    /// As proposed.
    pub vaccine: VaccineCode,
    /// The number this dose would have in its series; `None` outside any, or where the series takes no more.
    pub dose_no: Option<u8>,
    /// In which episode it would count: empty for a series of a lifetime, else the pregnancy or fiscal year.
    pub episode: String,
    /// Why, blocks first.
    pub findings: Vec<Finding>,
    /// First day, from the proposed one on, on which neither interval nor age blocks.
    pub allowed_from: Option<Date>,
    /// Last day of the run of days that begins there.
    pub until: Option<Date>,
    /// How ages were counted.
    pub policy: AgePolicy,
    /// Whether the history was complete.
    pub history: Completeness,
    /// Version of the rule book.
    pub rules_version: String,
    /// Rules that the answer rests on, also where they found nothing.
    pub rules: Vec<RuleRef>,
}

/// Whether the shot may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Nothing speaks against it.
    Ok,
    /// The doctor decides.
    Warn,
    /// It may not be given, except where a finding says that the law leaves it to the doctor.
    Block,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// The doctor decides.
    Warn,
    /// Stops the shot.
    Block,
}

/// Who may go past a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Override {
    /// Nobody.
    No,
    /// The doctor.
    Doctor,
    /// The doctor, who states the reason: the law leaves the decision to him or her.
    DoctorWithReason,
}

/// One reason for the verdict, with the rule it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// How much it weighs.
    pub level: Level,
    /// Who may go past it.
    pub overridable: Override,
    /// The rule.
    pub rule: RuleRef,
    /// The first day on which this rule no longer objects, where there is one.
    pub allowed_from: Option<Date>,
    /// The last such day, where there is one.
    pub until: Option<Date>,
    /// The other vaccine concerned, where there is one.
    pub other: Option<VaccineCode>,
    /// The answer of the questionnaire concerned.
    pub answer: Option<Answer>,
}

/// What was found. Names are stable: they are on the wire and in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FindingKind {
    /// Before the window opens.
    TooEarly,
    /// After the window has closed.
    TooLate,
    /// The programme does not exist on that day, or not any more.
    NotInForce,
    /// The series is for others: sex, pregnancy, condition.
    NotForPerson,
    /// Younger than this dose asks.
    MinimumAge,
    /// Too close to an earlier dose of the series.
    Interval,
    /// Too close for the general rule; the law lets a doctor shorten it to this.
    IntervalPhysician,
    /// Too close to an injected live vaccine.
    LiveInterval,
    /// The series takes no more doses.
    SeriesComplete,
    /// Begun with a product that excludes this one.
    BrandMixed,
    /// Begun with the product that this one replaces.
    ReplacedProduct,
    /// Recorded out of order: it would make a later dose invalid.
    LaterDose,
    /// The institution's dose number is another.
    DoseNumber,
    /// After the period in which starting is advised.
    AfterAdvised,
    /// An earlier dose of the series given in error lies closer than the interval.
    ErrorDoseBefore,
    /// An answer of the questionnaire.
    Contraindication,
    /// The questionnaire has not been taken.
    NotScreened,
    /// The lot's last day is past.
    LotExpired,
    /// Where the person lives is not known.
    ResidenceUnknown,
    /// Lives elsewhere and holds no valid letter.
    NoAuthorization,
    /// The doses known may not be all.
    HistoryIncomplete,
    /// Under an exception whose conditions this book does not hold (長期療養特例, 臨時).
    OutsideProgramme,
    /// Recorded as given in error.
    RecordedInError,
}

impl Evaluation {
    /// Whether every block may be passed by a doctor with a reason.
    pub fn doctor_may_pass(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.level == Level::Warn || finding.overridable == Override::DoctorWithReason)
    }
}

impl Finding {
    /// A reason against the shot that nobody may pass.
    pub(super) fn block(kind: FindingKind, rule: &RuleRef) -> Self {
        Self::new(kind, Level::Block, Override::No, rule)
    }

    /// A reason for the doctor to weigh.
    pub(super) fn warn(kind: FindingKind, rule: &RuleRef) -> Self {
        Self::new(kind, Level::Warn, Override::Doctor, rule)
    }

    pub(super) fn by_doctor_with_reason(mut self) -> Self {
        self.overridable = Override::DoctorWithReason;
        self
    }

    pub(super) fn from(mut self, day: Option<Date>) -> Self {
        self.allowed_from = day;
        self
    }

    pub(super) fn until(mut self, day: Option<Date>) -> Self {
        self.until = day;
        self
    }

    pub(super) fn other(mut self, vaccine: VaccineCode) -> Self {
        self.other = Some(vaccine);
        self
    }

    pub(super) fn answer(mut self, answer: Answer) -> Self {
        self.answer = Some(answer);
        self
    }

    /// A block that nobody may pass.
    pub fn is_final(&self) -> bool {
        self.level == Level::Block && self.overridable == Override::No
    }

    fn new(kind: FindingKind, level: Level, overridable: Override, rule: &RuleRef) -> Self {
        let rule = rule.clone();
        Self { kind, level, overridable, rule, allowed_from: None, until: None, other: None, answer: None }
    }
}

impl Verdict {
    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Block => "BLOCK",
        }
    }
}

impl FindingKind {
    /// All kinds.
    pub const ALL: [Self; 23] = [
        Self::TooEarly,
        Self::TooLate,
        Self::NotInForce,
        Self::NotForPerson,
        Self::MinimumAge,
        Self::Interval,
        Self::IntervalPhysician,
        Self::LiveInterval,
        Self::SeriesComplete,
        Self::BrandMixed,
        Self::ReplacedProduct,
        Self::LaterDose,
        Self::DoseNumber,
        Self::AfterAdvised,
        Self::ErrorDoseBefore,
        Self::Contraindication,
        Self::NotScreened,
        Self::LotExpired,
        Self::ResidenceUnknown,
        Self::NoAuthorization,
        Self::HistoryIncomplete,
        Self::OutsideProgramme,
        Self::RecordedInError,
    ];

    /// Stable machine name, as on the wire without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooEarly => "TOO_EARLY",
            Self::TooLate => "TOO_LATE",
            Self::NotInForce => "NOT_IN_FORCE",
            Self::NotForPerson => "NOT_FOR_PERSON",
            Self::MinimumAge => "MINIMUM_AGE",
            Self::Interval => "INTERVAL",
            Self::IntervalPhysician => "INTERVAL_PHYSICIAN",
            Self::LiveInterval => "LIVE_INTERVAL",
            Self::SeriesComplete => "SERIES_COMPLETE",
            Self::BrandMixed => "BRAND_MIXED",
            Self::ReplacedProduct => "REPLACED_PRODUCT",
            Self::LaterDose => "LATER_DOSE",
            Self::DoseNumber => "DOSE_NUMBER",
            Self::AfterAdvised => "AFTER_ADVISED",
            Self::ErrorDoseBefore => "ERROR_DOSE_BEFORE",
            Self::Contraindication => "CONTRAINDICATION",
            Self::NotScreened => "NOT_SCREENED",
            Self::LotExpired => "LOT_EXPIRED",
            Self::ResidenceUnknown => "RESIDENCE_UNKNOWN",
            Self::NoAuthorization => "NO_AUTHORIZATION",
            Self::HistoryIncomplete => "HISTORY_INCOMPLETE",
            Self::OutsideProgramme => "OUTSIDE_PROGRAMME",
            Self::RecordedInError => "RECORDED_IN_ERROR",
        }
    }

    /// Whether it speaks of intervals, ages and windows alone: what a date can cure.
    pub fn is_about_dates(self) -> bool {
        matches!(
            self,
            Self::TooEarly
                | Self::TooLate
                | Self::NotInForce
                | Self::MinimumAge
                | Self::Interval
                | Self::IntervalPhysician
                | Self::LiveInterval
                | Self::LaterDose
        )
    }
}
