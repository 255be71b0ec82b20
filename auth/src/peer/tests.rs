use std::time::Duration;

use proptest::prelude::*;
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair,
    KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256, RsaKeySize, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier as _;
use time::format_description::well_known::Rfc3339;

use super::*;
use crate::testing::pki::{self, CLINIC, INSTITUTION, OTHER_CLINIC, at, leaf};
use crate::testing::{NOW, b64, scaled, vectors};

const TERMINAL: &str = "urn:x-pmh:term:desk-1";

fn read(params: &CertificateParams) -> Result<ClientIdentity, PeerError> {
    read_with(params, &KeyPair::generate().unwrap())
}

fn read_with(params: &CertificateParams, key: &KeyPair) -> Result<ClientIdentity, PeerError> {
    ClientIdentity::from_certificate(&INSTITUTION.issue(params, key), NOW, &LeafProfile::default())
}

fn violates(change: impl FnOnce(&mut CertificateParams)) -> ProfileViolation {
    let mut params = leaf(&[CLINIC, TERMINAL]);
    change(&mut params);
    match read(&params) {
        Err(PeerError::Profile(violation)) => violation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_leaf_names_organization_and_terminal() {
    let der = pki::client(CLINIC, "desk-1");
    let identity = ClientIdentity::from_certificate(&der, NOW, &LeafProfile::default()).unwrap();
    assert_eq!(identity.organization().as_str(), CLINIC);
    assert_eq!(identity.terminal(), Some("desk-1"));
    assert_eq!(*identity.thumbprint(), thumbprint(&der));
    assert_eq!(identity.not_after(), NOW + 86_400);
    assert!(!format!("{identity:?}").contains("thumbprint"));
}

#[test]
fn a_terminal_is_optional_and_foreign_names_are_not_looked_at() {
    let mut params = leaf(&[CLINIC]);
    params.subject_alt_names.push(SanType::DnsName("clinic.example".try_into().unwrap()));
    assert_eq!(read(&params).unwrap().terminal(), None);
}

#[test]
fn r_tok_14_rfc_8705_appendix_a() {
    let vector = vectors::read(vectors::RFC_8705);
    let der = CertificateDer::from_pem_slice(vector["certificate_pem"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(b64(&thumbprint(&der)), vector["x5t#S256"].as_str().unwrap());
}

#[test]
fn r_tls_11_a_certificate_without_or_with_two_organizations_has_no_identity() {
    assert_eq!(read(&leaf(&[])), Err(PeerError::Missing));
    assert_eq!(read(&leaf(&[TERMINAL])), Err(PeerError::Missing));
    assert_eq!(read(&leaf(&["urn:x-pmh:org:bakery:1"])), Err(PeerError::Missing));
    assert_eq!(read(&leaf(&[CLINIC, OTHER_CLINIC])), Err(PeerError::Ambiguous));
    assert_eq!(read(&leaf(&[CLINIC, CLINIC])), Err(PeerError::Ambiguous));
    assert_eq!(read(&leaf(&[CLINIC, TERMINAL, "urn:x-pmh:term:desk-2"])), Err(PeerError::Ambiguous));
    assert_eq!(read(&leaf(&[CLINIC, "https://clinic.example"])), Err(PeerError::Ambiguous));
    assert_eq!(read(&leaf(&[CLINIC, "urn:x-pmh:term:a b"])), Err(PeerError::Ambiguous));
    assert_eq!(PeerError::Ambiguous.reason(), "ORG_IDENTITY_MISSING");
}

#[test]
fn r_tls_13_only_some_keys_are_taken() {
    let take = |algorithm: &'static SignatureAlgorithm| {
        read_with(&leaf(&[CLINIC]), &KeyPair::generate_for(algorithm).unwrap())
    };
    assert!(take(&PKCS_ECDSA_P384_SHA384).is_ok());
    assert!(take(&PKCS_ED25519).is_ok());
    assert_eq!(take(&PKCS_ECDSA_P521_SHA512), Err(PeerError::Profile(ProfileViolation::Key)));

    let rsa = |size| {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap();
        INSTITUTION.issue(&leaf(&[CLINIC]), &key)
    };
    let (small, large) = (rsa(RsaKeySize::_2048), rsa(RsaKeySize::_3072));
    let configured = LeafProfile { rsa: RsaKeys::From3072, ..LeafProfile::default() };
    assert_eq!(LeafProfile::default().check(&large), Err(ProfileViolation::Key));
    assert_eq!(configured.check(&large), Ok(()));
    assert_eq!(configured.check(&small), Err(ProfileViolation::Key));
}

#[test]
fn r_tls_14_a_server_certificate_is_no_client() {
    let eku = ProfileViolation::ExtendedKeyUsage;
    assert_eq!(violates(|p| p.extended_key_usages.clear()), eku);
    assert_eq!(violates(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]), eku);
    assert_eq!(violates(|p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth)), eku);
    assert_eq!(violates(|p| p.extended_key_usages.push(ExtendedKeyUsagePurpose::Any)), eku);
}

#[test]
fn each_rule_of_the_profile_refuses_by_itself() {
    use ProfileViolation as V;
    assert_eq!(violates(|p| p.key_usages.clear()), V::KeyUsage);
    assert_eq!(violates(|p| p.key_usages = vec![KeyUsagePurpose::KeyAgreement]), V::KeyUsage);
    assert_eq!(violates(|p| p.key_usages.push(KeyUsagePurpose::KeyCertSign)), V::KeyUsage);
    assert_eq!(violates(|p| p.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)), V::BasicConstraints);
    assert_eq!(violates(|p| p.not_after = p.not_before + time::Duration::days(399)), V::Validity);
    assert_eq!(violates(|p| p.serial_number = Some(SerialNumber::from_slice(&[1; 7]))), V::Serial);
    assert_eq!(violates(|p| p.serial_number = Some(SerialNumber::from_slice(&[1; 21]))), V::Serial);
    let twice = CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 2, 7, 0x80]);
    assert_eq!(violates(|p| p.custom_extensions.push(twice)), V::Malformed);
    // rcgen writes name constraints into CAs only.
    let constraint = pki::der(0x30, &pki::der(0xa0, &pki::der(0x30, &pki::der(0x82, b"example"))));
    let constraints = CustomExtension::from_oid_content(&[2, 5, 29, 30], constraint);
    assert_eq!(violates(|p| p.custom_extensions.push(constraints)), V::NameConstraints);
}

