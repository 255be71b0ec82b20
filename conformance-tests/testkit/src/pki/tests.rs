use std::collections::BTreeSet;
use std::sync::LazyLock;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use webpki::anchor_from_trusted_cert;
use x509_parser::der_parser::asn1_rs::BitString;
use x509_parser::prelude::*;
use x509_parser::public_key::PublicKey;

use super::*;
use crate::card::{CardKey, CardKind};

const NOW: i64 = 1_800_000_000; // 2027-01-15 17:00 in Tokyo
const CLINIC: &str = "urn:x-pmh:org:clinic:1310310243";

/// RSA keys are slow to make: one PKI and one card key serve all tests here.
static PKI: LazyLock<DevPki> = LazyLock::new(|| DevPki::generate(NOW).unwrap());
static RSA: LazyLock<CardKey> = LazyLock::new(|| CardKey::generate(CardKind::Rsa2048).unwrap());
static P384: LazyLock<CardKey> = LazyLock::new(|| CardKey::generate(CardKind::P384).unwrap());

fn parse(der: &[u8]) -> X509Certificate<'_> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

fn card(request: &CardRequest) -> Vec<u8> {
    let key = match request.generation.card_kind() {
        CardKind::Rsa2048 => &*RSA,
        CardKind::P384 => &*P384,
    };
    PKI.issue_card(request, &key.signer().unwrap()).unwrap()
}

/// Does the CA's key, with the hash that goes with it, verify this signature?
fn signed_by(ca: &X509Certificate<'_>, signed: &[u8], signature: &BitString<'_>) -> bool {
    let key = ca.public_key();
    let algorithm: &dyn VerificationAlgorithm = match key.parsed().unwrap() {
        PublicKey::RSA(_) => &RSA_PKCS1_2048_8192_SHA256,
        PublicKey::EC(point) if point.key_size() == 384 => &ECDSA_P384_SHA384_ASN1,
        _ => &ECDSA_P256_SHA256_ASN1,
    };
    UnparsedPublicKey::new(algorithm, &key.subject_public_key.data).verify(signed, &signature.data).is_ok()
}

fn sound(generation: Generation) -> CardRequest {
    CardRequest::new(generation, Date::constant(1990, 5, 10), NOW)
}

fn policy(certificate: &X509Certificate<'_>) -> Option<(bool, Vec<u8>)> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CertificatePolicies(policies) => {
            Some((extension.critical, policies[0].policy_id.as_bytes().to_vec()))
        }
        _ => None,
    })
}

