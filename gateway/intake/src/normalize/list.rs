//! Cells that pack several values.

use super::{fold_char, fold_width};
use crate::code::Code;
use crate::damage;
use crate::row::{Condition, Institution};

/// `item-condition;item-condition`, the packed form of the registration API, into pairs.
///
/// # Errors
/// [`Code::ConditionUnreadable`] or the damage done by a spreadsheet: Excel makes 1月8日 of `1-8`.
pub fn conditions(text: &str) -> Result<Vec<Condition>, Code> {
    parts(text).map(condition).collect()
}

/// `1312345678 名称;…` into codes and names. Names keep every code point.
///
/// # Errors
/// What is wrong with the first bad code; check digits are not looked at here.
pub fn institutions(text: &str) -> Result<Vec<Institution>, Code> {
    parts(text).map(institution).collect()
}

pub(crate) fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', '；', '、', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty())
}

fn condition(part: &str) -> Result<Condition, Code> {
    let part = fold_width(part);
    if let Some(code) = damage::in_number(&part) {
        return Err(code);
    }
    match part.split_once('-') {
        Some((item, condition)) if !item.is_empty() && !condition.is_empty() && !condition.contains('-') => {
            Ok(Condition { item: item.to_owned(), condition: condition.to_owned() })
        }
        _ => Err(Code::ConditionUnreadable),
    }
}

fn institution(part: &str) -> Result<Institution, Code> {
    if let Some(code) = damage::in_number(&fold_width(part)) {
        return Err(code);
    }
    let end = part
        .char_indices()
        .find(|(_, c)| !fold_char(*c).is_ascii_digit())
        .map_or(part.len(), |(position, _)| position);
    let (code, rest) = part.split_at_checked(end).ok_or(Code::InstitutionCodeMissing)?;
    let code = fold_width(code).into_owned();
    match code.len() {
        10 => Ok(Institution { code, name: name(rest) }),
        9 => Err(Code::LeadingZeroLost),
        7 => Err(Code::InstitutionCodeWithoutPrefecture),
        0 => Err(Code::InstitutionCodeMissing),
        _ => Err(Code::WrongWidth),
    }
}

fn name(rest: &str) -> Option<String> {
    let separator = |c: char| c.is_whitespace() || matches!(c, ':' | '：' | '/' | '／');
    let rest = rest.trim_matches(separator);
    let inner = [('(', ')'), ('（', '）')]
        .into_iter()
        .find_map(|(open, close)| rest.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)));
    let name = inner.unwrap_or(rest);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(item: &str, condition: &str) -> Condition {
        Condition { item: item.into(), condition: condition.into() }
    }

    #[test]
    fn conditions_are_split() {
        assert_eq!(conditions("01-1;02-3"), Ok(vec![pair("01", "1"), pair("02", "3")]));
        assert_eq!(conditions(" ０１－１； "), Ok(vec![pair("01", "1")]));
        assert_eq!(conditions(""), Ok(vec![]));
    }

    #[test]
    fn broken_conditions_are_refused() {
        for (text, code) in [
            ("01", Code::ConditionUnreadable),
            ("-1", Code::ConditionUnreadable),
            ("1-2-3", Code::ConditionUnreadable),
            ("1月8日", Code::TurnedIntoDate),
            ("8-Jan", Code::TurnedIntoDate),
            ("2024/1/8", Code::TurnedIntoDate),
        ] {
            assert_eq!(conditions(text), Err(code), "{text}");
        }
    }

    #[test]
    fn institutions_keep_their_names_as_written() {
        let listed =
            institutions("1312345678：葛\u{E0100}城　病院；０１１２３４５６７８、2312345678(薬局)").unwrap();
        assert_eq!(
            listed.iter().map(|one| (one.code.as_str(), one.name.as_deref())).collect::<Vec<_>>(),
            [("1312345678", Some("葛\u{E0100}城　病院")), ("0112345678", None), ("2312345678", Some("薬局"))]
        );
    }

    #[test]
    fn broken_institution_codes_are_refused() {
        for (text, code) in [
            ("112345678", Code::LeadingZeroLost),
            ("2345678", Code::InstitutionCodeWithoutPrefecture),
            ("〇〇病院", Code::InstitutionCodeMissing),
            ("12345", Code::WrongWidth),
            ("1.31E+09", Code::ScientificNotation),
            ("1312345678.0", Code::TrailingDecimal),
        ] {
            assert_eq!(institutions(text), Err(code), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,30}") {
            let _ = conditions(&text);
            let _ = institutions(&text);
        }
    }
}
