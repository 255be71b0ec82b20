//! Cells into one form: widths, dates, words, amounts, lists. Each function reads exactly or says why not.

pub mod copayment;
pub mod date;
pub mod list;
pub mod word;

use std::borrow::Cow;

/// Full-width ASCII (U+FF01–FF5E) and the ideographic space to half-width, ends trimmed. For codes only; names
/// keep every code point. Not NFKC, which would also rewrite kanji (U+F900 and on) and circled digits.
pub fn fold_width(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if !trimmed.chars().any(is_full_width) {
        return Cow::Borrowed(trimmed);
    }
    let folded: String = trimmed.chars().map(fold_char).collect();
    Cow::Owned(folded.trim().to_owned())
}

/// The content of `="0123"`, the way to write a number into CSV so that Excel leaves it alone.
pub(crate) fn unwrap_formula(text: &str) -> &str {
    text.strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('"'))
        .unwrap_or(text)
}

/// Half-width form of one character.
pub(crate) fn fold_char(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        other => other,
    }
}

fn is_full_width(c: char) -> bool {
    fold_char(c) != c
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_folded_and_kanji_are_not() {
        assert_eq!(fold_width("　８８１３８２４３ "), "88138243");
        assert_eq!(fold_width("Ａ－１"), "A-1");
        assert_eq!(fold_width("\u{FA19}①"), "\u{FA19}①");
    }

    #[test]
    fn formula_text_is_unwrapped_once() {
        assert_eq!(unwrap_formula("=\"0123\""), "0123");
        assert_eq!(unwrap_formula("=\"\""), "");
        assert_eq!(unwrap_formula("=SUM(A1)"), "=SUM(A1)");
        assert_eq!(unwrap_formula("=\"a\"\"b\""), "=\"a\"\"b\"");
        assert_eq!(unwrap_formula("=\""), "=\"");
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in ".{0,20}") {
            let once = fold_width(&text).into_owned();
            prop_assert_eq!(fold_width(&once).into_owned(), once.clone());
        }
    }
}
