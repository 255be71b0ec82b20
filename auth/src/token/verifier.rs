//! Verifying tokens: strict first, cheap first.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use super::claims::Claims;
use super::keys::KeySet;
use super::signer::install_provider;
use super::{LIFETIME, MAX_TOKEN, SKEW, TokenError};
use crate::jws::{self, JwsError};
use crate::peer::ClientIdentity;

/// Verifies tokens of one issuer.
#[derive(Clone, Debug)]
pub struct TokenVerifier {
    issuer: String,
    keys: KeySet,
}

/// A token whose signature and claims are in order. Whether it is current, and whose connection it may be used on,
/// is not decided yet.
#[derive(Clone, Debug)]
pub struct SignedToken {
    claims: Arc<Claims>,
    kid: Arc<str>,
}

/// A token of ours, in time, on the connection it is bound to.
#[derive(Clone, Debug)]
pub struct Verified {
    token: SignedToken,
}

impl TokenVerifier {
    /// Takes the issuer URL that tokens must name and the keys they may be signed with.
    pub fn new(issuer: &str, keys: KeySet) -> Self {
        install_provider();
        Self { issuer: issuer.to_owned(), keys }
    }

    /// Everything at once, without a cache. `now` is Unix seconds.
    pub fn verify(&self, token: &str, peer: &ClientIdentity, now: i64) -> Result<Verified, TokenError> {
        self.decode_signed(token)?.check(peer, now)
    }

    /// Header, key, signature, claims, issuer and audience: the part that never changes for one text.
    pub fn decode_signed(&self, token: &str) -> Result<SignedToken, TokenError> {
        let mut name = None;
        let claims: Claims = jws::open(token, TYPE, MAX_TOKEN, |kid| {
            name = kid.map(Arc::from);
            self.keys.get(kid?)
        })
        .map_err(|error| match error {
            JwsError::Signature | JwsError::UnknownKey => TokenError::Signature,
            JwsError::TooLarge | JwsError::Header | JwsError::Claims => TokenError::Invalid,
        })?;
        let lives_too_long = claims.exp.get().saturating_sub(claims.iat.get()) > LIFETIME;
        if claims.iss != self.issuer || !claims.agree() || lives_too_long {
            return Err(TokenError::Invalid);
        }
        let kid = name.ok_or(TokenError::Invalid)?;
        Ok(SignedToken { claims: Arc::new(claims), kid })
    }

    /// Whether tokens of this key are still accepted.
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.get(kid).is_some()
    }
}

impl SignedToken {
    /// Times and binding: the part that every call repeats.
    pub fn check(&self, peer: &ClientIdentity, now: i64) -> Result<Verified, TokenError> {
        let claims = &self.claims;
        if claims.exp.get() <= now.saturating_sub(SKEW) {
            return Err(TokenError::Expired);
        }
        let latest = now.saturating_add(SKEW);
        if claims.iat.get() > latest || claims.nbf.get() > latest {
            return Err(TokenError::NotYetValid);
        }
        let verified = Verified { token: self.clone() };
        if verified.is_bound_to(peer) { Ok(verified) } else { Err(TokenError::Binding) }
    }

    /// The key that signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What the token says, for the record of a refusal and for nothing else: it may be stolen or out of date, but it
    /// is genuine, and the person it names is to learn that it was tried.
    pub fn claims_for_record(&self) -> &Claims {
        &self.claims
    }
}

impl Verified {
    /// What the token says.
    pub fn claims(&self) -> &Claims {
        &self.token.claims
    }

    /// The key that signed it.
    pub fn kid(&self) -> &str {
        &self.token.kid
    }

    /// Whether this caller's certificate and organization are the ones in the token.
    pub fn is_bound_to(&self, peer: &ClientIdentity) -> bool {
        let same_certificate = self.claims().cnf.x5t_s256.0.ct_eq(peer.thumbprint());
        bool::from(same_certificate) && self.claims().client_id == *peer.organization()
    }
}

/// The bearer token among the values of the `authorization` header; `None` when there is no value.
///
/// Two values are refused: a proxy and we might each look at another one.
pub fn bearer<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<&'a str>, TokenError> {
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let token = value.strip_prefix(b"Bearer ").ok_or(TokenError::Header)?;
            std::str::from_utf8(token).map(Some).map_err(|_| TokenError::Header)
        }
        _ => Err(TokenError::Header),
    }
}

const TYPE: &str = "at+jwt";