fn uris(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Some(names) = certificate.subject_alternative_name().unwrap() else { return Vec::new() };
    names
        .value
        .general_names
        .iter()
        .map(|name| match name {
            GeneralName::URI(uri) => (*uri).to_owned(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn three_card_cas_share_one_name_and_no_key() {
    let ders = PKI.card_cas().unwrap();
    let cas: Vec<_> = ders.iter().map(|der| parse(der)).collect();
    let subjects: BTreeSet<&[u8]> = cas.iter().map(|ca| ca.subject().as_raw()).collect();
    assert_eq!(subjects.len(), 1, "byte-equal DNs");
    let keys: BTreeSet<&[u8]> = cas.iter().map(|ca| ca.public_key().raw).collect();
    assert_eq!(keys.len(), 3);
    let units: Vec<_> =
        cas[0].subject().iter_organizational_unit().map(|unit| unit.as_str().unwrap()).collect();
    assert_eq!(units.len(), 2);
    assert!(units.iter().all(|unit| unit.contains("TEST")));
    for ca in &cas {
        assert!(signed_by(ca, ca.tbs_certificate.as_ref(), &ca.signature_value));
        assert!(ca.is_ca());
        let usage = ca.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
        assert!(ca.subject().iter_common_name().next().is_none());
    }
}

#[test]
fn a_ca_is_made_once() {
    assert_eq!(PKI.card_ca(Generation::P384).unwrap(), PKI.card_ca(Generation::P384).unwrap());
}

#[test]
fn a_sound_card_certificate_has_the_profile() {
    for generation in Generation::ALL {
        let der = card(&sound(generation));
        let certificate = parse(&der);
        let ca_der = PKI.card_ca(generation).unwrap();
        let ca = parse(ca_der);
        assert!(signed_by(&ca, certificate.tbs_certificate.as_ref(), &certificate.signature_value));
        assert_eq!(certificate.issuer().as_raw(), ca.subject().as_raw());
        let usage = certificate.key_usage().unwrap().unwrap();
        assert_eq!((usage.critical, usage.value.flags), (true, 1), "digitalSignature and nothing else");
        assert!(certificate.basic_constraints().unwrap().is_none());
        assert!(certificate.subject_alternative_name().unwrap().is_none());
        assert_eq!(policy(&certificate), Some((false, der::oid(oid::TEST_USER_AUTHENTICATION_ARCS))));
        let name = certificate.subject().iter_common_name().next().unwrap().as_str().unwrap();
        assert!(name.len() == 26 && name.starts_with("TEST"));
        assert!(der.len() < 4096);
        match (generation.card_kind(), certificate.public_key().parsed().unwrap()) {
            (CardKind::Rsa2048, PublicKey::RSA(key)) => assert_eq!(key.key_size(), 2048),
            (CardKind::P384, PublicKey::EC(key)) => assert_eq!(key.key_size(), 384),
            (kind, _) => panic!("{kind:?}"),
        }
    }
}

#[test]
fn a_card_ends_at_the_end_of_the_fifth_birthday_after_issue() {
    let end = |generation, birth_date: Date, issued: Date| {
        let tokyo = TimeZone::fixed(Offset::constant(9));
        let issued_at = issued.to_zoned(tokyo).unwrap().timestamp().as_second();
        let end = CardRequest::new(generation, birth_date, issued_at).ends_at().unwrap();
        jiff::Timestamp::from_second(end).unwrap().to_string()
    };
    let may = Date::constant(1990, 5, 10);
    assert_eq!(end(Generation::Rsa2, may, Date::constant(2026, 5, 9)), "2030-05-10T14:59:59Z");
    assert_eq!(end(Generation::Rsa2, may, Date::constant(2026, 5, 10)), "2031-05-10T14:59:59Z");
    assert_eq!(end(Generation::P384, may, Date::constant(2026, 6, 1)), "2036-05-10T14:59:59Z");
    let leap = Date::constant(2000, 2, 29);
    assert_eq!(end(Generation::Rsa2, leap, Date::constant(2025, 3, 1)), "2030-02-28T14:59:59Z");
    assert_eq!(end(Generation::Rsa2, leap, Date::constant(2023, 3, 1)), "2028-02-29T14:59:59Z");
}

#[test]
fn a_card_can_be_made_to_have_ended_so_long_ago() {
    for days in [0, 1, 30, 89, 91, 400, 1000] {
        let request = sound(Generation::Rsa2).issued_so_that_it_ended(NOW, days * DAY).unwrap();
        let ago = NOW - request.ends_at().unwrap();
        assert!((ago - days * DAY).abs() < DAY, "{days}");
        assert!(request.ends_at().unwrap() - request.issued_at <= 5 * YEAR + 2 * DAY);
    }
}

/// Everything a verifier looks at, so that "differs in one property" can be counted.
fn features(der: &[u8], ca: &X509Certificate<'_>) -> Vec<String> {
    let certificate = parse(der);
    let key_identifiers = [
        oid_registry::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
        oid_registry::OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
    ];
    let extensions: Vec<String> = certificate
        .extensions()
        .iter()
        .filter(|extension| !key_identifiers.contains(&extension.oid))
        .map(|extension| format!("{} {} {:02x?}", extension.oid, extension.critical, extension.value))
        .collect();
    let key = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("rsa {} {:?}", key.key_size(), key.try_exponent()),
        Ok(PublicKey::EC(key)) => format!("ec {}", key.key_size()),
        other => format!("{other:?}"),
    };
    let (life, serial) = (certificate.validity(), certificate.raw_serial().len());
    vec![
        format!("{} {}", life.not_before.timestamp(), life.not_after.timestamp()),
        format!("serial {serial}"),
        key,
        certificate.signature_algorithm.algorithm.to_string(),
        signed_by(ca, certificate.tbs_certificate.as_ref(), &certificate.signature_value).to_string(),
        certificate.issuer().to_string(),
        extensions.join("\n"),
    ]
}

fn differences(left: &[String], right: &[String]) -> usize {
    left.iter().zip(right).filter(|(left, right)| left != right).count()
}

#[test]
fn each_card_defect_differs_from_a_sound_card_in_its_one_property() {
    for generation in [Generation::Rsa2, Generation::P384] {
        let ca_der = PKI.card_ca(generation).unwrap().to_vec();
        let ca = parse(&ca_der);
        let good = features(&card(&sound(generation)), &ca);
        assert_eq!(differences(&good, &features(&card(&sound(generation)), &ca)), 0);
        for defect in CardDefect::ALL {
            let bad = features(&card(&sound(generation).with(defect)), &ca);
            // A certificate that names another hash cannot also carry a good signature.
            let expected = if defect == CardDefect::WeakHash { 2 } else { 1 };
            assert_eq!(differences(&good, &bad), expected, "{generation:?} {defect:?}\n{good:#?}\n{bad:#?}");
        }
    }
}

#[test]
fn card_defects_are_what_they_say() {
    let with = |generation, defect| card(&sound(generation).with(defect));
    let rsa = Generation::Rsa2;
    let key = |defect| {
        let der = with(rsa, defect);
        features(&der, &parse(PKI.card_ca(rsa).unwrap()))[2].clone()
    };
    assert_eq!(key(CardDefect::Rsa1024), "rsa 1024 Ok(65537)");
    assert_eq!(key(CardDefect::Rsa3072), "rsa 3072 Ok(65537)");
    assert_eq!(key(CardDefect::RsaExponent3), "rsa 2048 Ok(3)");
    assert_eq!(key(CardDefect::P256), "ec 256");

    let sha1 = with(rsa, CardDefect::WeakHash);
    let sha1 = parse(&sha1);
    assert_eq!(sha1.signature_algorithm.algorithm, oid_registry::OID_PKCS1_SHA1WITHRSA);
    assert_eq!(sha1.tbs_certificate.signature.algorithm, oid_registry::OID_PKCS1_SHA1WITHRSA);

    let signature_type = with(rsa, CardDefect::SignatureType);
    let signature_type = parse(&signature_type);
    assert!(signature_type.key_usage().unwrap().unwrap().value.non_repudiation());
    assert_eq!(policy(&signature_type), Some((false, der::oid(oid::TEST_SIGNATURE_ARCS))));
    let names = signature_type.subject_alternative_name().unwrap().unwrap();
    let [GeneralName::OtherName(arc, _)] = &names.value.general_names[..] else { panic!() };
    assert!(arc.to_id_string().starts_with(oid::PERSON_ATTRIBUTES));

    let duplicate = with(rsa, CardDefect::DuplicateExtension);
    assert!(parse(&duplicate).key_usage().is_err(), "the parser sees two");
    assert!(with(rsa, CardDefect::Oversized).len() > 4096);
    let long = with(rsa, CardDefect::LongSerial);
    assert_eq!(parse(&long).raw_serial().len(), 21);
    let critical = with(rsa, CardDefect::CriticalPolicies);
    assert_eq!(policy(&parse(&critical)), Some((true, der::oid(oid::TEST_USER_AUTHENTICATION_ARCS))));
    assert_eq!(CardDefect::CriticalPolicies.verdict(), Verdict::Accept);
    assert_eq!(CardDefect::ALL.into_iter().collect::<std::collections::HashSet<_>>().len(), 27);
}

#[test]
fn a_terminal_certificate_has_the_leaf_profile() {
    let terminal = PKI.terminal(CLINIC, "desk-1", NOW).unwrap();
    let leaf = parse(terminal.certificate());
    assert_eq!(uris(&leaf), [CLINIC, "urn:x-pmh:term:desk-1"]);
    assert_eq!(leaf.raw_serial().len(), 16);
    let usage = leaf.key_usage().unwrap().unwrap();
    assert_eq!((usage.critical, usage.value.flags), (true, 1));
    let eku = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(eku.client_auth && !eku.server_auth && !eku.any && eku.other.is_empty());
    assert!(!leaf.basic_constraints().unwrap().unwrap().value.ca);
    let life = leaf.validity();
    assert_eq!(life.not_after.timestamp() - life.not_before.timestamp(), DAY - 1);
    let longest = PKI.leaf(&LeafRequest::new(CLINIC, "desk-1", NOW).for_days(398)).unwrap();
    let life = parse(longest.certificate()).validity().clone();
    assert_eq!(life.not_after.timestamp() - life.not_before.timestamp(), 398 * DAY - 1);
    assert_eq!(terminal.chain().len(), 2);
    assert_eq!(terminal.chain()[1], PKI.issuing());
}

/// What webpki, as rustls uses it, says to a client chain under our root.
fn webpki_accepts(identity: &Identity) -> bool {
    let root = PKI.root().to_vec().into();
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let leaf = identity.certificate().to_vec().into();
    let issuing = [identity.chain()[1].clone().into()];
    let Ok(leaf) = webpki::EndEntityCert::try_from(&leaf) else { return false };
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &issuing,
        rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW.unsigned_abs())),
        webpki::KeyUsage::client_auth(),
        None,
        None,
    )
    .is_ok()
}

