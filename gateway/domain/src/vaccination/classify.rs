//! A dose that was given: does it count?

use serde::Serialize;

use super::UnknownVaccine;
use super::evaluate::evaluate;
use super::facts::Case;
use super::finding::{Evaluation, Finding, FindingKind, Level};
use super::rules::RuleBook;

/// What a dose really given is recorded as. It is never refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Classification {
    /// It counts, under the evaluation's dose number.
    Completed {
        /// With what a doctor decided or must know.
        evaluation: Evaluation,
    },
    /// It counts in no series; the home municipality needs an error report (間違い報告) naming the evaluation's blocks
    /// that no doctor went past.
    AdministeredInError {
        /// Why.
        evaluation: Evaluation,
    },
}

/// Whether a doctor said why the shot was given all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoctorsWord {
    /// With a reason.
    Reasoned,
    /// Nothing was said.
    Unsaid,
}

/// Judges a dose that was given, with or without a slot. Errors: unknown vaccine.
///
/// Where the law leaves the decision to a doctor who finds it necessary (予防接種実施規則, 「医師が必要と認めた場合」),
/// it counts only if a doctor said so. A missing letter says who pays and who compensates, not whether the dose
/// protects, so it does not make the dose an error.
pub fn classify(
    book: &RuleBook,
    case: &Case<'_>,
    word: DoctorsWord,
) -> Result<Classification, UnknownVaccine> {
    let evaluation = evaluate(book, case)?;
    let is_open = |finding: &Finding| match word {
        DoctorsWord::Reasoned => finding.is_final(),
        DoctorsWord::Unsaid => finding.level == Level::Block,
    };
    let is_error = |finding: &Finding| is_open(finding) && finding.kind != FindingKind::NoAuthorization;
    if evaluation.findings.iter().any(is_error) {
        return Ok(Classification::AdministeredInError { evaluation });
    }
    Ok(Classification::Completed { evaluation })
}

impl Classification {
    /// The evaluation it rests on.
    pub fn evaluation(&self) -> &Evaluation {
        match self {
            Self::Completed { evaluation } | Self::AdministeredInError { evaluation } => evaluation,
        }
    }

    /// Whether it counts in its series.
    pub fn counts(&self) -> bool {
        matches!(self, Self::Completed { .. })
    }
}
