//! The two kinds of text that stand inside parts.

use std::fmt;

use crate::codec::CodecError;

/// Up to 255 bytes of UTF-8 without control characters: terminal ids, operator pseudonyms, consent references,
/// scheme groups, row ids.
///
/// Control characters are refused because auditors read these texts on terminals.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShortText(String);

impl ShortText {
    /// Takes a text as it is. Fails with [`CodecError::TooLong`] above 255 bytes and with [`CodecError::Field`] on
    /// a control character. The empty text is allowed and means "none".
    pub fn new(text: impl Into<String>) -> Result<Self, CodecError> {
        let text = text.into();
        if text.len() > usize::from(u8::MAX) {
            return Err(CodecError::TooLong("text"));
        }
        if text.chars().any(char::is_control) {
            return Err(CodecError::Field("text"));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as it is encoded.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8], field: &'static str) -> Result<Self, CodecError> {
        let text = str::from_utf8(bytes).map_err(|_| CodecError::Field(field))?;
        Self::new(text).map_err(|_| CodecError::Field(field))
    }
}

/// Only the length: an operator pseudonym or a consent reference has no place in a program log.
impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShortText({} bytes)", self.0.len())
    }
}
