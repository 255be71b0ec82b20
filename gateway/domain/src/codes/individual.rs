//! 個人番号: recognised only to be kept out.

use unicode_normalization::UnicodeNormalization;

use super::check;

/// Whether a text looks like a 12-digit individual number (個人番号): after
/// folding full-width and other compatible digits and dropping spaces and
/// hyphens it is 12 digits with a fitting check digit.
///
/// One in ten random 12-digit texts fits by chance, and a local recipient
/// number may have 12 digits, so a hit is a reason to refuse or quarantine and
/// never proof of what the value is.
pub fn looks_like_individual_number(text: &str) -> bool {
    let folded: String = text.nfkc().filter(|c| !is_separator(*c)).take(13).collect();
    let Some((body, last)) = folded.split_at_checked(11) else { return false };
    folded.len() == 12
        && folded.bytes().all(|byte| byte.is_ascii_digit())
        && last.bytes().eq([b'0' + check::individual(body)])
}

/// Spaces and whatever a keyboard offers for a hyphen. The prolonged sound
/// mark is one: half of all typed Japanese telephone numbers contain it.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー' | '\u{200B}'..='\u{200D}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published test values; real numbers may not be collected
    /// (番号利用法 20条).
    #[test]
    fn published_test_values_are_recognised_however_written() {
        for text in [
            "123456789018",
            "621498320257",
            "1234-5678-9018",
            "1234 5678 9018",
            "１２３４５６７８９０１８",
            "１２３４－５６７８－９０１８",
            "1234ー5678ー9018",
            "\u{FEFF}1234\u{3000}5678\u{3000}9018",
        ] {
            assert!(looks_like_individual_number(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in
            ["", "123456789012", "12345678901", "1234567890189", "123456789018x", "a23456789018", "88138243"]
        {
            assert!(!looks_like_individual_number(text), "{text}");
        }
    }

    #[test]
    fn one_in_ten_fits_by_chance() {
        let hits = (0..10_000_u64)
            .filter(|n| looks_like_individual_number(&format!("{:012}", n * 7_919_773 + 100_000_000_000)))
            .count();
        assert!((800..=1_300).contains(&hits), "{hits}");
    }
}
