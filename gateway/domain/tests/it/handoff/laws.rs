//! Random histories of two municipalities against the model (issue 6, line 1).
//!
//! A failure: two holders of a duty, or none while it is owed; an act of the
//! stay side that home would take for the holder's though it is not; a read
//! outside consent or stated law, period, category or person; a state without
//! its entries in both logs; a state that a crash changes; a lie that changes
//! anything. No failure: that the stay side believes to hold a duty which
//! home's log took back and told of, while that is still under way: its report
//! is then worth `Late`.
//!
//! With `PMH_TEST_SCALE=full`: at least 100,000 steps.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pmh_domain::handoff::{
    Alarm, Assessment, Binding, BirthOrder, Category, Consent, ConsentOrigin, Decision, DeclineReason, Duty,
    Fence, GivenDose, Giver, Holder, Home, HomeAct, HomeSays, LeafHash, News, Notice, NoticeId, Offer,
    Officer, OneTimeCode, Person, Refusal, Report, Restriction, Side, Standing, State, Stay, StaySays, Write,
    holder,
};
use pmh_domain::resident::ResidentKey;
use pmh_domain::time::tokyo_date;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use super::lies::tell;
use super::model::{Fact, Model, Word};
use super::op::{Op, any_beginning, any_op};
use super::pairs::check_pairs;
use super::world::{
    DUTIES, FIRST, Receipt, World, all_accepted, answers, code, day, officers, terms, without_law,
};

