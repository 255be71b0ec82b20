//! What the batches before have read, kept where nobody else can write.
//!
//! A SQLite file belongs to one process (its lock says so) and is written by one task alone, this one: what it has
//! read stays true until an operation writes. So every operation that may change persons makes all of it forgotten, and
//! so does every fault, after which nothing of a batch is true. On PostgreSQL other replicas write too: there
//! everything is read anew under the head lock.

use std::collections::HashMap;

use super::chains::{Chain, Guardian};
use crate::gateway::{PersonFacts, SubjectRef};

/// Persons and chains as of the last commit, or of this batch while it is under way.
#[derive(Default)]
pub(super) struct Known {
    people: HashMap<SubjectRef, PersonFacts>,
    chains: HashMap<[u8; 32], Chain>,
    /// Most persons have none, which is remembered too.
    guardians: HashMap<SubjectRef, Vec<Guardian>>,
}

impl Known {
    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        self.people.clear();
        self.chains.clear();
        self.guardians.clear();
    }

    /// Those of `wanted` that have to be read; makes room for them.
    pub(super) fn missing(&mut self, mut wanted: Vec<SubjectRef>) -> Vec<SubjectRef> {
        if self.people.len() + wanted.len() > PERSONS {
            self.people.clear();
        }
        wanted.retain(|person| !self.people.contains_key(person));
        wanted
    }

    /// What was read of the persons `asked` for; one who is not in `found` has nothing.
    pub(super) fn learn(&mut self, asked: Vec<SubjectRef>, mut found: HashMap<SubjectRef, PersonFacts>) {
        for person in asked {
            let facts = found.remove(&person).unwrap_or_default();
            self.people.insert(person, facts);
        }
    }

    /// The facts of a person who was asked for.
    pub(super) fn person(&self, person: &SubjectRef) -> Option<&PersonFacts> {
        self.people.get(person)
    }

    /// Those of `wanted` whose guardians have to be read; makes room for them.
    pub(super) fn without_guardians(&mut self, wanted: impl Iterator<Item = SubjectRef>) -> Vec<SubjectRef> {
        let mut missing: Vec<_> = wanted.collect();
        if self.guardians.len() + missing.len() > PERSONS {
            self.guardians.clear();
        }
        missing.retain(|person| !self.guardians.contains_key(person));
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// What was read of the guardians of the persons `asked` for.
    pub(super) fn learn_guardians(
        &mut self,
        asked: Vec<SubjectRef>,
        mut found: HashMap<SubjectRef, Vec<Guardian>>,
    ) {
        for person in asked {
            let guardians = found.remove(&person).unwrap_or_default();
            self.guardians.insert(person, guardians);
        }
    }

    /// The guardians of a person, as far as they were read.
    pub(super) fn guardians(&self, person: &SubjectRef) -> &[Guardian] {
        self.guardians.get(person).map_or(&[], Vec::as_slice)
    }

    /// Whether the guardians of a person were read.
    pub(super) fn knows_guardians(&self, person: &SubjectRef) -> bool {
        self.guardians.contains_key(person)
    }

    /// Whether a chain was read or begun.
    pub(super) fn knows_chain(&self, tag: &[u8; 32]) -> bool {
        self.chains.contains_key(tag)
    }

    /// A chain, to grow it.
    pub(super) fn chain(&mut self, tag: &[u8; 32]) -> Option<&mut Chain> {
        self.chains.get_mut(tag)
    }

    /// Where a chain stands in the database.
    pub(super) fn learn_chain(&mut self, tag: [u8; 32], chain: Chain) {
        self.chains.insert(tag, chain);
    }

    /// Whether chains are few enough to grow more of them ahead.
    pub(super) fn has_room(&self) -> bool {
        self.chains.len() <= PERSONS
    }

    /// Forgets the chains if they are too many. Each must be in the database as it stands here.
    pub(super) fn make_room(&mut self) {
        if !self.has_room() {
            self.chains.clear();
        }
    }
}

/// Persons that are remembered at most: some kilobytes each.
const PERSONS: usize = 16_384;
