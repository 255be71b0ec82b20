//! Places at group checkups: a crowd that books, moves, waits and gives up at once is one sequential history of the
//! pure rules, in the order of the log. A failure is: an answer that the rules do not give at that place, a place sold
//! twice, somebody who lost their turn by a restart.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use pmh_audit::Kind;
use pmh_domain::checkup::{
    kind::CheckupKind,
    session::{SessionRefusal, Sessions},
};
use pmh_store::{
    Concluding, Conclusion, GatewayStore, Reply, SubjectRef,
    session::{GroupKey, GroupStep, Happened, Places, SessionInfo, Wanted, Whose},
};

use crate::support::*;

const PEOPLE: u8 = 9;
const DAYS: u8 = 3;
const TODAY: Date = date(2026, 4, 1);

fn group() -> GroupKey {
    GroupKey { municipality: chiyoda(), group: "18か月児健診 5月生".to_owned() }
}

fn day(number: u8) -> String {
    format!("day-{number}")
}

fn info(number: u8) -> SessionInfo {
    SessionInfo {
        kind: CheckupKind::Month18,
        date: date(2026, 5, 1 + i8::try_from(number).unwrap()),
        time: "13:00".to_owned(),
        hall: "保健センター".to_owned(),
    }
}

fn open_day(number: u8, capacity: u32) -> Wanted {
    Wanted::Open(vec![(day(number), capacity, info(number))])
}

type Outcome = Option<Result<GroupStep, SessionRefusal>>;

async fn step(store: &GatewayStore, whose: Whose, wanted: Wanted) -> Outcome {
    let step = |conclude| store.group_step(attempt(), None, group(), whose, wanted, conclude);
    outcome(Kind::Write, step).await.0
}

fn resident(number: u8) -> Whose {
    Whose::Resident(resident_key(number).as_str().to_owned())
}

/// What somebody asked and what was said, at its place in the log.
#[derive(Debug)]
struct Heard {
    person: String,
    wanted: Wanted,
    said: Result<Vec<Happened>, SessionRefusal>,
}

async fn ask(store: GatewayStore, person: u8, wanted: Wanted) -> (u64, Heard) {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let whose = if matches!(wanted, Wanted::Open(_)) { Whose::Nobody } else { resident(person) };
    let conclude = move |concluding: Concluding<'_, Outcome>| {
        let Concluding::Fresh(outcome) = concluding else { panic!("no key was given") };
        tell.send(outcome.unwrap().map(|step| step.events)).unwrap();
        Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft: Some(draft(Kind::Write, None)) }
    };
    let asked = store.group_step(attempt(), None, group(), whose, wanted.clone(), conclude).await.unwrap();
    let (_, receipt) = asked.into_parts();
    let index = verify(&receipt.unwrap()).index;
    let mut said = None;
    while let Ok(last) = told.try_recv() {
        said = Some(last);
    }
    (index, Heard { person: resident_key(person).as_str().to_owned(), wanted, said: said.unwrap() })
}

fn any_wish() -> (u8, Wanted) {
    let mut bytes = [0; 4];
    random(&mut bytes);
    let [what, person, number, places] = bytes;
    let (person, number) = (1 + person % PEOPLE, number % DAYS);
    let wanted = match what % 10 {
        0 => open_day(number, u32::from(places % 4)),
        1 | 2 => Wanted::Cancel,
        _ => Wanted::Place(day(number), TODAY),
    };
    (person, wanted)
}

fn expected(model: &mut Places, heard: &Heard) -> Result<Vec<Happened>, SessionRefusal> {
    match &heard.wanted {
        Wanted::Look => Ok(Vec::new()),
        Wanted::Place(session, _) => model.request(&heard.person, session),
        Wanted::Cancel => Ok(model.cancel(&heard.person)),
        Wanted::Open(days) => {
            let (session, capacity, _) = days.first().unwrap();
            model.open(session.clone(), usize::try_from(*capacity).unwrap())
        }
    }
}

pub(crate) async fn a_crowd_at_once_is_one_history_of_the_rules(place: Place) {
    let mut model: Places = Sessions::new();
    let mut open = place.open().await;
    for number in 1..=PEOPLE {
        enrol(&open, chiyoda(), number).await;
    }
    for number in 0..DAYS {
        step(&open, Whose::Nobody, open_day(number, 2)).await.unwrap().unwrap();
        model.open(day(number), 2).unwrap();
    }
    for _ in 0..scaled(6, 200) {
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..60 {
            let (person, wanted) = any_wish();
            crowd.spawn(ask(open.store.clone(), person, wanted));
        }
        let history: BTreeMap<u64, Heard> = crowd.join_all().await.into_iter().collect();
        assert_eq!(history.len(), 60);
        for (index, heard) in &history {
            let before = model.clone();
            let said = expected(&mut model, heard);
            if said.is_err() {
                assert_eq!(model, before);
            }
            assert_eq!(said, heard.said, "at {index}: {heard:?}");
        }
        let seen = step(&open, Whose::Nobody, Wanted::Look).await.unwrap().unwrap();
        assert_eq!(seen.group.places, model);
        open.close().await;
        open = place.open().await;
    }
    let mut raw = place.raw().await;
    let sold = "SELECT COUNT(*) FROM checkup_session s WHERE s.capacity <
        (SELECT COUNT(*) FROM checkup_seat p WHERE p.municipality = s.municipality AND p.group_id = s.group_id
         AND p.session_id = s.session_id)";
    assert_eq!(raw.count(sold).await, 0, "sold twice");
    open.close().await;
}

pub(crate) async fn only_residents_book_and_no_day_that_has_passed(place: Place) {
    let open = place.open().await;
    let person: SubjectRef = enrol(&open, chiyoda(), 1).await;
    assert!(step(&open, resident(1), Wanted::Look).await.is_none(), "no such group");
    step(&open, Whose::Nobody, open_day(0, 1)).await.unwrap().unwrap();
    let book = |today| Wanted::Place(day(0), today);
    assert!(step(&open, resident(2), book(TODAY)).await.is_none(), "nobody's key");
    assert!(step(&open, Whose::Person([9; 32]), book(TODAY)).await.is_none(), "no resident here");
    assert_eq!(
        step(&open, resident(1), book(date(2026, 5, 2))).await.unwrap().err(),
        Some(SessionRefusal::Over)
    );
    let unknown = Wanted::Place("another".to_owned(), TODAY);
    assert_eq!(step(&open, resident(1), unknown).await.unwrap().err(), Some(SessionRefusal::Unknown));
    let booked = step(&open, Whose::Person(person), book(TODAY)).await.unwrap().unwrap();
    let key = resident_key(1).as_str().to_owned();
    assert_eq!(booked.events, [Happened::Placed(key.clone(), day(0))]);
    assert_eq!(booked.whose, Some((person, key)));
    assert!(step(&open, Whose::OnBehalf(person), Wanted::Look).await.is_some());
    open.close().await;
}
