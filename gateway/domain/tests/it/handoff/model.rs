//! What ought to be, written apart from the rules: a history of facts, and
//! every question answered by reading all of it again. It knows nothing of
//! leaves, receipts or states that change; only who said what, when, and which
//! of it arrived.

mod stay;

use std::collections::BTreeSet;

use pmh_domain::handoff::{BirthOrder, Category, Duty, Holder, Loss, Person, State};

use super::world::{ANSWER_BY, CONSENTED, FIRST, LAST, STATUTORY};

const GRACE: i64 = 14;
const NEWBORN: [Duty; 3] = [Duty::NewbornVisit, Duty::InfantCheckup, Duty::Vaccination];

/// What home's book says happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    Accepted(BTreeSet<Duty>),
    Declined,
    /// With the last day.
    Confirmed(i64),
    Asked(i64),
    Shortened(i64),
    Back(BTreeSet<Duty>),
    Consent(BTreeSet<Category>),
    Unconsent(BTreeSet<Category>),
    PlaceHidden,
    Hidden,
    Born(u8, u8),
    Lost(Loss),
    Found(Loss),
    Merged(u8),
    Moved,
    /// What the stay side said in this word.
    Reported(usize),
    /// A person read that word's report.
    Read(usize),
    Returned,
    Withdrawn,
    Closed,
}

/// What the stay side's book says that it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Accept(BTreeSet<Duty>),
    Decline,
    Longer(i64),
    Back(BTreeSet<Duty>),
    Unconsent(BTreeSet<Category>),
    Return,
    /// In the course of a duty, urgent or not.
    Report(Duty, bool),
    /// Told to nobody: from here on it is silent.
    Silence,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) today: i64,
    /// Whether the offer states a law beside the consent.
    pub(super) has_law: bool,
    /// Home's book.
    pub(super) facts: Vec<Fact>,
    /// The stay side's.
    pub(super) words: Vec<Word>,
    /// Which of home's facts the stay side has, by place; it knows the offer.
    pub(super) arrived: BTreeSet<usize>,
    pub(super) offer_arrived: bool,
    /// Which words home acted on.
    pub(super) heard: BTreeSet<usize>,
}

impl Model {
    pub(super) fn state(&self) -> State {
        let has = |wanted: &dyn Fn(&Fact) -> bool| self.facts.iter().any(wanted);
        if let Some(end) = self.end() {
            return end;
        }
        if has(&|fact| *fact == Fact::Returned) {
            return State::Returned;
        }
        if has(&|fact| *fact == Fact::Declined) {
            return State::Declined;
        }
        if !has(&|fact| matches!(fact, Fact::Accepted(_))) {
            return if self.today > ANSWER_BY { State::Expired } else { State::Offered };
        }
        let (state, until) =
            if self.confirms() > 0 { (State::Active, self.last() + GRACE) } else { (State::Accepted, LAST) };
        if self.today > until { State::Expired } else { state }
    }

    pub(super) fn holder(&self, duty: Duty) -> Option<Holder> {
        if self.end_fact() == Some(&Fact::Moved) {
            return Some(Holder::NewHome);
        }
        if NEWBORN.contains(&duty) && !owed(&self.facts) {
            return None;
        }
        let is_day = (FIRST..=self.last()).contains(&self.today);
        let is_stay = self.state() == State::Active && is_day && self.accepted().contains(&duty);
        Some(if is_stay && !self.back().contains(&duty) { Holder::Stay } else { Holder::Home })
    }

    pub(super) fn may_read(&self, person: Person, category: Category, duty: Option<Duty>) -> bool {
        if self.state() != State::Active {
            return false;
        }
        let of_child = [Category::ChildCheckups, Category::ChildVaccinations].contains(&category);
        let is_theirs = match person {
            Person::Mother => !of_child,
            Person::Child(order) => of_child && self.lives(order),
        };
        let is_hidden = category == Category::Place && self.facts.contains(&Fact::PlaceHidden);
        let by_law = self.has_law
            && category == STATUTORY
            && duty == Some(Duty::NewbornVisit)
            && self.holder(Duty::NewbornVisit) == Some(Holder::Stay);
        is_theirs && !is_hidden && (self.consented().contains(&category) || by_law)
    }

    /// Whether home enters this word when it arrives.
    pub(super) fn home_takes(&self, word: usize) -> bool {
        let is_hidden = self.facts.contains(&Fact::Hidden);
        if is_hidden || self.heard.contains(&word) {
            return false;
        }
        let state = self.state();
        let is_active = state == State::Active;
        match &self.words[word] {
            Word::Accept(_) | Word::Decline => state == State::Offered,
            Word::Longer(last) => is_active && *last > self.last() && self.today <= self.last(),
            Word::Back(_) => is_active,
            Word::Unconsent(_) => self.is_open(),
            Word::Return => is_active || state == State::Expired,
            Word::Report(..) => true,
            Word::Silence => false,
        }
    }

    /// Whether a person at home has still to read this word.
    pub(super) fn waits(&self, word: usize) -> bool {
        let is_urgent = matches!(self.words.get(word), Some(Word::Report(_, true)));
        is_urgent && self.facts.contains(&Fact::Reported(word)) && !self.facts.contains(&Fact::Read(word))
    }

    /// What home enters for a word.
    pub(super) fn fact_of(&self, word: usize) -> Fact {
        match self.words[word].clone() {
            Word::Accept(duties) => Fact::Accepted(duties),
            Word::Decline => Fact::Declined,
            Word::Longer(last) => Fact::Asked(last),
            Word::Back(duties) => Fact::Back(duties),
            Word::Unconsent(categories) => Fact::Unconsent(categories),
            Word::Return => Fact::Returned,
            Word::Report(..) => Fact::Reported(word),
            Word::Silence => unreachable!("silence is told to nobody"),
        }
    }

