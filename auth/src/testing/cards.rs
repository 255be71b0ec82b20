//! Throwaway card authorities and cards.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RevokedCertParams, RsaKeySize, SerialNumber,
};

use super::NOW;
use super::pki::{Authority, at, ca, policies};
use crate::card::{CardCas, CardProfile, RevocationList, Revocations};
use crate::oid::PolicyOid;

/// DER content of [`POLICY`].
pub(crate) const POLICY_OCTETS: &[u8] = &[0x2a, 0x83, 0x08, 0x8c, 0x9b, 0x55, 8, 5, 1, 0, 30];
pub(crate) const POLICY: &str = "1.2.392.200149.8.5.1.0.30";

/// Two RSA authorities of one name, and one with P-384.
pub(crate) static RSA_1: LazyLock<Authority> = LazyLock::new(|| authority(rsa_key()));
pub(crate) static RSA_2: LazyLock<Authority> = LazyLock::new(|| authority(rsa_key()));
pub(crate) static P384: LazyLock<Authority> = LazyLock::new(|| authority(p384_key()));
/// One card key of each kind, so that few are generated.
pub(crate) static RSA_CARD: LazyLock<KeyPair> = LazyLock::new(rsa_key);
pub(crate) static P384_CARD: LazyLock<KeyPair> = LazyLock::new(p384_key);

pub(crate) fn authority(key: KeyPair) -> Authority {
    let mut params = ca("unused", 0);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "JP");
    params.distinguished_name.push(DnType::OrganizationName, "JPKI-TEST");
    params.distinguished_name.push(DnType::OrganizationalUnitName, "TEST user authentication");
    Authority::self_signed(params, key).unwrap()
}

pub(crate) fn rsa_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

pub(crate) fn p384_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

/// A sound card certificate; change what shall be wrong.
pub(crate) fn card() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "JP");
    params.distinguished_name.push(DnType::CommonName, "TEST0123456789ABCDEF");
    (params.not_before, params.not_after) = (at(NOW - 86_400), at(NOW + 365 * 86_400));
    params.serial_number = Some(SerialNumber::from_slice(&[1, 2, 3, 4]));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.custom_extensions = vec![policies(POLICY_OCTETS, true)];
    params
}

pub(crate) fn cas<'a>(authorities: impl IntoIterator<Item = &'a Authority>) -> CardCas {
    CardCas::from_der(authorities.into_iter().map(|authority| authority.der().as_ref())).unwrap()
}

pub(crate) fn profile() -> CardProfile {
    CardProfile::new([PolicyOid::parse(POLICY).unwrap()])
}

/// A list of one authority: in force at `NOW` unless `next_update` says otherwise.
pub(crate) fn crl(authority: &Authority, serials: &[&[u8]], this_update: i64, next_update: i64) -> Vec<u8> {
    let revoked = serials.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: at(this_update),
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: at(this_update),
        next_update: at(next_update),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(authority).unwrap().der().to_vec()
}

/// Current lists of all three authorities, naming nobody.
pub(crate) fn current() -> Revocations {
    let mut revocations = Revocations::none();
    for authority in [&*RSA_1, &*RSA_2, &*P384] {
        let der = crl(authority, &[], NOW - 60, NOW + 86_400);
        revocations.install(RevocationList::from_der(&der, &cas([authority]), NOW).unwrap()).unwrap();
    }
    revocations
}

pub(crate) fn sign_rsa(key: &KeyPair, message: &[u8]) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(key.serialized_der()).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

pub(crate) fn sign_p384(key: &KeyPair, message: &[u8]) -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, key.serialized_der()).unwrap();
    pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
}
