//! Persons, histories and questions in one line each. All persons are invented.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use jiff::civil::Date;
use pmh_domain::resident::Sex;
use pmh_domain::vaccination::{
    AgePolicy, Case, Completeness, Evaluation, FindingKind, Forecast, Given, History, Level, Person,
    Pregnancy, Programme, Proposal, Recorded, RuleBook, VaccineCode, evaluate, forecast_series,
};

pub(super) fn book() -> &'static RuleBook {
    RuleBook::embedded().unwrap()
}

pub(super) fn code(text: &str) -> VaccineCode {
    VaccineCode::parse(text).unwrap()
}

pub(super) fn day(text: &str) -> Date {
    Date::from_str(text).unwrap()
}

pub(super) fn girl(birth: &str) -> Person {
    Person::new(day(birth), Sex::Female)
}

pub(super) fn expecting(due_date: &str) -> Person {
    Person { pregnancy: Some(Pregnancy { due_date: day(due_date) }), ..girl("1995-05-05") }
}

pub(super) fn given(vaccine: &str, on: Date) -> Given {
    Given {
        on,
        vaccine: code(vaccine),
        programme: Programme::Routine,
        recorded: Recorded::AsGiven,
        conditions: BTreeSet::new(),
    }
}

pub(super) fn history(doses: Vec<Given>) -> History {
    History { doses, completeness: Completeness::HistoryComplete }
}

/// `HEPB@2026-06-01 MR1@2026-07-01`.
pub(super) fn doses(text: &str) -> History {
    let dose = |dose: &str| {
        let (vaccine, on) = dose.split_once('@').unwrap();
        given(vaccine, day(on))
    };
    history(text.split_whitespace().map(dose).collect())
}

pub(super) fn proposal(vaccine: &str, on: Date) -> Proposal {
    Proposal {
        vaccine: code(vaccine),
        on,
        programme: Programme::Routine,
        dose_no: None,
        lot_expires: None,
        answers: None,
    }
}

pub(super) fn ask(person: &Person, history: &History, proposal: &Proposal, policy: AgePolicy) -> Evaluation {
    evaluate(book(), &Case { person, history, proposal, setting: None, policy }).unwrap()
}

/// What stops a routine dose on a day, as the law counts.
pub(super) fn blocks(person: &Person, history: &History, vaccine: &str, on: Date) -> Vec<FindingKind> {
    let evaluation = ask(person, history, &proposal(vaccine, on), AgePolicy::LawLiteral);
    blocking(&evaluation)
}

pub(super) fn blocking(evaluation: &Evaluation) -> Vec<FindingKind> {
    let blocks = evaluation.findings.iter().filter(|finding| finding.level == Level::Block);
    blocks.map(|finding| finding.kind).collect()
}

pub(super) fn foresee(person: &Person, history: &History, vaccine: &str, on: &str) -> Forecast {
    forecast_series(book(), &code(vaccine), person, history, day(on), AgePolicy::LawLiteral).unwrap()
}
