//! The text a card signs, and the state that the gateway does not keep between Begin and Complete.
//!
//! A card signs whatever digest its reader hands it, so nothing on the card tells one service's challenge from
//! another's; the text itself must. It names us, the organization, its certificate, the terminal, the purposes and
//! the consent shown, and the terminal builds the digest itself from that text.
//!
//! Begin writes nothing: what it decided travels to the terminal and back, sealed under a key of the hour. Complete
//! makes one insert, of the nonce's hash; its primary key is the replay guard.

mod offer;
mod sealed;
mod to_be_signed;

use crate::crypto::sha256;

pub use offer::{Offer, OfferError, verify_offer};
pub use sealed::{Challenge, ChallengeError, ChallengeKey, Wish};
pub use to_be_signed::{PREFIX, TbsError, ToBeSigned};

/// How long a challenge lives: 120 seconds.
pub const LIFETIME: i64 = 120;
/// Largest sealed state: 1 KiB.
pub const MAX_SEALED: usize = 1024;

/// What stands for the consent dialogue in the signed text: SHA-256 over the SHA-256 of the text shown, which is all
/// that the gateway learns of it, and the items offered.
///
/// Each item goes in behind its length (four bytes, big-endian), the items sorted, so that no two dialogues agree.
pub fn consent_digest(text_sha256: &[u8; 32], offered: &[String]) -> [u8; 32] {
    let mut items: Vec<&str> = offered.iter().map(String::as_str).collect();
    items.sort_unstable();
    let mut text = text_sha256.to_vec();
    for item in items {
        text.extend_from_slice(&u32::try_from(item.len()).unwrap_or(u32::MAX).to_be_bytes());
        text.extend_from_slice(item.as_bytes());
    }
    sha256(&[&text])
}

/// What stands for the scopes in the signed text: SHA-256 over the sorted scopes, joined by single spaces.
pub fn scopes_digest(scopes: &[String]) -> [u8; 32] {
    let mut sorted: Vec<&str> = scopes.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sha256(&[sorted.join(" ").as_bytes()])
}

#[cfg(test)]
mod tests;
