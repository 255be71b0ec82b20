//! Dates as Japanese offices write them.
//!
//! Eras change on the day set by edict or cabinet order: 大正 1912-07-30, 昭和 1926-12-25, 平成 1989-01-08
//! (昭和64年政令第1号), 令和 2019-05-01 (平成31年政令第143号). A day is accepted only under the era it belongs
//! to: `H31.5.1` may be a slip of the pen for another day. 明治 dates are accepted from year 6, when the
//! Gregorian calendar began in Japan (明治5年太政官布告第337号); earlier ones are lunar and name other days.

use jiff::civil::Date;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::code::Code;
use crate::damage;

/// Which bare digits are a date besides `20240401`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateStyle {
    /// None.
    #[default]
    Plain,
    /// Seven digits: era code (明治 1, 大正 2, 昭和 3, 平成 4, 令和 5), year, month, day; `5060401`.
    EraCode,
}

/// Reads a date: `2024-04-01`, `2024/4/1`, `2024.4.1`, `2024年4月1日`, `20240401`, `R6.4.1`, `R060401`,
/// `令和6年4月1日`, `令和元年5月1日`, in any width.
///
/// # Errors
/// The [`Code`] of the finding.
pub fn parse(text: &str, style: DateStyle) -> Result<Date, Code> {
    let text = plain(text);
    if damage::error_value(&text) {
        return Err(Code::SpreadsheetErrorValue);
    }
    if let Some(bare) = bare_number(&text, style) {
        return bare;
    }
    match split_era(&text) {
        Some((era, rest)) => era_date(era, rest),
        None => western_date(&text),
    }
}

/// An era with its first day; it lasts until the next one's.
#[derive(Debug, Clone, Copy)]
struct Era {
    names: [&'static str; 3],
    code: u8,
    /// Western year of 元年 (for 明治 too, whose accepted part begins later).
    year_one: i16,
    first: (i16, i8, i8),
    /// The first day of the next era.
    next: (i16, i8, i8),
}

/// NFKC (㋿ is 令和), no spaces, one kind of hyphen, without the midnight that spreadsheets append.
fn plain(text: &str) -> String {
    let text: String = text.nfkc().collect();
    let text = text.trim();
    let day = match text.rsplit_once(char::is_whitespace) {
        Some((day, "0:00" | "00:00" | "0:00:00" | "00:00:00")) => day,
        _ => text,
    };
    let hyphen = |c| if matches!(c, '\u{2010}'..='\u{2013}' | '\u{2212}') { '-' } else { c };
    day.chars().filter(|c| !c.is_whitespace()).map(hyphen).collect()
}

/// Digits alone, or with a decimal part; `None` for everything else, as `2024.4.1`.
fn bare_number(text: &str, style: DateStyle) -> Option<Result<Date, Code>> {
    let (whole, fraction) =
        text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits_alone = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits_alone(whole) || !fraction.is_none_or(digits_alone) {
        return None;
    }
    Some(match (whole.len(), fraction) {
        // 45383 or, with a time of day, 45383.5: days since 1899-12-30, or since 1904-01-01 on old Macs.
        (5, _) => Err(Code::DateSerial),
        (_, Some(_)) if damage::trailing_decimal(text) => Err(Code::TrailingDecimal),
        (8, None) => digits(whole, 4).and_then(|(year, month, day)| civil(year, month, day)),
        (7, None) if style == DateStyle::EraCode => era_code(whole),
        (6 | 7, None) => Err(Code::DateAmbiguous),
        _ => Err(Code::DateUnreadable),
    })
}

fn era_code(text: &str) -> Result<Date, Code> {
    let (code, rest) = text.split_at_checked(1).ok_or(Code::DateUnreadable)?;
    let era = ERAS.iter().find(|era| code == era.code.to_string()).ok_or(Code::DateUnreadable)?;
    digits(rest, 2).and_then(|(year, month, day)| era.date(year, month, day))
}

fn split_era(text: &str) -> Option<(&'static Era, &str)> {
    ERAS.iter().find_map(|era| {
        let rest = era.names.iter().find_map(|name| {
            let head = text.get(..name.len())?;
            head.eq_ignore_ascii_case(name).then(|| text.get(name.len()..)).flatten()
        })?;
        Some((era, rest.strip_prefix('.').unwrap_or(rest)))
    })
}

fn era_date(era: &Era, rest: &str) -> Result<Date, Code> {
    let (year, month, day) = if rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        digits(rest, 2)?
    } else {
        let (year, month, day) = three_parts(rest)?;
        let year = if year == "元" { "1" } else { year };
        (number(year, 2)?, number(month, 2)?, number(day, 2)?)
    };
    era.date(year, month, day)
}

