//! The verifiers against certificates, cards and signers that somebody else made: the test kit knows the
//! profiles from the same documents and shares no code with this crate.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing helper is a failing test")]

use std::time::Duration;

use pmh_auth::card::{
    CardCas, CardError, CardProfile, RevocationList, Revocations, VerifiedCard, verify_certificate,
    verify_presentation,
};
use pmh_auth::challenge::PREFIX;
use pmh_auth::directory::{DirectoryItem, DirectoryTrust};
use pmh_auth::names::{Tier, UserVerification};
use pmh_auth::oid::PolicyOid;
use pmh_auth::peer::{ClientIdentity, LeafProfile, OrganizationVerifier, PeerError};
use pmh_auth::reader::{ReaderAssertion, ReaderTrust};
use pmh_testkit::card::{FakeCard, terminal};
use pmh_testkit::directory as kit;
use pmh_testkit::pki::{
    CardDefect, CardRequest, CrlRequest, DevPki, Generation, LeafDefect, LeafRequest, Verdict, oid,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier as _;

const NOW: i64 = 1_800_000_000;
const CLINIC: &str = "urn:x-pmh:org:clinic:1311234567";

struct Gateway {
    cas: CardCas,
    profile: CardProfile,
    revocations: Revocations,
}

impl Gateway {
    fn trusting(pki: &DevPki) -> Self {
        let cas = pki.card_cas().unwrap();
        let cas = CardCas::from_der(cas.iter().map(Vec::as_slice)).unwrap();
        let mut revocations = Revocations::none();
        for generation in Generation::ALL {
            let list = pki.card_crl(generation, &CrlRequest::fresh(NOW - 60, 1)).unwrap();
            revocations.install(RevocationList::from_der(&list, &cas, NOW).unwrap()).unwrap();
        }
        let profile = CardProfile::new([PolicyOid::parse(oid::TEST_USER_AUTHENTICATION).unwrap()]);
        Self { cas, profile, revocations }
    }

    fn verify(&self, der: &[u8]) -> Result<VerifiedCard, CardError> {
        verify_certificate(der, &self.cas, &self.profile, &self.revocations, NOW)
    }
}

fn request(generation: Generation) -> CardRequest {
    CardRequest::new(generation, "1990-04-02".parse().unwrap(), NOW - 3600)
}

fn challenge() -> Vec<u8> {
    [&PREFIX[..], b"content is not looked at here"].concat()
}

#[test]
fn r_crd_01_02_a_card_presented_over_apdus_is_verified() {
    let pki = DevPki::generate(NOW).unwrap();
    let gateway = Gateway::trusting(&pki);
    for generation in Generation::ALL {
        let mut card = FakeCard::issue(&pki, &request(generation), "1234").unwrap();
        let shown = terminal::present(&mut card, &challenge(), "1234").unwrap();
        let verified = gateway.verify(&shown.certificate_der).unwrap();
        assert_eq!(verified.tier(), Tier::Full);
        let digest = card.credential_digest(&pki.card_ca_key_id(generation).unwrap()).unwrap();
        assert_eq!(*verified.credential_digest(), digest.0);
        verify_presentation(verified, &challenge(), &shown.signature).unwrap();
    }
}

#[test]
fn r_ccp_every_defect_of_a_card_gets_its_verdict() {
    let pki = DevPki::generate(NOW).unwrap();
    let gateway = Gateway::trusting(&pki);
    let mut judged = 0;
    for generation in Generation::ALL {
        for defect in CardDefect::ALL {
            let Ok(card) = FakeCard::issue(&pki, &request(generation).with(defect), "1234") else { continue };
            let verdict = gateway.verify(card.certificate()).map(|_| ());
            let as_said = match defect.verdict() {
                Verdict::Accept => verdict == Ok(()),
                Verdict::RefuseProfile => matches!(verdict, Err(CardError::Type | CardError::Malformed)),
                Verdict::RefuseUntrusted => verdict == Err(CardError::Untrusted),
                Verdict::RefuseDates => verdict == Err(CardError::Expired),
            };
            assert!(as_said, "{generation:?} {defect:?} {verdict:?}");
            judged += 1;
        }
    }
    // Some defects exist for one kind of key only.
    assert!(judged > 60, "{judged}");
}

#[test]
fn r_ccp_13_a_revoked_card_is_refused() {
    let pki = DevPki::generate(NOW).unwrap();
    let mut gateway = Gateway::trusting(&pki);
    let card = FakeCard::issue(&pki, &request(Generation::P384), "1234").unwrap();
    assert!(gateway.verify(card.certificate()).is_ok());
    let list = CrlRequest::fresh(NOW, 2).revoking([card.serial().unwrap()]);
    let list = pki.card_crl(Generation::P384, &list).unwrap();
    gateway.revocations.install(RevocationList::from_der(&list, &gateway.cas, NOW).unwrap()).unwrap();
    assert_eq!(gateway.verify(card.certificate()), Err(CardError::Revoked));
    let back = pki.card_crl(Generation::P384, &CrlRequest::fresh(NOW, 1)).unwrap();
    let back = RevocationList::from_der(&back, &gateway.cas, NOW).unwrap();
    assert!(gateway.revocations.install(back).is_err());
    let forged = pki.forged_card_crl(Generation::P384, &CrlRequest::fresh(NOW, 3)).unwrap();
    assert!(RevocationList::from_der(&forged, &gateway.cas, NOW).is_err());
}

fn connect(pki: &DevPki, request: &LeafRequest) -> Result<ClientIdentity, &'static str> {
    let identity = pki.leaf(request).unwrap();
    let chain: Vec<CertificateDer<'_>> =
        identity.chain().iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let root = CertificateDer::from(pki.root().to_vec());
    let verifier = OrganizationVerifier::new([root], LeafProfile::default()).unwrap();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(NOW.unsigned_abs()));
    verifier.verify_client_cert(&chain[0], &chain[1..], time).map_err(|_| "handshake")?;
    ClientIdentity::from_certificate(&chain[0], NOW, &LeafProfile::default()).map_err(PeerError::reason)
}

