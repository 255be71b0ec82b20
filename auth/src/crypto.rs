//! The few primitives, each called in one way only. Lengths are types here, so that "cannot fail" is decided once.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _};
use aes_siv::siv::Aes128Siv;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A key that is wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// What a sealed text adds: a 12-byte nonce before and a 16-byte tag behind.
pub(crate) const SEAL_OVERHEAD: usize = 28;

/// The text was not sealed by this key for this purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
pub(crate) fn hmac_sha256(key: &Key, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("any key length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HKDF-SHA-256 (RFC 5869), one block of output.
#[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes; we take 32")]
pub(crate) fn derive(master: &Key, label: &[&[u8]]) -> Key {
    let mut out = Key::new([0; 32]);
    Hkdf::<Sha256>::new(Some(b"pmh.keys.v1"), master.as_slice())
        .expand_multi_info(label, out.as_mut_slice())
        .expect("one block");
    out
}

/// AES-SIV-CMAC-256 (RFC 5297): deterministic, 16 bytes longer than the text.
#[expect(clippy::expect_used, reason = "AES-SIV refuses more than 126 headers; callers give two or three")]
pub(crate) fn siv_seal(key: &Key, headers: &[&[u8]], plain: &[u8]) -> Vec<u8> {
    siv(key).encrypt(headers, plain).expect("few headers")
}

/// Opens what [`siv_seal`] made under the same headers.
pub(crate) fn siv_open(key: &Key, headers: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
    siv(key).decrypt(headers, sealed).map_err(|_| NotAuthentic)
}

/// AES-256-GCM-SIV (RFC 8452): nonce, then the text and its tag.
#[expect(clippy::expect_used, reason = "AES-GCM-SIV refuses texts over 64 GiB; ours are under 2 KiB")]
pub(crate) fn gcm_siv_seal(key: &Key, nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let sealed = Aes256GcmSiv::new(key.as_slice().try_into().expect("32 bytes"))
        .encrypt(&nonce.into(), Payload { msg: plain, aad })
        .expect("a short text");
    [&nonce[..], &sealed].concat()
}

/// Opens what [`gcm_siv_seal`] made with the same `aad`.
pub(crate) fn gcm_siv_open(key: &Key, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
    let (nonce, text) = sealed.split_first_chunk::<12>().ok_or(NotAuthentic)?;
    let key = key.as_slice().try_into().map_err(|_| NotAuthentic)?;
    Aes256GcmSiv::new(key).decrypt(&(*nonce).into(), Payload { msg: text, aad }).map_err(|_| NotAuthentic)
}

#[expect(clippy::expect_used, reason = "the key type has 32 bytes, two AES-128 keys")]
fn siv(key: &Key) -> Aes128Siv {
    aes_siv::KeyInit::new(key.as_slice().try_into().expect("32 bytes"))
}
