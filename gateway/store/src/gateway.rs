//! The gateway role's database: records by an opaque reference, the directory, the log.

mod chunk;
mod entitlements;
mod links;
mod people;
mod registry;
mod residents;

pub(crate) use chunk::{Batch, decided_before, remember};
pub use chunk::{ChunkRow, RowConflict, RowDone, RowOutcome, RowVerdict};
pub use entitlements::EntitlementChunk;
pub use links::{Heads, LinkDecision, Proposal, ProposalState, ProposedLink};
pub(crate) use people::{NON_DISCLOSURE, PROTECTIVE, format, load_people, parse};
pub use people::{PersonFacts, PersonLink};
pub(crate) use registry::short;
pub use registry::{Organization, Registry, RegistryChange};
pub use residents::{ResidentChange, ResidentChunk};

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    Attempt, Concluding, Conclusion, Cosigner, Draft, Fault, Idempotency, Reader, Recorded, Reply,
    TileKeeper,
    sequencer::{self, BoxFuture, DecideJob, Handle, Lane, LogSettings, State, Transaction, Tx, WriteJob},
};

/// A reference of a person in this database: AES-SIV of the person under auth's key.
pub type SubjectRef = [u8; 32];

/// The gateway database and its log.
#[derive(Clone)]
pub struct GatewayStore {
    handle: Handle,
    reader: Reader,
}

impl GatewayStore {
    /// Opens, migrates and checks the database; starts its sequencer.
    pub async fn open(settings: LogSettings) -> Result<(Self, tokio::task::JoinHandle<()>), Fault> {
        let location = settings.location.clone();
        let keys = settings.keys.clone();
        let (handle, task) = sequencer::start(settings, crate::Role::Gateway).await?;
        let reader = Reader::open(&location, keys).await?;
        Ok((Self { handle, reader }, task))
    }

    /// Interactive operations that wait for their answer, at most 4,096.
    pub fn waiting(&self) -> usize {
        self.handle.waiting()
    }

    /// Whether the log takes entries.
    pub fn state(&self) -> watch::Receiver<State> {
        self.handle.state()
    }

    /// The directory as of the last commit.
    pub fn registry(&self) -> watch::Receiver<Arc<Registry>> {
        self.handle.registry()
    }

    /// Writes down what witnesses answered.
    pub fn cosigner(&self) -> Cosigner {
        Cosigner::new(self.handle.clone())
    }

    /// Makes this log's tiles, round by round.
    pub fn tile_keeper(&self) -> TileKeeper {
        TileKeeper::new(self.handle.clone(), self.reader.clone())
    }

    /// Reads that need no lock: proofs and pages of the log.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Decides on a person's facts inside the batch and records the decision.
    /// The closure is pure; it may be called again if the batch has to run again.
    pub async fn disclose<T: Send + 'static>(
        &self,
        attempt: Attempt,
        person: Option<SubjectRef>,
        decide: impl FnMut(&PersonFacts, &Registry) -> (T, Option<Draft>) + Send + 'static,
    ) -> Result<Recorded<T>, Fault> {
        let (job, answer) = DecideJob::new(attempt, person, decide);
        self.handle.submit(Lane::Interactive, Box::new(job)).await?;
        answer.await.map_err(|_| Fault::Unavailable("sequencer ended"))?
    }

    /// The caller's key where the effects are in the other database: `Fresh`
    /// until an answer was concluded under it. To ask only whether there is
    /// one, refuse what is fresh: a refusal is not kept.
    pub async fn once<R: Send + 'static>(
        &self,
        attempt: Attempt,
        idempotency: Idempotency,
        conclude: impl FnMut(Concluding<'_, ()>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault> {
        self.write(Lane::Interactive, attempt, Some(idempotency), Nothing, conclude).await
    }

    pub(crate) async fn write<X, R>(
        &self,
        lane: Lane,
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        transaction: X,
        conclude: impl FnMut(Concluding<'_, X::Outcome>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        X: Transaction,
        R: Send + 'static,
    {
        let (job, answer) = WriteJob::new(attempt, idempotency, transaction, conclude);
        self.handle.submit(lane, Box::new(job)).await?;
        answer.await.map_err(|_| Fault::Unavailable("sequencer ended"))?
    }
}

/// Changes nothing here.
struct Nothing;

impl Transaction for Nothing {
    type Outcome = ();

    fn run<'a>(&'a self, _: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
}