fn western_date(text: &str) -> Result<Date, Code> {
    let (year, month, day) = three_parts(text)?;
    if year.len() != 4 {
        // 4/1/2024, 24-4-1, 6.4.1
        let numeric = [year, month, day].iter().all(|part| number(part, 4).is_ok());
        return Err(if numeric { Code::DateAmbiguous } else { Code::DateUnreadable });
    }
    civil(number(year, 4)?, number(month, 2)?, number(day, 2)?)
}

/// `y年m月d日`, or three parts with one and the same separator.
fn three_parts(text: &str) -> Result<(&str, &str, &str), Code> {
    let japanese = || {
        let (year, rest) = text.split_once('年')?;
        let (month, rest) = rest.split_once('月')?;
        Some((year, month, rest.strip_suffix('日')?))
    };
    let separated = |separator: char| {
        let (year, rest) = text.split_once(separator)?;
        let (month, day) = rest.split_once(separator)?;
        Some((year, month, day))
    };
    japanese().or_else(|| ['-', '/', '.'].into_iter().find_map(separated)).ok_or(Code::DateUnreadable)
}

fn digits(text: &str, year_width: usize) -> Result<(i16, i16, i16), Code> {
    let part = |from: usize, to: usize| text.get(from..to).ok_or(Code::DateUnreadable);
    let (year, month) = (part(0, year_width)?, part(year_width, year_width + 2)?);
    let day = part(year_width + 2, year_width + 4)?;
    Ok((number(year, 4)?, number(month, 2)?, number(day, 2)?))
}

fn number(text: &str, widest: usize) -> Result<i16, Code> {
    let plain = (1..=widest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().map_err(|_| Code::DateUnreadable) } else { Err(Code::DateUnreadable) }
}

fn civil(year: i16, month: i16, day: i16) -> Result<Date, Code> {
    let narrow = |part: i16| i8::try_from(part).map_err(|_| Code::DateImpossible);
    let date = Date::new(year, narrow(month)?, narrow(day)?).map_err(|_| Code::DateImpossible)?;
    // Nobody on file was born before the Gregorian calendar began here; year 24 is a lost 20.
    if year < GREGORIAN_YEAR { Err(Code::DateImpossible) } else { Ok(date) }
}

impl Era {
    fn date(&self, year: i16, month: i16, day: i16) -> Result<Date, Code> {
        if year == 0 {
            return Err(Code::DateImpossible);
        }
        let western = self.year_one + year - 1;
        if western < GREGORIAN_YEAR {
            return Err(Code::DateOutsideEra);
        }
        let date = civil(western, month, day)?;
        let key = (date.year(), date.month(), date.day());
        if key < self.first || key >= self.next { Err(Code::DateOutsideEra) } else { Ok(date) }
    }
}

const GREGORIAN_YEAR: i16 = 1873;

