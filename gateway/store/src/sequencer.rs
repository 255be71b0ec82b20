//! The sequencer: one task that commits effect and leaf together.
//!
//! A batch gathers by itself while the one before it flushes: on PostgreSQL
//! while the lock of the head row is awaited, on a SQLite file, which has no
//! other writer, in memory, where its entries are made already (`taken`). The
//! batch's loads are one statement per table, the decisions are pure, and one
//! commit covers effects, leaves and head. Only then is the checkpoint signed
//! and everybody answered (design.md §6.1–6.2, audit.md §2.4).

mod append;
mod batch;
mod chains;
mod check;
mod entry;
mod fold;
mod job;
mod known;
mod taken;
mod tx;

use std::{sync::Arc, time::Duration};

use batch::Committed;
use entry::Scribe;
use pmh_audit::{Frontier, Hash, SigningKey};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, Interval, MissedTickBehavior},
};

use fold::Folding;
pub(crate) use job::{BoxFuture, DecideJob, Job, Transaction, Work, WriteJob};
pub use job::{Concluding, Conclusion, Idempotency, Reply};
use known::Known;
use taken::Taken;
pub(crate) use tx::{KEPT_US, Tx};

use crate::{
    Fault, Location, Role, StoreKeys,
    db::{Connection, FileLock},
    gateway::Registry,
    last_checkpoint::LastCheckpoint,
};

/// Microseconds since 1970 UTC, from the program's clock.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Interactive operations that may be without an answer; beyond it callers are told at once to try again.
const QUEUE: usize = 4096;
/// Entries in one commit at most.
const BATCH: usize = 1024;
/// Entries still to be made, beside those made ahead, for which the database is kept waiting.
const ENOUGH: usize = 32;
/// How long bulk work may hold a batch that interactive callers wait for.
const BULK_BUDGET: Duration = Duration::from_millis(5);
/// Attempts of a batch that the database asks to repeat.
const ATTEMPTS: u32 = 8;
/// How often an idle log is looked at: another replica's directory, a database
/// that has come back, rows that have expired.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Questions for the fate of a COMMIT, and the longest pause between two:
/// about eight seconds, in which a server restarts or fails over.
const QUESTIONS: u32 = 20;
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

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
    /// Where the last signed checkpoint is kept beside the database, so that a restored one is noticed; see
    /// [`default_checkpoint_file`](crate::default_checkpoint_file). `None`: nowhere.
    pub checkpoint_file: Option<std::path::PathBuf>,
}

/// The caller's end of a sequencer.
#[derive(Clone)]
pub(crate) struct Handle {
    /// One for each interactive operation that may be without an answer.
    places: Arc<Semaphore>,
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
                let place = Arc::clone(&self.places).try_acquire_owned();
                let place = place.map_err(|_| Fault::Unavailable("queue full"))?;
                let job = Box::new(job::Placed::new(job, place));
                self.interactive.try_send(job).map_err(|_| Fault::Unavailable("closed"))
            }
            // A stream of rows waits instead: its own flow control is the back-pressure.
            Lane::Bulk => self.bulk.send(job).await.map_err(|_| Fault::Unavailable("closed")),
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        QUEUE - self.places.available_permits()
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
    let lock = FileLock::take(&settings.location)?;
    let last = LastCheckpoint::open(settings.checkpoint_file.as_deref(), settings.signer.verifier())?;
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
        signer: Arc::new(settings.signer),
        last: Arc::new(last),
        callers: tokio::runtime::Handle::current(),
        clock: settings.clock,
        head: None,
        known: Known::default(),
        taken: Taken::default(),
        registry,
        publish,
        state,
        interactive: interactive_jobs,
        bulk: bulk_jobs,
        gather: Gather::No,
        following: Gather::All,
        due: None,
        folding: None,
        _lock: lock,
    };
    sequencer.found_or_check().await?;
    let task = on_its_own_thread(sequencer)?;
    let places = Arc::new(Semaphore::new(QUEUE));
    Ok((Handle { places, interactive, bulk, state: state_watch, registry: registry_watch }, task))
}

