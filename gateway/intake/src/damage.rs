//! What a spreadsheet program does to values it takes for numbers and dates.
//!
//! Every check works on half-width, trimmed text and only says that something happened; the value that was
//! there before is not reconstructed.

use crate::code::Code;

/// `#REF!`, `#N/A`, `########`: the cell holds an error and not a value.
pub(crate) fn error_value(text: &str) -> bool {
    let narrow_column = text.len() >= 3 && text.bytes().all(|byte| byte == b'#');
    narrow_column || ERROR_VALUES.iter().any(|value| text.eq_ignore_ascii_case(value))
}

/// Damage to an identifier, which may hold letters and hyphens of its own.
pub(crate) fn in_key(text: &str) -> Option<Code> {
    if error_value(text) {
        Some(Code::SpreadsheetErrorValue)
    } else if scientific(text) {
        Some(Code::ScientificNotation)
    } else if trailing_decimal(text) {
        Some(Code::TrailingDecimal)
    } else if month_and_day(text) {
        Some(Code::TurnedIntoDate)
    } else {
        None
    }
}

/// Damage to a number or a number pair, where a slash can only come from a date.
pub(crate) fn in_number(text: &str) -> Option<Code> {
    in_key(text).or_else(|| slashed_date(text).then_some(Code::TurnedIntoDate))
}

/// `8.1E+07`. Excel always writes the sign, so a key such as `1E5` is not meant.
fn scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).is_some_and(digits);
    exponent
        && mantissa.split_once('.').map_or(digits(mantissa), |(whole, part)| digits(whole) && digits(part))
}

/// `81136244.0`, written by programs that keep every number as a float.
pub(crate) fn trailing_decimal(text: &str) -> bool {
    text.split_once('.').is_some_and(|(whole, part)| {
        !whole.is_empty()
            && !part.is_empty()
            && whole.bytes().all(|byte| byte.is_ascii_digit())
            && part.bytes().all(|byte| byte == b'0')
    })
}

/// `Jan-88`, `8-Jan`, `8-Jan-88`, `1月8日`: what Excel makes of `1-88` and `1-8`.
fn month_and_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let month = |part: &str| MONTHS.iter().any(|name| part.eq_ignore_ascii_case(name));
    let english = (2..=3).contains(&parts.len())
        && parts.iter().filter(|part| month(part)).count() == 1
        && parts.iter().all(|part| month(part) || number(part));
    let japanese = text
        .split_once('月')
        .and_then(|(month, rest)| rest.strip_suffix('日').map(|day| number(month) && number(day)))
        .unwrap_or(false);
    english || japanese
}

/// `2024/1/8`, `1/8`.
fn slashed_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let number =
        |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&parts.len()) && parts.iter().all(number)
}

const ERROR_VALUES: [&str; 10] = [
    "#REF!",
    "#N/A",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#CALC!",
    "#GETTING_DATA",
];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_damage_is_named() {
        for (text, code) in [
            ("#REF!", Code::SpreadsheetErrorValue),
            ("#n/a", Code::SpreadsheetErrorValue),
            ("########", Code::SpreadsheetErrorValue),
            ("8.1E+07", Code::ScientificNotation),
            ("8E+07", Code::ScientificNotation),
            ("81136244.0", Code::TrailingDecimal),
            ("Jan-88", Code::TurnedIntoDate),
            ("8-Jan", Code::TurnedIntoDate),
            ("8-jan-2024", Code::TurnedIntoDate),
            ("1月8日", Code::TurnedIntoDate),
        ] {
            assert_eq!(in_key(text), Some(code), "{text}");
        }
        assert_eq!(in_number("2024/1/8"), Some(Code::TurnedIntoDate));
    }

    #[test]
    fn sound_identifiers_are_left_alone() {
        for text in ["1E5", "A-1", "1-8", "2024/01", "R6-0001", "", "#1", "12.5", "12.", "-", "May", "e+5"] {
            assert_eq!(in_key(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn digits_are_never_damage(text in "[0-9]{1,30}") {
            prop_assert_eq!(in_number(&text), None);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,20}") {
            let _ = in_number(&text);
        }
    }
}