#[test]
fn p8_random_histories_agree_with_the_model() {
    let (cases, ops) = if is_full() { (1_200, 60..140) } else { (80, 40..90) };
    let config = Config { cases, max_shrink_iters: 4_000, failure_persistence: None, ..Config::default() };
    let steps = Cell::new(0_usize);
    let seen = RefCell::new(BTreeMap::<State, usize>::new());
    let histories = (any::<bool>(), any_beginning(), prop::collection::vec(any_op(), ops));
    let outcome = TestRunner::new(config).run(&histories, |(has_law, beginning, ops)| {
        let mut walk = Walk::new(has_law);
        for op in beginning.into_iter().chain(ops) {
            let told = format!("{op:?}");
            walk.step(op);
            walk.check(&told);
            steps.set(steps.get() + 1);
            *seen.borrow_mut().entry(walk.model.state()).or_default() += 1;
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let (least, states) = if is_full() { (100_000, 8) } else { (3_000, 5) };
    assert!(steps.get() >= least, "{} steps", steps.get());
    let seen = seen.into_inner();
    let is_wide = seen.len() >= states && seen[&State::Active] * 5 > steps.get();
    assert!(is_wide, "the walks hardly ever got anywhere: {seen:?}");
}

/// Both sides and what ought to be, walking together.
struct Walk {
    world: World,
    model: Model,
    /// Leaf of each of the model's words.
    words: Vec<LeafHash>,
}

impl Walk {
    fn new(has_law: bool) -> Self {
        let terms = if has_law { terms() } else { without_law() };
        let world = World::offering(Offer::new(terms).unwrap());
        Self { world, model: Model { has_law, ..Model::default() }, words: Vec::new() }
    }

    fn step(&mut self, op: Op) {
        let Self { world, model, .. } = self;
        let now = world.now;
        match op {
            Op::Days(days) => {
                world.pass_days(days);
                model.today += days;
            }
            Op::Confirm => {
                let fact = model.confirm();
                let decided = world.home.confirm(now);
                self.home(decided, fact);
            }
            Op::Shorten(last) => {
                let fact = model.may_shorten(last).then_some(Fact::Shortened(last));
                let decided = world.home.shorten(day(last), now);
                self.home(decided, fact);
            }
            Op::Consent(categories) => {
                let fact = model.is_open().then(|| Fact::Consent(categories.clone()));
                let consent = Consent::received(Giver::Mother, categories, ConsentOrigin::App).unwrap();
                let decided = world.home.give_consent(consent, now);
                self.home(decided, fact);
            }
            Op::Unconsent(categories) => {
                let stands = !model.consented().is_disjoint(&categories);
                let fact = (model.is_open() && stands).then(|| Fact::Unconsent(categories.clone()));
                let decided = world.home.withdraw_consent(&categories, None, now);
                self.home(decided, fact);
            }
            Op::HidePlace => {
                let fact = Some(Fact::PlaceHidden).filter(|fact| !model.facts.contains(fact));
                let decided = Ok(world.home.restrict(Restriction::Place));
                self.home(decided, fact);
            }
            Op::Hide => {
                let fact = Some(Fact::Hidden).filter(|fact| !model.facts.contains(fact));
                let decided = Ok(world.home.restrict(Restriction::OtherSide));
                self.home(decided, fact);
            }
            Op::Birth(order, of) => {
                let fact = model.may_be_born(order, of).then_some(Fact::Born(order, of));
                let decided = world.home.birth(notice(order, of));
                self.home(decided, fact);
            }
            Op::Loss(loss) => {
                let fact = (!model.is_lost(loss)).then_some(Fact::Lost(loss));
                let decided = Ok(world.home.loss(loss));
                self.home(decided, fact);
            }
            Op::Found(loss) => {
                let fact = model.is_lost(loss).then_some(Fact::Found(loss));
                let decided = Ok(world.home.correct_loss(loss, officers()));
                self.home(decided, fact);
            }
            Op::Merge(order) => {
                let is_known =
                    model.facts.iter().any(|fact| matches!(fact, Fact::Born(one, _) if *one == order));
                let fact = Some(Fact::Merged(order)).filter(|fact| is_known && !model.facts.contains(fact));
                let resident = ResidentKey::parse(&format!("child-{order}")).unwrap();
                let decided = world.home.merge(BirthOrder(order), resident, officers());
                self.home(decided, fact);
            }
            Op::Moved => {
                let fact = model.is_open().then_some(Fact::Moved);
                let decided = world.home.moved(day(model.today), now);
                self.home(decided, fact);
            }
            Op::Withdraw => {
                let fact = model.is_open().then_some(Fact::Withdrawn);
                let decided = world.home.withdraw(now);
                self.home(decided, fact);
            }
            Op::Close => {
                let is_due = [State::Returned, State::Expired].contains(&model.state());
                let decided = world.home.close(now);
                self.home(decided, is_due.then_some(Fact::Closed));
            }
            Op::Say(word) => self.say(word),
            Op::Read(which) => {
                if self.words.is_empty() {
                    return;
                }
                let word = which.index(self.words.len());
                if !matches!(model.words[word], Word::Report(..)) {
                    return;
                }
                let fact = model.waits(word).then_some(Fact::Read(word));
                let decided = world.home.acknowledge(self.words[word], Officer("h-07".into()));
                self.home(decided, fact);
            }
            Op::WrongCode => {
                let wrong = Binding::Code(OneTimeCode([1; 16]));
                assert!(!world.decide_stay(|stay, now| stay.accept(&wrong, all_accepted(), now)));
                assert!(!world.decide_stay(|stay, now| stay.accept(
                    &Binding::Requested,
                    all_accepted(),
                    now
                )));
            }
            Op::Arrive { at: Side::Stay, which, again } => {
                let Some(receipt) = pick(&mut world.to_stay, which, again) else { return };
                self.arrives_at_stay(&receipt);
            }
            Op::Arrive { at: Side::Home, which, again } => {
                let Some(receipt) = pick(&mut world.to_home, which, again) else { return };
                self.arrives_at_home(&receipt);
            }
            Op::Vanish { at: Side::Stay, which } => drop(pick(&mut world.to_stay, which, false)),
            Op::Vanish { at: Side::Home, which } => drop(pick(&mut world.to_home, which, false)),
            Op::Resend => world.resend(),
            Op::Crash => world.crash(),
            Op::Lie(lie, which) => tell(&mut self.world, lie, which),
        }
    }

    /// What home decided, and the fact that ought to come of it.
    fn home(&mut self, decided: Decided, fact: Option<Fact>) {
        assert_eq!(self.world.at_home(decided), fact.is_some(), "{fact:?}");
        self.model.facts.extend(fact);
    }

    fn say(&mut self, word: Word) {
        let expected = self.model.may_say(&word);
        let said = self.world.decide_stay(|stay, now| match &word {
            Word::Accept(duties) => answers(duties).and_then(|answers| stay.accept(&code(), answers, now)),
            Word::Decline => stay.decline(DeclineReason::NotOffered, now),
            Word::Longer(last) => stay.ask_longer(day(*last), now),
            Word::Back(duties) => stay.give_back(duties.clone(), now),
            Word::Unconsent(categories) => stay.withdraw_consent(categories.clone(), now),
            Word::Return => stay.give_all_back(),
            Word::Report(duty, urgent) => stay.report(a_report(*duty, *urgent, now), now),
            Word::Silence => Ok(stay.restrict()),
        });
        assert_eq!(said, expected, "{word:?}");
        if said {
            self.words.push(self.world.stay_log.last().unwrap().name.leaf);
            self.model.words.push(word);
        }
    }

    fn arrives_at_stay(&mut self, receipt: &Receipt<HomeSays>) {
        let leaf = receipt.statement.entry.leaf;
        let place = self.world.home_log.iter().position(|entry| entry.name.leaf == leaf).unwrap();
        let Some(place) = place.checked_sub(1) else {
            let is_new = !self.model.offer_arrived;
            assert_eq!(self.world.stay_hears(receipt), is_new);
            self.model.offer_arrived = true;
            return;
        };
        let expected = self.model.stay_takes(place);
        assert_eq!(self.world.stay_hears(receipt), expected, "{:?}", receipt.statement);
        if expected {
            self.model.arrived.insert(place);
        }
    }

    fn arrives_at_home(&mut self, receipt: &Receipt<StaySays>) {
        let word = self.words.iter().position(|leaf| *leaf == receipt.statement.entry.leaf).unwrap();
        let expected = self.model.home_takes(word);
        assert_eq!(self.world.home_hears(receipt), expected, "{:?}", receipt.statement);
        if expected {
            self.model.heard.insert(word);
            self.model.facts.push(self.model.fact_of(word));
        }
    }

    fn check(&self, op: &str) {
        let Self { world, model, .. } = self;
        assert_eq!(world.day(), model.today);
        assert_eq!(world.home.state(world.now), model.state(), "{op}");
        let stay_state = world.stay.as_ref().map(|stay| stay.state(world.now));
        assert_eq!(stay_state, model.stay_state(), "{op}");
        self.check_duties(op);
        self.check_reads(op);
        self.check_reports(op);
        check_pairs(world);
        assert_eq!(Home::rebuild(&world.home_log).as_ref(), Some(&world.home), "{op}: a crash changes it");
        assert_eq!(Stay::rebuild(&world.stay_log), world.stay, "{op}: a crash changes it");
    }

    fn check_duties(&self, op: &str) {
        let Self { world, model, .. } = self;
        for duty in Duty::ALL {
            let held_by = holder(&world.home_log, duty, world.now);
            assert_eq!(held_by, model.holder(duty), "{op} {duty:?}");
            let acts = world.stay.as_ref().and_then(|stay| stay.may_act(duty, world.now).ok());
            assert_eq!(acts.is_some(), model.stay_acts(duty), "{op} {duty:?}");
            let Some(fence) = acts else { continue };
            let worth = world.home.judge(Write { duty, fence, done_on: day(model.today) }, world.now);
            let is_holders = held_by == Some(Holder::Stay) && world.home.fence() == Some(fence);
            assert_eq!(worth == Ok(Standing::UnderDuty), is_holders, "{op} {duty:?}");
            assert!(
                is_holders || self.is_news_under_way(),
                "{op} {duty:?}: it acts and was never told to stop"
            );
        }
        let unknown = Write { duty: DUTIES[0], fence: Fence(1), done_on: day(model.today) };
        assert!(world.home.judge(unknown, world.now).is_err());
    }

    /// Whether home entered something that the stay side does not know yet.
    fn is_news_under_way(&self) -> bool {
        let is_missing = |place: usize| self.model.is_told(place) && !self.model.arrived.contains(&place);
        self.model.facts.contains(&Fact::Hidden) || (0..self.model.facts.len()).any(is_missing)
    }

    /// A report is entered once, and waits on each side until a person at home has read it.
    fn check_reports(&self, op: &str) {
        let Self { world, model, words } = self;
        let said = |wanted: &dyn Fn(usize) -> bool| -> Vec<LeafHash> {
            let is_report = |word: &usize| matches!(model.words[*word], Word::Report(..));
            (0..words.len()).filter(is_report).filter(|word| wanted(*word)).map(|word| words[word]).collect()
        };
        let mut entered: Vec<_> = world.home.reports().iter().map(|known| known.of.leaf).collect();
        let mut expected = said(&|word| model.facts.contains(&Fact::Reported(word)));
        entered.sort();
        expected.sort();
        assert_eq!(entered, expected, "{op}: each once");
        let is_report = |alarm: &Alarm| {
            words
                .iter()
                .zip(&model.words)
                .any(|(leaf, word)| *leaf == alarm.of.leaf && matches!(word, Word::Report(..)))
        };
        let of = |alarms: Vec<Alarm>| -> BTreeSet<LeafHash> {
            alarms.iter().filter(|alarm| is_report(alarm)).map(|alarm| alarm.of.leaf).collect()
        };
        assert_eq!(of(world.home.alarms()), said(&|word| model.waits(word)).into_iter().collect(), "{op}");
        let Some(stay) = &world.stay else { return };
        assert_eq!(of(stay.alarms()), said(&|word| model.waits_there(word)).into_iter().collect(), "{op}");
    }

    fn check_reads(&self, op: &str) {
        let Self { world, model, .. } = self;
        let children = (1..=3).map(|order| Person::Child(BirthOrder(order)));
        for person in children.chain([Person::Mother]) {
            for category in Category::ALL {
                for duty in [None, Some(Duty::NewbornVisit), Some(Duty::Consultation)] {
                    let read = world.reads(person, category, duty);
                    let expected = model.may_read(person, category, duty);
                    assert_eq!(read.is_ok(), expected, "{op} {person:?} {category:?} {duty:?}: {read:?}");
                    let Ok(disclosure) = read else { continue };
                    let is_cited = world.stay_log.iter().any(|entry| entry.name == disclosure.cites());
                    assert!(is_cited, "a disclosure cites the stay side's accept");
                }
            }
        }
        let living: Vec<_> = world.home.children().living().collect();
        let expected: Vec<_> = (1..=3).map(BirthOrder).filter(|order| model.lives(*order)).collect();
        assert_eq!(living, expected, "{op}: of a lost child nothing is said");
    }
}

type Decided = Result<Decision<HomeAct>, Refusal>;

fn pick<S: Clone>(link: &mut Vec<Receipt<S>>, which: Index, again: bool) -> Option<Receipt<S>> {
    if link.is_empty() {
        return None;
    }
    let place = which.index(link.len());
    Some(if again { link[place].clone() } else { link.remove(place) })
}

fn notice(order: u8, plurality: u8) -> Notice {
    Notice { id: NoticeId([order; 16]), order: BirthOrder(order), plurality, born_on: day(FIRST) }
}

fn a_report(duty: Duty, is_urgent: bool, now: Timestamp) -> Report {
    let news = match duty {
        Duty::PregnancyCheckup => News::Checkup(Assessment::Fine),
        Duty::Vaccination => News::Doses(vec![GivenDose { vaccine: "BCG".into(), number: 1 }]),
        _ => News::Visit(Assessment::FollowUp),
    };
    Report::new(Some(duty), tokyo_date(now), news, None, is_urgent).unwrap()
}

fn is_full() -> bool {
    std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full")
}
