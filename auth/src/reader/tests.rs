use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::testing::pki::{self, CLINIC, INSTITUTION, leaf, policies};
use crate::testing::{NOW, Signer, b64, scaled};

const NONCE: [u8; 32] = [0xfb; 32];
const READER_POLICY: &str = "2.25.1.1";
const READER_POLICY_OCTETS: &[u8] = &[0x69, 1, 1];

struct Device {
    certificate: Vec<u8>,
    signer: Signer,
}

fn device(params: &CertificateParams) -> Device {
    let key = KeyPair::generate().unwrap();
    let certificate = INSTITUTION.issue(params, &key);
    Device { certificate, signer: Signer::with(key) }
}

fn reader_params() -> CertificateParams {
    let mut params = leaf(&["urn:x-pmh:reader:FR-TEST-01"]);
    params.extended_key_usages.clear();
    params.custom_extensions = vec![policies(READER_POLICY_OCTETS, false)];
    params
}

fn claims() -> Value {
    json!({ "nonce": b64(&NONCE), "used": "face", "reader": "FR-TEST-01", "iat": NOW })
}

fn trust() -> ReaderTrust {
    ReaderTrust::new([INSTITUTION.root.der().as_ref()], PolicyOid::parse(READER_POLICY).unwrap()).unwrap()
}

fn verify(device: &Device, header: &Value, claims: &Value) -> Result<ReaderStatement, ReaderError> {
    let jws = device.signer.jws(header, claims);
    let assertion = ReaderAssertion {
        jws: &jws,
        certificate: &device.certificate,
        intermediate: Some(INSTITUTION.issuing.der()),
    };
    trust().verify(&assertion, &NONCE, NOW)
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "pmh-reader+jwt" })
}

#[test]
fn a_registered_readers_statement_establishes_the_class() {
    let statement = verify(&device(&reader_params()), &header(), &claims()).unwrap();
    assert_eq!((statement.used(), statement.reader()), (UserVerification::Face, "FR-TEST-01"));
    assert_eq!(establish(UserVerification::Face, Some(&statement), None, NOW), Ok(Acr::Face));
    assert_eq!(establish(UserVerification::Visual, Some(&statement), None, NOW), Err(ReaderError::Mismatch));
}

#[test]
fn r_uv_01_face_and_visual_need_a_statement() {
    for used in [UserVerification::Face, UserVerification::Visual] {
        assert_eq!(establish(used, None, None, NOW), Err(ReaderError::Missing));
    }
    assert_eq!(establish(UserVerification::Pin, None, None, NOW), Ok(Acr::Pin));
    assert_eq!(establish(UserVerification::Device, None, None, NOW), Err(ReaderError::NotAccepted));
}

#[test]
fn r_uv_02_a_key_without_the_reader_policy_is_refused() {
    let mut without = reader_params();
    without.custom_extensions.clear();
    let mut another = reader_params();
    another.custom_extensions = vec![policies(&[0x2a, 3, 4], false)];
    let mut nameless = reader_params();
    nameless.subject_alt_names.clear();
    for params in [without, another, nameless, leaf(&[CLINIC])] {
        assert_eq!(verify(&device(&params), &header(), &claims()), Err(ReaderError::Certificate));
    }
}

#[test]
fn r_uv_02_a_certificate_of_another_authority_is_refused() {
    let stranger = pki::Institution::generate();
    let key = KeyPair::generate().unwrap();
    let certificate = stranger.issue(&reader_params(), &key);
    let device = Device { certificate, signer: Signer::with(key) };
    assert_eq!(verify(&device, &header(), &claims()), Err(ReaderError::Certificate));
}

#[test]
fn r_uv_03_a_statement_about_another_challenge_is_refused() {
    let device = device(&reader_params());
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        verify(&device, &header(), &claims)
    };
    assert_eq!(with("nonce", b64(&[0; 32]).into()), Err(ReaderError::Mismatch));
    assert_eq!(with("nonce", b64(&NONCE[..31]).into()), Err(ReaderError::Mismatch));
    assert_eq!(with("reader", "FR-TEST-02".into()), Err(ReaderError::Mismatch));
    assert_eq!(with("iat", (NOW - 121).into()), Err(ReaderError::Times));
    assert_eq!(with("iat", (NOW + 6).into()), Err(ReaderError::Times));
    assert_eq!(with("used", "palm".into()), Err(ReaderError::Statement));
    assert_eq!(with("staff", "s-1".into()), Err(ReaderError::Statement));
}

#[test]
fn a_statement_of_another_type_or_key_is_refused() {
    let device = device(&reader_params());
    for header in [
        json!({ "alg": "ES256", "typ": "at+jwt" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "none", "typ": "pmh-reader+jwt" }),
        json!({ "alg": "ES256", "typ": "pmh-reader+jwt", "kid": "x" }),
        json!({ "alg": "ES256", "typ": "pmh-reader+jwt", "x5c": [] }),
    ] {
        assert_eq!(verify(&device, &header, &claims()), Err(ReaderError::Statement), "{header}");
    }
    let forger = Device { certificate: device.certificate, signer: Signer::generate() };
    assert_eq!(verify(&forger, &header(), &claims()), Err(ReaderError::Statement));
}

#[test]
fn r_uv_04_a_tap_needs_a_full_presentation_within_a_day() {
    let tap = |last| establish(UserVerification::Tap, None, last, NOW);
    assert_eq!(tap(Some(NOW - 86_400)), Ok(Acr::Tap));
    for last in [None, Some(NOW - 86_401), Some(NOW + 1), Some(i64::MIN)] {
        assert_eq!(tap(last), Err(ReaderError::NotAccepted));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(scaled(200, 100_000)))]

    #[test]
    fn no_input_panics(jws in "\\PC{0,200}", certificate in proptest::collection::vec(any::<u8>(), 0..400)) {
        let sound = pki::SAMPLE_CLIENT.clone();
        for certificate in [&certificate, &sound] {
            let assertion = ReaderAssertion { jws: &jws, certificate, intermediate: None };
            prop_assert!(trust().verify(&assertion, &NONCE, NOW).is_err());
        }
    }
}
