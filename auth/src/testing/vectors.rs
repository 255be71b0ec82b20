//! Published vectors under `tests/vectors`; see the README there.

use serde_json::Value;

pub(crate) const AES_SIV: &str = "aead_aes_siv_cmac_test.json";
pub(crate) const AES_GCM_SIV: &str = "aes_gcm_siv_test.json";
pub(crate) const JWS: &str = "json_web_signature_test.json";
pub(crate) const JWK: &str = "json_web_key_test.json";
pub(crate) const P256_P1363: &str = "ecdsa_secp256r1_sha256_p1363_test.json";
pub(crate) const P384: &str = "ecdsa_secp384r1_sha384_test.json";
pub(crate) const RSA_2048: &str = "rsa_signature_2048_sha256_test.json";
pub(crate) const RFC_8705: &str = "rfc8705-appendix-a.json";
pub(crate) const LIMBO: &str = "limbo-client.json";
pub(crate) const LIMBO_CLASSES: &str = "limbo-classes.json";

pub(crate) fn read(file: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
    serde_json::from_slice(&std::fs::read(format!("{path}{file}")).unwrap()).unwrap()
}

/// Every test of a Wycheproof file, each with its group.
pub(crate) fn wycheproof(file: &str) -> Vec<(Value, Value)> {
    let mut document = read(file);
    let Value::Array(groups) = document["testGroups"].take() else { panic!("no groups") };
    groups
        .into_iter()
        .flat_map(|mut group| {
            let Value::Array(tests) = group["tests"].take() else { panic!("no tests") };
            tests.into_iter().map(move |test| (group.clone(), test))
        })
        .collect()
}

/// The bytes behind a hexadecimal text.
pub(crate) fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap().as_bytes();
    hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
