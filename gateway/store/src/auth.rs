//! The auth role's database: cards, persons, presences. It knows no record.

mod link;
mod people;
mod presence;

pub use link::{LinkOutcome, Relation, RenewalOutcome};
pub use people::Minted;
pub use presence::{Admission, Admitted, PresenceRow, PresenceUpdate};

use crate::{
    Attempt, Concluding, Conclusion, Cosigner, Fault, Idempotency, Reader, Recorded, Reply, TileKeeper,
    sequencer::{self, Handle, Lane, LogSettings, State, Transaction, WriteJob},
};

/// A person inside auth: 128 random bits.
pub type Person = [u8; 16];

/// The auth database and its log.
#[derive(Clone)]
pub struct AuthStore {
    handle: Handle,
    reader: Reader,
}

impl AuthStore {
    /// Opens, migrates and checks the database; starts its sequencer.
    pub async fn open(settings: LogSettings) -> Result<(Self, tokio::task::JoinHandle<()>), Fault> {
        let location = settings.location.clone();
        let keys = settings.keys.clone();
        let (handle, task) = sequencer::start(settings, crate::Role::Auth).await?;
        let reader = Reader::open(&location, keys).await?;
        Ok((Self { handle, reader }, task))
    }

    /// Writes down what witnesses answered.
    pub fn cosigner(&self) -> Cosigner {
        Cosigner::new(self.handle.clone())
    }

    /// Makes this log's tiles, round by round.
    pub fn tile_keeper(&self) -> TileKeeper {
        TileKeeper::new(self.handle.clone(), self.reader.clone())
    }

    /// Reads that need no lock.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Interactive operations that wait for their answer, at most 4,096.
    pub fn waiting(&self) -> usize {
        self.handle.waiting()
    }

    /// Whether the log takes entries.
    pub fn state(&self) -> tokio::sync::watch::Receiver<State> {
        self.handle.state()
    }

    pub(crate) async fn write<X, R>(
        &self,
        attempt: Attempt,
        transaction: X,
        conclude: impl FnMut(Concluding<'_, X::Outcome>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        X: Transaction,
        R: Send + 'static,
    {
        self.write_once(attempt, None, transaction, conclude).await
    }

    async fn write_once<X, R>(
        &self,
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
        self.handle.submit(Lane::Interactive, Box::new(job)).await?;
        answer.await.map_err(|_| Fault::Unavailable("sequencer ended"))?
    }
}
