//! No place is sold twice, and nobody loses a place by asking for another.

use std::collections::{BTreeMap, BTreeSet};

use pmh_domain::checkup::session::{Event, SessionRefusal, Sessions};
use proptest::prelude::*;

type Days = Sessions<u8, u8>;

#[derive(Debug, Clone)]
enum Step {
    Open(u8, usize),
    Request(u8, u8),
    Cancel(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0..4_u8, 0..4_usize).prop_map(|(day, places)| Step::Open(day, places)),
        6 => (0..8_u8, 0..4_u8).prop_map(|(person, day)| Step::Request(person, day)),
        2 => (0..8_u8).prop_map(Step::Cancel),
    ]
}

/// What events tell is all that a person ever hears; so the model is kept from
/// them alone and compared with the state.
#[derive(Debug, Default)]
struct Told {
    places: BTreeMap<u8, u8>,
    waits: BTreeMap<u8, u8>,
}

impl Told {
    fn hear(&mut self, events: &[Event<u8, u8>]) {
        for event in events {
            match event {
                Event::Placed(person, day) => {
                    assert_eq!(self.places.insert(*person, *day), None, "a second place");
                    self.waits.remove(person);
                }
                Event::Left(person, day) => assert_eq!(self.places.remove(person), Some(*day)),
                Event::Waits(person, day) => assert_eq!(self.waits.insert(*person, *day), None),
                Event::WaitsNoMore(person, day) => assert_eq!(self.waits.remove(person), Some(*day)),
            }
        }
    }

    fn agree(&self, days: &Days) {
        for person in 0..8 {
            assert_eq!(days.place_of(&person), self.places.get(&person));
            assert_eq!(days.waiting_of(&person).map(|(day, _)| day), self.waits.get(&person));
        }
        for day in 0..4 {
            let taken = self.places.values().filter(|taken| **taken == day).count();
            let Some((seen, capacity)) = days.taken(&day) else {
                assert_eq!(taken, 0);
                continue;
            };
            assert_eq!(seen, taken);
            assert!(taken <= capacity, "sold twice");
            let is_awaited = self.waits.values().any(|awaited| *awaited == day);
            assert!(!is_awaited || taken == capacity, "a place stands empty while somebody waits");
        }
    }
}

fn run(days: &mut Days, step: &Step) -> Result<Vec<Event<u8, u8>>, SessionRefusal> {
    match step {
        Step::Open(day, places) => days.open(*day, *places),
        Step::Request(person, day) => days.request(person, day),
        Step::Cancel(person) => Ok(days.cancel(person)),
    }
}

proptest! {
    #[test]
    fn no_place_is_sold_twice_and_none_stands_empty(steps in prop::collection::vec(any_step(), 0..60)) {
        let (mut days, mut told) = (Days::new(), Told::default());
        for step in &steps {
            let before = days.clone();
            let had: BTreeSet<u8> = told.places.keys().copied().collect();
            if let Ok(events) = run(&mut days, step) {
                told.hear(&events);
            } else {
                prop_assert_eq!(&days, &before);
            }
            told.agree(&days);
            for person in had {
                let is_own_wish = matches!(step, Step::Cancel(who) if *who == person);
                prop_assert!(told.places.contains_key(&person) || is_own_wish, "{} lost a place", person);
            }
        }
    }

    #[test]
    fn to_ask_twice_is_to_ask_once(steps in prop::collection::vec(any_step(), 0..40), person in 0..8_u8, day in 0..4_u8) {
        let mut days = Days::new();
        for step in &steps {
            let _ = run(&mut days, step);
        }
        if days.request(&person, &day).is_ok() {
            let once = days.clone();
            prop_assert_eq!(days.request(&person, &day), Ok(Vec::new()));
            prop_assert_eq!(days, once);
        }
    }
}

#[test]
fn who_moves_up_frees_a_place_for_the_next() {
    let mut days = Days::new();
    days.open(1, 1).unwrap();
    days.open(2, 1).unwrap();
    days.request(&10, &1).unwrap();
    days.request(&20, &2).unwrap();
    // 20 would rather come on day 1 and keeps day 2 until then; 30 waits for day 2.
    assert_eq!(days.request(&20, &1).unwrap(), [Event::Waits(20, 1)]);
    assert_eq!(days.place_of(&20), Some(&2));
    assert_eq!(days.request(&30, &2).unwrap(), [Event::Waits(30, 2)]);
    let events = days.cancel(&10);
    assert_eq!(events, [Event::Left(10, 1), Event::Left(20, 2), Event::Placed(20, 1), Event::Placed(30, 2)]);
}

#[test]
fn two_who_want_to_swap_are_not_locked() {
    let mut days = Days::new();
    days.open(1, 1).unwrap();
    days.open(2, 1).unwrap();
    days.request(&10, &1).unwrap();
    days.request(&20, &2).unwrap();
    days.request(&10, &2).unwrap();
    days.request(&20, &1).unwrap();
    // A swap needs a spare place; one more anywhere settles both.
    let events = days.open(1, 2).unwrap();
    assert_eq!(events, [Event::Left(20, 2), Event::Placed(20, 1), Event::Left(10, 1), Event::Placed(10, 2)]);
}

#[test]
fn unknown_days_and_too_small_halls_are_refused() {
    let mut days = Days::new();
    assert_eq!(days.request(&1, &9), Err(SessionRefusal::Unknown));
    days.open(1, 2).unwrap();
    days.request(&1, &1).unwrap();
    days.request(&2, &1).unwrap();
    assert_eq!(days.open(1, 1), Err(SessionRefusal::BelowTaken));
    assert_eq!(days.taken(&1), Some((2, 2)));
}
