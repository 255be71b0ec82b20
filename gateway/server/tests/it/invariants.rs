//! `docs/invariants.md` says which test decides which invariant of the log, and what it does not cover. The lower table is
//! made from the tests' names; `PMH_BLESS=1 cargo test -p pmh invariants` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use crate::coverage::test_names;
use crate::house::{files, root};

const MARK: &str = "<!-- made from the tests' names; see gateway/server/tests/it/invariants.rs -->\n";
const INVARIANTS: u8 = 26;

#[test]
fn the_invariants_page_is_current() {
    let page = root().join("docs/invariants.md");
    let text = fs::read_to_string(&page).unwrap();
    let (head, found) = text.split_once(MARK).expect("the mark stands in the page");
    let table = table(&deciding_tests());
    if std::env::var_os("PMH_BLESS").is_some() {
        fs::write(&page, format!("{head}{MARK}{table}")).unwrap();
        return;
    }
    assert!(found == table, "docs/invariants.md is out of date: PMH_BLESS=1 cargo test -p pmh invariants");
}

#[test]
fn every_invariant_has_a_row_and_a_test_or_says_what_it_waits_for() {
    let text = fs::read_to_string(root().join("docs/invariants.md")).unwrap();
    let tests = deciding_tests();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| I"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .take(usize::from(INVARIANTS))
        .collect();
    for (number, row) in (1..=INVARIANTS).zip(&rows) {
        let [name, sentence, state, uncovered] = row[..] else { panic!("not four cells: {row:?}") };
        assert_eq!(name, format!("I{number}"));
        assert!(!sentence.is_empty() && !uncovered.is_empty(), "{name} leaves a cell empty");
        match state {
            "done" => assert!(tests.contains_key(&number), "{name} is done, but no test is named after it"),
            waits => assert!(waits.starts_with("waits for "), "{name}: {waits}"),
        }
    }
    assert_eq!(rows.len(), usize::from(INVARIANTS));
}

type Tests = BTreeMap<u8, BTreeSet<(String, String)>>;

fn deciding_tests() -> Tests {
    let mut tests = Tests::new();
    for file in files(&["audit", "auth", "client", "conformance-tests", "gateway"]) {
        let path = file.strip_prefix(root()).unwrap().to_owned();
        let Ok(text) = fs::read_to_string(&file) else { continue };
        // A test of both engines is a function of its module, run by a macro.
        let text = text.replace("pub(crate) ", "");
        for name in test_names(&path, &text) {
            for invariant in invariants(name) {
                let named = (name.to_owned(), path.display().to_string());
                tests.entry(invariant).or_default().insert(named);
            }
        }
    }
    tests
}

fn table(tests: &Tests) -> String {
    let mut table = String::from("\n| invariant | tests |\n|---|---|\n");
    for (number, tests) in tests {
        let cells: Vec<String> = tests.iter().map(|(name, path)| format!("`{name}` ({path})")).collect();
        writeln!(table, "| I{number} | {} |", cells.join("<br>")).unwrap();
    }
    table
}

/// `i02_03_x` decides I2 and I3.
fn invariants(name: &str) -> Vec<u8> {
    let Some(rest) = name.strip_prefix('i') else { return Vec::new() };
    let numbers = rest.split('_').map_while(|word| word.parse().ok().filter(|_| word.len() == 2));
    numbers.filter(|number| (1..=INVARIANTS).contains(number)).collect()
}
