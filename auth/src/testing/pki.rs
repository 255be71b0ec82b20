//! Throwaway certificates of organizations and readers.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use super::NOW;
use crate::peer::{ClientIdentity, LeafProfile};

pub(crate) const CLINIC: &str = "urn:x-pmh:org:clinic:1311234567";
pub(crate) const OTHER_CLINIC: &str = "urn:x-pmh:org:clinic:1319999999";

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// Root and issuing CA, generated once.
pub(crate) struct Institution {
    pub(crate) root: Authority,
    pub(crate) issuing: Authority,
}

pub(crate) static INSTITUTION: LazyLock<Institution> = LazyLock::new(Institution::generate);

impl Institution {
    pub(crate) fn generate() -> Self {
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let root = Authority::self_signed(ca("TEST Institution Root", 1), root_key).unwrap();
        let issuing_params = ca("TEST Institution Issuing CA", 0);
        let issuing = Authority::signed_by(issuing_params, KeyPair::generate().unwrap(), &root).unwrap();
        Self { root, issuing }
    }

    pub(crate) fn issue(&self, params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
        params.signed_by(key, &self.issuing).unwrap().der().to_vec()
    }
}

/// A client leaf that keeps the profile; change what shall be wrong.
pub(crate) fn leaf(uris: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "TEST leaf");
    (params.not_before, params.not_after) = (at(NOW - 3600), at(NOW + 86_400));
    params.serial_number = Some(SerialNumber::from_slice(&[0x11; 16]));
    params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// The DER of a sound leaf.
pub(crate) fn client(organization: &str, terminal: &str) -> Vec<u8> {
    let terminal = format!("urn:x-pmh:term:{terminal}");
    INSTITUTION.issue(&leaf(&[organization, &terminal]), &KeyPair::generate().unwrap())
}

/// The identity in a fresh sound leaf.
pub(crate) fn identity(organization: &str, terminal: &str) -> ClientIdentity {
    ClientIdentity::from_certificate(&client(organization, terminal), NOW, &LeafProfile::default()).unwrap()
}

pub(crate) fn ca(name: &str, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (at(NOW - 86_400), at(NOW + 10 * 365 * 86_400));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn at(unix: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(unix)
}

/// One DER element.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 128);
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

/// A certificate policies extension with one policy.
pub(crate) fn policies(oid: &[u8], critical: bool) -> CustomExtension {
    let content = der(0x30, &der(0x30, &der(0x06, oid)));
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 32], content);
    extension.set_criticality(critical);
    extension
}

/// One sound leaf, for tests that change its bytes.
pub(crate) static SAMPLE_CLIENT: LazyLock<Vec<u8>> = LazyLock::new(|| client(CLINIC, "desk-1"));

/// The identity in [`SAMPLE_CLIENT`].
pub(crate) static SAMPLE_IDENTITY: LazyLock<ClientIdentity> =
    LazyLock::new(|| ClientIdentity::from_certificate(&SAMPLE_CLIENT, NOW, &LeafProfile::default()).unwrap());
