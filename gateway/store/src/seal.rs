//! Bodies of the log's parts at rest: AES-256-GCM-SIV under the person's key,
//! which is itself wrapped. Destroying the wrapped key erases every copy.

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use pmh_audit::{Opening, Salt};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

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

    /// Seals the openings of one entry together. (key, index) never repeats,
    /// and GCM-SIV forgives if it ever did.
    pub(crate) fn seal_parts(&self, index: u64, openings: &[Opening; 4]) -> Result<Vec<u8>, Fault> {
        let mut plain = Zeroizing::new(Vec::with_capacity(512));
        for opening in openings {
            plain.extend_from_slice(opening.salt.as_bytes());
            let length = u16::try_from(opening.body.len()).map_err(|_| Fault::Seal)?;
            plain.extend_from_slice(&length.to_be_bytes());
            plain.extend_from_slice(&opening.body);
        }
        seal(&self.key, &nonce(&index.to_be_bytes(), 1), PARTS, &plain)
    }

    /// The openings again, in their order.
    pub(crate) fn open_parts(&self, index: u64, sealed: &[u8]) -> Result<Vec<Opening>, Fault> {
        let plain = Zeroizing::new(open(&self.key, &nonce(&index.to_be_bytes(), 1), PARTS, sealed)?);
        let mut rest = plain.as_slice();
        let mut openings = Vec::with_capacity(4);
        while let Some((salt, after)) = rest.split_first_chunk::<32>() {
            let (length, after) = after.split_first_chunk::<2>().ok_or(Fault::Seal)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (body, after) = after.split_at_checked(length).ok_or(Fault::Seal)?;
            openings.push(Opening { salt: Salt::new(*salt), body: body.to_vec() });
            rest = after;
        }
        if rest.is_empty() && openings.len() == 4 { Ok(openings) } else { Err(Fault::Seal) }
    }

    /// Seals a stored answer; the place it is stored at is bound to it.
    pub(crate) fn seal_at(&self, place: &[u8], body: &[u8]) -> Result<Vec<u8>, Fault> {
        seal(&self.key, &place_nonce(place), place, body)
    }

    pub(crate) fn open_at(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        open(&self.key, &place_nonce(place), place, sealed)
    }
}

/// Binds what is sealed to what it is.
const PARTS: &[u8] = b"parts";

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
        let opening = |salt: u8, body: &[u8]| Opening { salt: Salt::new([salt; 32]), body: body.to_vec() };
        let openings = [opening(1, b"subject"), opening(2, b""), opening(3, b"actor"), opening(4, &[9; 700])];
        let sealed = key.seal_parts(7, &openings).unwrap();
        assert_eq!(key.open_parts(7, &sealed).unwrap(), openings);
        assert!(key.open_parts(8, &sealed).is_err());
        assert!(key.open_at(b"elsewhere", &sealed).is_err());
        assert!(SealingKey::new([3; 16], [5; 32]).open_parts(7, &sealed).is_err());
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