/// The sequencer waits for the disk many times a batch; on a thread of its own it is woken at once, instead of
/// queueing behind the very calls that wait for it.
fn on_its_own_thread(sequencer: Sequencer) -> Result<tokio::task::JoinHandle<()>, Fault> {
    let (done, ended) = tokio::sync::oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("pmh-sequencer".to_owned()).spawn(move || {
        runtime.block_on(sequencer.run());
        drop(done);
    })?;
    Ok(tokio::spawn(async move { drop(ended.await) }))
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
    signer: Arc<SigningKey>,
    last: Arc<LastCheckpoint>,
    /// Where the callers run.
    callers: tokio::runtime::Handle,
    clock: Clock,
    head: Option<Head>,
    known: Known,
    /// The next batch, as far as it is out of the queue.
    taken: Taken,
    registry: Arc<Registry>,
    publish: watch::Sender<Arc<Registry>>,
    state: watch::Sender<State>,
    interactive: mpsc::Receiver<Box<dyn Job>>,
    bulk: mpsc::Receiver<Box<dyn Job>>,
    /// Of the batch under way.
    gather: Gather,
    /// Of a batch that follows another without a pause.
    following: Gather,
    due: Option<Due>,
    folding: Option<Folding>,
    _lock: Option<FileLock>,
}

/// Answers that are durable but not given yet. Whoever gets one comes back with the next question, and may take the
/// processor on which the next batch is on its way to the database: that goes first.
struct Due {
    jobs: Vec<Box<dyn Job>>,
    committed: Committed,
    signer: Arc<SigningKey>,
    last: Arc<LastCheckpoint>,
}

impl Due {
    /// Signs, makes the receipts and wakes the callers: on their own threads, so that the next batch begins at once
    /// and one wake-up serves them all.
    fn give(self, callers: &tokio::runtime::Handle) {
        callers.spawn(async move { self.committed.answer(self.jobs, &self.signer, &self.last) });
    }
}

/// Why the sequencer wakes up.
enum Wake {
    Batch(Gather),
    Look,
}

impl Sequencer {
    async fn run(mut self) {
        self.folding = self.tx.connection.is_sqlite().then(|| Folding::begin(self.location.clone()));
        // On this runtime, which nobody shuts down before the task has ended.
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_poisoned()
            && let Some(wake) = self.next(&mut look).await
        {
            match wake {
                Wake::Look => {
                    self.answer_due();
                    self.log_answers().await;
                }
                Wake::Batch(gather) => self.batch_and_answers(gather).await,
            }
        }
        self.leave_nobody_waiting().await;
        if let Some(folding) = self.folding.take() {
            folding.end().await;
        }
        self.tx.connection.close().await;
    }

    /// A caller may stand between its place in the queue and the queue itself. Merely dropped, the queue would keep
    /// that job, and its caller would wait for as long as anybody holds the store: it is closed and emptied instead.
    async fn leave_nobody_waiting(&mut self) {
        self.interactive.close();
        self.bulk.close();
        for job in std::mem::take(&mut self.taken).jobs {
            refuse(job, &Fault::Unavailable("closed"));
        }
        while let Some(job) = self.interactive.recv().await {
            refuse(job, &Fault::Unavailable("closed"));
        }
        while let Some(job) = self.bulk.recv().await {
            refuse(job, &Fault::Unavailable("closed"));
        }
    }

    /// What to do next; interactive work first. `None`: all callers have gone.
    async fn next(&mut self, look: &mut Interval) -> Option<Wake> {
        if self.taken.jobs.is_empty() {
            self.taken.jobs.extend(self.interactive.try_recv());
        }
        if self.taken.jobs.is_empty() {
            self.answer_due();
        }
        let first = tokio::select! {
            biased;
            _ = look.tick() => return Some(Wake::Look),
            () = std::future::ready(()), if !self.taken.jobs.is_empty() => return Some(Wake::Batch(self.following)),
            job = self.interactive.recv() => match job {
                Some(job) => job,
                // Both lanes close together; what still waits in bulk is done.
                None => self.bulk.recv().await?,
            },
            Some(job) = self.bulk.recv() => job,
        };
        self.taken.jobs.push(first);
        // Whoever came at this instant shares the next flush (audit.md I6).
        self.following = Gather::All;
        Some(Wake::Batch(Gather::Enough))
    }

    /// The batch, and the answers of the one before it as soon as this one waits for the database.
    async fn batch_and_answers(&mut self, gather: Gather) {
        let (mut due, callers) = (self.due.take(), self.callers.clone());
        let mut batch = std::pin::pin!(self.batch(gather));
        std::future::poll_fn(|context| {
            let done = batch.as_mut().poll(context);
            if let Some(due) = due.take() {
                due.give(&callers);
            }
            done
        })
        .await;
    }

