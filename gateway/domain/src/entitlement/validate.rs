//! From a row as received to a typed entitlement, with every violation
//! reported at once.

use std::fmt;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::{
    AdditionalCondition, Area, CareType, CertificateDetail, CopaymentRule, CopaymentUnit,
    DesignatedInstitution, Entitlement, HistoryKey, Validity,
};
use crate::codes::{
    CodeError, InstitutionCode, LawNumber, PayerNumber, RecipientNumber, RecipientWarning, SchemeGroup,
    looks_like_individual_number,
};
use crate::directory::IssuerDirectory;
use crate::organization::IssuerId;
use crate::problem::{Accepted, FieldReason, Findings, RowRefusal};
use crate::resident::{ResidentKey, iso_date, past_date};

/// A row as received. Texts are empty where the sender gave nothing; field
/// names are those of the wire contract.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of the published record")]
pub struct RawEntitlement {
    /// The issuer's key of the person; required.
    pub resident_key: String,
    /// 機関別受給者証種別ID; required, at most 50 letters and digits.
    pub certificate_type_id: String,
    /// 受給者証名; required, at most 100.
    pub certification_name: String,
    /// 受給者証サブキー, at most 50.
    pub certification_sub_key: String,
    /// 法別番号; required unless a payer number says it.
    pub law_no: String,
    /// 公費負担者番号.
    pub payer_number: String,
    /// 公費受給者番号.
    pub recipient_number: String,
    /// 有効期間開始, ISO 8601; required.
    pub valid_from: String,
    /// 有効期間終了, ISO 8601; empty or `9999-12-31`: open.
    pub valid_to: String,
    /// 区分, at most 50.
    pub segment: String,
    /// 所得区分, at most 50.
    pub income_segment: String,
    /// Copayment rules, at most 20.
    pub copayments: Vec<RawCopaymentRule>,
    /// Additional conditions, at most 50.
    pub additional_conditions: Vec<AdditionalCondition>,
    /// Designated institutions, at most 100.
    pub designated_institutions: Vec<RawDesignatedInstitution>,
    /// 常に償還払い.
    pub always_reimbursement: bool,
    /// 不開示フラグ.
    pub not_disclosed: bool,
    /// Where it is applied at the counter.
    pub area: Area,
    /// 食事療養 covered.
    pub meal_covered: bool,
    /// 履歴キー; required. One of 12 digits, such as a time to the minute, looks
    /// like an individual number once in ten; `20240401T0930` never does.
    pub history_key: String,
    /// 削除フラグ.
    pub deleted: bool,
    /// 受給者証券面項目, at most 50.
    pub details: Vec<CertificateDetail>,
}

/// A copayment rule as received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RawCopaymentRule {
    /// Care it is for; `None`: all.
    pub care: Option<CareType>,
    /// What the amount counts; required.
    pub unit: Option<CopaymentUnit>,
    /// Per cent, whole yen, or a count.
    pub amount: u32,
    /// Whether each institution counts apart.
    pub per_institution: bool,
}

/// A designated institution as received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawDesignatedInstitution {
    /// 10-digit institution code; required.
    pub code: String,
    /// Name as printed, at most 100; may be empty.
    pub name: String,
}

/// A certificate is issued for next spring, not for the next decade.
const YEARS_AHEAD: i16 = 5;
/// Longer than a life; a typing error in the year is found by it.
const LONGEST_YEARS: i16 = 120;
/// How municipal systems write "no end".
const OPEN_END: Date = Date::constant(9999, 12, 31);

