//! Versions of one right: where a new one belongs, and which one counts on a
//! day.

use jiff::civil::Date;

use super::{Entitlement, RightKey};

/// What became of an incoming version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placement {
    /// The first version of its right. Store it.
    Created,
    /// Newer than all versions known. Store it.
    Updated,
    /// Known already with the same content. Store nothing.
    Unchanged,
    /// Older than a version known. Store it all the same: it still counts for
    /// days before the newer one begins, unless a tombstone voids it.
    Superseded,
    /// Its history key is known with other content. Refuse the row.
    Conflict,
}

/// Where an incoming version belongs among those known. Versions of other
/// rights in `existing` are ignored.
///
/// As long as no version conflicts, the set of stored versions, and so every
/// later answer, does not depend on the order of arrival.
pub fn place<'a>(existing: impl IntoIterator<Item = &'a Entitlement>, incoming: &Entitlement) -> Placement {
    let mut placement = Placement::Created;
    for known in existing.into_iter().filter(|known| known.key() == incoming.key()) {
        if known.history_key == incoming.history_key {
            let is_same = same_content(known, incoming);
            return if is_same { Placement::Unchanged } else { Placement::Conflict };
        }
        if known.history_key > incoming.history_key {
            placement = Placement::Superseded;
        } else if placement == Placement::Created {
            placement = Placement::Updated;
        }
    }
    placement
}

/// History keys are equal by value (`007` and `7`), so derived equality is
/// equality of content.
fn same_content(known: &Entitlement, incoming: &Entitlement) -> bool {
    known == incoming
}

/// The versions of one right that no tombstone voids, newest first.
#[derive(Debug, Clone)]
pub struct Versions<'a> {
    alive: Vec<&'a Entitlement>,
}

impl<'a> Versions<'a> {
    /// Groups versions by right, in the order of [`RightKey`].
    pub fn group(versions: impl IntoIterator<Item = &'a Entitlement>) -> Vec<Self> {
        let mut all: Vec<&Entitlement> = versions.into_iter().collect();
        all.sort_by(|a, b| a.key().cmp(&b.key()).then_with(|| b.history_key.cmp(&a.history_key)));
        let rights = all.chunk_by(|a, b| a.key() == b.key());
        rights
            .map(|right| Self {
                alive: right.iter().copied().take_while(|version| !version.deleted).collect(),
            })
            .collect()
    }

    /// The version that counts on a day: the newest among those that begin on
    /// or before it. It may have ended already; then the right has lapsed.
    pub fn effective_on(&self, day: Date) -> Option<&'a Entitlement> {
        self.alive.iter().copied().find(|version| version.validity.from() <= day)
    }

    /// All versions no tombstone voids, newest first.
    pub fn alive(&self) -> &[&'a Entitlement] {
        &self.alive
    }

    /// The right these are versions of; `None` if all are void.
    pub fn key(&self) -> Option<RightKey<'a>> {
        self.alive.first().map(|version| version.key())
    }
}