#[test]
fn webpki_accepts_a_sound_chain_and_refuses_dates_and_strangers() {
    assert!(webpki_accepts(&PKI.terminal(CLINIC, "desk-1", NOW).unwrap()));
    for defect in LeafDefect::ALL.into_iter().filter(|defect| defect.verdict() != Verdict::RefuseProfile) {
        let leaf = PKI.leaf(&LeafRequest::new(CLINIC, "desk-1", NOW).with(defect)).unwrap();
        assert!(!webpki_accepts(&leaf), "{defect:?}");
    }
}

#[test]
fn each_leaf_defect_differs_from_a_sound_leaf_in_its_one_property() {
    let issuing = parse(PKI.issuing());
    let leaf = |defect: Option<LeafDefect>| {
        let request = LeafRequest { defect, ..LeafRequest::new(CLINIC, "desk-1", NOW) };
        features(PKI.leaf(&request).unwrap().certificate(), &issuing)
    };
    let good = leaf(None);
    assert_eq!(differences(&good, &leaf(None)), 0);
    for defect in LeafDefect::ALL {
        assert_eq!(differences(&good, &leaf(Some(defect))), 1, "{defect:?}");
    }
}

#[test]
fn leaf_defects_in_names_are_what_they_say() {
    let names = |defect| {
        let leaf = PKI.leaf(&LeafRequest::new(CLINIC, "desk-1", NOW).with(defect)).unwrap();
        uris(&parse(leaf.certificate()))
    };
    assert_eq!(names(LeafDefect::NoOrganization), ["urn:x-pmh:term:desk-1"]);
    assert_eq!(names(LeafDefect::TwoOrganizations).len(), 3);
    assert_eq!(names(LeafDefect::TwoTerminals).len(), 3);
    assert_eq!(names(LeafDefect::MalformedOrganization)[0], CLINIC.to_uppercase());
}

