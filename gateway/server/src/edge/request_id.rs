//! The name of one call, for finding its line in the log.

use std::fmt;

use http::{HeaderName, HeaderValue};

/// 128 random bits. Ours alone: what a caller sends under that name is dropped, or it could choose what a search of the
/// log finds. Shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 16]);

/// Response metadata that carries the id.
pub(super) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("pmh-request-id");

impl RequestId {
    /// From random bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) fn draw(random: &super::Random) -> Self {
        let mut bytes = [0; 16];
        random(&mut bytes);
        Self(bytes)
    }

    /// The bytes, as the log keeps them for a trace id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(super) fn header_value(self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.hex()).ok()
    }

    fn hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            }
        }
        text
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_as_hexadecimal() {
        let id = RequestId::from_bytes([0x00, 0x9a, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]);
        assert_eq!(id.to_string(), "009aff00000000000000000000000010");
        assert_eq!(id.header_value().unwrap(), "009aff00000000000000000000000010");
    }
}
