//! The test vectors of the published schedule, each read from the file.

use jiff::civil::Date;
use pmh_domain::time::days_between;
use serde_json::Value;

use super::world::{blocks, day, doses, expecting, foresee, girl};

pub(super) fn schedule() -> Value {
    serde_json::from_str(include_str!("schedule.json")).unwrap()
}

fn expected(case: &str) -> String {
    let schedule = schedule();
    let vectors = schedule["test_vectors"].as_array().unwrap();
    let vector = vectors.iter().find(|vector| vector["case"] == case).unwrap();
    vector["expect"].as_str().unwrap().to_owned()
}

fn earliest(birth: &str, history: &str, vaccine: &str, on: &str) -> String {
    foresee(&girl(birth), &doses(history), vaccine, on).next.unwrap().earliest.to_string()
}

#[test]
fn every_vector_is_here() {
    assert_eq!(schedule()["test_vectors"].as_array().unwrap().len(), 7);
}

#[test]
fn hepatitis_b_second_and_third_dose() {
    let second = earliest("2026-04-01", "HEPB@2026-06-01", "HEPB", "2026-06-01");
    assert_eq!(second, expected("HEPB dose 1 on 2026-06-01: earliest dose 2"));
    let third = earliest("2026-04-01", "HEPB@2026-06-01 HEPB@2026-06-29", "HEPB", "2026-06-29");
    assert_eq!(third, expected("HEPB dose 1 on 2026-06-01, dose 2 on 2026-06-29: earliest dose 3"));
}

#[test]
fn five_in_one_second_dose() {
    let second = earliest("2026-03-20", "DPT-IPV-HIB@2026-06-01", "DPT-IPV-HIB", "2026-06-01");
    assert_eq!(second, expected("DPT-IPV-HIB dose 1 on 2026-06-01: earliest dose 2"));
}

#[test]
fn pneumococcal_begun_at_25_months_is_one_dose() {
    let child = girl("2024-03-10");
    let before = foresee(&child, &doses(""), "PCV", "2026-04-10");
    assert_eq!(before.due.len().to_string(), expected("PCV first dose at 25 months: doses in series"));
    let after = foresee(&child, &doses("PCV@2026-04-10"), "PCV", "2026-04-10");
    assert_eq!((after.status.name(), after.due.len()), ("COMPLETE", 0));
}

#[test]
fn japanese_encephalitis_second_dose() {
    let second = earliest("2026-04-01", "JE1@2029-05-01", "JE1", "2029-05-01");
    assert_eq!(second, expected("JE1 dose 1 on 2029-05-01: earliest dose 2"));
}

#[test]
fn measles_rubella_second_window() {
    let child = girl("2021-04-02");
    let next = foresee(&child, &doses(""), "MR2", "2026-01-01").next.unwrap();
    let window = format!("{}..{}", next.earliest, next.latest.unwrap());
    assert_eq!(window, expected("MR2 window, born 2021-04-02"));
}

#[test]
fn one_day_of_the_maternal_programme() {
    let said = expected("RSV-MAT, due date 2026-04-23: is 2026-04-01 inside 28w0d..36w6d");
    assert!(said.starts_with("yes, it is 36w6d (only that day is free"));
    let mother = expecting("2026-04-23");
    let free: Vec<Date> = day("2026-01-01")
        .series(jiff::Span::new().days(1))
        .take_while(|on| days_between(*on, day("2026-05-31")) >= 0)
        .filter(|on| blocks(&mother, &doses(""), "RSV-MAT", *on).is_empty())
        .collect();
    assert_eq!(free, [day("2026-04-01")]);
    assert_eq!(mother.pregnancy.unwrap().gestation(day("2026-04-01")), 36 * 7 + 6);
    let next = foresee(&mother, &doses(""), "RSV-MAT", "2026-03-01").next.unwrap();
    assert_eq!((next.earliest, next.latest), (day("2026-04-01"), Some(day("2026-04-01"))));
}
