//! `pmh audit search`, `pmh audit person` and `pmh audit open`.

use serde_json::Value;

use super::sandbox::{Ran, pmh, running};

fn audit(args: &[&str]) -> Ran {
    pmh(["audit"].iter().chain(args).chain(&["--sandbox", running().arg()]))
}

/// One visit at a counter; the index of its entry.
fn visit() -> u64 {
    let args =
        ["counter", "verify", "--sandbox", running().arg(), "--as", "tokyo-clinic-1", "--card", "child"];
    let ran = pmh(args.iter().chain(&["--json"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran.json()["receipt"]["index"].as_u64().unwrap()
}

fn found(args: &[&str]) -> Vec<u64> {
    let ran = audit(&[&["search", "--json"], args].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let found = ran.json();
    assert_eq!(found["verified"], true);
    found["entries"].as_array().unwrap().iter().map(|entry| entry["index"].as_u64().unwrap()).collect()
}

#[test]
fn a_search_prints_a_table_json_lines_or_csv() {
    let index = visit();
    let filters = [
        "--org",
        "clinic:1310310243",
        "--method",
        "VerifyEligibility",
        "--purpose",
        "HPAYMT",
        "--kind",
        "disclosure",
    ];
    assert!(found(&filters).contains(&index));
    let table = audit(&[&["search", "--lang", "ja"], &filters[..]].concat());
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(
        table.stdout.starts_with("番号") && table.stdout.contains("受領証はすべて確認済み"),
        "{}",
        table.stdout
    );
    let lines = audit(&[&["search", "--jsonl"], &filters[..]].concat()).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|entry| entry["index"] == index && entry["kind"] == "disclosure"));
    let csv = audit(&[&["search", "--csv"], &filters[..]].concat()).stdout;
    assert!(
        csv.starts_with("index,time,kind,") && csv.lines().any(|line| line.starts_with(&format!("{index},")))
    );
    assert!(!found(&["--from", "2000-01-01", "--to", "2000-01-02"]).contains(&index));
}

#[test]
fn an_auditor_of_tokyo_sees_hashes_elsewhere() {
    let ran = audit(&["search", "--as", "tokyo-auditor-1", "--json", "--to", "2100-01-01"]);
    let found = ran.json();
    let first = &found["entries"][0];
    assert_eq!((&first["index"], &first["outside_jurisdiction"]), (&Value::from(0), &Value::from(true)));
    assert!(first.get("requester").is_none());
}

#[test]
fn one_asks_another_agrees_and_the_person_is_found() {
    let entry = visit().to_string();
    let asked = audit(&[
        "person",
        "request",
        "--operator",
        "op-1",
        "--entry",
        &entry,
        "--case",
        "cli-case",
        "--ground",
        "invented",
        "--json",
    ]);
    assert_eq!(asked.code, 0, "{}{}", asked.stdout, asked.stderr);
    let id = asked.json()["person_search_id"].as_str().unwrap().to_owned();
    let approve = |terminal, operator| {
        audit(&[
            "person",
            "approve",
            &id,
            "--as",
            terminal,
            "--operator",
            operator,
            "--case",
            "cli-case",
            "--json",
        ])
    };
    let alone = approve("auditor-1", "op-1");
    assert_eq!((alone.code, &alone.json()["code"]), (1, &Value::from("SECOND_PERSON_NEEDED")));
    assert_eq!(approve("auditor-2", "op-2").code, 0);
    let searched = audit(&["person", "search", &id, "--operator", "op-1", "--json"]);
    let searched = searched.json();
    assert!(searched["subject"].as_str().unwrap().starts_with('p'));
    let all = searched["entries"].as_array().unwrap();
    assert!(all.iter().any(|found| found["index"].as_u64() == entry.parse().ok()));
    assert_eq!(found(&["--case", "cli-case", "--org", "auditor:test-auditor"]).len(), 4);
}

#[test]
fn a_part_opens_under_a_warrant() {
    let entry = visit().to_string();
    let opened =
        audit(&["open", &entry, "--part", "actor", "--part", "detail", "--warrant", "cli-warrant", "--json"]);
    assert_eq!(opened.code, 0, "{}{}", opened.stdout, opened.stderr);
    let opened = opened.json();
    assert_eq!(opened["parts"]["actor"]["terminal"], "tokyo-clinic-1");
    assert!(
        opened["parts"]["detail"]["request_sha256"].is_string() && opened["parts"].get("subject").is_none()
    );
    let text = audit(&["open", &entry, "--part", "actor", "--warrant", "cli-warrant", "--lang", "ja"]);
    assert!(text.stdout.contains("開示しました"), "{}", text.stdout);
    let elsewhere =
        audit(&["open", "0", "--as", "tokyo-auditor-1", "--part", "actor", "--warrant", "w", "--json"]);
    assert_eq!((elsewhere.code, &elsewhere.json()["code"]), (1, &Value::from("OUTSIDE_JURISDICTION")));
}
