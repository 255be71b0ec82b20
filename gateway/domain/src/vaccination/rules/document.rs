//! The file's shape, and nothing more. Unknown fields are refused: a misspelt
//! limit would otherwise be no limit.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{BookError, Class, EpisodeKind, InForce, Recipients, Source, VaccineKind};
use crate::vaccination::facts::{Answer, Condition};

pub(super) fn read(text: &str) -> Result<Book, BookError> {
    serde_json::from_str(text)
        .map_err(|error| BookError::Shape { line: error.line(), column: error.column() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Book {
    pub(super) version: String,
    pub(super) status: String,
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) general: General,
    pub(super) between: Vec<Between>,
    pub(super) answers: Vec<AnswerRule>,
    pub(super) series: Vec<Series>,
    pub(super) others: Vec<Other>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct General {
    pub(super) lot: Sourced,
    pub(super) questionnaire: Sourced,
    pub(super) residence: Sourced,
    pub(super) authorization: Sourced,
    pub(super) history: Sourced,
    pub(super) error_dose: Sourced,
    pub(super) order: Sourced,
    pub(super) programme: Sourced,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sourced {
    pub(super) sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    pub(super) id: String,
    pub(super) from: VaccineKind,
    pub(super) to: VaccineKind,
    pub(super) clear_days: i32,
    #[serde(default)]
    pub(super) in_force: InForce,
    pub(super) sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerRule {
    pub(super) answer: Answer,
    pub(super) level: AnswerLevel,
    #[serde(default)]
    pub(super) vaccines: Vec<String>,
    pub(super) sources: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum AnswerLevel {
    Warn,
    Block,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    pub(super) ja: String,
    pub(super) en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Series {
    pub(super) code: String,
    pub(super) name: Name,
    pub(super) kind: VaccineKind,
    pub(super) class: Class,
    /// Where the series' rules are newer than the book's other ones.
    pub(super) version: Option<String>,
    pub(super) sources: Vec<String>,
    #[serde(default)]
    pub(super) recipients: Recipients,
    #[serde(default)]
    pub(super) episode: EpisodeKind,
    #[serde(default)]
    pub(super) excludes: Vec<String>,
    #[serde(default)]
    pub(super) replaces: Vec<String>,
    pub(super) windows: Vec<Window>,
    pub(super) schemes: Vec<Scheme>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Other {
    pub(super) code: String,
    pub(super) name: Name,
    pub(super) kind: VaccineKind,
}

/// Exactly one of the first three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    pub(super) age: Option<AgeRange>,
    pub(super) gestation: Option<GestationRange>,
    pub(super) school_years: Option<SchoolYears>,
    pub(super) needs: Option<Condition>,
    #[serde(default)]
    pub(super) in_force: InForce,
    pub(super) sources: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgeRange {
    pub(super) from: Quantity,
    pub(super) to: Option<Quantity>,
    pub(super) through: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GestationRange {
    pub(super) from: Quantity,
    pub(super) through: Quantity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SchoolYears {
    pub(super) from_age: i16,
    pub(super) to_age: i16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scheme {
    pub(super) id: Option<String>,
    pub(super) first_to: Option<Quantity>,
    pub(super) doses: Vec<Dose>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Dose {
    pub(super) booster: bool,
    pub(super) gap: Option<Quantity>,
    pub(super) gap_from_first: Option<Quantity>,
    pub(super) physician_gap: Option<Quantity>,
    pub(super) when_dropped: Option<Dropped>,
    pub(super) not_before: Option<Quantity>,
    pub(super) not_after: Option<Quantity>,
    pub(super) not_if_previous_after: Option<Quantity>,
    pub(super) advised_to: Option<Quantity>,
    pub(super) advised_through: Option<Quantity>,
    pub(super) standard: Option<AgeRange>,
    pub(super) standard_gap: Option<GapRange>,
    pub(super) standard_gap_from_first: Option<GapRange>,
    pub(super) standard_school_year: Option<i16>,
    pub(super) sources: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dropped {
    pub(super) gap: Quantity,
    pub(super) physician_gap: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GapRange {
    pub(super) from: Quantity,
    pub(super) through: Option<Quantity>,
}

/// An age or a distance: one unit, or weeks with days.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Quantity {
    pub(super) days: Option<i32>,
    pub(super) weeks: Option<i32>,
    pub(super) months: Option<i32>,
    pub(super) years: Option<i32>,
    pub(super) clear_days: Option<i32>,
}
