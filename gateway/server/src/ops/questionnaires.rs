//! Questionnaires before a checkup (問診票): the family answers, the office closes.

use std::sync::Arc;

use jiff::civil::Date;
use pmh_audit::Kind;
use pmh_auth::{
    names::{Purpose, Role},
    policy::Permit,
};
use pmh_domain::{
    checkup::{
        kind::Subject,
        problem::Reason as Wrong,
        questionnaire::{Answer, Form, Origin, Question, Sheet, SheetRefusal, form},
    },
    organization::IssuerId,
};
use pmh_proto::common::Reason;
use pmh_store::{
    questionnaire::{Filled, Pages, SheetStep, SheetsOf, StepRefusal},
    session::Whose,
};

use super::{
    Call, Gateway,
    asked::{Asked, Kept, Told},
    refusals::settled,
    unavailable,
};
use crate::rpc::status::{Refusal, reason_named};

/// Whose answers to which form, as the request names them.
pub struct SheetWish {
    /// Whoever brings a token names the municipality; a municipality may name itself.
    pub municipality: Option<IssuerId>,
    /// A municipality's own resident, the child.
    pub resident_key: Option<String>,
    /// The child's mother.
    pub mother_key: Option<String>,
    /// With a token: the parent's own part, about the child born on this day.
    pub child_born: Option<Date>,
    /// Code of the form.
    pub form: String,
}

/// Answers to one version of a form, by question.
pub struct Given {
    /// Version of the form that was shown.
    pub version: String,
    /// The answers.
    pub answers: Vec<(String, Answer)>,
}

/// Sheets as their reader may see them.
pub struct SheetView<'a> {
    /// The sheets.
    pub filled: &'a Filled,
    /// Whether the reader is told which answers a nurse looks at: offices and clinics are, families are not.
    pub tells_concerns: bool,
}

