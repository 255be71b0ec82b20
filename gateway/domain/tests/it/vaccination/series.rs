//! Which doses count, which are still due, and what a wrong one does.

use std::collections::BTreeSet;

use pmh_domain::vaccination::{
    AgePolicy, Case, Condition, DoctorsWord, FindingKind, Given, Level, Override, Person, Programme,
    Recorded, SeriesStatus, Standing, Verdict, classify,
};

use super::world::{
    ask, blocking, blocks, book, code, day, doses, expecting, foresee, girl, given, history, proposal,
};

fn newborn() -> Person {
    girl("2026-01-15")
}

fn numbers(person: &Person, history: &str, vaccine: &str) -> Vec<Option<u8>> {
    let forecast = foresee(person, &doses(history), vaccine, "2040-01-01");
    let number = |standing| match standing {
        Standing::Valid { no } => Some(no),
        _ => None,
    };
    forecast.given.iter().map(|dose| number(dose.standing)).collect()
}

fn due(person: &Person, history: &str, vaccine: &str, on: &str) -> Vec<u8> {
    foresee(person, &doses(history), vaccine, on).due
}

/// nikko-table and nobeoka-table; first dose on the day before the limit, the limit, the day after.
#[test]
fn pneumococcal_doses_by_the_age_of_the_first() {
    let begun = |on: &str| due(&newborn(), &format!("PCV@{on}"), "PCV", on).len() + 1;
    assert_eq!([begun("2026-08-13"), begun("2026-08-14"), begun("2026-08-15")], [4, 4, 3]);
    assert_eq!([begun("2027-01-13"), begun("2027-01-14"), begun("2027-01-15")], [3, 3, 2]);
    assert_eq!([begun("2028-01-13"), begun("2028-01-14"), begun("2028-01-15")], [2, 2, 1]);
}

/// nobeoka-table and nishidai-table: 3 + 1, 2 + 1, 1.
#[test]
fn hib_doses_by_the_age_of_the_first() {
    let begun = |on: &str| {
        let forecast = foresee(&newborn(), &doses(&format!("HIB@{on}")), "HIB", on);
        forecast.due.len() + 1
    };
    assert_eq!([begun("2026-08-13"), begun("2026-08-14"), begun("2026-08-15")], [4, 4, 3]);
    // So close to the first birthday the second dose is already out of reach: 27 days later only the booster is left.
    assert_eq!([begun("2026-12-16"), begun("2026-12-17"), begun("2026-12-18")], [3, 3, 2]);
    assert_eq!([begun("2027-01-14"), begun("2027-01-15")], [2, 1]);
}

/// nobeoka-table: 「生後12か月を超えて2回目を接種した場合は3回目は行わない」.
#[test]
fn a_late_second_pneumococcal_dose_drops_the_third() {
    let after = |second: &str| due(&newborn(), &format!("PCV@2026-05-15 PCV@{second}"), "PCV", second);
    assert_eq!(after("2027-01-13"), [3, 4]);
    assert_eq!(after("2027-01-14"), [3, 4]);
    assert_eq!(after("2027-01-15"), [4]);
}

/// tamba-pcv: doses two and three only until 24 months; the booster still.
#[test]
fn past_two_years_only_the_pneumococcal_booster_is_left() {
    let no = |on: &str| {
        ask(&newborn(), &doses("PCV@2026-05-15"), &proposal("PCV", day(on)), AgePolicy::LawLiteral).dose_no
    };
    assert_eq!([no("2028-01-13"), no("2028-01-14"), no("2028-01-15")], [Some(2), Some(2), Some(4)]);
    let next = foresee(&newborn(), &doses("PCV@2026-05-15"), "PCV", "2028-06-01").next.unwrap();
    assert_eq!((next.no, next.booster, next.earliest), (4, true, day("2028-01-15")));
}

