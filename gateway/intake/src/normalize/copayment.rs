//! Copayment cells into numbers with a known unit.

use super::fold_width;
use crate::code::Code;
use crate::damage;
use crate::field::CopaymentKind;

/// Reads one cell: yen, percent or a count, by `kind`.
///
/// # Errors
/// The [`Code`] of the finding. A bare share from 1 to 9 is refused, because one town writes 2 for 2割 and the
/// next for 2%.
pub fn amount(text: &str, kind: CopaymentKind) -> Result<u32, Code> {
    let text = fold_width(text);
    if let Some(code) = damage::in_number(&text) {
        return Err(code);
    }
    match kind {
        CopaymentKind::RatePercent => percent(&text),
        CopaymentKind::MonthYen | CopaymentKind::DayYen | CopaymentKind::VisitYen => yen(&text),
        CopaymentKind::CountPerMonth => count(&text),
    }
}

fn percent(text: &str) -> Result<u32, Code> {
    if let Some(tenths) = text.strip_suffix('割') {
        return bounded(number(tenths)?.saturating_mul(10), 100);
    }
    if let Some(percent) = text.strip_suffix(['%', '％']) {
        return bounded(number(percent)?, 100);
    }
    match number(text)? {
        1..=9 => Err(Code::CopaymentAmbiguous),
        percent => bounded(percent, 100),
    }
}

fn yen(text: &str) -> Result<u32, Code> {
    let text = text.strip_prefix(['¥', '\\', '￥']).unwrap_or(text);
    let text = text.strip_suffix('円').unwrap_or(text);
    bounded(number(&without_groups(text)?)?, MOST_YEN)
}

fn count(text: &str) -> Result<u32, Code> {
    let text = text.strip_prefix('月').unwrap_or(text);
    let text = text.strip_suffix('回').unwrap_or(text);
    bounded(number(text)?, 31)
}

/// `2,500` but not `2,50`: a group of two digits is a typing error whose meaning is open.
fn without_groups(text: &str) -> Result<String, Code> {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = text.contains(',');
    if grouped && !(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3) {
        return Err(Code::CopaymentUnreadable);
    }
    Ok(text.replace(',', ""))
}

fn number(text: &str) -> Result<u32, Code> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Code::CopaymentUnreadable);
    }
    text.parse().map_err(|_| Code::CopaymentUnreadable)
}

fn bounded(value: u32, most: u32) -> Result<u32, Code> {
    if value <= most { Ok(value) } else { Err(Code::CopaymentUnreadable) }
}

/// No ceiling of a subsidy comes near ten million yen; what does is another number in the wrong column.
const MOST_YEN: u32 = 9_999_999;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_with_their_units() {
        for text in ["2500", "2,500", "２，５００円", "¥2,500", "2500円", " 2500 "] {
            assert_eq!(amount(text, CopaymentKind::MonthYen), Ok(2500), "{text}");
        }
        assert_eq!(amount("0", CopaymentKind::VisitYen), Ok(0));
        for text in ["20", "20%", "２割", "20％"] {
            assert_eq!(amount(text, CopaymentKind::RatePercent), Ok(20), "{text}");
        }
        assert_eq!(amount("0", CopaymentKind::RatePercent), Ok(0));
        for text in ["2", "2回", "月2回"] {
            assert_eq!(amount(text, CopaymentKind::CountPerMonth), Ok(2), "{text}");
        }
    }

    #[test]
    fn other_cells_are_refused_with_their_reason() {
        for (text, kind, code) in [
            ("2", CopaymentKind::RatePercent, Code::CopaymentAmbiguous),
            ("0.2", CopaymentKind::RatePercent, Code::CopaymentUnreadable),
            ("110", CopaymentKind::RatePercent, Code::CopaymentUnreadable),
            ("11割", CopaymentKind::RatePercent, Code::CopaymentUnreadable),
            ("2,50", CopaymentKind::MonthYen, Code::CopaymentUnreadable),
            (",500", CopaymentKind::MonthYen, Code::CopaymentUnreadable),
            ("なし", CopaymentKind::MonthYen, Code::CopaymentUnreadable),
            ("-500", CopaymentKind::MonthYen, Code::CopaymentUnreadable),
            ("500.0", CopaymentKind::MonthYen, Code::TrailingDecimal),
            ("2.5E+03", CopaymentKind::MonthYen, Code::ScientificNotation),
            ("2月2日", CopaymentKind::CountPerMonth, Code::TurnedIntoDate),
            ("#REF!", CopaymentKind::DayYen, Code::SpreadsheetErrorValue),
            ("32", CopaymentKind::CountPerMonth, Code::CopaymentUnreadable),
        ] {
            assert_eq!(amount(text, kind), Err(code), "{text}");
        }
    }

    proptest! {
        #[test]
        fn yen_round_trip_with_and_without_groups(value in 0_u32..=MOST_YEN) {
            let plain = value.to_string();
            let grouped = plain
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(|group| std::str::from_utf8(group).unwrap())
                .collect::<Vec<_>>()
                .join(",");
            prop_assert_eq!(amount(&plain, CopaymentKind::MonthYen), Ok(value));
            prop_assert_eq!(amount(&grouped, CopaymentKind::MonthYen), Ok(value));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,12}") {
            let _ = amount(&text, CopaymentKind::RatePercent);
            let _ = amount(&text, CopaymentKind::VisitYen);
        }
    }
}
