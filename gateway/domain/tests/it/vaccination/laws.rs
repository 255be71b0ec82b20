//! What holds for every history.

use jiff::civil::Date;
use pmh_domain::resident::Sex;
use pmh_domain::vaccination::{
    AgePolicy, Given, Level, Person, SeriesStatus, Standing, forecast, forecast_series,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::world::{ask, book, code, given, history, proposal};

/// Doses on plausible days, so that many count; anything else besides.
fn dose() -> impl Strategy<Value = (&'static str, i32)> {
    let at = |vaccines: &'static [&'static str], days: std::ops::Range<i32>| (select(vaccines), days);
    prop_oneof![
        at(&["ROTA1", "ROTA5", "HEPB", "DPT-IPV-HIB", "HIB", "PCV"], 40..260),
        at(&["HIB", "PCV", "BCG", "HEPB", "DPT-IPV-HIB"], 200..800),
        at(&["MR1", "VAR", "MUMPS", "BCG"], 330..900),
        at(&["MR2", "JE1", "VAR", "MUMPS"], 1_000..2_900),
    ]
}

fn birth() -> impl Strategy<Value = Date> {
    (0..1_500_i32).prop_map(|days| after(Date::constant(2022, 1, 15), days))
}

fn after(birth: Date, days: i32) -> Date {
    birth.saturating_add(jiff::Span::new().days(days))
}

fn told(birth: Date, doses: &[(&str, i32)]) -> Vec<Given> {
    doses.iter().map(|(vaccine, days)| given(vaccine, after(birth, *days))).collect()
}

fn counting(person: &Person, doses: Vec<Given>, on: Date) -> Vec<(String, usize, SeriesStatus)> {
    let forecasts = forecast(book(), person, &history(doses), on, AgePolicy::LawLiteral);
    let valid = |standing| matches!(standing, Standing::Valid { .. });
    forecasts
        .into_iter()
        .map(|series| {
            let count = series.given.iter().filter(|dose| valid(dose.standing)).count();
            (series.series.to_string(), count, series.status)
        })
        .collect()
}

fn blocked(person: &Person, doses: &[Given], vaccine: &str, on: Date) -> (bool, Option<u8>) {
    let evaluation = ask(person, &history(doses.to_vec()), &proposal(vaccine, on), AgePolicy::LawLiteral);
    (evaluation.findings.iter().any(|finding| finding.level == Level::Block), evaluation.dose_no)
}

fn cases() -> ProptestConfig {
    let full = std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full");
    ProptestConfig::with_cases(if full { 2_000 } else { 24 })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_order_of_import_changes_nothing(
        birth in birth(),
        (doses, shuffled) in prop::collection::vec(dose(), 0..10)
            .prop_flat_map(|doses| (Just(doses.clone()), Just(doses).prop_shuffle())),
    ) {
        let person = Person::new(birth, Sex::Female);
        let on = after(birth, 3_000);
        let of = |doses: &[_]| forecast(book(), &person, &history(told(birth, doses)), on, AgePolicy::LawLiteral);
        prop_assert_eq!(of(&doses), of(&shuffled));
    }

    #[test]
    fn a_valid_dose_makes_no_other_series_less_complete(
        birth in birth(),
        doses in prop::collection::vec(dose(), 0..10),
        added in dose(),
    ) {
        let person = Person::new(birth, Sex::Female);
        let before = told(birth, &doses);
        let on = after(birth, added.1);
        let evaluation = ask(&person, &history(before.clone()), &proposal(added.0, on), AgePolicy::LawLiteral);
        let is_valid = !evaluation.findings.iter().any(pmh_domain::vaccination::Finding::is_final);
        let mut with = before.clone();
        with.push(given(added.0, on));
        let end = after(birth, 3_000);
        for (old, new) in counting(&person, before, end).into_iter().zip(counting(&person, with, end)) {
            if old.0 == added.0 {
                let more = usize::from(is_valid);
                prop_assert!(!is_valid || new.1 == old.1 + more, "{:?} {:?}", old, new);
                continue;
            }
            if is_valid {
                prop_assert!(new.1 >= old.1, "{:?} {:?}", old, new);
                prop_assert!(old.2 != SeriesStatus::Complete || new.2 == SeriesStatus::Complete);
            }
        }
    }

    #[test]
    fn the_earliest_day_is_the_first_not_blocked(
        birth in birth(),
        doses in prop::collection::vec(dose(), 0..6),
        asked in 0..1_500_i32,
        series in select(&["ROTA1", "HEPB", "DPT-IPV-HIB", "HIB", "PCV", "BCG", "MR1", "VAR", "JE1"][..]),
    ) {
        let person = Person::new(birth, Sex::Female);
        let doses = told(birth, &doses);
        let on = after(birth, asked);
        let last = doses.iter().filter(|dose| dose.vaccine == code(series)).map(|dose| dose.on).max();
        let from = last.map_or(on, |last| last.max(on));
        let days = || from.series(jiff::Span::new().days(1)).take(2_800);
        let found = days().find(|day| !blocked(&person, &doses, series, *day).0);
        let forecast = forecast_series(
            book(), &code(series), &person, &history(doses.clone()), on, AgePolicy::LawLiteral,
        ).unwrap();
        let Some(next) = forecast.next else {
            let settled = matches!(forecast.status, SeriesStatus::OtherProduct | SeriesStatus::Complete);
            prop_assert!(found.is_none() || settled, "{:?} {:?}", forecast.status, found);
            return Ok(());
        };
        let found = found.unwrap();
        if found > from {
            prop_assert_eq!(next.earliest, found);
        } else {
            prop_assert!(next.earliest <= from);
            let number = blocked(&person, &doses, series, from);
            let mut run = next.earliest.series(jiff::Span::new().days(1)).take_while(|day| *day <= from);
            prop_assert!(run.all(|day| blocked(&person, &doses, series, day) == number));
            let eve = next.earliest.yesterday().unwrap();
            prop_assert!(blocked(&person, &doses, series, eve) != number);
        }
        let latest = next.latest.unwrap();
        prop_assert!(!blocked(&person, &doses, series, latest).0);
        let past = blocked(&person, &doses, series, latest.tomorrow().unwrap());
        prop_assert!(past != (false, Some(next.no)));
    }

    #[test]
    fn the_counter_and_the_register_agree(
        birth in birth(),
        doses in prop::collection::vec(dose(), 1..10),
        which in any::<Index>(),
    ) {
        // A dose judged before it is given stands afterwards as it was judged, if none came later.
        let person = Person::new(birth, Sex::Female);
        let mut told = told(birth, &doses);
        told.sort();
        let shot = told.remove(which.index(told.len()));
        told.retain(|dose| (dose.on, &dose.vaccine) < (shot.on, &shot.vaccine));
        let asked = proposal(shot.vaccine.as_str(), shot.on);
        let evaluation = ask(&person, &history(told.clone()), &asked, AgePolicy::LawLiteral);
        let refused = evaluation.findings.iter().any(pmh_domain::vaccination::Finding::is_final);
        told.push(shot.clone());
        let Ok(forecast) = forecast_series(
            book(), &shot.vaccine, &person, &history(told), shot.on, AgePolicy::LawLiteral,
        ) else {
            return Ok(());
        };
        let standing = forecast.given.last().unwrap().standing;
        match evaluation.dose_no {
            Some(no) if !refused => prop_assert_eq!(standing, Standing::Valid { no }),
            _ => prop_assert_eq!(standing, Standing::Invalid),
        }
    }
}
