//! Checkups: which version counts, what a batch does as a whole, what outlives it.

use std::collections::BTreeMap;

use jiff::civil::date;
use pmh_audit::{Kind, registry::Method};
use pmh_domain::{
    checkup::{
        anomaly::{BatchShape, Cell, Counting},
        kind::CheckupKind,
        record::{Checkup, Context, RawCheckup},
        urgent::Cause,
        version::{self, Held, Outcome, SourceVersion, Undo, place, read},
    },
    resident::Sex,
};
use pmh_store::{
    ChunkRow, GatewayStore, RowConflict, RowDone, RowOutcome, RowVerdict,
    checkup::{
        BatchEnd, BatchMove, BatchState, CheckupChunk, CheckupsOf, EndedBatch, KeptCheckup, NewCase,
        PlacedChunk, Undone,
    },
};

use crate::support::*;

/// One row: resident and record, version, content.
type Sent = (u32, u32, u8);

fn checkup((record, version, content): Sent) -> Checkup {
    let raw = RawCheckup {
        record_id: format!("c-{record}"),
        source_version: version.to_string(),
        resident_key: resident_key(if record % 2 == 0 { 1 } else { 2 }).as_str().to_owned(),
        kind: Some(CheckupKind::Dental),
        date: "2026-03-01".to_owned(),
        own_code: content.to_string(),
        // 葛󠄀 with a variation selector, a letter beyond the basic plane, a mark of its own.
        own_label: "葛󠄀飾区𠮷野か\u{3099}".to_owned(),
        ..RawCheckup::default()
    };
    let known = Context { today: date(2026, 4, 1), birth: None, sex: Sex::Unknown };
    Checkup::validate(&raw, &known).unwrap().value
}

fn chunk(batch: &str, rows: &[Sent]) -> CheckupChunk {
    let row = |sent: &Sent| ChunkRow {
        row_id: format!("{sent:?}"),
        row_sha256: [0; 32],
        verdict: RowVerdict::Accepted(checkup(*sent)),
    };
    CheckupChunk {
        sender: chiyoda(),
        method: Method::PUSH_CHECKUPS.0,
        batch_id: batch.to_owned(),
        dry_run: false,
        rows: rows.iter().map(row).collect(),
        cases: Vec::new(),
    }
}

async fn push(store: &GatewayStore, chunk: CheckupChunk) -> PlacedChunk {
    outcome(Kind::BulkChunk, |conclude| store.push_checkups(attempt(), chunk, conclude)).await.0
}

async fn end(store: &GatewayStore, batch: &str, shape: Option<BatchShape>) -> EndedBatch {
    let end = BatchEnd {
        sender: chiyoda().organization().to_string(),
        batch_id: batch.to_owned(),
        dry_run: false,
        today: date(2026, 4, 1),
        shapes: shape.map(|shape| (CheckupKind::Dental, shape)).into_iter().collect(),
    };
    outcome(Kind::Write, |conclude| store.end_checkup_batch(attempt(), end, conclude)).await.0
}

/// A whole batch in chunks of a size.
async fn send(store: &GatewayStore, batch: &str, rows: &[Sent], size: usize) -> Vec<RowOutcome> {
    let mut outcomes = Vec::new();
    for rows in rows.chunks(size) {
        outcomes.extend(push(store, chunk(batch, rows)).await.done.iter().map(|done| done.outcome));
    }
    assert_eq!(end(store, batch, None).await.state, BatchState::Accepted);
    outcomes
}

async fn undo(store: &GatewayStore, batch: &str) -> BatchMove<Undone> {
    let (key, batch) = (idempotency(&format!("undo {batch}"), 1), batch.to_owned());
    let undo = |conclude| {
        store.undo_checkup_batch(attempt(), key, chiyoda().organization().to_string(), batch, conclude)
    };
    outcome(Kind::Write, undo).await.0
}

