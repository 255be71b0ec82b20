//! Why a counter has no answer, and what it can go by.

use pmh_client::{CardError, ConnectError, Error};
use pmh_domain::eligibility::{Text, refusal_line};

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No connection.
    #[error("no connection to the gateway")]
    Connect(#[from] ConnectError),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// The holder acts for no such child.
    #[error("the card's holder acts for no such child")]
    NoChild,
    /// The holder acts for several; one has to be named.
    #[error("the card's holder acts for several children; --child-birth-date chooses")]
    SeveralChildren,
}

impl Trouble {
    /// Stable name: the gateway's reason, or a name of ours for what happened on this side.
    pub fn reason(&self) -> &str {
        match self {
            Self::Connect(_) | Self::Call(Error::Broken(_)) => "UNREACHABLE",
            Self::Call(Error::Refused(refused)) => refused.name(),
            Self::Call(Error::Proof(_)) => "NOT_PROVED",
            Self::Call(Error::Offer(_)) => "CHALLENGE_NOT_AS_ASKED",
            Self::Call(Error::Card(CardError::WrongPin { .. })) => "CARD_PIN_WRONG",
            Self::Call(Error::Card(CardError::Locked)) => "CARD_PIN_LOCKED",
            Self::Call(Error::Card(CardError::Unreadable(_))) => "CARD_UNREADABLE",
            Self::Call(Error::Contract(_)) => "CONTRACT",
            Self::NoChild => "NO_CHILD",
            Self::SeveralChildren => "SEVERAL_CHILDREN",
        }
    }

    /// Whether the same attempt may succeed later.
    pub fn may_pass_later(&self) -> bool {
        match self {
            Self::Connect(error) => matches!(error, ConnectError::Unreachable(_)),
            Self::Call(Error::Broken(_)) => true,
            Self::Call(error) => error.refused().is_some_and(pmh_client::Refused::may_pass_later),
            Self::NoChild | Self::SeveralChildren => false,
        }
    }

    /// What the receptionist reads.
    pub fn line(&self) -> Text {
        match self {
            Self::Call(Error::Card(CardError::WrongPin { tries_left })) => Text::new(
                format!(
                    "暗証番号が違います（あと{tries_left}回）。もう一度入力をお願いしてください。{PAPER_JA}"
                ),
                format!("The PIN was wrong ({tries_left} tries left): ask for it again. {PAPER_EN}"),
            ),
            Self::Call(Error::Card(CardError::Locked)) => Text::new(
                format!("暗証番号がロックされています。解除は市区町村の窓口でできます。{PAPER_JA}"),
                format!("The PIN is locked; the municipality unlocks it. {PAPER_EN}"),
            ),
            // The reason of the same side, which has the words.
            Self::Call(Error::Card(CardError::Unreadable(_))) => refusal_line("CARD_SIGNATURE"),
            Self::NoChild => Text::new(
                format!("このカードの方が手続きできるお子さまの登録が見つかりません。{PAPER_JA}"),
                format!("No child is registered for whom the card's holder may act. {PAPER_EN}"),
            ),
            Self::SeveralChildren => Text::new(
                format!("お子さまが複数登録されています。受診する方を選んでください。{PAPER_JA}"),
                format!("Several children are registered: choose the patient. {PAPER_EN}"),
            ),
            other => refusal_line(other.reason()),
        }
    }
}

const PAPER_JA: &str = "この表示は受給資格の有無を示すものではありません。紙の受給者証は通常どおり使えます。";
const PAPER_EN: &str = "This says nothing about the right; the paper certificate counts as always.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_says_that_paper_counts() {
        let card = |error| Trouble::Call(Error::Card(error));
        let all = [
            Trouble::Connect(ConnectError::NotHttp2),
            card(CardError::WrongPin { tries_left: 2 }),
            card(CardError::Locked),
            card(CardError::Unreadable("x".into())),
            Trouble::Call(Error::Contract("x")),
            Trouble::NoChild,
            Trouble::SeveralChildren,
        ];
        for trouble in all {
            let Text { ja, en } = trouble.line();
            assert!(ja.contains("紙の受給者証") && en.contains("paper"), "{}", trouble.reason());
        }
    }
}
