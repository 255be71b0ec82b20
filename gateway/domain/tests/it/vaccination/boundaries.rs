//! For every window, age and interval of every series: the day before it
//! opens, the day, the day after; and the same where it closes.
//!
//! `boundaries.csv` has one line per boundary, worked out by hand from the
//! source it names. `opens`: the first day on which nothing blocks, and what
//! does on the day before. `closes`: the last such day, and what does on the
//! day after.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::vaccination::{AgePolicy, Condition, History, Person, RuleKind};
use serde::Deserialize;

use super::world::{ask, blocks, book, day, doses, expecting, girl, proposal};

#[derive(Deserialize)]
struct Row {
    edge: String,
    vaccine: String,
    person: String,
    history: String,
    day: Date,
    outside: String,
    source: String,
}

fn rows() -> Vec<Row> {
    let table = include_str!("boundaries.csv");
    let rows: Vec<Row> =
        csv::Reader::from_reader(table.as_bytes()).deserialize().map(Result::unwrap).collect();
    assert!(rows.len() > 90);
    rows
}

/// `born 2026-01-15`, `born 1966-05-10 hiv` or `due 2026-09-01`.
fn person(text: &str) -> Person {
    let words: Vec<_> = text.split(' ').collect();
    match words[..] {
        ["born", birth] => girl(birth),
        ["born", birth, "hiv"] => Person { conditions: BTreeSet::from([Condition::Hiv]), ..girl(birth) },
        ["born", birth, "organ"] => {
            Person { conditions: BTreeSet::from([Condition::SeriousOrgan]), ..girl(birth) }
        }
        ["due", due] => expecting(due),
        _ => panic!("{text}"),
    }
}

#[test]
fn every_boundary_lies_where_its_source_says() {
    for row in rows() {
        let (person, history) = (person(&row.person), doses(&row.history));
        let (before, after) = (row.day.yesterday().unwrap(), row.day.tomorrow().unwrap());
        let (inside, outside) = match row.edge.as_str() {
            "opens" => (after, before),
            "closes" => (before, after),
            other => panic!("{other}"),
        };
        let on = |day| {
            let kinds = blocks(&person, &history, &row.vaccine, day);
            kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" ")
        };
        let what = format!("{} {} {}", row.vaccine, row.edge, row.source);
        assert_eq!(on(row.day), "", "the day: {what}");
        assert_eq!(on(inside), "", "the day inside: {what}");
        assert_eq!(on(outside), row.outside, "the day outside: {what}");
    }
}

/// A rule added to the book without a boundary in the table fails here.
#[test]
fn every_rule_about_dates_has_a_boundary() {
    let mut seen = BTreeSet::new();
    let mut see = |person: &Person, history: &History, vaccine: &str, on: Date| {
        let evaluation = ask(person, history, &proposal(vaccine, on), AgePolicy::LawLiteral);
        seen.extend(evaluation.rules.iter().map(|rule| rule.id().to_owned()));
    };
    for row in rows() {
        see(&person(&row.person), &doses(&row.history), &row.vaccine, row.day);
    }
    // Where catch-up schemes begin; `series` counts their doses on the day before, the day and the day after.
    for (vaccine, first) in [("HIB", "2026-08-15"), ("PCV", "2026-08-15"), ("PCV", "2027-01-15")] {
        see(&girl("2026-01-15"), &doses(""), vaccine, day(first));
    }
    let dated = |kind| matches!(kind, RuleKind::Window | RuleKind::Dose | RuleKind::Between);
    let lines = book().lines();
    let missing: Vec<_> =
        lines.iter().filter(|line| dated(line.kind) && !seen.contains(line.rule.id())).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_source_named_is_one_of_the_book() {
    for row in rows() {
        let (source, _) = row.source.split_once(": ").unwrap();
        assert!(book().sources().contains_key(source) || source == "schedule", "{source}");
    }
}
