//! The credential directory: stand-in for the service that knows which certificate follows which.
//!
//! Its batches name credentials by digest only; no serial number leaves a card's issuer.

use rcgen::{KeyPair, PublicKeyData};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::pki::Algorithm;
use crate::{Result, jose, pem};

/// What names a card's certificate without showing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialDigest(pub [u8; 32]);

impl CredentialDigest {
    /// SHA-256 over the CA's key id (SHA-256 of its SubjectPublicKeyInfo, DER) and the serial as a
    /// positive big-endian number without leading zeros. The key id is there because card CAs of
    /// one name number independently.
    pub fn new(ca_key_id: &[u8; 32], serial: &[u8]) -> Self {
        let start = serial.iter().position(|byte| *byte != 0).unwrap_or(serial.len());
        let mut hash = Sha256::new();
        hash.update(ca_key_id);
        hash.update(serial.get(start..).unwrap_or_default());
        Self(hash.finalize().into())
    }

    /// As it stands in a batch: base64url without padding.
    pub fn to_base64url(&self) -> String {
        jose::b64(&self.0)
    }
}

impl Serialize for CredentialDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64url())
    }
}

/// One line of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DirectoryItem {
    /// A certificate follows another of the same holder.
    Renewal {
        /// The earlier one.
        old: CredentialDigest,
        /// The later one.
        new: CredentialDigest,
    },
    /// A certificate belongs to a resident.
    Resident {
        /// The certificate.
        credential: CredentialDigest,
        /// Municipality or prefecture as `<kind>:<code>`.
        issuer: String,
        /// That issuer's own key of the person.
        resident_key: String,
    },
}

/// The directory with its signing key.
pub struct Directory {
    key: KeyPair,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Batch<'a> {
    iss: &'a str,
    iat: i64,
    jti: &'a str,
    items: &'a [DirectoryItem],
}

impl Directory {
    /// A directory with a fresh P-256 key.
    pub fn generate() -> Result<Self> {
        Ok(Self { key: Algorithm::P256.generate()? })
    }

    /// A directory with a stored key, PKCS#8 DER.
    pub fn from_pkcs8(key: &[u8]) -> Result<Self> {
        Ok(Self { key: Algorithm::P256.load(key)? })
    }

    /// The verification key, SubjectPublicKeyInfo DER.
    pub fn public_key(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    /// The verification key, SubjectPublicKeyInfo PEM.
    pub fn public_key_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.public_key())
    }

    pub(crate) fn key_pem(&self) -> String {
        pem::encode("PRIVATE KEY", self.key.serialized_der())
    }

    /// Signs a batch with its id `jti`, issued at `now` (Unix seconds). Compact JWS, ES256,
    /// `typ: pmh-directory+jwt`, claims `iss`, `iat`, `jti`, `items`.
    pub fn sign(&self, issuer: &str, jti: &str, now: i64, items: &[DirectoryItem]) -> Result<String> {
        let batch = Batch { iss: issuer, iat: now, jti, items };
        jose::sign_es256(self.key.serialized_der(), TYPE, &batch)
    }
}

const TYPE: &str = "pmh-directory+jwt";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::tests::open;

    #[test]
    fn a_batch_has_exactly_the_agreed_form() {
        let directory = Directory::generate().unwrap();
        let items = [
            DirectoryItem::Renewal { old: CredentialDigest([0; 32]), new: CredentialDigest([255; 32]) },
            DirectoryItem::Resident {
                credential: CredentialDigest([255; 32]),
                issuer: "municipality:131237".to_owned(),
                resident_key: "R-1".to_owned(),
            },
        ];
        let token = directory.sign("directory.test", "b-1", 1_800_000_000, &items).unwrap();
        let spki = directory.public_key();
        let (header, claims) = open(&token, &spki[spki.len() - 65..]);
        let zeros = "A".repeat(43);
        let ones = format!("{}8", "_".repeat(42));
        assert_eq!(header, serde_json::json!({ "alg": "ES256", "typ": "pmh-directory+jwt" }));
        assert_eq!(
            claims,
            serde_json::json!({ "iss": "directory.test", "iat": 1_800_000_000, "jti": "b-1", "items": [
                { "kind": "renewal", "old": zeros, "new": ones },
                { "kind": "resident", "credential": ones, "issuer": "municipality:131237",
                  "resident_key": "R-1" },
            ] })
        );
    }

    #[test]
    fn a_digest_ignores_how_a_serial_is_padded_and_tells_cas_apart() {
        let digest = |ca: u8, serial: &[u8]| CredentialDigest::new(&[ca; 32], serial);
        assert_eq!(digest(1, &[0, 0x90, 1]), digest(1, &[0x90, 1]));
        assert_ne!(digest(1, &[0x90, 1]), digest(2, &[0x90, 1]));
        assert_ne!(digest(1, &[0x90, 1]), digest(1, &[0x90, 1, 0]));
    }
}