async fn listed(store: &GatewayStore, number: u8) -> Vec<KeptCheckup> {
    let key = resident_key(number).as_str().to_owned();
    let of = CheckupsOf::Resident(chiyoda(), key);
    let read = |conclude| store.read_checkups(attempt(), of, conclude);
    outcome(Kind::Disclosure, read).await.0.map(|person| person.records).unwrap_or_default()
}

/// Everything that a reader sees: by record its version, content, and what is said of it.
type State = BTreeMap<String, (i64, String, bool, bool)>;

async fn state(store: &GatewayStore) -> State {
    let mut state = State::new();
    for number in [1, 2] {
        for kept in listed(store, number).await {
            let checkup = kept.checkup;
            let content = checkup.own_code.unwrap().code;
            let version = checkup.source_version.number();
            state.insert(checkup.record_id, (version, content, kept.amended, kept.disputed));
        }
    }
    state
}

/// The same by the rules alone: what is held of each record, by the batch that brought it first.
#[derive(Default)]
struct Model(BTreeMap<u32, Vec<Held<usize, u8>>>);

impl Model {
    fn take(&mut self, batch: usize, rows: &[Sent]) {
        for &(record, version, content) in rows {
            let version = SourceVersion::parse(&version.to_string()).unwrap();
            let held = self.0.entry(record).or_default();
            if place(held, version, &content) != Outcome::Unchanged {
                held.push(Held { version, batch, content });
            }
        }
    }

    fn undo(&mut self, batch: usize) -> (u32, u32) {
        let (mut restored, mut superseded) = (0, 0);
        for held in self.0.values_mut() {
            match version::undo(held, &batch) {
                Undo::Untouched => {}
                Undo::Superseded => superseded += 1,
                Undo::Restored(rows) => {
                    let rows: Vec<Held<usize, u8>> = rows.into_iter().cloned().collect();
                    held.retain(|row| !rows.contains(row));
                    restored += 1;
                }
            }
        }
        (restored, superseded)
    }

    fn state(&self) -> State {
        let reading = |(record, rows): (&u32, &Vec<Held<usize, u8>>)| {
            let reading = read(rows)?;
            let (version, content) = (reading.row.version.number(), reading.row.content.to_string());
            Some((format!("c-{record}"), (version, content, reading.amended, reading.disputed)))
        };
        self.0.iter().filter_map(reading).collect()
    }
}

/// A small generator: the order must be the same when the test is repeated.
struct Shuffle(u64);

impl Shuffle {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn rows(&mut self, rows: &mut [Sent]) {
        for last in (1..rows.len()).rev() {
            rows.swap(last, self.below(last + 1));
        }
    }
}

/// Versions in and out of order, one twice with other content, one of a record that has only that.
const ROWS: [Sent; 11] = [
    (1, 1, 0),
    (1, 2, 1),
    (1, 3, 2),
    (2, 5, 0),
    (2, 5, 1),
    (2, 4, 0),
    (3, 7, 0),
    (3, 7, 1),
    (4, 1, 0),
    (4, 9, 3),
    (5, 2, 2),
];

pub(crate) async fn any_order_and_any_split_ends_in_the_same_state(place: Place) {
    let open = place.open().await;
    for number in [1, 2] {
        enrol(&open, chiyoda(), number).await;
    }
    let mut shuffle = Shuffle(7);
    for round in 0..u32::try_from(scaled(12, 200)).unwrap() {
        let records = round * 10;
        let mut rows = [ROWS, ROWS].concat();
        for row in &mut rows {
            row.0 += records;
        }
        let mut whole = Model::default();
        whole.take(0, &rows);
        assert_eq!(whole.state().len(), 4, "record 3 has no version that only one content claims");
        shuffle.rows(&mut rows);
        let (batches, size) = (shuffle.below(4) + 1, shuffle.below(6) + 1);
        let mut model = Model::default();
        let split: Vec<&[Sent]> = rows.chunks(rows.len().div_ceil(batches)).collect();
        for (number, rows) in split.iter().enumerate() {
            send(&open, &format!("{round}-{number}"), rows, size).await;
            model.take(number, rows);
        }
        let of_round = async || {
            let mut state = state(&open).await;
            state.retain(|record, _| rows.iter().any(|row| *record == format!("c-{}", row.0)));
            state
        };
        assert_eq!(of_round().await, whole.state(), "round {round}");
        // The whole again is nothing new.
        let again = send(&open, &format!("{round}-again"), &rows, size).await;
        assert!(again.iter().all(|outcome| *outcome == RowOutcome::Unchanged));
        let victim = shuffle.below(split.len());
        let BatchMove::Done(undone) = undo(&open, &format!("{round}-{victim}")).await else { panic!() };
        assert_eq!((undone.restored, undone.superseded), model.undo(victim), "round {round}");
        assert_eq!(of_round().await, model.state(), "round {round}, without batch {victim}");
    }
    open.close().await;
}

