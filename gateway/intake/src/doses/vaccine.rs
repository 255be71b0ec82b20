//! Which vaccine, which dose: 「MR」「2期」, 「五種混合」「追加」, 「HEPB」「2」.
//!
//! A register counts in periods (期) and names the booster (追加); the rules count the doses of a series. Both are
//! joined only where it is certain. The booster of Hib and pneumococcus is the second, third or fourth dose by the
//! age at the first: there the officer is asked for the number.

use pmh_domain::vaccination::{VaccineCode, products};
use unicode_normalization::UnicodeNormalization as _;

/// Codes that a name may stand for, and the period that it mentions.
type Named = (Vec<VaccineCode>, Option<u8>);

/// What the cell of the number says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stage {
    period: Option<u8>,
    is_booster: bool,
    number: Option<u8>,
}

/// Our code, a product's code or name, or a word in common use.
pub(super) fn named(text: &str) -> Option<Named> {
    let text = plain(text);
    if let Some(codes) = codes(&text) {
        return Some((codes, None));
    }
    let (name, period) = split_period(&text)?;
    Some((codes(&name)?, Some(period)))
}

/// The series and the number in it, if it is certain.
pub(super) fn place(
    candidates: &[VaccineCode],
    period: Option<u8>,
    stage: Stage,
) -> Option<(VaccineCode, u8)> {
    let period = match (period, stage.period) {
        (Some(one), Some(other)) if one != other => return None,
        (one, other) => one.or(other),
    };
    let series = candidates.iter().find(|code| is_of_period(code, period, candidates.len()))?;
    let is_single = SINGLE.contains(&series.as_str());
    let number = match (stage.number, stage.is_booster) {
        (Some(number), false) => number,
        (None | Some(1), true) => booster(series.as_str())?,
        (None, false) if is_single => 1,
        _ => return None,
    };
    Some((series.clone(), number))
}

impl Stage {
    /// `2`, `第2回`, `1期2回目`, `初回2回目`, `1期追加`, `2期`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = plain(text);
        let (period, rest) = match split_period(&text) {
            Some((rest, period)) => (Some(period), rest),
            None => (None, text),
        };
        let is_booster = rest.contains("追加");
        let rest = rest.replacen("追加", "", 1).replacen("初回", "", 1);
        let digits = rest.trim_start_matches('第').trim_end_matches('目').trim_end_matches('回');
        let number = match digits {
            "" => None,
            digits => Some(digits.parse().ok().filter(|number| (1..=99).contains(number))?),
        };
        let stage = Self { period, is_booster, number };
        (stage != Self::default()).then_some(stage)
    }
}

/// A series of one period has it at the end of its code (MR1, JE2); all others are a first period.
fn is_of_period(code: &VaccineCode, period: Option<u8>, candidates: usize) -> bool {
    let own = PERIODS.iter().find(|(known, _)| *known == code.as_str()).map(|(_, period)| *period);
    match (own, period) {
        (Some(own), Some(period)) => own == period,
        (None, Some(period)) => period == 1,
        (_, None) => candidates == 1,
    }
}

/// `MR第2期` is `MR` and 2.
fn split_period(text: &str) -> Option<(String, u8)> {
    let (before, after) = text.split_once('期')?;
    let digit = before.chars().next_back()?.to_digit(10)?;
    let name = before.get(..before.len() - 1)?;
    let name = name.strip_suffix('第').unwrap_or(name);
    Some((format!("{name}{after}"), u8::try_from(digit).ok()?))
}

fn codes(text: &str) -> Option<Vec<VaccineCode>> {
    let is_named = |name: &str| plain(name) == text;
    if let Some((_, code)) = WORDS.iter().find(|(word, _)| is_named(word)) {
        return codes(&plain(code));
    }
    let by_product = products().iter().find(|product| is_named(&product.code) || is_named(&product.name_ja));
    let by_series =
        || products().iter().flat_map(|product| &product.vaccines).find(|code| is_named(code.as_str()));
    by_product
        .map(|product| product.vaccines.clone())
        .or_else(|| by_series().map(|code| vec![code.clone()]))
        .filter(|codes| !codes.is_empty())
}

/// NFKC, upper case, kanji numerals of the mixed vaccines as digits, letters and digits only.
fn plain(text: &str) -> String {
    let text: String = text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    NUMERALS.iter().fold(text, |text, (kanji, digits)| text.replace(kanji, digits))
}

fn booster(series: &str) -> Option<u8> {
    BOOSTERS.iter().find(|(known, _)| *known == series).map(|(_, number)| *number)
}

