//! The published table, reproduced.

use jiff::civil::date;
use pmh_domain::checkup::growth::{
    Age, Band, Basis, Child, Measure, NoPosition, PUBLISHED_LINES, placed, position, value_at,
};
use pmh_domain::checkup::record::RawCheckup;
use pmh_domain::resident::Sex;
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{BORN, TODAY, eighteen_months, entry, kept, newborn, visit};

/// 令和5年乳幼児身体発育調査, e-Stat 000040240361, 362 and 363.
const PUBLISHED: &str = include_str!("growth_jp2023_percentiles.csv");
const SEXES: [Sex; 2] = [Sex::Male, Sex::Female];

#[test]
fn every_published_percentile_is_reproduced_at_its_midpoint() {
    let mut compared = 0;
    for row in csv::Reader::from_reader(PUBLISHED.as_bytes()).records().map(Result::unwrap) {
        let measure = measure(&row[0]);
        let sex = if &row[2] == "male" { Sex::Male } else { Sex::Female };
        let age = Age::of_months(row[8].parse().unwrap());
        let tolerance = if measure == Measure::Weight { 0.02 } else { 0.07 };
        for (cell, z) in row.iter().skip(9).zip(PUBLISHED_LINES) {
            let published: f64 = cell.parse().unwrap();
            let computed = value_at(measure, sex, age, z).unwrap();
            assert!((computed - published).abs() <= tolerance, "{row:?}: {published} computed as {computed}");
            compared += 1;
        }
    }
    assert_eq!(compared, 130 * 7);
}

#[test]
fn a_girl_of_eighteen_months_with_nine_kilograms_is_at_the_22_8th_percentile() {
    let age = Age::on(date(2025, 5, 22), date(2026, 11, 22)).unwrap();
    assert!((age.months() - 18.0).abs() < 1e-12);
    let found = position(Measure::Weight, Sex::Female, age, 9.0).unwrap();
    assert_eq!(format!("{:.1}", found.percentile), "22.8");
    assert_eq!((found.band, found.basis), (Band::From10To25, Basis::Interpolated));
}

#[test]
fn outside_the_table_there_is_a_reason_and_no_number() {
    let at = |measure, months, value| position(measure, Sex::Male, Age::of_months(months), value);
    assert_eq!(at(Measure::Weight, 77.9, 20.0).unwrap().basis, Basis::LastBand);
    assert_eq!(at(Measure::Weight, 78.0, 20.0), Err(NoPosition::AfterTable));
    assert_eq!(at(Measure::Head, 35.9, 49.0).unwrap().basis, Basis::LastBand);
    assert_eq!(at(Measure::Head, 36.0, 49.0), Err(NoPosition::AfterTable));
    for wrong in [0.0, -9.0, 9_000.0, f64::NAN, f64::INFINITY] {
        assert_eq!(at(Measure::Weight, 18.0, wrong), Err(NoPosition::Impossible), "{wrong}");
    }
    let nobody = position(Measure::Weight, Sex::Unknown, Age::of_months(18.0), 9.0);
    assert_eq!(nobody, Err(NoPosition::SexUnknown));
}

proptest! {
    #[test]
    fn heavier_is_never_lower(
        measure in select(Measure::ALL.as_slice()), sex in select(SEXES.as_slice()),
        months in 0.0..35.9, value in 1.0..40.0_f64, more in 0.001..5.0_f64,
    ) {
        let age = Age::of_months(months);
        let value = if measure == Measure::Weight { value } else { value + 20.0 };
        let (low, high) = (position(measure, sex, age, value)?, position(measure, sex, age, value + more)?);
        prop_assert!(low.z < high.z && low.percentile <= high.percentile && low.band <= high.band);
    }

    #[test]
    fn a_value_on_a_curve_has_the_curves_z(
        measure in select(Measure::ALL.as_slice()), sex in select(SEXES.as_slice()),
        months in 0.0..35.9, z in -3.0..3.0_f64,
    ) {
        let age = Age::of_months(months);
        let found = position(measure, sex, age, value_at(measure, sex, age, z)?)?;
        prop_assert!((found.z - z).abs() < 1e-6);
        prop_assert!((0.0..=100.0).contains(&found.percentile));
    }

    /// A child that grows along its curve must not be told of a leap on the
    /// day it passes from one band into the next.
    #[test]
    fn curves_do_not_leap(
        measure in select(Measure::ALL.as_slice()), sex in select(SEXES.as_slice()), months in 0.0..35.9,
    ) {
        let at = |months| value_at(measure, sex, Age::of_months(months), 0.0);
        let (now, soon) = (at(months)?, at(months + 0.01)?);
        prop_assert!(soon >= now && soon - now < 0.06, "{now} {soon}");
    }
}

#[test]
fn a_checkup_is_placed_by_the_register_and_without_it_says_why_not() {
    let checkup = kept(&RawCheckup { items: vec![entry("weight", "9.0", "kg")], ..eighteen_months() });
    let child = Child { birth: BORN, sex: Sex::Female };
    let [weight] = placed(&checkup, Some(child)).try_into().unwrap();
    assert_eq!(weight.item, "weight");
    assert!((weight.position.unwrap().percentile - 22.8).abs() < 0.05);
    let why = |child| placed(&checkup, child)[0].position.unwrap_err();
    assert_eq!(why(None), NoPosition::BirthUnknown);
    assert_eq!(why(Some(Child { sex: Sex::Unknown, ..child })), NoPosition::SexUnknown);
    assert_eq!(why(Some(Child { birth: TODAY.tomorrow().unwrap(), ..child })), NoPosition::BeforeBirth);
    assert!(placed(&kept(&visit()), Some(child)).is_empty(), "a mother's weight is not on a child's curve");
    let newborn = placed(&kept(&newborn("child-1", 1)), Some(child));
    let weight = newborn.iter().find(|placed| placed.item == "birth_weight").unwrap();
    assert!((-3.0..3.0).contains(&weight.position.unwrap().z), "grams are not kilograms: {weight:?}");
}

fn measure(name: &str) -> Measure {
    match name {
        "weight" => Measure::Weight,
        "length_height" => Measure::Height,
        "head_circumference" => Measure::Head,
        other => panic!("{other}"),
    }
}
