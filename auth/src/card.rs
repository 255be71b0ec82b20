//! Was a genuine card presented, and is it still in force?
//!
//! A small verifier of its own instead of a web PKI path builder: the JPKI profile seems to mark certificate policies
//! critical, which webpki refuses; several CAs carry the same name with different keys; and nothing the card brings
//! along may take part in trust. The chain has length one, from the leaf to a pinned CA.
//!
//! The card's *signature* certificate (署名用) carries name, address, birth date and sex. It is refused before any
//! byte of it is kept, and no error here can hold a byte of a certificate.

mod authority;
mod certificate;
mod presentation;
mod revocation;

pub use authority::{AuthorityError, CardCas};
pub use certificate::{
    CardAlgorithm, CardProfile, CardState, GraceCause, PRODUCTION_POLICY, VerifiedCard, verify_certificate,
};
pub use presentation::{PresentedCard, verify_presentation};
pub use revocation::{CrlError, RevocationList, Revocations};

/// Largest card certificate that is looked at: 4 KiB.
pub const MAX_CERTIFICATE: usize = 4 * 1024;
/// Largest card signature that is looked at.
pub const MAX_SIGNATURE: usize = 512;

/// Why a card is not accepted. Each has one public reason, and none holds anything of the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Another kind of certificate: the signature certificate, a CA, a policy that is not configured.
    #[error("the certificate is not a user authentication certificate")]
    Type,
    /// Too large, unreadable, or outside the profile.
    #[error("the card certificate does not keep the profile")]
    Malformed,
    /// Not signed by a pinned CA.
    #[error("the card certificate was not issued by a trusted authority")]
    Untrusted,
    /// Not yet valid, or expired three months ago or longer.
    #[error("the card certificate is not in force")]
    Expired,
    /// On the authority's revocation list.
    #[error("the card certificate is revoked")]
    Revoked,
    /// The signature over the challenge does not verify.
    #[error("the card's signature does not fit the challenge")]
    Signature,
}

impl CardError {
    /// The public reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Type => "CARD_CERT_TYPE",
            Self::Malformed => "CARD_CERT_MALFORMED",
            Self::Untrusted => "CARD_CERT_UNTRUSTED",
            Self::Expired => "CARD_CERT_EXPIRED",
            Self::Revoked => "CARD_CERT_REVOKED",
            Self::Signature => "CARD_SIGNATURE",
        }
    }
}

#[cfg(test)]
mod tests;
