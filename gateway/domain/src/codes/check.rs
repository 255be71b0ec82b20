//! Check digits.
//!
//! Sources: MHLW 「保険者番号等の設定について」 別添2 設定要領 (payers, insurers, institutions);
//! Ministry of Internal Affairs, 全国地方公共団体コード (municipalities);
//! 法人番号の指定等に関する省令 2条 (corporate numbers);
//! 番号利用法施行令による検査用数字 (individual numbers, only to refuse them).

use super::CodeError;

/// The ministry's common check digit: from the right of the body weights
/// 2, 1, 2, …, digit sums of the products, complement to ten. Bodies have at
/// most twelve digits.
pub(super) fn luhn(body: &str) -> u8 {
    let sum: u8 = digits(body)
        .rev()
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, weight)| {
            let product = digit * weight;
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

/// Municipality codes: weights 6 to 2 on five digits, complement to eleven,
/// last digit of the result.
pub(super) fn municipality(body: &str) -> u8 {
    let sum: u8 = digits(body).zip((2..=6).rev()).map(|(digit, weight)| digit * weight).sum();
    (11 - sum % 11) % 10
}

/// Corporate numbers: weights 1, 2, 1, … from the right of twelve digits,
/// complement to nine.
pub(super) fn corporate(body: &str) -> u8 {
    let sum: u8 = digits(body).rev().zip([1, 2].into_iter().cycle()).map(|(d, weight)| d * weight).sum();
    9 - sum % 9
}

/// Individual numbers: weights 6 to 2, then 7 to 2 on eleven digits; a
/// remainder of 0 or 1 gives 0.
pub(super) fn individual(body: &str) -> u8 {
    let weights = (2..=6).rev().chain((2..=7).rev());
    let sum: u16 = digits(body).map(u16::from).zip(weights).map(|(digit, weight)| digit * weight).sum();
    match u8::try_from(sum % 11) {
        Ok(remainder @ 2..) => 11 - remainder,
        _ => 0,
    }
}

/// Compares the digit found with the one that fits.
pub(super) fn expect(found: u8, expected: u8) -> Result<(), CodeError> {
    if found == expected { Ok(()) } else { Err(CodeError::CheckDigit { expected }) }
}

fn digits(text: &str) -> impl DoubleEndedIterator<Item = u8> + '_ {
    text.bytes().map(|byte| byte.saturating_sub(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of the ministry's own setting rules.
    #[test]
    fn worked_examples_of_the_ministry() {
        assert_eq!(luhn("0613048"), 8);
        assert_eq!(luhn("341071236"), 2);
    }

    #[test]
    fn municipality_sums_below_and_above_eleven() {
        assert_eq!(municipality("13123"), 7);
        assert_eq!(municipality("01000"), 6);
        assert_eq!(municipality("00000"), 1);
    }
}
