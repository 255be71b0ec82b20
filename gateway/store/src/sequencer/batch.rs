//! What happens inside a batch's transaction, and just after it.

use std::sync::Arc;

use pmh_audit::{Checkpoint, Frontier, Hash, Opening, Receipt, SigningKey};
use tokio::time::Instant;

use super::{
    Gather, Head, Job, Sequencer, Taken, Work,
    job::guarded,
    refuse,
    taken::{Decided, built_at, unbuild},
};
use crate::{
    Fault, Role,
    db::Row,
    gateway::{PersonFacts, Registry, load_people},
    last_checkpoint::LastCheckpoint,
};

/// The head: reading it is the first thing that a batch does.
pub(super) const HEAD: &str = "SELECT size, root, frontier, time_us, registry FROM log_head WHERE log_id = 1";

/// A batch that is ready to commit.
pub(super) struct Staged {
    head: Head,
    /// In the order of the jobs; `None` where nothing is recorded.
    entries: Vec<Option<StagedEntry>>,
    pub(super) registry: Arc<Registry>,
}

/// A batch that is durable and waits for its answers.
pub(super) struct Committed {
    pub(super) size: u64,
    root: Hash,
    entries: Vec<Option<StagedEntry>>,
}

pub(super) struct StagedEntry {
    pub(super) event_id: [u8; 16],
    pub(super) index: u64,
    pub(super) leaf: Vec<u8>,
    pub(super) path: Vec<Hash>,
    pub(super) detail: Opening,
    pub(super) subject: Option<Opening>,
}

impl Staged {
    /// Of the log, once the batch is in it.
    pub(super) fn size(&self) -> u64 {
        self.head.frontier.size()
    }

    pub(super) fn first_event(&self) -> Option<[u8; 16]> {
        self.entries.iter().flatten().map(|entry| entry.event_id).next()
    }
}

impl Sequencer {
    /// Everything between BEGIN and COMMIT.
    pub(super) async fn stage(&mut self, batch: &mut Taken) -> Result<Staged, Fault> {
        let mut decided = std::mem::take(&mut batch.decided);
        let mut head = self.locked_head(built_at(&decided)).await?;
        let jobs = &mut batch.jobs;
        if self.gather != Gather::No {
            self.gather(jobs, decided.len());
        }
        let mut registry = self.current_registry().await?;
        self.work(jobs, &mut decided, &mut registry, head.frontier.size()).await?;
        let bulk_began = Instant::now();
        while self.gather != Gather::No && self.gather_bulk(jobs, bulk_began) {
            self.work(jobs, &mut decided, &mut registry, head.frontier.size()).await?;
        }
        if registry.version != self.tx.registry {
            registry = self.current_registry().await?;
        }
        if jobs.is_empty() {
            self.tx.begin().await?;
            self.tx.forget_expired(self.role).await?;
        }
        let entries = self.append(&mut head, jobs, decided, &registry).await?;
        Ok(Staged { head, entries, registry })
    }

    /// The head, which from here on nobody else can move. A SQLite file is written by this task alone: there it is
    /// where the last commit left it. `built_at`: the batch's time, if it has begun already.
    async fn locked_head(&mut self, built_at: Option<i64>) -> Result<Head, Fault> {
        if self.tx.connection.is_sqlite()
            && let Some(head) = self.head.take()
        {
            self.tx.stored_registry = self.tx.registry;
            self.tx.now_us = built_at.unwrap_or_else(|| (self.clock)().max(head.time_us));
            return Ok(head);
        }
        let row = self.tx.begin_with(HEAD).await?;
        self.head_of(row)
    }

    /// The head as it was read under the lock; the stored frontier must hash to the stored root.
    pub(super) fn head_of(&mut self, row: Option<Row>) -> Result<Head, Fault> {
        let row = row.ok_or(MISSING_HEAD)?;
        if !self.tx.connection.is_sqlite() {
            self.known.forget();
        }
        let root: Hash = row.array(1, "log_head")?;
        let stored_time = row.int(3)?;
        self.tx.stored_registry = row.int(4)?;
        self.tx.registry = self.tx.stored_registry;
        self.tx.now_us = (self.clock)().max(stored_time);
        if let Some(head) = self.head.take().filter(|head| head.root == root) {
            return Ok(head);
        }
        let frontier = Frontier::from_bytes(&row.bytes(2)?)
            .map_err(|_| Fault::Inconsistent { table: "log_head", column: "frontier" })?;
        if frontier.root() != root || i64::try_from(frontier.size()).ok() != Some(row.int(0)?) {
            return Err(Fault::Inconsistent { table: "log_head", column: "root" });
        }
        self.last.refuse_older(frontier.size(), &root)?;
        Ok(Head { frontier, root, time_us: stored_time })
    }

