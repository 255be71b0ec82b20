//! Bodies of the log's parts at rest: AES-256-GCM-SIV under the person's key,
//! which is itself wrapped. Destroying the wrapped key erases every copy.

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Fault;

/// Keys that a log's database needs, derived by the program from its master key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StoreKeys {
    /// Wraps persons' keys and seals what belongs to no person.
    pub wrapping: [u8; 32],
    /// Makes subject tags from references.
    pub index: [u8; 32],
}

impl std::fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKeys(..)")
    }
}

impl StoreKeys {
    /// Tag under which a person's entries are found: useless without the index key.
    pub(crate) fn subject_tag(&self, reference: &[u8; 32]) -> [u8; 32] {
        // HMAC takes a key of any length, so the constructor cannot refuse this one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.index) else { return [0; 32] };
        mac.update(reference);
        mac.finalize().into_bytes().into()
    }
}

/// A key that seals bodies: a person's, or the log's own.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SealingKey {
    /// Stored beside what it sealed; zeros: the log's own key.
    pub(crate) id: [u8; 16],
    key: [u8; 32],
}

impl SealingKey {
    pub(crate) fn of_log(keys: &StoreKeys) -> Self {
        Self { id: [0; 16], key: keys.wrapping }
    }

    pub(crate) fn new(id: [u8; 16], key: [u8; 32]) -> Self {
        Self { id, key }
    }

    pub(crate) fn wrap(&self, keys: &StoreKeys) -> Result<Vec<u8>, Fault> {
        seal(&keys.wrapping, &nonce(&self.id, 0), &self.id, &self.key)
    }

    pub(crate) fn unwrap(keys: &StoreKeys, id: [u8; 16], wrapped: &[u8]) -> Result<Self, Fault> {
        let key = open(&keys.wrapping, &nonce(&id, 0), &id, wrapped)?;
        Ok(Self { id, key: key.try_into().map_err(|_| Fault::Seal)? })
    }

    /// Seals one part of one entry. (key, index, part) never repeats, and
    /// GCM-SIV forgives if it ever did.
    pub(crate) fn seal_part(&self, index: u64, part: u8, body: &[u8]) -> Result<Vec<u8>, Fault> {
        seal(&self.key, &nonce(&index.to_be_bytes(), part), &[part], body)
    }

    pub(crate) fn open_part(&self, index: u64, part: u8, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        open(&self.key, &nonce(&index.to_be_bytes(), part), &[part], sealed)
    }

    /// Seals a stored answer; the place it is stored at is bound to it.
    pub(crate) fn seal_at(&self, place: &[u8], body: &[u8]) -> Result<Vec<u8>, Fault> {
        seal(&self.key, &place_nonce(place), place, body)
    }

    pub(crate) fn open_at(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        open(&self.key, &place_nonce(place), place, sealed)
    }
}

fn nonce(prefix: &[u8], part: u8) -> [u8; 12] {
    let mut nonce = [0; 12];
    for (to, from) in nonce.iter_mut().zip(prefix.iter().take(11)) {
        *to = *from;
    }
    if let Some(last) = nonce.last_mut() {
        *last = part;
    }
    nonce
}

fn place_nonce(place: &[u8]) -> [u8; 12] {
    let digest: [u8; 32] = <Sha256 as sha2::Digest>::digest(place).into();
    nonce(&digest, 0xff)
}

fn seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], msg: &[u8]) -> Result<Vec<u8>, Fault> {
    Aes256GcmSiv::new(key.into()).encrypt(&Nonce::from(*nonce), Payload { msg, aad }).map_err(|_| Fault::Seal)
}

fn open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], msg: &[u8]) -> Result<Vec<u8>, Fault> {
    Aes256GcmSiv::new(key.into()).decrypt(&Nonce::from(*nonce), Payload { msg, aad }).map_err(|_| Fault::Seal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: StoreKeys = StoreKeys { wrapping: [1; 32], index: [2; 32] };

    #[test]
    fn a_part_opens_at_its_own_place_only() {
        let key = SealingKey::new([3; 16], [4; 32]);
        let sealed = key.seal_part(7, 1, b"body").unwrap();
        assert_eq!(key.open_part(7, 1, &sealed).unwrap(), b"body");
        assert!(key.open_part(8, 1, &sealed).is_err());
        assert!(key.open_part(7, 2, &sealed).is_err());
        assert!(SealingKey::new([3; 16], [5; 32]).open_part(7, 1, &sealed).is_err());
        let answer = key.seal_at(b"here", b"answer").unwrap();
        assert_eq!(key.open_at(b"here", &answer).unwrap(), b"answer");
        assert!(key.open_at(b"there", &answer).is_err());
    }

    #[test]
    fn a_wrapped_key_opens_under_its_own_id_only() {
        let key = SealingKey::new([3; 16], [4; 32]);
        let wrapped = key.wrap(&KEYS).unwrap();
        let opened = SealingKey::unwrap(&KEYS, [3; 16], &wrapped).unwrap();
        assert_eq!(opened.key, [4; 32]);
        assert!(SealingKey::unwrap(&KEYS, [9; 16], &wrapped).is_err());
        let other = StoreKeys { wrapping: [9; 32], index: [2; 32] };
        assert!(SealingKey::unwrap(&other, [3; 16], &wrapped).is_err());
    }

    #[test]
    fn a_tag_needs_the_index_key() {
        let other = StoreKeys { wrapping: [1; 32], index: [9; 32] };
        assert_ne!(KEYS.subject_tag(&[5; 32]), other.subject_tag(&[5; 32]));
        assert_ne!(KEYS.subject_tag(&[5; 32]), KEYS.subject_tag(&[6; 32]));
        assert_eq!(format!("{KEYS:?}"), "StoreKeys(..)");
    }
}
