//! A row that was read exactly.

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use crate::field::{Care, CopaymentKind};

/// One entitlement as the officer's file states it. Widths, dates and words are settled; check digits, registers
/// and lengths are the gateway's to judge. Texts keep every code point of the file.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Line in the file, from 1.
    pub line: u64,
    /// The file's own row id, or `line-<n>`.
    pub row_id: String,
    /// 宛名番号.
    pub resident_key: String,
    /// 機関別受給者証種別ID.
    pub certificate_type_id: String,
    /// 受給者証名.
    pub certificate_name: String,
    /// 受給者証サブキー.
    pub sub_key: Option<String>,
    /// 区分.
    pub segment: Option<String>,
    /// 法別番号, where the file says it apart from the payer number.
    pub law_no: Option<String>,
    /// 公費負担者番号: eight digits, check digit not looked at.
    pub payer_number: Option<String>,
    /// 公費受給者番号.
    pub recipient_number: Option<String>,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity; `None` is open.
    pub valid_to: Option<Date>,
    /// 所得区分.
    pub income_class: Option<String>,
    /// One rule per filled copayment column.
    pub copayments: Vec<Copayment>,
    /// 追加条件.
    pub additional_conditions: Vec<Condition>,
    /// 指定医療機関.
    pub designated_institutions: Vec<Institution>,
    /// 常に償還払い.
    pub always_reimbursement: bool,
    /// 不開示フラグ.
    pub not_disclosed: bool,
    /// 食事療養 covered, where the file says.
    pub meal_covered: Option<bool>,
    /// Where the right can be used at the counter, where the file says.
    pub area: Option<Area>,
    /// 履歴キー.
    pub history_key: String,
    /// 削除フラグ; false when the file has no such column.
    pub deleted: bool,
    /// Lines printed on the certificate.
    pub details: Vec<Detail>,
    /// 生年月日, for matching alone.
    pub birth_date: Option<Date>,
    /// 性別, for matching alone.
    pub sex: Option<Sex>,
    /// 氏名. No entitlement needs it; it stays on the officer's machine unless a caller sends it on purpose.
    pub name: Option<String>,
    /// 氏名カナ; as for the name.
    pub name_kana: Option<String>,
}

/// One copayment rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copayment {
    /// Care covered.
    pub care: Care,
    /// What is counted, and the unit of `amount`.
    pub kind: CopaymentKind,
    /// Percent, yen or a count, by `kind`.
    pub amount: u32,
    /// How institutions add up.
    pub scope: Scope,
}

/// How amounts of several institutions add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// 医療機関ごと.
    PerInstitution,
    /// 合算.
    Across,
}

/// One additional condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// 項目コード.
    pub item: String,
    /// 条件コード.
    pub condition: String,
}

/// One designated institution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Institution {
    /// Ten digits, check digit not looked at.
    pub code: String,
    /// Its name as written beside the code.
    pub name: Option<String>,
}

/// One line of the certificate's face.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// From the mapping.
    pub label: String,
    /// From the cell, untouched.
    pub value: String,
}

/// Where a right can be used at the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// 全国.
    Anywhere,
    /// 都道府県内.
    Prefecture,
    /// 市区町村内.
    Municipality,
}

/// Administrative sex, in the words of FHIR administrative-gender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
    /// 不明.
    Unknown,
}

/// The place alone: the rest is one person's record.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("line", &self.line).finish_non_exhaustive()
    }
}

/// The label alone.
impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detail").field("label", &self.label).finish_non_exhaustive()
    }
}
