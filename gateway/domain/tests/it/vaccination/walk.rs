//! Every rule on every day, against the naive implementation.
//!
//! For each series and each history below: every day from before birth to 96
//! months, or through the adult, school and pregnancy windows. `evaluate` must
//! end, must not panic, and must agree in dose number and in every objection.
//! With `PMH_TEST_SCALE=full`: more births and both readings of an age.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::resident::Sex;
use pmh_domain::time::days_between;
use pmh_domain::vaccination::{AgePolicy, FindingKind, History, Level, Person, Pregnancy};

use super::naive::{Naive, Objections};
use super::world::{ask, day, given, history, proposal};

struct Walk {
    series: &'static str,
    /// Days of life on which doses were given before.
    histories: &'static [&'static [(&'static str, i32)]],
    /// First and last day of life by default: past the window's end. At full scale childhood is walked to its end.
    days: (i32, i32),
}

const CHILDHOOD: (i32, i32) = (-40, 2_925);

/// Histories that bring each dose, each catch-up scheme, and each way of being too early.
const WALKS: &[Walk] = &[
    Walk {
        series: "ROTA1",
        histories: &[&[], &[("ROTA1", 60)], &[("ROTA5", 60)], &[("ROTA1", 60), ("ROTA1", 88)]],
        days: (-40, 300),
    },
    Walk {
        series: "ROTA5",
        histories: &[&[], &[("ROTA5", 60)], &[("ROTA5", 60), ("ROTA5", 80)], &[("ROTA5", 60), ("ROTA5", 88)]],
        days: (-40, 340),
    },
    Walk {
        series: "HEPB",
        histories: &[
            &[],
            &[("HEPB", 60)],
            &[("HEPB", 60), ("HEPB", 88)],
            &[("HEPB", 60), ("HEPB", 70)],
            &[("HEPB", 0), ("HEPB", 30), ("HEPB", 180)],
        ],
        days: (-40, 480),
    },
    Walk {
        series: "DPT-IPV-HIB",
        histories: &[
            &[],
            &[("DPT-IPV-HIB", 62)],
            &[("DPT-IPV-HIB", 62), ("DPT-IPV-HIB", 83)],
            &[("DPT-IPV-HIB", 62), ("DPT-IPV-HIB", 83), ("DPT-IPV-HIB", 229)],
        ],
        days: CHILDHOOD,
    },
    Walk {
        series: "HIB",
        histories: &[
            &[],
            &[("HIB", 62)],
            &[("HIB", 62), ("HIB", 83)],
            &[("HIB", 62), ("HIB", 90), ("HIB", 118)],
            &[("HIB", 250)],
            &[("HIB", 250), ("HIB", 280)],
            &[("HIB", 345)],
            &[("HIB", 500)],
        ],
        days: (-40, 1_900),
    },
    Walk {
        series: "PCV",
        histories: &[
            &[],
            &[("PCV", 62)],
            &[("PCV", 62), ("PCV", 90)],
            &[("PCV", 62), ("PCV", 90), ("PCV", 118)],
            &[("PCV", 62), ("PCV", 380)],
            &[("PCV", 250), ("PCV", 280)],
            &[("PCV", 250)],
            &[("PCV", 400)],
            &[("PCV", 800)],
        ],
        days: (-40, 1_900),
    },
    Walk { series: "BCG", histories: &[&[], &[("BCG", 160)], &[("MUMPS", 200)]], days: (-40, 480) },
    Walk {
        series: "MR1",
        histories: &[&[], &[("MR1", 366)], &[("BCG", 350)], &[("VAR", 400)], &[("VAR", 400), ("MUMPS", 440)]],
        days: (-40, 850),
    },
    Walk { series: "MR2", histories: &[&[], &[("MR1", 400)], &[("VAR", 2_100)]], days: CHILDHOOD },
    Walk {
        series: "VAR",
        histories: &[
            &[],
            &[("VAR", 380)],
            &[("VAR", 380), ("VAR", 420)],
            &[("VAR", 380), ("VAR", 600)],
            &[("MR1", 500)],
        ],
        days: (-40, 1_250),
    },
    Walk {
        series: "JE1",
        histories: &[&[], &[("JE1", 1_100)], &[("JE1", 200), ("JE1", 207)], &[("JE1", 200), ("JE1", 206)]],
        days: CHILDHOOD,
    },
    Walk { series: "JE2", histories: &[&[], &[("JE2", 3_400)]], days: (3_200, 4_800) },
    Walk { series: "DT2", histories: &[&[], &[("DT2", 4_100)]], days: (3_900, 4_800) },
    Walk {
        series: "HPV9",
        histories: &[
            &[],
            &[("HPV9", 4_800)],
            &[("HPV9", 5_600)],
            &[("HPV9", 5_600), ("HPV9", 5_640)],
            &[("HPV9", 4_800), ("HPV9", 4_960)],
        ],
        days: (4_000, 6_300),
    },
];

impl Walk {
    fn widest(&self) -> (i32, i32) {
        (self.days.0.min(CHILDHOOD.0), self.days.1.max(CHILDHOOD.1))
    }
}

fn full_scale() -> bool {
    std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full")
}

fn births() -> Vec<Date> {
    let all = ["2024-02-29", "2021-04-01", "2026-08-31", "2023-12-15", "2021-04-02", "2027-01-30"];
    let taken = if full_scale() { all.len() } else { 1 };
    all.iter().take(taken).map(|birth| day(birth)).collect()
}

fn policies() -> &'static [AgePolicy] {
    if full_scale() { &AgePolicy::ALL } else { &[AgePolicy::LawLiteral] }
}

/// The rules' objections in the naive one's words.
fn objections(
    person: &Person,
    told: &History,
    series: &str,
    on: Date,
    policy: AgePolicy,
) -> (Option<u64>, Objections) {
    let evaluation = ask(person, told, &proposal(series, on), policy);
    let blocks = evaluation.findings.iter().filter(|finding| finding.level == Level::Block);
    let word = |kind| match kind {
        FindingKind::TooEarly | FindingKind::TooLate | FindingKind::NotInForce => "window",
        FindingKind::Interval => "interval",
        FindingKind::IntervalPhysician => "physician",
        FindingKind::MinimumAge => "minimum",
        FindingKind::LiveInterval => "live",
        FindingKind::SeriesComplete => "complete",
        FindingKind::BrandMixed => "brand",
        FindingKind::LaterDose => "later",
        FindingKind::NotForPerson => "person",
        other => panic!("{other:?} is not about dates"),
    };
    (evaluation.dose_no.map(u64::from), blocks.map(|finding| word(finding.kind)).collect())
}

fn compare(
    naive: &Naive,
    person: &Person,
    doses: &[(&str, Date)],
    series: &str,
    days: (Date, Date),
    policy: AgePolicy,
) {
    let told = history(doses.iter().map(|(vaccine, on)| given(vaccine, *on)).collect());
    let due = person.pregnancy.map(|pregnancy| pregnancy.due_date);
    let female = person.sex == Sex::Female;
    let child = naive.child(person.birth, due, female, policy == AgePolicy::Birthday);
    let naive_doses: Vec<_> = doses.iter().map(|(code, on)| ((*code).to_owned(), naive.day(*on))).collect();
    let mut answers = BTreeSet::new();
    for on in days.0.series(jiff::Span::new().days(1)).take_while(|on| *on <= days.1) {
        let ours = objections(person, &told, series, on, policy);
        let theirs = naive.ask(&child, &naive_doses, series, naive.day(on));
        assert_eq!(
            ours,
            theirs,
            "{series} on {on}, born {}, after {doses:?}, {}",
            person.birth,
            policy.name()
        );
        answers.insert(ours);
    }
    assert!(answers.len() > 1, "{series}: nothing ever changed after {doses:?}");
}

fn after(birth: Date, days: i32) -> Date {
    birth.saturating_add(jiff::Span::new().days(days))
}

#[test]
fn every_day_of_childhood_and_school_agrees_with_the_naive_implementation() {
    let naive = Naive::new();
    std::thread::scope(|threads| {
        for walk in WALKS {
            let naive = &naive;
            threads.spawn(move || {
                for birth in births() {
                    let person = Person::new(birth, Sex::Female);
                    for (doses, policy) in
                        walk.histories.iter().flat_map(|doses| policies().iter().map(move |p| (doses, *p)))
                    {
                        let doses: Vec<_> =
                            doses.iter().map(|(code, days)| (*code, after(birth, *days))).collect();
                        let (first, last) = if full_scale() { walk.widest() } else { walk.days };
                        let days = (after(birth, first), after(birth, last));
                        compare(naive, &person, &doses, walk.series, days, policy);
                    }
                }
            });
        }
    });
}

#[test]
fn every_day_of_a_pregnancy_agrees_with_the_naive_implementation() {
    let naive = Naive::new();
    for due in ["2026-04-23", "2026-09-01", "2028-02-29", "2027-01-10"] {
        let due = day(due);
        let pregnancy = Some(Pregnancy { due_date: due });
        let mother = Person { pregnancy, ..Person::new(day("1996-02-29"), Sex::Female) };
        let days = (after(due, -280), after(due, 20));
        compare(&naive, &mother, &[], "RSV-MAT", days, AgePolicy::LawLiteral);
        let dose = [("RSV-MAT", after(due, -50))];
        compare(&naive, &mother, &dose, "RSV-MAT", days, AgePolicy::LawLiteral);
    }
}

/// A boy, and a day on which the five-in-one did not exist yet.
#[test]
fn sex_and_the_programmes_beginning_agree_too() {
    let naive = Naive::new();
    let boy = Person::new(day("2012-06-15"), Sex::Male);
    compare(&naive, &boy, &[], "HPV9", (day("2024-01-01"), day("2029-12-31")), AgePolicy::LawLiteral);
    let child = Person::new(day("2023-10-01"), Sex::Male);
    compare(
        &naive,
        &child,
        &[],
        "DPT-IPV-HIB",
        (day("2023-10-01"), day("2024-06-01")),
        AgePolicy::LawLiteral,
    );
    let older = Person::new(day("2019-06-15"), Sex::Female);
    let doses = [("MR1", day("2020-09-10"))];
    compare(&naive, &older, &doses, "VAR", (day("2020-06-01"), day("2020-12-01")), AgePolicy::LawLiteral);
    assert_eq!(days_between(day("2020-09-10"), day("2020-10-01")), 21, "the live rule begins inside");
}
