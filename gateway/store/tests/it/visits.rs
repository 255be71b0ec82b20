//! An institution's visits by ticket: the state is that of the rows, whatever their order, batches and commits.

use std::collections::BTreeMap;

use jiff::civil::date;
use pmh_audit::{Kind, registry::Method};
use pmh_domain::{
    checkup::{
        kind::CheckupKind,
        record::{Checkup, Context, RawCheckup},
        ticket::{Ticket, TicketPart, TicketState},
        urgent::Cause,
    },
    entitlement::Area,
    resident::Sex,
    time::DateRange,
};
use pmh_store::{
    GatewayStore, RowConflict, RowDone, RowOutcome, RowVerdict, SubjectRef,
    checkup::{BatchMove, CheckupsOf, NewCase, Registered, TicketHolder, Undone, VisitChunk, VisitRow},
    ticket::{Issued, TicketChunk, TicketKey, TicketRow},
};

use crate::support::*;

const CLINIC: &str = "clinic:1310310243";

/// Resident, record, version, content.
type Sent = (u8, u32, u32, u8);

/// Versions in and out of order, one twice with other content, one of a record that has only that.
const ROWS: [Sent; 9] = [
    (1, 1, 1, 0),
    (1, 1, 2, 1),
    (1, 1, 3, 2),
    (2, 2, 5, 0),
    (2, 2, 5, 1),
    (2, 2, 4, 0),
    (1, 3, 7, 0),
    (1, 3, 7, 1),
    (2, 4, 1, 0),
];

fn checkup((_, record, version, content): Sent) -> Checkup {
    let raw = RawCheckup {
        record_id: format!("v-{record}"),
        source_version: version.to_string(),
        kind: Some(CheckupKind::Dental),
        date: "2026-03-01".to_owned(),
        own_code: content.to_string(),
        ..RawCheckup::default()
    };
    let known = Context { today: date(2026, 4, 1), birth: None, sex: Sex::Unknown };
    Checkup::validate_presented(&raw, &known).unwrap().value
}

fn issued(resident: u8) -> Issued {
    Issued {
        resident_key: resident_key(resident).as_str().to_owned(),
        on: date(2026, 4, 1),
        pregnancy: String::new(),
        children: 1,
        ticket: Ticket {
            issuer: chiyoda(),
            number: format!("T-{resident}"),
            kind: CheckupKind::Dental,
            part: TicketPart::Basic,
            cap_yen: 5_000,
            window: DateRange::new(date(2026, 4, 1), date(2027, 3, 31)).unwrap(),
            area: Area::Prefecture,
            state: TicketState::Issued,
        },
    }
}

/// Two residents with a ticket each.
async fn residents(store: &GatewayStore) -> [SubjectRef; 2] {
    let people = [enrol(store, chiyoda(), 1).await, enrol(store, chiyoda(), 2).await];
    let new = |number: u8| RowVerdict::Accepted(TicketRow::Ticket(Box::new(issued(number))));
    let chunk = TicketChunk {
        issuer: chiyoda(),
        method: Method::PUT_TICKETS.0,
        batch_id: "tickets".to_owned(),
        dry_run: false,
        rows: [1, 2].map(|number| row(&number.to_string(), number, new(number))).into(),
    };
    outcome(Kind::BulkChunk, |conclude| store.put_tickets(attempt(), chunk, conclude)).await;
    people
}

fn holder(resident: u8) -> TicketHolder {
    let ticket = TicketKey { issuer: chiyoda(), number: format!("T-{resident}") };
    TicketHolder { ticket, birth_date: birth_date() }
}

/// Every row is urgent.
async fn push(store: &GatewayStore, batch: &str, rows: &[Sent]) -> Vec<RowDone> {
    let row = |sent: &Sent| VisitRow {
        row_id: format!("{sent:?}"),
        row_sha256: [0; 32],
        holder: Some(holder(sent.0)),
    };
    let chunk = VisitChunk {
        institution: CLINIC.to_owned(),
        method: Method::PUSH_CHECKUPS.0,
        batch_id: batch.to_owned(),
        dry_run: false,
        today: date(2026, 4, 1),
        rows: rows.iter().map(row).collect(),
    };
    let sent = rows.to_vec();
    let judge = move |position: usize, registered: Registered<'_>| {
        let checkup = checkup(sent[position]);
        let case = NewCase {
            case_id: format!("0190f3a0-0000-7000-8000-00000000000{}", sent[position].1),
            resident_key: registered.home.map_or("", |link| link.resident_key.as_str()).to_owned(),
            record_id: checkup.record_id.clone(),
            cause: Cause::Item10,
        };
        (RowVerdict::Accepted((checkup, vec![case])), ())
    };
    let push = |conclude| store.push_visits(attempt(), chunk, judge, conclude);
    outcome(Kind::BulkChunk, push).await.0.into_iter().map(|(done, ())| done).collect()
}