/// higashikurume-hib: doses two and three only until 12 months; the booster 27 days (20) after the last.
#[test]
fn past_one_year_only_the_hib_booster_is_left() {
    let no = |on: &str| {
        ask(&newborn(), &doses("HIB@2026-05-15"), &proposal("HIB", day(on)), AgePolicy::LawLiteral).dose_no
    };
    assert_eq!([no("2027-01-13"), no("2027-01-14"), no("2027-01-15")], [Some(2), Some(2), Some(4)]);
}

/// nobeoka-table: 「27日(医師が必要と認めた場合は20日)以上」.
#[test]
fn a_doctor_may_shorten_hib_to_twenty_days_with_a_reason() {
    let first = doses("HIB@2026-03-15");
    let on = |text| ask(&newborn(), &first, &proposal("HIB", day(text)), AgePolicy::LawLiteral);
    assert_eq!(blocking(&on("2026-04-04")), [FindingKind::Interval]);
    assert!(!on("2026-04-04").doctor_may_pass());
    for text in ["2026-04-05", "2026-04-06", "2026-04-11"] {
        let evaluation = on(text);
        assert_eq!(blocking(&evaluation), [FindingKind::IntervalPhysician]);
        assert_eq!(evaluation.findings[0].overridable, Override::DoctorWithReason);
        assert_eq!(evaluation.allowed_from, Some(day("2026-04-12")));
        assert!(evaluation.doctor_may_pass());
    }
    assert_eq!(on("2026-04-12").verdict, Verdict::Ok);
    assert_eq!(numbers(&newborn(), "HIB@2026-03-15 HIB@2026-04-05", "HIB"), [Some(1), Some(2)]);
}

/// law-guideline: two doses if the first came before 15, else three. 15 is reached on the day before the birthday.
#[test]
fn human_papilloma_doses_by_the_age_of_the_first() {
    let girl = girl("2011-08-20");
    let begun = |on: &str| due(&girl, &format!("HPV9@{on}"), "HPV9", on);
    assert_eq!(begun("2026-08-18"), [2]);
    assert_eq!(begun("2026-08-19"), [2]);
    assert_eq!(begun("2026-08-20"), [2, 3]);
}

#[test]
fn an_invalid_dose_counts_nowhere_and_the_next_is_told() {
    // Seven days after the first: 21 too few.
    assert_eq!(numbers(&newborn(), "HEPB@2026-03-15 HEPB@2026-03-22", "HEPB"), [Some(1), None]);
    let forecast = foresee(&newborn(), &doses("HEPB@2026-03-15 HEPB@2026-03-22"), "HEPB", "2026-03-22");
    assert_eq!(forecast.given[1].findings[0].kind, FindingKind::Interval);
    assert_eq!(forecast.next.as_ref().map(|next| (next.no, next.earliest)), Some((2, day("2026-04-12"))));
    let told = ask(
        &newborn(),
        &doses("HEPB@2026-03-15 HEPB@2026-03-22"),
        &proposal("HEPB", day("2026-04-12")),
        AgePolicy::LawLiteral,
    );
    assert_eq!(told.verdict, Verdict::Warn);
    assert_eq!(told.findings[0].kind, FindingKind::ErrorDoseBefore);
}

#[test]
fn a_dose_recorded_in_error_counts_nowhere_but_keeps_live_vaccines_away() {
    let mut dose = given("MR1", day("2027-02-01"));
    dose.recorded = Recorded::InError;
    let told = history(vec![dose]);
    assert_eq!(blocks(&newborn(), &told, "VAR", day("2027-02-20")), [FindingKind::LiveInterval]);
    assert_eq!(foresee(&newborn(), &told, "MR1", "2027-03-01").due, [1]);
}

