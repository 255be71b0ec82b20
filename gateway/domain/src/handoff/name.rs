//! Names of handoffs, entries and codes.

use serde::{Deserialize, Serialize};

use std::fmt;

use sha2::{Digest, Sha256};

/// Names one handoff on both sides, and nothing else: it is random, and the
/// two sides share no name of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HandoffId(pub [u8; 16]);

/// Hash of a log entry's leaf.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeafHash(pub [u8; 32]);

/// One of the two municipalities of a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// 住民票所在地: keeps the legal duty and the cost.
    Home,
    /// 里帰り先.
    Stay,
}

/// One entry of one side's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryRef {
    /// Whose log.
    pub log: Side,
    /// Its place there.
    pub index: u64,
    /// Hash of its leaf, by which the other side cites it.
    pub leaf: LeafHash,
}

/// The fencing number: the index of home's confirm entry (design P8). Every
/// write of the stay side carries the one it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// What the mother shows at the stay side's window, with her card. 128 random
/// bits, carried as a QR code: the stay side knows the digest, and a shorter
/// code could be found from it without her.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode(pub [u8; 16]);

/// Digest of a [`OneTimeCode`], in the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDigest([u8; 32]);

impl OneTimeCode {
    /// The digest that the offer carries; of this handoff only.
    pub fn digest(&self, handoff: HandoffId) -> CodeDigest {
        let hash = Sha256::new().chain_update(CODE_DOMAIN).chain_update(handoff.0).chain_update(self.0);
        CodeDigest(hash.finalize().into())
    }
}

impl CodeDigest {
    /// As it came with an offer.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it goes into an offer.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for LeafHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(..)")
    }
}

const CODE_DOMAIN: &[u8] = b"pmh handoff code v1\0";
