//! Cells of a dose that hold one of a few words, and the amount.

use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;

use crate::code::Code;
use crate::damage;

/// 実施区分.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Programme {
    /// 定期.
    Routine,
    /// 依頼書による.
    ByRequest,
    /// 長期療養特例.
    LongIllness,
    /// 臨時.
    Extraordinary,
    /// 任意.
    Voluntary,
}

/// 接種方法.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum Route {
    Subcutaneous,
    Intramuscular,
    Oral,
    Percutaneous,
    Intradermal,
    Nasal,
}

/// 部位.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum Site {
    LeftUpperArm,
    RightUpperArm,
    LeftThigh,
    RightThigh,
    Mouth,
    Other,
}

/// Numbers are left to the mapping: systems number them differently.
pub(super) fn programme(text: &str) -> Option<Programme> {
    match key(text).as_str() {
        "定期" | "定期A" | "定期B" | "定期A類" | "定期B類" | "A類" | "B類" | "ROUTINE" => {
            Some(Programme::Routine)
        }
        "依頼書" | "依頼書による" | "依頼" | "里帰り" | "BYREQUEST" => {
            Some(Programme::ByRequest)
        }
        "長期療養" | "長期療養特例" | "LONGILLNESS" => Some(Programme::LongIllness),
        "臨時" | "EXTRAORDINARY" => Some(Programme::Extraordinary),
        "任意" | "VOLUNTARY" => Some(Programme::Voluntary),
        _ => None,
    }
}

pub(super) fn route(text: &str) -> Option<Route> {
    match key(text).as_str() {
        "皮下" | "皮下注射" | "皮下接種" | "SC" => Some(Route::Subcutaneous),
        "筋注" | "筋肉内" | "筋肉内注射" | "筋肉注射" | "IM" => Some(Route::Intramuscular),
        "経口" | "内服" | "PO" => Some(Route::Oral),
        "経皮" | "管針" | "経皮接種" => Some(Route::Percutaneous),
        "皮内" | "皮内注射" | "ID" => Some(Route::Intradermal),
        "経鼻" | "点鼻" => Some(Route::Nasal),
        _ => None,
    }
}

pub(super) fn site(text: &str) -> Option<Site> {
    match key(text).as_str() {
        "左上腕" | "左腕" | "左上腕外側" => Some(Site::LeftUpperArm),
        "右上腕" | "右腕" | "右上腕外側" => Some(Site::RightUpperArm),
        "左大腿" | "左大腿部" | "左太もも" => Some(Site::LeftThigh),
        "右大腿" | "右大腿部" | "右太もも" => Some(Site::RightThigh),
        "口" | "口腔" => Some(Site::Mouth),
        "その他" | "他" => Some(Site::Other),
        _ => None,
    }
}

/// `0.5`, `0.5mL`, `0.25 ml`: at most ten millilitres, in microlitres.
pub(super) fn microlitres(text: &str) -> Result<u32, Code> {
    let text: String = text.nfkc().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    if damage::error_value(&text) {
        return Err(Code::SpreadsheetErrorValue);
    }
    let number = text.strip_suffix("ml").unwrap_or(&text);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 2 || part.len() > 3 || !all_digits(whole) || !all_digits(part) {
        return Err(Code::ValueUnknown);
    }
    let amount: u32 = format!("{whole}{part:0<3}").parse().map_err(|_| Code::ValueUnknown)?;
    if (1..=10_000).contains(&amount) { Ok(amount) } else { Err(Code::ValueUnknown) }
}

fn key(text: &str) -> String {
    text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for (text, expected) in
            [("0.5", 500), ("０．５ｍＬ", 500), ("0.25 ml", 250), ("0.1mL", 100), ("1", 1000), ("10", 10_000)]
        {
            assert_eq!(microlitres(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "11", "0.5cc", "0.1234", ".5", "半量", "-1", "5/1"] {
            assert!(microlitres(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_known_in_any_width() {
        assert_eq!(programme("定期（Ａ類）"), Some(Programme::Routine));
        assert_eq!(programme("1"), None);
        assert_eq!((route("皮下注射"), route("注射")), (Some(Route::Subcutaneous), None));
        assert_eq!((site("左 上腕"), site("腕")), (Some(Site::LeftUpperArm), None));
    }
}
