//! One person, a different name before every organization.
//!
//! A pairwise id is the person's random number under AES-SIV with the organization as associated data. It needs no
//! table, opens only for the organization it was made for, and a forged one is refused before any database read. The
//! price: whoever holds the key and the ids can link them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use crate::crypto::{self, Key};

/// The number auth gives a person: 128 random bits that never leave auth.
pub type Person = [u8; 16];

/// The id under which the gateway's tables and log bodies know a person.
pub type SubjectRef = [u8; 32];

/// The id was not made by us for this sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subject does not belong to this organization")]
pub struct NotOurSubject;

impl NotOurSubject {
    /// The public reason.
    pub const fn reason(self) -> &'static str {
        "SUBJECT_MISMATCH"
    }
}

/// Makes and opens `sub`: `p<epoch>_` and 43 base64url characters.
///
/// The sector is the organization's URN and nothing else; a sector taken from an address would change ids silently
/// when the address changes.
pub struct Pairwise {
    /// Newest first.
    epochs: Vec<(u16, Key)>,
}

impl Pairwise {
    /// New ids use `current`; ids of every epoch from 1 up to it still open.
    pub(crate) fn new(current: u16, mut key_of: impl FnMut(u16) -> Key) -> Self {
        Self { epochs: (1..=current).rev().map(|epoch| (epoch, key_of(epoch))).collect() }
    }

    /// The person's id before `sector` in the newest epoch.
    pub fn sub(&self, person: &Person, sector: &str) -> String {
        let Some((epoch, key)) = self.epochs.first() else { return String::new() };
        let sealed = crypto::siv_seal(key, &[SUB_LABEL, sector.as_bytes()], person);
        format!("p{epoch}_{}", BASE64.encode(sealed))
    }

    /// The person behind an id that `sector` presents; any other sector's id is [`NotOurSubject`].
    pub fn open(&self, sub: &str, sector: &str) -> Result<Person, NotOurSubject> {
        let (epoch, text) = split_sub(sub).ok_or(NotOurSubject)?;
        let (_, key) = self.epochs.iter().find(|(known, _)| *known == epoch).ok_or(NotOurSubject)?;
        let sealed = BASE64.decode(text).map_err(|_| NotOurSubject)?;
        open_person(key, sector.as_bytes(), &sealed)
    }
}

/// Whether a text has the shape of a `sub`; says nothing about whose it is.
pub fn is_sub_shaped(sub: &str) -> bool {
    split_sub(sub).is_some()
}

/// Makes and opens the gateway's own key for a person.
///
/// Its key is not rotated with the pairwise epoch: records are never re-keyed.
pub struct SubjectRefs(Key);

impl SubjectRefs {
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// The store's id of this person: 32 bytes.
    pub fn subject_ref(&self, person: &Person) -> SubjectRef {
        let mut out = [0; 32];
        out.copy_from_slice(&crypto::siv_seal(&self.0, &[SUB_LABEL, STORE_SECTOR], person));
        out
    }

    /// The person behind a store id.
    pub fn open_subject_ref(&self, subject_ref: &SubjectRef) -> Result<Person, NotOurSubject> {
        open_person(&self.0, STORE_SECTOR, subject_ref)
    }
}

/// Carries the store id inside a token so that two tokens of one person have nothing in common.
pub struct EncryptedSubjects(Key);

impl EncryptedSubjects {
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// `esub`: 80 base64url characters over nonce, ciphertext and tag; bound to the token and its holder.
    pub fn seal(&self, subject_ref: &SubjectRef, jti: &str, client_id: &str, nonce: [u8; 12]) -> String {
        BASE64.encode(crypto::gcm_siv_seal(&self.0, nonce, &esub_data(jti, client_id), subject_ref))
    }

    /// The store id inside an `esub`; another token's or another organization's is [`NotOurSubject`].
    pub fn open(&self, esub: &str, jti: &str, client_id: &str) -> Result<SubjectRef, NotOurSubject> {
        let sealed = BASE64.decode(esub).map_err(|_| NotOurSubject)?;
        let plain = crypto::gcm_siv_open(&self.0, &esub_data(jti, client_id), &sealed);
        plain.ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NotOurSubject)
    }
}

/// Finds a credential again without keeping its serial number, which is protected by law (公的個人認証法 52条).
pub struct CredentialHashes(Key);

impl CredentialHashes {
    pub(crate) fn new(key: Key) -> Self {
        Self(key)
    }

    /// HMAC-SHA-256 of a [credential digest](crate::card::VerifiedCard::credential_digest).
    pub fn credential_hash(&self, credential_digest: &[u8; 32]) -> [u8; 32] {
        crypto::hmac_sha256(&self.0, credential_digest)
    }
}

fn open_person(key: &Key, sector: &[u8], sealed: &[u8]) -> Result<Person, NotOurSubject> {
    let plain = crypto::siv_open(key, &[SUB_LABEL, sector], sealed).map_err(|_| NotOurSubject)?;
    plain.try_into().map_err(|_| NotOurSubject)
}

fn split_sub(sub: &str) -> Option<(u16, &str)> {
    let (epoch, text) = sub.strip_prefix('p')?.split_once('_')?;
    let number: u16 = epoch.parse().ok()?;
    let canonical = number > 0 && number.to_string() == epoch;
    let alphabet = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (canonical && alphabet && text.len() == 43).then_some((number, text))
}

fn esub_data(jti: &str, client_id: &str) -> Vec<u8> {
    [jti.as_bytes(), client_id.as_bytes()].concat()
}

const SUB_LABEL: &[u8] = b"pmh-sub-v1";
const STORE_SECTOR: &[u8] = b"gw-store";

#[cfg(test)]
mod tests;
