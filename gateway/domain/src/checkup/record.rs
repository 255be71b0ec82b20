//! One checkup: as received, as kept, and as each viewer sees it.
//!
//! Field set: 標準的な電子的記録様式 and what a visit holds in practice
//! ([`super::item`]). A birth is two records or more: one delivery of the
//! mother and one newborn per child, joined by the pregnancy's key.

mod birth;
mod change;
mod validate;
mod view;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use birth::same_birth;
pub use change::{Change, changes};

use super::gestation::{GestationBasis, GestationalAge};
use super::item::{Entry, RawEntry, expected};
use super::judgement::{Disposition, OwnCode};
use super::kind::CheckupKind;
use super::questionnaire::{Answers, RawAnswers};
use super::scores::{RawScores, Scores};
use super::version::SourceVersion;

use crate::codes::InstitutionCode;
use crate::resident::{ResidentKey, Sex};

/// A checkup as received. Texts are empty where the sender gave nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawCheckup {
    /// The sender's own id of the record; required, at most 64 characters.
    pub record_id: String,
    /// Whole number that rises with each change; required.
    pub source_version: String,
    /// The sender's key of the person whose checkup it is; required of a municipality, empty where the person was present.
    pub resident_key: String,
    /// At a child's checkup the key of the mother, to whom some answers belong.
    pub mother_key: String,
    /// Kind; required.
    pub kind: Option<CheckupKind>,
    /// Day of the checkup, ISO 8601; required.
    pub date: String,
    /// 10-digit code of the institution; empty for a municipal group checkup.
    pub institution: String,
    /// The sender's key of the pregnancy; required where the kind is of one.
    pub pregnancy: String,
    /// 出産順位 of a newborn, from 1; required there.
    pub birth_order: Option<u8>,
    /// `28w3d`; required at a pregnancy visit.
    pub gestation: String,
    /// What it was reckoned from; required with it.
    pub gestation_basis: Option<GestationBasis>,
    /// Values and findings, at most 100.
    pub items: Vec<RawEntry>,
    /// EPDS, bonding, support checklist; each at most once.
    pub scores: Vec<RawScores>,
    /// Parents' answers.
    pub questionnaire: Option<RawAnswers>,
    /// What happens next.
    pub disposition: Option<Disposition>,
    /// The municipality's own code of its judgement.
    pub own_code: String,
    /// What that code means there.
    pub own_label: String,
    /// Day of a detailed examination already done, ISO 8601.
    pub detailed_exam_on: String,
    /// The sender withdraws the record; nothing but key, kind and day counts.
    pub withdrawn: bool,
}

/// A checkup as kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkup {
    /// The sender's own id.
    pub record_id: String,
    /// The sender's version.
    pub source_version: SourceVersion,
    /// Whose checkup it is; `None`: the person was present where it was recorded.
    pub resident_key: Option<ResidentKey>,
    /// To whom the answers about the mother belong, at a child's checkup.
    pub mother_key: Option<ResidentKey>,
    /// Kind.
    pub kind: CheckupKind,
    /// Day.
    pub date: Date,
    /// Where; `None`: a municipal group checkup, or not said.
    pub institution: Option<InstitutionCode>,
    /// The sender's key of the pregnancy; empty: none.
    pub pregnancy: String,
    /// 出産順位.
    pub birth_order: Option<u8>,
    /// Gestational age on the day.
    pub gestation: Option<Gestation>,
    /// By item code.
    pub items: BTreeMap<String, Entry>,
    /// Scored questionnaires.
    pub scores: Vec<Scores>,
    /// Parents' answers.
    pub questionnaire: Option<Answers>,
    /// What happens next.
    pub disposition: Option<Disposition>,
    /// The municipality's own code.
    pub own_code: Option<OwnCode>,
    /// Day of a detailed examination already done.
    pub detailed_exam_on: Option<Date>,
    /// Withdrawn by its sender.
    pub withdrawn: bool,
}

/// A gestational age with what it was reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gestation {
    /// Weeks and days.
    pub age: GestationalAge,
    /// Reckoned from.
    pub basis: GestationBasis,
}

/// What is known beside the row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The day of receipt in Tokyo.
    pub today: Date,
    /// Birth date of the person whose checkup it is, if linked.
    pub birth: Option<Date>,
    /// Sex of that person.
    pub sex: Sex,
}

impl Checkup {
    /// Codes of items that a complete record of this kind has and this one
    /// lacks. No reason to refuse: what was not examined cannot be sent.
    pub fn missing(&self) -> Vec<&'static str> {
        let all = expected(self.kind, self.date).map(|item| item.code.as_str());
        all.filter(|code| !self.withdrawn && !self.items.contains_key(*code)).collect()
    }

    /// That there is such a record, and nothing of what it says: as of one that was withdrawn.
    #[must_use]
    pub fn without_content(&self) -> Self {
        Self {
            mother_key: None,
            pregnancy: String::new(),
            birth_order: None,
            gestation: None,
            items: BTreeMap::new(),
            scores: Vec::new(),
            questionnaire: None,
            disposition: None,
            own_code: None,
            detailed_exam_on: None,
            ..self.clone()
        }
    }

    /// Whether two senders' records tell of the same visit of one person. Only a named institution makes it sure.
    pub fn is_same_visit(&self, other: &Self) -> bool {
        let visit = |checkup: &Self| (checkup.kind, checkup.date, checkup.institution);
        self.institution.is_some() && visit(self) == visit(other)
    }
}

crate::withheld!(RawCheckup, Checkup, Context);
