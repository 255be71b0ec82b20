//! The fake card at this program's reader.

use pmh_client::{Card, CardError, Signed};
use pmh_testkit::card::{CardRefusal, FakeCard, terminal};

/// A card in the field, and the PIN that its holder types.
#[derive(Debug)]
pub struct HeldCard {
    card: FakeCard,
    pin: String,
}

impl HeldCard {
    /// The holder types this PIN, right or wrong.
    pub fn new(card: FakeCard, pin: &str) -> Self {
        Self { card, pin: pin.to_owned() }
    }

    /// The holder types this one instead.
    pub fn types(&mut self, pin: &str) {
        pin.clone_into(&mut self.pin);
    }
}

impl Card for HeldCard {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        match terminal::present(&mut self.card, to_be_signed, &self.pin) {
            Ok(presented) => {
                Ok(Signed { certificate_der: presented.certificate_der, signature: presented.signature })
            }
            Err(terminal::TerminalError::Card(CardRefusal::WrongPin { tries_left })) => {
                Err(CardError::WrongPin { tries_left })
            }
            Err(terminal::TerminalError::Card(CardRefusal::Locked)) => Err(CardError::Locked),
            Err(other) => Err(CardError::Unreadable(Box::new(other))),
        }
    }
}
