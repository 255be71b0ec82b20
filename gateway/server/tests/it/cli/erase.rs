//! `pmh audit erase` and `pmh audit hold`.

use serde_json::Value;

use super::sandbox::{Ran, pmh, running};

fn audit(args: &[&str]) -> Ran {
    pmh(["audit"].iter().chain(args).chain(&["--sandbox", running().arg()]))
}

fn ok(args: &[&str]) -> Value {
    let ran = audit(&[args, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran.json()
}

/// One visit at a counter; the index of its entry.
fn visit() -> String {
    let args =
        ["counter", "verify", "--sandbox", running().arg(), "--as", "tokyo-clinic-1", "--card", "child"];
    let ran = pmh(args.iter().chain(&["--json"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran.json()["receipt"]["index"].as_u64().unwrap().to_string()
}

fn ask<'a>(entry: &'a str, case: &'a str) -> Vec<&'a str> {
    vec!["erase", "--operator", "op-1", "--entry", entry, "--case", case, "--ground", "invented"]
}

fn agree<'a>(id: &'a str, case: &'a str) -> Vec<&'a str> {
    vec!["erase", "--as", "operator-2", "--operator", "op-2", "--agree", id, "--case", case]
}

#[test]
fn i19_one_asks_another_agrees_and_the_entry_opens_no_more() {
    let entry = visit();
    let asked = ok(&ask(&entry, "cli-erasure"));
    assert_eq!(asked["erased"], false);
    let id = asked["erasure_id"].as_str().unwrap().to_owned();
    let alone = audit(&["erase", "--operator", "op-1", "--agree", &id, "--case", "cli-erasure", "--json"]);
    assert_eq!((alone.code, &alone.json()["code"]), (1, &Value::from("SECOND_PERSON_NEEDED")));
    let said = audit(&[&agree(&id, "cli-erasure")[..], &["--lang", "ja"]].concat());
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.starts_with("1件の記録の内容を消去しました"), "{}", said.stdout);
    let opened = ok(&["open", &entry, "--part", "actor", "--warrant", "w"]);
    assert_eq!(opened["parts"]["actor"]["erased"], true);
    assert!(opened["parts"]["actor"]["erased_by"].as_u64() > entry.parse().ok());
}

#[test]
fn a_held_entry_is_not_erased_until_it_is_released() {
    let entry = visit();
    let put =
        ["hold", "put", "--operator", "a-1", "--entry", &entry, "--case", "court", "--ground", "invented"];
    let hold = ok(&put)["hold_id"].as_str().unwrap().to_owned();
    let refused = |case: &str| {
        let id = ok(&ask(&entry, case))["erasure_id"].as_str().unwrap().to_owned();
        audit(&[&agree(&id, case)[..], &["--json"]].concat())
    };
    let answer = refused("cli-held");
    assert_eq!((answer.code, &answer.json()["code"]), (1, &Value::from("LEGAL_HOLD")));
    let said = audit(&["hold", "release", &hold, "--operator", "a-1", "--case", "court", "--lang", "en"]);
    assert!(said.stdout.starts_with("Released (entry "), "{}{}", said.stdout, said.stderr);
    assert_eq!(refused("cli-released").json()["erased_entries"], 1);
}

#[test]
fn what_to_erase_is_said_in_one_way() {
    for wrong in [
        &["erase", "--operator", "o", "--case", "c", "--ground", "g"][..],
        &["erase", "--operator", "o", "--case", "c", "--entry", "1"],
        &["erase", "--operator", "o", "--case", "c", "--ground", "g", "--entry", "1", "--agree", "x"],
        &["erase", "--operator", "o", "--case", "c", "--ground", "g", "--resident", "municipality:132012"],
    ] {
        assert_eq!(audit(wrong).code, 2, "{wrong:?}");
    }
    let unknown = audit(&[
        "erase",
        "--operator",
        "o",
        "--case",
        "c",
        "--ground",
        "g",
        "--resident",
        "municipality:132012",
        "none",
        "--json",
    ]);
    assert_eq!((unknown.code, &unknown.json()["code"]), (1, &Value::from("NOT_FOUND")));
}
