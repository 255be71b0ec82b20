//! Revocation lists of the card authorities: read and verified once, then looked up in a sorted set.

use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::num_bigint::BigUint;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::authority::CardCas;
use super::certificate::{CardAlgorithm, credential_digest};
use crate::x509;

/// Why a list is not taken. The one in force stays in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Over 64 MiB.
    #[error("the revocation list is too large")]
    TooLarge,
    /// Unreadable.
    #[error("the revocation list cannot be read")]
    Malformed,
    /// Delta, indirect or partial lists, and critical extensions that we do not process.
    #[error("the revocation list has a scope that is not supported")]
    Scope,
    /// Not signed by a pinned authority that may sign lists.
    #[error("the revocation list was not signed by a trusted authority")]
    Untrusted,
    /// From the future, or without `nextUpdate`.
    #[error("the revocation list has unusable dates")]
    Dates,
    /// Older than the one in force.
    #[error("the revocation list is older than the one in force")]
    Older,
}

/// One verified list of one authority.
#[derive(Clone)]
pub struct RevocationList {
    ca_key_id: [u8; 32],
    this_update: i64,
    next_update: i64,
    /// CRL number, big-endian without leading zeros; 0 when the list has none.
    number: Vec<u8>,
    /// Credential digests, sorted. No serial number is kept.
    revoked: Vec<[u8; 32]>,
}

impl RevocationList {
    /// Reads a DER list and verifies it with the pinned authorities. `now` is Unix seconds.
    pub fn from_der(der: &[u8], cas: &CardCas, now: i64) -> Result<Self, CrlError> {
        if der.len() > MAX_LIST {
            return Err(CrlError::TooLarge);
        }
        let Ok(([], list)) = CertificateRevocationList::from_der(der) else {
            return Err(CrlError::Malformed);
        };
        check_scope(&list)?;
        let ca_key_id = signing_key(&list, cas)?;
        let this_update = list.last_update().timestamp();
        let next_update = list.next_update().ok_or(CrlError::Dates)?.timestamp();
        if this_update > now.saturating_add(CLOCK_SKEW) || next_update < this_update {
            return Err(CrlError::Dates);
        }
        let mut revoked = list
            .iter_revoked_certificates()
            .map(|entry| x509::positive_serial(entry.raw_serial()).map(|s| credential_digest(&ca_key_id, s)))
            .collect::<Option<Vec<_>>>()
            .ok_or(CrlError::Malformed)?;
        revoked.sort_unstable();
        let number = list.crl_number().map(BigUint::to_bytes_be).unwrap_or_default();
        Ok(Self { ca_key_id, this_update, next_update, number, revoked })
    }

    /// How many certificates it names.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether the authority made this list before `other`: by its date or by its number.
    fn is_older_than(&self, other: &Self) -> bool {
        let smaller = (self.number.len(), &self.number) < (other.number.len(), &other.number);
        self.this_update < other.this_update || smaller
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// When the next one is due, Unix seconds.
    pub fn next_update(&self) -> i64 {
        self.next_update
    }
}

/// The lists in force, one per authority.
#[derive(Clone, Default)]
pub struct Revocations {
    lists: Vec<RevocationList>,
}

impl Revocations {
    /// No list at all: every card is in grace.
    pub fn none() -> Self {
        Self::default()
    }

    /// Puts a list in the place of its authority's older one.
    pub fn install(&mut self, list: RevocationList) -> Result<(), CrlError> {
        match self.lists.iter_mut().find(|held| held.ca_key_id == list.ca_key_id) {
            Some(held) if list.is_older_than(held) => return Err(CrlError::Older),
            Some(held) => *held = list,
            None => self.lists.push(list),
        }
        Ok(())
    }

    /// Whether a credential is known to be revoked; only of a list whose `nextUpdate` is ahead is silence good news.
    pub(super) fn standing(&self, ca_key_id: &[u8; 32], credential_digest: &[u8; 32], now: i64) -> Standing {
        match self.lists.iter().find(|list| list.ca_key_id == *ca_key_id) {
            Some(list) if list.revoked.binary_search(credential_digest).is_ok() => Standing::Revoked,
            Some(list) if now <= list.next_update => Standing::Good,
            _ => Standing::Unknown,
        }
    }
}

/// What the lists say about one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Revoked,
    Unknown,
}

/// A partial list would make silence about the rest look like good news.
fn check_scope(list: &CertificateRevocationList<'_>) -> Result<(), CrlError> {
    let unknown = |extension: &X509Extension<'_>| {
        extension.critical && !matches!(extension.parsed_extension(), ParsedExtension::CRLNumber(_))
    };
    let partial = |extension: &X509Extension<'_>| match extension.parsed_extension() {
        ParsedExtension::IssuingDistributionPoint(_) => true,
        _ => extension.oid.to_id_string() == DELTA_INDICATOR,
    };
    let beyond = list.extensions().iter().any(|extension| unknown(extension) || partial(extension))
        || list.iter_revoked_certificates().any(|entry| entry.extensions().iter().any(|e| e.critical));
    if beyond { Err(CrlError::Scope) } else { Ok(()) }
}

fn signing_key(list: &CertificateRevocationList<'_>, cas: &CardCas) -> Result<[u8; 32], CrlError> {
    let same = list.tbs_cert_list.signature == list.signature_algorithm;
    let algorithm = CardAlgorithm::of_signature(&list.signature_algorithm).filter(|_| same);
    let (signed, signature) = (list.tbs_cert_list.as_ref(), &list.signature_value.data);
    let algorithm = algorithm.ok_or(CrlError::Untrusted)?;
    cas.named(list.issuer().as_raw())
        .find(|ca| ca.signs_lists() && ca.signed(algorithm, signed, signature))
        .map(|ca| *ca.key_id())
        .ok_or(CrlError::Untrusted)
}

const MAX_LIST: usize = 64 * 1024 * 1024;
const CLOCK_SKEW: i64 = 5;
const DELTA_INDICATOR: &str = "2.5.29.27";
