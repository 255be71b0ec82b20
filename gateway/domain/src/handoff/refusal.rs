//! What a decision gives.

use super::State;

/// What is to be done about a command or a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<A> {
    /// Append this act, then apply the entry.
    Append(A),
    /// It was done before: nothing changes, and the first answer is given again.
    Known,
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No such handoff, or one that this side must not know of: the same.
    #[error("there is no such handoff")]
    Unknown,
    /// Not in this state.
    #[error("the handoff's state does not allow it")]
    State(State),
    /// It answers an entry that is not there.
    #[error("it does not cite the entry that it answers")]
    CauseMissing,
    /// It was answered before, otherwise.
    #[error("it contradicts what is recorded")]
    Contradicts,
    /// It claims a time before what it answers.
    #[error("it is dated before what it answers")]
    Backdated,
    /// The stay has not begun.
    #[error("the stay has not begun")]
    NotYet,
    /// The days do not fit the stay.
    #[error("the days do not fit the stay")]
    Days,
    /// Neither the mother's code nor her request was shown.
    #[error("the mother's code is needed")]
    Code,
    /// A duty is unanswered, or none is accepted.
    #[error("each duty needs an answer and one must be accepted")]
    Answers,
    /// No such report, or nothing in it waits for anybody.
    #[error("there is no such report")]
    NoReport,
    /// The mother does not share it, and no law stands for her consent.
    #[error("the mother does not share it")]
    NotShared,
    /// This side does not hold the duty.
    #[error("the duty is not held here")]
    NotHeld,
}
