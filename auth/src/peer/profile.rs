//! The profile of an organization's leaf and of the CA between it and our root.
//!
//! Path building alone is not enough: webpki checks neither `keyCertSign` of an intermediate nor the leaf's key, and
//! takes an absent extended key usage for permission.

use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{X509Certificate, X509Version};
use x509_parser::public_key::PublicKey;

use crate::x509::{self, Extensions};

/// What an organization's certificate must be. `LeafProfile::default()` is the production profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafProfile {
    /// Longest life in days; 398 unless set.
    pub max_days: i64,
    /// Whether RSA keys of 3072 bits and more are taken beside P-256, P-384 and Ed25519; `No` unless set.
    pub rsa: RsaKeys,
}

/// Whether RSA keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaKeys {
    /// Refused.
    No,
    /// Taken from 3072 bits on.
    From3072,
}

impl Default for LeafProfile {
    fn default() -> Self {
        Self { max_days: 398, rsa: RsaKeys::No }
    }
}

/// The one rule of the profile that a certificate breaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileViolation {
    /// Unreadable, or an extension twice.
    #[error("the certificate cannot be read or repeats an extension")]
    Malformed,
    /// Not X.509 version 3.
    #[error("the certificate is not of version 3")]
    Version,
    /// Key type or size that we do not take.
    #[error("the key type is not accepted")]
    Key,
    /// Not `digitalSignature`, or also `keyCertSign`.
    #[error("the key usage does not fit")]
    KeyUsage,
    /// Extended key usage absent, or anything beside `clientAuth`.
    #[error("the extended key usage is not client authentication alone")]
    ExtendedKeyUsage,
    /// A CA where a leaf is wanted, or the reverse.
    #[error("the basic constraints do not fit")]
    BasicConstraints,
    /// Lives longer than allowed.
    #[error("the validity is too long")]
    Validity,
    /// Not 8 to 20 bytes, or not positive.
    #[error("the serial number does not fit")]
    Serial,
    /// A critical extension that nobody here processes (RFC 5280 §4.2).
    #[error("the certificate has a critical extension that is not known")]
    Critical,
    /// Name constraints in a leaf.
    #[error("a leaf may not carry name constraints")]
    NameConstraints,
    /// More than one intermediate, or one that we do not recognize as a CA.
    #[error("at most one intermediate is accepted")]
    Intermediates,
}

impl LeafProfile {
    /// Checks a DER leaf. The validity period is checked for its length only; the clock is the caller's.
    pub fn check(&self, der: &[u8]) -> Result<(), ProfileViolation> {
        let certificate = x509::parse(der).map_err(|_| ProfileViolation::Malformed)?;
        self.check_parsed(&certificate)
    }

    pub(super) fn check_parsed(&self, certificate: &X509Certificate<'_>) -> Result<(), ProfileViolation> {
        let extensions = Extensions::of(certificate).map_err(|_| ProfileViolation::Malformed)?;
        version_3(certificate)?;
        self.key(certificate)?;
        let usage = extensions.key_usage().ok_or(ProfileViolation::KeyUsage)?;
        require(usage.digital_signature() && !usage.key_cert_sign(), ProfileViolation::KeyUsage)?;
        require(client_auth_only(&extensions), ProfileViolation::ExtendedKeyUsage)?;
        require(!extensions.is_ca(), ProfileViolation::BasicConstraints)?;
        require(!has_name_constraints(&extensions), ProfileViolation::NameConstraints)?;
        require(!extensions.has_critical_beside(is_processed), ProfileViolation::Critical)?;
        serial(certificate)?;
        self.validity(certificate)
    }

    fn key(&self, certificate: &X509Certificate<'_>) -> Result<(), ProfileViolation> {
        let info = certificate.public_key();
        let curve = || info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
        let fits = match info.algorithm.algorithm.to_id_string().as_str() {
            EC_PUBLIC_KEY => curve().is_some_and(|oid| [P256, P384].contains(&oid.to_id_string().as_str())),
            ED25519 => info.algorithm.parameters.is_none(),
            RSA => self.rsa == RsaKeys::From3072 && rsa_bits(certificate) >= 3072,
            _ => false,
        };
        require(fits, ProfileViolation::Key)
    }

    fn validity(&self, certificate: &X509Certificate<'_>) -> Result<(), ProfileViolation> {
        let validity = certificate.validity();
        let seconds = validity.not_after.timestamp().saturating_sub(validity.not_before.timestamp());
        require((0..=self.max_days.saturating_mul(86_400)).contains(&seconds), ProfileViolation::Validity)
    }
}

/// Checks a DER certificate that stands between a leaf and our root: a CA that may sign certificates.
pub fn check_intermediate(der: &[u8]) -> Result<(), ProfileViolation> {
    let certificate = x509::parse(der).map_err(|_| ProfileViolation::Malformed)?;
    let extensions = Extensions::of(&certificate).map_err(|_| ProfileViolation::Malformed)?;
    version_3(&certificate)?;
    require(extensions.is_ca(), ProfileViolation::BasicConstraints)?;
    let usage = extensions.key_usage().ok_or(ProfileViolation::KeyUsage)?;
    require(usage.key_cert_sign(), ProfileViolation::KeyUsage)
}

fn version_3(certificate: &X509Certificate<'_>) -> Result<(), ProfileViolation> {
    require(certificate.version() == X509Version::V3, ProfileViolation::Version)
}

fn serial(certificate: &X509Certificate<'_>) -> Result<(), ProfileViolation> {
    let raw = certificate.tbs_certificate.raw_serial();
    let length = x509::positive_serial(raw).map_or(0, <[u8]>::len);
    require((8..=20).contains(&length) && raw.len() <= 20, ProfileViolation::Serial)
}

fn client_auth_only(extensions: &Extensions<'_>) -> bool {
    let usage = extensions.find(|parsed| match parsed {
        ParsedExtension::ExtendedKeyUsage(usage) => Some(usage),
        _ => None,
    });
    usage.is_some_and(|usage| {
        let others = usage.any
            || usage.server_auth
            || usage.code_signing
            || usage.email_protection
            || usage.time_stamping
            || usage.ocsp_signing
            || !usage.other.is_empty();
        usage.client_auth && !others
    })
}

fn is_processed(parsed: &ParsedExtension<'_>) -> bool {
    matches!(
        parsed,
        ParsedExtension::KeyUsage(_)
            | ParsedExtension::ExtendedKeyUsage(_)
            | ParsedExtension::BasicConstraints(_)
            | ParsedExtension::SubjectAlternativeName(_)
    )
}

fn has_name_constraints(extensions: &Extensions<'_>) -> bool {
    extensions.find(|parsed| matches!(parsed, ParsedExtension::NameConstraints(_)).then_some(())).is_some()
}

fn rsa_bits(certificate: &X509Certificate<'_>) -> usize {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => x509::positive_serial(key.modulus).map_or(0, |modulus| modulus.len() * 8),
        _ => 0,
    }
}

fn require(holds: bool, otherwise: ProfileViolation) -> Result<(), ProfileViolation> {
    if holds { Ok(()) } else { Err(otherwise) }
}

const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
const ED25519: &str = "1.3.101.112";
const RSA: &str = "1.2.840.113549.1.1.1";
