//! What the mother's handoffs are still to enter.

use pmh_domain::handoff::{ChildEvent, HandoffId, Newborn, NoticeId, Side};

use crate::{
    Attempt, Conclusion, Fault, GatewayStore, Reader, Reply, SubjectRef,
    db::{Row, Value},
    gateway::parse,
    handoff::{number, side},
    reader::signed,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

/// An event that one side of a handoff has not entered.
#[derive(Clone)]
pub struct BirthEcho {
    /// Which handoff.
    pub handoff: HandoffId,
    /// Which side of it.
    pub side: Side,
    /// Of which birth.
    pub birth: NoticeId,
    /// What was told.
    pub event: ChildEvent,
    /// The newborn, where the event is a birth.
    pub newborn: Option<Newborn>,
    at: (i64, i64),
}

pmh_domain::withheld!(BirthEcho);

impl Reader {
    /// Events to be entered, in the order of the log.
    pub async fn birth_echoes(&self, limit: u32) -> Result<Vec<BirthEcho>, Fault> {
        let mut found = Vec::new();
        for row in self.fetch(DUE, vec![i64::from(limit).into()]).await? {
            found.push(self.echo(&row).await?);
        }
        Ok(found)
    }

    async fn echo(&self, row: &Row) -> Result<BirthEcho, Fault> {
        let birth = NoticeId(row.array(2, "birth_echo")?);
        let event: ChildEvent = parse(&row.text(5)?, "birth_event")?;
        let newborn = match &event {
            ChildEvent::Born(notice) => {
                let sql = "SELECT body FROM birth_child WHERE birth_id = $1 AND child = $2";
                let row = self.fetch_one(sql, vec![birth.0.into(), i64::from(notice.order.0).into()]).await?;
                row.map(|row| parse(&row.text(0)?, "birth_child")).transpose()?
            }
            _ => None,
        };
        Ok(BirthEcho {
            handoff: HandoffId(row.array(0, "birth_echo")?),
            side: side(row.int(1)?),
            birth,
            event,
            newborn,
            at: (row.int(3)?, row.int(4)?),
        })
    }
}

impl GatewayStore {
    /// The handoff has entered it, or never will.
    pub async fn birth_echoed(&self, attempt: Attempt, echo: &BirthEcho) -> Result<(), Fault> {
        let done = Done { handoff: echo.handoff, side: echo.side, at: echo.at };
        // The step has its own entry.
        let conclude =
            |_: crate::Concluding<'_, ()>| Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft: None };
        drop(self.write(Lane::Interactive, attempt, None, done, conclude).await?.into_parts());
        Ok(())
    }
}

struct Done {
    handoff: HandoffId,
    side: Side,
    at: (i64, i64),
}

impl Transaction for Done {
    type Outcome = ();
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let values =
                vec![self.at.0.into(), self.at.1.into(), self.handoff.0.into(), number(self.side).into()];
            let sql = "DELETE FROM birth_echo WHERE entry_idx = $1 AND place = $2 AND handoff_id = $3 AND side = $4";
            tx.execute(sql, values).await.map(drop)
        })
    }
}

impl Tx {
    /// Queues events for every handoff of the mother's present pregnancy but the one that has just entered them. The stay side
    /// tells of births and losses; corrections and merges are home's alone.
    pub(super) async fn echo(
        &mut self,
        mother: &[SubjectRef],
        birth: NoticeId,
        events: &[ChildEvent],
        entered: Option<(HandoffId, Side)>,
    ) -> Result<(), Fault> {
        let (since, entry) = (self.now_us.saturating_sub(PREGNANCY_US), signed(self.next_index)?);
        let keys = mother.iter().map(Value::from).collect();
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for row in self.connection.fetch_in(HANDOFFS, &[since.into()], keys).await? {
            let (handoff, side) = (HandoffId(row.array(0, "handoff")?), side(row.int(1)?));
            if entered == Some((handoff, side)) {
                continue;
            }
            let is_theirs = |event: &&ChildEvent| {
                side == Side::Home || matches!(event, ChildEvent::Born(_) | ChildEvent::Lost(_))
            };
            for (place, _) in (0_i64..).zip(events).filter(|(_, event)| is_theirs(event)) {
                rows.push(vec![
                    handoff.0.into(),
                    number(side).into(),
                    birth.0.into(),
                    entry.into(),
                    place.into(),
                ]);
            }
        }
        self.connection
            .insert("INSERT INTO birth_echo (handoff_id, side, birth_id, entry_idx, place)", "", rows)
            .await
            .map(drop)
    }
}

const DUE: &str = "SELECT q.handoff_id, q.side, q.birth_id, q.entry_idx, q.place, e.event FROM birth_echo q
     JOIN birth_event e ON e.birth_id = q.birth_id AND e.entry_idx = q.entry_idx AND e.place = q.place
     ORDER BY q.entry_idx, q.place LIMIT $1";
const HANDOFFS: &str =
    "SELECT handoff_id, side FROM handoff WHERE opened_us >= $1 AND subject_ref IN ({keys})";

/// A handoff older than this is of an earlier pregnancy: offers are made within one, and a stay ends months after the birth.
pub(crate) const PREGNANCY_US: i64 = 400 * 24 * 3600 * 1_000_000;
