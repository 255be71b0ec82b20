//! What a vendor's tester asks first: is this number right, what are its
//! parts, and if it is wrong, by which rule.

use std::fmt::Display;
use std::str::FromStr;

use jiff::civil::Date;
use serde::Serialize;

use super::{
    CheckRule, CodeError, CorporateNumber, InstitutionCode, InsurerNumber, LawNumber, MunicipalityCode,
    PayerNumber, RecipientNumber, RecipientWarning, looks_like_individual_number, register,
};

/// Which code a text claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeKind {
    /// 公費負担者番号.
    Payer,
    /// 公費受給者番号.
    Recipient,
    /// 保険者番号.
    Insurer,
    /// 医療機関コード・薬局コード, 10 digits.
    Institution,
    /// 全国地方公共団体コード, 6 digits.
    Municipality,
    /// 法人番号.
    Corporate,
}

/// What is known about one value. The value itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeReport {
    /// Kind asked about.
    pub kind: &'static str,
    /// Whether the gateway would accept it.
    pub valid: bool,
    /// Its parts by name, in reading order; empty if not valid.
    pub parts: Vec<CodePart>,
    /// Why it is refused.
    pub problems: Vec<CodeNote>,
    /// What is worth knowing without being a reason to refuse.
    pub notes: Vec<CodeNote>,
}

/// One part of a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodePart {
    /// Stable name, for example `law_no`.
    pub name: &'static str,
    /// Name as on the certificate, for example 法別番号.
    pub name_ja: &'static str,
    /// Its value.
    pub value: String,
}

/// One remark in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeNote {
    /// Stable machine name.
    pub code: &'static str,
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// Explains one value as of a date. Never fails: what is wrong is in the
/// report.
pub fn explain(kind: CodeKind, text: &str, on: Date) -> CodeReport {
    let mut report = match kind {
        CodeKind::Payer => PayerNumber::parse(text).map(|code| payer(&code)),
        CodeKind::Recipient => RecipientNumber::parse(text).map(|code| recipient(&code)),
        CodeKind::Insurer => InsurerNumber::parse(text).map(|code| insurer(&code)),
        CodeKind::Institution => InstitutionCode::parse(text).map(|code| institution(&code)),
        CodeKind::Municipality => MunicipalityCode::parse(text).map(|code| municipality(code, on)),
        CodeKind::Corporate => CorporateNumber::parse(text).map(|code| corporate(&code)),
    }
    .unwrap_or_else(|error| CodeReport::empty().with_problem(error));
    report.kind = kind.name();
    if looks_like_individual_number(text) {
        report = report.with_individual_number();
    }
    report.valid = report.problems.is_empty();
    report
}

fn payer(code: &PayerNumber) -> CodeReport {
    let report = CodeReport::empty()
        .with_part("law_no", "法別番号", code.law_no())
        .with_part("prefecture", "都道府県番号", code.prefecture())
        .with_part("prefecture_name", "都道府県", code.prefecture().name())
        .with_part("issuer", "実施機関番号", code.issuer3())
        .with_part("check_digit", "検証番号", code.check_digit())
        .with_part("group", "同意の単位", code.group());
    with_scheme(report, code.law_no())
}

fn with_scheme(report: CodeReport, law_no: LawNumber) -> CodeReport {
    let Some(entry) = register::scheme_entry(law_no) else {
        return report.with_note(
            "LAW_NUMBER_NOT_IN_REGISTER",
            "法別番号が本ソフトウェアの一覧にありません（非公式の一覧のため、誤りとは限りません）。",
            "The law number is not in our register, which is not official: that alone is no error.",
        );
    };
    let report = report.with_part("scheme", "制度", &entry.name_ja);
    if law_no.is_national() {
        return report;
    }
    report.with_note(
        "LOCAL_MEANING",
        "この法別番号の意味は都道府県・実施機関ごとに異なります。",
        "What this law number means differs by prefecture and issuer.",
    )
}

fn recipient(code: &RecipientNumber) -> CodeReport {
    let report = CodeReport::empty().with_part("characters", "文字数", code.as_str().chars().count());
    match code.check_warning() {
        None => report,
        Some(RecipientWarning::CheckDigit { expected }) => report.with_note(
            "CHECK_DIGIT",
            &format!("国の様式（7桁）としては検証番号が合いません（{expected}なら合います）。受理はします。"),
            &format!("As a national 7-digit number its check digit would be {expected}. It is accepted all the same."),
        ),
        Some(RecipientWarning::NotNationalForm) => report.with_note(
            "NOT_NATIONAL_FORM",
            "国の様式（7桁の数字）ではありません。地方単独制度では正しいことがあります。",
            "Not the national form of 7 digits, which is right for many local schemes.",
        ),
    }
}

