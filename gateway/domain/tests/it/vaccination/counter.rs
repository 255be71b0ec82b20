//! The shot itself: lot, questionnaire, residence, letters, history.

use std::collections::BTreeSet;

use pmh_domain::codes::{InstitutionCode, MunicipalityCode};
use pmh_domain::time::DateRange;
use pmh_domain::vaccination::{
    AgePolicy, Answer, Authorization, AuthorizationKind, Case, Completeness, DoctorsWord, Evaluation,
    FindingKind, History, Override, Programme, Proposal, Residence, RuleRef, Setting, Verdict, answer_line,
    classify, evaluate, finding_line,
};

use super::world::{blocking, book, code, day, doses, girl, given, proposal};

fn home() -> MunicipalityCode {
    MunicipalityCode::parse("132098").unwrap()
}

fn elsewhere() -> MunicipalityCode {
    MunicipalityCode::parse("452033").unwrap()
}

fn institution(text: &str) -> InstitutionCode {
    InstitutionCode::parse(text).unwrap()
}

fn letter(first: &str, last: &str) -> Authorization {
    Authorization {
        kind: AuthorizationKind::RequestLetter,
        issuer: elsewhere(),
        vaccine: code("HEPB"),
        dose_no: None,
        valid: DateRange::new(day(first), day(last)).unwrap(),
        institution: None,
    }
}

fn away(authorizations: Vec<Authorization>) -> Setting {
    Setting { residence: Residence::Elsewhere(elsewhere()), institution: None, authorizations }
}

fn at_home() -> Setting {
    Setting { residence: Residence::Served(home()), institution: None, authorizations: Vec::new() }
}

fn screened() -> Proposal {
    Proposal { answers: Some(BTreeSet::new()), ..proposal("HEPB", day("2026-06-01")) }
}

fn answered(vaccine: &str, on: &str, answer: Answer) -> Proposal {
    Proposal { answers: Some(BTreeSet::from([answer])), ..proposal(vaccine, day(on)) }
}

fn judged(proposal: &Proposal, setting: &Setting, history: &History) -> Evaluation {
    let person = girl("2026-01-15");
    let case =
        Case { person: &person, history, proposal, setting: Some(setting), policy: AgePolicy::LawLiteral };
    evaluate(book(), &case).unwrap()
}

