//! Issuing tokens. Only the auth role holds a signer; the gateway role verifies and never mints.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::claims::{
    Actor, Amr, Audience, BreakGlass, Bytes, Claims, Confirmation, Consent, EncryptedSubject, Presence,
    Purposes, Scopes, Seconds, Subject, Version,
};
use super::keys::KeySet;
use super::{LIFETIME, MAX_TOKEN, SKEW};
use crate::Random;
use crate::names::{Acr, CredentialKind, Tier};
use crate::organization::OrganizationUrn;
use crate::pairwise::{EncryptedSubjects, SubjectRef};

/// Signs tokens with one ES256 key.
pub struct TokenSigner {
    issuer: String,
    key: EncodingKey,
    kid: String,
    public: KeySet,
}

/// What the auth side decided about one presence; becomes one token.
#[derive(Clone)]
pub struct TokenRequest {
    /// The organization that may use the token.
    pub organization: OrganizationUrn,
    /// SHA-256 of the certificate that may use it.
    pub thumbprint: [u8; 32],
    /// The person's pairwise id before that organization.
    pub sub: String,
    /// The store's id of the person.
    pub subject_ref: SubjectRef,
    /// What it opens.
    pub scopes: Scopes,
    /// What for.
    pub purposes: Purposes,
    /// What the person agreed to.
    pub consent: Consent,
    /// How the holder was verified.
    pub acr: Acr,
    /// When the card signed, Unix seconds.
    pub auth_time: i64,
    /// Public id of the presence.
    pub presence_id: [u8; 16],
    /// How far it reaches.
    pub tier: Tier,
    /// Card or phone.
    pub credential: CredentialKind,
    /// A guardian or a member of staff who acts for the person.
    pub actor: Option<Actor>,
    /// The verified relation on which a guardian acts.
    pub relation: Option<String>,
    /// Break-glass.
    pub break_glass: Option<BreakGlass>,
    /// When the presence ends; the token ends no later. Unix seconds.
    pub not_after: i64,
}

/// A signed token.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The compact JWS, for the `authorization` header.
    pub token: String,
    /// Its name, 16 bytes; the log keeps SHA-256 of its spelling.
    pub jti: [u8; 16],
    /// Unix seconds.
    pub expires_at: i64,
}

/// Why no token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Not a PKCS#8 private key on P-256.
    #[error("the token key is not a PKCS#8 P-256 private key")]
    Key,
    /// A value of the request does not fit its claim.
    #[error("the token request has a value that does not fit")]
    Request,
    /// The presence is over.
    #[error("the presence has ended")]
    Ended,
    /// Too many grants or scopes.
    #[error("the token would be longer than 2,048 bytes")]
    TooLarge,
}

impl TokenSigner {
    /// Takes the issuer URL and a PKCS#8 DER key.
    pub fn from_pkcs8_der(issuer: &str, der: &[u8]) -> Result<Self, SignerError> {
        install_provider();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| SignerError::Key)?;
        let public = KeySet::from_point(pair.public_key().as_ref()).map_err(|_| SignerError::Key)?;
        let kid = public.kids().next().ok_or(SignerError::Key)?.to_owned();
        Ok(Self { issuer: issuer.to_owned(), key: EncodingKey::from_ec_der(der), kid, public })
    }

    /// Takes the issuer URL and a PKCS#8 PEM key.
    pub fn from_pkcs8_pem(issuer: &str, pem: &str) -> Result<Self, SignerError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| SignerError::Key)?;
        Self::from_pkcs8_der(issuer, der.secret_pkcs8_der())
    }

    /// The key's name: its RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, for verifiers; [`KeySet::to_jwks`] writes it as JSON.
    pub fn key_set(&self) -> &KeySet {
        &self.public
    }

    /// Signs a token that begins at `now` (Unix seconds) and lives five minutes, or to the end of the presence.
    pub fn issue(
        &self,
        request: &TokenRequest,
        subjects: &EncryptedSubjects,
        now: i64,
        random: Random<'_>,
    ) -> Result<IssuedToken, SignerError> {
        let expires_at = now.saturating_add(LIFETIME).min(request.not_after);
        if expires_at <= now {
            return Err(SignerError::Ended);
        }
        let claims = self.claims(request, subjects, now, expires_at, random).ok_or(SignerError::Request)?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.kid.clone());
        let token = jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| SignerError::Key)?;
        if token.len() > MAX_TOKEN {
            return Err(SignerError::TooLarge);
        }
        Ok(IssuedToken { token, jti: claims.jti.0, expires_at })
    }

    fn claims(
        &self,
        request: &TokenRequest,
        subjects: &EncryptedSubjects,
        now: i64,
        expires_at: i64,
        random: Random<'_>,
    ) -> Option<Claims> {
        let (mut jti, mut nonce) = ([0; 16], [0; 12]);
        random(&mut jti);
        random(&mut nonce);
        let jti = Bytes(jti);
        let esub =
            subjects.seal(&request.subject_ref, &jti.to_string(), request.organization.as_str(), nonce);
        Some(Claims {
            iss: self.issuer.clone(),
            aud: Audience,
            exp: Seconds::new(expires_at)?,
            iat: Seconds::new(now)?,
            nbf: Seconds::new(now - SKEW)?,
            jti,
            sub: Subject::new(request.sub.clone())?,
            client_id: request.organization.clone(),
            cnf: Confirmation { x5t_s256: Bytes(request.thumbprint) },
            role: request.organization.role(),
            scope: request.scopes.clone(),
            pou: request.purposes.clone(),
            cns: request.consent.clone(),
            acr: request.acr,
            amr: Amr::of(request.acr),
            auth_time: Seconds::new(request.auth_time)?,
            pres: Presence { id: Bytes(request.presence_id), tier: request.tier, cred: request.credential },
            esub: EncryptedSubject::new(esub)?,
            act: request.actor.clone(),
            rel: request.relation.clone(),
            btg: request.break_glass.clone(),
            v: Version,
        })
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Names the library's backend explicitly: should another crate ever switch on a second one, the library's own choice
/// would panic at the first signature. A second installation is refused by the library and is not an error.
pub(super) fn install_provider() {
    let _already_installed = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}
