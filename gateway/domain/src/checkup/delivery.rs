//! What an institution is told of a record that it made: whether the municipality where the person lives has it, and has
//! read it.
//!
//! An urgent record is read when a person has acknowledged every case that it raised; that a program fetched it means
//! nothing. Any other is read when the municipality was first shown this version.

use jiff::Timestamp;

use super::urgent::{UNREAD_EN, UNREAD_JA};
use crate::eligibility::Text;

/// What is known of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// When this version was delivered; `None`: no municipality was known to be the person's.
    pub at: Option<Timestamp>,
    /// When the municipality was first shown this version.
    pub shown: Option<Timestamp>,
    /// For each urgent case of the record, when a person acknowledged it.
    pub cases: Vec<Option<Timestamp>>,
    /// Whether the record is urgent, also where nobody could be told.
    pub urgent: bool,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is at no municipality.
    NotDelivered,
    /// It is there, and nobody has read it.
    Unread,
    /// It was read then.
    Read(Timestamp),
}

impl Delivered {
    /// Where the record stands.
    pub fn state(&self) -> DeliveryState {
        if self.at.is_none() {
            return DeliveryState::NotDelivered;
        }
        let read = if self.cases.is_empty() { self.shown } else { self.acknowledged() };
        read.map_or(DeliveryState::Unread, DeliveryState::Read)
    }

    /// When the last of the cases was acknowledged; `None` as long as one waits.
    fn acknowledged(&self) -> Option<Timestamp> {
        let all: Option<Vec<Timestamp>> = self.cases.iter().copied().collect();
        all.and_then(|all| all.into_iter().max())
    }

    /// What that means for the institution.
    pub fn text(&self) -> Text {
        match (self.state(), self.urgent) {
            (DeliveryState::NotDelivered, true) => Text::new(
                "住所地の市町村が分からないため、どこにも届いていません。急いで伝えるべき内容です。市町村へ直接連絡し、\
                 差し迫った危険があるときは、医療機関で直ちに対応してください。",
                "No municipality is known to be this person's, so nobody was told, and it is urgent. Call the \
                 municipality yourself. If danger is imminent, it is yours to act now.",
            ),
            (DeliveryState::NotDelivered, false) => Text::new(
                "記録しました。住所地の市町村が分からないため、市町村には届いていません。",
                "Kept. No municipality is known to be this person's, so none has it.",
            ),
            (DeliveryState::Unread, true) => Text::new(UNREAD_JA, UNREAD_EN),
            (DeliveryState::Unread, false) => Text::new(
                "市町村に届きました。まだ読まれていません。",
                "Delivered to the municipality; not read yet.",
            ),
            (DeliveryState::Read(_), true) => {
                Text::new("市町村の担当者が読みました。", "A person at the municipality has read it.")
            }
            (DeliveryState::Read(_), false) => {
                Text::new("市町村が読みました。", "The municipality has read it.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_ordinary_record_is_read_when_it_was_shown() {
        let nowhere = Delivered::default();
        assert_eq!(nowhere.state(), DeliveryState::NotDelivered);
        let there = Delivered { at: Some(at(1)), ..nowhere };
        assert_eq!(there.state(), DeliveryState::Unread);
        assert_eq!(Delivered { shown: Some(at(9)), ..there }.state(), DeliveryState::Read(at(9)));
    }

    #[test]
    fn an_urgent_record_is_read_when_a_person_has_acknowledged_every_case() {
        let cases = |cases: &[Option<i64>]| Delivered {
            at: Some(at(1)),
            shown: Some(at(2)),
            cases: cases.iter().map(|read| read.map(at)).collect(),
            urgent: true,
        };
        for waiting in [&[None][..], &[Some(5), None], &[None, Some(5)]] {
            let delivered = cases(waiting);
            assert_eq!(delivered.state(), DeliveryState::Unread, "shown to a program is not read");
            assert_eq!(delivered.text(), Text::new(UNREAD_JA, UNREAD_EN));
        }
        assert_eq!(cases(&[Some(5), Some(7)]).state(), DeliveryState::Read(at(7)));
    }

    #[test]
    fn every_state_says_what_to_do_and_urgent_never_sounds_like_ordinary() {
        let mut said = std::collections::BTreeSet::new();
        for (there, shown) in [(None, None), (Some(at(1)), None), (Some(at(1)), Some(at(2)))] {
            for urgent in [false, true] {
                let cases = if urgent && there.is_some() { vec![shown] } else { Vec::new() };
                let text = Delivered { at: there, shown, cases, urgent }.text();
                assert!(said.insert((text.ja.clone(), text.en.clone())), "{text:?}");
            }
        }
    }
}