#[test]
fn a_completed_series_takes_no_more() {
    let full = "HEPB@2026-03-15 HEPB@2026-04-12 HEPB@2026-08-02";
    assert_eq!(blocks(&newborn(), &doses(full), "HEPB", day("2026-10-01")), [FindingKind::SeriesComplete]);
    assert_eq!(foresee(&newborn(), &doses(full), "HEPB", "2026-10-01").status, SeriesStatus::Complete);
    assert_eq!(
        numbers(&newborn(), &format!("{full} HEPB@2026-10-01"), "HEPB"),
        [Some(1), Some(2), Some(3), None]
    );
}

#[test]
fn rotavirus_brands_are_not_mixed() {
    let begun = doses("ROTA1@2026-03-15");
    assert_eq!(blocks(&newborn(), &begun, "ROTA5", day("2026-04-12")), [FindingKind::BrandMixed]);
    assert_eq!(foresee(&newborn(), &begun, "ROTA5", "2026-04-12").status, SeriesStatus::OtherProduct);
}

/// nobeoka-table and rota-qa: starting after 14 weeks and 6 days is advised against, not forbidden.
#[test]
fn a_late_rotavirus_start_is_a_warning() {
    let on = |text| ask(&newborn(), &doses(""), &proposal("ROTA1", day(text)), AgePolicy::LawLiteral);
    assert_eq!(on("2026-04-29").verdict, Verdict::Ok);
    let late = on("2026-04-30");
    assert_eq!((late.verdict, late.findings[0].kind), (Verdict::Warn, FindingKind::AfterAdvised));
}

#[test]
fn oral_live_vaccines_and_the_same_day_are_free() {
    assert_eq!(blocks(&newborn(), &doses("BCG@2026-06-01"), "ROTA1", day("2026-06-02")), []);
    assert_eq!(blocks(&newborn(), &doses("ROTA1@2026-06-01"), "BCG", day("2026-06-02")), []);
    assert_eq!(blocks(&newborn(), &doses("MR1@2027-02-01"), "VAR", day("2027-02-01")), []);
    assert_eq!(blocks(&newborn(), &doses("MR1@2027-02-01"), "JE1", day("2027-02-02")), []);
}

#[test]
fn the_five_in_one_and_its_parts_know_of_each_other() {
    for (begun, other) in [("HIB", "DPT-IPV-HIB"), ("DPT-IPV-HIB", "HIB"), ("DPT-IPV", "DPT-IPV-HIB")] {
        let told = doses(&format!("{begun}@2026-03-15"));
        let evaluation = ask(&newborn(), &told, &proposal(other, day("2026-05-01")), AgePolicy::LawLiteral);
        assert_eq!(evaluation.findings[0].kind, FindingKind::ReplacedProduct, "{begun} {other}");
        assert_eq!(evaluation.verdict, Verdict::Warn);
    }
}

#[test]
fn doses_of_an_earlier_pregnancy_do_not_count() {
    let mother = expecting("2027-09-01");
    let told = doses("RSV-MAT@2026-06-10");
    let forecast = foresee(&mother, &told, "RSV-MAT", "2027-06-10");
    assert_eq!(forecast.given[0].standing, Standing::OtherEpisode);
    assert_eq!(forecast.due, [1]);
    let evaluation = ask(&mother, &told, &proposal("RSV-MAT", day("2027-06-10")), AgePolicy::LawLiteral);
    assert_eq!((evaluation.verdict, evaluation.episode.as_str()), (Verdict::Ok, "due 2027-09-01"));
    let again = doses("RSV-MAT@2027-06-10");
    assert_eq!(blocks(&mother, &again, "RSV-MAT", day("2027-07-01")), [FindingKind::SeriesComplete]);
    assert_eq!(blocks(&girl("1995-05-05"), &doses(""), "RSV-MAT", day("2027-06-10")).len(), 2);
}

#[test]
fn yearly_vaccines_are_counted_by_fiscal_year() {
    let elder = girl("1950-01-01");
    let told = doses("FLU@2026-10-20");
    assert_eq!(blocks(&elder, &told, "FLU", day("2027-03-31")), [FindingKind::SeriesComplete]);
    assert_eq!(blocks(&elder, &told, "FLU", day("2027-04-01")), []);
    let next = foresee(&elder, &told, "FLU", "2026-12-01");
    assert_eq!((next.status, next.next.unwrap().earliest), (SeriesStatus::NotYet, day("2027-04-01")));
}

