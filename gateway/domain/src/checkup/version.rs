//! Which version of a pushed row counts, whatever the order of arrival.
//!
//! A row is named by its sender's record id and carries a whole number that
//! rises with each change. What is known of one record is the set of rows held
//! under its id, and every answer here is a function of that set; so any order
//! and any split into batches ends in the same state.
//!
//! * Equal version, equal content: nothing happens.
//! * Equal version, other content: nobody can say which is true, so neither
//!   is; all rows of that version are quarantined until the sender sends a
//!   higher one.
//! * A higher version supersedes; a lower one that comes late is kept as
//!   lineage.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::problem::FieldReason;

/// The sender's version of a row. Integers, because «1.10» and «1.9» have no
/// order that everybody agrees on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceVersion(i64);

/// One row of a record, as held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held<B, C> {
    /// The sender's version.
    pub version: SourceVersion,
    /// The batch that brought it first.
    pub batch: B,
    /// Its content, or a digest of it.
    pub content: C,
}

/// What became of an incoming row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The record's first row. Hold it.
    Created,
    /// Newer than all that is held. Hold it.
    Updated,
    /// Held already. Hold nothing.
    Unchanged,
    /// Older than what is held. Hold it as lineage.
    Superseded,
    /// Its version is held with other content. Hold it; from now on neither
    /// counts.
    Quarantined,
}

/// What one held row is among those held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// What a reader sees.
    Current,
    /// Lineage of a newer one.
    Superseded,
    /// Another content claims the same version.
    Quarantined,
}

/// What a reader sees of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading<'a, B, C> {
    /// The row that counts.
    pub row: &'a Held<B, C>,
    /// Whether earlier versions were held: it was amended.
    pub amended: bool,
    /// Whether a later version is quarantined, so that this may be out of date.
    pub disputed: bool,
}

/// What undoing a batch does to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo<'a, B, C> {
    /// The batch brought nothing of this record.
    Untouched,
    /// These rows go, and the state is as if they had never come.
    Restored(Vec<&'a Held<B, C>>),
    /// A later row of another batch rests upon the batch's; nothing goes.
    Superseded,
}

/// What becomes of an incoming row of a record of which `held` is held.
pub fn place<B, C: PartialEq>(held: &[Held<B, C>], version: SourceVersion, content: &C) -> Outcome {
    let mut same_version = held.iter().filter(|row| row.version == version).peekable();
    if same_version.peek().is_some() {
        let is_held = same_version.any(|row| row.content == *content);
        return if is_held { Outcome::Unchanged } else { Outcome::Quarantined };
    }
    match newest(held) {
        None => Outcome::Created,
        Some(newest) if newest < version => Outcome::Updated,
        Some(_) => Outcome::Superseded,
    }
}

/// What a held row is among those held.
pub fn standing<B, C: PartialEq>(held: &[Held<B, C>], row: &Held<B, C>) -> Standing {
    if is_disputed(held, row.version) {
        return Standing::Quarantined;
    }
    match read(held) {
        Some(reading) if reading.row.version == row.version => Standing::Current,
        _ => Standing::Superseded,
    }
}

/// What a reader sees: the newest version that only one content claims.
/// `None` if there is none.
pub fn read<B, C: PartialEq>(held: &[Held<B, C>]) -> Option<Reading<'_, B, C>> {
    let undisputed = held.iter().filter(|row| !is_disputed(held, row.version));
    let row = undisputed.max_by_key(|row| row.version)?;
    Some(Reading {
        row,
        amended: held.iter().any(|other| other.version < row.version),
        disputed: held.iter().any(|other| other.version > row.version),
    })
}

/// The versions that only one content claims, the oldest first, each once.
pub fn undisputed<B, C: PartialEq>(held: &[Held<B, C>]) -> Vec<&Held<B, C>> {
    let mut versions: Vec<_> = held.iter().filter(|row| !is_disputed(held, row.version)).collect();
    versions.sort_by_key(|row| row.version);
    versions.dedup_by_key(|row| row.version);
    versions
}

/// What undoing a batch does to one record. A batch owns the rows that it
/// brought first; a row that it only repeated is not its own.
pub fn undo<'a, B: PartialEq, C>(held: &'a [Held<B, C>], batch: &B) -> Undo<'a, B, C> {
    let own: Vec<&Held<B, C>> = held.iter().filter(|row| row.batch == *batch).collect();
    let Some(latest) = own.iter().map(|row| row.version).max() else { return Undo::Untouched };
    if newest(held).is_some_and(|newest| newest > latest) {
        return Undo::Superseded;
    }
    Undo::Restored(own)
}

fn newest<B, C>(held: &[Held<B, C>]) -> Option<SourceVersion> {
    held.iter().map(|row| row.version).max()
}

fn is_disputed<B, C: PartialEq>(held: &[Held<B, C>], version: SourceVersion) -> bool {
    let mut contents = held.iter().filter(|row| row.version == version).map(|row| &row.content);
    contents.next().is_some_and(|first| contents.any(|other| other != first))
}

impl SourceVersion {
    /// Parses up to 18 digits. Errors: empty, or anything but digits.
    pub fn parse(text: &str) -> Result<Self, FieldReason> {
        match text.len() {
            0 => return Err(FieldReason::Required),
            1..=18 => {}
            _ => return Err(FieldReason::Width),
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FieldReason::Characters);
        }
        text.parse().map(Self).map_err(|_| FieldReason::Value)
    }

    /// As a number that both databases hold.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
