//! Two municipalities, their logs and the link. All invented.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use pmh_domain::handoff::{
    Answers, Ask, Bases, Binding, Category, Consent, ConsentOrigin, Decision, Disclosure, Duty, DutyAnswer,
    EntryRef, Giver, HandoffId, Home, HomeAct, HomeEntry, HomeSays, Law, LeafHash, Offer, Officer,
    OneTimeCode, PeerLog, Person, Proven, ReadRefusal, Refusal, Side, Statement, Statutory, Stay, StayAct,
    StayEntry, StaySays, Terms, TwoOfficers, VerifiedAccept, guest_reads,
};
use pmh_domain::organization::IssuerId;
use pmh_domain::time::DateRange;
use sha2::{Digest as _, Sha256};

pub(super) const HANDOFF: HandoffId = HandoffId([7; 16]);
pub(super) const CODE: [u8; 16] = [9; 16];
pub(super) const START: Date = date(2026, 9, 1);
/// Days after [`START`].
pub(super) const ANSWER_BY: i64 = 7;
pub(super) const FIRST: i64 = 10;
pub(super) const LAST: i64 = 30;

pub(super) const DUTIES: [Duty; 4] =
    [Duty::PregnancyCheckup, Duty::NewbornVisit, Duty::Vaccination, Duty::Consultation];
pub(super) const CONSENTED: [Category; 4] =
    [Category::Notice, Category::Place, Category::Delivery, Category::ChildCheckups];
/// Rests on law, for a newborn visit.
pub(super) const STATUTORY: Category = Category::SupportPlan;

/// A receipt: whoever holds the key can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt<S> {
    pub(super) key: Key,
    pub(super) statement: Statement<S>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Genuine,
    Forged,
}

/// Stands for the check of signature, inclusion and witnesses.
pub(super) struct Verifier;

impl<S: Clone> PeerLog<S> for Verifier {
    type Receipt = Receipt<S>;

    fn open(&self, receipt: &Receipt<S>) -> Option<Statement<S>> {
        (receipt.key == Key::Genuine).then(|| receipt.statement.clone())
    }
}

/// Both sides, each as its log and the state that it holds in memory.
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) home_log: Vec<HomeEntry>,
    pub(super) home: Home,
    pub(super) stay_log: Vec<StayEntry>,
    pub(super) stay: Option<Stay>,
    pub(super) to_stay: Vec<Receipt<HomeSays>>,
    pub(super) to_home: Vec<Receipt<StaySays>>,
    /// The accept as home stored it; proves again after a crash.
    pub(super) accept: Option<Receipt<StaySays>>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::offering(Offer::new(terms()).unwrap())
    }

    pub(super) fn offering(offer: Offer) -> Self {
        let now = at(0);
        let act = HomeAct::Offered(Box::new(offer));
        // Other entries stand around a handoff's in a real log; its first index is not 0.
        let name = name(Side::Home, 100, &format!("{act:?}"));
        let entry = HomeEntry { name, at: now, act };
        let home = Home::begin(&entry).unwrap();
        let first = Receipt { key: Key::Genuine, statement: home.tells(&entry).unwrap() };
        Self {
            now,
            home,
            home_log: vec![entry],
            stay_log: Vec::new(),
            stay: None,
            to_stay: vec![first],
            to_home: Vec::new(),
            accept: None,
        }
    }

    pub(super) fn pass_days(&mut self, days: i64) {
        self.now = self.now.checked_add((24 * days).hours()).unwrap();
    }

    pub(super) fn day(&self) -> i64 {
        (self.now.as_second() - at(0).as_second()) / 86_400
    }

    /// Appends what home decided; whether anything was.
    pub(super) fn at_home(&mut self, decided: Result<Decision<HomeAct>, Refusal>) -> bool {
        let Ok(Decision::Append(act)) = decided else { return false };
        let index = 100 + 3 * self.home_log.len() as u64;
        let entry = HomeEntry { name: name(Side::Home, index, &format!("{act:?}")), at: self.now, act };
        self.home.apply(&entry);
        let told = self.home.tells(&entry);
        self.to_stay.extend(told.map(|statement| Receipt { key: Key::Genuine, statement }));
        self.home_log.push(entry);
        true
    }

    /// Appends what the stay side decided; whether anything was.
    pub(super) fn at_stay(&mut self, decided: Result<Decision<StayAct>, Refusal>) -> bool {
        let Ok(Decision::Append(act)) = decided else { return false };
        let index = 500 + 2 * self.stay_log.len() as u64;
        let entry = StayEntry { name: name(Side::Stay, index, &format!("{act:?}")), at: self.now, act };
        match &mut self.stay {
            Some(stay) => stay.apply(&entry),
            None => self.stay = Stay::begin(&entry),
        }
        let told = self.stay.as_ref().and_then(|stay| stay.tells(&entry));
        self.to_home.extend(told.map(|statement| Receipt { key: Key::Genuine, statement }));
        self.stay_log.push(entry);
        true
    }

    /// One receipt arrives at home; whether it was entered.
    pub(super) fn home_hears(&mut self, receipt: &Receipt<StaySays>) -> bool {
        let Ok(proven) = Proven::check(&Verifier, receipt) else { return false };
        let entered = self.at_home(self.home.receive(&proven, self.now));
        if entered && matches!(receipt.statement.says, StaySays::Accept(_)) {
            self.accept = Some(receipt.clone());
        }
        entered
    }

    /// One receipt arrives at the stay side; whether it was entered.
    pub(super) fn stay_hears(&mut self, receipt: &Receipt<HomeSays>) -> bool {
        let Ok(proven) = Proven::check(&Verifier, receipt) else { return false };
        let decided = match &self.stay {
            Some(stay) => stay.receive(&proven),
            None => Stay::offered(&proven, terms().stay, None).map(Decision::Append),
        };
        self.at_stay(decided)
    }

    /// Everything under way arrives, in order, until nothing is.
    pub(super) fn settle(&mut self) {
        while !(self.to_stay.is_empty() && self.to_home.is_empty()) {
            for receipt in std::mem::take(&mut self.to_stay) {
                self.stay_hears(&receipt);
            }
            for receipt in std::mem::take(&mut self.to_home) {
                self.home_hears(&receipt);
            }
        }
    }

    /// Each side sends all that it ever had to tell.
    pub(super) fn resend(&mut self) {
        let genuine = |statement| Receipt { key: Key::Genuine, statement };
        self.to_stay.extend(self.home_log.iter().filter_map(|entry| self.home.tells(entry)).map(genuine));
        let Some(stay) = &self.stay else { return };
        let genuine = |statement| Receipt { key: Key::Genuine, statement };
        self.to_home.extend(self.stay_log.iter().filter_map(|entry| stay.tells(entry)).map(genuine));
    }

    /// Both processes lose their memory and read their logs.
    pub(super) fn crash(&mut self) {
        self.home = Home::rebuild(&self.home_log).unwrap();
        self.stay = Stay::rebuild(&self.stay_log);
    }

    pub(super) fn decide_stay(
        &mut self,
        decide: impl FnOnce(&Stay, Timestamp) -> Result<Decision<StayAct>, Refusal>,
    ) -> bool {
        let decided = self.stay.as_ref().map_or(Err(Refusal::Unknown), |stay| decide(stay, self.now));
        self.at_stay(decided)
    }

    pub(super) fn proof(&self) -> Option<VerifiedAccept> {
        let proven = Proven::check(&Verifier, self.accept.as_ref()?).ok()?;
        VerifiedAccept::of(HANDOFF, self.home.offered(), self.home.offered_at(), &proven).ok()
    }

    pub(super) fn reads(
        &self,
        person: Person,
        category: Category,
        duty: Option<Duty>,
    ) -> Result<Disclosure, ReadRefusal> {
        let ask = Ask { handoff: HANDOFF, person, category, duty };
        match &self.proof() {
            Some(proof) => guest_reads(Some((&self.home, proof)), ask, self.now),
            None => guest_reads(None, ask, self.now),
        }
    }

    /// Accepted by the stay side, confirmed by home, on the first day.
    pub(super) fn active() -> Self {
        let mut world = Self::new();
        world.settle();
        assert!(world.decide_stay(|stay, now| stay.accept(&code(), all_accepted(), now)));
        world.settle();
        world.pass_days(FIRST);
        assert!(world.at_home(world.home.confirm(world.now)));
        world.settle();
        world
    }
}