#[test]
fn the_programme_binds_only_routine_shots() {
    let on = |programme| {
        let shot = pmh_domain::vaccination::Proposal { programme, ..proposal("MR1", day("2026-12-01")) };
        ask(&newborn(), &doses(""), &shot, AgePolicy::LawLiteral)
    };
    assert_eq!(on(Programme::Routine).verdict, Verdict::Block);
    assert_eq!(on(Programme::Voluntary).verdict, Verdict::Warn);
    assert_eq!(on(Programme::LongIllness).verdict, Verdict::Block);
    let late = |programme| {
        let shot = pmh_domain::vaccination::Proposal { programme, ..proposal("MR1", day("2028-06-01")) };
        ask(&newborn(), &doses(""), &shot, AgePolicy::LawLiteral).verdict
    };
    assert_eq!([late(Programme::Routine), late(Programme::LongIllness)], [Verdict::Block, Verdict::Warn]);
}

#[test]
fn both_readings_of_an_age_are_named_and_differ_by_a_day() {
    let on = |policy, text| ask(&newborn(), &doses(""), &proposal("MR1", day(text)), policy);
    let eve = on(AgePolicy::LawLiteral, "2027-01-14");
    assert_eq!((eve.verdict, eve.policy.name()), (Verdict::Ok, "law_literal"));
    let eve = on(AgePolicy::Birthday, "2027-01-14");
    assert_eq!((eve.verdict, eve.policy.name()), (Verdict::Block, "birthday"));
    assert_eq!(eve.allowed_from, Some(day("2027-01-15")));
    // Both end with the day before the second birthday.
    for policy in AgePolicy::ALL {
        assert_eq!(on(policy, "2028-01-14").verdict, Verdict::Ok);
        assert_eq!(blocking(&on(policy, "2028-01-15")), [FindingKind::TooLate]);
    }
}

#[test]
fn a_rule_read_nowhere_says_so_in_each_finding() {
    let early =
        ask(&girl("2021-04-02"), &doses(""), &proposal("MR2", day("2027-03-31")), AgePolicy::LawLiteral);
    assert!(!early.findings[0].rule.is_confirmed());
    let early = ask(
        &newborn(),
        &doses("HEPB@2026-03-15"),
        &proposal("HEPB", day("2026-04-11")),
        AgePolicy::LawLiteral,
    );
    assert!(early.findings[0].rule.is_confirmed());
    assert_eq!(early.findings[0].rule.id(), "HEPB/dose-2");
}

#[test]
fn a_dose_reported_late_does_not_spoil_one_that_counts() {
    let told = doses("VAR@2027-03-01");
    let late = ask(&newborn(), &told, &proposal("MR1", day("2027-02-10")), AgePolicy::LawLiteral);
    assert_eq!(blocking(&late), [FindingKind::LaterDose]);
    assert_eq!(late.findings[0].other, Some(code("VAR")));
    assert_eq!(blocks(&newborn(), &told, "MR1", day("2027-02-01")), []);
    assert_eq!(late.allowed_from, Some(day("2027-03-01")));
}

