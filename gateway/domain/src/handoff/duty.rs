//! The duties that a handoff can pass, and the stay side's answer to each.

use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, BTreeSet};

use super::Refusal;

/// One duty of the municipality towards the mother or her child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Duty {
    /// 妊婦健康診査 (母子保健法13条).
    PregnancyCheckup,
    /// 新生児訪問, 乳児家庭全戸訪問 (母子保健法11条, 児童福祉法6条の3第4項).
    NewbornVisit,
    /// 産婦健康診査.
    PostpartumCheckup,
    /// 産後ケア (母子保健法17条の2).
    PostpartumCare,
    /// 乳児健康診査 (母子保健法13条).
    InfantCheckup,
    /// 定期予防接種 (予防接種法5条).
    Vaccination,
    /// 相談 (母子保健法10条).
    Consultation,
}

/// Who holds a duty at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The municipality that made the offer.
    Home,
    /// The municipality of the stay.
    Stay,
    /// The municipality of the new residence: it is home's no more.
    NewHome,
}

/// What the stay side says to one duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DutyAnswer {
    /// It will do it.
    Accepted,
    /// It will not.
    Declined(DeclineReason),
}

/// Why a duty, or a whole offer, is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeclineReason {
    /// The stay is too short; some towns visit only from two months on.
    StayTooShort,
    /// No staff or places at that time.
    NoCapacity,
    /// Not done there for residents of other municipalities.
    NotOffered,
    /// The mother did not come, or does not wish it.
    MotherDeclined,
    /// Something else, told by phone.
    Other,
}

/// An answer to each duty of an offer, at least one of them accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers(BTreeMap<Duty, DutyAnswer>);

impl Duty {
    /// Every duty.
    pub const ALL: [Self; 7] = [
        Self::PregnancyCheckup,
        Self::NewbornVisit,
        Self::PostpartumCheckup,
        Self::PostpartumCare,
        Self::InfantCheckup,
        Self::Vaccination,
        Self::Consultation,
    ];

    /// Whether it is owed to a child: after the loss of every child nobody owes
    /// it, and to appear for it would hurt. A visit to the mother, a checkup
    /// and care are owed to her as before.
    pub fn is_owed_to_child(self) -> bool {
        matches!(self, Self::NewbornVisit | Self::InfantCheckup | Self::Vaccination)
    }
}

impl Answers {
    /// Answers as given. Errors: `Answers` unless each duty offered, and no
    /// other, is answered, and one is accepted: declining all is to decline
    /// the offer.
    pub fn new(offered: &BTreeSet<Duty>, given: BTreeMap<Duty, DutyAnswer>) -> Result<Self, Refusal> {
        let answers = Self(given);
        let is_complete = answers.0.keys().eq(offered.iter());
        if is_complete && answers.accepted().next().is_some() { Ok(answers) } else { Err(Refusal::Answers) }
    }

    /// Whether they answer exactly these duties.
    pub(super) fn answer(&self, offered: &BTreeSet<Duty>) -> bool {
        self.0.keys().eq(offered.iter())
    }

    /// Every duty with its answer.
    pub fn all(&self) -> impl Iterator<Item = (Duty, DutyAnswer)> {
        self.0.iter().map(|(duty, answer)| (*duty, *answer))
    }

    /// Answers as the other side's entry gives them; whether they answer the offer is judged with the offer.
    pub fn told(given: BTreeMap<Duty, DutyAnswer>) -> Self {
        Self(given)
    }

    /// Whether a duty was accepted.
    pub fn accepts(&self, duty: Duty) -> bool {
        self.0.get(&duty) == Some(&DutyAnswer::Accepted)
    }

    /// Every duty accepted.
    pub fn accepted(&self) -> impl Iterator<Item = Duty> {
        self.0.iter().filter(|(_, answer)| **answer == DutyAnswer::Accepted).map(|(duty, _)| *duty)
    }

    /// The answer to one duty; `None` if it was not offered.
    pub fn get(&self, duty: Duty) -> Option<DutyAnswer> {
        self.0.get(&duty).copied()
    }
}