    /// The directory at the version that this transaction sees.
    async fn current_registry(&mut self) -> Result<Arc<Registry>, Fault> {
        if self.role == Role::Gateway && self.registry.version != self.tx.registry {
            return Ok(Arc::new(Registry::load(&mut self.tx).await?));
        }
        Ok(Arc::clone(&self.registry))
    }

    /// Runs the jobs that have no draft yet, in order. Neighbouring decisions
    /// share one load; a write in between ends the run, so each sees all before it.
    async fn work(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        decided: &mut Vec<Option<Decided>>,
        registry: &mut Arc<Registry>,
        size: u64,
    ) -> Result<(), Fault> {
        let mut is_read = false;
        while decided.len() < jobs.len() {
            let done = decided.len();
            if !is_read && self.role == Role::Gateway {
                let missing = self.known.missing(people_of_run(jobs, done));
                let found = load_people(&mut self.tx, missing.clone()).await?;
                self.known.learn(missing, found);
                is_read = true;
            }
            let recorded = decided.iter().flatten().count();
            let Some(job) = jobs.get_mut(done) else { break };
            match job.work() {
                Work::Decide(decide) => {
                    if registry.version != self.tx.registry {
                        *registry = Arc::new(Registry::load(&mut self.tx).await?);
                    }
                    let known = decide.person().and_then(|person| self.known.person(&person));
                    let nothing = PersonFacts::default();
                    let draft = guarded(|| decide.decide(known.unwrap_or(&nothing), registry))?;
                    decided.push(draft.map(Decided::from));
                }
                Work::Apply(apply) => {
                    self.tx.begin().await?;
                    self.tx.next_index = size + recorded as u64;
                    if apply.touches_persons() {
                        self.known.forget();
                        unbuild(decided);
                    }
                    decided.push(apply.apply(&mut self.tx).await?.map(Decided::from));
                    // The load before covered the persons up to here and no further.
                    is_read = false;
                }
            }
        }
        Ok(())
    }

    /// After the commit: the new head is everybody's, and the directory is published.
    pub(super) fn conclude(&mut self, staged: Staged) -> Committed {
        let Staged { head, entries, registry } = staged;
        if self.registry.version != registry.version {
            self.registry = Arc::clone(&registry);
            self.publish.send_replace(registry);
        }
        let committed = Committed { size: head.frontier.size(), root: head.root, entries };
        self.head = Some(head);
        // Chains that entries made ahead have grown are written nowhere yet.
        if built_at(&self.taken.decided).is_none() {
            self.known.make_room();
        }
        committed
    }
}

impl Committed {
    /// Signs and answers. A signature for an uncommitted tree can therefore not exist.
    pub(super) fn answer(self, jobs: Vec<Box<dyn Job>>, signer: &SigningKey, last: &LastCheckpoint) {
        let Self { size, root, entries } = self;
        let count = entries.iter().flatten().count();
        if count == 0 {
            for job in jobs {
                job.settle(Ok(None));
            }
            return;
        }
        metrics::histogram!("pmh_log_batch_entries")
            .record(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        let (checkpoint, note) = match sign(signer, size, root) {
            Ok(made) => made,
            Err(fault) => return jobs.into_iter().for_each(|job| refuse(job, &fault)),
        };
        for (job, entry) in jobs.into_iter().zip(entries) {
            job.settle(Ok(entry.map(|entry| entry.receipt(size, note.clone()))));
        }
        // After the callers, who need not wait for it.
        last.keep(checkpoint, &note);
    }
}

impl StagedEntry {
    fn receipt(self, tree_size: u64, checkpoint: String) -> Receipt {
        let Self { leaf, index, path, detail, subject, .. } = self;
        Receipt { leaf, index, tree_size, path, checkpoint, detail, subject }
    }
}

/// The checkpoint of a tree, and as a signed note.
pub(super) fn sign(signer: &SigningKey, size: u64, root: Hash) -> Result<(Checkpoint, String), Fault> {
    Checkpoint::new(signer.verifier().name(), size, root)
        .and_then(|checkpoint| checkpoint.sign(signer).map(|note| (checkpoint, note)))
        .map_err(|_| Fault::Setting("the key does not sign checkpoints of this log"))
}

/// Persons of the decisions from `from` up to the next write.
fn people_of_run(jobs: &mut [Box<dyn Job>], from: usize) -> Vec<[u8; 32]> {
    let mut people = Vec::new();
    for job in jobs.iter_mut().skip(from) {
        match job.work() {
            Work::Decide(decide) => people.extend(decide.person()),
            Work::Apply(_) => break,
        }
    }
    people.sort_unstable();
    people.dedup();
    people
}

pub(super) fn signed(value: u64) -> Result<i64, Fault> {
    i64::try_from(value).map_err(|_| UNENCODABLE)
}

const MISSING_HEAD: Fault = Fault::Inconsistent { table: "log_head", column: "log_id" };
pub(super) const UNENCODABLE: Fault = Fault::Inconsistent { table: "log_entry", column: "leaf" };
