//! `to_be_signed`: prefix, then twelve fields as (tag, two-byte length, value), tags ascending, each exactly once.
//!
//! | tag | value |
//! |---|---|
//! | 01 | issuer URL, UTF-8 |
//! | 02 | presentation id, 16 bytes |
//! | 03 | nonce, 32 random bytes |
//! | 04 | organization URN |
//! | 05 | SHA-256 of the client certificate on this connection |
//! | 06 | terminal id |
//! | 07 | purposes, sorted by spelling, joined by single spaces |
//! | 08 | [`scopes_digest`](super::scopes_digest) |
//! | 09 | [`consent_digest`](super::consent_digest) |
//! | 0A | issued at, 8 bytes big-endian, Unix seconds |
//! | 0B | expires at, likewise |
//! | 0C | wanted verification, 1 byte: 1 PIN, 2 device, 3 face, 4 visual, 5 tap |

use crate::names::{Purpose, UserVerification};
use crate::wire::{Garbled, Reader};

/// Begins every text; ends in a NUL so that no other protocol's text can continue it.
pub const PREFIX: &[u8; 25] = b"PMH-CARD-PRESENTATION-v1\0";

/// The content of a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToBeSigned {
    /// The auth service, as in the token's `iss`.
    pub issuer: String,
    /// Names the presentation in the log.
    pub presentation_id: [u8; 16],
    /// Used once.
    pub nonce: [u8; 32],
    /// URN of the organization that asked.
    pub organization: String,
    /// Its client certificate on the connection that asked.
    pub thumbprint: [u8; 32],
    /// The device at which the card is held; empty if the organization names none.
    pub terminal: String,
    /// What for; at least one.
    pub purposes: Vec<Purpose>,
    /// Digest of the scopes asked for.
    pub scopes_digest: [u8; 32],
    /// Digest of the consent dialogue.
    pub consent_digest: [u8; 32],
    /// Unix seconds.
    pub issued_at: i64,
    /// Unix seconds.
    pub expires_at: i64,
    /// How the holder shall be verified.
    pub wanted: UserVerification,
}

/// The bytes are not a challenge, or a value does not fit into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a card presentation challenge")]
pub struct TbsError;

impl From<Garbled> for TbsError {
    fn from(_: Garbled) -> Self {
        Self
    }
}

impl ToBeSigned {
    /// The bytes that the card signs. Fails when a text is longer than its length field.
    pub fn encode(&self) -> Result<Vec<u8>, TbsError> {
        let purposes = spelled(&self.purposes);
        let fields: [&[u8]; 12] = [
            self.issuer.as_bytes(),
            &self.presentation_id,
            &self.nonce,
            self.organization.as_bytes(),
            &self.thumbprint,
            self.terminal.as_bytes(),
            purposes.as_bytes(),
            &self.scopes_digest,
            &self.consent_digest,
            &self.issued_at.to_be_bytes(),
            &self.expires_at.to_be_bytes(),
            &[self.wanted.number()],
        ];
        let mut out = PREFIX.to_vec();
        for (tag, value) in (1_u8..).zip(fields) {
            out.push(tag);
            out.extend_from_slice(&u16::try_from(value.len()).map_err(|_| TbsError)?.to_be_bytes());
            out.extend_from_slice(value);
        }
        Ok(out)
    }

    /// Reads exactly what [`encode`](Self::encode) writes, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, TbsError> {
        let mut fields = Fields { reader: Reader::new(bytes.strip_prefix(PREFIX).ok_or(TbsError)?), tag: 0 };
        let read = Self {
            issuer: fields.text()?,
            presentation_id: fields.array()?,
            nonce: fields.array()?,
            organization: fields.text()?,
            thumbprint: fields.array()?,
            terminal: fields.text()?,
            purposes: read_purposes(&fields.text()?)?,
            scopes_digest: fields.array()?,
            consent_digest: fields.array()?,
            issued_at: i64::from_be_bytes(fields.array()?),
            expires_at: i64::from_be_bytes(fields.array()?),
            wanted: UserVerification::from_number(u8::from_be_bytes(fields.array()?)).ok_or(TbsError)?,
        };
        fields.reader.end()?;
        Ok(read)
    }
}

/// Hands out the fields in their one possible order.
struct Fields<'a> {
    reader: Reader<'a>,
    tag: u8,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<&'a [u8], TbsError> {
        self.tag += 1;
        if self.reader.u8()? != self.tag {
            return Err(TbsError);
        }
        let length = self.reader.u16()?;
        Ok(self.reader.bytes(length.into())?)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TbsError> {
        self.next()?.try_into().map_err(|_| TbsError)
    }

    fn text(&mut self) -> Result<String, TbsError> {
        std::str::from_utf8(self.next()?).map(str::to_owned).map_err(|_| TbsError)
    }
}

fn spelled(purposes: &[Purpose]) -> String {
    let mut words: Vec<&str> = purposes.iter().map(|purpose| purpose.as_str()).collect();
    words.sort_unstable();
    words.join(" ")
}

fn read_purposes(text: &str) -> Result<Vec<Purpose>, TbsError> {
    let purposes = text.split(' ').map(Purpose::parse).collect::<Option<Vec<_>>>().ok_or(TbsError)?;
    let ascending = purposes.is_sorted_by(|a, b| a.as_str() < b.as_str());
    if ascending { Ok(purposes) } else { Err(TbsError) }
}
