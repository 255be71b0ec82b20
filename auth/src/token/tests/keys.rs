//! Key sets, signers and their names.

use super::*;

#[test]
fn r_key_01_a_token_of_the_next_key_verifies_once_the_set_holds_it() {
    let next = Signer::generate();
    let next = TokenSigner::from_pkcs8_der(ISSUER, next.pkcs8()).unwrap();
    let token =
        next.issue(&request(), &ISSUING.keys.encrypted_subjects(), NOW, &mut counting()).unwrap().token;
    assert_eq!(verify(&token).map(|_| ()), Err(TokenError::Signature));
    let both = ISSUING.product.key_set().clone().with(next.key_set().clone());
    let both = KeySet::from_jwks(both.to_jwks().as_bytes()).unwrap();
    assert_eq!(both.kids().count(), 2);
    let verifier = TokenVerifier::new(ISSUER, both);
    assert!(verifier.verify(&token, &SAMPLE_IDENTITY, NOW).is_ok());
    assert!(verifier.verify(&issue(&request()).token, &SAMPLE_IDENTITY, NOW).is_ok());
}

#[test]
fn r_key_04_invalid_key_sets_are_refused_at_load() {
    let mut seen = 0;
    for (group, test) in vectors::wycheproof(vectors::JWK) {
        if test["result"] != "invalid" || group["public"].is_null() {
            continue;
        }
        // Two of the groups are fine sets with one damaged signature.
        assert!(KeySet::from_jwks(group["public"].to_string().as_bytes()).is_err(), "{}", test["tcId"]);
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}

#[test]
fn r_key_04_each_change_to_a_good_set_is_found() {
    let good: Value = serde_json::from_str(&ISSUING.product.key_set().to_jwks()).unwrap();
    assert!(KeySet::from_jwks(good.to_string().as_bytes()).is_ok());
    let with = |name: &str, value: Value| {
        let mut set = good.clone();
        set["keys"][0][name] = value;
        KeySet::from_jwks(set.to_string().as_bytes()).map(|_| ()).unwrap_err()
    };
    for (name, value) in [("alg", "ES384"), ("crv", "P-384"), ("kty", "RSA"), ("use", "enc")] {
        assert_eq!(with(name, value.into()), KeySetError::Form);
    }
    assert_eq!(with("key_ops", json!(["verify"])), KeySetError::Form);
    assert_eq!(with("kid", "first".into()), KeySetError::KeyId);
    assert_eq!(with("x", b64(&[1; 32]).into()), KeySetError::Point);
    assert_eq!(with("x", b64(&[0; 33]).into()), KeySetError::Point);
    let key = good["keys"][0].clone();
    let twice = json!({ "keys": [key, key] });
    assert_eq!(KeySet::from_jwks(twice.to_string().as_bytes()).map(|_| ()), Err(KeySetError::Duplicate));
    assert_eq!(KeySet::from_jwks(b"{\"keys\":[]}").map(|_| ()), Err(KeySetError::Empty));
}

#[test]
fn r_key_06_a_private_key_in_a_key_set_is_refused() {
    let mut set: Value = serde_json::from_str(&ISSUING.product.key_set().to_jwks()).unwrap();
    set["keys"][0]["d"] = b64(&[1; 32]).into();
    assert_eq!(KeySet::from_jwks(set.to_string().as_bytes()).map(|_| ()), Err(KeySetError::Form));
}

/// RFC 7638 §3.1 has no EC example; RFC 8037 has no P-256 one. Recomputed from the rule.
#[test]
fn the_kid_is_the_thumbprint_of_the_key() {
    let set: Value = serde_json::from_str(&ISSUING.product.key_set().to_jwks()).unwrap();
    let key = &set["keys"][0];
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, key["x"], key["y"]);
    assert_eq!(key["kid"], b64(&crate::crypto::sha256(&[text.as_bytes()])));
}

#[test]
fn a_key_of_another_kind_signs_nothing() {
    let p384 = crate::testing::cards::p384_key();
    assert_eq!(TokenSigner::from_pkcs8_der(ISSUER, p384.serialized_der()).map(|_| ()), Err(SignerError::Key));
    assert_eq!(TokenSigner::from_pkcs8_der(ISSUER, b"").map(|_| ()), Err(SignerError::Key));
    assert_eq!(TokenSigner::from_pkcs8_pem(ISSUER, "no key").map(|_| ()), Err(SignerError::Key));
    let key = rcgen::KeyPair::generate().unwrap();
    let signer = TokenSigner::from_pkcs8_pem(ISSUER, &key.serialize_pem()).unwrap();
    assert!(!format!("{signer:?}").contains("key:"));
}
