//! `pmh issuer`.

use std::fs;
use std::path::{Path, PathBuf};

use pmh_intake::sample::{SampleRow, officer_export_cp932, three_bad_rows};
use serde_json::Value;
use tempfile::TempDir;

use super::sandbox::{Ran, pmh, pmh_in, running};

/// An officer's desk: a folder, and the office's terminal.
struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// Writes an export.
    fn export(&self, rows: &[SampleRow]) -> PathBuf {
        let file = self.dir.path().join("export.csv");
        fs::write(&file, officer_export_cp932(rows)).unwrap();
        file
    }

    /// Registers residents, without whom no right is taken.
    fn register(&self, keys: &[&str]) {
        let file = self.dir.path().join("residents.csv");
        let rows: String = keys.iter().map(|key| resident(key, "R5.6.7", 1)).collect();
        fs::write(&file, format!("{RESIDENTS}\n{rows}")).unwrap();
        let ran = push_residents(&file);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    }
}

fn push(file: &Path, more: &[&str]) -> Ran {
    let args = ["issuer", "push", "entitlements", file.to_str().unwrap()];
    pmh(args.iter().chain(&["--sandbox", running().arg(), "--as", "hachioji-1"]).chain(more))
}

fn sound(resident_key: &str) -> SampleRow {
    SampleRow::sound(resident_key, "見本　椿", PAYER, "9000102")
}

fn resident(key: &str, birth_date: &str, history: u8) -> String {
    format!("{key},{birth_date},女,M88,子ども医療費受給者証,R8.4.1,無,0,{history}\n")
}

fn push_residents(file: &Path) -> Ran {
    let args = ["issuer", "push", "residents", file.to_str().unwrap(), "--sandbox", running().arg()];
    pmh(args.into_iter().chain(["--as", "hachioji-1", "--json"]))
}