    async fn batch(&mut self, gather: Gather) {
        let mut batch = std::mem::take(&mut self.taken);
        match self.repeated(&mut batch, gather).await {
            Ok(committed) => {
                let size = committed.size;
                self.due = Some(self.due(batch.jobs, committed));
                self.fold_rest(size).await;
            }
            Err(fault) => self.alone(batch.jobs, &fault).await,
        }
    }

    /// Ends what was folded beside this writer, so that the WAL begins anew.
    async fn fold_rest(&mut self, size: u64) {
        if self.folding.as_mut().is_some_and(|folding| folding.grown(size)) {
            self.answer_due();
            let registry = Arc::clone(&self.registry);
            if let Err(fault) = self.meanwhile(&registry, size, fold::pass).await {
                fold::not_folded(&fault);
            }
        }
    }

    /// Attempts until the database stops asking to try again.
    async fn repeated(&mut self, batch: &mut Taken, gather: Gather) -> Result<Committed, Fault> {
        let mut outcome = self.attempt(batch, gather).await;
        for repeat in 1..ATTEMPTS {
            match &outcome {
                Err(fault) if fault.is_retryable() => {
                    tokio::time::sleep(Duration::from_millis(1 << repeat)).await;
                    outcome = self.attempt(batch, Gather::No).await;
                }
                _ => break,
            }
        }
        outcome
    }

    /// One bad operation never fails its neighbours: each is run again alone,
    /// as long as it was an operation that failed and not the log.
    async fn alone(&mut self, jobs: Vec<Box<dyn Job>>, fault: &Fault) {
        tracing::warn!(%fault, jobs = jobs.len(), "batch failed");
        let only_one = jobs.len() == 1;
        let mut is_up = self.log_answers().await;
        for job in jobs {
            if only_one || !is_up {
                refuse(job, fault);
                continue;
            }
            let mut single = Taken::one(job);
            match self.repeated(&mut single, Gather::No).await {
                Ok(committed) => self.due(single.jobs, committed).give(&self.callers),
                Err(fault) => {
                    for job in single.jobs {
                        refuse(job, &fault);
                    }
                    is_up = self.log_answers().await;
                }
            }
        }
    }

    /// A batch of nobody: whether the log could take entries now. It also reads
    /// what other replicas wrote and lets expired rows go.
    async fn log_answers(&mut self) -> bool {
        if self.is_poisoned() {
            return false;
        }
        let Err(fault) = self.attempt(&mut Taken::default(), Gather::No).await else { return true };
        tracing::error!(%fault, cause = ?std::error::Error::source(&fault), "log does not answer");
        self.state.send_if_modified(|state| {
            let was_ready = *state == State::Ready;
            if was_ready {
                *state = State::Failing;
            }
            was_ready
        });
        false
    }

    fn is_poisoned(&self) -> bool {
        *self.state.borrow() == State::Poisoned
    }

    /// Begins, runs, commits; on any fault nothing of it stays.
    async fn attempt(&mut self, batch: &mut Taken, gather: Gather) -> Result<Committed, Fault> {
        self.gather = gather;
        self.reconnect_if_lost().await?;
        let staged = match self.stage(batch).await {
            Ok(staged) => staged,
            Err(fault) => {
                self.forget();
                self.tx.undo().await;
                return Err(fault);
            }
        };
        if std::mem::take(&mut self.tx.begun) {
            if let Err(fault) = self.meanwhile(&staged.registry, staged.size(), Connection::commit).await {
                self.learn_commit(&staged, fault).await?;
            }
            self.state.send_if_modified(|state| std::mem::replace(state, State::Ready) != State::Ready);
        }
        Ok(self.conclude(staged))
    }

    /// The database works; on a file that nobody else writes, the next batch is made meanwhile, whenever the database
    /// has come a statement further. `size`: of the log, once this batch is in it.
    async fn meanwhile<T>(
        &mut self,
        registry: &Registry,
        size: u64,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Self { tx, taken, interactive, known, role, clock, gather, .. } = self;
        let Tx { connection, keys, now_us, .. } = tx;
        let is_next_known = *gather != Gather::No && connection.is_sqlite();
        let mut work = std::pin::pin!(work(connection));
        std::future::poll_fn(|context| {
            loop {
                let done = work.as_mut().poll(context);
                if done.is_ready() || !is_next_known {
                    return done;
                }
                let now_us = taken::built_at(&taken.decided).unwrap_or_else(|| clock().max(*now_us));
                let mut scribe = Scribe { role: *role, keys, known, now_us };
                if !taken.look_ahead(interactive, &mut scribe, registry, size) {
                    return done;
                }
            }
        })
        .await
    }