#[test]
fn the_validity_is_inclusive_at_both_ends() {
    let mut params = leaf(&[CLINIC]);
    (params.not_before, params.not_after) = (at(NOW), at(NOW + 10));
    let der = INSTITUTION.issue(&params, &KeyPair::generate().unwrap());
    let at = |now| ClientIdentity::from_certificate(&der, now, &LeafProfile::default()).map(|_| ());
    assert_eq!((at(NOW), at(NOW + 10)), (Ok(()), Ok(())));
    let outside = Err(PeerError::OutsideValidity);
    assert_eq!((at(NOW - 1), at(NOW + 11)), (outside, outside));
}

fn verify(leaf: Vec<u8>, chain: Vec<Vec<u8>>, root: &[u8]) -> Result<(), String> {
    let root = CertificateDer::from(root.to_vec());
    let verifier = OrganizationVerifier::new([root], LeafProfile::default()).unwrap();
    let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW.unsigned_abs()));
    verifier.verify_client_cert(&leaf.into(), &chain, now).map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn the_handshake_takes_a_sound_chain_and_no_other() {
    let (root, issuing) = (INSTITUTION.root.der().to_vec(), INSTITUTION.issuing.der().to_vec());
    let leaf = pki::client(CLINIC, "desk-1");
    assert_eq!(verify(leaf.clone(), vec![issuing.clone()], &root), Ok(()));
    assert!(verify(leaf.clone(), vec![], &root).is_err());
    assert!(verify(leaf.clone(), vec![issuing.clone(), root.clone()], &root).is_err());
    let stranger = pki::Institution::generate();
    assert!(verify(leaf.clone(), vec![issuing.clone()], stranger.root.der()).is_err());
    assert!(verify(leaf, vec![stranger.issuing.der().to_vec()], &root).is_err());
}

#[test]
fn a_leaf_without_a_name_passes_the_handshake_and_gets_no_identity() {
    let issuing = INSTITUTION.issuing.der().to_vec();
    let nameless = INSTITUTION.issue(&leaf(&[]), &KeyPair::generate().unwrap());
    assert_eq!(verify(nameless.clone(), vec![issuing], INSTITUTION.root.der()), Ok(()));
    let identity = ClientIdentity::from_certificate(&nameless, NOW, &LeafProfile::default());
    assert_eq!(identity, Err(PeerError::Missing));
}

/// webpki accepts this chain: it does not look at `keyCertSign` of an intermediate.
#[test]
fn r_tls_10_an_intermediate_that_may_not_sign_is_refused() {
    let mut params = pki::ca("TEST careless CA", 0);
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let careless =
        pki::Authority::signed_by(params, KeyPair::generate().unwrap(), &INSTITUTION.root).unwrap();
    let leaf = leaf(&[CLINIC]).signed_by(&KeyPair::generate().unwrap(), &careless).unwrap();
    assert_eq!(check_intermediate(careless.der()), Err(ProfileViolation::KeyUsage));
    assert!(verify(leaf.der().to_vec(), vec![careless.der().to_vec()], INSTITUTION.root.der()).is_err());
    assert_eq!(check_intermediate(leaf.der()), Err(ProfileViolation::BasicConstraints));
}

