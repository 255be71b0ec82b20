//! One signature rule for everybody: the strict one, over all known edge cases.

use pmh_audit::VerifierKey;
use serde::Deserialize;

use crate::support::{json, path, unhex};

#[derive(Deserialize)]
struct EdgeCase {
    number: u32,
    key: String,
    sig: String,
    msg: String,
    flags: Option<Vec<String>>,
}

/// What the strict rule refuses; a component of low order alone is harmless.
const REFUSED: [&str; 5] =
    ["low_order_A", "low_order_R", "low_order_residue", "non_canonical_A", "non_canonical_R"];

#[test]
fn cctv_edge_cases_follow_the_strict_rule() {
    let cases: Vec<EdgeCase> = json(&path("vectors/cctv-ed25519/ed25519vectors.json"));
    assert_eq!(cases.len(), 914);
    let mut accepted = 0;
    for case in cases {
        let flags = case.flags.unwrap_or_default();
        let strict = !flags.iter().any(|flag| REFUSED.contains(&flag.as_str()));
        assert_eq!(
            accepts(&case.key, case.msg.as_bytes(), &case.sig),
            strict,
            "case {} {flags:?}",
            case.number
        );
        accepted += u32::from(strict);
    }
    assert_eq!(accepted, 43);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wycheproof {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key: PublicKey,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct PublicKey {
    pk: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: u32,
    msg: String,
    sig: String,
    result: String,
}

#[test]
fn wycheproof_cases_are_judged_as_published() {
    let suite: Wycheproof = json(&path("vectors/wycheproof-ed25519/ed25519_test.json"));
    let mut seen = 0;
    for group in &suite.test_groups {
        for test in &group.tests {
            let valid = accepts(&group.public_key.pk, &unhex(&test.msg), &test.sig);
            assert_eq!(valid, test.result == "valid", "test {}", test.tc_id);
            seen += 1;
        }
    }
    assert_eq!((seen, suite.number_of_tests), (151, 151));
}

fn accepts(key: &str, message: &[u8], signature: &str) -> bool {
    let key = VerifierKey::new("vector", &unhex(key).try_into().unwrap());
    key.is_ok_and(|key| key.verifies(message, &unhex(signature)))
}
