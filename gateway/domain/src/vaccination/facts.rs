//! What is known about the person, the doses given and the shot at hand.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::calendar::{AgePolicy, Pregnancy};
use super::code::VaccineCode;
use crate::codes::{InstitutionCode, MunicipalityCode};
use crate::resident::Sex;
use crate::time::DateRange;

/// What the rules need to know about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Birth date.
    pub birth: Date,
    /// Sex on the register; unknown: no series is refused for it, only warned.
    pub sex: Sex,
    /// The present pregnancy, if any.
    pub pregnancy: Option<Pregnancy>,
    /// Conditions that open a window for adults, as told for the shot at hand.
    pub conditions: BTreeSet<Condition>,
    /// Vaccines that a doctor has ruled out for this person for good.
    pub ruled_out: BTreeSet<VaccineCode>,
}

/// A condition that opens a routine window before its general age
/// (予防接種法施行令 3条: 60歳以上65歳未満).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Heart, kidney, respiratory organs, or immune function impaired by HIV, to the degree the ordinance names.
    SeriousOrgan,
    /// Immune function impaired by HIV; such a person has both conditions, because the ordinance lists it twice.
    Hiv,
}

/// A dose that was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// Civil date in Japan.
    pub on: Date,
    /// The series, or a vaccine outside any series.
    pub vaccine: VaccineCode,
    /// 実施区分; a dose outside the routine programme is not bound by its windows.
    pub programme: Programme,
    /// How it was recorded.
    pub recorded: Recorded,
    /// Conditions that were told when it was given: they opened the window then, whatever is told today.
    pub conditions: BTreeSet<Condition>,
}

/// How a dose was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recorded {
    /// As a dose of its series; whether it counts is for the rules to say.
    AsGiven,
    /// As given in error: it counts in no series whatever the rules say.
    InError,
}

/// The doses known, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The doses.
    pub doses: Vec<Given>,
    /// Whether these are all there are.
    pub completeness: Completeness,
}

/// Whether the doses known are all there are. Shots before digitalisation or abroad are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Completeness {
    /// The home municipality has said that its register is here, up to a day not long before.
    HistoryComplete,
    /// The doctor compared it with the 母子健康手帳.
    PaperSeen,
    /// Neither: an answer says `HISTORY_INCOMPLETE`.
    HistoryIncomplete,
}

/// Under which programme a shot is given (実施区分).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Programme {
    /// 定期 (A類・B類).
    Routine,
    /// 定期, away from home under the home municipality's letter (依頼書).
    ByRequest,
    /// 長期療養特例: who could not be vaccinated in time because of a long illness.
    LongIllness,
    /// 臨時: the windows are those of the order, which this rule book does not hold.
    Extraordinary,
    /// 任意: outside the law's programme; its windows do not bind, intervals do.
    Voluntary,
}

/// The shot to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The series, or a vaccine outside any series.
    pub vaccine: VaccineCode,
    /// The day on which it would be given.
    pub on: Date,
    /// 実施区分.
    pub programme: Programme,
    /// Dose number that the institution believes it is, if it says.
    pub dose_no: Option<u8>,
    /// Last day on which the lot may be used, if known.
    pub lot_expires: Option<Date>,
    /// Answers of the questionnaire (予診票) that bear on the decision; `None`: not taken yet.
    pub answers: Option<BTreeSet<Answer>>,
}

/// An answer of the questionnaire that bears on the decision. The rule book says for which vaccines and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Answer {
    /// 37.5 °C or more.
    Fever,
    /// A serious acute illness.
    AcuteIllness,
    /// Anaphylaxis to an ingredient before.
    Anaphylaxis,
    /// Pregnant.
    Pregnant,
    /// Immune function impaired, or treated so.
    Immunosuppressed,
    /// Intussusception before, or an untreated defect that favours it.
    Intussusception,
    /// Keloid from an earlier injury or vaccination.
    Keloid,
    /// Disease of heart, kidney, liver or blood, or delayed development.
    ChronicDisease,
    /// Fever within two days of, or an allergic rash after, an earlier vaccination.
    EarlierReaction,
    /// Convulsion before.
    Convulsion,
    /// An immune deficiency in the family.
    FamilyImmunodeficiency,
    /// May be allergic to an ingredient.
    Allergy,
    /// Transfusion or gamma globulin within the last six months.
    BloodProduct,
    /// Measles, rubella, chickenpox or mumps around the person within a month.
    Exposure,
}

/// Where the person lives and the institution stands, on the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Residence {
    /// In a municipality for which this institution gives routine shots.
    Served(MunicipalityCode),
    /// In another one: routine needs its letter.
    Elsewhere(MunicipalityCode),
    /// Nobody has said where.
    Unknown,
}

/// A 接種券 or 依頼書.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Which of the two.
    pub kind: AuthorizationKind,
    /// Who issued it.
    pub issuer: MunicipalityCode,
    /// For which series.
    pub vaccine: VaccineCode,
    /// For which dose; `None`: all of the series.
    pub dose_no: Option<u8>,
    /// From the first to the last day.
    pub valid: DateRange,
    /// Addressee, where it names one.
    pub institution: Option<InstitutionCode>,
}

/// What an authorization is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthorizationKind {
    /// 接種券, for shots at home.
    Ticket,
    /// 依頼書, for shots away; it also puts the shot under the home municipality's 健康被害救済.
    RequestLetter,
}

/// Where the shot is given and who allowed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// On the day.
    pub residence: Residence,
    /// The institution.
    pub institution: Option<InstitutionCode>,
    /// What the person holds and has not used.
    pub authorizations: Vec<Authorization>,
}

/// Everything that bears on one shot.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Who.
    pub person: &'a Person,
    /// What was given before (and after, if this one is reported late).
    pub history: &'a History,
    /// What is to be given.
    pub proposal: &'a Proposal,
    /// Where; `None`: not judged (offline).
    pub setting: Option<&'a Setting>,
    /// On which day an age is reached.
    pub policy: AgePolicy,
}

impl Answer {
    /// All answers.
    pub const ALL: [Self; 14] = [
        Self::Fever,
        Self::AcuteIllness,
        Self::Anaphylaxis,
        Self::Pregnant,
        Self::Immunosuppressed,
        Self::Intussusception,
        Self::Keloid,
        Self::ChronicDisease,
        Self::EarlierReaction,
        Self::Convulsion,
        Self::FamilyImmunodeficiency,
        Self::Allergy,
        Self::BloodProduct,
        Self::Exposure,
    ];

    /// Stable machine name, as on the wire without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fever => "FEVER",
            Self::AcuteIllness => "ACUTE_ILLNESS",
            Self::Anaphylaxis => "ANAPHYLAXIS",
            Self::Pregnant => "PREGNANT",
            Self::Immunosuppressed => "IMMUNOSUPPRESSED",
            Self::Intussusception => "INTUSSUSCEPTION",
            Self::Keloid => "KELOID",
            Self::ChronicDisease => "CHRONIC_DISEASE",
            Self::EarlierReaction => "EARLIER_REACTION",
            Self::Convulsion => "CONVULSION",
            Self::FamilyImmunodeficiency => "FAMILY_IMMUNODEFICIENCY",
            Self::Allergy => "ALLERGY",
            Self::BloodProduct => "BLOOD_PRODUCT",
            Self::Exposure => "EXPOSURE",
        }
    }
}

impl Person {
    /// Somebody of whom only the birth date and sex are known.
    pub fn new(birth: Date, sex: Sex) -> Self {
        Self { birth, sex, pregnancy: None, conditions: BTreeSet::new(), ruled_out: BTreeSet::new() }
    }
}
