//! `docs/coverage.md` lists which test holds which requirement. Its table is
//! made from the tests' names; `PMH_BLESS=1 cargo test -p pmh coverage` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::house::{files, root};

const MARK: &str = "<!-- made from the tests' names; see gateway/server/tests/it/coverage.rs -->\n";

#[test]
fn the_coverage_page_is_current() {
    let page = root().join("docs/coverage.md");
    let text = fs::read_to_string(&page).unwrap();
    let (head, found) = text.split_once(MARK).expect("the mark stands in the page");
    let table = table();
    if std::env::var_os("PMH_BLESS").is_some() {
        fs::write(&page, format!("{head}{MARK}{table}")).unwrap();
        return;
    }
    assert!(found == table, "docs/coverage.md is out of date: PMH_BLESS=1 cargo test -p pmh coverage");
}

fn table() -> String {
    let mut held: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for file in files(&["audit", "auth", "client", "conformance-tests", "gateway"]) {
        let path = file.strip_prefix(root()).unwrap().to_owned();
        if let Ok(text) = fs::read_to_string(&file) {
            for name in test_names(&path, &text) {
                for requirement in requirements(name) {
                    held.entry(requirement)
                        .or_default()
                        .insert((name.to_owned(), path.display().to_string()));
                }
            }
        }
    }
    let mut table = String::from("\n| requirement | tests |\n|---|---|\n");
    for (requirement, tests) in &held {
        let cells: Vec<String> = tests.iter().map(|(name, path)| format!("`{name}` ({path})")).collect();
        writeln!(table, "| {requirement} | {} |", cells.join("<br>")).unwrap();
    }
    table
}

pub(crate) fn test_names<'a>(path: &Path, text: &'a str) -> Vec<&'a str> {
    let keyword = match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => "fn ",
        Some("py") => "def test_",
        _ => return Vec::new(),
    };
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("async ").or(Some(line.trim_start())))
        .filter_map(|line| line.strip_prefix(keyword)?.split('(').next())
        .collect()
}

/// `r_tok_03_04_x` holds R-TOK-03 and R-TOK-04; `p9_x` holds P9.
fn requirements(name: &str) -> Vec<String> {
    let mut words = name.split('_');
    match words.next() {
        Some("r") => {
            let Some(family) = words.next().map(str::to_uppercase) else { return Vec::new() };
            let numbers = words.take_while(|word| word.len() == 2 && word.parse::<u8>().is_ok());
            numbers.map(|number| format!("R-{family}-{number}")).collect()
        }
        Some(word) if is_promise(word) => vec![word.to_uppercase()],
        _ => Vec::new(),
    }
}

fn is_promise(word: &str) -> bool {
    word.strip_prefix('p')
        .is_some_and(|number| number.parse::<u8>().is_ok_and(|number| (1..=16).contains(&number)))
}
