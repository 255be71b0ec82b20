//! Tickets: put once, counted by rule, and used once whatever crashes.
//!
//! The second half is the crowd: many clinics, few tickets, random `kill -9`. Every client asks on until it is answered,
//! with the same idempotency key, across crashes; answers in the order of the log are one sequential history, which a
//! model must give too. A failure is: two visits paid by one ticket, an answer that a replay changes, a ticket that
//! stands elsewhere than its last acknowledged step left it.

use std::{collections::BTreeMap, fmt::Write as _, sync::atomic::Ordering};

use jiff::civil::date;
use pmh_audit::{Kind, registry::Method};
use pmh_domain::{
    checkup::{
        kind::CheckupKind,
        ticket::{ExtraRule, Place as Venue, Repeat, Ticket, TicketPart, TicketRefusal, TicketState, Use},
    },
    codes::PrefectureCode,
    entitlement::Area,
    time::DateRange,
};
use pmh_store::{
    Concluding, Conclusion, Fault, GatewayStore, Idempotency, Location, Reply, RowConflict, RowDone,
    RowOutcome, RowVerdict,
    ticket::{Issued, KeptTicket, TicketChunk, TicketKey, TicketOf, TicketRow, TicketStep, TicketsOf},
};

use crate::{
    life::{self, Life},
    support::*,
};

const CAP: u32 = 5_000;

fn ticket(number: &str, resident: u8) -> Issued {
    Issued {
        resident_key: resident_key(resident).as_str().to_owned(),
        on: date(2026, 4, 1),
        pregnancy: "p-1".to_owned(),
        children: 1,
        ticket: Ticket {
            issuer: chiyoda(),
            number: number.to_owned(),
            kind: CheckupKind::Pregnancy,
            part: TicketPart::Basic,
            cap_yen: CAP,
            window: DateRange::new(date(2026, 4, 1), date(2027, 3, 31)).unwrap(),
            area: Area::Prefecture,
            state: TicketState::Issued,
        },
    }
}

fn visit(record: &str, fee_yen: u32) -> Use {
    Use {
        record_id: record.to_owned(),
        date: date(2026, 4, 1),
        kind: CheckupKind::Pregnancy,
        place: Venue { prefecture: PrefectureCode::parse("13").unwrap(), municipality: None },
        fee_yen,
    }
}

async fn put(store: &GatewayStore, batch: &str, rows: Vec<TicketRow>) -> Vec<RowDone> {
    let numbered = rows.into_iter().zip(0_u8..);
    let rows = numbered.map(|(new, at)| row(&at.to_string(), at, RowVerdict::Accepted(new))).collect();
    let chunk = TicketChunk {
        issuer: chiyoda(),
        method: Method::PUT_TICKETS.0,
        batch_id: batch.to_owned(),
        dry_run: false,
        rows,
    };
    outcome(Kind::BulkChunk, |conclude| store.put_tickets(attempt(), chunk, conclude)).await.0
}

async fn put_one(store: &GatewayStore, batch: &str, new: Issued) -> RowDone {
    put(store, batch, vec![TicketRow::Ticket(Box::new(new))]).await[0]
}

async fn listed(store: &GatewayStore, of: TicketsOf) -> Vec<KeptTicket> {
    outcome(Kind::Disclosure, |conclude| store.list_tickets(attempt(), of, conclude)).await.0.unwrap().tickets
}

fn key(number: &str) -> TicketKey {
    TicketKey { issuer: chiyoda(), number: number.to_owned() }
}

async fn consume(store: &GatewayStore, of: TicketOf, wanted: Use) -> Option<Result<u32, TicketRefusal>> {
    let mut bytes = [0; 8];
    random(&mut bytes);
    let once = idempotency(&format!("{bytes:?}"), 1);
    let decide = move |kept: &KeptTicket| match kept.issued.ticket.consume(&wanted) {
        Ok(done) => (Ok(done.issuer_yen), (done.first == Repeat::First).then_some(done.ticket)),
        Err(refusal) => (Err(refusal), None),
    };
    let step = |conclude| store.ticket_step(attempt(), once, of, decide, conclude);
    outcome(Kind::Write, step).await.0.map(|step: TicketStep<_>| step.decided)
}

