//! Proof that the card itself was there: its signature over our challenge.

use super::certificate::VerifiedCard;
use super::{CardError, MAX_SIGNATURE};

/// A verified card that signed a given challenge.
///
/// It proves the card, not whether a PIN, a face match or a clerk's look unlocked it: the method is the reader's
/// claim; see [`crate::reader::establish`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedCard(VerifiedCard);

impl PresentedCard {
    /// The card.
    pub fn card(&self) -> &VerifiedCard {
        &self.0
    }
}

/// Checks the card's signature over the exact bytes of [`crate::challenge::ToBeSigned::encode`].
///
/// RSA signatures are PKCS#1 v1.5 with SHA-256, P-384 signatures DER with SHA-384.
pub fn verify_presentation(
    card: VerifiedCard,
    to_be_signed: &[u8],
    signature: &[u8],
) -> Result<PresentedCard, CardError> {
    let verifies =
        signature.len() <= MAX_SIGNATURE && card.algorithm().verifies(card.key(), to_be_signed, signature);
    if verifies { Ok(PresentedCard(card)) } else { Err(CardError::Signature) }
}
