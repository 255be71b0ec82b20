//! The key in a card: it signs digests that somebody else made.

use aws_lc_rs::digest::{Digest, SHA384};
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RsaKeyPair,
};
use rcgen::KeyPair;

use super::digest_info::DigestInfo;
use crate::pki::Algorithm;
use crate::{Error, Result};

/// The two kinds of card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardKind {
    /// Today's card.
    Rsa2048,
    /// The next card.
    P384,
}

impl CardKind {
    /// The word for it in `sandbox.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa2048",
            Self::P384 => "p384",
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Rsa2048 => Algorithm::Rsa2048,
            Self::P384 => Algorithm::P384,
        }
    }
}

/// A card's private key. It can be copied, which no real one can.
#[derive(Clone)]
pub struct CardKey {
    kind: CardKind,
    pkcs8: Vec<u8>,
}

impl std::fmt::Debug for CardKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl CardKey {
    /// A fresh key.
    pub fn generate(kind: CardKind) -> Result<Self> {
        Ok(Self { kind, pkcs8: kind.algorithm().generate()?.serialized_der().to_vec() })
    }

    /// A stored key, PKCS#8 DER; RSA-2048 or P-384, anything else is refused.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self> {
        let kind = if EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, pkcs8).is_ok() {
            CardKind::P384
        } else if RsaKeyPair::from_pkcs8(pkcs8)?.public_modulus_len() == 256 {
            CardKind::Rsa2048
        } else {
            return Err(Error::KeyKind);
        };
        Ok(Self { kind, pkcs8: pkcs8.to_vec() })
    }

    /// RSA or P-384.
    pub fn kind(&self) -> CardKind {
        self.kind
    }

    /// The key, PKCS#8 DER.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    pub(crate) fn signer(&self) -> Result<KeyPair> {
        self.kind.algorithm().load(&self.pkcs8)
    }

    /// Signs what COMPUTE DIGITAL SIGNATURE delivers: a DigestInfo for RSA (PKCS#1 v1.5), the 48 bytes
    /// of a SHA-384 digest for P-384 (DER signature).
    ///
    /// A real RSA card pads whatever it is given. Ours takes DigestInfo of SHA-256, SHA-384 and
    /// SHA-512 only, because the library pads digests and offers no raw private-key operation.
    pub(super) fn sign(&self, data: &[u8]) -> Result<Vec<u8>> {
        match self.kind {
            CardKind::Rsa2048 => sign_rsa(&self.pkcs8, data),
            CardKind::P384 => {
                let digest = Digest::import_less_safe(data, &SHA384)?;
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &self.pkcs8)?;
                Ok(key.sign_digest(&digest)?.as_ref().to_vec())
            }
        }
    }
}

fn sign_rsa(pkcs8: &[u8], digest_info: &[u8]) -> Result<Vec<u8>> {
    let (digest, encoding) = match DigestInfo::parse(digest_info).ok_or(Error::Content)? {
        DigestInfo::Sha256(digest) => (digest, &RSA_PKCS1_SHA256),
        DigestInfo::Sha384(digest) => (digest, &RSA_PKCS1_SHA384),
        DigestInfo::Sha512(digest) => (digest, &RSA_PKCS1_SHA512),
    };
    let key = RsaKeyPair::from_pkcs8(pkcs8)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign_digest(encoding, &digest, &mut signature)?;
    Ok(signature)
}