#[test]
fn a_server_certificate_names_hosts_and_addresses() {
    let server = PKI.server(&["localhost", "127.0.0.1", "::1"], NOW, 30).unwrap();
    let leaf = parse(server.certificate());
    let names = leaf.subject_alternative_name().unwrap().unwrap().value;
    assert_eq!(
        names.general_names,
        [
            GeneralName::DNSName("localhost"),
            GeneralName::IPAddress(&[127, 0, 0, 1]),
            GeneralName::IPAddress(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ]
    );
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
}

#[test]
fn a_reader_has_the_reader_policy_and_opens_no_connection() {
    let reader = PKI.reader("FR-TEST-01", NOW).unwrap();
    let leaf = parse(reader.certificate());
    assert_eq!(policy(&leaf), Some((false, oid::READER_POLICY_DER.to_vec())));
    assert!(leaf.extended_key_usage().unwrap().is_none());
    assert_eq!(uris(&leaf), ["urn:x-pmh:reader:FR-TEST-01"]);
}

#[test]
fn revocation_lists_are_signed_dated_and_complete() {
    let request = CrlRequest::fresh(NOW, 7).revoking([vec![0x41, 2, 3], vec![0x42]]);
    let der = PKI.card_crl(Generation::P384, &request).unwrap();
    let (_, crl) = CertificateRevocationList::from_der(&der).unwrap();
    let ca = parse(PKI.card_ca(Generation::P384).unwrap());
    assert!(signed_by(&ca, crl.tbs_cert_list.as_ref(), &crl.signature_value));
    assert_eq!(crl.issuer().as_raw(), ca.subject().as_raw());
    assert_eq!(
        crl.iter_revoked_certificates().map(|entry| entry.raw_serial().to_vec()).collect::<Vec<_>>(),
        [vec![0x41, 2, 3], vec![0x42]]
    );
    assert!(crl.next_update().unwrap().timestamp() > NOW);

    let stale = PKI.card_crl(Generation::P384, &CrlRequest::stale(NOW, 8)).unwrap();
    let (_, stale) = CertificateRevocationList::from_der(&stale).unwrap();
    assert!(stale.next_update().unwrap().timestamp() < NOW);

    let forged = PKI.forged_card_crl(Generation::P384, &request).unwrap();
    let (_, forged) = CertificateRevocationList::from_der(&forged).unwrap();
    assert!(!signed_by(&ca, forged.tbs_cert_list.as_ref(), &forged.signature_value));
    assert_eq!(forged.issuer().as_raw(), ca.subject().as_raw());

    let issuing = PKI.institution_crl(&request).unwrap();
    let (_, issuing) = CertificateRevocationList::from_der(&issuing).unwrap();
    assert!(signed_by(&parse(PKI.issuing()), issuing.tbs_cert_list.as_ref(), &issuing.signature_value));
}

#[test]
fn a_stored_pki_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    PKI.save(dir.path()).unwrap();
    let restored = DevPki::load(dir.path()).unwrap();
    assert_eq!(restored.card_cas().unwrap(), PKI.card_cas().unwrap());
    assert_eq!((restored.root(), restored.issuing()), (PKI.root(), PKI.issuing()));
    assert_eq!(restored.directory().public_key(), PKI.directory().public_key());
    assert!(webpki_accepts(&restored.terminal(CLINIC, "desk-9", NOW).unwrap()));
    for generation in Generation::ALL {
        assert_eq!(restored.card_ca_key_id(generation).unwrap(), PKI.card_ca_key_id(generation).unwrap(),);
    }
    assert!(DevPki::load(&dir.path().join("nothing")).is_err());
}

#[test]
fn identities_survive_pem_and_do_not_show_their_key() {
    let terminal = PKI.terminal(CLINIC, "desk-1", NOW).unwrap();
    let read = Identity::from_pem(terminal.chain_pem().as_bytes(), terminal.key_pem().as_bytes()).unwrap();
    assert_eq!((read.chain(), read.key()), (terminal.chain(), terminal.key()));
    assert_eq!(format!("{terminal:?}"), "Identity { certificates: 2, .. }");
}
