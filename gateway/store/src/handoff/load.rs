//! One side of a handoff as it is kept.

use pmh_domain::handoff::{HandoffId, Side};

use super::number;
use crate::{
    Fault, Reader, SubjectRef,
    db::{Row, Value},
    reader::unsigned,
    sequencer::Tx,
};

/// One side of a handoff.
#[derive(Clone)]
pub struct StoredHandoff {
    /// Which.
    pub id: HandoffId,
    /// Which side.
    pub side: Side,
    /// Who this side is, `<kind>:<code>`.
    pub municipality: String,
    /// With whom, `<kind>:<code>`.
    pub other: String,
    /// The mother, once this side knows her.
    pub subject: Option<SubjectRef>,
    /// Home's own key of her; empty on the stay side.
    pub resident_key: String,
    /// Somebody here withholds where she is (不開示, 支援措置): the other side must not know of the handoff.
    pub is_withheld: bool,
    /// What the log enters about it, in its order.
    pub steps: Vec<StoredStep>,
    /// Messages that the other side has not acknowledged.
    pub unsent: u32,
}

/// One entry of a side's log about a handoff.
#[derive(Clone)]
pub struct StoredStep {
    /// Index.
    pub index: u64,
    /// Hash of its leaf.
    pub leaf_hash: [u8; 32],
    /// Its time, microseconds.
    pub at_us: i64,
    /// What it enters, JSON.
    pub act: String,
}

impl std::fmt::Debug for StoredHandoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredHandoff(..)")
    }
}

impl std::fmt::Debug for StoredStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredStep(..)")
    }
}

impl Reader {
    /// One side of a handoff, as of the last commit.
    pub async fn handoff(&self, id: HandoffId, side: Side) -> Result<Option<StoredHandoff>, Fault> {
        let Some(row) = self.fetch_one(ONE, names(id, side)).await? else { return Ok(None) };
        let mut stored = stored(&row, id, side)?;
        stored.steps = steps(&self.fetch(STEPS, names(id, side)).await?)?;
        stored.is_withheld = self.withheld(&stored).await?;
        Ok(Some(stored))
    }

    /// Handoffs in which a municipality is a side, the newest first.
    pub async fn handoffs_of(&self, municipality: &str, limit: u32) -> Result<Vec<StoredHandoff>, Fault> {
        let rows = self.fetch(OF, vec![municipality.into(), i64::from(limit).into()]).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let side = if row.int(6)? == number(Side::Home) { Side::Home } else { Side::Stay };
            found.extend(self.handoff(HandoffId(row.array(5, "handoff")?), side).await?);
        }
        Ok(found)
    }

    /// Handoffs in which a municipality here is the stay side of a person, the newest first.
    pub async fn stays_of(&self, subject: SubjectRef) -> Result<Vec<StoredHandoff>, Fault> {
        let rows = self.fetch(STAYS, vec![subject.into(), number(Side::Stay).into()]).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.extend(self.handoff(HandoffId(row.array(0, "handoff")?), Side::Stay).await?);
        }
        Ok(found)
    }

    /// Whether anybody here withholds where a person is, as of the last commit.
    pub async fn withholds(&self, subject: SubjectRef) -> Result<bool, Fault> {
        Ok(self.fetch_one(WITHHELD, vec![subject.into()]).await?.is_some())
    }

    /// The same of a handoff's person.
    pub(super) async fn withheld(&self, handoff: &StoredHandoff) -> Result<bool, Fault> {
        match handoff.subject {
            Some(subject) => self.withholds(subject).await,
            None => Ok(false),
        }
    }
}

impl Tx {
    /// One side of a handoff, as of this operation. Errors: a step of it stands in this very batch, whose leaves are not
    /// made yet; the operation is then run again alone.
    pub(super) async fn handoff(
        &mut self,
        id: HandoffId,
        side: Side,
    ) -> Result<Option<StoredHandoff>, Fault> {
        let Some(row) = self.fetch_one(ONE, names(id, side)).await? else { return Ok(None) };
        let mut stored = stored(&row, id, side)?;
        stored.steps = steps(&self.fetch(STEPS, names(id, side)).await?)?;
        if let Some(subject) = stored.subject {
            stored.is_withheld = self.is_withheld(subject).await?;
        }
        Ok(Some(stored))
    }

    pub(super) async fn is_withheld(&mut self, subject: SubjectRef) -> Result<bool, Fault> {
        Ok(self.fetch_one(WITHHELD, vec![subject.into()]).await?.is_some())
    }
}

fn names(id: HandoffId, side: Side) -> Vec<Value> {
    vec![id.0.into(), number(side).into()]
}

fn stored(row: &Row, id: HandoffId, side: Side) -> Result<StoredHandoff, Fault> {
    let subject = row.bytes(2)?;
    let subject = (!subject.is_empty()).then(|| row.array(2, "handoff")).transpose()?;
    Ok(StoredHandoff {
        id,
        side,
        municipality: row.text(0)?,
        other: row.text(1)?,
        subject,
        resident_key: row.text(3)?,
        is_withheld: false,
        steps: Vec::new(),
        unsent: u32::try_from(row.int(4)?).unwrap_or(u32::MAX),
    })
}

fn steps(rows: &[Row]) -> Result<Vec<StoredStep>, Fault> {
    let step = |row: &Row| {
        let leaf_hash = row.optional_bytes(1)?.and_then(|hash| hash.try_into().ok());
        Ok(StoredStep {
            index: unsigned(row.int(0)?)?,
            leaf_hash: leaf_hash.ok_or(Fault::Unavailable("the step before is of this very batch"))?,
            at_us: row.int(2)?,
            act: row.text(3)?,
        })
    };
    rows.iter().map(step).collect()
}

const ONE: &str = "SELECT h.municipality, h.other, h.subject_ref, h.resident_key,
        (SELECT COUNT(*) FROM handoff_outbox o
         WHERE o.handoff_id = h.handoff_id AND o.side = h.side AND LENGTH(o.answer) = 0)
     FROM handoff h WHERE h.handoff_id = $1 AND h.side = $2";
const OF: &str = "SELECT h.municipality, h.other, h.subject_ref, h.resident_key, 0, h.handoff_id, h.side
     FROM handoff h WHERE h.municipality = $1 ORDER BY h.opened_us DESC, h.handoff_id LIMIT $2";
/// Under whichever reference of hers; whom no issuer here knows has one alone.
const STAYS: &str = "SELECT h.handoff_id FROM handoff h
     WHERE h.side = $2 AND (h.subject_ref = $1 OR h.subject_ref IN (
       SELECT one.subject_ref FROM subject_alias asked
       JOIN subject_alias one ON one.survivor = asked.survivor WHERE asked.subject_ref = $1))
     ORDER BY h.opened_us DESC, h.handoff_id LIMIT 16";
const STEPS: &str = "SELECT s.entry_idx, e.leaf_hash, s.written_us, s.act
     FROM handoff_step s LEFT JOIN log_entry e ON e.idx = s.entry_idx
     WHERE s.handoff_id = $1 AND s.side = $2 ORDER BY s.entry_idx";
/// Any restriction of any issuer, under whichever reference it knows her.
const WITHHELD: &str = "SELECT l.restriction FROM subject_alias asked
     JOIN subject_alias one ON one.survivor = asked.survivor
     JOIN resident_link l ON l.subject_ref = one.subject_ref
     WHERE asked.subject_ref = $1 AND l.restriction <> 0 LIMIT 1";
