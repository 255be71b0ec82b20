//! What is written down about a dose and about an authorization. Names follow FHIR Immunization where it has them.

use jiff::civil::Date;
use pmh_domain::organization::OrganizationId;
use serde::{Deserialize, Serialize};

/// One version of a dose.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoseRecord {
    /// Our vaccine code, for example `HEPB`.
    pub vaccine: String,
    /// What the number counts in: the vaccine, or one season or pregnancy of it.
    pub series: String,
    /// From 1.
    pub dose_number: u8,
    /// Whether it counts.
    pub status: DoseStatus,
    /// Day of the shot, or of the 予診 that ended without one.
    pub occurrence: Date,
    /// What was injected.
    pub product: Product,
    /// 接種量, microlitres; 0: unknown.
    pub quantity_ul: u32,
    /// 接種方法.
    pub route: Option<Route>,
    /// 部位.
    pub site: Option<Site>,
    /// Who gave it, `<kind>:<code>`; empty: unknown.
    pub performer: String,
    /// The doctor, by the institution's own pseudonym.
    pub doctor: String,
    /// Who pays, `<kind>:<code>`; empty: nobody is asked to.
    pub payer: String,
    /// 実施区分.
    pub programme: Programme,
    /// The authorization it was given under; empty: none.
    pub authorization_key: String,
    /// Of the pregnancy, where the series is one per pregnancy.
    pub due_date: Option<Date>,
    /// Conditions that opened the window before its general age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// 予診のみ, and the doctor ruled the vaccine out for this person for good.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ruled_out: bool,
    /// Where the record came from.
    pub source: Source,
    /// What the rules found when it was recorded.
    pub findings: Vec<Noted>,
    /// Why a doctor went on all the same; empty: nothing was overridden.
    pub override_reason: String,
    /// Why this version was written; empty in the first.
    pub change_reason: String,
}

/// The product as on its label.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Codes of other systems.
    pub codings: Vec<DoseCoding>,
    /// ロット番号, as printed.
    pub lot_number: String,
    /// 有効期限.
    pub expiration_date: Option<Date>,
    /// メーカー.
    pub manufacturer: String,
}

/// A code of another system.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoseCoding {
    /// URI of the system.
    pub system: String,
    /// The code.
    pub code: String,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Rule id.
    pub rule: String,
    /// Version of the rules.
    pub version: String,
    /// Whether it stops.
    pub effect: Effect,
    /// A doctor went on with a reason.
    pub overridden: bool,
}

/// A municipality's permission: 接種券 or 依頼書.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRecord {
    /// Who gives it, `<kind>:<code>`.
    pub issuer: String,
    /// Whom it is for, by the issuer's key.
    pub resident_key: String,
    /// The issuer's own key of it.
    pub authorization_key: String,
    /// Which of both.
    pub kind: AuthorizationKind,
    /// Our vaccine code.
    pub vaccine: String,
    /// Numbers it is for; empty: all.
    pub dose_numbers: Vec<u8>,
    /// Institutions it is for, `<kind>:<code>`; empty: any.
    pub institutions: Vec<String>,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_to: Date,
    /// Conditions of the person that the issuer has confirmed with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Taken back.
    pub withdrawn: bool,
}

/// A word with the number that the contract gives it.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$word_meta:meta])* $number:literal $word:ident;)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(rename_all = "snake_case")]
            pub enum $name { $($(#[$word_meta])* $word,)+ }

            impl $name {
                /// Its number in the contract, never 0.
                pub const fn number(self) -> i32 {
                    match self { $(Self::$word => $number,)+ }
                }

                /// The word with this number.
                pub const fn from_number(number: i32) -> Option<Self> {
                    match number {
                        $($number => Some(Self::$word),)+
                        _ => None,
                    }
                }
            }
        )+
    };
}

