//! The sequencer: one task that commits effect and leaf together.
//!
//! Waiting operations are taken into a batch only once the head row is locked,
//! so a batch gathers by itself while the one before it flushes; no timer. The
//! batch's loads are one statement per table, the decisions are pure, and one
//! commit covers effects, leaves and head. Only then is the checkpoint signed
//! and everybody answered (design.md §6.1–6.2, audit.md §2.4).

mod batch;
mod job;
mod tx;

use std::{sync::Arc, time::Duration};

use pmh_audit::{Frontier, Hash, Receipt, SigningKey};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

pub(crate) use job::{BoxFuture, DecideJob, Job, Transaction, Work, WriteJob};
pub use job::{Concluding, Conclusion, Idempotency, Reply};
pub(crate) use tx::{KEPT_US, Tx};

use crate::{Fault, Location, Role, StoreKeys, db::Connection, gateway::Registry};

/// Microseconds since 1970 UTC, from the program's clock.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Operations that may wait; beyond it callers are told at once to try again.
const QUEUE: usize = 4096;
/// Entries in one commit at most.
const BATCH: usize = 1024;
/// How long bulk work may hold a batch that interactive callers wait for.
const BULK_BUDGET: Duration = Duration::from_millis(5);
/// Attempts of a batch that the database asks to repeat.
const ATTEMPTS: u32 = 8;

/// What a sequencer is opened with.
pub struct LogSettings {
    /// Where the database is.
    pub location: Location,
    /// Signs checkpoints; its name is the log's origin.
    pub signer: SigningKey,
    /// Keys of the database.
    pub keys: StoreKeys,
    /// The program's clock.
    pub clock: Clock,
}

/// The caller's end of a sequencer.
#[derive(Clone)]
pub(crate) struct Handle {
    interactive: mpsc::Sender<Box<dyn Job>>,
    bulk: mpsc::Sender<Box<dyn Job>>,
    state: watch::Receiver<State>,
    registry: watch::Receiver<Arc<Registry>>,
}

/// Whether the log takes entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Ready,
    /// The last batch could not be written; callers may try again.
    Failing,
    /// A flush failed; the process must end, because what the kernel dropped is unknown.
    Poisoned,
}

/// Which queue an operation waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Interactive,
    Bulk,
}

impl Handle {
    /// Puts a job into its lane. A full queue is refused at once: better no
    /// answer now than an unlogged one ever.
    pub(crate) async fn submit(&self, lane: Lane, job: Box<dyn Job>) -> Result<(), Fault> {
        match lane {
            Lane::Interactive => {
                self.interactive.try_send(job).map_err(|_| Fault::Unavailable("queue full"))
            }
            // A stream of rows waits instead: its own flow control is the back-pressure.
            Lane::Bulk => self.bulk.send(job).await.map_err(|_| Fault::Unavailable("closed")),
        }
    }

    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    pub(crate) fn registry(&self) -> watch::Receiver<Arc<Registry>> {
        self.registry.clone()
    }
}

/// Opens the database, checks that the stored log is the log it says it is,
/// and starts the task.
pub(crate) async fn start(
    settings: LogSettings,
    role: Role,
) -> Result<(Handle, tokio::task::JoinHandle<()>), Fault> {
    let mut connection = Connection::open(&settings.location).await?;
    connection.migrate(role).await?;
    let registry = Arc::new(Registry::default());
    let (interactive, interactive_jobs) = mpsc::channel(QUEUE);
    let (bulk, bulk_jobs) = mpsc::channel(16);
    let (state, state_watch) = watch::channel(State::Ready);
    let (publish, registry_watch) = watch::channel(Arc::clone(&registry));
    let mut sequencer = Sequencer {
        tx: Tx::new(connection, settings.keys),
        location: settings.location,
        role,
        signer: settings.signer,
        clock: settings.clock,
        head: None,
        registry,
        publish,
        state,
        interactive: interactive_jobs,
        bulk: bulk_jobs,
    };
    sequencer.found_or_check().await?;
    let task = tokio::spawn(sequencer.run());
    Ok((Handle { interactive, bulk, state: state_watch, registry: registry_watch }, task))
}

/// Head of the log as of the last commit.
#[derive(Clone)]
struct Head {
    frontier: Frontier,
    root: Hash,
    time_us: i64,
}

struct Sequencer {
    tx: Tx,
    location: Location,
    role: Role,
    signer: SigningKey,
    clock: Clock,
    head: Option<Head>,
    registry: Arc<Registry>,
    publish: watch::Sender<Arc<Registry>>,
    state: watch::Sender<State>,
    interactive: mpsc::Receiver<Box<dyn Job>>,
    bulk: mpsc::Receiver<Box<dyn Job>>,
}

