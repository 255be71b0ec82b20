//! Bytes to text, cell by cell, without a guess.
//!
//! The file is split into cells as bytes and each cell is decoded alone, so one broken cell never spoils its
//! row. That is sound for CP932 because no second byte of a character (0x40–0x7E, 0x80–0xFC) can be a
//! delimiter, a quotation mark or a line end. Decoding is WHATWG's Shift_JIS, which is windows-31j, with the
//! user-defined area F040–F9FC at U+E000–U+E757.

use std::borrow::Cow;

use encoding_rs::SHIFT_JIS;
use serde::{Deserialize, Serialize};

use crate::error::FileError;

/// How the officer's file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// CP932, which is windows-31j, which Excel calls Shift_JIS.
    #[serde(rename = "cp932")]
    Cp932,
}

/// The encoding of `bytes`, and the bytes without a byte order mark.
///
/// A mark decides; then what the issuer's mapping says; then the bytes themselves.
///
/// # Errors
/// [`FileError::Utf16`], [`FileError::Workbook`] or [`FileError::NotText`] for what is no CSV at all.
pub fn detect(bytes: &[u8], declared: Option<Encoding>) -> Result<(Encoding, &[u8]), FileError> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(FileError::Utf16);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(FileError::Workbook);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return Ok((Encoding::Utf8, rest));
    }
    let zeros = bytes.split(|byte| *byte == 0).count() - 1;
    if zeros > 0 {
        // UTF-16 without a mark: every ASCII character brings a zero byte.
        return Err(if zeros * 4 >= bytes.len() { FileError::Utf16 } else { FileError::NotText });
    }
    Ok((declared.unwrap_or_else(|| from_content(bytes)), bytes))
}

impl Encoding {
    /// The text of one cell, or `None` when the bytes are no text in this encoding.
    pub fn decode(self, cell: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => std::str::from_utf8(cell).ok().map(Cow::Borrowed),
            Self::Cp932 => SHIFT_JIS.decode_without_bom_handling_and_without_replacement(cell),
        }
    }

    /// Our own words in this encoding; they hold no character that CP932 lacks (a test keeps it so).
    pub(crate) fn encode(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            Self::Utf8 => Cow::Borrowed(text.as_bytes()),
            Self::Cp932 => SHIFT_JIS.encode(text).0,
        }
    }
}

/// What in a text cannot be what the officer's system holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blemish {
    /// A private-use character: a gaiji that only the sender's own machine can draw.
    Gaiji,
    /// `〓`, `●` or U+FFFD, written by a converter in place of a character that it did not know.
    ReplacementMark,
    /// A control character.
    Control,
}

/// The first blemish of a text, or `None`. Variation selectors and every assigned character are left alone.
pub fn blemish(text: &str) -> Option<Blemish> {
    text.chars().find_map(|c| match c {
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}' => {
            Some(Blemish::Gaiji)
        }
        '〓' | '●' | '\u{FFFD}' => Some(Blemish::ReplacementMark),
        c if c.is_control() => Some(Blemish::Control),
        _ => None,
    })
}

/// Japanese text in UTF-8 is runs of three-byte sequences, which CP932 text almost never forms; so the kind that
/// is seen more often wins, and a few broken bytes do not turn a UTF-8 file into mojibake.
fn from_content(bytes: &[u8]) -> Encoding {
    let (mut long, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        long += chunk.valid().chars().filter(|c| c.len_utf8() >= 3).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if broken == 0 || long > broken { Encoding::Utf8 } else { Encoding::Cp932 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_and_containers_are_told_apart() {
        assert_eq!(detect(b"\xEF\xBB\xBFa", None), Ok((Encoding::Utf8, &b"a"[..])));
        assert_eq!(detect(b"\xFF\xFEa\0", None), Err(FileError::Utf16));
        assert_eq!(detect(b"\xFE\xFF\0a", None), Err(FileError::Utf16));
        assert_eq!(detect(b"a\0b\0", None), Err(FileError::Utf16));
        assert_eq!(detect(b"aaaaaaaa\0", None), Err(FileError::NotText));
        assert_eq!(detect(b"PK\x03\x04rest", None), Err(FileError::Workbook));
        assert_eq!(detect(b"abc", None), Ok((Encoding::Utf8, &b"abc"[..])));
        assert_eq!(detect(b"abc", Some(Encoding::Cp932)), Ok((Encoding::Cp932, &b"abc"[..])));
    }

    #[test]
    fn a_broken_byte_does_not_turn_utf8_into_cp932() {
        let mut bytes = "公費負担者番号".as_bytes().to_vec();
        bytes.push(0xFF);
        assert_eq!(from_content(&bytes), Encoding::Utf8);
        assert_eq!(from_content(&SHIFT_JIS.encode("公費負担者番号").0), Encoding::Cp932);
        assert_eq!(from_content(&SHIFT_JIS.encode("氏名").0), Encoding::Cp932);
    }

    #[test]
    fn user_defined_area_is_private_use_at_both_ends() {
        assert_eq!(Encoding::Cp932.decode(b"\xF0\x40").as_deref(), Some("\u{E000}"));
        assert_eq!(Encoding::Cp932.decode(b"\xF9\xFC").as_deref(), Some("\u{E757}"));
        assert_eq!(blemish("山\u{E000}"), Some(Blemish::Gaiji));
        // NEC and IBM extensions are not gaiji: 髙 and 﨑 are what windows-31j is for.
        assert_eq!(Encoding::Cp932.decode(b"\xFB\xFC").as_deref(), Some("髙"));
        assert_eq!(blemish("髙﨑"), None);
    }

    #[test]
    fn truncated_character_is_not_text() {
        assert_eq!(Encoding::Cp932.decode(b"\x88"), None);
        assert_eq!(Encoding::Cp932.decode(b"\xFF"), None);
        assert_eq!(Encoding::Utf8.decode(b"\xE5\xB1"), None);
    }

    #[test]
    fn variation_selectors_are_no_blemish() {
        assert_eq!(blemish("葛\u{E0100}城 辻\u{FE00}"), None);
    }

    proptest! {
        #[test]
        fn detection_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = detect(&bytes, None);
            let _ = Encoding::Cp932.decode(&bytes);
        }

        #[test]
        fn utf8_text_is_recognised_and_returned_unchanged(text in "[ぁ-んァ-ヶ亜-熙a-z0-9,]{0,40}") {
            let (encoding, rest) = detect(text.as_bytes(), None).unwrap();
            prop_assert_eq!(encoding, Encoding::Utf8);
            prop_assert_eq!(encoding.decode(rest).unwrap(), text.as_str());
        }
    }
}
