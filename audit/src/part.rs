//! The parts a leaf commits to: subject, chain, actor, detail.
//!
//! Each part is committed by HMAC-SHA-256 under its own 32-byte random salt, so it can be opened without the
//! others and a commitment tells nothing to whoever tries guesses. Deleting salt and body forgets the part; the
//! leaf and every proof over it stay. A part that an entry does not have is committed as the empty body all the
//! same, so a leaf does not show which parts exist.

mod actor;
mod chain;
mod detail;
mod subject;

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use crate::codec::CodecError as BodyError;
pub use actor::ActorBody;
pub use chain::{Audience, ChainBody, ChainLink};
pub use detail::{DetailBody, GroupOutcome, Rows};
pub use subject::SubjectBody;

use crate::tree::Hash;

/// Which part of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Whom the entry is about.
    Subject,
    /// Where the entry stands in the person's own sequences.
    Chain,
    /// Who asked.
    Actor,
    /// What was asked and answered.
    Detail,
}

impl Part {
    /// All parts, in the order of the leaf.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Chain, Self::Actor, Self::Detail];

    /// The name that goes into the commitment.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Chain => "chain",
            Self::Actor => "actor",
            Self::Detail => "detail",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The random key of one commitment; never used for two.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Takes 32 bytes of the caller's randomness.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored or sent with the body.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Salt {
    fn from(bytes: [u8; 32]) -> Self {
        Self::new(bytes)
    }
}

/// A salt together with a commitment is enough to test guesses about the body.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// What opens one commitment.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// Key of the commitment.
    pub salt: Salt,
    /// The committed bytes; empty if the entry has no such part.
    pub body: Vec<u8>,
}

impl Opening {
    /// The commitment that this opens.
    pub fn commitment(&self, part: Part) -> Hash {
        commit(part, &self.salt, &self.body)
    }

    /// Whether this is the opening of `commitment`. Takes the same time wherever the two differ.
    pub fn opens(&self, part: Part, commitment: &Hash) -> bool {
        self.commitment(part).ct_eq(commitment).into()
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({} bytes)", self.body.len())
    }
}

/// HMAC-SHA-256 under the salt over `"pmh.audit.v1" 00 part-name 00 body`.
///
/// The salt has one length, which keeps the commitment binding (HMAC pads shorter keys, so keys of several
/// lengths could collide); it is random, which keeps it hiding.
pub fn commit(part: Part, salt: &Salt, body: &[u8]) -> Hash {
    let mut mac = keyed(salt);
    mac.update(CONTEXT);
    mac.update(&[0]);
    mac.update(part.name().as_bytes());
    mac.update(&[0]);
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA-256 keyed with a salt.
pub(crate) fn keyed(salt: &Salt) -> Hmac<Sha256> {
    // HMAC pads a short key with zeros (RFC 2104 section 2). Padding it here makes the key one whole block, which
    // by its type cannot be of a wrong length.
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (byte, salted) in block.iter_mut().zip(salt.as_bytes()) {
        *byte = *salted;
    }
    Hmac::new(&block)
}

const CONTEXT: &[u8] = b"pmh.audit.v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitment_is_hmac_sha256_as_written_down() {
        // Independent of `keyed`: HMAC spelt out over SHA-256 (RFC 2104).
        use sha2::Digest as _;
        let salt = Salt::new([0x5a; 32]);
        let message = b"pmh.audit.v1\0actor\0body";
        let pad = |byte: u8| (0..64).map(|i| if i < 32 { 0x5a ^ byte } else { byte }).collect::<Vec<u8>>();
        let inner = Sha256::digest([pad(0x36).as_slice(), message].concat());
        let outer: Hash = Sha256::digest([pad(0x5c).as_slice(), inner.as_slice()].concat()).into();
        assert_eq!(commit(Part::Actor, &salt, b"body"), outer);
    }

    #[test]
    fn an_opening_opens_one_part_under_one_salt() {
        let opening = Opening { salt: Salt::new([1; 32]), body: b"body".to_vec() };
        let commitment = opening.commitment(Part::Detail);
        assert!(opening.opens(Part::Detail, &commitment));
        assert!(!opening.opens(Part::Actor, &commitment));
        let other_salt = Opening { salt: Salt::new([2; 32]), ..opening.clone() };
        assert!(!other_salt.opens(Part::Detail, &commitment));
        let other_body = Opening { body: b"bodz".to_vec(), ..opening };
        assert!(!other_body.opens(Part::Detail, &commitment));
    }

    #[test]
    fn debug_shows_neither_salt_nor_body() {
        let opening = Opening { salt: Salt::new([0xab; 32]), body: b"canary".to_vec() };
        assert_eq!(format!("{opening:?} {:?}", opening.salt), "Opening(6 bytes) Salt(..)");
    }
}
