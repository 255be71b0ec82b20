//! The kinds of checkup.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use crate::time::DateRange;

/// What kind of checkup a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CheckupKind {
    /// 妊婦健診.
    #[serde(rename = "pregnancy")]
    Pregnancy,
    /// 出産: the mother's half of a birth.
    #[serde(rename = "delivery")]
    Delivery,
    /// 出生: one child's half of a birth; twins are two of one pregnancy.
    #[serde(rename = "newborn")]
    Newborn,
    /// 新生児聴覚検査.
    #[serde(rename = "hearing")]
    Hearing,
    /// 先天性代謝異常等検査.
    #[serde(rename = "metabolic")]
    Metabolic,
    /// 産婦健診.
    #[serde(rename = "postpartum")]
    Postpartum,
    /// 1か月児健診.
    #[serde(rename = "m1")]
    Month1,
    /// 3〜4か月児健診.
    #[serde(rename = "m3_4")]
    Month3To4,
    /// 6〜7か月児健診.
    #[serde(rename = "m6_7")]
    Month6To7,
    /// 9〜10か月児健診.
    #[serde(rename = "m9_10")]
    Month9To10,
    /// 1歳6か月児健診, 母子保健法12条.
    #[serde(rename = "m18")]
    Month18,
    /// 3歳児健診, 母子保健法12条.
    #[serde(rename = "y3")]
    Year3,
    /// 5歳児健診.
    #[serde(rename = "y5")]
    Year5,
    /// 歯科健診 apart from a general one.
    #[serde(rename = "dental")]
    Dental,
    /// 視覚検査 apart from a general one.
    #[serde(rename = "vision")]
    Vision,
}

/// Whose record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The woman who is pregnant or has given birth.
    Mother,
    /// The child.
    Child,
}

impl CheckupKind {
    /// Every kind, in the order of a life.
    pub const ALL: [Self; 15] = [
        Self::Pregnancy,
        Self::Delivery,
        Self::Newborn,
        Self::Hearing,
        Self::Metabolic,
        Self::Postpartum,
        Self::Month1,
        Self::Month3To4,
        Self::Month6To7,
        Self::Month9To10,
        Self::Month18,
        Self::Year3,
        Self::Year5,
        Self::Dental,
        Self::Vision,
    ];

    /// Stable machine name, as in a CSV.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// In Japanese.
    pub fn ja(self) -> &'static str {
        self.words().1
    }

    /// In English.
    pub fn en(self) -> &'static str {
        self.words().2
    }

    /// Whose record it is.
    pub fn subject(self) -> Subject {
        match self {
            Self::Pregnancy | Self::Delivery | Self::Postpartum => Subject::Mother,
            _ => Subject::Child,
        }
    }

    /// Whether it is one examination of one pregnancy, so that the record
    /// names the pregnancy.
    pub fn is_of_a_pregnancy(self) -> bool {
        matches!(self, Self::Pregnancy | Self::Delivery | Self::Newborn | Self::Postpartum)
    }

    /// The days on which the law expects it of a child, where the law says
    /// (母子保健法12条: 満1歳6か月を超え満2歳に達しない, 満3歳を超え満4歳に達しない).
    /// The other ages are custom and give no window.
    pub fn statutory_window(self, birth: Date) -> Option<DateRange> {
        let (from, before) = match self {
            Self::Month18 => (18.months(), 24.months()),
            Self::Year3 => (36.months(), 48.months()),
            _ => return None,
        };
        let day = |span: Span| birth.checked_add(span).ok();
        DateRange::new(day(from)?, day(before)?.yesterday().ok()?).ok()
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Pregnancy => ("pregnancy", "妊婦健診", "pregnancy visit"),
            Self::Delivery => ("delivery", "出産", "delivery"),
            Self::Newborn => ("newborn", "出生時", "newborn"),
            Self::Hearing => ("hearing", "新生児聴覚検査", "newborn hearing screening"),
            Self::Metabolic => ("metabolic", "先天性代謝異常等検査", "newborn metabolic screening"),
            Self::Postpartum => ("postpartum", "産婦健診", "postpartum visit"),
            Self::Month1 => ("m1", "1か月児健診", "1 month"),
            Self::Month3To4 => ("m3_4", "3〜4か月児健診", "3 to 4 months"),
            Self::Month6To7 => ("m6_7", "6〜7か月児健診", "6 to 7 months"),
            Self::Month9To10 => ("m9_10", "9〜10か月児健診", "9 to 10 months"),
            Self::Month18 => ("m18", "1歳6か月児健診", "18 months"),
            Self::Year3 => ("y3", "3歳児健診", "3 years"),
            Self::Year5 => ("y5", "5歳児健診", "5 years"),
            Self::Dental => ("dental", "歯科健診", "dental"),
            Self::Vision => ("vision", "視覚検査", "vision"),
        }
    }
}

/// No kind has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no kind of checkup has this name")]
pub struct UnknownKind;

impl FromStr for CheckupKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn one_name_everywhere() {
        for kind in CheckupKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!("M18".parse::<CheckupKind>(), Err(UnknownKind));
    }

    #[test]
    fn article_12_gives_two_windows_and_no_other_kind_has_one() {
        let birth = date(2025, 5, 22);
        let window =
            |kind: CheckupKind| kind.statutory_window(birth).map(|range| (range.first(), range.last()));
        assert_eq!(window(CheckupKind::Month18), Some((date(2026, 11, 22), date(2027, 5, 21))));
        assert_eq!(window(CheckupKind::Year3), Some((date(2028, 5, 22), date(2029, 5, 21))));
        assert_eq!(CheckupKind::ALL.into_iter().filter(|kind| window(*kind).is_some()).count(), 2);
    }
}
