//! The profile of a user authentication certificate and its check against the pinned authorities.

use std::fmt;

use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{X509Certificate, X509Version};

use super::authority::{CardCas, signature_algorithm};
use super::revocation::{Revocations, Standing};
use super::{CardError, MAX_CERTIFICATE};
use crate::crypto::sha256;
use crate::names::Tier;
use crate::oid::PolicyOid;
use crate::x509::{self, Extensions};

/// Which policies name a user authentication certificate. Production and test lists never mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardProfile {
    policies: Vec<PolicyOid>,
}

impl CardProfile {
    /// Cards under any of these policies are accepted. Real ones carry [`PRODUCTION_POLICY`].
    pub fn new(policies: impl IntoIterator<Item = PolicyOid>) -> Self {
        Self { policies: policies.into_iter().collect() }
    }
}

/// Policy of real user authentication certificates (利用者証明用電子証明書).
pub const PRODUCTION_POLICY: &str = "1.2.392.200149.8.5.1.3.30";

/// The key pairs a card may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAlgorithm {
    /// Today's cards: RSA-2048, PKCS#1 v1.5, SHA-256.
    Rsa2048,
    /// The next cards: ECDSA on P-384 with SHA-384.
    P384,
}

/// Whether the card is fully in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardState {
    /// In force, and known not to be revoked as of a current list.
    Valid,
    /// Accepted for little; see [`Tier::Grace`].
    Grace(GraceCause),
}

/// Why a card is only in grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceCause {
    /// Expired less than three months ago.
    RecentlyExpired,
    /// No current revocation list of its authority.
    RevocationStale,
}

/// A certificate that a pinned authority issued and that is in force. Says nothing yet about who holds the card.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedCard {
    credential_digest: [u8; 32],
    algorithm: CardAlgorithm,
    not_after: i64,
    state: CardState,
    key: Vec<u8>,
}

impl VerifiedCard {
    /// SHA-256(SHA-256(authority's SPKI) ‖ serial): the same for every presentation of this certificate. Store only
    /// its keyed hash.
    pub fn credential_digest(&self) -> &[u8; 32] {
        &self.credential_digest
    }

    /// The key pair's kind.
    pub fn algorithm(&self) -> CardAlgorithm {
        self.algorithm
    }

    /// Last second of validity, Unix seconds.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// In force or in grace.
    pub fn state(&self) -> CardState {
        self.state
    }

    /// How far a presence of this card can reach at most.
    pub fn tier(&self) -> Tier {
        match self.state {
            CardState::Valid => Tier::Full,
            CardState::Grace(_) => Tier::Grace,
        }
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }
}

impl fmt::Debug for VerifiedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedCard").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Checks a DER card certificate, cheap steps first: size, kind, profile, issuer's signature, validity, revocation.
///
/// `now` is Unix seconds. A list that is missing or past its `nextUpdate` never opens more than grace.
pub fn verify_certificate(
    der: &[u8],
    cas: &CardCas,
    profile: &CardProfile,
    revocations: &Revocations,
    now: i64,
) -> Result<VerifiedCard, CardError> {
    if der.len() > MAX_CERTIFICATE {
        return Err(CardError::Malformed);
    }
    let certificate = x509::parse(der).map_err(|_| CardError::Malformed)?;
    let algorithm = check_profile(&certificate, profile)?;
    let ca_key_id = issuing_key(&certificate, cas, algorithm)?;
    let within = validity_at(&certificate, now)?;
    let serial =
        x509::positive_serial(certificate.tbs_certificate.raw_serial()).ok_or(CardError::Malformed)?;
    let credential_digest = credential_digest(&ca_key_id, serial);
    let state = match revocations.standing(&ca_key_id, &credential_digest, now) {
        Standing::Revoked => return Err(CardError::Revoked),
        Standing::Unknown => CardState::Grace(GraceCause::RevocationStale),
        Standing::Good => within,
    };
    Ok(VerifiedCard {
        credential_digest,
        algorithm,
        not_after: certificate.validity().not_after.timestamp(),
        state,
        key: certificate.public_key().subject_public_key.data.to_vec(),
    })
}

pub(super) fn credential_digest(ca_key_id: &[u8; 32], serial: &[u8]) -> [u8; 32] {
    sha256(&[ca_key_id, serial])
}

