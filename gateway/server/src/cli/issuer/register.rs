//! What a file of past doses says of the whole register: that it is here up to a day.

use jiff::civil::Date;
use pmh_intake::{Dose, Intake};
use pmh_proto::common::RowOutcome;
use pmh_proto::vaccination::DoseRow;
use serde::Serialize;

use super::report::Sent;
use crate::cli::output::Language;

/// The last row, if every row of the file can be sent: a register with holes is not said to be whole.
pub(super) fn statement(intake: &Intake<Dose>, through: Option<Date>) -> Option<DoseRow> {
    let is_whole = intake.rows.len() == intake.reports.len();
    let through = through.filter(|_| is_whole)?.to_string();
    Some(DoseRow { row_id: ROW_ID.to_owned(), complete_through: through, ..DoseRow::default() })
}

/// What became of the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Register {
    /// The gateway counts on it.
    Complete,
    /// It was not said, or not taken, because rows were refused.
    Incomplete,
}

impl Register {
    /// Of a file with which a day was named.
    pub(super) fn of(sent: &Sent) -> Self {
        let outcome = sent.results.get(ROW_ID).map(pmh_proto::common::RowResult::outcome);
        match outcome {
            Some(RowOutcome::Created | RowOutcome::Updated | RowOutcome::Unchanged) => Self::Complete,
            _ => Self::Incomplete,
        }
    }

    /// One line for the officer.
    pub(super) fn line(self, through: Date, language: Language) -> String {
        match self {
            Self::Complete => language.pick(
                format!("台帳は{through}まで完全なものとして登録されました。"),
                format!("The register is complete through {through}."),
            ),
            Self::Incomplete => language.pick(
                "受け付けられなかった行があるため、台帳は完全なものとして登録されていません。".to_owned(),
                "Rows were refused, so the register does not count as complete.".to_owned(),
            ),
        }
    }
}

/// No row of a file has this id: theirs are numbers.
const ROW_ID: &str = "register";
