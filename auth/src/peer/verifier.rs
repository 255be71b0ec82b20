//! The handshake's half of the check, as rustls wants it.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use super::profile::{LeafProfile, ProfileViolation, RsaKeys, check_intermediate};

/// Accepts a client whose chain ends in one of our roots and whose leaf keeps the profile.
///
/// Revocation is not decided here: a list checked per handshake costs milliseconds, and an open connection must end
/// too when its certificate is revoked. The edge looks the certificate up in its own view and closes what it must.
pub struct OrganizationVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    profile: LeafProfile,
}

/// The roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// A root is not a certificate.
    #[error("a root certificate cannot be read")]
    Root(#[source] Error),
    /// No root at all.
    #[error("there are no usable root certificates")]
    NoRoots(#[source] rustls::server::VerifierBuilderError),
}

impl OrganizationVerifier {
    /// Takes the DER roots that organizations' certificates must lead to.
    pub fn new(
        roots: impl IntoIterator<Item = CertificateDer<'static>>,
        profile: LeafProfile,
    ) -> Result<Self, VerifierError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root).map_err(VerifierError::Root)?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider)
            .build()
            .map_err(VerifierError::NoRoots)?;
        Ok(Self { chain, profile })
    }
}

impl ClientCertVerifier for OrganizationVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check_intermediates(intermediates)?;
        self.profile.check(end_entity).map_err(refused)?;
        self.chain.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    /// Only what the profile takes is offered; the default set also names ML-DSA and PKCS#1.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
        ];
        if self.profile.rsa == RsaKeys::From3072 {
            schemes.extend([SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PSS_SHA384]);
        }
        schemes
    }
}

impl fmt::Debug for OrganizationVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrganizationVerifier").field("profile", &self.profile).finish_non_exhaustive()
    }
}

fn check_intermediates(intermediates: &[CertificateDer<'_>]) -> Result<(), Error> {
    if intermediates.len() > 1 {
        return Err(refused(ProfileViolation::Intermediates));
    }
    intermediates.iter().try_for_each(|der| check_intermediate(der)).map_err(refused)
}

fn refused(violation: ProfileViolation) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(violation))))
}