pub(crate) async fn undoing_a_batch_brings_back_what_was_before(place: Place) {
    let open = place.open().await;
    for number in [1, 2] {
        enrol(&open, chiyoda(), number).await;
    }
    send(&open, "first", &[(1, 1, 0), (2, 1, 0)], 10).await;
    let before = state(&open).await;
    // Its own rows lie on both sides of what another brings between them.
    send(&open, "second", &[(1, 2, 1), (2, 2, 1), (4, 1, 0), (4, 3, 0)], 10).await;
    send(&open, "third", &[(2, 3, 2), (4, 2, 2)], 10).await;
    let done = Undone { restored: 2, superseded: 1, superseded_ids: vec!["c-2".to_owned()] };
    assert_eq!(undo(&open, "second").await, BatchMove::Done(done));
    let after = state(&open).await;
    assert_eq!(after["c-1"], before["c-1"]);
    assert_eq!(after["c-2"], (3, "2".to_owned(), true, false), "what rests upon it stays, with its lineage");
    assert_eq!(after["c-4"], (2, "2".to_owned(), false, false));
    let again = (idempotency("again", 1), "second".to_owned());
    let twice = |conclude| {
        open.undo_checkup_batch(attempt(), again.0, chiyoda().organization().to_string(), again.1, conclude)
    };
    assert_eq!(outcome(Kind::Write, twice).await.0, BatchMove::NotAllowed);
    assert_eq!(undo(&open, "unknown").await, BatchMove::NotFound);
    // A batch that was undone takes no more rows.
    let closed = RowDone { outcome: RowOutcome::Rejected, conflict: Some(RowConflict::BatchClosed) };
    assert_eq!(push(&open, chunk("second", &[(1, 2, 1)])).await.done, [closed]);
    place.clock.fetch_add(8 * DAY_US, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(undo(&open, "third").await, BatchMove::NotAllowed, "after seven days");
    open.close().await;
}

/// One step of a large batch's undoing; `None`: the rest is for the last one.
async fn undo_some(store: &GatewayStore, batch: &str) -> Option<u32> {
    let batch = batch.to_owned();
    let step = |conclude| {
        store.undo_some_of_checkup_batch(attempt(), chiyoda().organization().to_string(), batch, conclude)
    };
    outcome(Kind::Write, step).await.0.map(|undone| undone.restored)
}

pub(crate) async fn a_large_batch_is_undone_in_steps_that_may_stop_in_between(place: Place) {
    const RECORDS: u32 = 2300;
    let open = place.open().await;
    for number in [1, 2] {
        enrol(&open, chiyoda(), number).await;
    }
    let rows: Vec<Sent> = (0..RECORDS).map(|record| (record, 1, 0)).collect();
    send(&open, "large", &rows, 1024).await;
    // One of the first step's records, by id, has a later version.
    send(&open, "later", &[(10, 2, 1)], 1).await;
    assert_eq!(undo_some(&open, "later").await, None, "a small one has no steps");
    assert_eq!(undo_some(&open, "large").await, Some(999));
    // The process ends here; what is done is done, and the batch takes no rows.
    open.close().await;
    let open = place.open().await;
    let closed = RowDone { outcome: RowOutcome::Rejected, conflict: Some(RowConflict::BatchClosed) };
    assert_eq!(push(&open, chunk("large", &[(9999, 1, 0)])).await.done, [closed]);
    assert_eq!(end(&open, "large", None).await.state, BatchState::Undone);
    // Begun in time, it may end later.
    place.clock.fetch_add(8 * DAY_US, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(undo_some(&open, "large").await, Some(1999));
    assert_eq!(undo_some(&open, "large").await, None);
    let done = Undone { restored: RECORDS - 1, superseded: 1, superseded_ids: vec!["c-10".to_owned()] };
    assert_eq!(undo(&open, "large").await, BatchMove::Done(done));
    let left = state(&open).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left["c-10"], (2, "1".to_owned(), true, false), "its lineage is kept");
    open.close().await;
}

pub(crate) async fn a_batch_left_open_is_closed_by_the_clock(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 2).await;
    push(&open, chunk("cut", &[(1, 1, 0)])).await;
    place.clock.fetch_add(6 * DAY_US, std::sync::atomic::Ordering::Relaxed);
    push(&open, chunk("cut", &[(3, 1, 0)])).await;
    place.clock.fetch_add(2 * DAY_US, std::sync::atomic::Ordering::Relaxed);
    let closed = RowDone { outcome: RowOutcome::Rejected, conflict: Some(RowConflict::BatchClosed) };
    let done = push(&open, chunk("cut", &[(1, 1, 0), (5, 1, 0)])).await.done;
    assert_eq!(done, [RowDone { outcome: RowOutcome::Unchanged, conflict: None }, closed]);
    assert_eq!(end(&open, "cut", None).await.state, BatchState::Abandoned);
    assert_eq!(state(&open).await, State::new(), "none of its rows counts");
    // Under another id the same rows are new.
    assert_eq!(send(&open, "anew", &[(1, 1, 0)], 1).await, [RowOutcome::Created]);
    let done = Undone { restored: 2, superseded: 0, superseded_ids: Vec::new() };
    assert_eq!(undo(&open, "cut").await, BatchMove::Done(done));
    assert_eq!(state(&open).await.len(), 1);
    open.close().await;
}

