//! Prefecture numbers 01 to 47 (JIS X 0401).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::{CodeError, register, text_forms};

/// A prefecture by its two digits, `01` Hokkaido to `47` Okinawa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrefectureCode(u8);

impl PrefectureCode {
    /// Parses two half-width digits. Errors: width, characters, prefecture.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        Self::from_part(Digits::<2>::parse(text, "2 digits")?.number(0, 2))
    }

    /// From a number already cut out of a longer code.
    pub(super) fn from_part(number: u32) -> Result<Self, CodeError> {
        match u8::try_from(number) {
            Ok(number @ 1..=47) => Ok(Self(number)),
            _ => Err(CodeError::Prefecture),
        }
    }

    /// 1 to 47.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The name, for example 東京都.
    pub fn name(self) -> &'static str {
        register::prefecture_name(self)
    }
}

impl fmt::Display for PrefectureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

text_forms!(PrefectureCode, CodeError);
