//! What one's own certificate says.

use pmh_audit::OrgRef;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The organization and terminal that a client certificate names.
///
/// Read, not judged: whether the certificate is good is for the gateway to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    organization: OrgRef,
    terminal: Option<String>,
    thumbprint: [u8; 32],
}

/// The certificate cannot be read, or names no organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client certificate names no organization")]
pub struct IdentityError;

impl Identity {
    /// Reads the URI names of a certificate, DER.
    pub fn from_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| IdentityError)?;
        let alternatives =
            certificate.subject_alternative_name().map_err(|_| IdentityError)?.ok_or(IdentityError)?;
        let uris: Vec<&str> = alternatives
            .value
            .general_names
            .iter()
            .filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None })
            .collect();
        let named = |prefix: &str| uris.iter().find_map(|uri| uri.strip_prefix(prefix));
        let organization = named(ORGANIZATION).ok_or(IdentityError)?;
        Ok(Self {
            organization: OrgRef::new(organization).map_err(|_| IdentityError)?,
            terminal: named(TERMINAL).map(str::to_owned),
            thumbprint: Sha256::digest(der).into(),
        })
    }

    /// `<kind>:<code>`, as in log entries.
    pub fn organization(&self) -> &OrgRef {
        &self.organization
    }

    /// `urn:x-pmh:org:<kind>:<code>`.
    pub fn urn(&self) -> String {
        format!("{ORGANIZATION}{}", self.organization)
    }

    /// The device, if the certificate names one.
    pub fn terminal(&self) -> Option<&str> {
        self.terminal.as_deref()
    }

    /// SHA-256 of the certificate, DER.
    pub fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }
}

const ORGANIZATION: &str = "urn:x-pmh:org:";
const TERMINAL: &str = "urn:x-pmh:term:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_certificate_name_nobody() {
        for bytes in [&b""[..], b"\x30\x00", b"\x30\x82\xff\xff", &[0; 64]] {
            assert_eq!(Identity::from_certificate(bytes), Err(IdentityError));
        }
    }
}