pub(crate) async fn tickets_are_put_once_and_stay_when_used(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    enrol(&open, chiyoda(), 2).await;
    let (created, unchanged) = (RowOutcome::Created, RowOutcome::Unchanged);
    assert_eq!(put_one(&open, "a", ticket("T-1", 1)).await.outcome, created);
    assert_eq!(put_one(&open, "b", ticket("T-1", 1)).await.outcome, unchanged, "another batch, the same row");
    let refused = |conflict| RowDone { outcome: RowOutcome::Rejected, conflict: Some(conflict) };
    assert_eq!(put_one(&open, "c", ticket("T-1", 2)).await, refused(RowConflict::TicketNumberTaken));
    assert_eq!(put_one(&open, "d", ticket("T-9", 9)).await, refused(RowConflict::ResidentUnknown));
    let mut dearer = ticket("T-1", 1);
    dearer.ticket.cap_yen = 6_000;
    assert_eq!(put_one(&open, "e", dearer.clone()).await.outcome, RowOutcome::Updated);

    let stranger = TicketOf::Person(key("T-1"), [7; 32]);
    assert_eq!(consume(&open, stranger, visit("clinic:1/a", 7_000)).await, None, "another's is not found");
    let wrong_day = TicketOf::Born(key("T-1"), date(2023, 5, 7));
    assert_eq!(consume(&open, wrong_day, visit("clinic:1/a", 7_000)).await, None);
    let on_paper = TicketOf::Born(key("T-1"), birth_date());
    assert_eq!(consume(&open, on_paper.clone(), visit("clinic:1/a", 7_000)).await, Some(Ok(6_000)));
    assert_eq!(consume(&open, on_paper, visit("clinic:1/a", 7_000)).await, Some(Ok(6_000)), "the same visit");
    let with_card = TicketOf::Person(key("T-1"), person);
    assert_eq!(consume(&open, with_card, visit("clinic:2/a", 7_000)).await, Some(Err(TicketRefusal::Used)));

    assert_eq!(
        put_one(&open, "f", dearer).await.outcome,
        unchanged,
        "where it stands is not the row's to say"
    );
    assert_eq!(put_one(&open, "g", ticket("T-1", 1)).await, refused(RowConflict::TicketClosed));
    let kept = listed(&open, TicketsOf::Person(person)).await;
    assert!(
        matches!(&kept[0].issued.ticket.state, TicketState::Used(used) if used.record_id == "clinic:1/a")
    );
    assert_eq!(kept.len(), 1);
    open.close().await;
}

pub(crate) async fn a_pregnancy_gets_fourteen_and_what_the_rule_adds(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 1).await;
    let basic = |from: u8, to: u8| -> Vec<TicketRow> {
        (from..to).map(|at| TicketRow::Ticket(Box::new(ticket(&format!("B-{at:02}"), 1)))).collect()
    };
    let outcomes = async |batch: &str, rows| {
        let done = put(&open, batch, rows).await;
        done.iter().filter(|done| done.outcome == RowOutcome::Created).count()
    };
    assert_eq!(outcomes("a", basic(0, 16)).await, 14);
    let mut scan = ticket("U-1", 1);
    scan.ticket.part = TicketPart::Ultrasound;
    assert_eq!(put_one(&open, "b", scan).await.outcome, RowOutcome::Created, "only the visits are counted");
    let window = DateRange::new(date(2026, 4, 1), date(2027, 3, 31)).unwrap();
    let rule = ExtraRule { issuer: chiyoda(), window, singleton: 1, multiple: 5 };
    let with_rule = [vec![TicketRow::Extra(rule)], basic(14, 20)].concat();
    assert_eq!(outcomes("c", with_rule).await, 2, "the rule, and the fifteenth");
    let mut twins = ticket("B-15", 1);
    twins.children = 2;
    assert_eq!(put_one(&open, "d", twins).await.outcome, RowOutcome::Created);
    assert_eq!(outcomes("e", basic(16, 30)).await, 3, "once told, twins stay two");
    let mut next = ticket("N-1", 1);
    "p-2".clone_into(&mut next.pregnancy);
    assert_eq!(put_one(&open, "f", next).await.outcome, RowOutcome::Created, "another pregnancy");
    let home = TicketsOf::Resident(chiyoda(), resident_key(1).as_str().to_owned());
    assert_eq!(listed(&open, home).await.len(), 21);
    open.close().await;
}

const CLIENTS: u32 = 12;
const TICKETS: u32 = 240;