impl Entitlement {
    /// Checks a row of `issuer` received on `today` and reports all violations
    /// at once.
    ///
    /// A wrong check digit of the payer number refuses the row; that of a
    /// recipient number only warns. What looks like a 12-digit individual
    /// number, in any text, quarantines the row, except a recipient number
    /// where the issuer has declared that its own have 12 digits.
    pub fn validate(
        raw: &RawEntitlement,
        issuer: IssuerId,
        directory: &IssuerDirectory,
        today: Date,
    ) -> Result<Accepted<Self>, RowRefusal> {
        let mut findings = Findings::default();
        let f = &mut findings;
        let resident_key = f.take("resident_key", ResidentKey::parse(&raw.resident_key));
        let certificate_type_id = alphanumeric(f, "certificate_type_id", &raw.certificate_type_id);
        let certification_sub_key = text(f, "certification_sub_key", &raw.certification_sub_key, 50);
        let history_key = required(f, "history_key", &raw.history_key, HistoryKey::parse);
        let certification_name = required_text(f, "certification_name", &raw.certification_name, 100);
        let payer_number = optional(f, "payer_number", &raw.payer_number, PayerNumber::parse);
        let group = group(raw, payer_number, issuer, directory, f);
        let recipient_number = recipient_number(raw, group, issuer, directory, today, f);
        let validity = validity(raw, today, f);
        let segment = text(f, "segment", &raw.segment, 50);
        let income_segment = text(f, "income_segment", &raw.income_segment, 50);
        let copayments = copayments(&raw.copayments, f);
        check_conditions(&raw.additional_conditions, f);
        let designated_institutions = designated_institutions(&raw.designated_institutions, f);
        check_details(&raw.details, f);
        let value = (|| {
            Some(Self {
                issuer,
                resident_key: resident_key?,
                certificate_type_id: certificate_type_id?,
                certification_sub_key: certification_sub_key.unwrap_or_default(),
                history_key: history_key?,
                deleted: raw.deleted,
                group: group?,
                certification_name: certification_name?,
                payer_number,
                recipient_number,
                validity: validity?,
                segment,
                income_segment,
                copayments,
                additional_conditions: raw.additional_conditions.clone(),
                designated_institutions,
                always_reimbursement: raw.always_reimbursement,
                not_disclosed: raw.not_disclosed,
                area: raw.area,
                meal_covered: raw.meal_covered,
                details: raw.details.clone(),
            })
        })();
        findings.conclude(value)
    }
}

/// The scheme group, from the payer number and the law number, which must
/// agree; the issuer must be or have been competent for it.
fn group(
    raw: &RawEntitlement,
    payer: Option<PayerNumber>,
    issuer: IssuerId,
    directory: &IssuerDirectory,
    findings: &mut Findings,
) -> Option<SchemeGroup> {
    let law_no = optional(findings, "law_no", &raw.law_no, LawNumber::parse);
    if raw.law_no.is_empty() && raw.payer_number.is_empty() {
        findings.problem("law_no", FieldReason::Required);
    }
    if let (Some(law_no), Some(payer)) = (law_no, payer)
        && payer.law_no() != law_no
    {
        findings.problem("law_no", FieldReason::Value);
        return None;
    }
    if payer.is_some_and(|payer| payer.prefecture() != issuer.prefecture()) {
        findings.problem("payer_number", FieldReason::IssuerMismatch);
    }
    let group = SchemeGroup::of(law_no.or(payer.map(|payer| payer.law_no()))?, issuer.prefecture());
    if !directory.knows(group, issuer) {
        findings.problem("law_no", FieldReason::IssuerMismatch);
    }
    if payer.is_some_and(|payer| !directory.lists_payer(group, issuer, payer)) {
        findings.warning("payer_number", FieldReason::UnknownCode);
    }
    Some(group)
}

fn recipient_number(
    raw: &RawEntitlement,
    group: Option<SchemeGroup>,
    issuer: IssuerId,
    directory: &IssuerDirectory,
    today: Date,
    findings: &mut Findings,
) -> Option<RecipientNumber> {
    const FIELD: &str = "recipient_number";
    if raw.recipient_number.is_empty() {
        return None;
    }
    let is_declared = group.is_some_and(|group| directory.has_twelve_digit_recipients(group, issuer, today));
    if looks_like_individual_number(&raw.recipient_number) && !is_declared {
        findings.problem(FIELD, FieldReason::IndividualNumberForbidden);
        return None;
    }
    let number = findings.take(FIELD, RecipientNumber::parse(&raw.recipient_number))?;
    match number.check_warning() {
        Some(RecipientWarning::CheckDigit { .. }) => findings.warning(FIELD, FieldReason::CheckDigit),
        Some(RecipientWarning::NotNationalForm) if group.is_some_and(SchemeGroup::is_national) => {
            findings.warning(FIELD, FieldReason::Width);
        }
        _ => {}
    }
    Some(number)
}

fn validity(raw: &RawEntitlement, today: Date, findings: &mut Findings) -> Option<Validity> {
    let latest_start = today.saturating_add(YEARS_AHEAD.years());
    let from = findings.take("valid_from", past_date(&raw.valid_from, latest_start));
    let to = optional(findings, "valid_to", &raw.valid_to, iso_date);
    if to == Some(OPEN_END) {
        findings.warning("valid_to", FieldReason::DateOutOfRange);
    }
    let (from, to) = (from?, to.filter(|to| *to != OPEN_END));
    if to.is_some_and(|to| to > from.saturating_add(Span::new().years(LONGEST_YEARS))) {
        findings.problem("valid_to", FieldReason::DateOutOfRange);
    }
    findings.take("valid_to", Validity::new(from, to).map_err(|_| FieldReason::IntervalReversed))
}

