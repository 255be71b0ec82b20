//! Which organization holds the other end of a TLS connection.
//!
//! Two steps with different audiences. In the handshake [`OrganizationVerifier`] accepts chains that end in our roots
//! and leaves that keep the profile; what it refuses is seen as a TLS alert. After the handshake
//! [`ClientIdentity::from_certificate`] reads the name; a certificate without one gets a connection on which every
//! call is answered ORG_IDENTITY_MISSING, so that a vendor reads the reason instead of guessing at an alert.
//! Nothing works without a [`ClientIdentity`], and only a certificate makes one.

mod profile;
mod verifier;

use std::fmt;

use x509_parser::extensions::GeneralName;

use crate::crypto::sha256;
use crate::names::Role;
use crate::organization::{self, OrganizationUrn};
use crate::x509::{self, Extensions};

pub use profile::{LeafProfile, ProfileViolation, RsaKeys, check_intermediate};
pub use verifier::{OrganizationVerifier, VerifierError};

/// Why a certificate names no organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The certificate cannot be read.
    #[error("the client certificate cannot be read")]
    Malformed,
    /// It breaks the leaf profile.
    #[error("the client certificate breaks the profile")]
    Profile(#[from] ProfileViolation),
    /// Not yet valid or expired.
    #[error("the client certificate is outside its validity")]
    OutsideValidity,
    /// No URI names an organization.
    #[error("the client certificate names no organization")]
    Missing,
    /// Two organizations, two terminals, or a URI that is neither.
    #[error("the client certificate names more than one organization or terminal, or something else")]
    Ambiguous,
}

impl PeerError {
    /// The public reason: from outside, each of these is an absent identity.
    pub const fn reason(self) -> &'static str {
        "ORG_IDENTITY_MISSING"
    }
}

/// The organization and terminal that a client certificate names.
///
/// Only a name: kind and standing come from the registry ([`crate::policy::Caller`]).
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    organization: OrganizationUrn,
    terminal: Option<String>,
    thumbprint: [u8; 32],
    serial_hash: [u8; 32],
    not_after: i64,
}

impl ClientIdentity {
    /// Reads the name in a certificate that the handshake has accepted; checks the profile and the validity again.
    ///
    /// `der` is the leaf, `now` Unix seconds.
    pub fn from_certificate(der: &[u8], now: i64, profile: &LeafProfile) -> Result<Self, PeerError> {
        let certificate = x509::parse(der).map_err(|_| PeerError::Malformed)?;
        profile.check_parsed(&certificate)?;
        let validity = certificate.validity();
        if now < validity.not_before.timestamp() || now > validity.not_after.timestamp() {
            return Err(PeerError::OutsideValidity);
        }
        let extensions = Extensions::of(&certificate).map_err(|_| PeerError::Malformed)?;
        let (organization, terminal) = names(extensions.subject_names())?;
        let issuer = certificate.issuer().as_raw();
        Ok(Self {
            organization,
            terminal,
            thumbprint: sha256(&[der]),
            serial_hash: sha256(&[&sha256(&[issuer]), certificate.tbs_certificate.raw_serial()]),
            not_after: validity.not_after.timestamp(),
        })
    }

    /// The organization's URN.
    pub fn organization(&self) -> &OrganizationUrn {
        &self.organization
    }

    /// The kind that the certificate claims; the registry must agree.
    pub fn claimed_role(&self) -> Role {
        self.organization.role()
    }

    /// The device, if the certificate names one.
    pub fn terminal(&self) -> Option<&str> {
        self.terminal.as_deref()
    }

    /// SHA-256 of the DER certificate: `x5t#S256` of RFC 8705.
    pub fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// SHA-256(SHA-256(issuer name) ‖ serial): finds the certificate in a revocation view.
    pub fn serial_hash(&self) -> &[u8; 32] {
        &self.serial_hash
    }

    /// Last second of validity; the connection ends no later.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("organization", &self.organization)
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

/// `x5t#S256` of a certificate: SHA-256 over its DER (RFC 8705 §3.1).
pub fn thumbprint(der: &[u8]) -> [u8; 32] {
    sha256(&[der])
}

/// Exactly one organization and at most one terminal among the URIs. Names of other types carry no identity here.
fn names(all: &[GeneralName<'_>]) -> Result<(OrganizationUrn, Option<String>), PeerError> {
    let (mut organization, mut terminal) = (None, None);
    for name in all {
        let GeneralName::URI(uri) = name else { continue };
        let seen_before = if uri.starts_with(organization::PREFIX) {
            let urn = OrganizationUrn::parse(uri).map_err(|_| PeerError::Missing)?;
            organization.replace(urn).is_some()
        } else {
            let id = uri.strip_prefix(organization::TERMINAL_PREFIX).ok_or(PeerError::Ambiguous)?;
            if !organization::is_terminal_id(id) {
                return Err(PeerError::Ambiguous);
            }
            terminal.replace(id.to_owned()).is_some()
        };
        if seen_before {
            return Err(PeerError::Ambiguous);
        }
    }
    Ok((organization.ok_or(PeerError::Missing)?, terminal))
}

#[cfg(test)]
mod tests;