async fn undo(store: &GatewayStore, batch: &str) -> BatchMove<Undone> {
    let (key, batch) = (idempotency(&format!("undo {batch}"), 1), batch.to_owned());
    let undo = |conclude| store.undo_checkup_batch(attempt(), key, CLINIC.to_owned(), batch, conclude);
    outcome(Kind::Write, undo).await.0
}

/// By record: version, content, amended, disputed, versions held, deliveries, cases.
type State = BTreeMap<String, (i64, String, bool, bool, usize, usize, usize)>;

async fn state(store: &GatewayStore, people: [SubjectRef; 2]) -> State {
    let mut state = State::new();
    for person in people {
        let read = |conclude| store.read_checkups(attempt(), CheckupsOf::Person(person), conclude);
        for kept in outcome(Kind::Disclosure, read).await.0.unwrap().records {
            let (version, content) = (kept.checkup.source_version.number(), kept.checkup.own_code.unwrap());
            let cases = kept.deliveries.iter().map(|delivery| delivery.cases.len()).max().unwrap_or(0);
            let (versions, deliveries) = (kept.versions.len(), kept.deliveries.len());
            let read = (version, content.code, kept.amended, kept.disputed, versions, deliveries, cases);
            state.insert(kept.checkup.record_id, read);
        }
    }
    state
}

pub(crate) async fn visits_in_any_order_and_any_split_end_in_the_same_state(place: Place) {
    let open = place.open().await;
    let people = residents(&open).await;
    push(&open, "whole", &ROWS).await;
    let expected = state(&open, people).await;
    assert_eq!(expected.keys().collect::<Vec<_>>(), ["v-1", "v-2", "v-4"], "of the third neither counts");
    assert_eq!(expected["v-1"], (3, "2".to_owned(), true, false, 3, 3, 1));
    assert_eq!(expected["v-2"], (4, "0".to_owned(), false, true, 2, 2, 1));
    let mut before = "whole".to_owned();
    let mut rows = ROWS;
    for round in 1..=6_usize {
        let BatchMove::Done(undone) = undo(&open, &before).await else { panic!("round {round}") };
        assert_eq!((undone.restored, undone.superseded), (4, 0));
        assert!(state(&open, people).await.is_empty());
        rows.rotate_left(round * 4 % 9);
        rows.swap(round, 0);
        before = format!("batch {round}");
        for commit in rows.chunks(round) {
            push(&open, &before, commit).await;
        }
        assert_eq!(state(&open, people).await, expected, "{rows:?} by {round}");
        let again = push(&open, "again", &rows).await;
        assert!(again.iter().all(|done| done.outcome == RowOutcome::Unchanged), "{again:?}");
    }
    open.close().await;
}

pub(crate) async fn a_batch_of_visits_takes_rows_for_seven_days(place: Place) {
    let open = place.open().await;
    let people = residents(&open).await;
    let at = |us| place.clock.store(us, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(push(&open, "day", &ROWS[..1]).await[0].outcome, RowOutcome::Created);
    at(START_US + 7 * DAY_US);
    assert_eq!(push(&open, "day", &ROWS[1..2]).await[0].outcome, RowOutcome::Updated);
    at(START_US + 7 * DAY_US + 1);
    let late = push(&open, "day", &ROWS[..3]).await;
    let closed = RowDone { outcome: RowOutcome::Rejected, conflict: Some(RowConflict::BatchClosed) };
    assert_eq!(late.iter().map(|done| done.outcome).take(2).collect::<Vec<_>>(), [RowOutcome::Unchanged; 2]);
    assert_eq!(late[2], closed, "only what is new");
    assert_eq!(undo(&open, "day").await, BatchMove::NotAllowed);
    let other = push(&open, "next", &[(2, 1, 9, 0), (1, 1, 3, 2)]).await;
    assert_eq!(other[0].conflict, Some(RowConflict::OtherPerson));
    assert_eq!(other[1].outcome, RowOutcome::Updated);
    assert_eq!(state(&open, people).await["v-1"].0, 3);
    open.close().await;
}
