//! Births as they are kept.

use pmh_domain::handoff::{BirthOrder, ChildEvent, Children, Newborn, NoticeId};

use super::{AskedBy, MergeProposal};
use crate::{
    Fault, SubjectRef,
    db::{Row, Value},
    gateway::parse,
    reader::unsigned,
    sequencer::Tx,
};

/// One birth with everything that was told of it.
#[derive(Clone)]
pub struct StoredBirth {
    /// Which.
    pub id: NoticeId,
    /// The mother, by the reference under which it was told.
    pub mother: SubjectRef,
    /// Who serves her, `<kind>:<code>`; empty: nobody had said so.
    pub home: String,
    /// When it was first told of, microseconds.
    pub opened_us: i64,
    /// When the newest was told, microseconds.
    pub told_us: i64,
    /// The entry of the newest.
    pub index: u64,
    /// What was told, in the log's order.
    pub events: Vec<ChildEvent>,
    /// By place.
    pub children: Vec<StoredChild>,
    /// Merges that wait for a second officer.
    pub proposals: Vec<MergeProposal>,
}

/// A provisional child.
#[derive(Clone)]
pub struct StoredChild {
    /// Place among the children.
    pub order: BirthOrder,
    /// The reference it was given.
    pub subject: SubjectRef,
    /// The nine items.
    pub newborn: Newborn,
}

/// A child as a guest's view needs it.
#[derive(Debug, Clone, Copy)]
pub struct GuestChild {
    /// Which birth.
    pub birth: NoticeId,
    /// Place among its children.
    pub order: BirthOrder,
    /// The reference it was given.
    pub subject: SubjectRef,
    /// Somebody withholds where it is, or nothing may be said of it any more: for a guest it is not there.
    pub is_hidden: bool,
}

impl StoredBirth {
    /// What is known of the children.
    pub fn fold(&self) -> Children {
        Children::rebuild(&self.events)
    }
}

impl Tx {
    /// Births of a mother, by any of her references, the newest first.
    pub(super) async fn births_of(&mut self, references: &[SubjectRef]) -> Result<Vec<StoredBirth>, Fault> {
        let keys = references.iter().map(Value::from).collect();
        let rows = self.connection.fetch_in(OF_MOTHER, &[], keys).await?;
        let mut births = Vec::with_capacity(rows.len());
        for row in &rows {
            births.push(self.filled(birth(row)?).await?);
        }
        births.sort_by_key(|birth| std::cmp::Reverse((birth.opened_us, birth.index)));
        Ok(births)
    }

    /// One birth.
    pub(super) async fn birth(&mut self, id: NoticeId) -> Result<Option<StoredBirth>, Fault> {
        match self.fetch_one(ONE, vec![id.0.into()]).await? {
            Some(row) => Ok(Some(self.filled(birth(&row)?).await?)),
            None => Ok(None),
        }
    }

    /// Children of the mother's present pregnancy.
    pub(crate) async fn guests_children(
        &mut self,
        mother: SubjectRef,
        since_us: i64,
    ) -> Result<Vec<GuestChild>, Fault> {
        let references = self.references_of(mother).await?;
        let mut found = Vec::new();
        for birth in
            self.births_of(&references).await?.into_iter().filter(|birth| birth.opened_us >= since_us)
        {
            let children = birth.fold();
            for child in &birth.children {
                let is_hidden = children.is_lost(child.order) || self.is_restricted(child.subject).await?;
                let (order, subject) = (child.order, child.subject);
                found.push(GuestChild { birth: birth.id, order, subject, is_hidden });
            }
        }
        Ok(found)
    }

    /// What was told of one child; `None` if it is none of ours.
    pub(crate) async fn newborn(&mut self, child: &GuestChild) -> Result<Option<Newborn>, Fault> {
        let sql = "SELECT body FROM birth_child WHERE birth_id = $1 AND child = $2";
        let row = self.fetch_one(sql, vec![child.birth.0.into(), i64::from(child.order.0).into()]).await?;
        row.map(|row| parse(&row.text(0)?, "birth_child")).transpose()
    }

    pub(super) async fn filled(&mut self, mut birth: StoredBirth) -> Result<StoredBirth, Fault> {
        for row in self.fetch(EVENTS, vec![birth.id.0.into()]).await? {
            birth.events.push(parse(&row.text(0)?, "birth_event")?);
        }
        for row in self.fetch(CHILDREN, vec![birth.id.0.into()]).await? {
            birth.children.push(StoredChild {
                order: order(&row, 0)?,
                subject: row.array(1, "birth_child")?,
                newborn: parse(&row.text(2)?, "birth_child")?,
            });
        }
        for row in self.fetch(PROPOSALS, vec![birth.id.0.into()]).await? {
            let asked: AskedBy = parse(&row.text(2)?, "birth_merge")?;
            let (child, resident_key) = (order(&row, 0)?, row.text(1)?);
            birth.proposals.push(MergeProposal { child, resident_key, asked });
        }
        Ok(birth)
    }
}

/// From `birth_id, mother_ref, home, opened_us, told_us, entry_idx`.
pub(super) fn birth(row: &Row) -> Result<StoredBirth, Fault> {
    Ok(StoredBirth {
        id: NoticeId(row.array(0, "birth")?),
        mother: row.array(1, "birth")?,
        home: row.text(2)?,
        opened_us: row.int(3)?,
        told_us: row.int(4)?,
        index: unsigned(row.int(5)?)?,
        events: Vec::new(),
        children: Vec::new(),
        proposals: Vec::new(),
    })
}

fn order(row: &Row, column: usize) -> Result<BirthOrder, Fault> {
    let number = u8::try_from(row.int(column)?);
    number.map(BirthOrder).map_err(|_| Fault::Inconsistent { table: "birth_child", column: "child" })
}

pmh_domain::withheld!(StoredBirth, StoredChild);

const OF_MOTHER: &str = "SELECT birth_id, mother_ref, home, opened_us, told_us, entry_idx FROM birth
     WHERE mother_ref IN ({keys})";
const ONE: &str =
    "SELECT birth_id, mother_ref, home, opened_us, told_us, entry_idx FROM birth WHERE birth_id = $1";
const EVENTS: &str = "SELECT event FROM birth_event WHERE birth_id = $1 ORDER BY entry_idx, place";
const CHILDREN: &str = "SELECT child, child_ref, body FROM birth_child WHERE birth_id = $1 ORDER BY child";
const PROPOSALS: &str =
    "SELECT child, resident_key, asked FROM birth_merge WHERE birth_id = $1 ORDER BY child";
