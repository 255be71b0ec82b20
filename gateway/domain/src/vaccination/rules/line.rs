//! The book as a list for people.

use serde::Serialize;

use super::{RuleBook, RuleRef};

/// One rule of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleLine<'a> {
    /// What it decides.
    pub kind: RuleKind,
    /// The rule.
    #[serde(flatten)]
    pub rule: &'a RuleRef,
}

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleKind {
    /// For whom a series is, how many doses it has, what it may be mixed with.
    Series,
    /// When it is routine.
    Window,
    /// One dose: distance, ages, standard time.
    Dose,
    /// A distance between different vaccines.
    Between,
    /// What an answer of the questionnaire means.
    Questionnaire,
    /// Lot, residence, authorization, history, order of recording.
    General,
}

impl RuleKind {
    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Series => "SERIES",
            Self::Window => "WINDOW",
            Self::Dose => "DOSE",
            Self::Between => "BETWEEN",
            Self::Questionnaire => "QUESTIONNAIRE",
            Self::General => "GENERAL",
        }
    }
}

pub(super) fn lines(book: &RuleBook) -> Vec<RuleLine<'_>> {
    let mut lines = Vec::new();
    let mut add = |kind, rule| lines.push(RuleLine { kind, rule });
    for series in &book.series {
        add(RuleKind::Series, &series.rule);
        series.windows.iter().for_each(|window| add(RuleKind::Window, &window.rule));
        let steps = series.schemes.iter().flat_map(|scheme| &scheme.steps);
        steps.for_each(|step| add(RuleKind::Dose, &step.rule));
    }
    book.between.iter().for_each(|between| add(RuleKind::Between, &between.rule));
    book.answers.iter().for_each(|answer| add(RuleKind::Questionnaire, &answer.rule));
    let general = &book.general;
    for rule in [
        &general.lot,
        &general.questionnaire,
        &general.residence,
        &general.authorization,
        &general.history,
        &general.error_dose,
        &general.order,
        &general.programme,
    ] {
        add(RuleKind::General, rule);
    }
    lines
}
