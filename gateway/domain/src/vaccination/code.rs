//! Codes of series and of vaccines outside any series.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Our own code of a series (`HEPB`, `MR2`) or of a vaccine without one (`MUMPS`):
/// 2 to 16 capitals, digits and hyphens. Whether a rule book knows it is another question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaccineCode(String);

/// The text is no vaccine code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a vaccine code has 2 to 16 capitals, digits and hyphens")]
pub struct CodeShape;

impl VaccineCode {
    /// Reads a code as written. Errors: shape.
    pub fn parse(text: &str) -> Result<Self, CodeShape> {
        let fits = (2..=16).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(CodeShape) }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VaccineCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for VaccineCode {
    type Err = CodeShape;

    fn from_str(text: &str) -> Result<Self, CodeShape> {
        Self::parse(text)
    }
}

impl TryFrom<String> for VaccineCode {
    type Error = CodeShape;

    fn try_from(text: String) -> Result<Self, CodeShape> {
        Self::parse(&text)
    }
}

impl From<VaccineCode> for String {
    fn from(code: VaccineCode) -> Self {
        code.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_and_plain() {
        for text in ["HEPB", "DPT-IPV-HIB", "MR2", "HPV9"] {
            assert_eq!(VaccineCode::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "X", "hepb", "HEP B", "ＨＥＰＢ", "ABCDEFGHIJKLMNOPQ"] {
            assert_eq!(VaccineCode::parse(text), Err(CodeShape), "{text}");
        }
    }
}
