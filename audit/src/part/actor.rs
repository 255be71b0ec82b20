//! Who asked, in person and by machine.

use crate::codec::{CodecError, Reader, Writer};
use crate::registry::{Acr, Tier};
use crate::text::ShortText;
use crate::tree::Hash;

/// `1 | u8+n terminal | 32 certificate | 32 jti | u8 acr | u8 tier | u8+n operator | 16 trace id`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActorBody {
    /// Terminal of the calling organization; empty if the gateway acted by itself.
    pub terminal: ShortText,
    /// SHA-256 of the client certificate (DER); zeros if there was none.
    pub certificate_sha256: Hash,
    /// SHA-256 of the token's `jti`; zeros if the call had no token.
    pub jti_sha256: Hash,
    /// How the presence was established; 0 without one.
    pub acr: Acr,
    /// How much it opened; 0 without one.
    pub tier: Tier,
    /// Pseudonym of the operating member of staff; empty if the organization names none.
    pub operator: ShortText,
    /// W3C trace id of the call; zeros if it had none.
    pub trace_id: [u8; 16],
}

impl ActorBody {
    /// The bytes to commit to.
    pub fn encode(&self) -> Vec<u8> {
        let texts = self.terminal.as_bytes().len() + self.operator.as_bytes().len();
        let mut out = Writer::version_1(FIXED_BYTES + texts);
        out.short_bytes(self.terminal.as_bytes());
        out.bytes(&self.certificate_sha256);
        out.bytes(&self.jti_sha256);
        out.u8(self.acr.0);
        out.u8(self.tier.0);
        out.short_bytes(self.operator.as_bytes());
        out.bytes(&self.trace_id);
        out.finish()
    }

    /// Reads what [`ActorBody::encode`] wrote and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = Reader::version_1(bytes)?;
        let body = Self {
            terminal: ShortText::from_bytes(input.short_bytes()?, "terminal")?,
            certificate_sha256: input.array()?,
            jti_sha256: input.array()?,
            acr: Acr(input.u8()?),
            tier: Tier(input.u8()?),
            operator: ShortText::from_bytes(input.short_bytes()?, "operator")?,
            trace_id: input.array()?,
        };
        input.finish()?;
        Ok(body)
    }
}

const FIXED_BYTES: usize = 1 + 1 + 32 + 32 + 1 + 1 + 1 + 16;
