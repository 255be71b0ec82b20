//! Entitlements (受給資格): a right under a subsidy scheme, as its issuer sends
//! it and as it is kept.
//!
//! [`RawEntitlement`] is what arrives; [`Entitlement::validate`] reports every
//! violation at once and gives the typed record, which is stored as canonical
//! JSON. Rights are never edited: a new version with a greater history key
//! overrides from its own first day on ([`place`], [`Versions`]).
//!
//! Field set: the registration API of the national Public Medical Hub
//! (医療費助成対象者情報登録API, Digital Agency 2024-07) without the individual
//! number, plus what paper certificates carry.

mod history_key;
mod validate;
mod version;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use history_key::{HistoryKey, HistoryKeyError};
pub use validate::{RawCopaymentRule, RawDesignatedInstitution, RawEntitlement};
pub use version::{Placement, Versions, place};

use crate::codes::{InstitutionCode, PayerNumber, RecipientNumber, SchemeGroup};
use crate::organization::IssuerId;
use crate::resident::ResidentKey;
use crate::time::Reversed;

/// One version of one right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of the published record")]
pub struct Entitlement {
    /// 実施機関.
    pub issuer: IssuerId,
    /// The issuer's key of the person.
    pub resident_key: ResidentKey,
    /// 機関別受給者証種別ID, 1 to 50 letters and digits.
    pub certificate_type_id: String,
    /// 受給者証サブキー: tells two certificates of one type apart; often empty.
    pub certification_sub_key: String,
    /// 履歴キー: orders the versions.
    pub history_key: HistoryKey,
    /// 削除フラグ: this version voids every earlier one and is no right itself.
    pub deleted: bool,
    /// The unit of consent.
    pub group: SchemeGroup,
    /// 受給者証名, 1 to 100 characters.
    pub certification_name: String,
    /// 公費負担者番号; some schemes that only reimburse have none.
    pub payer_number: Option<PayerNumber>,
    /// 公費受給者番号 as given.
    pub recipient_number: Option<RecipientNumber>,
    /// 資格有効期間.
    pub validity: Validity,
    /// 区分.
    pub segment: Option<String>,
    /// 所得区分.
    pub income_segment: Option<String>,
    /// What the person pays.
    pub copayments: Vec<CopaymentRule>,
    /// 追加条件.
    pub additional_conditions: Vec<AdditionalCondition>,
    /// 指定医療機関; empty: any.
    pub designated_institutions: Vec<DesignatedInstitution>,
    /// 常に償還払い.
    pub always_reimbursement: bool,
    /// 不開示フラグ.
    pub not_disclosed: bool,
    /// Where it is applied at the counter.
    pub area: Area,
    /// 食事療養 covered.
    pub meal_covered: bool,
    /// 受給者証券面項目, free label and value.
    pub details: Vec<CertificateDetail>,
}

/// From the first to the last day, both included; open if there is no last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ValidityEnds", into = "ValidityEnds")]
pub struct Validity {
    from: Date,
    to: Option<Date>,
}

/// One copayment rule as on the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CopaymentRule {
    /// Care it is for; `None`: all.
    pub care: Option<CareType>,
    /// What the amount counts.
    pub unit: CopaymentUnit,
    /// Per cent, whole yen, or a count.
    pub amount: u32,
    /// Whether each institution counts apart, or all together.
    pub per_institution: bool,
}

/// Where the patient is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CareType {
    /// 外来.
    Outpatient,
    /// 入院.
    Inpatient,
    /// 調剤.
    Pharmacy,
    /// 訪問看護.
    VisitingNursing,
}

/// What a copayment amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopaymentUnit {
    /// 負担割合, per cent of the cost.
    RatePercent,
    /// 月額上限, yen a month.
    YenPerMonth,
    /// 日額, yen a day.
    YenPerDay,
    /// 1回額, yen a visit.
    YenPerVisit,
    /// Number of paid visits a month (月2回まで).
    CountPerMonth,
}

/// 追加条件: codes of the scheme's own master.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionalCondition {
    /// Code of the item.
    pub item: String,
    /// Code of the condition.
    pub condition: String,
}

/// One designated institution (指定医療機関).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesignatedInstitution {
    /// 10-digit institution code.
    pub code: InstitutionCode,
    /// Name as printed; may be empty.
    pub name: String,
}

/// 受給者証券面項目: free label and value printed on the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateDetail {
    /// Label.
    pub label: String,
    /// Value.
    pub value: String,
}

/// Where a right is applied at the counter; outside, the share is collected
/// and reimbursed. Ordered from wide to narrow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Anywhere.
    #[default]
    Anywhere,
    /// Inside the issuer's prefecture.
    Prefecture,
    /// Inside the issuer's municipality.
    Municipality,
}

/// What makes two versions versions of the same right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RightKey<'a> {
    /// 実施機関.
    pub issuer: IssuerId,
    /// The issuer's key of the person.
    pub resident_key: &'a ResidentKey,
    /// 機関別受給者証種別ID.
    pub certificate_type_id: &'a str,
    /// 受給者証サブキー.
    pub certification_sub_key: &'a str,
}

impl Entitlement {
    /// What makes it a version of one right.
    pub fn key(&self) -> RightKey<'_> {
        RightKey {
            issuer: self.issuer,
            resident_key: &self.resident_key,
            certificate_type_id: &self.certificate_type_id,
            certification_sub_key: &self.certification_sub_key,
        }
    }
}

impl Validity {
    /// From a first day to an optional last. Errors: reversed.
    pub fn new(from: Date, to: Option<Date>) -> Result<Self, Reversed> {
        match to {
            Some(to) if to < from => Err(Reversed),
            _ => Ok(Self { from, to }),
        }
    }

    /// First day.
    pub fn from(self) -> Date {
        self.from
    }

    /// Last day; `None`: open.
    pub fn to(self) -> Option<Date> {
        self.to
    }
}

impl CopaymentRule {
    /// Whether the rule concerns a kind of care; with none asked, every rule does.
    pub fn concerns(&self, care: Option<CareType>) -> bool {
        self.care.is_none() || care.is_none() || self.care == care
    }
}

#[derive(Serialize, Deserialize)]
struct ValidityEnds {
    from: Date,
    to: Option<Date>,
}

impl TryFrom<ValidityEnds> for Validity {
    type Error = Reversed;

    fn try_from(ends: ValidityEnds) -> Result<Self, Reversed> {
        Self::new(ends.from, ends.to)
    }
}

impl From<Validity> for ValidityEnds {
    fn from(validity: Validity) -> Self {
        Self { from: validity.from, to: validity.to }
    }
}
