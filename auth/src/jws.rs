//! Compact JWS with ES256, the only form we read: RFC 7515 through the library, narrowed to what we write ourselves.
//!
//! `jsonwebtoken` lets pass what an attacker may choose: any `typ`, unknown `crit`, keys and URLs in the header. The
//! header is therefore read here first, into a structure that has room for nothing else (RFC 8725 §3.1, §3.11).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// Why a text is not an acceptable JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JwsError {
    TooLarge,
    Header,
    UnknownKey,
    Signature,
    Claims,
}

/// A P-256 key that signatures are verified with; the point is known to lie on the curve.
#[derive(Clone)]
pub(crate) struct Es256Key(DecodingKey);

/// The bytes are not a point of P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAPoint;

impl Es256Key {
    /// Takes an uncompressed point: 0x04, x, y.
    pub(crate) fn from_point(point: &[u8]) -> Result<Self, NotAPoint> {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
        let [4, coordinates @ ..] = point else { return Err(NotAPoint) };
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| NotAPoint)?;
        let (x, y) = coordinates.split_at_checked(32).filter(|(_, y)| y.len() == 32).ok_or(NotAPoint)?;
        let key = DecodingKey::from_ec_components(&BASE64.encode(x), &BASE64.encode(y));
        key.map(Self).map_err(|_| NotAPoint)
    }
}

/// Verifies a JWS of type `typ` and reads its claims. `key_for` gets the `kid`, if the header has one.
pub(crate) fn open<'k, C: DeserializeOwned>(
    jws: &str,
    typ: &str,
    longest: usize,
    key_for: impl FnOnce(Option<&str>) -> Option<&'k Es256Key>,
) -> Result<C, JwsError> {
    if jws.len() > longest {
        return Err(JwsError::TooLarge);
    }
    let header = header(jws)?;
    if header.typ.as_deref() != Some(typ) || header.alg != "ES256" {
        return Err(JwsError::Header);
    }
    let Es256Key(key) = key_for(header.kid.as_deref()).ok_or(JwsError::UnknownKey)?;
    let read =
        jsonwebtoken::decode::<C>(jws, key, &signature_only()).map_err(|error| match error.kind() {
            ErrorKind::Json(_) => JwsError::Claims,
            _ => JwsError::Signature,
        })?;
    Ok(read.claims)
}

/// For optional members: present means present, `null` is refused.
pub(crate) fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "some")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "some")]
    kid: Option<String>,
}

fn header(jws: &str) -> Result<Header, JwsError> {
    let mut parts = jws.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwsError::Header);
    };
    let json = BASE64.decode(header).map_err(|_| JwsError::Header)?;
    serde_json::from_slice(&json).map_err(|_| JwsError::Header)
}

/// The library reads the system's clock and takes claims of several types; times and claims are ours to check.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{b64, vectors};
    use crate::token::KeySet;

    fn accepts(jws: &str, key: &Es256Key) -> bool {
        let Ok(header) = header(jws) else { return false };
        let (message, signature) = jws.rsplit_once('.').unwrap();
        header.alg == "ES256"
            && header.kid.as_deref() == Some("kid-ec-sign")
            && jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.0, Algorithm::ES256)
                .is_ok_and(|ok| ok)
    }

    /// The vectors' payloads are no claims and their headers have no type, so the steps are taken one by one.
    #[test]
    fn r_tok_11_wycheproof_es256() {
        let (mut valid, mut invalid) = (0, 0);
        for (group, test) in vectors::wycheproof(vectors::JWS) {
            if group["public"]["alg"] != "ES256" {
                continue;
            }
            let [x, y] =
                ["x", "y"].map(|name| BASE64.decode(group["public"][name].as_str().unwrap()).unwrap());
            let key = Es256Key::from_point(&[&[4], &x[..], &y].concat()).unwrap();
            let expected = test["result"] == "valid";
            assert_eq!(accepts(test["jws"].as_str().unwrap(), &key), expected, "{}", test["tcId"]);
            if expected { valid += 1 } else { invalid += 1 }
        }
        assert_eq!((valid, invalid), (2, 37));
    }

    #[test]
    fn r_tok_12_wycheproof_other_algorithms() {
        let mut refused = 0;
        for (group, test) in vectors::wycheproof(vectors::JWS) {
            let Some(jws) = test["jws"].as_str().filter(|_| group["public"]["alg"] != "ES256") else {
                continue;
            };
            let by_header = header(jws).map_or(true, |header| header.alg != "ES256");
            let key = serde_json::json!({ "keys": [group["public"]] });
            let by_key = KeySet::from_jwks(key.to_string().as_bytes()).is_err();
            assert!(by_header || by_key, "{}", test["tcId"]);
            refused += 1;
        }
        assert!(refused > 300, "{refused}");
    }

    /// The primitive under every token: P-256, SHA-256, r and s of 32 bytes each.
    #[test]
    fn wycheproof_p256_fixed() {
        let mut run = 0;
        for (group, test) in vectors::wycheproof(vectors::P256_P1363) {
            let key = Es256Key::from_point(&vectors::bytes(&group["publicKey"]["uncompressed"])).unwrap();
            let (message, signature) = (vectors::bytes(&test["msg"]), b64(&vectors::bytes(&test["sig"])));
            let verifies = jsonwebtoken::crypto::verify(&signature, &message, &key.0, Algorithm::ES256);
            assert_eq!(verifies.is_ok_and(|ok| ok), test["result"] == "valid", "{}", test["tcId"]);
            run += 1;
        }
        assert!(run > 200, "{run}");
    }

    #[test]
    fn a_point_off_the_curve_is_no_key() {
        assert!(Es256Key::from_point(&[4; 65]).is_err());
        assert!(Es256Key::from_point(&[]).is_err());
        assert!(Es256Key::from_point(&[0]).is_err());
    }
}
