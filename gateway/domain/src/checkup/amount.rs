//! Measured numbers, exact: 9.05 kg is not a binary fraction.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::text_forms;

/// A decimal number with at most seven digits before the point and three
/// behind. `9.0` and `9.00` are the same amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(i64);

/// Not a plain decimal number: digits, one point, no sign but a minus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no plain decimal number")]
pub struct NotAnAmount;

impl Amount {
    /// Parses `9`, `9.05`, `-1.5`. Full-width digits and thousands marks are
    /// for the importer to settle and report.
    pub fn parse(text: &str) -> Result<Self, NotAnAmount> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) =
            digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let is_number = |text: &str, most: usize| {
            !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 7) || part.is_some_and(|part| !is_number(part, 3)) {
            return Err(NotAnAmount);
        }
        let thousandths = format!("{whole}{:0<3}", part.unwrap_or_default());
        thousandths.parse::<i64>().map(|number| Self(sign * number)).map_err(|_| NotAnAmount)
    }

    /// As a floating-point number, for curves.
    pub fn to_f64(self) -> f64 {
        // Ten digits at most: both halves and their sum are exact, so only the division rounds, and 9.05 is 9.05.
        let half = |number: i64| f64::from(i32::try_from(number).unwrap_or_default());
        (half(self.0 / 100_000) * 100_000.0 + half(self.0 % 100_000)) / 1_000.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / 1_000, self.0.unsigned_abs() % 1_000);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{}", format!("{part:03}").trim_end_matches('0'))
    }
}

text_forms!(Amount, NotAnAmount);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_plain_decimals() {
        for (text, shown) in [("9", "9"), ("9.00", "9"), ("9.05", "9.05"), ("-1.5", "-1.5"), ("007", "7")] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", ".5", "5.", "1e3", "+1", "９", "1,000", "1 ", "-", "1.2345", "12345678", "--1"] {
            assert_eq!(Amount::parse(text), Err(NotAnAmount), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_amount_are_the_same_thing(thousandths in -9_999_999_999..9_999_999_999_i64) {
            let amount = Amount(thousandths);
            prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
            prop_assert_eq!(amount.to_f64().to_string(), amount.to_string());
        }
    }
}
