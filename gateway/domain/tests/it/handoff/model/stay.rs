//! The stay side's half: what it believes, from what arrived there.

use std::collections::BTreeSet;

use pmh_domain::handoff::{Duty, StayState};

use super::{Fact, GRACE, Model, NEWBORN, Word, changes_owed, owed};
use crate::handoff::world::{ANSWER_BY, FIRST, LAST};

impl Model {
    /// Whether the stay side believes that it may act.
    pub(in crate::handoff) fn stay_acts(&self, duty: Duty) -> bool {
        let took = self.took().contains(&duty) && !self.gave_back().contains(&duty);
        // The prefix that it knows of, at the last fact that told of a change.
        let told = self.arrived.iter().rfind(|place| changes_owed(&self.facts, **place));
        let is_owed = !NEWBORN.contains(&duty) || told.is_none_or(|place| owed(&self.facts[..=*place]));
        let in_stay = (FIRST..=self.stay_last()).contains(&self.today);
        self.stay_state() == Some(StayState::Active) && took && is_owed && in_stay
    }

    /// Where the stay side believes to be; `None` before the offer.
    pub(in crate::handoff) fn stay_state(&self) -> Option<StayState> {
        if !self.offer_arrived {
            return None;
        }
        let said = |wanted: &dyn Fn(&Word) -> bool| self.words.iter().any(wanted);
        if self.has_heard_end()
            || self.has_arrived(|fact| *fact == Fact::Returned)
            || said(&|word| *word == Word::Silence)
        {
            return Some(StayState::Over);
        }
        if said(&|word| *word == Word::Return) {
            return Some(StayState::Returned);
        }
        if said(&|word| *word == Word::Decline) {
            return Some(StayState::Declined);
        }
        let (state, until) = match (said(&|word| matches!(word, Word::Accept(_))), self.is_confirmed_there())
        {
            (false, _) => (StayState::Offered, ANSWER_BY),
            (true, false) => (StayState::Accepted, self.stay_last()),
            (true, true) => (StayState::Active, self.stay_last() + GRACE),
        };
        Some(if self.today > until { StayState::Over } else { state })
    }

    /// Whether the stay side may say this now.
    pub(in crate::handoff) fn may_say(&self, word: &Word) -> bool {
        let Some(state) = self.stay_state() else { return false };
        let is_silent = self.words.contains(&Word::Silence);
        match word {
            Word::Accept(duties) => state == StayState::Offered && !duties.is_empty(),
            Word::Decline => state == StayState::Offered,
            Word::Longer(last) => {
                let asked = self.words.iter().rev().find_map(|word| match word {
                    Word::Longer(last) => Some(*last),
                    _ => None,
                });
                let is_later = *last > self.stay_last() && self.today <= self.stay_last();
                state == StayState::Active && asked != Some(*last) && is_later
            }
            Word::Back(duties) => {
                let are_held = !duties.is_empty() && duties.is_subset(&self.took());
                state == StayState::Active && are_held && !duties.is_subset(&self.gave_back())
            }
            Word::Unconsent(categories) => {
                let before = self.words.iter().flat_map(|word| match word {
                    Word::Unconsent(categories) => categories.clone(),
                    _ => BTreeSet::new(),
                });
                let is_open = [StayState::Offered, StayState::Accepted, StayState::Active].contains(&state);
                is_open && !categories.is_subset(&before.collect())
            }
            Word::Return => {
                let is_said = self.words.contains(&Word::Return);
                self.is_confirmed_there() && !is_said && !self.has_heard_end() && !is_silent
            }
            Word::Report(duty, _) => state == StayState::Active && self.took().contains(duty),
            Word::Silence => !is_silent,
        }
    }

    /// Whether the stay side enters one of home's facts when it arrives.
    pub(in crate::handoff) fn stay_takes(&self, place: usize) -> bool {
        let is_silent = self.words.contains(&Word::Silence);
        // Whoever reported hears that it was read, also when it is over.
        let is_deaf = self.has_heard_end() && !matches!(self.facts[place], Fact::Read(_));
        self.offer_arrived && !is_silent && !is_deaf && !self.arrived.contains(&place)
    }

    /// Whether the stay side waits for home to have read its word.
    pub(in crate::handoff) fn waits_there(&self, word: usize) -> bool {
        let is_urgent = matches!(self.words.get(word), Some(Word::Report(_, true)));
        is_urgent && !self.has_arrived(|fact| *fact == Fact::Read(word))
    }

    fn has_heard_end(&self) -> bool {
        self.has_arrived(|fact| {
            matches!(fact, Fact::Moved | Fact::Withdrawn | Fact::Closed | Fact::Unconsent(_))
        })
    }

    fn is_confirmed_there(&self) -> bool {
        self.has_arrived(|fact| matches!(fact, Fact::Confirmed(_)))
    }

    fn has_arrived(&self, wanted: impl Fn(&Fact) -> bool) -> bool {
        self.arrived.iter().any(|place| wanted(&self.facts[*place]))
    }

    fn took(&self) -> BTreeSet<Duty> {
        let took = self.words.iter().find_map(|word| match word {
            Word::Accept(duties) => Some(duties.clone()),
            _ => None,
        });
        took.unwrap_or_default()
    }

    fn gave_back(&self) -> BTreeSet<Duty> {
        let back = |word: &Word| match word {
            Word::Back(duties) => duties.clone(),
            _ => BTreeSet::new(),
        };
        self.words.iter().flat_map(back).collect()
    }

    /// What the stay side takes for the last day.
    pub(in crate::handoff) fn stay_last(&self) -> i64 {
        let told = self.arrived.iter().rev().find_map(|place| match self.facts[*place] {
            Fact::Confirmed(last) | Fact::Shortened(last) => Some(last),
            _ => None,
        });
        told.unwrap_or(LAST)
    }
}
