//! A card that holds a user-authentication certificate and its key, and the terminal that reads it.
//!
//! The card answers the APDUs of the application D392F000260100000001 and keeps what a card keeps:
//! the PIN, the tries that are left, whether the PIN was verified. It sees a DigestInfo (RSA) or a digest (P-384)
//! and never the text, as in reality: the terminal hashes, and so decides what is signed.

mod apdu;
mod digest_info;
mod key;
pub mod terminal;
#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::civil::Date;
use sha2::{Digest, Sha256, Sha384};
use x509_parser::prelude::{FromDer, X509Certificate};

pub use key::{CardKey, CardKind};

use crate::directory::CredentialDigest;
use crate::pki::{CardRequest, DevPki, Generation};
use crate::{Error, Result, pem};

/// Wrong PINs in a row after which the card locks.
pub const TRIES: u8 = 3;

/// One card.
pub struct FakeCard {
    certificate: Vec<u8>,
    ca_certificate: Option<Vec<u8>>,
    key: CardKey,
    pin: String,
    tries_left: u8,
    session: apdu::Session,
}

impl std::fmt::Debug for FakeCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeCard")
            .field("kind", &self.kind())
            .field("tries_left", &self.tries_left)
            .finish_non_exhaustive()
    }
}

/// Why a card did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardRefusal {
    /// The PIN is wrong.
    #[error("the PIN is wrong, {tries_left} tries left")]
    WrongPin {
        /// Tries left before the card locks.
        tries_left: u8,
    },
    /// The PIN is locked; a municipality must unlock it.
    #[error("the PIN is locked")]
    Locked,
    /// The card could not sign what it was given.
    #[error("the card could not sign")]
    Failed,
}

impl FakeCard {
    /// A new card with a new key.
    pub fn issue(pki: &DevPki, request: &CardRequest, pin: &str) -> Result<Self> {
        Self::issue_with_key(pki, request, CardKey::generate(request.generation.card_kind())?, pin)
    }

    /// A new card with a key that exists: RSA keys are slow to make, and a test of many
    /// certificates needs only one. A key of another kind than the CA's is refused.
    pub fn issue_with_key(pki: &DevPki, request: &CardRequest, key: CardKey, pin: &str) -> Result<Self> {
        if key.kind() != request.generation.card_kind() {
            return Err(Error::KeyKind);
        }
        let certificate = pki.issue_card(request, &key.signer()?)?;
        let ca_certificate = Some(pki.card_ca(request.generation)?.to_vec());
        Ok(Self { ca_certificate, ..Self::from_parts(certificate, key, pin) })
    }

    /// A card from what a sandbox keeps of it. It carries no CA certificate.
    pub fn from_parts(certificate: Vec<u8>, key: CardKey, pin: &str) -> Self {
        Self {
            certificate,
            ca_certificate: None,
            key,
            pin: pin.to_owned(),
            tries_left: TRIES,
            session: apdu::Session::default(),
        }
    }

    /// A card from its certificate file (DER) and key file (PKCS#8 PEM).
    pub fn load(certificate: &Path, key: &Path, pin: &str) -> Result<Self> {
        let key = CardKey::from_pkcs8(&pem::private_key(&pem::read(key)?)?)?;
        Ok(Self::from_parts(pem::read(certificate)?, key, pin))
    }

    /// Writes certificate (DER) and key (PKCS#8 PEM, for the owner only).
    pub fn save(&self, certificate: &Path, key: &Path) -> Result<()> {
        pem::write_public(certificate, &self.certificate)?;
        pem::write_secret(key, pem::encode("PRIVATE KEY", self.key.pkcs8()).as_bytes())
    }

    /// The holder's next card, with a new key and the same PIN.
    pub fn renew(&self, pki: &DevPki, generation: Generation, birth_date: Date, now: i64) -> Result<Self> {
        Self::issue(pki, &CardRequest::new(generation, birth_date, now), &self.pin)
    }

    /// RSA or P-384.
    pub fn kind(&self) -> CardKind {
        self.key.kind()
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The key, to give to another certificate.
    pub fn key(&self) -> &CardKey {
        &self.key
    }

    /// The PIN, four digits.
    pub fn pin(&self) -> &str {
        &self.pin
    }

    /// Tries left before the PIN locks.
    pub fn tries_left(&self) -> u8 {
        self.tries_left
    }

    /// Serial of the certificate, big-endian, for a revocation list.
    pub fn serial(&self) -> Result<Vec<u8>> {
        let (_, certificate) = X509Certificate::from_der(&self.certificate).map_err(|_| Error::Content)?;
        Ok(certificate.tbs_certificate.raw_serial().to_vec())
    }

    /// What the directory calls this card.
    pub fn credential_digest(&self, ca_key_id: &[u8; 32]) -> Result<CredentialDigest> {
        Ok(CredentialDigest::new(ca_key_id, &self.serial()?))
    }

    /// Verifies the PIN and signs a text whatever it says. A real terminal does more:
    /// [`terminal::present`].
    pub fn sign(&mut self, text: &[u8], pin: &str) -> std::result::Result<Vec<u8>, CardRefusal> {
        self.verify_pin(pin.as_bytes())?;
        let digest = match self.kind() {
            CardKind::Rsa2048 => digest_info::sha256(&Sha256::digest(text).into()),
            CardKind::P384 => Sha384::digest(text).to_vec(),
        };
        self.key.sign(&digest).map_err(|_| CardRefusal::Failed)
    }

    fn verify_pin(&mut self, pin: &[u8]) -> std::result::Result<(), CardRefusal> {
        if self.tries_left == 0 {
            return Err(CardRefusal::Locked);
        }
        if pin == self.pin.as_bytes() {
            self.tries_left = TRIES;
            return Ok(());
        }
        self.tries_left -= 1;
        Err(CardRefusal::WrongPin { tries_left: self.tries_left })
    }
}

impl Generation {
    /// The kind of card this CA issues.
    pub fn card_kind(self) -> CardKind {
        match self {
            Self::Rsa1 | Self::Rsa2 => CardKind::Rsa2048,
            Self::P384 => CardKind::P384,
        }
    }
}
