//! A certificate authority: name, key, own certificate.

use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{der, oid};
use crate::{Error, Result};

/// One day in seconds.
pub const DAY: i64 = 86_400;
/// One year in seconds, for lifetimes that need no calendar.
pub const YEAR: i64 = 365 * DAY;

/// The kinds of key in this PKI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rsa2048,
    P256,
    P384,
}

impl Algorithm {
    pub(crate) fn generate(self) -> Result<KeyPair> {
        Ok(match self {
            Self::Rsa2048 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?,
            Self::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?,
            Self::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?,
        })
    }

    pub(crate) fn load(self, pkcs8: &[u8]) -> Result<KeyPair> {
        let algorithm = match self {
            Self::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        };
        Ok(KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), algorithm)?)
    }
}

/// A CA that can issue. Its name is known from the program, so a stored CA is its certificate and key.
pub(crate) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Authority {
    /// A self-signed CA.
    pub(crate) fn root(params: CertificateParams, key: KeyPair) -> Result<Self> {
        let certificate = params.self_signed(&key)?.der().to_vec();
        Ok(Self { params, key, certificate })
    }

    /// A CA below this one.
    pub(crate) fn subordinate(&self, params: CertificateParams, key: KeyPair) -> Result<Self> {
        let certificate = self.issue(&params, &key)?;
        Ok(Self { params, key, certificate })
    }

    /// A CA read back from its files; `params` must carry the name it was made with.
    pub(crate) fn stored(params: CertificateParams, key: KeyPair, certificate: Vec<u8>) -> Self {
        Self { params, key, certificate }
    }

    pub(crate) fn issue(&self, params: &CertificateParams, key: &impl PublicKeyData) -> Result<Vec<u8>> {
        Ok(params.signed_by(key, &self.issuer())?.der().to_vec())
    }

    pub(crate) fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &KeyPair {
        &self.key
    }

    /// SHA-256 of the SubjectPublicKeyInfo: what names a CA where several share a DN.
    pub(crate) fn key_id(&self) -> [u8; 32] {
        Sha256::digest(self.key.subject_public_key_info()).into()
    }
}

/// Parameters of a CA certificate that may sign certificates and lists.
pub(crate) fn ca_params(
    name: DistinguishedName,
    life: (i64, i64),
    depth: Option<u8>,
) -> Result<CertificateParams> {
    let mut params = leaf_params(name, life)?;
    let constraint = depth.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained);
    params.is_ca = IsCa::Ca(constraint);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// Parameters of a certificate with a name, a validity, a random 16-byte serial and an authority
/// key identifier, and nothing else.
pub(crate) fn leaf_params(name: DistinguishedName, life: (i64, i64)) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = instant(life.0)?;
    params.not_after = instant(life.1)?;
    params.serial_number = Some(serial(16)?);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A random serial of exactly `length` bytes, positive without a padding byte.
pub(crate) fn serial(length: usize) -> Result<SerialNumber> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes)?;
    if let Some(top) = bytes.first_mut() {
        *top = (*top & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from(bytes))
}

pub(crate) fn instant(unix_seconds: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(unix_seconds).map_err(|_| Error::Date)
}

/// A distinguished name of PrintableStrings; a second OU goes in under its bare OID because the
/// builder keys attributes by type.
pub(crate) fn name(attributes: &[(DnType, &str)]) -> Result<DistinguishedName> {
    let mut name = DistinguishedName::new();
    for (kind, value) in attributes {
        let value = DnValue::PrintableString((*value).try_into()?);
        name.push(kind.clone(), value);
    }
    Ok(name)
}

pub(crate) fn second_unit() -> DnType {
    DnType::CustomDnType(oid::ORGANIZATIONAL_UNIT.to_vec())
}

pub(crate) fn policies(content: &[u8], critical: bool) -> CustomExtension {
    extension(oid::CERTIFICATE_POLICIES, der::policies(content), critical)
}

pub(crate) fn extension(arcs: &[u64], content: Vec<u8>, critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(arcs, content);
    extension.set_criticality(critical);
    extension
}
