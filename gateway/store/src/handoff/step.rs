//! One step of one side: load, decide, write, inside the batch's transaction.

use pmh_domain::handoff::{HandoffId, Side};

use super::{StoredHandoff, number};
use crate::{
    Attempt, Concluding, Conclusion, Fault, GatewayStore, Idempotency, Recorded, Reply, SubjectRef,
    birth::BirthChange,
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// Which step of which side.
#[derive(Clone)]
pub struct HandoffStep {
    /// Which handoff.
    pub id: HandoffId,
    /// Which side of it.
    pub side: Side,
    /// Home's own resident whom a new handoff is about: who, `<kind>:<code>`, and its key.
    pub resident: Option<(String, String)>,
    /// The other side's entry, where a message brought the step.
    pub heard: Option<[u8; 32]>,
}

/// What a decision is made on.
#[derive(Clone)]
pub struct Loaded {
    /// The handoff, if this side knows it.
    pub handoff: Option<StoredHandoff>,
    /// The resident asked for, and whether somebody here withholds where she is.
    pub resident: Option<(SubjectRef, bool)>,
    /// The answer to this very message, if it came before.
    pub heard: Option<Vec<u8>>,
    /// Index that the entry of this step will have.
    pub index: u64,
    /// Time of the entry, microseconds.
    pub now_us: i64,
}

/// What a decision wants written.
#[derive(Clone)]
pub struct NewStep {
    /// What the log enters, JSON.
    pub act: String,
    /// What the other side is told; `None`: it is not its affair.
    pub message: Option<Vec<u8>>,
    /// This side begins with it.
    pub opens: Option<NewHandoff>,
    /// The mother, now that this side knows her.
    pub binds: Option<SubjectRef>,
    /// The message that brought it.
    pub heard: Option<Heard>,
    /// What waits for a person since, or no more.
    pub alarms: Alarms,
    /// A birth or a loss that the other side told of.
    pub birth: Option<BirthChange>,
}

/// What a step changes of what waits for a person: an index of the steps by time, for they alone say what waits.
#[derive(Debug, Clone, Default)]
pub struct Alarms {
    /// This very step waits, and is escalated from this instant on, in microseconds.
    pub raised_until_us: Option<i64>,
    /// Own entries that wait no more.
    pub settled: Vec<u64>,
}

/// A side that begins.
#[derive(Clone)]
pub struct NewHandoff {
    /// Who this side is, `<kind>:<code>`.
    pub municipality: String,
    /// With whom, `<kind>:<code>`.
    pub other: String,
    /// Home's own key of the mother; empty on the stay side.
    pub resident_key: String,
}

/// A verified message of the other side.
#[derive(Clone)]
pub struct Heard {
    /// Leaf hash of the other side's entry.
    pub leaf_hash: [u8; 32],
    /// With its receipt, as it came.
    pub message: Vec<u8>,
    /// Our answer without its receipt.
    pub answer: Vec<u8>,
}

impl GatewayStore {
    /// Decides about one side of a handoff and writes what was decided. `decide` is pure: it may be called again if the
    /// batch has to run again. A step that is written must be concluded with a draft, for its place is the entry's.
    pub async fn handoff_step<A, R>(
        &self,
        attempt: Attempt,
        idempotency: Option<Idempotency>,
        step: HandoffStep,
        decide: impl Fn(&Loaded) -> (A, Option<NewStep>) + Send + Sync + 'static,
        conclude: impl FnMut(Concluding<'_, A>) -> Conclusion<R> + Send + 'static,
    ) -> Result<Recorded<Reply<R>>, Fault>
    where
        A: Send + 'static,
        R: Send + 'static,
    {
        self.write(Lane::Interactive, attempt, idempotency, Step { step, decide }, conclude).await
    }
}

struct Step<D> {
    step: HandoffStep,
    decide: D,
}

impl<A, D> Transaction for Step<D>
where
    A: Send + 'static,
    D: Fn(&Loaded) -> (A, Option<NewStep>) + Send + Sync + 'static,
{
    type Outcome = A;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<A, Fault>> {
        Box::pin(async move {
            let HandoffStep { id, side, resident, heard } = &self.step;
            let resident = match resident {
                Some((issuer, key)) => tx.mother(issuer, key).await?,
                None => None,
            };
            let heard = match heard {
                Some(leaf_hash) => tx.answer_to(*id, *side, leaf_hash).await?,
                None => None,
            };
            let handoff = tx.handoff(*id, *side).await?;
            let loaded = Loaded { handoff, resident, heard, index: tx.next_index, now_us: tx.now_us };
            let (decided, step) = (self.decide)(&loaded);
            if let Some(step) = step {
                tx.take_step(*id, *side, &loaded, step).await?;
            }
            Ok(decided)
        })
    }
}

impl Tx {
    async fn mother(&mut self, issuer: &str, key: &str) -> Result<Option<(SubjectRef, bool)>, Fault> {
        let Some(subject) = self.resident(issuer, key).await? else { return Ok(None) };
        Ok(Some((subject, self.is_withheld(subject).await?)))
    }

    async fn answer_to(
        &mut self,
        id: HandoffId,
        side: Side,
        leaf_hash: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, Fault> {
        let sql = "SELECT answer FROM handoff_heard WHERE handoff_id = $1 AND side = $2 AND leaf_hash = $3";
        let row = self.fetch_one(sql, vec![id.0.into(), number(side).into(), leaf_hash.into()]).await?;
        row.map(|row| row.bytes(0)).transpose()
    }

    async fn take_step(
        &mut self,
        id: HandoffId,
        side: Side,
        loaded: &Loaded,
        step: NewStep,
    ) -> Result<(), Fault> {
        let (entry, now) = (signed(self.next_index)?, self.now_us);
        let receiver = match (&step.opens, &loaded.handoff) {
            (Some(opened), _) => opened.other.clone(),
            (None, Some(handoff)) => handoff.other.clone(),
            (None, None) => return Err(Fault::Inconsistent { table: "handoff", column: "handoff_id" }),
        };
        if let (Some(opened), Some(_)) = (&step.opens, &loaded.handoff) {
            // A request stood there under the same name; with home's offer it is about somebody.
            let subject = step.binds.or(loaded.resident.map(|(subject, _)| subject));
            self.execute(
                "UPDATE handoff SET subject_ref = $1, resident_key = $2 WHERE handoff_id = $3 AND side = $4",
                vec![
                    subject.map_or_else(Vec::new, |subject| subject.to_vec()).into(),
                    opened.resident_key.as_str().into(),
                    id.0.into(),
                    number(side).into(),
                ],
            )
            .await?;
        } else if let Some(opened) = &step.opens {
            let subject = step.binds.or(loaded.resident.map(|(subject, _)| subject));
            self.execute(
                "INSERT INTO handoff (handoff_id, side, municipality, other, subject_ref, resident_key, opened_us)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                vec![
                    id.0.into(),
                    number(side).into(),
                    opened.municipality.as_str().into(),
                    opened.other.as_str().into(),
                    subject.map_or_else(Vec::new, |subject| subject.to_vec()).into(),
                    opened.resident_key.as_str().into(),
                    now.into(),
                ],
            )
            .await?;
        } else if let Some(subject) = step.binds {
            self.execute(
                "UPDATE handoff SET subject_ref = $1 WHERE handoff_id = $2 AND side = $3",
                vec![subject.into(), id.0.into(), number(side).into()],
            )
            .await?;
        }
        self.execute(
            "INSERT INTO handoff_step (handoff_id, side, entry_idx, written_us, act) VALUES ($1, $2, $3, $4, $5)",
            vec![id.0.into(), number(side).into(), entry.into(), now.into(), step.act.into()],
        )
        .await?;
        if let Some(heard) = step.heard {
            self.keep_heard(id, side, heard).await?;
        }
        self.keep_alarms(id, side, step.alarms).await?;
        let mother = loaded.handoff.as_ref().and_then(|handoff| handoff.subject);
        if let Some((mother, birth)) = mother.zip(step.birth) {
            self.keep_birth(mother, birth, Some((id, side))).await?;
        }
        match step.message {
            Some(message) => self.queue(id, side, receiver, message).await,
            None => Ok(()),
        }
    }

    async fn keep_heard(&mut self, id: HandoffId, side: Side, heard: Heard) -> Result<(), Fault> {
        let entry = signed(self.next_index)?;
        self.execute(
            "INSERT INTO handoff_heard (handoff_id, side, leaf_hash, message, answer, entry_idx)
             VALUES ($1, $2, $3, $4, $5, $6)",
            vec![
                id.0.into(),
                number(side).into(),
                heard.leaf_hash.into(),
                heard.message.into(),
                heard.answer.into(),
                entry.into(),
            ],
        )
        .await
        .map(drop)
    }

    async fn queue(
        &mut self,
        id: HandoffId,
        side: Side,
        receiver: String,
        message: Vec<u8>,
    ) -> Result<(), Fault> {
        let (entry, now) = (signed(self.next_index)?, self.now_us);
        self.execute(
            "INSERT INTO handoff_outbox (handoff_id, side, entry_idx, receiver, message, attempts, next_us, answer)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
            vec![
                id.0.into(),
                number(side).into(),
                entry.into(),
                receiver.into(),
                message.into(),
                now.into(),
                Vec::new().into(),
            ],
        )
        .await
        .map(drop)
    }
}

pmh_domain::withheld!(HandoffStep, Loaded, NewStep, NewHandoff, Heard);