fn kinds(evaluation: &Evaluation) -> Vec<FindingKind> {
    evaluation.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_clean_shot_at_home_is_ok_and_names_its_rules() {
    let evaluation = judged(&screened(), &at_home(), &doses(""));
    assert_eq!((evaluation.verdict, evaluation.dose_no), (Verdict::Ok, Some(1)));
    let rules: Vec<_> = evaluation.rules.iter().map(RuleRef::id).collect();
    assert_eq!(
        rules,
        [
            "HEPB/series",
            "HEPB/window",
            "HEPB/dose-1",
            "GENERAL/questionnaire",
            "GENERAL/history",
            "GENERAL/residence"
        ]
    );
    assert_eq!(evaluation.rules_version, "2026-04-01");
}

/// A rule that nobody confirmed is as unsure when it finds nothing.
#[test]
fn an_unconfirmed_rule_is_named_wherever_it_was_looked_at() {
    let unconfirmed = |proposal: &Proposal, setting: &Setting| {
        let evaluation = judged(proposal, setting, &doses(""));
        let rules = evaluation.rules.into_iter().filter(|rule| !rule.is_confirmed());
        rules.map(|rule| rule.id().to_owned()).collect::<Vec<_>>()
    };
    let always = ["GENERAL/questionnaire", "GENERAL/history"];
    let with = |more: &'static str| [&always[..], &[more]].concat();
    assert_eq!(unconfirmed(&screened(), &at_home()), with("GENERAL/residence"));
    let voluntary = Proposal { programme: Programme::Voluntary, ..screened() };
    assert_eq!(unconfirmed(&voluntary, &at_home()), always);
    let labelled = Proposal { lot_expires: Some(day("2026-06-01")), ..voluntary.clone() };
    assert_eq!(unconfirmed(&labelled, &at_home()), with("GENERAL/lot"));
    let numbered = Proposal { dose_no: Some(1), ..voluntary.clone() };
    assert_eq!(unconfirmed(&numbered, &at_home()), with("GENERAL/order"));
    let order = Proposal { programme: Programme::Extraordinary, ..screened() };
    assert_eq!(unconfirmed(&order, &at_home()), with("GENERAL/programme"));
    let answer = Proposal { answers: Some(BTreeSet::from([Answer::Convulsion])), ..voluntary };
    assert!(unconfirmed(&answer, &at_home()).len() >= always.len());
    let evaluation = judged(&screened(), &away(vec![letter("2026-06-01", "2026-08-31")]), &doses(""));
    assert!(evaluation.rules.iter().any(|rule| rule.id() == "GENERAL/authorization"));
}

#[test]
fn a_lot_is_good_through_its_last_day() {
    let with = |last: &str| Proposal { lot_expires: Some(day(last)), ..screened() };
    assert_eq!(kinds(&judged(&with("2026-06-02"), &at_home(), &doses(""))), []);
    assert_eq!(kinds(&judged(&with("2026-06-01"), &at_home(), &doses(""))), []);
    assert_eq!(kinds(&judged(&with("2026-05-31"), &at_home(), &doses(""))), [FindingKind::LotExpired]);
}

#[test]
fn a_shot_away_from_home_needs_the_homes_letter_on_the_day() {
    let with = |letters| kinds(&judged(&screened(), &away(letters), &doses("")));
    assert_eq!(with(vec![]), [FindingKind::NoAuthorization]);
    assert_eq!(with(vec![letter("2026-06-01", "2026-08-31")]), []);
    assert_eq!(with(vec![letter("2026-03-02", "2026-06-01")]), []);
    assert_eq!(with(vec![letter("2026-06-02", "2026-08-31")]), [FindingKind::NoAuthorization]);
    assert_eq!(with(vec![letter("2026-03-01", "2026-05-31")]), [FindingKind::NoAuthorization]);
    let later = judged(&screened(), &away(vec![letter("2026-06-02", "2026-08-31")]), &doses(""));
    assert_eq!(later.findings[0].allowed_from, Some(day("2026-06-02")));
    assert_eq!(later.findings[0].overridable, Override::No);
}

#[test]
fn a_letter_for_something_else_is_no_letter() {
    let good = || letter("2026-06-01", "2026-08-31");
    let refused = [
        Authorization { issuer: home(), ..good() },
        Authorization { vaccine: code("PCV"), ..good() },
        Authorization { dose_no: Some(2), ..good() },
        Authorization { kind: AuthorizationKind::Ticket, ..good() },
        Authorization { institution: Some(institution("1312345676")), ..good() },
    ];
    for letter in refused {
        let evaluation = judged(&screened(), &away(vec![letter.clone()]), &doses(""));
        assert_eq!(kinds(&evaluation), [FindingKind::NoAuthorization], "{letter:?}");
    }
    let here = institution("1312345676");
    let addressed = Authorization { institution: Some(here), ..good() };
    let setting = Setting { institution: Some(here), ..away(vec![addressed]) };
    assert_eq!(kinds(&judged(&screened(), &setting, &doses(""))), []);
}

#[test]
fn a_shot_by_request_needs_the_letter_and_a_voluntary_one_does_not() {
    let with = |programme, setting: &Setting| {
        kinds(&judged(&Proposal { programme, ..screened() }, setting, &doses("")))
    };
    assert_eq!(with(Programme::ByRequest, &away(vec![])), [FindingKind::NoAuthorization]);
    assert_eq!(with(Programme::ByRequest, &away(vec![letter("2026-06-01", "2026-08-31")])), []);
    assert_eq!(with(Programme::Voluntary, &away(vec![])), []);
    let unknown = Setting { residence: Residence::Unknown, ..at_home() };
    assert_eq!(with(Programme::Routine, &unknown), [FindingKind::ResidenceUnknown]);
}

/// 予防接種実施規則 and its guideline: some answers forbid, others ask for care; live vaccines have their own.
#[test]
fn answers_forbid_or_warn_by_vaccine() {
    let child = |vaccine, on, answer| judged(&answered(vaccine, on, answer), &at_home(), &doses("")).verdict;
    assert_eq!(child("HEPB", "2026-06-01", Answer::Fever), Verdict::Block);
    assert_eq!(child("HEPB", "2026-06-01", Answer::Convulsion), Verdict::Warn);
    assert_eq!(child("BCG", "2026-06-20", Answer::Keloid), Verdict::Block);
    assert_eq!(child("HEPB", "2026-06-01", Answer::Keloid), Verdict::Ok);
    assert_eq!(child("BCG", "2026-06-20", Answer::Immunosuppressed), Verdict::Block);
    assert_eq!(child("HEPB", "2026-06-01", Answer::Immunosuppressed), Verdict::Warn);
    assert_eq!(child("ROTA1", "2026-04-01", Answer::Intussusception), Verdict::Block);
    assert_eq!(child("MR1", "2027-02-01", Answer::BloodProduct), Verdict::Warn);
    assert_eq!(child("HEPB", "2026-06-01", Answer::BloodProduct), Verdict::Ok);
    assert_eq!(child("MR1", "2027-02-01", Answer::Pregnant), Verdict::Block);
}

#[test]
fn every_answer_is_weighed_for_some_vaccine_and_has_words() {
    for answer in Answer::ALL {
        let weighed =
            book().lines().iter().any(|line| line.rule.id().contains(&format!("/{}/", answer.name())));
        assert!(weighed, "{}", answer.name());
        let words = answer_line(answer);
        assert!(!words.ja.is_ascii() && !words.en.is_empty());
        assert_eq!(serde_json::to_value(answer).unwrap(), answer.name());
    }
    for kind in FindingKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn nobody_is_vaccinated_unasked() {
    let unasked = Proposal { answers: None, ..screened() };
    assert_eq!(kinds(&judged(&unasked, &at_home(), &doses(""))), [FindingKind::NotScreened]);
}

#[test]
fn an_incomplete_history_says_so() {
    let with = |completeness| {
        let evaluation = judged(&screened(), &at_home(), &History { completeness, ..doses("") });
        assert_eq!(evaluation.history, completeness);
        kinds(&evaluation)
    };
    assert_eq!(with(Completeness::HistoryIncomplete), [FindingKind::HistoryIncomplete]);
    assert_eq!(with(Completeness::PaperSeen), []);
    let strange = judged(&screened(), &at_home(), &doses("YELLOW-FEVER@2026-05-20"));
    assert_eq!(kinds(&strange), [FindingKind::HistoryIncomplete], "of unknown make, so perhaps live");
}

#[test]
fn what_a_doctor_ruled_out_another_may_allow_with_a_reason() {
    let mut person = girl("2026-01-15");
    person.ruled_out.insert(code("HEPB"));
    let (history, proposal, setting) = (doses(""), screened(), at_home());
    let case = Case {
        person: &person,
        history: &history,
        proposal: &proposal,
        setting: Some(&setting),
        policy: AgePolicy::LawLiteral,
    };
    let evaluation = evaluate(book(), &case).unwrap();
    assert_eq!(blocking(&evaluation), [FindingKind::Contraindication]);
    assert!(evaluation.doctor_may_pass());
}

#[test]
fn a_different_dose_number_is_a_warning() {
    let declared = |no| Proposal { dose_no: Some(no), ..screened() };
    assert_eq!(kinds(&judged(&declared(1), &at_home(), &doses(""))), []);
    assert_eq!(kinds(&judged(&declared(2), &at_home(), &doses(""))), [FindingKind::DoseNumber]);
}

/// Who pays is one question, whether the dose protects another.
#[test]
fn a_missing_letter_is_no_error_but_an_expired_lot_is() {
    let person = girl("2026-01-15");
    let history = doses("");
    let said = |proposal: &Proposal, setting: &Setting| {
        let case = Case {
            person: &person,
            history: &history,
            proposal,
            setting: Some(setting),
            policy: AgePolicy::LawLiteral,
        };
        classify(book(), &case, DoctorsWord::Unsaid).unwrap().counts()
    };
    assert!(said(&screened(), &away(vec![])));
    assert!(!said(&Proposal { lot_expires: Some(day("2026-05-31")), ..screened() }, &at_home()));
}

#[test]
fn the_sentence_gives_the_next_possible_day() {
    let evaluation = judged(
        &screened(),
        &at_home(),
        &History { doses: vec![given("HEPB", day("2026-05-31"))], ..doses("") },
    );
    let line = finding_line(&evaluation.findings[0]);
    assert_eq!(line.ja, "前の回からの間隔が足りません。2026-06-28から可");
    assert_eq!(line.en, "Too soon after an earlier dose; from 2026-06-28");
}

#[test]
fn an_unknown_vaccine_is_refused() {
    let person = girl("2026-01-15");
    let (history, proposal) = (doses(""), proposal("YELLOW-FEVER", day("2026-06-01")));
    let case = Case {
        person: &person,
        history: &history,
        proposal: &proposal,
        setting: None,
        policy: AgePolicy::LawLiteral,
    };
    assert!(evaluate(book(), &case).is_err());
}
