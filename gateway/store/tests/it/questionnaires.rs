//! Questionnaires: families and offices that answer at once are one sequential history of the pure rules, in the order
//! of the log, and check-in ends it. A failure is: an answer that the rules do not give at that place, an answer that
//! changed after check-in, one part's answer in the other.

use std::collections::BTreeMap;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_domain::checkup::{
    kind::Subject,
    questionnaire::{Answer, Origin, Sheet, SheetRefusal},
};
use pmh_store::{
    Concluding, Conclusion, GatewayStore, Reply,
    questionnaire::{Filled, Pages, SheetStep, SheetsOf, StepRefusal},
    session::Whose,
};

use crate::support::*;

const FORM: &str = "m18";
const VERSION: &str = "form3-t1";

type Outcome = Option<Result<Filled, StepRefusal>>;

fn pages(of: SheetsOf) -> Pages {
    Pages { municipality: chiyoda(), form: FORM.to_owned(), of }
}

fn key(number: u8) -> String {
    resident_key(number).as_str().to_owned()
}

fn office(child: u8, mother: Option<u8>) -> Pages {
    pages(SheetsOf::Office { child: key(child), mother: mother.map(key) })
}

fn answers<const N: usize>(given: [(&str, &str); N]) -> SheetStep {
    let answer =
        |(id, value): (&str, &str)| (id.to_owned(), Answer { value: value.to_owned(), origin: Origin::App });
    SheetStep::Answer(VERSION.to_owned(), given.map(answer).into())
}

async fn step(store: &GatewayStore, pages: Pages, step: SheetStep) -> Outcome {
    outcome(Kind::Write, |conclude| store.sheet_step(attempt(), None, pages, step, conclude)).await.0
}

async fn done(store: &GatewayStore, pages: Pages, wanted: SheetStep) -> Filled {
    step(store, pages, wanted).await.unwrap().unwrap()
}

/// What somebody sent, and what was said at its place in the log.
struct Heard {
    sent: Option<(&'static str, &'static str)>,
    said: Result<Sheet, StepRefusal>,
    at: jiff::Timestamp,
}

async fn ask(store: GatewayStore, pages: Pages, sent: Option<(&'static str, &'static str)>) -> (u64, Heard) {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let wanted = sent.map_or(SheetStep::CheckIn, |answer| answers([answer]));
    let conclude = move |concluding: Concluding<'_, Outcome>| {
        let Concluding::Fresh(outcome) = concluding else { panic!("no key was given") };
        tell.send(outcome.unwrap().map(|filled| filled.sheets[0].sheet.clone())).unwrap();
        Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft: Some(draft(Kind::Write, None)) }
    };
    let asked = store.sheet_step(attempt(), None, pages, wanted, conclude).await.unwrap();
    let verified = verify(&asked.into_parts().1.unwrap());
    let mut said = None;
    while let Ok(last) = told.try_recv() {
        said = Some(last);
    }
    let at = said.as_ref().and_then(|said| said.as_ref().ok()).and_then(Sheet::checked_in);
    (verified.index, Heard { sent, said: said.unwrap(), at: at.unwrap_or_default() })
}

fn any_answer() -> (&'static str, &'static str) {
    let mut bytes = [0; 2];
    random(&mut bytes);
    let id = ["words", "cup", "bottle", "walks_alone"][usize::from(bytes[0] % 4)];
    let values: &[&str] = if id == "walks_alone" {
        &["2026-01", "2026-02", "", "later"]
    } else {
        &["はい", "いいえ", "", "どちらでもない"]
    };
    (id, values[usize::from(bytes[1] % 4)])
}