impl Sequencer {
    async fn run(mut self) {
        while let Some(first) = self.next().await {
            let mut jobs = vec![first];
            let mut outcome = self.attempt(&mut jobs, Gather::Yes).await;
            for repeat in 1..ATTEMPTS {
                match &outcome {
                    Err(fault) if fault.is_retryable() => {
                        tokio::time::sleep(Duration::from_millis(u64::from(repeat))).await;
                        outcome = self.attempt(&mut jobs, Gather::No).await;
                    }
                    _ => break,
                }
            }
            match outcome {
                Ok(receipts) => settle(jobs, receipts),
                Err(fault) => self.alone(jobs, fault).await,
            }
            if *self.state.borrow() == State::Poisoned {
                return;
            }
        }
    }

    /// The next operation that waits; interactive work first.
    async fn next(&mut self) -> Option<Box<dyn Job>> {
        tokio::select! {
            biased;
            Some(job) = self.interactive.recv() => Some(job),
            Some(job) = self.bulk.recv() => Some(job),
            else => None,
        }
    }

    /// One bad operation never fails its neighbours: each is run again alone.
    async fn alone(&mut self, jobs: Vec<Box<dyn Job>>, fault: Fault) {
        tracing::warn!(error = %fault, jobs = jobs.len(), "batch failed");
        if jobs.len() == 1 {
            self.note_failure(&fault);
            for job in jobs {
                job.settle(Err(Fault::Unavailable("not written")));
            }
            return;
        }
        for job in jobs {
            let mut single = vec![job];
            match self.attempt(&mut single, Gather::No).await {
                Ok(receipts) => settle(single, receipts),
                Err(fault) => {
                    self.note_failure(&fault);
                    for job in single {
                        job.settle(Err(Fault::Unavailable("not written")));
                    }
                }
            }
        }
    }

    fn note_failure(&self, fault: &Fault) {
        tracing::error!(error = %fault, source = ?std::error::Error::source(fault), "operation not written");
        self.state.send_if_modified(|state| {
            let failing = *state == State::Ready;
            if failing {
                *state = State::Failing;
            }
            failing
        });
    }

    /// Begins, runs, commits; on any fault nothing of it stays.
    async fn attempt(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        gather: Gather,
    ) -> Result<Vec<Option<Receipt>>, Fault> {
        self.reconnect_if_lost().await?;
        self.tx.connection.begin().await?;
        let staged = match self.stage(jobs, gather).await {
            Ok(staged) => staged,
            Err(fault) => {
                self.head = None;
                // A connection that cannot roll back is dropped, which rolls back too.
                if self.tx.connection.rollback().await.is_err() {
                    self.tx.lost = true;
                }
                return Err(fault);
            }
        };
        if let Err(fault) = self.tx.connection.commit().await {
            self.learn_commit(&staged, fault).await?;
        }
        self.state.send_if_modified(|state| std::mem::replace(state, State::Ready) != State::Ready);
        self.conclude(staged)
    }

    async fn reconnect_if_lost(&mut self) -> Result<(), Fault> {
        if self.tx.lost {
            self.tx.connection = Connection::open(&self.location).await?;
            self.tx.lost = false;
            self.head = None;
        }
        Ok(())
    }

    /// COMMIT without an answer: on PostgreSQL it is looked up under the head
    /// lock, never guessed; on SQLite a failed flush is final for this process.
    async fn learn_commit(&mut self, staged: &batch::Staged, fault: Fault) -> Result<(), Fault> {
        self.head = None;
        if self.tx.connection.is_sqlite() {
            if !fault.is_retryable() {
                self.state.send_replace(State::Poisoned);
            }
            self.tx.lost = true;
            return Err(fault);
        }
        self.tx.connection = Connection::open(&self.location).await?;
        let Some(event) = staged.first_event() else { return Err(fault) };
        self.tx.connection.begin().await?;
        // The lock waits for the zombie transaction to end.
        self.tx.connection.fetch_one("SELECT size FROM log_head WHERE log_id = 1 FOR UPDATE", vec![]).await?;
        let found = self
            .tx
            .connection
            .fetch_one("SELECT idx FROM log_event WHERE event_id = $1", vec![event.into()])
            .await?;
        self.tx.connection.commit().await?;
        if found.is_some() { Ok(()) } else { Err(fault) }
    }

    /// Everything that waits, taken while the lock is held.
    fn gather(&mut self, jobs: &mut Vec<Box<dyn Job>>) {
        while jobs.len() < BATCH {
            match self.interactive.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => return,
            }
        }
    }

    fn gather_bulk(&mut self, jobs: &mut Vec<Box<dyn Job>>, began: Instant) -> bool {
        if jobs.len() >= BATCH || began.elapsed() > BULK_BUDGET {
            return false;
        }
        self.bulk.try_recv().map(|job| jobs.push(job)).is_ok()
    }
}

/// Whether an attempt may take more operations: a repeated one must not, or a
/// bad operation would keep failing ever new neighbours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gather {
    Yes,
    No,
}

fn settle(jobs: Vec<Box<dyn Job>>, receipts: Vec<Option<Receipt>>) {
    for (job, receipt) in jobs.into_iter().zip(receipts) {
        job.settle(Ok(receipt));
    }
}
