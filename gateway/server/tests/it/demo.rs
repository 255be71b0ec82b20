//! The demo as a newcomer runs it: the real binary, no arguments beyond the language.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Output},
};

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

fn demo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pmh"));
    command.arg("demo").args(arguments).env_remove("RUST_LOG").env_remove("LANG");
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn steps(arguments: &[&str]) -> Vec<Value> {
    text(&demo(arguments)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn words<'a>(steps: impl IntoIterator<Item = &'a Value>, member: &str) -> BTreeSet<&'a str> {
    steps.into_iter().filter_map(|step| step[member].as_str()).collect()
}

#[test]
fn every_step_does_what_it_claims_and_every_answer_is_reached() {
    let steps = steps(&["--json", "--lang", "en"]);
    let mut chapters = BTreeMap::<&str, Vec<&Value>>::new();
    for step in &steps {
        assert_eq!(step["ok"], true, "{step}");
        assert!(!step["title"].as_str().unwrap().is_empty(), "{step}");
        chapters.entry(step["chapter"].as_str().unwrap()).or_default().push(step);
    }
    assert_eq!(
        chapters.keys().copied().collect::<Vec<_>>(),
        ["auditor", "closing", "doctor", "family", "handoff", "nurse", "officer", "receptionist"]
    );
    for (chapter, steps) in &chapters {
        let numbers: Vec<u64> = steps.iter().map(|step| step["step"].as_u64().unwrap()).collect();
        assert!(
            numbers.iter().copied().eq(1..=u64::try_from(steps.len()).unwrap()),
            "{chapter}: {numbers:?}"
        );
        assert!(*chapter == "closing" || steps.len() <= 8, "{chapter} has {} steps", steps.len());
    }
    let closing = chapters["closing"].iter().copied();
    assert_eq!(words(closing.clone(), "outcome"), OUTCOMES.into());
    assert_eq!(words(closing.clone(), "state"), STATES.into());
    assert_eq!(words(closing.clone(), "counter_action"), ACTIONS.into());
    assert!(closing.filter(|step| !step["state"].is_null()).all(|step| step["card"].is_string()));
    assert!(steps.last().unwrap()["simulated"].as_array().is_some_and(|items| !items.is_empty()));
}

#[test]
fn a_person_reads_it_in_japanese_and_in_english_on_eighty_columns() {
    for (language, said) in [("ja", "この窓口で公費を適用"), ("en", "Apply the subsidy here")] {
        let text = text(&demo(&["--lang", language]));
        assert!(text.contains(said), "{text}");
        for line in text.lines() {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
        }
    }
}

#[test]
fn one_persons_chapter_is_played_alone() {
    for role in ["receptionist", "officer", "nurse", "family", "doctor", "handoff", "auditor"] {
        let steps = steps(&["--json", "--as", role]);
        assert_eq!(words(&steps, "chapter"), [role, "closing"].into());
        let (last, played) = steps.split_last().unwrap();
        assert!(played.iter().all(|step| step["chapter"] == role));
        assert!(last["simulated"].is_array());
    }
}

#[test]
fn the_counters_screen_is_one_large_line_and_one_instruction() {
    for step in steps(&["--json", "--as", "receptionist", "--lang", "ja"]) {
        if step["chapter"] == "receptionist" {
            let screen = &step["screen"];
            assert!(screen["large"].as_str().is_some_and(|line| line.chars().count() <= 24), "{step}");
            assert!(screen["instruction"].as_str().is_some_and(|line| line.ends_with('。')), "{step}");
        }
    }
}

const OUTCOMES: [&str; 8] = [
    "ELIGIBLE",
    "NOT_CONSENTED",
    "NO_ENTITLEMENT",
    "LAPSED",
    "NOT_YET_VALID",
    "ISSUER_NOT_CONNECTED",
    "SOURCE_STALE",
    "CARD_LIMITED",
];
const STATES: [&str; 4] = ["ANSWERED", "UNCHANGED", "NOT_LINKED", "IDENTITY_CONFLICT"];
const ACTIONS: [&str; 5] =
    ["APPLY_HERE", "COLLECT_SHARE_THEN_REIMBURSE", "NOT_DESIGNATED_HERE", "ASK_ISSUER", "USE_PAPER"];
