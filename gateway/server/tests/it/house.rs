//! The walls of the house, and what must not be written on them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pmh_domain::codes::looks_like_individual_number;
use serde_json::Value;

/// Who may depend on whom (design §4). Anything else is a hole in a wall.
const WALLS: &[(&str, &[&str])] = &[
    ("pmh-proto", &[]),
    ("pmh-audit", &[]),
    ("pmh-domain", &[]),
    ("pmh-auth", &[]),
    ("pmh-intake", &["pmh-domain"]),
    ("pmh-store", &["pmh-audit", "pmh-domain"]),
    ("pmh-witness", &["pmh-audit", "pmh-store"]),
    ("pmh-testkit", &[]),
    ("pmh-client", &["pmh-audit", "pmh-auth", "pmh-proto"]),
    ("pmh-conformance", &["pmh-audit", "pmh-auth", "pmh-client", "pmh-domain", "pmh-proto", "pmh-testkit"]),
];

/// Crates that may touch a library; everybody else goes through them.
const KEEPERS: &[(&str, &[&str])] = &[
    ("sqlx", &["pmh-store", "pmh-bench"]),
    ("tonic", &["pmh", "pmh-bench", "pmh-client", "pmh-conformance", "pmh-proto"]),
    ("jsonwebtoken", &["pmh-auth"]),
];

#[test]
fn dependencies_keep_their_direction() {
    let packages = packages();
    for (name, allowed) in WALLS {
        for dependency in packages[*name].iter().filter(|dependency| dependency.starts_with("pmh")) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
    for (library, keepers) in KEEPERS {
        for (name, dependencies) in &packages {
            assert!(
                !dependencies.iter().any(|dependency| dependency == library)
                    || keepers.contains(&name.as_str()),
                "{name} must not touch {library}"
            );
        }
    }
}

#[test]
fn r_num_02_no_field_or_column_is_made_for_the_individual_number() {
    for file in files(&["proto/pmh", "migrations"]) {
        let text = fs::read_to_string(&file).unwrap();
        let code: String = text.lines().filter(|line| !is_comment(line)).collect();
        let lower = code.to_lowercase();
        for word in ["mynumber", "my_number", "kojin_bango", "kojinbango", "個人番号"] {
            assert!(!lower.contains(word), "{} names {word}", file.display());
        }
    }
}

#[test]
fn r_num_03_no_literal_passes_for_an_individual_number() {
    let validators = ["gateway/domain/src/codes/individual.rs", "gateway/domain/tests", "tests/vectors"];
    for file in
        files(&["audit", "auth", "client", "conformance-tests", "docs", "gateway", "migrations", "proto"])
    {
        let path = file.to_string_lossy().into_owned();
        if validators.iter().any(|known| path.contains(known)) || path.contains("/data/") {
            continue;
        }
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for number in digit_runs(&text) {
            assert!(
                !looks_like_individual_number(number),
                "{path} holds a 12-digit number that passes the check"
            );
        }
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with("--")
}

/// Twelve zeros pass the check and are nobody's: the nil UUID ends in them.
fn digit_runs(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|character: char| !character.is_ascii_digit());
    runs.filter(|run| run.len() == 12 && run.bytes().any(|digit| digit != b'0'))
}

fn packages() -> BTreeMap<String, Vec<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let package = |package: &Value| {
        let normal = |dependency: &&Value| dependency["kind"].is_null();
        let name = |dependency: &Value| dependency["name"].as_str().unwrap().to_owned();
        let dependencies =
            package["dependencies"].as_array().unwrap().iter().filter(normal).map(name).collect();
        (package["name"].as_str().unwrap().to_owned(), dependencies)
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

pub(crate) fn files(folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    found
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        walk(&entry.unwrap().path(), found);
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
