//! Operations out of the queue.
//!
//! While the disk works for one batch, the decisions of the next are made, on what the batch under way leaves behind.
//! Should that batch fail, they are made again: nobody is answered before the commit of his own.

use tokio::sync::mpsc;

use super::{BATCH, Job, Work, job::guarded, known::Known};
use crate::{
    Draft, Fault,
    gateway::{PersonFacts, Registry},
};

/// Operations in order, and the drafts of the first of them.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) jobs: Vec<Box<dyn Job>>,
    pub(super) drafts: Vec<Option<Draft>>,
}

impl Taken {
    pub(super) fn one(job: Box<dyn Job>) -> Self {
        Self { jobs: vec![job], drafts: Vec::new() }
    }

    /// Takes what waits and decides it, up to the first operation for which the database has to be asked.
    pub(super) fn look_ahead(
        &mut self,
        queue: &mut mpsc::Receiver<Box<dyn Job>>,
        known: &Known,
        registry: &Registry,
    ) {
        while self.drafts.len() == self.jobs.len() && self.jobs.len() < BATCH {
            let Ok(mut job) = queue.try_recv() else { return };
            // A panic is left to the job's own batch.
            if let Some(Ok(draft)) = decided(job.as_mut(), known, registry) {
                self.drafts.push(draft);
            }
            self.jobs.push(job);
        }
    }
}

/// `None` if memory does not tell.
fn decided(job: &mut dyn Job, known: &Known, registry: &Registry) -> Option<Result<Option<Draft>, Fault>> {
    let Work::Decide(decide) = job.work() else { return None };
    let nothing = PersonFacts::default();
    let facts = match decide.person() {
        Some(person) => known.person(&person)?,
        None => &nothing,
    };
    Some(guarded(|| decide.decide(facts, registry)))
}
