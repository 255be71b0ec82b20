//! `DigestInfo` (RFC 8017 §9.2): which hash, and the hash.

use aws_lc_rs::digest::{Digest, SHA256, SHA384, SHA512};

/// A parsed DigestInfo.
pub(super) enum DigestInfo {
    Sha256(Digest),
    Sha384(Digest),
    Sha512(Digest),
}

/// The prefixes of RFC 8017 §9.2 note 1; DER leaves no other way to write them.
const SHA256_PREFIX: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];
const SHA384_PREFIX: &[u8] = &[
    0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
    0x04, 0x30,
];
const SHA512_PREFIX: &[u8] = &[
    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
    0x04, 0x40,
];

/// The DigestInfo of a SHA-256 digest.
pub(super) fn sha256(digest: &[u8; 32]) -> Vec<u8> {
    [SHA256_PREFIX, digest].concat()
}

impl DigestInfo {
    /// `None` for another hash, another length, or bytes left over.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if let Some(digest) = bytes.strip_prefix(SHA256_PREFIX) {
            return Digest::import_less_safe(digest, &SHA256).ok().map(Self::Sha256);
        }
        if let Some(digest) = bytes.strip_prefix(SHA384_PREFIX) {
            return Digest::import_less_safe(digest, &SHA384).ok().map(Self::Sha384);
        }
        let digest = bytes.strip_prefix(SHA512_PREFIX)?;
        Digest::import_less_safe(digest, &SHA512).ok().map(Self::Sha512)
    }
}
