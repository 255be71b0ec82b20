//! How the holder was verified: the reader's word, and what it is worth.
//!
//! The card's signature says nothing about the PIN, the camera or the clerk. A PIN is taken from the terminal, as
//! every verifier must; a face match or a look counts only with an assertion signed by a registered reader, for this
//! very nonce.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde::Deserialize;
use std::time::Duration;
use webpki::{EndEntityCert, KeyPurposeIdIter};
use x509_parser::extensions::GeneralName;

use crate::jws::{self, Es256Key};
use crate::names::{Acr, UserVerification};
use crate::oid::PolicyOid;
use crate::peer::check_intermediate;
use crate::x509::{self, Extensions};

/// The reader's statement is missing, forged, about another challenge, or not from a registered reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// A method that needs a reader's statement came without one.
    #[error("this verification needs a statement of a registered reader")]
    Missing,
    /// The reader's certificate does not lead to our roots or lacks the reader policy.
    #[error("the reader's certificate is not trusted")]
    Certificate,
    /// The statement does not verify under that certificate.
    #[error("the reader's statement does not verify")]
    Statement,
    /// It is about another challenge or another method.
    #[error("the reader's statement is about another presentation")]
    Mismatch,
    /// It is too old or from the future.
    #[error("the reader's statement is not current")]
    Times,
    /// The method itself is not offered here: phone, or tap without an earlier presentation.
    #[error("this verification is not accepted here")]
    NotAccepted,
}

impl ReaderError {
    /// The public reason.
    pub const fn reason(self) -> &'static str {
        "READER_NOT_TRUSTED"
    }
}

/// Roots and policy by which reader certificates are known.
pub struct ReaderTrust {
    roots: Vec<TrustAnchor<'static>>,
    policy: PolicyOid,
}

/// What travels beside a presentation: the JWS, the reader's DER certificate and at most one intermediate.
#[derive(Clone, Copy)]
pub struct ReaderAssertion<'a> {
    /// Compact ES256 JWS of type `pmh-reader+jwt`.
    pub jws: &'a str,
    /// The reader's certificate.
    pub certificate: &'a [u8],
    /// The CA between it and the root, if there is one.
    pub intermediate: Option<&'a [u8]>,
}

/// A verified statement: this reader verified the holder of this presentation by this method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderStatement {
    used: UserVerification,
    reader: String,
}

impl ReaderStatement {
    /// The method.
    pub fn used(&self) -> UserVerification {
        self.used
    }

    /// Serial of the device, as in its certificate.
    pub fn reader(&self) -> &str {
        &self.reader
    }
}

