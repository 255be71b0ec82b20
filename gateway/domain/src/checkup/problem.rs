//! What is wrong with a checkup row: everything at once, by field path, never
//! by value.

use crate::problem::FieldReason;

/// One thing wrong with, or odd about, one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path, for example `items[weight].value`.
    pub field: String,
    /// Why.
    pub reason: Reason,
}

/// Why a field is refused or warned about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A reason that every kind of row has.
    Field(FieldReason),
    /// No such item, question or form.
    UnknownItem,
    /// The item exists, but not in this kind of checkup.
    OtherKind,
    /// The unit is not the item's.
    Unit,
    /// The item is not measured by this method.
    Method,
    /// No person measures that.
    Impossible,
    /// Possible but rare: a warning.
    Implausible,
    /// Two fields that cannot both be true.
    Contradiction,
    /// The total is not the sum of the answers.
    TotalMismatch,
    /// Answers are missing: a warning.
    Incomplete,
    /// Kept out of the exchange as sensitive (標準的な電子的記録様式).
    Withheld,
    /// Outside the age at which the law expects this checkup: a warning.
    Age,
}

/// A row that is kept, with what was odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<T> {
    /// The checked row.
    pub value: T,
    /// Reasons to look again, none to refuse.
    pub warnings: Vec<Problem>,
}

/// Why a row is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Held apart: a text looks like an individual number (個人番号).
    Quarantined(Vec<Problem>),
    /// Not kept. All problems, at least one.
    Rejected(Vec<Problem>),
}

impl Reason {
    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Field(reason) => reason.name(),
            Self::UnknownItem => "UNKNOWN_ITEM",
            Self::OtherKind => "OTHER_KIND",
            Self::Unit => "UNIT",
            Self::Method => "METHOD",
            Self::Impossible => "IMPOSSIBLE",
            Self::Implausible => "IMPLAUSIBLE",
            Self::Contradiction => "CONTRADICTION",
            Self::TotalMismatch => "TOTAL_MISMATCH",
            Self::Incomplete => "INCOMPLETE",
            Self::Withheld => "WITHHELD",
            Self::Age => "AGE",
        }
    }
}

impl Refusal {
    /// All problems of the row.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Quarantined(problems) | Self::Rejected(problems) => problems,
        }
    }
}

impl From<FieldReason> for Reason {
    fn from(reason: FieldReason) -> Self {
        Self::Field(reason)
    }
}

/// Collects problems and warnings while a row is read.
#[derive(Debug, Default)]
pub(super) struct Notes {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Notes {
    pub(super) fn problem(&mut self, field: impl Into<String>, reason: impl Into<Reason>) {
        self.problems.push(Problem { field: field.into(), reason: reason.into() });
    }

    pub(super) fn warning(&mut self, field: impl Into<String>, reason: impl Into<Reason>) {
        self.warnings.push(Problem { field: field.into(), reason: reason.into() });
    }

    /// Keeps the value or notes why there is none.
    pub(super) fn take<T, E: Into<Reason>>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|reason| self.problem(field, reason)).ok()
    }

    /// The verdict on the row. `value` is `None` only where a problem was noted.
    pub(super) fn conclude<T>(self, value: Option<T>) -> Result<Checked<T>, Refusal> {
        let forbidden = Reason::Field(FieldReason::IndividualNumberForbidden);
        match value {
            _ if self.problems.iter().any(|problem| problem.reason == forbidden) => {
                Err(Refusal::Quarantined(self.problems))
            }
            Some(value) if self.problems.is_empty() => Ok(Checked { value, warnings: self.warnings }),
            _ => Err(Refusal::Rejected(self.problems)),
        }
    }
}