fn check_profile(
    certificate: &X509Certificate<'_>,
    profile: &CardProfile,
) -> Result<CardAlgorithm, CardError> {
    let extensions = Extensions::of(certificate).map_err(|_| CardError::Malformed)?;
    check_kind(&extensions, profile)?;
    let algorithm = signature_algorithm(certificate)
        .filter(|algorithm| CardAlgorithm::of_key(certificate.public_key()) == Some(*algorithm))
        .ok_or(CardError::Malformed)?;
    let raw_serial = certificate.tbs_certificate.raw_serial();
    let in_profile = certificate.version() == X509Version::V3
        && raw_serial.len() <= 20
        && x509::positive_serial(raw_serial).is_some()
        && !extensions.has_critical_beside(is_processed)
        && has_fitting_validity(certificate, algorithm);
    if in_profile { Ok(algorithm) } else { Err(CardError::Malformed) }
}

/// Tells a user authentication certificate from the signature certificate and from CAs, by every mark they have.
fn check_kind(extensions: &Extensions<'_>, profile: &CardProfile) -> Result<(), CardError> {
    let usage = extensions.key_usage().ok_or(CardError::Type)?;
    let authenticates = usage.digital_signature()
        && !usage.non_repudiation()
        && !usage.key_cert_sign()
        && !usage.crl_sign()
        && !extensions.is_ca();
    let personal = extensions.subject_names().iter().any(names_a_person);
    if authenticates && !personal && extensions.has_policy(&profile.policies) {
        Ok(())
    } else {
        Err(CardError::Type)
    }
}

/// The arc under which the signature certificate carries name, sex, birth date and address.
fn names_a_person(name: &GeneralName<'_>) -> bool {
    match name {
        GeneralName::OtherName(oid, _) => {
            let oid = oid.to_id_string();
            oid == PERSONAL_ARC || oid.strip_prefix(PERSONAL_ARC).is_some_and(|rest| rest.starts_with('.'))
        }
        _ => false,
    }
}

/// The extensions whose meaning is checked above; any other critical one is refused (RFC 5280 §4.2).
fn is_processed(parsed: &ParsedExtension<'_>) -> bool {
    matches!(
        parsed,
        ParsedExtension::KeyUsage(_)
            | ParsedExtension::BasicConstraints(_)
            | ParsedExtension::CertificatePolicies(_)
            | ParsedExtension::SubjectAlternativeName(_)
    )
}

/// Renewal is possible three months (next card: one year) early, hence the odd maxima.
fn has_fitting_validity(certificate: &X509Certificate<'_>, algorithm: CardAlgorithm) -> bool {
    let months = match algorithm {
        CardAlgorithm::Rsa2048 => 5 * 12 + 4,
        CardAlgorithm::P384 => 11 * 12 + 2,
    };
    let (from, to) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    from <= to && months_after(from, months).is_some_and(|limit| to <= limit)
}

fn issuing_key(
    certificate: &X509Certificate<'_>,
    cas: &CardCas,
    algorithm: CardAlgorithm,
) -> Result<[u8; 32], CardError> {
    if certificate.signature_value.unused_bits != 0 {
        return Err(CardError::Malformed);
    }
    let (signed, signature) = (certificate.tbs_certificate.as_ref(), &certificate.signature_value.data);
    cas.named(certificate.issuer().as_raw())
        .find(|ca| ca.signed(algorithm, signed, signature))
        .map(|ca| *ca.key_id())
        .ok_or(CardError::Untrusted)
}

/// Both ends are inclusive to the second; the three months of grace are counted in Japan's calendar.
fn validity_at(certificate: &X509Certificate<'_>, now: i64) -> Result<CardState, CardError> {
    let (from, to) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    if now < from {
        Err(CardError::Expired)
    } else if now <= to {
        Ok(CardState::Valid)
    } else if months_after(to, GRACE_MONTHS).is_some_and(|end| now < end) {
        Ok(CardState::Grace(GraceCause::RecentlyExpired))
    } else {
        Err(CardError::Expired)
    }
}

fn months_after(instant: i64, months: i64) -> Option<i64> {
    let tokyo = TimeZone::fixed(Offset::constant(9));
    let later = Timestamp::from_second(instant).ok()?.to_zoned(tokyo).checked_add(Span::new().months(months));
    Some(later.ok()?.timestamp().as_second())
}

const PERSONAL_ARC: &str = "1.2.392.200149.8.5.5";
const GRACE_MONTHS: i64 = 3;
