//! 法人番号: corporate numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::{CodeError, MunicipalityCode, check, text_forms};

/// A corporate number, 13 digits, check digit in front (法人番号の指定等に関する省令 2条).
/// A local government's is its check digit, `000020` and its 6-digit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CorporateNumber(Digits<13>);

impl CorporateNumber {
    /// Parses 13 half-width digits. Errors: width, characters, check digit.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let digits = Digits::<13>::parse(text, "13 digits")?;
        let found = u8::try_from(digits.number(0, 1)).unwrap_or_default();
        check::expect(found, check::corporate(digits.part(1, 13)))?;
        Ok(Self(digits))
    }

    /// The 13 digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The twelve digits after the check digit.
    pub fn body(&self) -> &str {
        self.0.part(1, 13)
    }

    /// The check digit.
    pub fn check_digit(&self) -> u8 {
        u8::try_from(self.0.number(0, 1)).unwrap_or_default()
    }

    /// The local government this number was made for, if it is one's.
    pub fn municipality(&self) -> Option<MunicipalityCode> {
        MunicipalityCode::parse(self.body().strip_prefix("000020")?).ok()
    }
}

impl fmt::Display for CorporateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_forms!(CorporateNumber, CodeError);