#[test]
fn a_dose_really_given_is_recorded_either_way() {
    let person = newborn();
    let judged = |history: &str, vaccine: &str, on: &str, word| {
        let (history, proposal) = (doses(history), proposal(vaccine, day(on)));
        let case = Case {
            person: &person,
            history: &history,
            proposal: &proposal,
            setting: None,
            policy: AgePolicy::LawLiteral,
        };
        classify(book(), &case, word).unwrap()
    };
    let said = |history: &str, vaccine: &str, on: &str| judged(history, vaccine, on, DoctorsWord::Unsaid);
    assert!(said("HEPB@2026-03-15", "HEPB", "2026-04-12").counts());
    assert!(!said("HEPB@2026-03-15", "HEPB", "2026-04-11").counts());
    // 27 clear days, 20 if a doctor finds it necessary: day 28 is 2026-04-12, day 21 is 2026-04-05.
    let hib = |on, word| judged("HIB@2026-03-15", "HIB", on, word).counts();
    assert!(!hib("2026-04-11", DoctorsWord::Unsaid), "no doctor has said so");
    assert!(hib("2026-04-12", DoctorsWord::Unsaid));
    assert!(!hib("2026-04-04", DoctorsWord::Reasoned), "nor may a doctor");
    assert!(hib("2026-04-05", DoctorsWord::Reasoned), "the doctor decided");
    assert!(hib("2026-04-06", DoctorsWord::Reasoned));
    assert!(!said("MR1@2027-02-01", "MR1", "2027-06-01").counts(), "given twice");
    assert!(!said("MUMPS@2027-02-01", "MUMPS", "2027-02-01").counts(), "the same dose, told by two");
    assert!(said("RABIES@2027-02-01", "RABIES", "2027-02-02").counts());
    let error = said("", "MR1", "2026-12-01");
    let blocks = error.evaluation().findings.iter().filter(|finding| finding.level == Level::Block);
    assert_eq!(blocks.map(|finding| finding.rule.id()).collect::<Vec<_>>(), ["MR1/window"]);
}

/// 施行令: 60 to 64 with the condition, so at 62 it was right; at 65 nobody need be told of it again.
#[test]
fn a_condition_told_with_a_dose_holds_for_that_dose_for_ever() {
    let elder = girl("1961-05-10");
    let told =
        Given { conditions: BTreeSet::from([Condition::SeriousOrgan]), ..given("PPSV23", day("2023-06-01")) };
    let untold = history(vec![given("PPSV23", day("2023-06-01"))]);
    let told = history(vec![told]);
    assert_eq!(blocks(&elder, &told, "PPSV23", day("2026-06-01")), [FindingKind::SeriesComplete]);
    assert_eq!(blocks(&elder, &untold, "PPSV23", day("2026-06-01")), []);
    assert_eq!(
        blocks(&elder, &told, "FLU", day("2026-05-08")),
        [FindingKind::TooEarly],
        "it opens no other window"
    );
}

#[test]
fn a_forecast_tells_when_a_dose_is_due_and_overdue() {
    let status = |on| foresee(&newborn(), &doses(""), "HEPB", on).status;
    assert_eq!(status("2026-01-15"), SeriesStatus::Due);
    assert_eq!(status("2026-04-14"), SeriesStatus::Due);
    assert_eq!(status("2026-04-15"), SeriesStatus::Overdue);
    assert_eq!(status("2027-01-14"), SeriesStatus::Overdue);
    assert_eq!(status("2027-01-15"), SeriesStatus::AgedOut);
    assert_eq!(foresee(&newborn(), &doses(""), "MR1", "2026-06-01").status, SeriesStatus::NotYet);
    let next = foresee(&newborn(), &doses("JE1@2029-02-01"), "JE1", "2029-02-01").next.unwrap();
    assert_eq!(
        (next.earliest, next.recommended, next.latest, next.overdue),
        (day("2029-02-08"), day("2029-02-08"), Some(day("2033-07-14")), Some(day("2029-03-03")))
    );
    let mut allergic = newborn();
    allergic.ruled_out.insert(code("HEPB"));
    assert_eq!(foresee(&allergic, &doses(""), "HEPB", "2026-03-15").status, SeriesStatus::Contraindicated);
    let boy = Person::new(day("2014-04-02"), pmh_domain::resident::Sex::Male);
    assert_eq!(foresee(&boy, &doses(""), "HPV9", "2026-05-01").status, SeriesStatus::NotForPerson);
}
