//! Random interleavings of visits, erasures, holds, releases, ageing and crashes against a model without SQL.

use std::collections::{BTreeMap, BTreeSet};

use pmh_store::{Erasing, Held, Released, SubjectRef, ToErase};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{ask, carry_out, hash_of, hold, list, release, retain_all};
use crate::support::*;

#[derive(Debug, Clone)]
enum Step {
    Visit(usize),
    ErasePerson(usize),
    /// One of the entries so far.
    EraseEntry(usize),
    HoldPerson(usize),
    HoldEntry(usize),
    /// One of the holds so far.
    Release(usize),
    Retain,
    /// The process ends between the erasure and what follows it, and starts again.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..PEOPLE).prop_map(Step::Visit),
        2 => (0..PEOPLE).prop_map(Step::ErasePerson),
        3 => any::<usize>().prop_map(Step::EraseEntry),
        1 => (0..PEOPLE).prop_map(Step::HoldPerson),
        1 => any::<usize>().prop_map(Step::HoldEntry),
        2 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Retain),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..40)
}

const PEOPLE: usize = 3;

/// What became of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    There,
    ErasedBy(u64),
}

#[derive(Default)]
struct Model {
    /// Entries about people: whose, and whether their content is there.
    entries: BTreeMap<u64, (usize, Content)>,
    /// Erasures of people: they stand in lists, and only their people's erasure or their age ends them.
    erasures: BTreeSet<u64>,
    /// Indexes of each list, oldest first.
    lists: [Vec<u64>; PEOPLE],
    /// Holds in force by their own entry.
    holds: BTreeMap<u64, (String, Covered)>,
}

#[derive(Clone, Copy)]
enum Covered {
    Person(usize),
    Entry(u64),
}

impl Model {
    fn holds_on(&self, person: usize, entries: &[u64]) -> Vec<u64> {
        let covers = |covered: &Covered| match covered {
            Covered::Person(held) => *held == person,
            Covered::Entry(held) => entries.contains(held),
        };
        self.holds.iter().filter(|(_, (_, covered))| covers(covered)).map(|(put, _)| *put).collect()
    }

    fn nth_entry(&self, number: usize) -> Option<u64> {
        let entries: Vec<u64> = self.entries.keys().copied().collect();
        (!entries.is_empty()).then(|| entries[number % entries.len()])
    }
}

fn person(number: usize) -> SubjectRef {
    [u8::try_from(number + 1).unwrap(); 32]
}

async fn agrees_with_the_model(place: Place, steps: Vec<Step>) {
    let mut open = place.open().await;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Visit(who) => {
                let index = disclose(&open, person(who)).await.unwrap().1.index;
                model.entries.insert(index, (who, Content::There));
                model.lists[who].push(index);
            }
            Step::ErasePerson(who) => erase_person(&open, &mut model, who).await,
            Step::EraseEntry(number) => {
                let Some(index) = model.nth_entry(number) else { continue };
                erase_entry(&open, &mut model, index).await;
            }
            Step::HoldPerson(who) => {
                let id = super::fresh("hold");
                let (held, put) = hold(&open, &id, ToErase::Person(person(who))).await;
                assert_eq!(held, Held::Kept);
                model.holds.insert(put, (id, Covered::Person(who)));
            }
            Step::HoldEntry(number) => {
                let Some(index) = model.nth_entry(number) else { continue };
                let id = super::fresh("hold");
                let (held, put) = hold(&open, &id, ToErase::Entry(index)).await;
                let is_there = model.entries[&index].1 == Content::There;
                assert_eq!(held, if is_there { Held::Kept } else { Held::Nothing });
                if is_there {
                    model.holds.insert(put, (id, Covered::Entry(index)));
                }
            }
            Step::Release(number) => {
                let puts: Vec<u64> = model.holds.keys().copied().collect();
                if puts.is_empty() {
                    assert_eq!(release(&open, "none", "auditor:test-auditor").await, Released::Unknown);
                    continue;
                }
                let (id, _) = model.holds.remove(&puts[number % puts.len()]).unwrap();
                assert!(matches!(release(&open, &id, "auditor:test-auditor").await, Released::Done(_)));
            }
            Step::Retain => retain(&open, &mut model).await,
            Step::Crash => {
                open.close().await;
                open = place.open().await;
                for request in open.reader().agreed_erasures().await.unwrap() {
                    open.forget_erasure(attempt(), request.erasure_id).await.unwrap();
                }
                assert!(open.clean_files(attempt()).await.unwrap());
            }
        }
        check(&open, &model).await;
    }
    open.close().await;
}