fn insurer(code: &InsurerNumber) -> CodeReport {
    let report = match code.law_no() {
        Some(law_no) => CodeReport::empty().with_part("law_no", "法別番号", law_no),
        None => CodeReport::empty().with_note(
            "NATIONAL_HEALTH_INSURANCE",
            "国民健康保険の6桁番号です（法別番号はありません）。",
            "A 6-digit number of National Health Insurance, which has no law number.",
        ),
    };
    report
        .with_part("prefecture", "都道府県番号", code.prefecture())
        .with_part("prefecture_name", "都道府県", code.prefecture().name())
        .with_part("insurer", "保険者別番号", code.insurer3())
        .with_part("check_digit", "検証番号", code.check_digit())
        .with_part("padded", "8桁表記", code.padded())
}

fn institution(code: &InstitutionCode) -> CodeReport {
    let report = CodeReport::empty()
        .with_part("prefecture", "都道府県番号", code.prefecture())
        .with_part("prefecture_name", "都道府県", code.prefecture().name())
        .with_part("fee_table", "点数表番号", code.fee_table().digit())
        .with_part("kind", "種別", code.fee_table().name())
        .with_part("code7", "医療機関等コード（7桁）", code.code7())
        .with_part("check_rule", "検証方法", code.check_rule().name());
    match code.check_rule() {
        CheckRule::TenDigits => report,
        CheckRule::SevenDigits => report.with_note(
            "SEVEN_DIGIT_RULE",
            "埼玉・千葉・東京・神奈川では、検証番号は7桁のコードだけから計算されています。",
            "In Saitama, Chiba, Tokyo and Kanagawa the check digit covers the 7-digit code alone.",
        ),
        CheckRule::TenDigitsAsDental => report.with_note(
            "CHECKED_AS_DENTAL",
            "医科（1）では検証番号が合わず、歯科（3）として合いました。歯科併設の医療機関にある例です。",
            "The check digit fits with fee table 3 (dental), not 1: so published for places that also do dentistry.",
        ),
    }
}

fn municipality(code: MunicipalityCode, on: Date) -> CodeReport {
    let report = CodeReport::empty()
        .with_part("name", "名称", code.name())
        .with_part("kana", "かな", code.kana())
        .with_part("kind", "種別", code.kind().name())
        .with_part("prefecture", "都道府県番号", code.prefecture())
        .with_part("prefecture_name", "都道府県", code.prefecture_name())
        .with_part("corporate_number", "法人番号（計算値）", code.corporate_number().unwrap_or_default());
    match code.current_on(on) {
        Ok(()) => report,
        Err(error) => report.with_problem(error),
    }
}

fn corporate(code: &CorporateNumber) -> CodeReport {
    let report = CodeReport::empty().with_part("check_digit", "検査用数字", code.check_digit()).with_part(
        "body",
        "基礎番号",
        code.body(),
    );
    match code.municipality() {
        None => report,
        Some(municipality) => report.with_part("municipality", "地方公共団体コード", municipality).with_part(
            "municipality_name",
            "地方公共団体",
            municipality.name(),
        ),
    }
}

impl CodeKind {
    /// All kinds, in the order of their names on the command line.
    pub const ALL: [Self; 6] =
        [Self::Payer, Self::Recipient, Self::Insurer, Self::Institution, Self::Municipality, Self::Corporate];

    /// Stable name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payer => "payer",
            Self::Recipient => "recipient",
            Self::Insurer => "insurer",
            Self::Institution => "institution",
            Self::Municipality => "municipality",
            Self::Corporate => "corporate",
        }
    }
}

impl FromStr for CodeKind {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(CodeError::Unknown)
    }
}

impl CodeReport {
    fn empty() -> Self {
        Self { kind: "", valid: false, parts: Vec::new(), problems: Vec::new(), notes: Vec::new() }
    }

    fn with_part(mut self, name: &'static str, name_ja: &'static str, value: impl Display) -> Self {
        let value = value.to_string();
        if !value.is_empty() {
            self.parts.push(CodePart { name, name_ja, value });
        }
        self
    }

    fn with_note(mut self, code: &'static str, ja: &str, en: &str) -> Self {
        self.notes.push(CodeNote { code, ja: ja.to_owned(), en: en.to_owned() });
        self
    }

    fn with_problem(mut self, error: CodeError) -> Self {
        let (ja, en) = (error.message_ja(), error.to_string());
        self.problems.push(CodeNote { code: error.reason(), ja, en });
        self
    }

    fn with_individual_number(mut self) -> Self {
        self.parts.clear();
        self.problems.push(CodeNote {
            code: "INDIVIDUAL_NUMBER_FORBIDDEN",
            ja: "個人番号（マイナンバー）の可能性があります。本システムには入力できません。".to_owned(),
            en: "looks like a 12-digit individual number, which may not enter".to_owned(),
        });
        self
    }
}
