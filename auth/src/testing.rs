//! What the tests of several modules share: published vectors, throwaway certificates, an independent JWS signer.

pub(crate) mod cards;
pub(crate) mod pki;
pub(crate) mod tokens;
pub(crate) mod vectors;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::Value;

/// The tests' present.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn b64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Counts up; different on every call, the same on every run.
pub(crate) fn counting() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u8;
    move |out: &mut [u8]| {
        for byte in out {
            next = next.wrapping_mul(5).wrapping_add(17);
            *byte = next;
        }
    }
}

/// Whether the tests run at full size.
pub(crate) fn scaled(small: u32, full: u32) -> u32 {
    if std::env::var("PMH_TEST_SCALE").as_deref() == Ok("full") { full } else { small }
}

/// Writes any header and any claims, unlike the product's signer.
pub(crate) struct Signer {
    key: KeyPair,
}

impl Signer {
    pub(crate) fn generate() -> Self {
        Self { key: KeyPair::generate().unwrap() }
    }

    pub(crate) fn with(key: KeyPair) -> Self {
        Self { key }
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        self.key.serialized_der()
    }

    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    pub(crate) fn jws(&self, header: &Value, claims: &Value) -> String {
        self.jws_of_bytes(&serde_json::to_vec(header).unwrap(), &serde_json::to_vec(claims).unwrap())
    }

    pub(crate) fn jws_of_bytes(&self, header: &[u8], claims: &[u8]) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, self.pkcs8()).unwrap();
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", b64(signature.as_ref()))
    }
}
