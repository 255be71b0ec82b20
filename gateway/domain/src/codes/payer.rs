//! 公費負担者番号: who pays under a subsidy scheme.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::{CodeError, LawNumber, PrefectureCode, SchemeGroup, SchemeKey, check, text_forms};

/// A public payer number, 8 digits: law number 2, prefecture 2, issuer 3,
/// check digit 1.
///
/// One municipality has several per scheme (with and without copayment), so a
/// payer number never stands for its municipality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PayerNumber {
    digits: Digits<8>,
    prefecture: PrefectureCode,
    law_no: LawNumber,
}

impl PayerNumber {
    /// Parses 8 half-width digits. Errors: width, characters, check digit,
    /// prefecture, and an insurer's law number: an insurer number (保険者番号)
    /// passes the same check and is offered as a payer number by mistake.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let digits = Digits::<8>::parse(text, "8 digits")?;
        check::expect(digits.last(), check::luhn(digits.part(0, 7)))?;
        let prefecture = PrefectureCode::from_part(digits.number(2, 4))?;
        let law_no = LawNumber::subsidy(digits.part(0, 2))?;
        Ok(Self { digits, prefecture, law_no })
    }

    /// The 8 digits.
    pub fn as_str(&self) -> &str {
        self.digits.as_str()
    }

    /// 法別番号.
    pub fn law_no(&self) -> LawNumber {
        self.law_no
    }

    /// 都道府県番号.
    pub fn prefecture(&self) -> PrefectureCode {
        self.prefecture
    }

    /// 実施機関番号, three digits.
    pub fn issuer3(&self) -> &str {
        self.digits.part(4, 7)
    }

    /// 検証番号.
    pub fn check_digit(&self) -> u8 {
        self.digits.last()
    }

    /// The scheme this number pays for.
    pub fn scheme(&self) -> SchemeKey {
        SchemeKey { law_no: self.law_no, prefecture: self.prefecture, issuer: self.issuer_number() }
    }

    /// The unit of consent this number belongs to.
    pub fn group(&self) -> SchemeGroup {
        SchemeGroup::of(self.law_no, self.prefecture)
    }

    fn issuer_number(&self) -> u16 {
        u16::try_from(self.digits.number(4, 7)).unwrap_or_default()
    }
}

impl fmt::Display for PayerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_forms!(PayerNumber, CodeError);
