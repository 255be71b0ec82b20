//! Ed25519 keys of notes and their text form, the vkey.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

/// Signs notes under a name. The secret is wiped when dropped and shown by nothing.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

/// Verifies notes: `<name>+<hex id>+<base64 of 0x01 and the key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty or holds a space, a plus or a control character.
    #[error("a key name is not empty and holds no space, plus or control character")]
    Name,
    /// Not three parts in the right encodings.
    #[error("a verifier key is written name+hex+base64")]
    Format,
    /// The signature type is not Ed25519 (0x01).
    #[error("the key is not an Ed25519 note key")]
    Algorithm,
    /// The id is not the one that name and key have.
    #[error("the key id does not belong to name and key")]
    Id,
    /// Not a canonical point of large order.
    #[error("the public key is not a canonical point of large order")]
    Point,
}

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032 private key) under a name, which for a log is its origin.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, secret.verifying_key().as_bytes())?;
        Ok(Self { secret, verifier })
    }

    /// The public side.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier.name)
    }
}

impl VerifierKey {
    /// The key with these 32 bytes (RFC 8032) under a name.
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(public).map_err(|_| KeyError::Point)?;
        // Decompression tolerates encodings above the field's prime; two encodings of one key would have two ids.
        let canonical = key.to_edwards().compress().as_bytes() == public;
        if key.is_weak() || !canonical {
            return Err(KeyError::Point);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, public), key })
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key).
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The RFC 8032 encoding of the key.
    pub fn public_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether this key made the signature, by the strict rule.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        // Base64 has plus signs of its own, names have none.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Format);
        };
        let decoded = BASE64.decode(encoded).map_err(|_| KeyError::Format)?;
        let (algorithm, public) = decoded.split_first().ok_or(KeyError::Format)?;
        if *algorithm != ED25519 {
            return Err(KeyError::Algorithm);
        }
        let key = Self::new(name, public.try_into().map_err(|_| KeyError::Format)?)?;
        if key.hex_id() == id { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl VerifierKey {
    fn hex_id(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.public_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.hex_id(), BASE64.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control())
}

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(public)
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// Signature type of plain Ed25519 notes.
const ED25519: u8 = 0x01;
