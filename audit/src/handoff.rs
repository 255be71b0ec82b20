//! A handoff's file: what one municipality can prove of a handoff with another, checked without any connection.
//!
//! The file is the answer of `ExportEvidence` (`proto/pmh/handoff/v1/evidence.proto`), read here by a reader of its own.
//! Three things make it whole. The export is an entry itself, whose detail commits to every byte before its receipt.
//! Each step is an entry with a receipt under the key of its log. And the entries cite each other across the two logs
//! (`refs`), so that neither municipality can take a step out of the middle, put it elsewhere or date it back.
//!
//! What the file cannot show is a newer step that its exporter kept for itself: a file is as of the export's entry, and the
//! other municipality's file tells the rest. [`ProvedStep::is_answered`] says which steps the other log had not entered.

mod file;
mod says;
mod story;
mod wire;

pub use file::{HandoffFile, Visit};
pub use says::Says;

use std::fmt;

use crate::leaf::OrgRef;
use crate::receipt::{ReceiptError, Verified};

/// Whose log a step stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The municipality of residence (住民票所在地).
    Home,
    /// The municipality of the stay (里帰り先).
    Stay,
}

/// What a file proved: only [`HandoffFile::verify`] makes one.
///
/// The caller still compares what only it knows: whether each key is the one that its municipality published.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedHandoff {
    /// UUID of the handoff.
    pub handoff: String,
    /// Home.
    pub home: OrgRef,
    /// The stay side.
    pub stay: OrgRef,
    /// Which of the two exported the file.
    pub exporter: Side,
    /// The export's own entry.
    pub export: Verified,
    /// All steps, in one order that both logs and all citations allow.
    pub steps: Vec<ProvedStep>,
    /// Visits as the exporter keeps them.
    pub visits: Vec<Visit>,
}

/// One proved entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedStep {
    /// In whose log.
    pub side: Side,
    /// The entry.
    pub entry: Verified,
    /// What it tells the other side; `None` where it tells nothing.
    pub says: Option<Says>,
    /// Whether an entry of the other log in this file cites it.
    pub is_answered: bool,
}

/// Why a file proves nothing; it names the first thing that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Not the encoding of an export.
    #[error("the file is no export of a handoff, or not encoded as one")]
    Format,
    /// The export's entry does not prove the file.
    #[error("the export's entry")]
    Export(#[source] Wrong),
    /// A step of one of the logs.
    #[error("{side}, step {place}")]
    Step {
        /// In whose list.
        side: Side,
        /// Its place there, from 1.
        place: usize,
        /// What is wrong.
        #[source]
        wrong: Wrong,
    },
    /// Citations run in a circle: the steps have no order.
    #[error("the steps cite each other in no order that could have happened")]
    Circle,
}

/// What is wrong with one entry of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// No given key bears the name of its log.
    #[error("no key of its log was given")]
    NoKey,
    /// Its receipt does not hold.
    #[error("its receipt does not hold")]
    Receipt(#[from] ReceiptError),
    /// It is about another handoff, or about none.
    #[error("it is about another handoff")]
    OtherHandoff,
    /// It is no entry of that municipality about a handoff.
    #[error("it is another municipality's entry, or about something else")]
    OtherEntry,
    /// Entries of one municipality stand in two logs.
    #[error("it stands in another log than the steps before it")]
    OtherLog,
    /// The message is none, or one that such an entry cannot say.
    #[error("its message is none that such an entry makes")]
    Message,
    /// It stands before the step above it in its log.
    #[error("its place or time in the log is before that of the step above it")]
    Order,
    /// It cites an entry that is not in the file.
    #[error("it cites an entry that is missing")]
    Missing,
    /// It cites an entry that it cannot answer.
    #[error("it cites an entry that it cannot answer, or none where it must")]
    Cause,
    /// It says that it is older than what it cites.
    #[error("it is dated before the entry that it cites")]
    Backdated,
    /// The handoff was not in a state for it.
    #[error("the handoff was not in a state for it")]
    State,
    /// The exporter acts on an entry that its own log had not entered.
    #[error("it acts on an entry of the other log that its own log had not entered before")]
    Unheard,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Home => Self::Stay,
            Self::Stay => Self::Home,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Home => "home",
            Self::Stay => "stay",
        })
    }
}