#[test]
fn a_terminal_of_the_kit_is_an_organization() {
    let pki = DevPki::generate(NOW).unwrap();
    let identity = connect(&pki, &LeafRequest::new(CLINIC, "desk-1", NOW - 3600)).unwrap();
    assert_eq!((identity.organization().as_str(), identity.terminal()), (CLINIC, Some("desk-1")));
}

#[test]
fn r_tls_08_to_14_every_defect_of_a_leaf_is_refused() {
    let pki = DevPki::generate(NOW).unwrap();
    for defect in LeafDefect::ALL {
        let refused = connect(&pki, &LeafRequest::new(CLINIC, "desk-1", NOW - 3600).with(defect));
        let nameless = [
            LeafDefect::NoOrganization,
            LeafDefect::TwoOrganizations,
            LeafDefect::TwoTerminals,
            LeafDefect::MalformedOrganization,
        ];
        let expected = if nameless.contains(&defect) { "ORG_IDENTITY_MISSING" } else { "handshake" };
        assert_eq!(refused, Err(expected), "{defect:?}");
    }
}

#[test]
fn a_reader_of_the_kit_vouches_for_a_face() {
    let pki = DevPki::generate(NOW).unwrap();
    let reader = pki.reader("FR-TEST-01", NOW - 3600).unwrap();
    let trust = ReaderTrust::new([pki.root()], PolicyOid::parse(oid::READER_POLICY).unwrap()).unwrap();
    let jws = reader.assert(&[7; 32], "face", NOW).unwrap();
    let assertion =
        ReaderAssertion { jws: &jws, certificate: reader.certificate(), intermediate: Some(pki.issuing()) };
    let statement = trust.verify(&assertion, &[7; 32], NOW).unwrap();
    assert_eq!((statement.used(), statement.reader()), (UserVerification::Face, "FR-TEST-01"));
    assert!(trust.verify(&assertion, &[8; 32], NOW).is_err());
}

#[test]
fn a_batch_of_the_kits_directory_is_read() {
    let pki = DevPki::generate(NOW).unwrap();
    let items = [
        kit::DirectoryItem::Renewal {
            old: kit::CredentialDigest([1; 32]),
            new: kit::CredentialDigest([2; 32]),
        },
        kit::DirectoryItem::Resident {
            credential: kit::CredentialDigest([2; 32]),
            issuer: "municipality:131237".to_owned(),
            resident_key: "R-1".to_owned(),
        },
    ];
    let jws = pki.directory().sign("directory.test", "b-1", NOW, &items).unwrap();
    let trust = DirectoryTrust::new("directory.test", &pki.directory().public_key()).unwrap();
    let batch = trust.verify(&jws, NOW).unwrap();
    let [DirectoryItem::Renewal { old, new }, DirectoryItem::Resident { resident_key, .. }] = batch.items()
    else {
        panic!("{batch:?}")
    };
    assert_eq!((old.0, new.0, resident_key.as_str()), ([1; 32], [2; 32], "R-1"));
}
