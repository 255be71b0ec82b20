//! Ed25519 keys of logs and witnesses, and their text form, the vkey.
//!
//! The signature type is part of the Rust type: a witness's key cannot open a log's note, nor a log's key cosign.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

/// Signs a log's notes under its origin.
pub type SigningKey = Secret<LOG>;
/// Verifies a log's notes.
pub type VerifierKey = Vkey<LOG>;
/// Makes a witness's cosignatures.
pub type CosigningKey = Secret<WITNESS>;
/// Verifies a witness's cosignatures.
pub type WitnessKey = Vkey<WITNESS>;

/// Signature type of plain Ed25519 notes (C2SP signed-note).
pub(super) const LOG: u8 = 0x01;
/// Signature type of timestamped Ed25519 cosignatures (C2SP tlog-cosignature).
pub(super) const WITNESS: u8 = 0x04;

/// A private key under a name. The secret is wiped when dropped and shown by nothing.
pub struct Secret<const TYPE: u8> {
    secret: ed25519_dalek::SigningKey,
    verifier: Vkey<TYPE>,
}

/// A public key under a name: `<name>+<hex id>+<base64 of the signature type and the key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Vkey<const TYPE: u8> {
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
    /// The signature type is another: 0x01 is an Ed25519 log key, 0x04 an Ed25519 witness key.
    #[error("the key is of another signature type: a log's is 0x01, a witness's 0x04")]
    Algorithm,
    /// The id is not the one that name and key have.
    #[error("the key id does not belong to name and key")]
    Id,
    /// Not a canonical point of large order.
    #[error("the public key is not a canonical point of large order")]
    Point,
}

impl<const TYPE: u8> Secret<TYPE> {
    /// The key of a 32-byte seed (RFC 8032 private key) under a name, which for a log is its origin.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = Vkey::new(name, secret.verifying_key().as_bytes())?;
        Ok(Self { secret, verifier })
    }

    /// The public side.
    pub fn verifier(&self) -> &Vkey<TYPE> {
        &self.verifier
    }

    pub(super) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl<const TYPE: u8> fmt::Debug for Secret<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier.name)
    }
}

impl<const TYPE: u8> Vkey<TYPE> {
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
        Ok(Self { name: name.to_owned(), id: key_id(name, TYPE, public), key })
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of SHA-256(name ‖ 0x0A ‖ signature type ‖ key).
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

impl<const TYPE: u8> FromStr for Vkey<TYPE> {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        // Base64 has plus signs of its own, names have none.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Format);
        };
        let decoded = BASE64.decode(encoded).map_err(|_| KeyError::Format)?;
        let (algorithm, public) = decoded.split_first().ok_or(KeyError::Format)?;
        if *algorithm != TYPE {
            return Err(KeyError::Algorithm);
        }
        let key = Self::new(name, public.try_into().map_err(|_| KeyError::Format)?)?;
        if key.hex_id() == id { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl<const TYPE: u8> Vkey<TYPE> {
    fn hex_id(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }
}

impl<const TYPE: u8> fmt::Display for Vkey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[TYPE], self.public_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.hex_id(), BASE64.encode(key))
    }
}

impl<const TYPE: u8> fmt::Debug for Vkey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control())
}

fn key_id(name: &str, signature_type: u8, public: &[u8; 32]) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', signature_type])
        .chain_update(public)
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}
