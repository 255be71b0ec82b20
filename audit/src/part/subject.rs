//! Whom an entry is about.

use std::fmt;

use crate::codec::{CodecError, Reader, Writer};

/// `1 | u16+n sub`: the pairwise subject that the requester knows.
///
/// Receipts open this part, so it must never be an identifier from inside.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectBody {
    sub: String,
}

impl SubjectBody {
    /// Takes the `sub` of the requester's token: visible ASCII, 1 to 65,535 bytes.
    pub fn new(sub: impl Into<String>) -> Result<Self, CodecError> {
        let sub = sub.into();
        if sub.len() > usize::from(u16::MAX) {
            return Err(CodecError::TooLong("sub"));
        }
        if sub.is_empty() || !sub.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CodecError::Field("sub"));
        }
        Ok(Self { sub })
    }

    /// The pairwise subject.
    pub fn sub(&self) -> &str {
        &self.sub
    }

    /// The bytes to commit to.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::version_1(3 + self.sub.len());
        out.medium_bytes(self.sub.as_bytes());
        out.finish()
    }

    /// Reads what [`SubjectBody::encode`] wrote and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = Reader::version_1(bytes)?;
        let sub = str::from_utf8(input.medium_bytes()?).map_err(|_| CodecError::Field("sub"))?;
        let body = Self::new(sub)?;
        input.finish()?;
        Ok(body)
    }
}

/// A pseudonym still is about one person.
impl fmt::Debug for SubjectBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectBody(..)")
    }
}