/// A form with the answers so far.
pub async fn get_questionnaire(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    wish: SheetWish,
    render: impl Fn(&SheetView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
    let asked = Asked::new(gateway, call, permit, Kind::Disclosure);
    let pages = pages(call, permit, &asked, wish)?;
    run(gateway, permit, asked, None, pages, SheetStep::Look, render).await
}

/// Gives or amends answers.
pub async fn put_answers(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    wish: SheetWish,
    given: Given,
    render: impl Fn(&SheetView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let pages = pages(call, permit, &asked, wish)?;
    let form = form(&pages.form, &given.version).ok_or_else(|| Refusal::new(Reason::NotFound))?;
    check(form, &pages.of, permit, &given)?;
    let step = SheetStep::Answer(given.version, given.answers);
    run(gateway, permit, asked, Some(idempotency_key), pages, step, render).await
}

/// Closes the sheets. Which answers a nurse looks at is told here, so it is a disclosure too.
pub async fn check_in(
    gateway: &Arc<Gateway>,
    call: &Call,
    permit: &Permit,
    idempotency_key: &str,
    wish: SheetWish,
    render: impl Fn(&SheetView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    gateway.witnesses.permit_disclosure(call.now.as_microsecond())?;
    let asked = Asked::new(gateway, call, permit, Kind::Write);
    let pages = pages(call, permit, &asked, wish)?;
    run(gateway, permit, asked, Some(idempotency_key), pages, SheetStep::CheckIn, render).await
}

async fn run(
    gateway: &Arc<Gateway>,
    permit: &Permit,
    asked: Asked,
    idempotency_key: Option<&str>,
    pages: Pages,
    step: SheetStep,
    render: impl Fn(&SheetView<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Kept, Refusal> {
    let once = idempotency_key.map(|key| asked.once(key));
    let (municipality, is_home) = (pages.municipality, matches!(pages.of, SheetsOf::Office { .. }));
    let tells_concerns = permit.purpose() != Some(Purpose::Patrqt);
    let recorded = gateway
        .store
        .sheet_step(gateway.attempt(), once, pages, step, move |concluding| {
            asked.conclude(concluding, |filled: Option<Result<Filled, StepRefusal>>| {
                let filled = filled.ok_or(Reason::NotFound)?.map_err(reason)?;
                let answer = render(&SheetView { filled: &filled, tells_concerns });
                // The receipt shows the entry's holder: where a restricted person lives is nobody else's.
                let shows_home = is_home || !filled.restricted;
                let holder = if shows_home { municipality.to_string() } else { String::new() };
                Ok(Told { answer, subject: Some(filled.subject), holder, outcome: 0 })
            })
        })
        .await
        .map_err(|fault| unavailable(&fault))?;
    settled(recorded)
}

fn pages(call: &Call, permit: &Permit, asked: &Asked, wish: SheetWish) -> Result<Pages, Refusal> {
    let SheetWish { municipality, resident_key, mother_key, child_born, form } = wish;
    if let Some(person) = asked.person() {
        // A mother answers about herself as herself, never as her child's guardian.
        let acts_for_another = permit.subject().is_some_and(|subject| subject.actor().is_some());
        if resident_key.is_some() || mother_key.is_some() || (acts_for_another && child_born.is_some()) {
            return Err(Refusal::new(Reason::SubjectMismatch));
        }
        let municipality = municipality.ok_or_else(|| missing("sheet.municipality"))?;
        let whose = if asked.is_on_behalf() { Whose::OnBehalf(person) } else { Whose::Person(person) };
        let of = match child_born {
            None => SheetsOf::Child(whose),
            Some(born) => SheetsOf::Parent(whose, born),
        };
        return Ok(Pages { municipality, form, of });
    }
    let own = call.issuer().map_err(|_| Refusal::new(Reason::TokenMissing))?;
    if permit.role() != Role::Municipality || permit.purpose() == Some(Purpose::Patrqt) {
        return Err(Refusal::new(Reason::TokenMissing));
    }
    if municipality.is_some_and(|named| named != own) {
        return Err(Refusal::new(Reason::IssuerMismatch));
    }
    let child = resident_key.ok_or_else(|| missing("sheet.resident_key"))?;
    Ok(Pages { municipality: own, form, of: SheetsOf::Office { child, mother: mother_key } })
}

/// What can be told without looking at what is kept, every problem at once.
fn check(form: &Form, of: &SheetsOf, permit: &Permit, given: &Given) -> Result<(), Refusal> {
    let parts: &[Subject] = match of {
        SheetsOf::Child(_) | SheetsOf::Office { mother: None, .. } => &[Subject::Child],
        SheetsOf::Parent(..) => &[Subject::Mother],
        SheetsOf::Office { mother: Some(_), .. } => &[Subject::Child, Subject::Mother],
    };
    let origins: &[Origin] = match permit.role() {
        Role::App => &[Origin::App],
        _ => &[Origin::Paper, Origin::Interview],
    };
    let mut wrong = Vec::new();
    for (at, (id, answer)) in given.answers.iter().enumerate() {
        let path = |field: &str| format!("answers[{at}].{field}");
        if !origins.contains(&answer.origin) {
            wrong.push((path("origin"), Reason::Value));
        }
        match form.question(id).map(Question::part).filter(|part| parts.contains(part)) {
            None => wrong.push((path("question"), Reason::UnknownItem)),
            Some(part) => {
                let found = problem(form, &given.version, part, id, answer);
                wrong.extend(found.map(|reason| (path("value"), reason)));
            }
        }
    }
    let forbidden = Reason::IndividualNumberForbidden;
    if wrong.iter().any(|(_, reason)| *reason == forbidden) {
        let hits = wrong.into_iter().filter(|(_, reason)| *reason == forbidden);
        return Err(hits.fold(Refusal::new(forbidden), |refusal, (path, why)| refusal.with_field(path, why)));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let refusal = Refusal::invalid_fields(Vec::new());
    Err(wrong.into_iter().fold(refusal, |refusal, (path, why)| refusal.with_field(path, why)))
}

fn problem(form: &Form, version: &str, part: Subject, id: &str, answer: &Answer) -> Option<Reason> {
    let mut trial = Sheet::open(&form.form, version, part, [])?;
    let Err(SheetRefusal::Wrong(problems)) = trial.answer(id, answer.clone()) else { return None };
    problems.first().map(|problem| named(problem.reason))
}

fn named(reason: Wrong) -> Reason {
    reason_named(reason.name()).unwrap_or(Reason::Value)
}

fn missing(path: &str) -> Refusal {
    Refusal::invalid_fields(Vec::new()).with_field(path, Reason::Required)
}

fn reason(refusal: StepRefusal) -> Reason {
    match refusal {
        StepRefusal::CheckedIn => Reason::StateNotAllowed,
        StepRefusal::OtherVersion => Reason::VersionConflict,
        StepRefusal::Wrong => Reason::InvalidFields,
    }
}
