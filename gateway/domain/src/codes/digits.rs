//! A fixed number of ASCII digits, the body of most codes.

use super::CodeError;

/// `N` ASCII digits. Half-width only: what else a person may have typed is
/// folded by the importer, never here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Digits<const N: usize>([u8; N]);

impl<const N: usize> std::fmt::Debug for Digits<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> Digits<N> {
    pub(super) fn parse(text: &str, width: &'static str) -> Result<Self, CodeError> {
        let bytes: [u8; N] = match text.as_bytes().try_into() {
            Ok(bytes) => bytes,
            // A full-width number has the right count of characters but not of
            // bytes; saying "width" would send its owner looking in the wrong place.
            Err(_) if text.chars().count() == N => return Err(CodeError::Characters),
            Err(_) => return Err(CodeError::Width(width)),
        };
        if bytes.iter().all(u8::is_ascii_digit) { Ok(Self(bytes)) } else { Err(CodeError::Characters) }
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The digits from `from` up to, not including, `to`.
    pub(super) fn part(&self, from: usize, to: usize) -> &str {
        self.as_str().get(from..to).unwrap_or_default()
    }

    /// A part as a number; at most nine digits.
    pub(super) fn number(&self, from: usize, to: usize) -> u32 {
        self.part(from, to).bytes().fold(0, |number, byte| number * 10 + u32::from(byte - b'0'))
    }

    /// The last digit.
    pub(super) fn last(&self) -> u8 {
        self.0.last().map_or(0, |byte| byte - b'0')
    }
}
