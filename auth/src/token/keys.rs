//! The public keys that tokens are verified with.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use crate::crypto::sha256;
use crate::jws::Es256Key;

/// Keys by `kid`. During a rotation it holds the next and the previous key beside the current one.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: BTreeMap<String, (Es256Key, Jwk)>,
}

/// Why a key set is not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not a JWK set of P-256 signature keys, each with `kty`, `crv`, `x`, `y`, `alg`, `use` and `kid` and nothing
    /// more; a private member lands here too.
    #[error("the key set has members other than public ES256 signature keys")]
    Form,
    /// Not a point of the curve, or not canonical base64url.
    #[error("a key of the set is not a point of P-256")]
    Point,
    /// The `kid` is not the key's RFC 7638 thumbprint.
    #[error("a key of the set is not named by its thumbprint")]
    KeyId,
    /// One `kid` twice.
    #[error("the key set names a key twice")]
    Duplicate,
    /// No key at all.
    #[error("the key set is empty")]
    Empty,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517 §5).
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(json).map_err(|_| KeySetError::Form)?;
        let mut set = Self::default();
        for jwk in document.keys {
            set.insert(jwk)?;
        }
        if set.keys.is_empty() { Err(KeySetError::Empty) } else { Ok(set) }
    }

    /// The keys as a JWK set, for other verifiers.
    pub fn to_jwks(&self) -> String {
        let document = Document { keys: self.keys.values().map(|(_, jwk)| jwk.clone()).collect() };
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// Both sets together: current and next key.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }

    /// The same set without a key; for an emergency.
    #[must_use]
    pub fn without(mut self, kid: &str) -> Self {
        self.keys.remove(kid);
        self
    }

    /// The names of the keys.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// A set of one key: uncompressed point 0x04, x, y.
    pub(super) fn from_point(point: &[u8]) -> Result<Self, KeySetError> {
        let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(32)).ok_or(KeySetError::Point)?;
        let (x, y) = (BASE64.encode(x), BASE64.encode(y));
        let kid = thumbprint(&x, &y);
        let jwk = Jwk { kty: Ec, crv: P256, x, y, alg: Es256, r#use: Sig, kid };
        let mut set = Self::default();
        set.insert(jwk)?;
        Ok(set)
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Es256Key> {
        self.keys.get(kid).map(|(key, _)| key)
    }

    fn insert(&mut self, jwk: Jwk) -> Result<(), KeySetError> {
        let coordinate = |text: &str| BASE64.decode(text).ok().filter(|bytes| bytes.len() == 32);
        let (x, y) = coordinate(&jwk.x).zip(coordinate(&jwk.y)).ok_or(KeySetError::Point)?;
        let key = Es256Key::from_point(&[&[4], &x[..], &y].concat()).map_err(|_| KeySetError::Point)?;
        if jwk.kid != thumbprint(&jwk.x, &jwk.y) {
            return Err(KeySetError::KeyId);
        }
        match self.keys.insert(jwk.kid.clone(), (key, jwk)) {
            None => Ok(()),
            Some(_) => Err(KeySetError::Duplicate),
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kids()).finish()
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    keys: Vec<Jwk>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: Kty,
    crv: Crv,
    x: String,
    y: String,
    alg: Alg,
    r#use: Use,
    kid: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kty {
    #[serde(rename = "EC")]
    Ec,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Crv {
    #[serde(rename = "P-256")]
    P256,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Alg {
    #[serde(rename = "ES256")]
    Es256,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Use {
    #[serde(rename = "sig")]
    Sig,
}

use {Alg::Es256, Crv::P256, Kty::Ec, Use::Sig};

/// RFC 7638: SHA-256 over the required members in alphabetical order, without blanks.
fn thumbprint(x: &str, y: &str) -> String {
    BASE64.encode(sha256(&[
        br#"{"crv":"P-256","kty":"EC","x":""#,
        x.as_bytes(),
        br#"","y":""#,
        y.as_bytes(),
        br#""}"#,
    ]))
}
