//! `pmh municipality push tickets` and `push sessions`, and what counter and desk do with what was pushed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::ops::rig::today;

use super::sandbox::{Ran, pmh, pmh_in, running};

/// Of the sandbox's child, whose guardian holds the card `mother`.
const CHILD: &str = "H-0002";

fn office(args: &[&str]) -> Ran {
    let access = ["--sandbox", running().arg(), "--as", "hachioji-1"];
    pmh(["municipality"].iter().chain(args).chain(&access))
}

fn push(what: &str, file: &Path, more: &[&str]) -> Value {
    let args = ["push", what, file.to_str().unwrap(), "--json"];
    office(&args.into_iter().chain(more.iter().copied()).collect::<Vec<_>>()).json()
}

fn counter(locale: &str, more: &[&str]) -> Ran {
    let args = ["counter", "ticket", "--sandbox", running().arg(), "--card", "mother"];
    pmh_in(locale, args.iter().chain(more))
}

fn summary(report: &Value, outcome: &str) -> u64 {
    report["summary"][outcome].as_u64().unwrap_or_default()
}

/// The template with an office's rows below it.
fn filled(dir: &Path, what: &str, rows: &[String]) -> std::path::PathBuf {
    let template = pmh(["municipality", what, "template"]);
    assert_eq!(template.code, 0, "{}", template.stderr);
    let file = dir.join(format!("{what}.csv"));
    fs::write(&file, format!("{}{}\r\n", template.stdout, rows.join("\r\n"))).unwrap();
    file
}

#[test]
fn a_ticket_is_pushed_corrected_and_used_once_at_a_counter() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (today().first_of_year(), today().last_of_year());
    let row = |number: &str, resident: &str, part: &str| {
        format!("{number},{resident},1歳6か月児健診,{part},\"5,000円\",{from},{to},都道府県内,{from},,")
    };
    let rows = [row("CLI-T-1", CHILD, "基本"), row("CLI-T-2", CHILD, "？"), row("CLI-T-3", "nobody", "基本")];
    let file = filled(dir.path(), "tickets", &rows);
    let tried = push("tickets", &file, &["--dry-run"]);
    assert_eq!((summary(&tried, "CREATED"), &tried["kind"]), (1, &json!("tickets")), "{tried}");
    let first = push("tickets", &file, &[]);
    let counts = ["CREATED", "REJECTED", "NOT_SENT"].map(|outcome| summary(&first, outcome));
    assert_eq!((counts, &first["ok"]), ([1, 1, 1], &json!(false)), "{first}");
    assert_eq!(first["receipts"][0]["verified"], true);
    let corrected = dir.path().join("tickets.corrected.csv");
    let text = fs::read_to_string(&corrected).unwrap();
    assert!(text.contains("宛名番号の住民がまだ登録されていません"), "{text}");
    fs::write(&corrected, text.replace('？', "超音波").replace("nobody", CHILD)).unwrap();
    assert_eq!(summary(&push("tickets", &corrected, &[]), "CREATED"), 2);
    let again = push("tickets", &file, &[]);
    assert_eq!(summary(&again, "UNCHANGED"), 1, "{again}");

    let listed = counter("C.UTF-8", &["--json"]).json();
    let numbers: Vec<_> =
        listed["tickets"].as_array().unwrap().iter().map(|ticket| ticket["number"].clone()).collect();
    assert_eq!(numbers, ["CLI-T-1", "CLI-T-2", "CLI-T-3"], "{listed}");
    let use_it = |record: &str| {
        counter("C.UTF-8", &["--use", "CLI-T-1", "--fee", "6500", "--record", record, "--json"])
    };
    let covered = json!({ "ok": true, "outcome": "COVERED", "issuer_yen": 5_000, "family_yen": 1_500 });
    for _ in 0..2 {
        let used = use_it("visit-1");
        assert_eq!((used.code, used.json()), (0, covered.clone()), "the same visit is the same use");
    }
    let other = use_it("visit-2");
    assert_eq!((other.code, &other.json()["outcome"]), (1, &json!("USED")));
    let screen = counter("ja_JP.UTF-8", &[]).stdout;
    assert!(screen.contains("受診券 3枚") && screen.contains("使用済み"), "{screen}");
    let unknown = counter("ja_JP.UTF-8", &["--use", "CLI-T-9", "--fee", "1"]);
    assert!(unknown.code == 1 && unknown.stdout.contains("この方の券ではありません"), "{}", unknown.stdout);
}

#[test]
fn days_are_opened_changed_and_booked_and_no_place_is_taken_from_a_family() {
    let dir = tempfile::tempdir().unwrap();
    let day = today().tomorrow().unwrap();
    let row = |id: &str, time: &str, places: &str| {
        format!("cli-m18,1歳6か月児健診,{id},{day},{time},保健センター,{places}")
    };
    let file = filled(dir.path(), "sessions", &[row("a", "13時30分", "1名"), row("b", "14:30", "30")]);
    assert_eq!(summary(&push("sessions", &file, &["--dry-run"]), "CREATED"), 2);
    let opened = push("sessions", &file, &[]);
    assert_eq!(
        (summary(&opened, "CREATED"), &opened["receipts"][0]["verified"]),
        (2, &json!(true)),
        "{opened}"
    );
    assert_eq!(summary(&push("sessions", &file, &[]), "UNCHANGED"), 2);

    let place = |session: &str| office(&["sessions", "place", "cli-m18", CHILD, session, "--json"]).json();
    assert_eq!(place("a"), json!({ "ok": true, "place": "a", "waiting_for": "", "ahead": 0 }));
    assert_eq!(place("b")["place"], "b", "the family moves");
    place("a");
    let listed = office(&["sessions", "list", "cli-m18", "--json"]).json();
    let first = &listed["sessions"][0];
    assert_eq!((&first["time"], &first["placed"]), (&json!("13:30"), &json!([CHILD])), "{listed}");
    let screen = office(&["sessions", "list", "cli-m18", "--lang", "ja"]).stdout;
    assert!(screen.contains("1/1") && screen.contains("保健センター"), "{screen}");

    let changed = filled(dir.path(), "sessions", &[row("a", "13:30", "1"), row("b", "14:30", "20")]);
    let report = push("sessions", &changed, &[]);
    assert_eq!(["UNCHANGED", "UPDATED"].map(|outcome| summary(&report, outcome)), [1, 1], "{report}");
    let clash = [row("a", "13:30", "1"), row("b", "14:30", "20").replace("1歳6か月児健診", "y3")];
    let refused = push("sessions", &filled(dir.path(), "sessions", &clash), &[]);
    assert_eq!(
        (&refused["ok"], &refused["rows"][0]["findings"][0]["code"]),
        (&json!(false), &json!("CONTRADICTION"))
    );
    assert_eq!(office(&["sessions", "cancel", "cli-m18", CHILD, "--json"]).json()["place"], "");
    let nobody = office(&["sessions", "place", "cli-m18", "nobody", "a", "--json"]);
    assert_eq!((nobody.code != 0, &nobody.json()["reason"]), (true, &json!("NOT_FOUND")));
}
