//! Compact JWS with ES256 (RFC 7515 §3.1, RFC 7518 §3.4), the one form both signers here use.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::Result;

/// Base64url without padding.
pub(crate) fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs `claims` under the PKCS#8 P-256 key `pkcs8` with a header of `alg` and `typ` alone.
pub(crate) fn sign_es256(pkcs8: &[u8], typ: &str, claims: &impl Serialize) -> Result<String> {
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)?;
    let header = serde_json::json!({ "alg": "ES256", "typ": typ });
    let mut token = b64(&serde_json::to_vec(&header)?);
    token.push('.');
    token.push_str(&b64(&serde_json::to_vec(claims)?));
    let signature = key.sign(&SystemRandom::new(), token.as_bytes())?;
    token.push('.');
    token.push_str(&b64(signature.as_ref()));
    Ok(token)
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    /// Verifies a token under an uncompressed point and returns header and claims.
    pub(crate) fn open(token: &str, point: &[u8]) -> (serde_json::Value, serde_json::Value) {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (json(header), json(claims))
    }
}
