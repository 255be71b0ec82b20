//! Checkups of mothers and children (母子保健): the pure rules.
//!
//! What may be written down ([`item`], [`record`], [`questionnaire`],
//! [`scores`]), who may see it ([`visibility`]), which version of a row counts
//! ([`version`]), whether a batch looks like its sender ([`anomaly`]), what
//! somebody must be told ([`alert`], [`urgent`], [`follow_up`], [`delivery`]), what is given out only
//! once ([`ticket`], [`session`]) and where a child stands ([`growth`]).
//!
//! Medical rules are data with a day and a source (`data/checkup/`). What is
//! our own choice, or known to practice but not read in a source, is marked
//! ([`Confidence`]). Nothing here is a diagnosis.

pub mod alert;
pub mod amount;
pub mod anomaly;
pub mod delivery;
pub mod follow_up;
pub mod gestation;
pub mod grade;
pub mod growth;
pub mod item;
pub mod judgement;
pub mod kind;
pub mod problem;
pub mod questionnaire;
pub mod record;
pub mod scores;
pub mod session;
pub mod ticket;
pub mod urgent;
pub mod version;
pub mod visibility;

use serde::{Deserialize, Serialize};

use crate::codes::looks_like_individual_number;
use crate::problem::FieldReason;
use problem::Notes;

/// How far a datum or rule was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Read in a public text that quotes the law or the form.
    Read,
    /// Known to practice, not read in a source by us.
    Unconfirmed,
    /// Our own choice.
    Ours,
}

/// Notes what is wrong with a free text. Characters outside any set are kept
/// as they are; only controls other than a line's end are refused.
fn text(notes: &mut Notes, path: impl Into<String>, value: &str, most: usize) {
    let is_control = |c: char| c.is_control() && c != '\n';
    let reason = if looks_like_individual_number(value) {
        FieldReason::IndividualNumberForbidden
    } else if value.chars().count() > most {
        FieldReason::Width
    } else if value.chars().any(is_control) {
        FieldReason::Characters
    } else {
        return;
    };
    notes.problem(path, reason);
}
