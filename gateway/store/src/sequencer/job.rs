//! What waits in the queue.

use std::{future::Future, pin::Pin};

use pmh_audit::Receipt;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::tx::{Earlier, Tx};
use crate::{
    Attempt, Draft, Fault, Recorded,
    gateway::{PersonFacts, Registry},
};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a caller waits for.
type Answer<T> = Result<Recorded<T>, Fault>;

/// One queued operation.
pub(crate) trait Job: Send {
    fn attempt(&self) -> &Attempt;
    fn work(&mut self) -> Work<'_>;
    /// Answers the caller. A caller that has gone away changes nothing.
    fn settle(self: Box<Self>, outcome: Result<Option<Receipt>, Fault>);
}

/// A job with its place among those that may wait, which it gives back with its answer.
pub(super) struct Placed {
    job: Box<dyn Job>,
    place: OwnedSemaphorePermit,
}

impl Placed {
    pub(super) fn new(job: Box<dyn Job>, place: OwnedSemaphorePermit) -> Self {
        Self { job, place }
    }
}

impl Job for Placed {
    fn attempt(&self) -> &Attempt {
        self.job.attempt()
    }

    fn work(&mut self) -> Work<'_> {
        self.job.work()
    }

    fn settle(self: Box<Self>, outcome: Result<Option<Receipt>, Fault>) {
        let Self { job, place } = *self;
        drop(place);
        job.settle(outcome);
    }
}

/// How a job works: a pure decision on loaded facts, or statements of its own.
pub(crate) enum Work<'a> {
    Decide(&'a mut dyn Decide),
    Apply(&'a mut dyn Apply),
}

/// A pure decision; may be made twice if the batch has to run again.
pub(crate) trait Decide: Send {
    /// Whose facts it needs.
    fn person(&self) -> Option<[u8; 32]>;
    fn decide(&mut self, person: &PersonFacts, registry: &Registry) -> Option<Draft>;
}

/// Statements inside the batch's transaction; may run twice, so without side effects.
pub(crate) trait Apply: Send {
    /// Whether it may change what is known of persons.
    fn touches_persons(&self) -> bool;
    fn apply<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Option<Draft>, Fault>>;
}

/// A disclosure: decided on the very snapshot that its entry is committed with.
pub(crate) struct DecideJob<T, F> {
    attempt: Attempt,
    person: Option<[u8; 32]>,
    decide: F,
    answer: Option<T>,
    reply: oneshot::Sender<Answer<T>>,
}

impl<T, F> DecideJob<T, F> {
    pub(crate) fn new(
        attempt: Attempt,
        person: Option<[u8; 32]>,
        decide: F,
    ) -> (Self, oneshot::Receiver<Answer<T>>) {
        let (reply, answer) = oneshot::channel();
        (Self { attempt, person, decide, answer: None, reply }, answer)
    }
}

impl<T, F> Job for DecideJob<T, F>
where
    T: Send + 'static,
    F: FnMut(&PersonFacts, &Registry) -> (T, Option<Draft>) + Send + 'static,
{
    fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    fn work(&mut self) -> Work<'_> {
        Work::Decide(self)
    }

    fn settle(self: Box<Self>, outcome: Result<Option<Receipt>, Fault>) {
        let Self { answer, reply, .. } = *self;
        let _ = reply.send(recorded(answer, outcome));
    }
}

impl<T, F> Decide for DecideJob<T, F>
where
    T: Send + 'static,
    F: FnMut(&PersonFacts, &Registry) -> (T, Option<Draft>) + Send + 'static,
{
    fn person(&self) -> Option<[u8; 32]> {
        self.person
    }

    fn decide(&mut self, person: &PersonFacts, registry: &Registry) -> Option<Draft> {
        let (answer, draft) = (self.decide)(person, registry);
        self.answer = Some(answer);
        draft
    }
}

/// A caller's key for a write, scoped to organization and method (design.md §6.8).
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// `<kind>:<code>`.
    pub organization: String,
    /// Method by its registry number.
    pub method: u16,
    /// UUID.
    pub key: String,
    /// SHA-256 over the request and, where there is one, the subject of the token.
    pub request_sha256: [u8; 32],
}

impl Idempotency {
    pub(crate) fn place(&self) -> Vec<u8> {
        [self.organization.as_bytes(), &[0], &self.method.to_be_bytes(), self.key.as_bytes()].concat()
    }
}

