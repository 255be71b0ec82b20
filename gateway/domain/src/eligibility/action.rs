//! What the receptionist should do, and by which rule.

use serde::Serialize;

use super::{Caller, Question};
use crate::codes::LawNumber;
use crate::directory::Competence;
use crate::entitlement::{Area, CareType, Entitlement};
use crate::organization::IssuerId;

/// What the receptionist should do at this window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CounterAction {
    /// Apply the subsidy at this window.
    ApplyHere,
    /// Collect the normal share; the patient is reimbursed (償還払い).
    CollectShareThenReimburse,
    /// This institution is not among the designated ones.
    NotDesignatedHere,
    /// Ask the issuer.
    AskIssuer,
    /// Go by the paper certificate.
    UsePaper,
}

/// The rule that gave a counter action. In the order of what a receptionist
/// needs to know first, so the least rule of several rows is the headline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// In force, here, now.
    InForce,
    /// The issuer always reimburses (常に償還払い).
    AlwaysReimbursed,
    /// Applied at counters of the issuer's prefecture only.
    OutsidePrefecture,
    /// Applied at counters of the issuer's municipality only.
    OutsideMunicipality,
    /// The right begins later.
    NotYetValid,
    /// Designated institutions are named and the caller is none of them.
    NotDesignated,
    /// The law gives the scheme for another kind of care.
    CareNotCovered,
    /// Applied in the issuer's municipality, and where this counter stands is
    /// not registered.
    MunicipalityUnknown,
    /// The right ended.
    Lapsed,
    /// The source is too old; a right was in force when it was fresh.
    StaleRightKnown,
    /// The source is too old and knew of no right.
    Stale,
    /// The issuer never delivered.
    NotConnected,
    /// No consent.
    NotConsented,
    /// The card does not open subsidies.
    CardLimited,
    /// Nothing registered.
    NoneRegistered,
    /// No issuer competent for the scheme has linked this person.
    NoneLinked,
    /// The caller has no counter (a citizen's app).
    NoCounter,
}

/// The rule for a right that is in force from a fresh source.
pub(super) fn rule_in_force(right: &Entitlement, competence: &Competence, question: &Question) -> Rule {
    let Some(institution) = question.caller.institution() else { return Rule::NoCounter };
    if question.care.is_some_and(|care| !law_covers(right.group.law_no(), care)) {
        return Rule::CareNotCovered;
    }
    if right.always_reimbursement {
        return Rule::AlwaysReimbursed;
    }
    if let Some(rule) = outside(right.area.max(competence.area), right.issuer, &question.caller) {
        return rule;
    }
    let designated = &right.designated_institutions;
    if !designated.is_empty() && designated.iter().all(|one| one.code != institution) {
        return Rule::NotDesignated;
    }
    Rule::InForce
}

fn outside(area: Area, issuer: IssuerId, caller: &Caller) -> Option<Rule> {
    let is_outside_prefecture = caller.prefecture() != Some(issuer.prefecture());
    match area {
        Area::Anywhere => None,
        _ if is_outside_prefecture => Some(Rule::OutsidePrefecture),
        Area::Prefecture => None,
        Area::Municipality => match caller.municipality {
            None => Some(Rule::MunicipalityUnknown),
            Some(municipality) => (municipality != issuer.code()).then_some(Rule::OutsideMunicipality),
        },
    }
}

/// National schemes that a law gives for one kind of care only: 11 感染症法37条
/// (入院), 17 児童福祉法20条 (入院), 20 精神保健福祉法29条 (措置入院), 23 母子保健法20条
/// (入院養育), 21 障害者総合支援法施行令1条の2第3号 (入院しないで行われる医療). Schemes not
/// named here cover what their rules say.
fn law_covers(law_no: LawNumber, care: CareType) -> bool {
    match law_no.number() {
        11 | 17 | 20 | 23 => care == CareType::Inpatient,
        21 => care != CareType::Inpatient,
        _ => true,
    }
}

impl Rule {
    /// All rules, the most telling first.
    pub const ALL: [Self; 17] = [
        Self::InForce,
        Self::AlwaysReimbursed,
        Self::OutsidePrefecture,
        Self::OutsideMunicipality,
        Self::NotYetValid,
        Self::NotDesignated,
        Self::CareNotCovered,
        Self::MunicipalityUnknown,
        Self::Lapsed,
        Self::StaleRightKnown,
        Self::Stale,
        Self::NotConnected,
        Self::NotConsented,
        Self::CardLimited,
        Self::NoneRegistered,
        Self::NoneLinked,
        Self::NoCounter,
    ];

    /// What it tells the receptionist to do.
    pub fn action(self) -> CounterAction {
        match self {
            Self::InForce => CounterAction::ApplyHere,
            Self::AlwaysReimbursed
            | Self::OutsidePrefecture
            | Self::OutsideMunicipality
            | Self::NotYetValid => CounterAction::CollectShareThenReimburse,
            Self::NotDesignated => CounterAction::NotDesignatedHere,
            Self::CareNotCovered | Self::MunicipalityUnknown | Self::Lapsed => CounterAction::AskIssuer,
            Self::StaleRightKnown
            | Self::Stale
            | Self::NotConnected
            | Self::NotConsented
            | Self::CardLimited
            | Self::NoneRegistered
            | Self::NoneLinked
            | Self::NoCounter => CounterAction::UsePaper,
        }
    }

    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::InForce => "right.in_force",
            Self::AlwaysReimbursed => "reimbursement.always",
            Self::OutsidePrefecture => "area.outside_prefecture",
            Self::OutsideMunicipality => "area.outside_municipality",
            Self::NotYetValid => "right.not_yet_valid",
            Self::NotDesignated => "designation.not_here",
            Self::CareNotCovered => "care.not_covered",
            Self::MunicipalityUnknown => "area.municipality_unknown",
            Self::Lapsed => "right.lapsed",
            Self::StaleRightKnown => "source.stale_right_known",
            Self::Stale => "source.stale",
            Self::NotConnected => "issuer.not_connected",
            Self::NotConsented => "consent.not_given",
            Self::CardLimited => "card.limited",
            Self::NoneRegistered => "right.none_registered",
            Self::NoneLinked => "issuer.none_linked",
            Self::NoCounter => "caller.no_counter",
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl CounterAction {
    /// All actions.
    pub const ALL: [Self; 5] = [
        Self::ApplyHere,
        Self::CollectShareThenReimburse,
        Self::NotDesignatedHere,
        Self::AskIssuer,
        Self::UsePaper,
    ];

    /// Stable machine name, as on the wire without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApplyHere => "APPLY_HERE",
            Self::CollectShareThenReimburse => "COLLECT_SHARE_THEN_REIMBURSE",
            Self::NotDesignatedHere => "NOT_DESIGNATED_HERE",
            Self::AskIssuer => "ASK_ISSUER",
            Self::UsePaper => "USE_PAPER",
        }
    }
}
