//! Birth and loss: provisional children, twins, and the silence afterwards.

use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Decision, Refusal, TwoOfficers};
use crate::resident::ResidentKey;

/// Place among the children of one birth, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BirthOrder(pub u8);

/// Names one notice of a facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NoticeId(pub [u8; 16]);

/// What a facility's notice says of one child. It is not the statutory filing
/// (戸籍法49条), which its filer still makes within 14 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Notice {
    /// Which notice.
    pub id: NoticeId,
    /// Which child.
    pub order: BirthOrder,
    /// How many were born (単胎・多胎).
    pub plurality: u8,
    /// Day of birth.
    pub born_on: Date,
}

/// A child known by a notice, before its name and residence are.
#[derive(Clone, PartialEq, Eq)]
pub struct Child {
    /// The notice.
    pub notice: Notice,
    /// Which resident it became, and who merged it.
    pub merged: Option<(ResidentKey, TwoOfficers)>,
}

/// 死産, 流産 or a child's death.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Loss {
    /// Of the pregnancy, with every child of it.
    Pregnancy,
    /// Of one child.
    Child(BirthOrder),
}

/// Something that is told of the children of one pregnancy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChildEvent {
    /// A notice.
    Born(Notice),
    /// A loss.
    Lost(Loss),
    /// A loss that was an error.
    LossCorrected {
        /// Which.
        loss: Loss,
        /// Who found it.
        officers: TwoOfficers,
    },
    /// A child is this resident.
    Merged {
        /// Which child.
        child: BirthOrder,
        /// Which resident.
        resident: ResidentKey,
        /// Who made sure.
        officers: TwoOfficers,
    },
}

/// The children of one pregnancy.
///
/// A loss outlasts whatever is delivered late: a notice that comes after it
/// registers a child of whom nothing is ever said. Only two officers undo it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Children {
    children: BTreeMap<BirthOrder, Child>,
    losses: BTreeSet<Loss>,
}

impl Children {
    /// From all that was told, in the log's order.
    pub fn rebuild<'a>(events: impl IntoIterator<Item = &'a ChildEvent>) -> Self {
        let mut children = Self::default();
        for event in events {
            children.apply(event);
        }
        children
    }

    /// Follows what was entered. Nothing is judged here.
    pub fn apply(&mut self, event: &ChildEvent) {
        match event {
            ChildEvent::Born(notice) => self.born(*notice),
            ChildEvent::Lost(loss) => self.lost(*loss),
            ChildEvent::LossCorrected { loss, .. } => self.corrected(*loss),
            ChildEvent::Merged { child, resident, officers } => self.merged(*child, resident, officers),
        }
    }

    /// A notice: once. Errors: it contradicts another, or itself.
    pub fn notice(&self, notice: Notice) -> Result<Decision<Notice>, Refusal> {
        if self.children.get(&notice.order).is_some_and(|child| child.notice == notice) {
            return Ok(Decision::Known);
        }
        let is_place = (1..=notice.plurality).contains(&notice.order.0);
        let is_same_birth = self.plurality().is_none_or(|known| known == notice.plurality);
        if !is_place || !is_same_birth || self.children.contains_key(&notice.order) {
            return Err(Refusal::Contradicts);
        }
        Ok(Decision::Append(notice))
    }

    /// A loss: once.
    pub fn loss(&self, loss: Loss) -> Decision<Loss> {
        if self.losses.contains(&loss) { Decision::Known } else { Decision::Append(loss) }
    }

    /// Merging a child into a resident: once. Errors: no such child, another
    /// resident was named before, or the resident is its twin.
    pub fn merge(&self, order: BirthOrder, resident: &ResidentKey) -> Result<Decision<()>, Refusal> {
        let child = self.children.get(&order).ok_or(Refusal::CauseMissing)?;
        let is = |child: &Child| child.merged.as_ref().is_some_and(|(known, _)| known == resident);
        if is(child) {
            return Ok(Decision::Known);
        }
        if child.merged.is_some() || self.children.values().any(is) {
            return Err(Refusal::Contradicts);
        }
        Ok(Decision::Append(()))
    }

    /// Taking back a loss that two officers found to be an error; nothing
    /// happens to one that is not entered.
    pub fn correct(&self, loss: Loss, officers: TwoOfficers) -> Decision<ChildEvent> {
        if self.losses.contains(&loss) {
            Decision::Append(ChildEvent::LossCorrected { loss, officers })
        } else {
            Decision::Known
        }
    }

    /// How many were born, once a notice said so.
    pub fn plurality(&self) -> Option<u8> {
        self.children.values().next().map(|child| child.notice.plurality)
    }

    /// Every child known.
    pub fn all(&self) -> impl Iterator<Item = (BirthOrder, &Child)> {
        self.children.iter().map(|(order, child)| (*order, child))
    }

    /// The children of whom one may speak: to whom a message about an age may
    /// go, and whose records a guest may find.
    pub fn living(&self) -> impl Iterator<Item = BirthOrder> {
        self.children.keys().copied().filter(|order| !self.is_lost(*order))
    }

    /// Whether a message may speak of a birth to come.
    pub fn is_expecting(&self) -> bool {
        self.children.is_empty() && self.losses.is_empty()
    }

    /// Whether duties towards a child are owed: unless every child is known to
    /// be lost. While it is unknown how many there are, somebody has to look.
    pub fn is_owed(&self) -> bool {
        let all_lost =
            |born: u8| (1..=born).all(|order| self.losses.contains(&Loss::Child(BirthOrder(order))));
        !self.losses.contains(&Loss::Pregnancy) && !self.plurality().is_some_and(all_lost)
    }

    /// Whether nothing may be said of a child any more.
    pub fn is_lost(&self, order: BirthOrder) -> bool {
        self.losses.contains(&Loss::Pregnancy) || self.losses.contains(&Loss::Child(order))
    }

    pub(super) fn has_loss(&self, loss: Loss) -> bool {
        self.losses.contains(&loss)
    }

    pub(super) fn born(&mut self, notice: Notice) {
        self.children.insert(notice.order, Child { notice, merged: None });
    }

    pub(super) fn lost(&mut self, loss: Loss) {
        self.losses.insert(loss);
    }

    pub(super) fn corrected(&mut self, loss: Loss) {
        self.losses.remove(&loss);
    }

    pub(super) fn merged(&mut self, order: BirthOrder, resident: &ResidentKey, officers: &TwoOfficers) {
        if let Some(child) = self.children.get_mut(&order) {
            child.merged = Some((resident.clone(), officers.clone()));
        }
    }
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Child(..)")
    }
}
