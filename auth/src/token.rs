//! The access token: five minutes, one organization, one certificate, one person.
//!
//! | stage | type | done |
//! |---|---|---|
//! | signature and claims | [`SignedToken`] | once per token; may be cached |
//! | times and binding | [`Verified`] | on every call |
//! | revocation | [`DenyList::check`] | on every call |
//! | rights | [`Permit`](crate::policy::Permit) | on every call |
//!
//! Revocation goes by `jti` and presence, never by the token's text or hash: whoever has an ES256 signature (r, s) can
//! write (r, n−s), another text that verifies as well. We accept both and know them as one token.

mod cache;
mod claims;
mod deny;
mod keys;
mod signer;
mod verifier;

pub use cache::{CACHE_CAPACITY, TokenCache};
pub use claims::{
    Actor, Amr, Audience, BreakGlass, Bytes, Claims, Confirmation, Consent, Consented, Presence, Purposes,
    Scopes, Seconds, Version,
};
pub use deny::DenyList;
pub use keys::{KeySet, KeySetError};
pub use signer::{IssuedToken, SignerError, TokenRequest, TokenSigner};
pub use verifier::{SignedToken, TokenVerifier, Verified, bearer};

/// The one audience.
pub const AUDIENCE: &str = "urn:x-pmh:api";
/// Longest life: 300 seconds.
pub const LIFETIME: i64 = 300;
/// Clocks may differ by 5 seconds.
pub const SKEW: i64 = 5;
/// Longest text.
pub const MAX_TOKEN: usize = 2048;

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Two `authorization` values, or one that is not `Bearer`.
    #[error("the authorization header is not one bearer token")]
    Header,
    /// Not a token of ours: size, form, type, claims, issuer or audience.
    #[error("the token is not one of ours")]
    Invalid,
    /// Signed by nobody we know.
    #[error("the token's signature does not verify")]
    Signature,
    /// Past its end.
    #[error("the token has expired")]
    Expired,
    /// From the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Of another organization or another certificate than this connection's.
    #[error("the token is bound to another client certificate")]
    Binding,
    /// Withdrawn before its end.
    #[error("the token has been revoked")]
    Revoked,
    /// The visit it was made for has ended.
    #[error("the presence has ended")]
    PresenceEnded,
}

impl TokenError {
    /// The public reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Header | Self::Invalid | Self::Signature | Self::NotYetValid | Self::Revoked => {
                "TOKEN_INVALID"
            }
            Self::Expired => "TOKEN_EXPIRED",
            Self::Binding => "TOKEN_BINDING",
            Self::PresenceEnded => "PRESENCE_ENDED",
        }
    }
}

#[cfg(test)]
mod tests;
