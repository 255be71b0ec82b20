//! Why a rule book is refused.

/// The first inconsistency of a rule book. It names rules, which are no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// No JSON, or not of this shape.
    #[error("the rule book is not of the expected shape, at line {line}, column {column}")]
    Shape {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Version or status is empty.
    #[error("the rule book does not say which version it is")]
    Version,
    /// A code is malformed.
    #[error("{0}: not a vaccine code")]
    Code(String),
    /// Two entries have one code.
    #[error("{0}: listed twice")]
    Twice(String),
    /// A source is not listed, or none is named.
    #[error("{0}: names no source, or one that is not listed")]
    Source(String),
    /// An age or a distance has no unit, two units, or is negative or absurd.
    #[error("{0}: an age or distance has none, several or absurd units")]
    Quantity(String),
    /// A window or validity ends before it begins, or is of several kinds.
    #[error("{0}: a window ends before it begins, or is not of exactly one kind")]
    Window(String),
    /// Schemes must rise by age, and only the last has no limit.
    #[error("{0}: schemes do not rise by age to one without a limit")]
    Schemes(String),
    /// A scheme has no dose, more than nine, or a later dose without a distance.
    #[error("{0}: a dose count of 1 to 9 and a distance for each later dose are required")]
    Doses(String),
    /// A reference to a vaccine that the book does not list.
    #[error("{0}: refers to a vaccine that is not listed")]
    Reference(String),
    /// One excludes the other, but not the other the one.
    #[error("{0}: excludes a series that does not exclude it")]
    OneSided(String),
    /// A pregnancy's series needs windows of gestation, others must have none.
    #[error("{0}: recipients, episode and windows do not agree")]
    Recipients(String),
}
