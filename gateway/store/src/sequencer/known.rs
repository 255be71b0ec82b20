//! What the batches before have read, kept where nobody else can write.
//!
//! A SQLite file belongs to one process (its lock says so) and is written by one task alone, this one: what it has
//! read stays true until an operation writes. So every operation with statements of its own makes all of it forgotten,
//! and so does every fault, after which nothing of a batch is true. On PostgreSQL other replicas write too: there
//! everything is read anew under the head lock.

use std::collections::HashMap;

use super::append::Chain;
use crate::gateway::{PersonFacts, SubjectRef};

/// Persons and chains as of the last commit, or of this batch while it is under way.
#[derive(Default)]
pub(super) struct Known {
    people: HashMap<SubjectRef, PersonFacts>,
    chains: HashMap<[u8; 32], Chain>,
}

impl Known {
    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        self.people.clear();
        self.chains.clear();
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

    /// Takes a chain out, to grow it.
    pub(super) fn take_chain(&mut self, tag: &[u8; 32]) -> Option<Chain> {
        self.chains.remove(tag)
    }

    /// Keeps chains as they were written.
    pub(super) fn keep_chains(&mut self, chains: impl IntoIterator<Item = Chain>) {
        if self.chains.len() > PERSONS {
            self.chains.clear();
        }
        self.chains.extend(chains.into_iter().map(|chain| (chain.tag, chain)));
    }
}

/// Persons that are remembered at most: some kilobytes each.
const PERSONS: usize = 16_384;
