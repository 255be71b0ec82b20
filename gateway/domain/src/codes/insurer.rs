//! 保険者番号: the health insurer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::{CodeError, PrefectureCode, check, text_forms};

/// An insurer number: 8 digits (law number 2, prefecture 2, insurer 3, check
/// 1), or the 6 of National Health Insurance (国民健康保険), which has no law
/// number. Online qualification pads the six on the left with zeros or spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InsurerNumber {
    padded: Digits<8>,
    prefecture: PrefectureCode,
}

impl InsurerNumber {
    /// Parses 6 or 8 digits, or 6 padded on the left to 8 with spaces. Errors:
    /// width, characters, check digit, prefecture.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        const WIDTH: &str = "6 or 8 digits";
        let bare = text.trim_start_matches(' ');
        let padded = match bare.len() {
            // A leading zero never changes the check digit.
            6 => Digits::<8>::parse(&format!("00{bare}"), WIDTH)?,
            _ => Digits::<8>::parse(bare, WIDTH)?,
        };
        check::expect(padded.last(), check::luhn(padded.part(0, 7)))?;
        let prefecture = PrefectureCode::from_part(padded.number(2, 4))?;
        Ok(Self { padded, prefecture })
    }

    /// The number as printed on a certificate: 6 or 8 digits.
    pub fn as_str(&self) -> &str {
        match self.law_no() {
            None => self.padded.part(2, 8),
            Some(_) => self.padded.as_str(),
        }
    }

    /// Always 8 digits, padded with zeros.
    pub fn padded(&self) -> &str {
        self.padded.as_str()
    }

    /// 法別番号; `None` for National Health Insurance.
    pub fn law_no(&self) -> Option<&str> {
        Some(self.padded.part(0, 2)).filter(|law| *law != "00")
    }

    /// 都道府県番号.
    pub fn prefecture(&self) -> PrefectureCode {
        self.prefecture
    }

    /// 保険者別番号, three digits.
    pub fn insurer3(&self) -> &str {
        self.padded.part(4, 7)
    }

    /// 検証番号.
    pub fn check_digit(&self) -> u8 {
        self.padded.last()
    }
}

impl fmt::Display for InsurerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_forms!(InsurerNumber, CodeError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_with_zero_or_space_is_the_same_number() {
        let bare = InsurerNumber::parse("138057").unwrap();
        assert_eq!(InsurerNumber::parse("00138057").unwrap(), bare);
        assert_eq!(InsurerNumber::parse("  138057").unwrap(), bare);
        assert_eq!((bare.as_str(), bare.padded(), bare.law_no()), ("138057", "00138057", None));
    }

    #[test]
    fn widths_between_are_refused() {
        for text in ["", "1380570", "0138057", "000138057", "     "] {
            assert!(matches!(InsurerNumber::parse(text), Err(CodeError::Width(_))), "{text:?}");
        }
    }
}
