//! 公費受給者番号: who receives under a subsidy scheme.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CodeError, check, text_forms};

/// A recipient number, 1 to 30 characters, kept exactly as given.
///
/// National certificates print 7 digits with a check digit; local schemes use
/// whatever they like, and the receipt computer needs it unchanged. So nothing
/// about its digits ever refuses it; [`RecipientNumber::check_warning`] warns.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecipientNumber(String);

/// What looks wrong with a recipient number. Never a reason to refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientWarning {
    /// Seven digits, but the last is not the national check digit.
    CheckDigit {
        /// The digit that fits.
        expected: u8,
    },
    /// Not seven digits: right for many local schemes, wrong for national ones.
    NotNationalForm,
}

impl RecipientNumber {
    /// Takes 1 to 30 characters. Errors: width; characters, if one is a
    /// control character or the text is blank or begins or ends with a space.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        if !(1..=30).contains(&text.chars().count()) {
            return Err(CodeError::Width("1 to 30 characters"));
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(CodeError::Characters);
        }
        Ok(Self(text.to_owned()))
    }

    /// The number as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the national form would say: 6 digits and a check digit.
    pub fn check_warning(&self) -> Option<RecipientWarning> {
        let Some((body, last)) = self.national_parts() else {
            return Some(RecipientWarning::NotNationalForm);
        };
        let expected = check::luhn(body);
        (last != expected).then_some(RecipientWarning::CheckDigit { expected })
    }

    fn national_parts(&self) -> Option<(&str, u8)> {
        let is_seven_digits = self.0.len() == 7 && self.0.bytes().all(|byte| byte.is_ascii_digit());
        let (body, last) = is_seven_digits.then(|| self.0.split_at_checked(6)).flatten()?;
        Some((body, last.parse().ok()?))
    }
}

impl fmt::Display for RecipientNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A recipient number names a person, so a debug print withholds it.
impl fmt::Debug for RecipientNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientNumber(..)")
    }
}

text_forms!(RecipientNumber, CodeError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_numbers_are_kept_as_given() {
        for text in ["0000001", "Ａ－１２３", "123-45/子", &"9".repeat(30)] {
            assert_eq!(RecipientNumber::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn blank_long_and_control_texts_are_refused() {
        assert_eq!(RecipientNumber::parse(""), Err(CodeError::Width("1 to 30 characters")));
        assert_eq!(RecipientNumber::parse(&"9".repeat(31)), Err(CodeError::Width("1 to 30 characters")));
        for text in [" ", "　", "12\n34", "1234567 "] {
            assert_eq!(RecipientNumber::parse(text), Err(CodeError::Characters));
        }
    }

    #[test]
    fn check_digit_only_warns() {
        let warning = |text| RecipientNumber::parse(text).unwrap().check_warning();
        assert_eq!(warning("0000018"), None);
        assert_eq!(warning("0000002"), Some(RecipientWarning::CheckDigit { expected: 0 }));
        assert_eq!(warning("12345"), Some(RecipientWarning::NotNationalForm));
        assert_eq!(warning("１２３４５６７"), Some(RecipientWarning::NotNationalForm));
    }

    #[test]
    fn debug_withholds_the_number() {
        assert!(!format!("{:?}", RecipientNumber::parse("1234566").unwrap()).contains("1234566"));
    }
}