fn outcomes(report: &Value) -> Vec<&str> {
    report["rows"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

#[test]
fn a_cp932_export_with_three_bad_rows_is_reported_corrected_and_sent_again() {
    let desk = Desk::new();
    desk.register(&["0000000701", "0000000702"]);
    let mut rows = vec![sound("0000000701"), sound("0000000702")];
    rows.extend(three_bad_rows(PAYER));
    let file = desk.export(&rows);

    let first = push(&file, &["--json"]);
    let report = first.json();
    assert_eq!(first.code, 1, "rows were refused");
    assert_eq!(report["encoding"], "cp932");
    assert_eq!(outcomes(&report), ["CREATED", "CREATED", "NOT_SENT", "NOT_SENT", "NOT_SENT"]);
    assert_eq!((&report["summary"]["CREATED"], &report["summary"]["NOT_SENT"]), (&2.into(), &3.into()));
    assert_eq!(report["dropped_columns"], serde_json::json!(["個人番号"]));
    assert!(first.stderr.contains("dropped on this machine before sending"));
    assert_eq!(report["receipts"][0]["verified"], true);
    for row in &report["rows"].as_array().unwrap()[2..] {
        assert!(row["findings"].as_array().unwrap().iter().any(|finding| finding["severity"] == "error"));
    }

    let again = push(&file, &["--json"]).json();
    assert_eq!(outcomes(&again)[..2], ["UNCHANGED", "UNCHANGED"], "sending again changes nothing");
    assert_ne!(again["batch_id"], report["batch_id"]);

    let corrected = fs::read(desk.dir.path().join("export.corrected.csv")).unwrap();
    let lines = corrected.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    assert_eq!(lines, 4, "the header and the three refused rows alone");
}

#[test]
fn the_corrected_file_is_sent_as_it_is_and_everything_is_taken() {
    let desk = Desk::new();
    desk.register(&["0000000711"]);
    let file =
        desk.export(&[SampleRow { valid_to: "令和9年2月29日".to_owned(), ..sound("0000000711") }]);
    assert_eq!(push(&file, &[]).code, 1);
    let corrected = desk.dir.path().join("export.corrected.csv");
    let bytes = fs::read(&corrected).unwrap();
    // 29日 becomes 28日: ASCII digits, the same in CP932.
    let day = bytes.windows(2).rposition(|pair| pair == b"29").unwrap();
    let mut bytes = bytes;
    bytes[day + 1] = b'8';
    fs::write(&corrected, bytes).unwrap();
    let sent = push(&corrected, &["--json"]);
    assert_eq!((sent.code, outcomes(&sent.json())), (0, vec!["CREATED"]));
    assert!(!desk.dir.path().join("export.corrected.corrected.csv").exists());
}

#[test]
fn the_gateways_own_refusal_stands_in_report_and_corrected_file() {
    let desk = Desk::new();
    desk.register(&["0000000721"]);
    let file = desk.export(&[SampleRow { payer_number: "88138244".to_owned(), ..sound("0000000721") }]);
    let ran = push(&file, &["--json"]);
    let report = ran.json();
    assert_eq!((ran.code, outcomes(&report)), (1, vec!["REJECTED"]));
    let finding = report["rows"][0]["findings"].as_array().unwrap();
    let refusal = finding.iter().find(|finding| finding["severity"] == "error").unwrap();
    assert_eq!((&refusal["code"], &refusal["column"]), (&"CHECK_DIGIT".into(), &"公費負担者番号".into()));
    assert!(Path::new(report["corrected"].as_str().unwrap()).exists());
}

#[test]
fn a_dry_run_keeps_nothing() {
    let desk = Desk::new();
    desk.register(&["0000000731"]);
    let file = desk.export(&[sound("0000000731")]);
    let dry = push(&file, &["--dry-run", "--json"]);
    let report = dry.json();
    assert_eq!((dry.code, outcomes(&report)), (0, vec!["CREATED"]));
    assert_eq!(report["receipts"].as_array().unwrap().len(), 0);
    assert_eq!(outcomes(&push(&file, &["--json"]).json()), ["CREATED"], "it was not kept before");
}

#[test]
fn the_table_is_for_an_officer_and_the_report_file_for_a_program() {
    let desk = Desk::new();
    desk.register(&["0000000741"]);
    let rows: Vec<SampleRow> = [sound("0000000741")].into_iter().chain(three_bad_rows(PAYER)).collect();
    let file = desk.export(&rows);
    let report = desk.dir.path().join("report.json");
    let args = ["issuer", "push", "entitlements", file.to_str().unwrap(), "--sandbox", running().arg()];
    let more = ["--as", "hachioji-1", "--report", report.to_str().unwrap()];
    let ran = pmh_in("ja_JP.UTF-8", args.into_iter().chain(more));
    let dropped = ran.stdout.find("個人番号の列").unwrap();
    assert!(dropped < ran.stdout.find("要修正").unwrap(), "said before anything is sent");
    assert!(ran.stdout.contains("DATE_IMPOSSIBLE") && ran.stdout.contains("新規 1"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("見本"), "a report never repeats a cell");
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(report["summary"]["NOT_SENT"], 3);
}

#[test]
fn a_mapping_reads_an_issuers_own_layout() {
    let desk = Desk::new();
    desk.register(&["0000000751"]);
    let file = desk.dir.path().join("own.csv");
    let header = "宛名番号,受給者証名,負担者NO,受給者番号,有効期間開始,有効期間終了,履歴キー";
    fs::write(
        &file,
        format!("{header}\n0000000751,子ども医療費受給者証,{PAYER},9000102,5080401,5090331,1\n"),
    )
    .unwrap();
    let mapping = desk.dir.path().join("mapping.toml");
    let toml = "dates = \"era-code\"\n[columns]\npayer_number = \"負担者NO\"\n\
                [constants]\ncertificate_type_id = \"C88\"\nalways_reimbursement = \"0\"\nnot_disclosed = \"0\"\n";
    fs::write(&mapping, toml).unwrap();
    let ran = push(&file, &["--mapping", mapping.to_str().unwrap(), "--json"]);
    assert_eq!((ran.code, outcomes(&ran.json())), (0, vec!["CREATED"]), "{}", ran.stdout);
}

#[test]
fn a_file_without_rows_or_headers_is_unreadable() {
    let desk = Desk::new();
    let file = desk.dir.path().join("bad.csv");
    for (content, code) in [("", "FILE_EMPTY"), ("a,b\n1,2\n", "HEADER_MISSING")] {
        fs::write(&file, content).unwrap();
        let ran = push(&file, &["--json"]);
        assert_eq!((ran.code, ran.json()["reason"].as_str()), (2, Some(code)));
    }
}

#[test]
fn a_clinic_may_not_send_rights() {
    let desk = Desk::new();
    let file = desk.export(&[sound("0000000761")]);
    let args = ["issuer", "push", "entitlements", file.to_str().unwrap(), "--sandbox", running().arg()];
    let ran = pmh(args.into_iter().chain(["--as", "tokyo-clinic-1", "--json"]));
    let report = ran.json();
    assert_eq!((ran.code, &report["failure"]["reason"]), (1, &"ROLE_NOT_ALLOWED".into()));
    assert_eq!(outcomes(&report), ["NOT_ANSWERED"]);
}

#[test]
fn residents_are_sent_once_however_many_rights_they_hold() {
    let desk = Desk::new();
    let file = desk.dir.path().join("residents.csv");
    let rows = [
        resident("0000000771", "R5.6.7", 1),
        resident("0000000771", "R5.6.7", 2),
        resident("0000000772", "", 1),
        resident("0000000773", "R5.6.7", 1),
        resident("0000000773", "R5.6.8", 2),
    ];
    fs::write(&file, format!("{RESIDENTS}\n{}", rows.concat())).unwrap();
    let ran = push_residents(&file);
    let expected = ["CREATED", "REPEATED", "NOT_SENT", "NOT_SENT", "NOT_SENT"];
    assert_eq!((ran.code, outcomes(&ran.json())), (1, expected.to_vec()), "{}", ran.stdout);
}

#[test]
fn a_watermark_moves_on_and_never_back() {
    let args = ["issuer", "watermark", "--law-no", "88", "--sandbox", running().arg(), "--as", "hachioji-1"];
    let now = pmh(args.into_iter().chain(["--json"]));
    assert_eq!((now.code, &now.json()["ok"]), (0, &true.into()));
    let back = pmh(args.into_iter().chain(["--as-of", "2020-01-01T00:00:00Z", "--json"]));
    assert_eq!((back.code, &back.json()["ok"]), (1, &false.into()));
    let other = args.map(|arg| if arg == "88" { "52" } else { arg });
    assert_eq!(pmh(other).code, 1, "not competent for 52");
}

#[test]
fn link_proposals_are_listed_and_an_unknown_one_cannot_be_decided() {
    let office = ["--sandbox", running().arg(), "--as", "hachioji-1", "--json"];
    let list = pmh(["issuer", "link", "list"].into_iter().chain(office));
    assert_eq!((list.code, &list.json()["ok"]), (0, &true.into()));
    let nothing = "00000000-0000-4000-8000-000000000000";
    let decided = pmh(["issuer", "link", "decide", nothing, "confirm"].into_iter().chain(office));
    assert_eq!((decided.code, &decided.json()["reason"]), (1, &"NOT_FOUND".into()));
}

#[test]
fn a_right_of_somebody_unknown_is_refused_with_a_hint() {
    let desk = Desk::new();
    let file = desk.export(&[sound("0000000781")]);
    let ran = push(&file, &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("RESIDENT_UNKNOWN") && ran.stdout.contains("push residents"),
        "{}",
        ran.stdout
    );
}

const RESIDENTS: &str =
    "宛名番号,生年月日,性別,受給者証種別,受給者証名,有効期間開始,常に償還払い,不開示フラグ,履歴キー";
/// Published by 八王子市 for 法別 88.
const PAYER: &str = "88138243";
