//! `pmh municipality push checkups`: a trial shows what would change, and what is exported comes back unchanged.

use std::fs;
use std::path::Path;

use super::sandbox::{Ran, pmh, running};

#[test]
fn a_dry_run_shows_what_would_change_and_what_is_exported_comes_back_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    register(dir.path());
    let file = dir.path().join("checkups.csv");
    fs::write(&file, row("1", "10.1")).unwrap();
    let first = push(&file, &["--json"]);
    assert_eq!(first.json()["summary"]["CREATED"], 1, "{}{}", first.stdout, first.stderr);
    let before = export();

    fs::write(&file, row("2", "10.4")).unwrap();
    let tried = push(&file, &["--dry-run", "--json"]);
    let columns = tried.json()["changes"][0]["columns"].clone();
    let told: Vec<_> = columns
        .as_array()
        .unwrap()
        .iter()
        .map(|told| [told["before"].clone(), told["after"].clone()])
        .collect();
    assert_eq!(told, [["1", "2"], ["10.1", "10.4"]], "{}", tried.stdout);
    let shown = push(&file, &["--dry-run", "--lang", "en"]).stdout;
    let line = shown.lines().find(|line| line.contains("10.4")).unwrap();
    assert!(line.contains("weight") && line.contains("10.1"), "{shown}");
    assert_eq!(export(), before, "nothing is kept");

    // What is exported is a file that can be sent.
    let exported = dir.path().join("exported.csv");
    fs::write(&exported, &before).unwrap();
    let again = push(&exported, &["--json"]).json();
    assert_eq!(again["summary"]["UNCHANGED"], 1, "{again}");
}

fn push(file: &Path, more: &[&str]) -> Ran {
    let args = ["municipality", "push", "checkups", file.to_str().unwrap(), "--sandbox", running().arg()];
    pmh(args.iter().chain(&["--as", "hachioji-1"]).chain(more))
}

fn export() -> String {
    let args =
        ["municipality", "checkups", "export", KEY, "--sandbox", running().arg(), "--as", "hachioji-1"];
    let ran = pmh(args);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

fn row(version: &str, weight: &str) -> String {
    format!(
        "健診記録番号,版番号,宛名番号,健診種別,健診日,体重［weight］(kg)\nX-1,{version},{KEY},m18,R8.7.1,{weight}\n"
    )
}

/// A child of this test's own.
fn register(dir: &Path) {
    let file = dir.join("residents.csv");
    let text = format!(
        "宛名番号,生年月日,性別,受給者証種別,受給者証名,有効期間開始,常に償還払い,不開示フラグ,履歴キー\n\
         {KEY},R7.1.1,女,M88,子ども医療費受給者証,R8.4.1,無,0,1\n"
    );
    fs::write(&file, text).unwrap();
    let args = ["issuer", "push", "residents", file.to_str().unwrap(), "--sandbox", running().arg()];
    let ran = pmh(args.into_iter().chain(["--as", "hachioji-1"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

const KEY: &str = "0000700001";
