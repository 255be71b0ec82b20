use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::keys::KeyRing;
use crate::testing::vectors;

const CLINIC_A: &str = "urn:x-pmh:org:clinic:1311234567";
const CLINIC_B: &str = "urn:x-pmh:org:clinic:1319999999";

fn ring(epoch: u16) -> KeyRing {
    KeyRing::from_master(Zeroizing::new([7; 32]), epoch)
}

#[test]
fn r_pws_01_ids_are_stable_across_processes_and_releases() {
    let person = [0x42; 16];
    assert_eq!(ring(1).pairwise().sub(&person, CLINIC_A), GOLDEN_SUB);
    let reference = ring(1).subject_refs().subject_ref(&person);
    assert_eq!(BASE64.encode(reference), GOLDEN_SUBJECT_REF);
    assert_eq!(BASE64.encode(ring(1).credential_hashes().credential_hash(&[1; 32])), GOLDEN_CREDENTIAL);
}

#[test]
fn r_pws_02_another_clinics_id_does_not_open() {
    let pairwise = ring(1).pairwise();
    let sub = pairwise.sub(&[1; 16], CLINIC_A);
    assert_eq!(pairwise.open(&sub, CLINIC_A), Ok([1; 16]));
    assert_eq!(pairwise.open(&sub, CLINIC_B), Err(NotOurSubject));
}

#[test]
fn r_pws_04_two_organizations_share_no_ids() {
    let pairwise = ring(1).pairwise();
    let count = if std::env::var("PMH_TEST_SCALE").as_deref() == Ok("full") { 100_000_u128 } else { 500 };
    let mut seen = std::collections::HashSet::new();
    let mut agreeing_bits = 0_u64;
    for number in 0..count {
        let person = number.to_be_bytes();
        let [a, b] = [CLINIC_A, CLINIC_B].map(|sector| pairwise.sub(&person, sector));
        let [x, y] = [&a, &b].map(|sub| BASE64.decode(sub.split_once('_').unwrap().1).unwrap());
        agreeing_bits += x.iter().zip(&y).map(|(x, y)| u64::from((x ^ y).count_zeros())).sum::<u64>();
        assert!(seen.insert(a) && seen.insert(b));
    }
    // Half of the bits agree by chance. Five standard deviations of n fair coins are 2.5·√n.
    let bits = u64::try_from(count).unwrap() * 256;
    assert!(agreeing_bits.abs_diff(bits / 2).pow(2) < 25 * bits / 4);
}

#[test]
fn r_pws_05_wycheproof_aes_siv() {
    let mut run = 0;
    for (group, test) in vectors::wycheproof(vectors::AES_SIV) {
        if group["keySize"] != 256 {
            continue;
        }
        let key = Key::new(vectors::bytes(&test["key"]).try_into().unwrap());
        let (iv, aad) = (vectors::bytes(&test["iv"]), vectors::bytes(&test["aad"]));
        let message = vectors::bytes(&test["msg"]);
        let sealed = [vectors::bytes(&test["tag"]), vectors::bytes(&test["ct"])].concat();
        // RFC 5297 §3: as an AEAD, the nonce is the last header.
        let opened = crypto::siv_open(&key, &[&aad, &iv], &sealed);
        if test["result"] == "valid" {
            assert_eq!(opened.as_ref(), Ok(&message), "{}", test["tcId"]);
            assert_eq!(crypto::siv_seal(&key, &[&aad, &iv], &message), sealed, "{}", test["tcId"]);
        } else {
            assert!(opened.is_err(), "{}", test["tcId"]);
        }
        run += 1;
    }
    assert_eq!(run, 300);
}

