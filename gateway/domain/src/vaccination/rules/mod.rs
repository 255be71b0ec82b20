//! The rule book: dated data with sources, validated once.
//!
//! A file is read into plain documents (`document`), and built into types that
//! cannot be inconsistent (`build`); a book that contradicts itself is refused
//! with the rule's id. The default book is compiled in, so that a gateway
//! without any file still stops a wrong interval.

mod build;
mod document;
mod error;
mod line;
mod quantity;
mod reference;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use error::BookError;
pub use line::{RuleKind, RuleLine};
pub use reference::RuleRef;

use super::calendar::{Age, Span};
use super::code::VaccineCode;
use super::facts::{Answer, Condition};
use super::finding::Level;
use crate::eligibility::Text;

/// All rules of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleBook {
    version: String,
    status: String,
    sources: BTreeMap<String, Source>,
    series: Vec<Series>,
    places: BTreeMap<VaccineCode, usize>,
    others: BTreeMap<VaccineCode, OtherVaccine>,
    pub(super) between: Vec<Between>,
    pub(super) answers: Vec<AnswerRule>,
    pub(super) general: General,
}

/// Where a rule was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Title, date and address.
    pub text: String,
    /// Whether somebody read it for this rule. A rule all of whose sources are unconfirmed is itself unconfirmed.
    #[serde(default = "confirmed")]
    pub confirmed: bool,
}

/// What a vaccine is made of, as far as intervals care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaccineKind {
    /// 注射生ワクチン.
    LiveInjectable,
    /// 経口生ワクチン.
    LiveOral,
    /// 不活化ワクチン・トキソイド・組換え・RNA.
    Inactivated,
}

/// The doses of one vaccine that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its code.
    pub code: VaccineCode,
    /// Its name.
    pub name: Text,
    /// What it is made of.
    pub kind: VaccineKind,
    /// A類 or B類.
    pub class: Class,
    pub(super) recipients: Recipients,
    pub(super) episode: EpisodeKind,
    pub(super) windows: Vec<Window>,
    pub(super) excludes: Vec<VaccineCode>,
    /// Series that this one replaces, or that replace it.
    pub(super) replacements: Vec<VaccineCode>,
    pub(super) schemes: Vec<Scheme>,
    pub(super) rule: RuleRef,
}

/// 予防接種法 2条.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Class {
    /// A類: to stop the spread; guardians have a duty to try.
    A,
    /// B類: for the individual.
    B,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Recipients {
    #[default]
    Everyone,
    Female,
    Pregnant,
}

/// Within what doses are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EpisodeKind {
    #[default]
    Life,
    Pregnancy,
    FiscalYear,
}

/// When the routine programme is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) rule: RuleRef,
    pub(super) extent: Extent,
    pub(super) needs: Option<Condition>,
    pub(super) in_force: InForce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Age {
        from: Age,
        until: Option<AgeLimit>,
    },
    /// Days of gestation, both included.
    Gestation {
        from: i32,
        through: i32,
    },
    SchoolYears {
        from_age: i16,
        to_age: i16,
    },
}

/// The end of a period of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AgeLimit {
    /// 「至るまで」: the day before.
    To(Age),
    /// The day itself.
    Through(Age),
}

/// Days on which a rule is in force; an open end is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub through: Option<Date>,
}

/// The doses for those who begin before an age; the last scheme has no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scheme {
    pub(super) first_to: Option<Age>,
    pub(super) steps: Vec<Step>,
}

/// One dose of a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) rule: RuleRef,
    pub(super) no: u8,
    /// 追加接種.
    pub(super) booster: bool,
    pub(super) gap: Option<Gap>,
    /// Instead of `gap`, where a dose before this one was dropped.
    pub(super) gap_when_dropped: Option<Gap>,
    pub(super) not_before: Option<Age>,
    /// Dropped from this age on (「それを超えた場合は行わない」).
    pub(super) not_after: Option<Age>,
    /// Dropped if the dose before was given after this age.
    pub(super) not_if_previous_after: Option<Age>,
    /// Later is advised against, not forbidden.
    pub(super) advised: Option<AgeLimit>,
    pub(super) standard: Option<Standard>,
}