fn shape(rows: u32, with_teeth: bool) -> BatchShape {
    let mut shape = BatchShape::default();
    for number in 0..rows {
        let code = if number % 10 == 0 { "2" } else { "1" };
        let mut cells = vec![Cell { column: "own_code", value: code, counting: Counting::Codes }];
        if with_teeth {
            cells.push(Cell { column: "teeth", value: "20", counting: Counting::Presence });
        }
        shape.add_row(cells);
    }
    shape
}

pub(crate) async fn a_batch_that_lost_a_column_waits_for_a_person(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 2).await;
    for number in 0..4 {
        push(&open, chunk(&format!("{number}"), &[(1, number + 1, 0)])).await;
        let ended = end(&open, &format!("{number}"), Some(shape(200, true))).await;
        assert_eq!((ended.state, ended.departures.len()), (BatchState::Accepted, 0));
    }
    push(&open, chunk("lost", &[(1, 9, 1)])).await;
    let ended = end(&open, "lost", Some(shape(200, false))).await;
    assert_eq!(ended.state, BatchState::Held);
    assert!(ended.departures.iter().any(|(_, en)| en.contains("teeth")), "{:?}", ended.departures);
    assert_eq!(state(&open).await["c-1"].0, 4);
    assert_eq!(end(&open, "lost", Some(shape(200, true))).await.state, BatchState::Held, "it stays held");
    let confirm = |conclude| {
        open.confirm_checkup_batch(attempt(), idempotency("k", 1), chiyoda(), "lost".to_owned(), conclude)
    };
    assert_eq!(outcome(Kind::Write, confirm).await.0, BatchMove::Done(()));
    assert_eq!(state(&open).await["c-1"].0, 9);
    open.close().await;
}