/// Longest name first, so that `令` does not leave `和` behind.
const ERAS: [Era; 5] = [
    Era {
        names: ["令和", "令", "R"], code: 5, year_one: 2019, first: (2019, 5, 1), next: (i16::MAX, 1, 1)
    },
    Era { names: ["平成", "平", "H"], code: 4, year_one: 1989, first: (1989, 1, 8), next: (2019, 5, 1) },
    Era { names: ["昭和", "昭", "S"], code: 3, year_one: 1926, first: (1926, 12, 25), next: (1989, 1, 8) },
    Era {
        names: ["大正", "大", "T"], code: 2, year_one: 1912, first: (1912, 7, 30), next: (1926, 12, 25)
    },
    Era { names: ["明治", "明", "M"], code: 1, year_one: 1868, first: (1873, 1, 1), next: (1912, 7, 30) },
];

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Date, Code> {
        parse(text, DateStyle::Plain)
    }

    #[test]
    fn one_day_in_every_dress() {
        for text in [
            "2024-04-01",
            "2024/4/1",
            "2024.4.1",
            "2024年4月1日",
            "20240401",
            "２０２４／０４／０１",
            "2024/4/1 0:00",
            "2024-04-01 00:00:00",
            "2024‐04‐01",
            "R6.4.1",
            "r06/04/01",
            "R6-4-1",
            "R.6.4.1",
            "R060401",
            "Ｒ６．４．１",
            "令6.4.1",
            "令和6年4月1日",
            "令和 ６年 ４月 １日",
            "㋿6年4月1日",
        ] {
            assert_eq!(read(text), Ok(date(2024, 4, 1)), "{text}");
        }
    }

    #[test]
    fn eras_begin_and_end_on_their_days() {
        for (text, expected) in [
            ("令和元年5月1日", Ok(date(2019, 5, 1))),
            ("R1.5.1", Ok(date(2019, 5, 1))),
            ("H31.4.30", Ok(date(2019, 4, 30))),
            ("H31.5.1", Err(Code::DateOutsideEra)),
            ("平成35年3月31日", Err(Code::DateOutsideEra)),
            ("令和元年4月30日", Err(Code::DateOutsideEra)),
            ("S64.1.7", Ok(date(1989, 1, 7))),
            ("昭和64年1月8日", Err(Code::DateOutsideEra)),
            ("平成元年1月8日", Ok(date(1989, 1, 8))),
            ("H1.1.7", Err(Code::DateOutsideEra)),
            ("S1.12.25", Ok(date(1926, 12, 25))),
            ("T15.12.24", Ok(date(1926, 12, 24))),
            ("T15.12.25", Err(Code::DateOutsideEra)),
            ("T1.7.30", Ok(date(1912, 7, 30))),
            ("M45.7.29", Ok(date(1912, 7, 29))),
            ("M6.1.1", Ok(date(1873, 1, 1))),
            ("M5.12.1", Err(Code::DateOutsideEra)),
            ("R0.4.1", Err(Code::DateImpossible)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_one_day_is_refused() {
        for (text, code) in [
            ("2023-02-29", Code::DateImpossible),
            ("R7.2.29", Code::DateImpossible),
            ("20241301", Code::DateImpossible),
            ("99999999", Code::DateImpossible),
            ("0024-04-01", Code::DateImpossible),
            ("1900/1/0", Code::DateImpossible),
            ("45383", Code::DateSerial),
            ("45383.5", Code::DateSerial),
            ("45383.0", Code::DateSerial),
            ("20240401.0", Code::TrailingDecimal),
            ("#N/A", Code::SpreadsheetErrorValue),
            ("240401", Code::DateAmbiguous),
            ("5060401", Code::DateAmbiguous),
            ("4/1/2024", Code::DateAmbiguous),
            ("6.4.1", Code::DateAmbiguous),
            ("2024年4月", Code::DateUnreadable),
            ("2024/4-1", Code::DateUnreadable),
            ("4月1日", Code::DateUnreadable),
            ("Apr-24", Code::DateUnreadable),
            ("2024-04-01 09:30", Code::DateUnreadable),
            ("令和六年四月一日", Code::DateUnreadable),
            ("R6", Code::DateUnreadable),
            ("", Code::DateUnreadable),
        ] {
            assert_eq!(read(text), Err(code), "{text}");
        }
    }

    #[test]
    fn era_codes_are_read_where_the_mapping_says_so() {
        assert_eq!(parse("5060401", DateStyle::EraCode), Ok(date(2024, 4, 1)));
        assert_eq!(parse("3640107", DateStyle::EraCode), Ok(date(1989, 1, 7)));
        assert_eq!(parse("4310501", DateStyle::EraCode), Err(Code::DateOutsideEra));
        assert_eq!(parse("9060401", DateStyle::EraCode), Err(Code::DateUnreadable));
        assert_eq!(parse("R6.4.1", DateStyle::EraCode), Ok(date(2024, 4, 1)));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,24}") {
            let _ = parse(&text, DateStyle::EraCode);
        }

        #[test]
        fn anything_like_a_date_is_answered(text in "[明大昭平令MTSHR]?[元0-9]{0,5}[年./-][0-9]{0,3}[月./-][0-9]{0,3}日?") {
            let _ = read(&text);
        }

        /// Each civil day since 1873 has exactly one era spelling, and it leads back to the day.
        #[test]
        fn every_day_round_trips(year in 1873_i16..2100, month in 1_i8..=12, day in 1_i8..=28) {
            let expected = date(year, month, day);
            prop_assert_eq!(read(&expected.to_string()), Ok(expected));
            prop_assert_eq!(read(&expected.strftime("%Y%m%d").to_string()), Ok(expected));
            let spelled: Vec<Date> = ERAS
                .iter()
                .filter(|era| year >= era.year_one && year - era.year_one < 99)
                .filter_map(|era| {
                    read(&format!("{}{}年{month}月{day}日", era.names[0], year - era.year_one + 1)).ok()
                })
                .collect();
            prop_assert_eq!(spelled, vec![expected]);
        }
    }
}
