//! The text a card signs, and the state that the gateway does not keep between Begin and Complete (identity.md §6.2).
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

/// What stands for the consent dialogue in the signed text: SHA-256 over the text shown and the items offered.
///
/// Each part goes in behind its length (four bytes, big-endian), the items sorted, so that no two dialogues agree.
pub fn consent_digest(shown: &str, offered: &[String]) -> [u8; 32] {
    let mut items: Vec<&str> = offered.iter().map(String::as_str).collect();
    items.sort_unstable();
    let mut text = Vec::new();
    for part in std::iter::once(shown).chain(items) {
        text.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
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
