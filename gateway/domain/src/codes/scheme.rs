//! 法別番号 and the scheme groups that consent speaks about.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::register::{SchemeKind, scheme_entry};
use super::{CodeError, PrefectureCode, text_forms};

/// A law number (法別番号), two digits. Below 40 it is national; the 40s, the
/// 80s and others have no national meaning and say something only together
/// with prefecture and issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LawNumber(u8);

/// One scheme: law number, prefecture and the issuer's three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemeKey {
    /// 法別番号.
    pub law_no: LawNumber,
    /// 都道府県番号.
    pub prefecture: PrefectureCode,
    /// 実施機関番号, 0 to 999.
    pub issuer: u16,
}

/// The unit of consent and of an answer: a national scheme by its law number
/// (`52`), a local one by law number and prefecture (`88-13`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SchemeGroup {
    law_no: LawNumber,
    prefecture: Option<PrefectureCode>,
}

impl LawNumber {
    /// Parses two half-width digits. Errors: width, characters, and an
    /// insurer's law number, which no subsidy has.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        Self::subsidy(text)
    }

    /// 0 to 99.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Whether the number means the same scheme in all of Japan.
    pub fn is_national(self) -> bool {
        // A number below 40 is national even if unknown: the register is ours
        // and not official, so it never decides alone.
        self.0 < 40 || scheme_entry(self).is_some_and(|entry| entry.kind == SchemeKind::NationalSubsidy)
    }

    pub(super) fn subsidy(text: &str) -> Result<Self, CodeError> {
        let digits = Digits::<2>::parse(text, "2 digits")?;
        let law_no = Self::from_register(u8::try_from(digits.number(0, 2)).unwrap_or_default());
        let is_insurance = scheme_entry(law_no).is_some_and(|entry| entry.kind == SchemeKind::Insurance);
        // 00 is the padding of National Health Insurance, which has no law number.
        if is_insurance || law_no.0 == 0 { Err(CodeError::InsurerLawNumber) } else { Ok(law_no) }
    }

    /// For the register alone, which also holds insurers' numbers.
    pub(super) fn from_register(number: u8) -> Self {
        Self(number)
    }
}

impl SchemeGroup {
    /// The group of a law number as used in a prefecture.
    pub fn of(law_no: LawNumber, prefecture: PrefectureCode) -> Self {
        Self { law_no, prefecture: (!law_no.is_national()).then_some(prefecture) }
    }

    /// Parses `52` or `88-13`. Errors: those of the parts, and the form if a
    /// local number comes without or a national one with a prefecture.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let (law_no, prefecture) = match text.split_once('-') {
            None => (text, None),
            Some((law_no, prefecture)) => (law_no, Some(PrefectureCode::parse(prefecture)?)),
        };
        let law_no = LawNumber::parse(law_no)?;
        if law_no.is_national() == prefecture.is_none() {
            Ok(Self { law_no, prefecture })
        } else {
            Err(CodeError::GroupForm)
        }
    }

    /// 法別番号.
    pub fn law_no(self) -> LawNumber {
        self.law_no
    }

    /// The prefecture of a local scheme; `None` for a national one.
    pub fn prefecture(self) -> Option<PrefectureCode> {
        self.prefecture
    }

    /// Whether the scheme is national.
    pub fn is_national(self) -> bool {
        self.prefecture.is_none()
    }
}

impl fmt::Display for LawNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl fmt::Display for SchemeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:03}", self.law_no, self.prefecture, self.issuer)
    }
}

impl fmt::Display for SchemeGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefecture {
            None => self.law_no.fmt(f),
            Some(prefecture) => write!(f, "{}-{prefecture}", self.law_no),
        }
    }
}

text_forms!(LawNumber, CodeError);
text_forms!(SchemeGroup, CodeError);

#[cfg(test)]
mod tests {
    use super::super::PayerNumber;
    use super::*;

    #[test]
    fn national_and_local_numbers_group_differently() {
        let group = |payer| PayerNumber::parse(payer).unwrap().group().to_string();
        assert_eq!(group("54136015"), "54");
        assert_eq!(group("38136016"), "38");
        assert_eq!(group("88138243"), "88-13");
        assert_eq!(PayerNumber::parse("88138243").unwrap().scheme().to_string(), "88-13-824");
    }

    #[test]
    fn a_group_has_exactly_one_spelling() {
        for text in ["52", "88-13", "27", "66"] {
            assert_eq!(SchemeGroup::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(SchemeGroup::parse("52-13"), Err(CodeError::GroupForm));
        assert_eq!(SchemeGroup::parse("88"), Err(CodeError::GroupForm));
        assert_eq!(SchemeGroup::parse("88-48"), Err(CodeError::Prefecture));
        assert_eq!(SchemeGroup::parse("06"), Err(CodeError::InsurerLawNumber));
        assert!(SchemeGroup::parse("88-13-824").is_err());
        assert!(SchemeGroup::parse("*").is_err());
    }
}
