//! The terminal's side: what it checks before it lets a card sign.

use super::{LIFETIME, TbsError, ToBeSigned, consent_digest, scopes_digest};
use crate::crypto::sha256;
use crate::names::{Purpose, UserVerification};

/// What the terminal asked for and shows to the holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The auth service this terminal is configured for.
    pub issuer: String,
    /// The terminal's own organization, as URN.
    pub organization: String,
    /// SHA-256 of the certificate it speaks with.
    pub thumbprint: [u8; 32],
    /// Its own id.
    pub terminal: String,
    /// The purposes it asked for, in any order.
    pub purposes: Vec<Purpose>,
    /// The scopes it asked for, in any order.
    pub scopes: Vec<String>,
    /// The consent text on its screen.
    pub consent_shown: String,
    /// The items offered there, in any order.
    pub consent_offered: Vec<String>,
    /// How the holder shall be verified.
    pub wanted: UserVerification,
}

/// Why a terminal must not let the card sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Not a challenge of ours at all.
    #[error("not a card presentation challenge")]
    NotAChallenge(#[from] TbsError),
    /// Another service, organization, certificate or terminal.
    #[error("the challenge names another service, organization, certificate or terminal")]
    Parties,
    /// Other purposes, scopes or consent than asked for and shown, or another verification.
    #[error("the challenge asks for something else than the terminal did")]
    Request,
    /// Expired, from the future, or living too long.
    #[error("the challenge is not current")]
    Times,
}

/// Checks a received challenge against one's own request, before the card sees it (R-CRD-12).
pub fn verify_offer(to_be_signed: &[u8], expected: &Offer, now: i64) -> Result<ToBeSigned, OfferError> {
    let got = ToBeSigned::decode(to_be_signed)?;
    let mut purposes = expected.purposes.clone();
    purposes.sort_unstable_by_key(|purpose| purpose.as_str());

    let parties = got.issuer == expected.issuer
        && got.organization == expected.organization
        && got.thumbprint == expected.thumbprint
        && got.terminal == expected.terminal;
    let request = got.purposes == purposes
        && got.scopes_digest == scopes_digest(&expected.scopes)
        && got.consent_digest
            == consent_digest(&sha256(&[expected.consent_shown.as_bytes()]), &expected.consent_offered)
        && got.wanted == expected.wanted;
    let lifetime = got.expires_at.saturating_sub(got.issued_at);
    let current = got.issued_at <= now.saturating_add(TERMINAL_SKEW)
        && now < got.expires_at.saturating_add(TERMINAL_SKEW)
        && (1..=LIFETIME).contains(&lifetime);

    if !parties {
        Err(OfferError::Parties)
    } else if !request {
        Err(OfferError::Request)
    } else if !current {
        Err(OfferError::Times)
    } else {
        Ok(got)
    }
}

/// Reception computers' clocks are worse than servers'; the gateway's own check of the expiry is strict.
const TERMINAL_SKEW: i64 = 60;