pub(crate) async fn a_ticket_pays_for_one_visit_whatever_crashes(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 1).await;
    for batch in 0..TICKETS / 40 {
        let numbers = batch * 40..(batch + 1) * 40;
        let rows = numbers.map(|number| {
            let mut issued = ticket(&format!("T-{number}"), 1);
            issued.ticket.part = TicketPart::Blood;
            TicketRow::Ticket(Box::new(issued))
        });
        put(&open, &format!("batch {batch}"), rows.collect()).await;
    }
    open.close().await;
    let attempts = if place.is_sqlite() { scaled(2_000, 60_000) } else { scaled(800, 40_000) };
    // On PostgreSQL two programs share one database, as replicas do.
    let programs = if place.is_sqlite() { 1 } else { 2 };
    let mut history = History::default();
    while history.answers.len() < attempts {
        let mut byte = [0];
        random(&mut byte);
        let lines = 1 + usize::from(byte[0]) * attempts / 1_000;
        history.run_and_kill(&place.location, programs, lines.min(attempts - history.answers.len()));
    }
    history.settle(&place.location);
    let model = history.judge();
    assert!(history.answers.values().any(|(.., said)| said == "used"), "nobody was refused");
    let open = place.open().await;
    let mut raw = place.raw().await;
    let stored: Vec<String> =
        raw.texts("SELECT number || ' ' || state || ' ' || record_id FROM ticket").await;
    assert_eq!(stored.len(), TICKETS as usize);
    for line in stored {
        let (number, stands) = line.split_once(' ').unwrap();
        let expected = match model.tickets.get(number) {
            None | Some(Stands::Issued) => "1 ".to_owned(),
            Some(Stands::Used(record, _)) => format!("2 {record}"),
            Some(Stands::Void) => "3 ".to_owned(),
        };
        assert_eq!(stands, expected, "{number}");
    }
    open.close().await;
}

/// What a client does in its `k`-th call: a function of both, so that a later life of it asks the same.
#[derive(Clone, Copy)]
struct Call {
    client: u32,
    number: u32,
}

enum Ask {
    Use,
    Release,
    Void,
}

impl Call {
    fn hash(self) -> u32 {
        let mixed =
            (u64::from(self.client) << 32 | u64::from(self.number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        u32::try_from((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32).unwrap()
    }

    fn ask(self) -> Ask {
        match self.hash() % 32 {
            0..22 => Ask::Use,
            22..31 => Ask::Release,
            _ => Ask::Void,
        }
    }

    /// Everybody crowds around the same few tickets and moves on together.
    fn ticket(self) -> String {
        let crowd = self.number / 16 * 3;
        format!("T-{}", (crowd + (self.hash() >> 8) % 3) % TICKETS)
    }

    /// Calls that follow each other are about one visit, so that some repeat it and some change its fee.
    fn record(self) -> String {
        format!("clinic:{}/{}", self.client, self.number / 8)
    }

    fn fee(self) -> u32 {
        if self.hash() & 0x70 == 0 { 9_000 } else { 3_000 }
    }

    fn id(self) -> String {
        format!("{}-{}", self.client, self.number)
    }
}

fn decide(call: Call, kept: &KeptTicket) -> (&'static str, Option<Ticket>) {
    let ticket = &kept.issued.ticket;
    match call.ask() {
        Ask::Use => match ticket.consume(&visit(&call.record(), call.fee())) {
            Ok(done) => {
                let word = if done.issuer_yen == CAP { "capped" } else { "covered" };
                (word, (done.first == Repeat::First).then_some(done.ticket))
            }
            Err(TicketRefusal::Used) => ("used", None),
            Err(TicketRefusal::OtherFacts) => ("other-facts", None),
            Err(TicketRefusal::Void) => ("void", None),
            Err(other) => panic!("{other:?}"),
        },
        Ask::Release => {
            let released = ticket.release(&call.record());
            if released == *ticket { ("nothing", None) } else { ("released", Some(released)) }
        }
        Ask::Void => match ticket.void(date(2026, 4, 1)) {
            Ok(void) => ("voided", (ticket.state == TicketState::Issued).then_some(void)),
            Err(_) => ("stays", None),
        },
    }
}

enum Stands {
    Issued,
    Used(String, u32),
    Void,
}

#[derive(Default)]
struct Model {
    tickets: BTreeMap<String, Stands>,
}

impl Model {
    fn answer(&mut self, call: Call) -> &'static str {
        let ticket = self.tickets.entry(call.ticket()).or_insert(Stands::Issued);
        let covered = if call.fee() > CAP { "capped" } else { "covered" };
        match (call.ask(), &*ticket) {
            (Ask::Use, Stands::Issued) => {
                *ticket = Stands::Used(call.record(), call.fee());
                covered
            }
            (Ask::Use, Stands::Used(record, _)) if *record != call.record() => "used",
            (Ask::Use, Stands::Used(_, fee)) if *fee != call.fee() => "other-facts",
            (Ask::Use, Stands::Used(..)) => covered,
            (Ask::Use, Stands::Void) => "void",
            (Ask::Release, Stands::Used(record, _)) if *record == call.record() => {
                *ticket = Stands::Issued;
                "released"
            }
            (Ask::Release, _) => "nothing",
            (Ask::Void, Stands::Used(..)) => "stays",
            (Ask::Void, _) => {
                *ticket = Stands::Void;
                "voided"
            }
        }
    }
}

/// Answers by the index they were decided at.
#[derive(Default)]
struct History {
    answers: BTreeMap<u64, (u32, u32, String)>,
    next: BTreeMap<u32, u32>,
}

impl History {
    fn run_and_kill(&mut self, location: &Location, programs: u32, lines: usize) {
        let mut running: Vec<Life> =
            (0..programs).map(|own| self.begin(location, own, programs, u32::MAX)).collect();
        for life in &mut running {
            life.read(lines.div_ceil(programs as usize));
        }
        for life in &mut running {
            life.kill();
        }
        self.hear(running);
    }

    /// A call that was under way at a kill may have had its effect: everybody asks once more.
    fn settle(&mut self, location: &Location) {
        let (life, before) = (self.begin(location, 0, 1, 1), self.answers.len());
        self.hear(vec![life]);
        assert_eq!(self.answers.len(), before + CLIENTS as usize);
    }

    /// Each client goes on where it was answered last.
    fn begin(&self, location: &Location, own: u32, programs: u32, calls: u32) -> Life {
        let mut task = calls.to_string();
        for client in (0..CLIENTS).filter(|client| client % programs == own) {
            write!(task, " {client}:{}", self.next.get(&client).copied().unwrap_or_default()).unwrap();
        }
        Life::begin("tickets::child_that_is_killed", location, &task)
    }

    fn hear(&mut self, lives: Vec<Life>) {
        for line in lives.into_iter().flat_map(Life::end) {
            self.take(&line);
        }
    }

    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        // The last line may have been cut by the kill.
        let [client, number, index, said, "."] = words.as_slice() else { return };
        let (client, number): (u32, u32) = (client.parse().unwrap(), number.parse().unwrap());
        let before = self.answers.insert(index.parse().unwrap(), (client, number, (*said).to_owned()));
        assert_eq!(before, None, "two answers were decided at one place");
        let next = self.next.entry(client).or_default();
        assert_eq!(*next, number, "an answer was told twice or never");
        *next += 1;
    }

    /// The sequential model, over the answers in the order of the log.
    fn judge(&self) -> Model {
        let mut model = Model::default();
        for (index, (client, number, said)) in &self.answers {
            let call = Call { client: *client, number: *number };
            assert_eq!(model.answer(call), said, "at {index}: {} {}", call.id(), call.ticket());
        }
        model
    }
}

/// Does nothing unless the test above starts it.
#[test]
fn child_that_is_killed() {
    let Some((location, task)) = life::task() else { return };
    let mut words = task.split(' ');
    let calls: u32 = words.next().unwrap().parse().unwrap();
    let place = Place::at(location, None, None);
    place.clock.store(START_US, Ordering::Relaxed);
    runtime().block_on(async {
        let (store, _task) = GatewayStore::open(place.settings()).await.unwrap();
        let mut clients = tokio::task::JoinSet::new();
        for word in words {
            let (client, next) = word.split_once(':').unwrap();
            let first: u32 = next.parse().unwrap();
            clients.spawn(ask_on(store.clone(), client.parse().unwrap(), first..first.saturating_add(calls)));
        }
        clients.join_all().await;
    });
}

async fn ask_on(store: GatewayStore, client: u32, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let answer = loop {
            match ask(&store, Call { client, number }).await {
                Ok(answer) => break answer,
                // What the store itself refuses as impossible is a failure of the test.
                Err(fault @ Fault::Inconsistent { .. }) => panic!("{fault:?}"),
                Err(_) => tokio::task::yield_now().await,
            }
        };
        life::acknowledge(&format!("{client} {number} {answer} ."));
    }
}