words! {
    /// Whether a dose counts.
    DoseStatus {
        /// Given, and counts.
        1 Completed;
        /// Given, but not as the rules have it: counts in no series.
        2 AdministeredInError;
        /// 予診のみ: not given.
        3 NotDone;
        /// Entered in error: it never happened.
        4 EnteredInError;
    }

    /// Where a record came from.
    Source {
        /// Under a reservation.
        1 Reserved;
        /// Later: the system was away.
        2 Outage;
        /// Later: from a paper 予診票.
        3 Paper;
        /// Later: from a mass session.
        4 MassSession;
        /// From a municipality's register.
        5 Register;
        /// At the counter without a reservation.
        6 Unreserved;
    }

    /// 接種方法.
    Route {
        /// 皮下.
        1 Subcutaneous;
        /// 筋肉内.
        2 Intramuscular;
        /// 経口.
        3 Oral;
        /// 経皮.
        4 Percutaneous;
        /// 皮内.
        5 Intradermal;
        /// 経鼻.
        6 Nasal;
    }

    /// 部位.
    Site {
        /// 左上腕.
        1 LeftUpperArm;
        /// 右上腕.
        2 RightUpperArm;
        /// 左大腿.
        3 LeftThigh;
        /// 右大腿.
        4 RightThigh;
        /// 口.
        5 Mouth;
        /// その他.
        6 Other;
    }

    /// 実施区分.
    Programme {
        /// 定期.
        1 Routine;
        /// 定期, away from home under the home municipality's 依頼書.
        2 ByRequest;
        /// 長期療養特例.
        3 LongIllness;
        /// 臨時.
        4 Extraordinary;
        /// 任意.
        5 Voluntary;
    }

    /// 予防接種法施行令 3条: opens an adult's window at 60.
    Condition {
        /// 心臓の機能の障害.
        1 Heart;
        /// じん臓の機能の障害.
        2 Kidney;
        /// 呼吸器の機能の障害.
        3 Respiratory;
        /// ヒト免疫不全ウイルスによる免疫の機能の障害.
        4 HivImmune;
    }

    /// What a finding does.
    Effect {
        /// Said.
        1 Warn;
        /// Stops.
        2 Block;
    }

    /// Which permission.
    AuthorizationKind {
        /// 接種券.
        1 Voucher;
        /// 依頼書.
        2 Request;
    }
}

impl DoseStatus {
    /// Whether the dose fills its number of the series.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Completed)
    }

    /// Whether something was injected or swallowed.
    pub const fn is_given(self) -> bool {
        matches!(self, Self::Completed | Self::AdministeredInError)
    }
}

impl DoseRecord {
    /// Whether it takes its number, so that nobody else can record the same dose. A register's past records are history
    /// for the rules to number: which of them counts must not depend on what was sent first.
    pub fn fills_a_slot(&self) -> bool {
        self.status.counts() && self.source != Source::Register
    }

    /// Whether both tell of one shot.
    pub fn is_same_shot(&self, other: &Self) -> bool {
        let DoseRecord { vaccine, occurrence, product, performer, .. } = other;
        other.status.is_given() && self.is_shot(vaccine, *occurrence, &product.lot_number, performer)
    }

    /// Whether this is that shot: the same vaccine on the same day, and neither lot nor institution speaks against it. A
    /// register often has neither; two institutions that both say they gave it gave two.
    pub fn is_shot(&self, vaccine: &str, on: Date, lot_number: &str, performer: &str) -> bool {
        let agree = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
        self.status.is_given()
            && self.vaccine == vaccine
            && self.occurrence == on
            && agree(&self.product.lot_number, lot_number)
            && agree(&self.performer, performer)
    }
}

impl AuthorizationRecord {
    /// Whether it permits this dose of this vaccine, there and then.
    pub fn permits(&self, vaccine: &str, dose_number: u8, institution: &OrganizationId, day: Date) -> bool {
        !self.withdrawn
            && self.vaccine == vaccine
            && (self.valid_from..=self.valid_to).contains(&day)
            && (self.dose_numbers.is_empty() || self.dose_numbers.contains(&dose_number))
            && self.is_addressed_to(institution)
    }

    /// Whether it is for this institution. A letter may be addressed to the mayor of the place of the shot instead
    /// (依頼書, 滞在先市区町村長あて); an institution's code tells its prefecture and no more, so it is for those of that
    /// prefecture.
    pub fn is_addressed_to(&self, institution: &OrganizationId) -> bool {
        let prefecture = institution.institution().map(|code| code.prefecture());
        let is_for = |named: &String| match OrganizationId::parse_short(named) {
            Ok(named) => match named.issuer() {
                Ok(place) => Some(place.code().prefecture()) == prefecture,
                Err(_) => named == *institution,
            },
            Err(_) => false,
        };
        self.institutions.is_empty() || self.institutions.iter().any(is_for)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

pmh_domain::withheld!(DoseRecord, Product, DoseCoding, AuthorizationRecord);
