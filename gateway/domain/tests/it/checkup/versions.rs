//! Any order and any split end in the same state.

use std::collections::{BTreeMap, BTreeSet};

use pmh_domain::checkup::version::{
    Held, Outcome, SourceVersion, Standing, Undo, place, read, standing, undo,
};
use proptest::prelude::*;

type Row = Held<u8, u8>;
/// Rows by record id, as a store holds them.
type State = BTreeMap<u8, Vec<Row>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    record: u8,
    version: u8,
    content: u8,
}

fn version(number: u8) -> SourceVersion {
    SourceVersion::parse(&number.to_string()).unwrap()
}

fn push(state: &mut State, batch: u8, row: Sent) -> Outcome {
    let held = state.entry(row.record).or_default();
    let outcome = place(held, version(row.version), &row.content);
    if outcome != Outcome::Unchanged {
        held.push(Held { version: version(row.version), batch, content: row.content });
    }
    outcome
}

fn push_all(batches: &[Vec<Sent>]) -> State {
    let mut state = State::new();
    for (number, batch) in (0_u8..).zip(batches) {
        for row in batch {
            push(&mut state, number, *row);
        }
    }
    state
}

/// What a reader sees of each record: content, amended, disputed.
fn seen(state: &State) -> BTreeMap<u8, Option<(SourceVersion, u8, bool, bool)>> {
    let read = |held: &Vec<Row>| read(held).map(|r| (r.row.version, r.row.content, r.amended, r.disputed));
    state.iter().filter(|(_, held)| !held.is_empty()).map(|(id, held)| (*id, read(held))).collect()
}

fn standings(state: &State) -> BTreeSet<(u8, SourceVersion, u8, &'static str)> {
    let name = |standing| match standing {
        Standing::Current => "current",
        Standing::Superseded => "superseded",
        Standing::Quarantined => "quarantined",
    };
    let of = |id: &u8, held: &Vec<Row>| {
        held.iter().map(|row| (*id, row.version, row.content, name(standing(held, row)))).collect::<Vec<_>>()
    };
    state.iter().flat_map(|(id, held)| of(id, held)).collect()
}

/// The model: what the sentence of the specification says of a set of rows.
fn model(rows: &BTreeSet<Sent>) -> BTreeSet<(u8, SourceVersion, u8, &'static str)> {
    let contents =
        |row: &Sent| rows.iter().filter(|o| (o.record, o.version) == (row.record, row.version)).count();
    let standing = |row: &Sent| {
        if contents(row) > 1 {
            return "quarantined";
        }
        let mut newer = rows.iter().filter(|o| o.record == row.record && o.version > row.version);
        if newer.any(|newer| contents(newer) == 1) { "superseded" } else { "current" }
    };
    rows.iter().map(|row| (row.record, version(row.version), row.content, standing(row))).collect()
}

fn any_rows() -> impl Strategy<Value = Vec<Sent>> {
    let row =
        (0..3_u8, 1..5_u8, 0..3_u8).prop_map(|(record, version, content)| Sent { record, version, content });
    prop::collection::vec(row, 0..14)
}

fn any_order_and_split() -> impl Strategy<Value = (Vec<Sent>, Vec<Sent>, Vec<usize>)> {
    any_rows().prop_flat_map(|rows| {
        let cuts = prop::collection::vec(0..=rows.len(), 0..4);
        (Just(rows.clone()), Just(rows).prop_shuffle(), cuts)
    })
}

fn split(rows: &[Sent], cuts: &[usize]) -> Vec<Vec<Sent>> {
    let mut cuts: Vec<usize> = [&[0, rows.len()], cuts].concat();
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| rows[pair[0]..pair[1]].to_vec()).collect()
}