/// Index and what was said, as the first answer had them.
async fn ask(store: &GatewayStore, call: Call) -> Result<String, Fault> {
    let once = Idempotency {
        organization: format!("clinic:{}", call.client),
        method: Method::USE_TICKET.0,
        key: call.id(),
        request_sha256: [u8::try_from(call.hash() % 251).unwrap(); 32],
    };
    let person = reference(chiyoda(), 1);
    let of = TicketOf::Person(key(&call.ticket()), person);
    let conclude = move |concluding: Concluding<'_, Option<TicketStep<&'static str>>>| {
        let answer = match concluding {
            Concluding::Fresh(step) => {
                let step = step.unwrap();
                format!("{} {}", step.at.0, step.decided).into_bytes()
            }
            Concluding::Replay(answer) => answer.to_vec(),
            Concluding::KeyReused => panic!("another request"),
        };
        Conclusion::<()> { reply: Reply::Answer(answer), draft: Some(draft(Kind::Write, Some(person))) }
    };
    let recorded = store.ticket_step(attempt(), once, of, move |kept| decide(call, kept), conclude).await?;
    match recorded.into_parts() {
        (Reply::Answer(answer), Some(receipt)) => {
            verify(&receipt);
            Ok(String::from_utf8(answer).unwrap())
        }
        _ => panic!("no answer"),
    }
}