pub(crate) async fn who_answers_at_once_is_one_history_and_check_in_ends_it(place: Place) {
    let mut open = place.open().await;
    for round in 1..=u8::try_from(scaled(3, 60)).unwrap() {
        let child = enrol(&open, chiyoda(), round).await;
        let family = pages(SheetsOf::Child(Whose::Person(child)));
        let mut crowd = tokio::task::JoinSet::new();
        for turn in 0..40 {
            let who = if turn % 2 == 0 { family.clone() } else { office(round, None) };
            let sent = (turn != 25).then(any_answer);
            crowd.spawn(ask(open.store.clone(), who, sent));
        }
        let history: BTreeMap<u64, Heard> = crowd.join_all().await.into_iter().collect();
        assert_eq!(history.len(), 40);
        let mut model = Sheet::open(FORM, VERSION, Subject::Child, []).unwrap();
        for (index, heard) in &history {
            let said = match heard.sent {
                None => {
                    model.check_in(heard.at);
                    Ok(model.clone())
                }
                Some((id, value)) => {
                    let answer = Answer { value: value.to_owned(), origin: Origin::App };
                    model.answer(id, answer).map(|()| model.clone()).map_err(|refusal| match refusal {
                        SheetRefusal::CheckedIn => StepRefusal::CheckedIn,
                        SheetRefusal::Wrong(_) => StepRefusal::Wrong,
                    })
                }
            };
            assert!(said == heard.said, "at {index}");
        }
        open.close().await;
        open = place.open().await;
        let closed = done(&open, family.clone(), SheetStep::Look).await;
        assert!(closed.sheets[0].sheet == model && model.checked_in().is_some());
        let late = step(&open, family.clone(), answers([("words", "はい")])).await.unwrap();
        assert_eq!(late.err(), Some(StepRefusal::CheckedIn));
        let again = done(&open, office(round, None), SheetStep::CheckIn).await;
        assert!(again.sheets[0] == closed.sheets[0], "a second check-in changes nothing");
    }
    open.close().await;
}

pub(crate) async fn each_part_is_one_persons_and_a_new_sheet_knows_the_old_months(place: Place) {
    const BORN: Date = jiff::civil::date(2020, 1, 1);
    let open = place.open().await;
    let (child, mother) = (enrol(&open, chiyoda(), 1).await, enrol(&open, chiyoda(), 2).await);
    let of_child = pages(SheetsOf::Child(Whose::Person(child)));
    let hers = |born| pages(SheetsOf::Parent(Whose::Person(mother), born));
    let both = || office(1, Some(2));
    assert!(step(&open, office(3, None), SheetStep::Look).await.is_none(), "no resident by this key");
    assert!(step(&open, pages(SheetsOf::Child(Whose::Person([9; 32]))), SheetStep::Look).await.is_none());
    let unknown = Pages { form: "m19".to_owned(), ..of_child.clone() };
    assert!(step(&open, unknown, SheetStep::Look).await.is_none(), "no such form");

    let wrong = |answers| step(&open, of_child.clone(), answers);
    assert_eq!(
        wrong(answers([("words", "はい"), ("adviser", "はい")])).await.unwrap().err(),
        Some(StepRefusal::Wrong)
    );
    let other = SheetStep::Answer("form3-t0".to_owned(), Vec::new());
    assert_eq!(wrong(other).await.unwrap().err(), Some(StepRefusal::OtherVersion));
    let untouched = done(&open, of_child.clone(), SheetStep::Look).await;
    assert_eq!((untouched.sheets[0].revision, untouched.sheets[0].sheet.answers().answers.len()), (0, 0));

    let own = done(&open, hers(birth_date()), answers([("adviser", "いいえ")])).await;
    assert_eq!((own.subject, own.sheets.len()), (mother, 1));
    done(&open, hers(BORN), answers([("adviser", "はい")])).await;
    done(&open, both(), answers([("walks_alone", "2026-04"), ("memo", "眠れない")])).await;
    let again = done(&open, both(), answers([("walks_alone", "2026-04")])).await;
    let seen: Vec<_> = again.sheets.iter().map(|filled| (filled.subject, filled.revision)).collect();
    assert_eq!(seen, [(child, 1), (mother, 2)], "the same again changes nothing");
    let ids = |filled: &Filled, at: usize| {
        filled.sheets[at].sheet.answers().answers.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        (ids(&again, 0), ids(&again, 1)),
        (vec!["walks_alone".to_owned()], vec!["adviser".into(), "memo".into()])
    );
    let concerns = again.sheets[1].sheet.answers().concerns();
    assert_eq!(concerns.iter().map(|question| question.id.as_str()).collect::<Vec<_>>(), ["adviser"]);

    let later = Pages { form: "y2".to_owned(), ..of_child.clone() };
    let prefilled = done(&open, later, SheetStep::Look).await;
    assert!(
        prefilled.sheets[0].sheet.answers().answers.values().all(|answer| answer.origin == Origin::Prefilled)
    );
    open.close().await;
}