pub(crate) async fn rows_of_an_open_batch_are_nobodys_to_read(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 2).await;
    push(&open, chunk("cut", &[(1, 1, 0)])).await;
    assert_eq!(state(&open).await, State::new());
    // Another batch is whole without it.
    assert_eq!(send(&open, "other", &[(1, 1, 0)], 1).await, [RowOutcome::Created]);
    assert_eq!(state(&open).await.len(), 1);
    undo(&open, "cut").await;
    assert_eq!(state(&open).await.len(), 1);
    let done = push(&open, chunk("nobody", &[(2, 1, 0)])).await.done;
    assert_eq!(done[0].conflict, Some(RowConflict::ResidentUnknown));
    let kept = listed(&open, 2).await;
    assert_eq!(kept[0].checkup.own_code.as_ref().unwrap().label, "葛󠄀飾区𠮷野か\u{3099}");
    open.close().await;
}

pub(crate) async fn a_dry_run_tells_fields_and_keeps_nothing(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 2).await;
    send(&open, "first", &[(1, 1, 0)], 1).await;
    let dry = CheckupChunk { dry_run: true, ..chunk("dry", &[(1, 2, 1), (3, 1, 0)]) };
    let (placed, receipt) =
        try_outcome(None, |conclude| open.push_checkups(attempt(), dry, conclude)).await.unwrap();
    let outcomes: Vec<_> = placed.done.iter().map(|done| done.outcome).collect();
    assert_eq!(outcomes, [RowOutcome::Updated, RowOutcome::Created]);
    assert_eq!(placed.changes, [(0, vec!["own_code.code".to_owned()])]);
    assert!(receipt.is_none());
    assert_eq!(state(&open).await["c-1"].0, 1);
    let mut raw = place.raw().await;
    assert_eq!(raw.count("SELECT COUNT(*) FROM checkup_batch").await, 1);
    assert_eq!(raw.count("SELECT COUNT(*) FROM checkup_row").await, 1);
    open.close().await;
}

pub(crate) async fn an_urgent_case_is_in_the_commit_of_its_row(place: Place) {
    const CASE: &str = "0190f3a0-0000-7000-8000-000000000001";
    let open = place.open().await;
    enrol(&open, chiyoda(), 2).await;
    let case = NewCase {
        case_id: CASE.to_owned(),
        resident_key: "R-2".to_owned(),
        record_id: "c-1".to_owned(),
        cause: Cause::Item10,
    };
    let with_case = |batch: &str| CheckupChunk { cases: vec![case.clone()], ..chunk(batch, &[(1, 1, 0)]) };
    push(&open, with_case("b")).await;
    // The process ends here: no end of the batch, no notice to anybody.
    open.close().await;
    let open = place.open().await;
    let list = |include_read| {
        let open = &open;
        async move {
            let list = |conclude| open.list_urgent_cases(attempt(), chiyoda(), include_read, conclude);
            outcome(Kind::Disclosure, list).await.0.cases
        }
    };
    let cases = list(false).await;
    assert_eq!((cases.len(), cases[0].raised_us, cases[0].read_us), (1, START_US, None));
    let mut raw = place.raw().await;
    let together = "SELECT COUNT(*) FROM checkup_row r JOIN checkup_urgent u ON u.entry_idx = r.entry_idx";
    assert_eq!(raw.count(together).await, 1);
    // Sent again it is no new case; once read it stays read, by whoever read it first.
    push(&open, with_case("b")).await;
    assert_eq!(list(true).await.len(), 1);
    for (key, later) in [("k1", 0), ("k2", DAY_US)] {
        place.clock.store(START_US + 5 + later, std::sync::atomic::Ordering::Relaxed);
        let key = idempotency(key, 1);
        let read =
            |conclude| open.acknowledge_urgent_case(attempt(), key, chiyoda(), CASE.to_owned(), conclude);
        let (case, _) = outcome(Kind::Write, read).await.0.unwrap();
        assert_eq!(case.read_us, Some(START_US + 5));
    }
    assert!(list(false).await.is_empty());
    undo(&open, "b").await;
    assert_eq!(list(true).await.len(), 1, "undoing a batch takes no case away");
    open.close().await;
}
