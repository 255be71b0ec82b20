//! What the other side is still to be told.

use pmh_domain::handoff::{HandoffId, Side};

use super::number;
use crate::{
    Attempt, Conclusion, Fault, GatewayStore, Reader, Reply,
    db::Row,
    reader::{signed, unsigned},
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// A message whose time has come.
#[derive(Clone)]
pub struct DueMessage {
    /// Which handoff.
    pub id: HandoffId,
    /// Who tells.
    pub side: Side,
    /// The entry that says it.
    pub index: u64,
    /// Whom, `<kind>:<code>`.
    pub receiver: String,
    /// The recorded response without its receipt.
    pub message: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
}

impl std::fmt::Debug for DueMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DueMessage(..)")
    }
}

impl Reader {
    /// Messages to be sent now, in the order of their entries.
    pub async fn due_messages(&self, now_us: i64, limit: u32) -> Result<Vec<DueMessage>, Fault> {
        let sql = "SELECT handoff_id, side, entry_idx, receiver, message, attempts FROM handoff_outbox
             WHERE LENGTH(answer) = 0 AND next_us <= $1 ORDER BY entry_idx LIMIT $2";
        self.fetch(sql, vec![now_us.into(), i64::from(limit).into()]).await?.iter().map(due).collect()
    }
}

impl GatewayStore {
    /// The receiver has it, and its answer was verified.
    pub async fn message_delivered(
        &self,
        attempt: Attempt,
        due: &DueMessage,
        answer: Vec<u8>,
    ) -> Result<(), Fault> {
        self.note(attempt, due, Note::Delivered(answer)).await
    }

    /// It did not arrive; it is sent again at an instant, in microseconds.
    pub async fn message_failed(
        &self,
        attempt: Attempt,
        due: &DueMessage,
        next_us: i64,
    ) -> Result<(), Fault> {
        self.note(attempt, due, Note::Failed(next_us)).await
    }

    async fn note(&self, attempt: Attempt, due: &DueMessage, note: Note) -> Result<(), Fault> {
        let update = Update { id: due.id, side: due.side, index: due.index, note };
        // Nobody is told anything by it, so the log has nothing to say.
        let conclude =
            |_: crate::Concluding<'_, ()>| Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft: None };
        let recorded = self.write(Lane::Interactive, attempt, None, update, conclude).await?;
        drop(recorded.into_parts());
        Ok(())
    }
}

enum Note {
    Delivered(Vec<u8>),
    Failed(i64),
}

struct Update {
    id: HandoffId,
    side: Side,
    index: u64,
    note: Note,
}

impl Transaction for Update {
    type Outcome = ();
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (sql, value) = match &self.note {
                Note::Delivered(answer) => (DELIVERED, answer.clone().into()),
                Note::Failed(next_us) => (FAILED, (*next_us).into()),
            };
            let values = vec![value, self.id.0.into(), number(self.side).into(), signed(self.index)?.into()];
            tx.execute(sql, values).await.map(drop)
        })
    }
}

fn due(row: &Row) -> Result<DueMessage, Fault> {
    Ok(DueMessage {
        id: HandoffId(row.array(0, "handoff_outbox")?),
        side: if row.int(1)? == number(Side::Home) { Side::Home } else { Side::Stay },
        index: unsigned(row.int(2)?)?,
        receiver: row.text(3)?,
        message: row.bytes(4)?,
        attempts: u32::try_from(row.int(5)?).unwrap_or(u32::MAX),
    })
}

const DELIVERED: &str = "UPDATE handoff_outbox SET answer = $1, attempts = attempts + 1
     WHERE handoff_id = $2 AND side = $3 AND entry_idx = $4";
const FAILED: &str = "UPDATE handoff_outbox SET next_us = $1, attempts = attempts + 1
     WHERE handoff_id = $2 AND side = $3 AND entry_idx = $4";
