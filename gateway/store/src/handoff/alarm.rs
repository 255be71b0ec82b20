//! What waits for a person, by time; and the steps of all of a municipality's handoffs in the log's order.

use pmh_domain::handoff::{HandoffId, Side};

use super::{number, step::Alarms};
use crate::{
    Fault, Reader,
    db::Row,
    reader::{signed, unsigned},
    sequencer::Tx,
};

/// One step of one of a municipality's handoffs.
#[derive(Debug, Clone, Copy)]
pub struct ToldStep {
    /// Which handoff.
    pub id: HandoffId,
    /// Which side of it.
    pub side: Side,
    /// Its entry.
    pub index: u64,
}

/// Something that no person has read within its time.
#[derive(Debug, Clone, Copy)]
pub struct LateAlarm {
    /// Which step raised it.
    pub step: ToldStep,
    /// When its time had passed, microseconds.
    pub due_us: i64,
}

impl Reader {
    /// Steps of a municipality's handoffs after an index, in the log's order.
    pub async fn handoff_steps(
        &self,
        municipality: &str,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<ToldStep>, Fault> {
        let after = after.map_or(Ok(-1), signed)?;
        let values = vec![municipality.into(), after.into(), i64::from(limit).into()];
        self.fetch(STEPS, values).await?.iter().map(step).collect()
    }

    /// What of a municipality's handoffs nobody has read within its time, the oldest first.
    pub async fn late_alarms(
        &self,
        municipality: &str,
        now_us: i64,
        limit: u32,
    ) -> Result<Vec<LateAlarm>, Fault> {
        let values = vec![municipality.into(), now_us.into(), i64::from(limit).into()];
        let late = |row: &Row| Ok(LateAlarm { step: step(row)?, due_us: row.int(3)? });
        self.fetch(LATE, values).await?.iter().map(late).collect()
    }

    /// How many there are of everybody's, by side.
    pub async fn count_late_alarms(&self, side: Side, now_us: i64) -> Result<u64, Fault> {
        let row = self.fetch_one(COUNT, vec![number(side).into(), now_us.into()]).await?;
        row.map_or(Ok(0), |row| unsigned(row.int(0)?))
    }
}

impl Tx {
    pub(super) async fn keep_alarms(
        &mut self,
        id: HandoffId,
        side: Side,
        alarms: Alarms,
    ) -> Result<(), Fault> {
        if let Some(due_us) = alarms.raised_until_us {
            let entry = signed(self.next_index)?;
            let values = vec![id.0.into(), number(side).into(), entry.into(), due_us.into()];
            self.execute(RAISE, values).await?;
        }
        for index in alarms.settled {
            let values = vec![id.0.into(), number(side).into(), signed(index)?.into()];
            self.execute(SETTLE, values).await?;
        }
        Ok(())
    }
}

fn step(row: &Row) -> Result<ToldStep, Fault> {
    Ok(ToldStep {
        id: HandoffId(row.array(0, "handoff_step")?),
        side: if row.int(1)? == number(Side::Home) { Side::Home } else { Side::Stay },
        index: unsigned(row.int(2)?)?,
    })
}

const STEPS: &str = "SELECT s.handoff_id, s.side, s.entry_idx FROM handoff_step s
     JOIN handoff h ON h.handoff_id = s.handoff_id AND h.side = s.side
     WHERE h.municipality = $1 AND s.entry_idx > $2 ORDER BY s.entry_idx LIMIT $3";
const LATE: &str = "SELECT a.handoff_id, a.side, a.entry_idx, a.due_us FROM handoff_alarm a
     JOIN handoff h ON h.handoff_id = a.handoff_id AND h.side = a.side
     WHERE h.municipality = $1 AND a.due_us <= $2 ORDER BY a.due_us, a.entry_idx LIMIT $3";
const COUNT: &str = "SELECT COUNT(*) FROM handoff_alarm WHERE side = $1 AND due_us <= $2";
const RAISE: &str = "INSERT INTO handoff_alarm (handoff_id, side, entry_idx, due_us) VALUES ($1, $2, $3, $4)";
const SETTLE: &str = "DELETE FROM handoff_alarm WHERE handoff_id = $1 AND side = $2 AND entry_idx = $3";
