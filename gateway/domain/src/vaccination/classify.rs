//! A dose that was given: does it count?

use serde::Serialize;

use super::UnknownVaccine;
use super::evaluate::evaluate;
use super::facts::Case;
use super::finding::{Evaluation, FindingKind};
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
    /// It counts in no series; the home municipality needs an error report (間違い報告) naming the evaluation's final
    /// blocks.
    AdministeredInError {
        /// Why.
        evaluation: Evaluation,
    },
}

/// Judges a dose that was given, with or without a slot. Errors: unknown vaccine.
///
/// Where the law leaves the decision to the doctor, the doctor has decided. A missing letter says who pays and who
/// compensates, not whether the dose protects, so it does not make the dose an error.
pub fn classify(book: &RuleBook, case: &Case<'_>) -> Result<Classification, UnknownVaccine> {
    let evaluation = evaluate(book, case)?;
    let mut blocks = evaluation.findings.iter().filter(|finding| finding.is_final());
    if blocks.any(|finding| finding.kind != FindingKind::NoAuthorization) {
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