proptest! {
    #[test]
    fn any_order_and_any_split_end_in_the_models_state((rows, shuffled, cuts) in any_order_and_split()) {
        let (one, other) = (push_all(std::slice::from_ref(&rows)), push_all(&split(&shuffled, &cuts)));
        prop_assert_eq!(seen(&one), seen(&other));
        prop_assert_eq!(standings(&one), standings(&other));
        prop_assert_eq!(standings(&one), model(&rows.into_iter().collect()));
    }

    #[test]
    fn a_file_sent_twice_is_unchanged_and_changes_nothing(rows in any_rows()) {
        let mut state = push_all(std::slice::from_ref(&rows));
        let before = state.clone();
        for row in rows {
            prop_assert_eq!(push(&mut state, 9, row), Outcome::Unchanged);
        }
        prop_assert_eq!(state, before);
    }

    /// What can be undone is undone as if the batch had never been sent; what
    /// another batch built upon is reported and stays.
    #[test]
    fn undo_restores_the_state_without_the_batch(
        (_, shuffled, cuts) in any_order_and_split(), undone in 0..3_u8
    ) {
        let batches = split(&shuffled, &cuts);
        let state = push_all(&batches);
        let mut after = State::new();
        let mut kept = BTreeSet::new();
        for (id, held) in &state {
            let gone = match undo(held, &undone) {
                Undo::Restored(rows) => rows,
                Undo::Superseded => { kept.insert(*id); Vec::new() }
                Undo::Untouched => { prop_assert!(held.iter().all(|row| row.batch != undone)); Vec::new() }
            };
            prop_assert!(gone.iter().all(|row| row.batch == undone));
            after.insert(*id, held.iter().filter(|row| !gone.contains(row)).cloned().collect());
        }
        for (id, held) in &state {
            let own = || held.iter().filter(|row| row.batch == undone).map(|row| row.version);
            let newest = held.iter().map(|row| row.version).max();
            let is_superseded = own().next().is_some() && own().max() != newest;
            prop_assert_eq!(kept.contains(id), is_superseded);
            if is_superseded {
                prop_assert_eq!(&after[id], held);
            } else {
                let never_sent: Vec<Row> = held.iter().filter(|row| row.batch != undone).cloned().collect();
                prop_assert_eq!(&after[id], &never_sent);
            }
        }
        // Undone twice, nothing more happens.
        for held in after.values() {
            prop_assert!(!matches!(undo(held, &undone), Undo::Restored(_)));
        }
    }
}

#[test]
fn equal_version_with_other_content_quarantines_both_whatever_the_order() {
    let (a, b) = (Sent { record: 1, version: 2, content: 1 }, Sent { record: 1, version: 2, content: 2 });
    for order in [[a, b], [b, a]] {
        let mut state = State::new();
        push(&mut state, 0, Sent { record: 1, version: 1, content: 0 });
        assert_eq!(order.map(|row| push(&mut state, 1, row)), [Outcome::Updated, Outcome::Quarantined]);
        let held = &state[&1];
        let quarantined = held.iter().filter(|row| standing(held, row) == Standing::Quarantined);
        assert_eq!(quarantined.count(), 2);
        let reading = read(held).unwrap();
        assert_eq!((reading.row.content, reading.disputed), (0, true));
        assert_eq!(push(&mut state, 2, Sent { version: 3, ..a }), Outcome::Updated);
        let reading = read(&state[&1]).unwrap();
        assert_eq!((reading.row.content, reading.amended, reading.disputed), (1, true, false));
    }
}

#[test]
fn undoing_one_side_of_a_dispute_settles_it() {
    let mut state = State::new();
    push(&mut state, 0, Sent { record: 1, version: 2, content: 1 });
    push(&mut state, 1, Sent { record: 1, version: 2, content: 2 });
    assert!(read(&state[&1]).is_none());
    let Undo::Restored(gone) = undo(&state[&1], &1) else { panic!("restored") };
    let left: Vec<Row> = state[&1].iter().filter(|row| !gone.contains(row)).cloned().collect();
    assert_eq!(read(&left).unwrap().row.content, 1);
}

#[test]
fn a_version_is_a_whole_number() {
    for text in ["", "1.2", "-1", "v3", "１", "1234567890123456789"] {
        assert!(SourceVersion::parse(text).is_err(), "{text}");
    }
    assert_eq!(SourceVersion::parse("0010").unwrap(), version(10));
    assert!(version(10) > version(9));
}