    fn scribe(&mut self) -> Scribe<'_> {
        let Tx { keys, now_us, .. } = &self.tx;
        Scribe { role: self.role, keys, known: &mut self.known, now_us: *now_us }
    }

    fn due(&self, jobs: Vec<Box<dyn Job>>, committed: Committed) -> Due {
        Due { jobs, committed, signer: Arc::clone(&self.signer), last: Arc::clone(&self.last) }
    }

    fn answer_due(&mut self) {
        if let Some(due) = self.due.take() {
            due.give(&self.callers);
        }
    }

    async fn reconnect_if_lost(&mut self) -> Result<(), Fault> {
        if self.tx.lost {
            self.tx.connection = Connection::open(&self.location).await?;
            self.tx.lost = false;
            self.tx.begun = false;
            self.forget();
        }
        Ok(())
    }

    /// What was learnt before is of no use after a fault.
    fn forget(&mut self) {
        self.head = None;
        self.known.forget();
        self.taken.decided.clear();
    }

    /// COMMIT without an answer: on PostgreSQL it is looked up under the head
    /// lock, never guessed; on SQLite a failed flush is final for this process,
    /// because the kernel may have dropped the pages it could not write.
    async fn learn_commit(&mut self, staged: &batch::Staged, fault: Fault) -> Result<(), Fault> {
        self.forget();
        self.tx.lost = true;
        if self.tx.connection.is_sqlite() {
            if !fault.is_contention() {
                self.state.send_replace(State::Poisoned);
            }
            return Err(fault);
        }
        let Some(event) = staged.first_event() else { return Err(fault) };
        let mut pause = Duration::from_millis(10);
        for _ in 0..QUESTIONS {
            match self.is_recorded(event).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(fault),
                Err(_) => {
                    self.tx.lost = true;
                    self.state
                        .send_if_modified(|state| std::mem::replace(state, State::Failing) != State::Failing);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Err(Fault::Unavailable("outcome of a commit unknown"))
    }

    /// Whether an event is in the log. The head lock waits for the transaction
    /// that may still be ending.
    async fn is_recorded(&mut self, event: [u8; 16]) -> Result<bool, Fault> {
        self.reconnect_if_lost().await?;
        self.tx.connection.begin_with(batch::HEAD).await?;
        let found = self
            .tx
            .connection
            .fetch_one("SELECT idx FROM log_event WHERE event_id = $1", vec![event.into()])
            .await?;
        self.tx.connection.rollback().await?;
        Ok(found.is_some())
    }

    /// What waits, taken while the lock is held; or enough of it, on a file that nobody else writes. `made`: entries made
    /// ahead.
    fn gather(&mut self, jobs: &mut Vec<Box<dyn Job>>, made: usize) {
        let is_enough = self.gather == Gather::Enough && self.tx.connection.is_sqlite();
        let enough = if is_enough { ENOUGH } else { BATCH };
        let mut decidable = jobs.len().saturating_sub(made);
        while jobs.len() < BATCH && decidable < enough {
            let Ok(mut job) = self.interactive.try_recv() else {
                if self.gather == Gather::All {
                    self.following = Gather::Enough;
                }
                return;
            };
            decidable += usize::from(taken::is_decidable(job.as_mut(), &self.known));
            jobs.push(job);
        }
    }

    /// One waiting chunk, if bulk has not had its time in this batch. The time
    /// counts from the first chunk, so that interactive work cannot starve bulk.
    fn gather_bulk(&mut self, jobs: &mut Vec<Box<dyn Job>>, began: Instant) -> bool {
        began.elapsed() <= BULK_BUDGET && self.bulk.try_recv().map(|job| jobs.push(job)).is_ok()
    }
}

/// Whether an attempt may take more operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gather {
    /// All that wait: after a pause, until nobody waits.
    All,
    /// What is made already and so much more that the database is at work while the rest is made. So two halves of a
    /// crowd take turns, one at the database and one on its way.
    Enough,
    /// A repeated attempt must not, or a bad operation would keep failing ever new neighbours; nor is the next batch made
    /// meanwhile, because others may be repeated before it.
    No,
}

/// The caller learns that nothing was written; the operator learns why.
fn refuse(job: Box<dyn Job>, fault: &Fault) {
    tracing::error!(%fault, cause = ?std::error::Error::source(fault), "operation not written");
    job.settle(Err(Fault::Unavailable("not written")));
}