const NUMERALS: [(&str, &str); 4] =
    [("二種混合", "2種混合"), ("三種混合", "3種混合"), ("四種混合", "4種混合"), ("五種混合", "5種混合")];

/// Boosters whose number does not depend on the age at the first dose.
const BOOSTERS: [(&str, u8); 5] = [("JE1", 3), ("DPT-IPV-HIB", 4), ("DPT-IPV", 4), ("DPT", 4), ("IPV", 4)];

const PERIODS: [(&str, u8); 5] = [("MR1", 1), ("MR2", 2), ("JE1", 1), ("JE2", 2), ("DT2", 2)];

/// One dose is the whole series, so that the period says it all.
const SINGLE: [&str; 4] = ["MR1", "MR2", "JE2", "DT2"];

/// Words in common use that are no product's name in our list. A word that covers several products (「ロタ」, 「HPV」)
/// is left out: their series are counted apart.
const WORDS: [(&str, &str); 20] = [
    ("ヒブ", "HIB"),
    ("Hibワクチン", "HIB"),
    ("インフルエンザ菌b型", "HIB"),
    ("小児用肺炎球菌", "PCV"),
    ("小児肺炎球菌", "PCV"),
    ("5種混合（DPT-IPV-Hib）", "DPT-IPV-HIB"),
    ("4種混合（DPT-IPV）", "DPT-IPV"),
    ("不活化ポリオ", "IPV"),
    ("ポリオ（不活化）", "IPV"),
    ("二種混合（DT）", "DT2"),
    ("ロタリックス", "ROTA1"),
    ("ロタテック", "ROTA5"),
    ("麻しん風しん", "MR"),
    ("麻疹風疹", "MR"),
    ("麻しん・風しん混合（MR）", "MR"),
    ("水ぼうそう", "VAR"),
    ("日脳", "JE"),
    ("おたふく", "MUMPS"),
    ("シルガード9", "HPV9"),
    ("B型肝炎ワクチン", "HEPB"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(vaccine: &str, number: &str) -> Option<(String, u8)> {
        let (codes, period) = named(vaccine)?;
        let (series, number) = place(&codes, period, Stage::read(number)?)?;
        Some((series.to_string(), number))
    }

    #[test]
    fn periods_and_boosters_become_numbers_where_that_is_certain() {
        for (vaccine, number, series, expected) in [
            ("HEPB", "2", "HEPB", 2),
            ("Ｂ型肝炎", "第３回", "HEPB", 3),
            ("ﾋﾌﾞ", "初回1回目", "HIB", 1),
            ("五種混合", "1期追加", "DPT-IPV-HIB", 4),
            ("5種混合", "１期初回２回目", "DPT-IPV-HIB", 2),
            ("四種混合", "追加", "DPT-IPV", 4),
            ("MR", "2期", "MR2", 1),
            ("MR第1期", "1回", "MR1", 1),
            ("麻しん風しん混合", "第2期", "MR2", 1),
            ("日本脳炎", "1期初回2回目", "JE1", 2),
            ("日本脳炎", "1期追加", "JE1", 3),
            ("日脳２期", "1", "JE2", 1),
            ("二種混合", "2期", "DT2", 1),
            ("PCV13", "4", "PCV", 4),
            ("おたふくかぜ", "1", "MUMPS", 1),
        ] {
            assert_eq!(read(vaccine, number), Some((series.to_owned(), expected)), "{vaccine} {number}");
        }
    }

    #[test]
    fn what_is_open_is_not_guessed() {
        for (vaccine, number) in [
            ("ヒブ", "追加"),
            ("小児肺炎球菌", "追加"),
            ("MR", "1"),
            ("日本脳炎", "2回目"),
            ("日本脳炎", "1期"),
            ("MR1期", "2期"),
            ("HEPB", "2期"),
            ("ロタ", "1"),
            ("ニルセビマブ（抗体製剤）", "1"),
            ("風邪", "1"),
            ("HEPB", "0"),
            ("HEPB", "二回"),
            ("HEPB", "追加2回目"),
        ] {
            assert_eq!(read(vaccine, number), None, "{vaccine} {number}");
        }
    }

    #[test]
    fn every_code_of_a_vaccine_is_read_as_itself() {
        for code in products().iter().flat_map(|product| &product.vaccines) {
            assert_eq!(
                read(code.as_str(), "1期1回").or_else(|| read(code.as_str(), "1")).unwrap().0,
                code.as_str()
            );
        }
    }

    proptest! {
        #[test]
        fn any_two_cells_are_answered(vaccine in ".{0,12}", number in "[第期回目追加初0-9一 ]{0,8}") {
            let _ = read(&vaccine, &number);
        }
    }
}
