//! What can go wrong between a terminal and a gateway.

use pmh_auth::challenge::OfferError;

use crate::card::CardError;
use crate::receipt::ProofError;
use crate::refusal::Refused;

/// Why there is no answer that may be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The gateway says no, and why.
    #[error("the gateway refused: {}", .0.name())]
    Refused(Box<Refused>),
    /// No answer of the gateway arrived: the connection broke, or something between answered instead. A write may or
    /// may not have happened; send it again under the same key.
    #[error("no answer of the gateway arrived")]
    Broken(#[source] Box<tonic::Status>),
    /// An answer arrived, but its proof does not hold. It must not be shown or used.
    #[error("the answer is not proved and must not be used")]
    Proof(#[from] ProofError),
    /// The text to be signed is not what was asked for; the card was not touched.
    #[error("the gateway's challenge is not what this terminal asked for")]
    Offer(#[from] OfferError),
    /// The card did not sign.
    #[error("the card did not sign")]
    Card(#[from] CardError),
    /// An answer lacks what the contract promises, named here.
    #[error("the answer lacks what the contract promises: {0}")]
    Contract(&'static str),
}

impl Error {
    /// The refusal, if the gateway gave one.
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }
}