#[test]
fn wycheproof_aes_gcm_siv() {
    let mut run = 0;
    for (group, test) in vectors::wycheproof(vectors::AES_GCM_SIV) {
        if group["keySize"] != 256 {
            continue;
        }
        let key = Key::new(vectors::bytes(&test["key"]).try_into().unwrap());
        let iv: [u8; 12] = vectors::bytes(&test["iv"]).try_into().unwrap();
        let (aad, message) = (vectors::bytes(&test["aad"]), vectors::bytes(&test["msg"]));
        let sealed = [&iv[..], &vectors::bytes(&test["ct"]), &vectors::bytes(&test["tag"])].concat();
        let opened = crypto::gcm_siv_open(&key, &aad, &sealed);
        if test["result"] == "valid" {
            assert_eq!(opened.as_ref(), Ok(&message), "{}", test["tcId"]);
            assert_eq!(crypto::gcm_siv_seal(&key, iv, &aad, &message), sealed, "{}", test["tcId"]);
        } else {
            assert!(opened.is_err(), "{}", test["tcId"]);
        }
        run += 1;
    }
    assert_eq!(run, 103);
}

#[test]
fn r_pws_06_old_ids_open_after_an_epoch_change() {
    let old = ring(1).pairwise().sub(&[9; 16], CLINIC_A);
    let pairwise = ring(2).pairwise();
    let new = pairwise.sub(&[9; 16], CLINIC_A);
    assert!(new.starts_with("p2_") && old.starts_with("p1_"));
    assert_eq!(pairwise.open(&old, CLINIC_A), pairwise.open(&new, CLINIC_A));
    assert_eq!(ring(1).pairwise().open(&new, CLINIC_A), Err(NotOurSubject));
    assert_eq!(pairwise.open(&new.replacen("p2_", "p1_", 1), CLINIC_A), Err(NotOurSubject));
}

#[test]
fn an_encrypted_subject_belongs_to_one_token_of_one_organization() {
    let keys = ring(1).encrypted_subjects();
    let esub = keys.seal(&[3; 32], "jti", CLINIC_A, [5; 12]);
    assert_eq!(esub.len(), 80);
    assert_eq!(keys.open(&esub, "jti", CLINIC_A), Ok([3; 32]));
    assert_eq!(keys.open(&esub, "other", CLINIC_A), Err(NotOurSubject));
    assert_eq!(keys.open(&esub, "jti", CLINIC_B), Err(NotOurSubject));
}

#[test]
fn the_store_id_is_not_the_pairwise_id_of_the_same_person() {
    let ring = ring(1);
    let reference = ring.subject_refs().subject_ref(&[1; 16]);
    assert_eq!(ring.subject_refs().open_subject_ref(&reference), Ok([1; 16]));
    let as_sub = format!("p1_{}", BASE64.encode(reference));
    assert_eq!(ring.pairwise().open(&as_sub, "gw-store"), Err(NotOurSubject));
}

proptest! {
    #[test]
    fn r_pws_03_a_bit_flipped_id_is_refused(person: [u8; 16], byte in 0_usize..32, bit in 0_u8..8) {
        let pairwise = ring(1).pairwise();
        let sub = pairwise.sub(&person, CLINIC_A);
        let mut sealed = BASE64.decode(&sub[3..]).unwrap();
        sealed[byte] ^= 1 << bit;
        let forged = format!("p1_{}", BASE64.encode(sealed));
        prop_assert_eq!(pairwise.open(&forged, CLINIC_A), Err(NotOurSubject));
    }

    #[test]
    fn r_pws_03_a_random_id_is_refused(text in "\\PC{0,60}", tail in "[A-Za-z0-9_-]{43}") {
        let pairwise = ring(1).pairwise();
        prop_assert_eq!(pairwise.open(&text, CLINIC_A), Err(NotOurSubject));
        prop_assert_eq!(pairwise.open(&format!("p1_{tail}"), CLINIC_A), Err(NotOurSubject));
    }
}

// Computed with pyca/cryptography (HKDF, AESSIV, HMAC) from the formulas in the module's documentation.
const GOLDEN_SUB: &str = "p1_AF47ilfKX6lCKfmt6euaT4DuQF0Wx1bA2cjf5NhyB1s";
const GOLDEN_SUBJECT_REF: &str = "LYFSko95xGL455rMFAPA7g5to8OkOydNo8La4O_zwzY";
const GOLDEN_CREDENTIAL: &str = "uXzATXBXOGJTWtHeZOAfXE452sxH31D08AJs8GL-uyQ";