fn copayments(raw: &[RawCopaymentRule], findings: &mut Findings) -> Vec<CopaymentRule> {
    check_count("copayments", raw.len(), 20, findings);
    let mut rules: Vec<CopaymentRule> = Vec::with_capacity(raw.len());
    for (index, rule) in raw.iter().enumerate() {
        let Some(unit) = rule.unit else {
            findings.problem(format!("copayments[{index}].unit"), FieldReason::Required);
            continue;
        };
        if rule.amount > greatest_amount(unit) {
            findings.problem(format!("copayments[{index}].amount"), FieldReason::Value);
        }
        let RawCopaymentRule { care, amount, per_institution, .. } = *rule;
        let is_same = |other: &CopaymentRule| {
            (other.care, other.unit, other.per_institution) == (care, unit, per_institution)
        };
        if rules.iter().any(is_same) {
            findings.problem(format!("copayments[{index}]"), FieldReason::DuplicateRow);
        }
        rules.push(CopaymentRule { care, unit, amount, per_institution });
    }
    rules
}

/// Bounds that only a typing error passes.
fn greatest_amount(unit: CopaymentUnit) -> u32 {
    match unit {
        CopaymentUnit::RatePercent => 100,
        CopaymentUnit::CountPerMonth => 99,
        CopaymentUnit::YenPerMonth | CopaymentUnit::YenPerDay | CopaymentUnit::YenPerVisit => 9_999_999,
    }
}

fn designated_institutions(
    raw: &[RawDesignatedInstitution],
    findings: &mut Findings,
) -> Vec<DesignatedInstitution> {
    check_count("designated_institutions", raw.len(), 100, findings);
    let mut institutions: Vec<DesignatedInstitution> = Vec::with_capacity(raw.len());
    for (index, institution) in raw.iter().enumerate() {
        let path = |field: &str| format!("designated_institutions[{index}].{field}");
        let name = text(findings, &path("name"), &institution.name, 100).unwrap_or_default();
        let code = required(findings, &path("code"), &institution.code, InstitutionCode::parse);
        let Some(code) = code else { continue };
        if institutions.iter().any(|other| other.code == code) {
            findings.problem(path("code"), FieldReason::DuplicateRow);
        }
        institutions.push(DesignatedInstitution { code, name });
    }
    institutions
}

fn check_conditions(conditions: &[AdditionalCondition], findings: &mut Findings) {
    check_count("additional_conditions", conditions.len(), 50, findings);
    for (index, condition) in conditions.iter().enumerate() {
        let path = |field: &str| format!("additional_conditions[{index}].{field}");
        required_text(findings, &path("item"), &condition.item, 50);
        required_text(findings, &path("condition"), &condition.condition, 50);
    }
}

fn check_details(details: &[CertificateDetail], findings: &mut Findings) {
    check_count("details", details.len(), 50, findings);
    for (index, detail) in details.iter().enumerate() {
        required_text(findings, &format!("details[{index}].label"), &detail.label, 100);
        text(findings, &format!("details[{index}].value"), &detail.value, 400);
    }
}

fn check_count(field: &str, count: usize, most: usize, findings: &mut Findings) {
    if count > most {
        findings.problem(field, FieldReason::Width);
    }
}

/// A required value, checked for an individual number before it is parsed.
fn required<T, E: Into<FieldReason>>(
    findings: &mut Findings,
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    if text.is_empty() {
        findings.problem(field, FieldReason::Required);
    }
    optional(findings, field, text, parse)
}

fn optional<T, E: Into<FieldReason>>(
    findings: &mut Findings,
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    if looks_like_individual_number(text) {
        findings.problem(field, FieldReason::IndividualNumberForbidden);
        return None;
    }
    findings.take(field, parse(text))
}

fn alphanumeric(findings: &mut Findings, field: &str, text: &str) -> Option<String> {
    required(findings, field, text, |text| {
        plain_text(text, 50)?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_plain { Ok(text.to_owned()) } else { Err(CodeError::Characters) }
    })
}

/// An optional text, kept byte for byte; `None` if empty.
fn text(findings: &mut Findings, field: &str, text: &str, longest: usize) -> Option<String> {
    optional(findings, field, text, |text| plain_text(text, longest).map(|()| text.to_owned()))
}

fn required_text(findings: &mut Findings, field: &str, text: &str, longest: usize) -> Option<String> {
    required(findings, field, text, |text| plain_text(text, longest).map(|()| text.to_owned()))
}

fn plain_text(text: &str, longest: usize) -> Result<(), CodeError> {
    if text.chars().count() > longest {
        return Err(CodeError::Width("fewer characters"));
    }
    if text.chars().any(char::is_control) { Err(CodeError::Characters) } else { Ok(()) }
}

/// A row as received may hold anything.
impl fmt::Debug for RawEntitlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawEntitlement(..)")
    }
}