#[test]
fn name_constraints_of_a_ca_do_not_disturb_its_check() {
    let mut params = pki::ca("TEST constrained CA", 0);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example".to_owned())],
        excluded_subtrees: vec![],
    });
    let constrained =
        pki::Authority::signed_by(params, KeyPair::generate().unwrap(), &INSTITUTION.root).unwrap();
    assert_eq!(check_intermediate(constrained.der()), Ok(()));
}

/// Each case goes the whole way a handshake goes: chain and profile, then the name.
#[test]
fn r_tls_08_09_limbo() {
    let (classes, document) = (vectors::read(vectors::LIMBO_CLASSES), vectors::read(vectors::LIMBO));
    let (mut refused, mut nameless) = (0, 0);
    for case in document["testcases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let class = classes[id]["class"].as_str().unwrap();
        // Revocation is looked up beside the handshake, not in it.
        if case["crls"].as_array().is_some_and(|crls| !crls.is_empty()) && class == "A_REFUSE" {
            continue;
        }
        let answer = limbo_answer(case);
        match class {
            "A_REFUSE" => assert!(answer.is_err(), "{id}"),
            "B_CHAIN_OK" | "C_LEAF_PROFILE" => {
                assert!(
                    matches!(answer, Err(Limbo::Handshake | Limbo::Identity("ORG_IDENTITY_MISSING"))),
                    "{id}"
                );
                nameless += 1;
            }
            _ => continue,
        }
        refused += 1;
    }
    assert!(refused > 100 && nameless > 40, "{refused} {nameless}");
}

#[derive(Debug, PartialEq)]
enum Limbo {
    Handshake,
    Identity(&'static str),
}

fn limbo_answer(case: &serde_json::Value) -> Result<ClientIdentity, Limbo> {
    let certificates = |name: &str| -> Option<Vec<CertificateDer<'static>>> {
        case[name]
            .as_array()?
            .iter()
            .map(|pem| CertificateDer::from_pem_slice(pem.as_str()?.as_bytes()).ok())
            .collect()
    };
    let now = case["validation_time"]
        .as_str()
        .map_or(NOW, |text| time::OffsetDateTime::parse(text, &Rfc3339).unwrap().unix_timestamp());
    let roots = certificates("trusted_certs").ok_or(Limbo::Handshake)?;
    let chain = certificates("untrusted_intermediates").ok_or(Limbo::Handshake)?;
    let leaf = case["peer_certificate"].as_str().unwrap();
    let leaf = CertificateDer::from_pem_slice(leaf.as_bytes()).map_err(|_| Limbo::Handshake)?;
    let verifier = OrganizationVerifier::new(roots, LeafProfile::default()).map_err(|_| Limbo::Handshake)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(now.unsigned_abs()));
    verifier.verify_client_cert(&leaf, &chain, time).map_err(|_| Limbo::Handshake)?;
    ClientIdentity::from_certificate(&leaf, now, &LeafProfile::default())
        .map_err(|e| Limbo::Identity(e.reason()))
}

/// webpki accepts these paths; without the handshake's profile they would reach the name.
#[test]
fn r_tls_09_the_profile_itself_refuses_what_path_building_lets_pass() {
    let document = vectors::read(vectors::LIMBO);
    let case = |id: &str| {
        let found = document["testcases"].as_array().unwrap().iter().find(|case| case["id"] == id);
        CertificateDer::from_pem_slice(found.unwrap()["peer_certificate"].as_str().unwrap().as_bytes())
            .unwrap()
    };
    let check = |id| LeafProfile { max_days: 100_000, ..LeafProfile::default() }.check(&case(id));
    assert_eq!(check("rfc5280::leaf-ku-keycertsign"), Err(ProfileViolation::KeyUsage));
    assert_eq!(check("rfc5280::nc::not-allowed-in-ee-noncritical"), Err(ProfileViolation::NameConstraints));
    assert_eq!(check("rfc5280::serial::zero"), Err(ProfileViolation::Serial));
    assert_eq!(check("rfc5280::serial::too-long"), Err(ProfileViolation::Serial));
    assert_eq!(check("webpki::forbidden-weak-rsa-in-leaf"), Err(ProfileViolation::Key));
    assert_eq!(check("webpki::forbidden-p192-leaf"), Err(ProfileViolation::Key));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(scaled(300, 100_000)))]

    #[test]
    fn no_input_panics(der in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(ClientIdentity::from_certificate(&der, NOW, &LeafProfile::default()).is_err());
        prop_assert!(check_intermediate(&der).is_err());
    }

    #[test]
    fn no_changed_leaf_panics(at in 0_usize..400, byte: u8) {
        let mut der = pki::SAMPLE_CLIENT.clone();
        let at = at % der.len();
        der[at] = byte;
        let _ = ClientIdentity::from_certificate(&der, NOW, &LeafProfile::default());
    }
}
