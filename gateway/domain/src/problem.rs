//! What is wrong with a row: every violation at once, by field path, never by
//! value.

use crate::codes::CodeError;
use crate::organization::OrganizationError;

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Path as in the wire contract, for example `copayments[1].amount`.
    pub field: String,
    /// Why.
    pub reason: FieldReason,
}

/// Why a field is refused or warned about. Names are the row reasons of the
/// wire contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldReason {
    /// A required field is empty.
    Required,
    /// Wrong length or width.
    Width,
    /// Other characters than the format allows.
    Characters,
    /// The check digit does not fit.
    CheckDigit,
    /// A code that the register does not know.
    UnknownCode,
    /// A code that exists, but not on that date.
    CodeNotCurrent,
    /// Not a calendar date in ISO 8601 form.
    Date,
    /// The end lies before the start.
    IntervalReversed,
    /// In the future where only the past makes sense, or absurdly far away.
    DateOutOfRange,
    /// The same thing twice.
    DuplicateRow,
    /// The same history key was sent before with other content.
    HistoryKeyConflict,
    /// The issuer is not competent for the scheme.
    IssuerMismatch,
    /// A value that the field does not allow, or that contradicts another.
    Value,
    /// It looks like a 12-digit individual number.
    IndividualNumberForbidden,
}

/// Why a row is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowRefusal {
    /// Held apart: an identifier field holds what looks like an individual
    /// number. All problems of the row, this one among them.
    Quarantined(Vec<FieldProblem>),
    /// Not kept. All problems of the row, at least one.
    Rejected(Vec<FieldProblem>),
}

/// A row that is kept, with what was odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted<T> {
    /// The checked row.
    pub value: T,
    /// Reasons to look again, none to refuse.
    pub warnings: Vec<FieldProblem>,
}

impl FieldReason {
    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::Width => "WIDTH",
            Self::Characters => "CHARACTERS",
            Self::CheckDigit => "CHECK_DIGIT",
            Self::UnknownCode => "UNKNOWN_CODE",
            Self::CodeNotCurrent => "CODE_NOT_CURRENT",
            Self::Date => "DATE",
            Self::IntervalReversed => "INTERVAL_REVERSED",
            Self::DateOutOfRange => "DATE_OUT_OF_RANGE",
            Self::DuplicateRow => "DUPLICATE_ROW",
            Self::HistoryKeyConflict => "HISTORY_KEY_CONFLICT",
            Self::IssuerMismatch => "ISSUER_MISMATCH",
            Self::Value => "VALUE",
            Self::IndividualNumberForbidden => "INDIVIDUAL_NUMBER_FORBIDDEN",
        }
    }
}

impl RowRefusal {
    /// All problems of the row.
    pub fn problems(&self) -> &[FieldProblem] {
        match self {
            Self::Quarantined(problems) | Self::Rejected(problems) => problems,
        }
    }
}

impl From<CodeError> for FieldReason {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Width(_) => Self::Width,
            CodeError::Characters => Self::Characters,
            CodeError::CheckDigit { .. } => Self::CheckDigit,
            CodeError::Prefecture
            | CodeError::FeeTable
            | CodeError::InsurerLawNumber
            | CodeError::Unknown => Self::UnknownCode,
            CodeError::GroupForm => Self::Value,
            CodeError::AbolishedOn(_) | CodeError::NotBefore(_) => Self::CodeNotCurrent,
        }
    }
}

impl From<OrganizationError> for FieldReason {
    fn from(error: OrganizationError) -> Self {
        match error {
            OrganizationError::Code(code) => code.into(),
            OrganizationError::Form => Self::Characters,
            OrganizationError::Kind | OrganizationError::CodeOfOtherKind | OrganizationError::NotAnIssuer => {
                Self::Value
            }
        }
    }
}

/// Collects problems and warnings while a row is read field by field, so that
/// one bad field never hides the next.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: Vec<FieldProblem>,
    warnings: Vec<FieldProblem>,
}

impl Findings {
    pub(crate) fn problem(&mut self, field: impl Into<String>, reason: impl Into<FieldReason>) {
        self.problems.push(FieldProblem { field: field.into(), reason: reason.into() });
    }

    pub(crate) fn warning(&mut self, field: impl Into<String>, reason: impl Into<FieldReason>) {
        self.warnings.push(FieldProblem { field: field.into(), reason: reason.into() });
    }

    /// Keeps the value or notes why there is none.
    pub(crate) fn take<T, E: Into<FieldReason>>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(field, error);
                None
            }
        }
    }

    /// Turns what was collected into the verdict on the row. `value` is
    /// `None` only where a problem was noted for what is missing.
    pub(crate) fn conclude<T>(self, value: Option<T>) -> Result<Accepted<T>, RowRefusal> {
        let is_individual = |p: &FieldProblem| p.reason == FieldReason::IndividualNumberForbidden;
        match value {
            _ if self.problems.iter().any(is_individual) => Err(RowRefusal::Quarantined(self.problems)),
            Some(value) if self.problems.is_empty() => Ok(Accepted { value, warnings: self.warnings }),
            _ => Err(RowRefusal::Rejected(self.problems)),
        }
    }
}