pub(super) fn terms() -> Terms {
    Terms {
        handoff: HANDOFF,
        home: IssuerId::parse("municipality:132012").unwrap(),
        stay: IssuerId::parse("municipality:141305").unwrap(),
        period: DateRange::new(day(FIRST), day(LAST)).unwrap(),
        duties: DUTIES.into(),
        bases: Bases::new(&[consent(&CONSENTED)], vec![statutory()]),
        code: OneTimeCode(CODE).digest(HANDOFF),
        answer_by: day(ANSWER_BY),
    }
}

/// As [`terms`], on consent alone.
pub(super) fn without_law() -> Terms {
    Terms { bases: Bases::new(&[consent(&CONSENTED)], Vec::new()), ..terms() }
}

pub(super) fn statutory() -> Statutory {
    Statutory {
        categories: [STATUTORY].into(),
        law: Law::ProtectionCouncil,
        duties: [Duty::NewbornVisit].into(),
        officers: officers(),
    }
}

pub(super) fn consent(categories: &[Category]) -> Consent {
    Consent::received(Giver::Mother, categories.iter().copied().collect(), ConsentOrigin::Card).unwrap()
}

pub(super) fn officers() -> TwoOfficers {
    TwoOfficers::new(Officer("a17".into()), Officer("b02".into())).unwrap()
}

pub(super) fn code() -> Binding {
    Binding::Code(OneTimeCode(CODE))
}

/// Accepts these of the offered duties and declines the others.
pub(super) fn answers(accepted: &BTreeSet<Duty>) -> Result<Answers, Refusal> {
    use pmh_domain::handoff::DeclineReason;
    let answer = |duty: Duty| {
        if accepted.contains(&duty) {
            DutyAnswer::Accepted
        } else {
            DutyAnswer::Declined(DeclineReason::NoCapacity)
        }
    };
    Answers::new(&DUTIES.into(), DUTIES.iter().map(|duty| (*duty, answer(*duty))).collect())
}

pub(super) fn all_accepted() -> Answers {
    answers(&DUTIES.into()).unwrap()
}

pub(super) fn day(offset: i64) -> Date {
    START.saturating_add(offset.days())
}

/// Noon in Tokyo.
pub(super) fn at(offset: i64) -> Timestamp {
    Offset::constant(9).to_timestamp(day(offset).at(12, 0, 0, 0)).unwrap()
}

pub(super) fn name(log: Side, index: u64, content: &str) -> EntryRef {
    let hash = Sha256::new().chain_update(format!("{log:?}{index}")).chain_update(content).finalize();
    EntryRef { log, index, leaf: LeafHash(hash.into()) }
}