impl ReaderTrust {
    /// Takes the DER roots of the institution CA and the policy that makes a leaf a reader's.
    pub fn new<'a>(
        roots: impl IntoIterator<Item = &'a [u8]>,
        policy: PolicyOid,
    ) -> Result<Self, ReaderError> {
        let roots = roots
            .into_iter()
            .map(|der| {
                webpki::anchor_from_trusted_cert(&CertificateDer::from(der)).map(|anchor| anchor.to_owned())
            })
            .collect::<Result<_, _>>()
            .map_err(|_| ReaderError::Certificate)?;
        Ok(Self { roots, policy })
    }

    /// Verifies a statement about the challenge with this nonce. `now` is Unix seconds.
    pub fn verify(
        &self,
        assertion: &ReaderAssertion<'_>,
        nonce: &[u8; 32],
        now: i64,
    ) -> Result<ReaderStatement, ReaderError> {
        let (key, serial) = self.registered(assertion, now)?;
        let claims: Claims = jws::open(assertion.jws, TYPE, MAX_JWS, |kid| kid.is_none().then_some(&key))
            .map_err(|_| ReaderError::Statement)?;
        let said = BASE64.decode(&claims.nonce).map_err(|_| ReaderError::Statement)?;
        if said != nonce || claims.reader != serial {
            return Err(ReaderError::Mismatch);
        }
        let age = now.saturating_sub(claims.iat);
        if !(-READER_SKEW..=MAX_AGE).contains(&age) {
            return Err(ReaderError::Times);
        }
        Ok(ReaderStatement { used: claims.used, reader: serial })
    }

    fn registered(
        &self,
        assertion: &ReaderAssertion<'_>,
        now: i64,
    ) -> Result<(Es256Key, String), ReaderError> {
        self.check_chain(assertion, now).ok_or(ReaderError::Certificate)?;
        let certificate = x509::parse(assertion.certificate).map_err(|_| ReaderError::Certificate)?;
        let extensions = Extensions::of(&certificate).map_err(|_| ReaderError::Certificate)?;
        let signs =
            extensions.key_usage().is_some_and(|usage| usage.digital_signature() && !usage.key_cert_sign());
        if !signs || extensions.is_ca() || !extensions.has_policy(std::slice::from_ref(&self.policy)) {
            return Err(ReaderError::Certificate);
        }
        let serial = serial(extensions.subject_names()).ok_or(ReaderError::Certificate)?;
        let point = &certificate.public_key().subject_public_key.data;
        Ok((Es256Key::from_point(point).map_err(|_| ReaderError::Certificate)?, serial))
    }

    fn check_chain(&self, assertion: &ReaderAssertion<'_>, now: i64) -> Option<()> {
        let leaf = CertificateDer::from(assertion.certificate);
        let leaf = EndEntityCert::try_from(&leaf).ok()?;
        assertion.intermediate.map_or(Ok(()), check_intermediate).ok()?;
        let intermediates: Vec<_> = assertion.intermediate.into_iter().map(CertificateDer::from).collect();
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now.try_into().ok()?));
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &self.roots,
            &intermediates,
            time,
            AnyPurpose,
            None,
            None,
        )
        .ok()?;
        Some(())
    }
}

/// Decides the class of a presentation from what the terminal says and what a reader proves.
///
/// `last_full` is when this credential was last presented in full at the same organization (Unix seconds).
pub fn establish(
    used: UserVerification,
    statement: Option<&ReaderStatement>,
    last_full: Option<i64>,
    now: i64,
) -> Result<Acr, ReaderError> {
    match used {
        UserVerification::Pin => Ok(Acr::Pin),
        UserVerification::Face => vouched(used, statement).map(|()| Acr::Face),
        UserVerification::Visual => vouched(used, statement).map(|()| Acr::Visual),
        UserVerification::Tap => match last_full {
            Some(then) if (0..=TAP_WINDOW).contains(&now.saturating_sub(then)) => Ok(Acr::Tap),
            _ => Err(ReaderError::NotAccepted),
        },
        // The phone's own certificate comes with a later card profile; a card cannot say "device".
        UserVerification::Device => Err(ReaderError::NotAccepted),
    }
}

fn vouched(used: UserVerification, statement: Option<&ReaderStatement>) -> Result<(), ReaderError> {
    match statement {
        None => Err(ReaderError::Missing),
        Some(statement) if statement.used == used => Ok(()),
        Some(_) => Err(ReaderError::Mismatch),
    }
}

fn serial(names: &[GeneralName<'_>]) -> Option<String> {
    let mut serials = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(SERIAL_PREFIX),
        _ => None,
    });
    match (serials.next(), serials.next()) {
        (Some(serial), None) if (1..=64).contains(&serial.len()) => Some(serial.to_owned()),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    nonce: String,
    used: UserVerification,
    reader: String,
    iat: i64,
}

/// A reader's leaf is known by its policy; extended key usages say nothing about it.
struct AnyPurpose;

impl webpki::ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

const TYPE: &str = "pmh-reader+jwt";
const SERIAL_PREFIX: &str = "urn:x-pmh:reader:";
const MAX_JWS: usize = 1024;
/// A statement lives as long as the challenge it is about.
const MAX_AGE: i64 = crate::challenge::LIFETIME;
const READER_SKEW: i64 = 5;
/// 24 hours.
const TAP_WINDOW: i64 = 24 * 3600;

#[cfg(test)]
mod tests;
