//! Protein or sugar twice running, and a blood group that changed.

use pmh_domain::checkup::alert::{Differing, Repeated, UrineTest, differing, repeated};
use pmh_domain::checkup::grade::Grade;
use pmh_domain::checkup::record::{Checkup, RawCheckup};
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{by, entry, kept, visit};

/// A visit on a day of October 2026; an empty grade is no sample.
fn on(day: u8, protein: &str, sugar: &str) -> Checkup {
    let items = [("urine_protein", protein), ("urine_sugar", sugar)];
    let items = items.into_iter().filter(|(_, grade)| !grade.is_empty());
    kept(&RawCheckup {
        record_id: format!("r-{day}"),
        date: format!("2026-10-{day:02}"),
        items: items.map(|(code, grade)| by("dipstick", entry(code, grade, ""))).collect(),
        ..visit()
    })
}

#[test]
fn two_consecutive_samples_at_one_plus() {
    let visits = [on(1, "1+", "-"), on(8, "2+", "1+"), on(15, "-", "+")];
    let found: Vec<(UrineTest, i8, i8)> =
        repeated(&visits).iter().map(|r| (r.test, r.first.day(), r.second.day())).collect();
    assert_eq!(found, [(UrineTest::Protein, 1, 8), (UrineTest::Sugar, 8, 15)]);
}

#[test]
fn a_trace_or_a_negative_between_breaks_the_row_and_an_untested_visit_does_not() {
    assert!(repeated(&[on(1, "1+", ""), on(8, "±", ""), on(15, "1+", "")]).is_empty());
    assert_eq!(repeated(&[on(1, "1+", ""), on(8, "", ""), on(15, "1+", "")]).len(), 1);
    assert!(repeated(&[on(1, "1+", "-"), on(8, "-", "1+")]).is_empty());
}

#[test]
fn withdrawn_visits_count_no_sample() {
    let withdrawn = kept(&RawCheckup { withdrawn: true, date: "2026-10-08".into(), ..visit() });
    assert_eq!(repeated(&[on(1, "1+", ""), withdrawn, on(15, "1+", "")]).len(), 1);
}

#[test]
fn a_blood_group_that_changed_is_told_and_a_weight_is_not() {
    let told = |day: i8, group: &str, kg: &str| {
        let items = vec![entry("blood_group_abo", group, ""), entry("mother_weight", kg, "kg")];
        kept(&RawCheckup {
            record_id: format!("r-{day}"),
            date: format!("2026-10-{day:02}"),
            items,
            ..visit()
        })
    };
    let visits = [told(15, "B", "59"), told(1, "A", "57"), told(8, "A", "58")];
    let (first, second) = (visits[1].date, visits[0].date);
    assert_eq!(differing(&visits), [Differing { item: "blood_group_abo", first, second }]);
    assert!(differing(&visits[1..]).is_empty());
}

proptest! {
    #[test]
    fn order_of_arrival_is_nothing_and_the_model_agrees(
        grades in prop::collection::vec(prop::option::of(select(Grade::ALL.as_slice())), 0..12)
            .prop_flat_map(|grades| {
                let days: Vec<(u8, Option<Grade>)> = (1..).zip(grades).collect();
                (Just(days.clone()), Just(days).prop_shuffle())
            })
    ) {
        let (in_order, shuffled) = grades;
        let visits: Vec<Checkup> = shuffled
            .iter()
            .map(|(day, grade)| on(*day, &grade.map_or_else(String::new, |grade| grade.to_string()), ""))
            .collect();
        let mut expected = 0;
        let mut last_positive = false;
        for grade in in_order.into_iter().filter_map(|(_, grade)| grade) {
            let is_positive = grade != Grade::Negative && grade != Grade::Trace;
            expected += usize::from(is_positive && last_positive);
            last_positive = is_positive;
        }
        let found: Vec<Repeated> = repeated(&visits);
        prop_assert_eq!(found.len(), expected);
        prop_assert!(found.iter().all(|r| r.first < r.second && r.test == UrineTest::Protein));
    }
}
