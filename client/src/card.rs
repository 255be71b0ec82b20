//! A card as a terminal sees it: something that signs a text.

use pmh_auth::challenge::ToBeSigned;
use pmh_proto::presence::ReaderAssertion;

/// A card at a reader, its holder ready to be verified.
///
/// The text is checked against what the terminal asked before [`Card::sign`] is called. An implementation hashes it
/// itself, by SHA-256 for an RSA key and SHA-384 for P-384: a card signs whatever digest it is handed.
pub trait Card: Send {
    /// The user-authentication certificate and a signature over the text.
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError>;

    /// The reader's own word on how the holder was verified; needed for everything but a PIN.
    fn assertion(&mut self, _challenge: &ToBeSigned) -> Option<ReaderAssertion> {
        None
    }
}

/// What a card answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// User-authentication certificate, DER.
    pub certificate_der: Vec<u8>,
    /// RSA PKCS#1 v1.5 with SHA-256, or ECDSA P-384 with SHA-384 as DER.
    pub signature: Vec<u8>,
}

/// Why the card did not sign.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The PIN was wrong.
    #[error("the PIN was wrong")]
    WrongPin {
        /// Tries left before the card locks.
        tries_left: u8,
    },
    /// The PIN is locked; the municipality unlocks it.
    #[error("the card is locked")]
    Locked,
    /// No card, no reader, or an answer that cannot be understood.
    #[error("the card could not be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
