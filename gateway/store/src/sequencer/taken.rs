//! Operations out of the queue.
//!
//! While the disk works for one batch, the next is decided and its leaves are made, on what the batch under way leaves
//! behind. Should that batch fail, all of it is made again: nobody is answered before the commit of his own.

use std::borrow::Cow;

use tokio::sync::mpsc;

use super::{
    BATCH, Job, Work,
    entry::{Built, Scribe},
    job::{Decide, guarded},
    known::Known,
};
use crate::{
    Attempt, Draft, Fault,
    gateway::{PersonFacts, Registry},
};

/// Entries made before the database is looked at again: it must not wait for the next batch.
const AT_ONCE: usize = 8;

/// Operations in order, and what the first of them have come to; `None`: nothing is recorded.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) jobs: Vec<Box<dyn Job>>,
    pub(super) decided: Vec<Option<Decided>>,
}

/// What is to be recorded, and its leaf as far as that is made.
pub(super) struct Decided {
    pub(super) draft: Draft,
    pub(super) built: Option<Built>,
}

impl From<Draft> for Decided {
    fn from(draft: Draft) -> Self {
        Self { draft, built: None }
    }
}

impl Taken {
    pub(super) fn one(job: Box<dyn Job>) -> Self {
        Self { jobs: vec![job], decided: Vec::new() }
    }

    /// Takes some of what waits, up to the first operation for which the database has to be asked; whether there may be
    /// more. `size`: of the log, once the batch under way is in it.
    pub(super) fn look_ahead(
        &mut self,
        queue: &mut mpsc::Receiver<Box<dyn Job>>,
        scribe: &mut Scribe<'_>,
        registry: &Registry,
        size: u64,
    ) -> bool {
        // Leaves are made in order: after one that is not, none is.
        let mut place = match self.decided.iter().flatten().next_back() {
            Some(last) => last.built.as_ref().map(|built| built.index + 1),
            None => Some(size),
        };
        for _ in 0..AT_ONCE {
            if self.decided.len() < self.jobs.len() || self.jobs.len() >= BATCH {
                return false;
            }
            let Ok(mut job) = queue.try_recv() else { return false };
            // A panic is left to the job's own batch.
            if let Some(Ok(draft)) = decided(job.as_mut(), scribe.known, registry) {
                let mut decided = draft.map(Decided::from);
                if let (Some(decided), Some(index)) = (&mut decided, place) {
                    let is_built = self.build_ahead(index, job.attempt(), decided, scribe);
                    place = is_built.then_some(index + 1);
                }
                self.decided.push(decided);
            }
            self.jobs.push(job);
        }
        true
    }

    /// Whether the leaf is made.
    fn build_ahead(
        &mut self,
        index: u64,
        attempt: &Attempt,
        decided: &mut Decided,
        scribe: &mut Scribe<'_>,
    ) -> bool {
        decided.built = scribe.build_ahead(index, attempt, &decided.draft).unwrap_or_else(|_| {
            // The fault is left to the entry's own batch; what it has done to the chains is not kept.
            scribe.known.forget();
            unbuild(&mut self.decided);
            None
        });
        decided.built.is_some()
    }
}

/// The time of a batch whose first leaves are made: it is that of all its entries.
pub(super) fn built_at(decided: &[Option<Decided>]) -> Option<i64> {
    decided.iter().flatten().find_map(|decided| decided.built.as_ref()).map(|built| built.time_us)
}

/// Leaves that were made on chains which are not known any more are made again.
pub(super) fn unbuild(decided: &mut [Option<Decided>]) {
    decided.iter_mut().flatten().for_each(|decided| decided.built = None);
}

/// Whether memory tells enough to decide it.
pub(super) fn is_decidable(job: &mut dyn Job, known: &Known) -> bool {
    matches!(job.work(), Work::Decide(decide) if facts(decide, known).is_some())
}

/// `None` if memory does not tell.
fn decided(job: &mut dyn Job, known: &Known, registry: &Registry) -> Option<Result<Option<Draft>, Fault>> {
    let Work::Decide(decide) = job.work() else { return None };
    let facts = facts(decide, known)?;
    Some(guarded(|| decide.decide(&facts, registry)))
}

/// What a decision is made on, if it is remembered; nothing for one about nobody.
fn facts<'k>(decide: &dyn Decide, known: &'k Known) -> Option<Cow<'k, PersonFacts>> {
    match decide.person() {
        Some(person) => known.person(&person).map(Cow::Borrowed),
        None => Some(Cow::Owned(PersonFacts::default())),
    }
}
