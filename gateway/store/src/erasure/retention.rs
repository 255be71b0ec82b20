//! Erasure by age: some entries at a time, each step an entry of its own.

use std::sync::Arc;

use pmh_audit::Leaf;

use super::{Doomed, ErasedEntry, Holds};
use crate::{
    Attempt, AuthStore, Concluding, Conclusion, Fault, GatewayStore, Recorded, Reply, Role,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// One step along the log.
#[derive(Clone)]
pub struct RetentionStep {
    /// First index to look at.
    pub from: u64,
    /// Entries at or after this time are too young, and so are all behind them; microseconds.
    pub young_from_us: u64,
    /// Whether an older entry's period is over. Pure; it may be asked twice.
    pub is_over: Arc<dyn Fn(&Leaf) -> bool + Send + Sync>,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retained {
    /// Erased in this step, in the order of the log.
    pub erased: Vec<ErasedEntry>,
    /// Where the next step begins; `None` at the end of what is old.
    pub next: Option<u64>,
}

impl std::fmt::Debug for RetentionStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RetentionStep").field("from", &self.from).finish_non_exhaustive()
    }
}

impl GatewayStore {
    /// Looks at the next entries. What is erased must be recorded: `conclude` gives a draft unless nothing was.
    pub async fn retain<R: Send + 'static>(
        &self,
        attempt: Attempt,
        step: RetentionStep,
        conclude: impl FnMut(Concluding<'_, Retained>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Bulk, attempt, None, Step { role: Role::Gateway, step }, conclude).await
    }
}

impl AuthStore {
    /// Looks at the next entries. What is erased must be recorded: `conclude` gives a draft unless nothing was.
    pub async fn retain<R: Send + 'static>(
        &self,
        attempt: Attempt,
        step: RetentionStep,
        conclude: impl FnMut(Concluding<'_, Retained>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(attempt, Step { role: Role::Auth, step }, conclude).await
    }
}

struct Step {
    role: Role,
    step: RetentionStep,
}

impl Transaction for Step {
    type Outcome = Retained;
    /// Parts go, keys and places stay: what is known of persons remains true.
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Retained, Fault>> {
        Box::pin(async move {
            let RetentionStep { from, young_from_us, is_over } = &self.step;
            let found = Doomed::from(tx, *from, ENTRIES_A_STEP).await?;
            let old = found.iter().take_while(|entry| entry.leaf.time_us < *young_from_us).count();
            let is_last = old < found.len() || found.len() < usize::try_from(ENTRIES_A_STEP).unwrap_or(0);
            let next = found.last().map(|entry| entry.index + 1).filter(|_| !is_last);
            let holds = Holds::load(tx).await?;
            let mut over: Vec<Doomed> = found;
            over.truncate(old);
            over.retain(|entry| {
                let is_there = entry.openings.is_some();
                is_there && is_over(&entry.leaf) && holds.on(&entry.tags(), [entry.index]).is_empty()
            });
            if !over.is_empty() {
                tx.record_erasure(&over).await?;
                tx.empty_parts(self.role, &over).await?;
            }
            Ok(Retained { erased: over.iter().map(Doomed::erased).collect(), next })
        })
    }
}

/// Some milliseconds of the log's time, so that nobody waits long behind a step.
const ENTRIES_A_STEP: i64 = 256;