/// What a write ended as.
#[derive(Debug)]
pub enum Reply<R> {
    /// The encoded response without its receipt.
    Answer(Vec<u8>),
    /// The caller is refused; nothing was changed.
    Refused(R),
}

/// What there is to conclude from.
#[derive(Debug)]
pub enum Concluding<'a, O> {
    /// The effect happened now.
    Fresh(O),
    /// It happened before; this is the stored answer.
    Replay(&'a [u8]),
    /// The key was used for another request.
    KeyReused,
}

/// Reply and record of a write.
#[derive(Debug)]
pub struct Conclusion<R> {
    /// What the caller gets.
    pub reply: Reply<R>,
    /// What the log gets; `None` only for a dry run.
    pub draft: Option<Draft>,
}

/// A named transaction.
pub(crate) trait Transaction: Send + Sync + 'static {
    type Outcome: Send;
    /// Whether it may change links, rights, restrictions or chains of persons. What only follows the log does not, and
    /// then the sequencer keeps what it knows.
    const TOUCHES_PERSONS: bool = true;
    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Self::Outcome, Fault>>;
}

/// A transaction, its idempotency, and how to conclude it.
pub(crate) struct WriteJob<X, C, R> {
    attempt: Attempt,
    idempotency: Option<Idempotency>,
    transaction: X,
    conclude: C,
    answer: Option<Reply<R>>,
    reply: oneshot::Sender<Answer<Reply<R>>>,
}

impl<X, C, R> WriteJob<X, C, R> {
    pub(crate) fn new(
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        transaction: X,
        conclude: C,
    ) -> (Self, oneshot::Receiver<Answer<Reply<R>>>) {
        let (reply, answer) = oneshot::channel();
        (Self { attempt, idempotency, transaction, conclude, answer: None, reply }, answer)
    }
}

impl<X, C, R> Job for WriteJob<X, C, R>
where
    X: Transaction,
    C: FnMut(Concluding<'_, X::Outcome>) -> Conclusion<R> + Send + 'static,
    R: Send + 'static,
{
    fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    fn work(&mut self) -> Work<'_> {
        Work::Apply(self)
    }

    fn settle(self: Box<Self>, outcome: Result<Option<Receipt>, Fault>) {
        let Self { answer, reply, .. } = *self;
        let _ = reply.send(recorded(answer, outcome));
    }
}

impl<X, C, R> Apply for WriteJob<X, C, R>
where
    X: Transaction,
    C: FnMut(Concluding<'_, X::Outcome>) -> Conclusion<R> + Send + 'static,
    R: Send + 'static,
{
    fn touches_persons(&self) -> bool {
        X::TOUCHES_PERSONS
    }

    fn apply<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Option<Draft>, Fault>> {
        Box::pin(async move {
            let earlier = match &self.idempotency {
                Some(key) => tx.earlier_answer(key).await?,
                None => Earlier::Nothing,
            };
            let conclusion = match &earlier {
                Earlier::SameRequest(answer) => guarded(|| (self.conclude)(Concluding::Replay(answer)))?,
                Earlier::OtherRequest => guarded(|| (self.conclude)(Concluding::KeyReused))?,
                Earlier::Nothing => {
                    let outcome = self.transaction.run(tx).await?;
                    let conclusion = guarded(|| (self.conclude)(Concluding::Fresh(outcome)))?;
                    if let (Some(key), Reply::Answer(answer)) = (&self.idempotency, &conclusion.reply) {
                        tx.keep_answer(key, answer).await?;
                    }
                    conclusion
                }
            };
            self.answer = Some(conclusion.reply);
            Ok(conclusion.draft)
        })
    }
}

/// A caller's closure that panics fails its own operation; the sequencer, and
/// everybody else, goes on.
pub(super) fn guarded<T>(closure: impl FnOnce() -> T) -> Result<T, Fault> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(closure))
        .map_err(|_| Fault::Unavailable("the operation panicked"))
}

fn recorded<T>(answer: Option<T>, outcome: Result<Option<Receipt>, Fault>) -> Answer<T> {
    let receipt = outcome?;
    let answer = answer.ok_or(Fault::Unavailable("not decided"))?;
    Ok(Recorded::new(answer, receipt))
}