async fn erase_person(open: &Open, model: &mut Model, who: usize) {
    let what = ToErase::Person(person(who));
    let id = ask(open, what).await;
    let (erasing, receipt) = carry_out(open, &id, what).await;
    let holds = model.holds_on(who, &model.lists[who]);
    if !holds.is_empty() {
        return assert_held(open, erasing, &holds).await;
    }
    assert_eq!(super::indexes(&erasing), model.lists[who]);
    let by = receipt.unwrap().index;
    for index in std::mem::replace(&mut model.lists[who], vec![by]) {
        forget(model, index, by);
    }
    model.entries.insert(by, (who, Content::There));
    model.erasures.insert(by);
}

async fn erase_entry(open: &Open, model: &mut Model, index: u64) {
    let what = ToErase::Entry(index);
    let id = ask(open, what).await;
    let (erasing, receipt) = carry_out(open, &id, what).await;
    match model.entries[&index] {
        (_, Content::ErasedBy(by)) => assert_eq!(erasing, Erasing::Before(by)),
        _ if model.erasures.contains(&index) => assert_eq!(erasing, Erasing::NotErasable),
        (who, Content::There) => {
            let holds = model.holds_on(who, &[index]);
            if !holds.is_empty() {
                return assert_held(open, erasing, &holds).await;
            }
            assert_eq!(super::indexes(&erasing), [index]);
            forget(model, index, receipt.unwrap().index);
        }
    }
}

/// The first erasure of an entry is the one that it is told by.
fn forget(model: &mut Model, index: u64, by: u64) {
    let content = &mut model.entries.get_mut(&index).unwrap().1;
    if *content == Content::There {
        *content = Content::ErasedBy(by);
    }
}

async fn assert_held(open: &Open, erasing: Erasing, holds: &[u64]) {
    let mut hashes = Vec::new();
    for put in holds {
        hashes.push(hash_of(open, *put).await);
    }
    assert_eq!(erasing, Erasing::Held(hashes));
}

async fn retain(open: &Open, model: &mut Model) {
    let before = open.reader().head().await.unwrap().0;
    let erased = retain_all(open).await;
    let expected: Vec<u64> = model
        .entries
        .iter()
        .filter(|(index, (who, content))| {
            *content == Content::There && model.holds_on(*who, &[**index]).is_empty()
        })
        .map(|(index, _)| *index)
        .collect();
    let about_people: Vec<u64> =
        erased.iter().copied().filter(|index| model.entries.contains_key(index)).collect();
    assert_eq!(about_people, expected);
    // So few entries are one step, and one step is one entry; a pass that finds its own entry young goes no further.
    for index in about_people {
        forget(model, index, before);
    }
}

async fn check(open: &Open, model: &Model) {
    for (index, (_, content)) in &model.entries {
        let is_there = open.reader().openings(*index).await.unwrap().is_some();
        assert_eq!(is_there, *content == Content::There, "entry {index}");
        let by = open.reader().erased_by(*index).await.unwrap();
        assert_eq!(by, if let Content::ErasedBy(by) = content { Some(*by) } else { None });
    }
    for (who, expected) in model.lists.iter().enumerate() {
        let numbered = (1..).zip(expected).map(|(seq, index)| {
            let is_there = model.entries[index].1 == Content::There;
            (*index, is_there.then_some(seq))
        });
        let mut expected: Vec<_> = numbered.collect();
        expected.reverse();
        assert_eq!(list(open, person(who)).await, expected);
    }
}

#[test]
fn i19_erasures_holds_ageing_and_crashes_agree_with_a_small_model() {
    let cases = u32::try_from(scaled(24, 400)).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            on_sqlite(async |place| agrees_with_the_model(place, steps.clone()).await);
            Ok(())
        })
        .unwrap();
}

#[test]
fn i19_erasures_holds_ageing_and_crashes_agree_with_a_small_model_on_postgres() {
    let config = Config { cases: 4, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            on_postgres(async |place| agrees_with_the_model(place, steps.clone()).await);
            Ok(())
        })
        .unwrap();
}