    /// The confirm that home would enter now.
    pub(super) fn confirm(&self) -> Option<Fact> {
        match self.state() {
            State::Accepted if self.today >= FIRST => Some(Fact::Confirmed(LAST)),
            State::Active if self.today <= self.last() => self.asked().map(Fact::Confirmed),
            _ => None,
        }
    }

    pub(super) fn may_shorten(&self, last: i64) -> bool {
        self.state() == State::Active && last < self.last() && last >= self.today.max(FIRST)
    }

    pub(super) fn may_be_born(&self, order: u8, of: u8) -> bool {
        let born = self.facts.iter().filter_map(|fact| match fact {
            Fact::Born(order, of) => Some((*order, *of)),
            _ => None,
        });
        (1..=of).contains(&order) && born.clone().all(|(other, twins)| other != order && twins == of)
    }

    pub(super) fn is_lost(&self, loss: Loss) -> bool {
        lost(&self.facts).contains(&loss)
    }

    pub(super) fn consented(&self) -> BTreeSet<Category> {
        consented(&self.facts)
    }

    pub(super) fn is_open(&self) -> bool {
        [State::Offered, State::Accepted, State::Active].contains(&self.state())
    }

    pub(super) fn confirms(&self) -> usize {
        self.facts.iter().filter(|fact| matches!(fact, Fact::Confirmed(_))).count()
    }

    /// Whether the stay side is told of a fact.
    pub(super) fn is_told(&self, place: usize) -> bool {
        match &self.facts[place] {
            Fact::Confirmed(_)
            | Fact::Shortened(_)
            | Fact::Consent(_)
            | Fact::Read(_)
            | Fact::Returned
            | Fact::Moved
            | Fact::Withdrawn
            | Fact::Closed => true,
            Fact::Unconsent(_) => self.ends_at() == Some(place),
            Fact::Born(..) | Fact::Lost(_) | Fact::Found(_) => changes_owed(&self.facts, place),
            _ => false,
        }
    }

    pub(super) fn lives(&self, order: BirthOrder) -> bool {
        let lost = lost(&self.facts);
        let is_born = self.facts.iter().any(|fact| matches!(fact, Fact::Born(one, _) if *one == order.0));
        is_born && !lost.contains(&Loss::Pregnancy) && !lost.contains(&Loss::Child(order))
    }

    pub(super) fn last(&self) -> i64 {
        let told = self.facts.iter().rev().find_map(|fact| match fact {
            Fact::Confirmed(last) | Fact::Shortened(last) => Some(*last),
            _ => None,
        });
        told.unwrap_or(LAST)
    }

    /// The wish that waits for home.
    fn asked(&self) -> Option<i64> {
        let decides = |fact: &&Fact| matches!(fact, Fact::Asked(_) | Fact::Confirmed(_) | Fact::Shortened(_));
        match self.facts.iter().rfind(decides) {
            Some(Fact::Asked(last)) => Some(*last),
            _ => None,
        }
    }

    fn end(&self) -> Option<State> {
        match self.end_fact()? {
            Fact::Moved | Fact::Closed => Some(State::Closed),
            _ => Some(State::Withdrawn),
        }
    }

    fn end_fact(&self) -> Option<&Fact> {
        self.ends_at().map(|place| &self.facts[place])
    }

    /// Where it ended: first, for nothing ends twice.
    fn ends_at(&self) -> Option<usize> {
        let ends = |place: &usize| match &self.facts[*place] {
            Fact::Moved | Fact::Closed | Fact::Withdrawn | Fact::Hidden => true,
            Fact::Unconsent(_) => !self.has_law && consented(&self.facts[..=*place]).is_empty(),
            _ => false,
        };
        (0..self.facts.len()).find(ends)
    }

    fn accepted(&self) -> BTreeSet<Duty> {
        let accepted = self.facts.iter().find_map(|fact| match fact {
            Fact::Accepted(duties) => Some(duties.clone()),
            _ => None,
        });
        accepted.unwrap_or_default()
    }

    fn back(&self) -> BTreeSet<Duty> {
        let back = |fact: &Fact| match fact {
            Fact::Back(duties) => duties.clone(),
            _ => BTreeSet::new(),
        };
        self.facts.iter().flat_map(back).collect()
    }
}

fn consented(facts: &[Fact]) -> BTreeSet<Category> {
    let mut all = BTreeSet::from(CONSENTED);
    for fact in facts {
        match fact {
            Fact::Consent(more) => all.extend(more),
            Fact::Unconsent(less) => all.retain(|category| !less.contains(category)),
            _ => {}
        }
    }
    all
}

fn lost(facts: &[Fact]) -> BTreeSet<Loss> {
    let mut all = BTreeSet::new();
    for fact in facts {
        match fact {
            Fact::Lost(loss) => all.extend([*loss]),
            Fact::Found(loss) => all.retain(|known| known != loss),
            _ => {}
        }
    }
    all
}

fn owed(facts: &[Fact]) -> bool {
    let lost = lost(facts);
    let of = facts.iter().find_map(|fact| match fact {
        Fact::Born(_, of) => Some(*of),
        _ => None,
    });
    let left = |of: u8| (1..=of).any(|order| !lost.contains(&Loss::Child(BirthOrder(order))));
    !lost.contains(&Loss::Pregnancy) && of.is_none_or(left)
}

fn changes_owed(facts: &[Fact], place: usize) -> bool {
    owed(&facts[..place]) != owed(&facts[..=place])
}