/// The distance a dose keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) anchor: Anchor,
    pub(super) least: Span,
    /// What the doctor may shorten it to.
    pub(super) physician: Option<Span>,
}

/// From which earlier dose a distance is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Previous,
    First,
}

/// 標準的な接種期間.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standard {
    Age { from: Age, until: AgeLimit },
    Gap { anchor: Anchor, from: Span, through: Option<Span> },
    SchoolYear(i16),
}

/// A distance between different vaccines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Between {
    pub(super) rule: RuleRef,
    pub(super) from: VaccineKind,
    pub(super) to: VaccineKind,
    pub(super) least: Span,
    pub(super) in_force: InForce,
}

/// What an answer of the questionnaire means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnswerRule {
    pub(super) rule: RuleRef,
    pub(super) answer: Answer,
    pub(super) level: Level,
    /// Empty: all.
    pub(super) vaccines: Vec<VaccineCode>,
}

/// Rules that hold for every vaccine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct General {
    pub(super) lot: RuleRef,
    pub(super) questionnaire: RuleRef,
    pub(super) residence: RuleRef,
    pub(super) authorization: RuleRef,
    pub(super) history: RuleRef,
    pub(super) error_dose: RuleRef,
    pub(super) order: RuleRef,
    pub(super) programme: RuleRef,
}

/// A vaccine known only because it keeps its distance from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OtherVaccine {
    pub(super) name: Text,
    pub(super) kind: VaccineKind,
}

impl RuleBook {
    /// Reads a file's content. Errors: the first inconsistency, with the rule's id.
    pub fn parse(text: &str) -> Result<Self, BookError> {
        build::book(&document::read(text)?)
    }

    /// The book compiled in. Errors: never in a build whose tests have passed.
    pub fn embedded() -> Result<&'static Self, &'static BookError> {
        static BOOK: LazyLock<Result<RuleBook, BookError>> = LazyLock::new(|| RuleBook::parse(EMBEDDED));
        BOOK.as_ref()
    }

    /// Version, a date by custom.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the book says about itself.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Sources by id.
    pub fn sources(&self) -> &BTreeMap<String, Source> {
        &self.sources
    }

    /// A series.
    pub fn series(&self, code: &VaccineCode) -> Option<&Series> {
        self.places.get(code).and_then(|place| self.series.get(*place))
    }

    /// All series, in the order of the file.
    pub fn all_series(&self) -> &[Series] {
        &self.series
    }

    /// Name of a series or of another vaccine.
    pub fn name(&self, code: &VaccineCode) -> Option<&Text> {
        let series = self.series(code).map(|series| &series.name);
        series.or_else(|| self.others.get(code).map(|other| &other.name))
    }

    /// What a vaccine is made of; `None`: unknown.
    pub fn kind(&self, code: &VaccineCode) -> Option<VaccineKind> {
        let series = self.series(code).map(|series| series.kind);
        series.or_else(|| self.others.get(code).map(|other| other.kind))
    }

    /// All rules, in the order of the file, for people to read.
    pub fn lines(&self) -> Vec<RuleLine<'_>> {
        line::lines(self)
    }
}

impl InForce {
    /// Whether it covers a day.
    pub fn contains(self, day: Date) -> bool {
        self.from.is_none_or(|first| first <= day) && self.through.is_none_or(|last| day <= last)
    }
}

impl Series {
    /// Number of doses of the longest scheme.
    pub fn doses(&self) -> usize {
        self.schemes.iter().map(|scheme| scheme.steps.len()).max().unwrap_or_default()
    }

    /// Vaccines that may not be mixed with this one.
    pub fn excludes(&self) -> &[VaccineCode] {
        &self.excludes
    }
}

fn confirmed() -> bool {
    true
}

const EMBEDDED: &str = include_str!("../../../data/vaccination/rules.json");
