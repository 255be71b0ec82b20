//! `pmh municipality push doses`: an invented register of ten thousand rows, dirty in every way a spreadsheet and an old
//! system make rows dirty.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use pmh_intake::sample::encode_cp932;
use serde_json::Value;

use super::sandbox::{Ran, pmh, running};

#[test]
fn a_dirty_register_imports_with_a_report_for_each_row_and_sent_again_it_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    register(dir.path(), 0..ROWS / 4);
    let register = Register::of(ROWS);
    let (file, mapping) = (dir.path().join("doses.csv"), dir.path().join("mapping.toml"));
    fs::write(&file, register.bytes()).unwrap();
    fs::write(&mapping, "[widths]\nresident_key = 10\n").unwrap();

    let first = push(&file, &["--mapping", mapping.to_str().unwrap(), "--json"]);
    let report = first.json();
    assert_eq!(first.code, 1, "rows were refused: {}", first.stderr);
    assert_eq!(report["encoding"], "cp932");
    assert_eq!(report["dropped_columns"], serde_json::json!(["個人番号"]));
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), ROWS);
    for (row, expected) in rows.iter().zip(&register.expected) {
        assert_eq!(judged(row), *expected, "{row}");
    }
    assert!(report["receipts"].as_array().unwrap().iter().all(|receipt| receipt["verified"] == true));
    let seen: BTreeMap<&str, usize> =
        register.expected.iter().fold(BTreeMap::new(), |mut seen, (_, code)| {
            *seen.entry(*code).or_default() += 1;
            seen
        });
    assert!(DIRT.iter().all(|dirt| seen.contains_key(dirt.code)), "{seen:?}");

    let corrected = fs::read(dir.path().join("doses.corrected.csv")).unwrap();
    let lines = corrected.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    assert_eq!(lines - 1, refused(rows), "the refused rows alone, in the officer's own columns");

    let again = push(&file, &["--mapping", mapping.to_str().unwrap(), "--json"]).json();
    let again = again["rows"].as_array().unwrap();
    for (row, (outcome, code)) in again.iter().zip(&register.expected) {
        let outcome = if *outcome == "CREATED" { "UNCHANGED" } else { outcome };
        assert_eq!(judged(row), (outcome, *code), "sending again changes nothing: {row}");
    }
}

#[test]
fn a_dry_run_keeps_nothing_and_a_register_without_its_columns_is_no_register() {
    let dir = tempfile::tempdir().unwrap();
    // A child of its own: the other tests share the sandbox.
    register(dir.path(), OWN_CHILD..OWN_CHILD + 1);
    let file = dir.path().join("one.csv");
    let key = key(OWN_CHILD);
    let row = format!("宛名番号,ワクチン種別,回数,接種年月日,実施区分\n{key},B型肝炎,1,R8.3.2,定期\n");
    fs::write(&file, row).unwrap();
    for _ in 0..2 {
        let dry = push(&file, &["--dry-run", "--json"]);
        assert_eq!((dry.code, judged(&dry.json()["rows"][0])), (0, ("CREATED", "")), "{}", dry.stdout);
    }
    fs::write(&file, format!("宛名番号,ワクチン種別,接種年月日\n{key},B型肝炎,R8.3.2\n")).unwrap();
    let missing = push(&file, &["--json"]);
    assert_eq!((missing.code, &missing.json()["reason"]), (2, &"COLUMN_MISSING".into()));
}

fn push(file: &Path, more: &[&str]) -> Ran {
    let args = ["municipality", "push", "doses", file.to_str().unwrap(), "--sandbox", running().arg()];
    pmh(args.iter().chain(&["--as", "hachioji-1"]).chain(more))
}

/// The children of the register, without whom no dose is taken.
fn register(dir: &Path, children: std::ops::Range<usize>) {
    let file = dir.join("residents.csv");
    let mut text = RESIDENTS.to_owned();
    for child in children {
        writeln!(text, "{},R8.1.1,女,M88,子ども医療費受給者証,R8.4.1,無,0,1", key(child)).unwrap();
    }
    fs::write(&file, text).unwrap();
    let args = ["issuer", "push", "residents", file.to_str().unwrap(), "--sandbox", running().arg()];
    let ran = pmh(args.into_iter().chain(["--as", "hachioji-1"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

/// Outcome, and the code of the first error.
fn judged(row: &Value) -> (&str, &str) {
    let findings = row["findings"].as_array().unwrap();
    let error = findings.iter().find(|finding| finding["severity"] == "error");
    (row["outcome"].as_str().unwrap(), error.map_or("", |error| error["code"].as_str().unwrap()))
}

fn refused(rows: &[Value]) -> usize {
    rows.iter().filter(|row| row["verdict"] == "refused").count()
}

/// What the file says and what is to become of each row.
struct Register {
    text: String,
    expected: Vec<(&'static str, &'static str)>,
}

impl Register {
    /// Every tenth row is dirty, in each way in turn; the others are sound, each in another dress.
    fn of(rows: usize) -> Self {
        let mut register = Self { text: HEADER.to_owned(), expected: Vec::new() };
        for number in 0..rows {
            let mut cells = sound(number);
            let dirt = DIRT.get(number / 10 % DIRT.len()).filter(|_| number % 10 == 9);
            register.expected.push(dirt.map_or(("CREATED", ""), |dirt| (dirt.outcome, dirt.code)));
            if let Some(dirt) = dirt {
                (dirt.spoil)(&mut cells, number);
            }
            register.text.push_str(&cells.join(","));
            register.text.push_str("\r\n");
        }
        register
    }

    /// CP932; `\u{1}` stands for a first byte without its second.
    fn bytes(&self) -> Vec<u8> {
        let encoded = encode_cp932(&self.text);
        encoded.into_iter().map(|byte| if byte == 1 { 0x81 } else { byte }).collect()
    }
}

type Cells = [String; 15];

/// Four vaccines a child, in the words and dates of an officer.
fn sound(number: usize) -> Cells {
    let (vaccine, stage, date) = [
        ("B型肝炎", "1回目", "R8.3.2"),
        ("ﾋﾌﾞ", "初回１回目", "2026/3/3"),
        ("五種混合", "1期初回1回", "令和８年３月４日"),
        ("小児用肺炎球菌（20価）", "1", "20260305"),
    ][number % 4];
    let lot = format!("LOT-{number:05}");
    [
        &key(number / 4),
        "************",
        "見本　椿",
        "R8.1.1",
        vaccine,
        stage,
        date,
        &lot,
        "R9.3.31",
        "見本製薬",
        "",
        "0.5mL",
        "皮下",
        "1310310243",
        "定期（Ａ類）",
    ]
    .map(str::to_owned)
}

/// One way in which a row is dirty.
struct Dirt {
    outcome: &'static str,
    code: &'static str,
    spoil: fn(&mut Cells, usize),
}

const fn stops(code: &'static str, spoil: fn(&mut Cells, usize)) -> Dirt {
    Dirt { outcome: "NOT_SENT", code, spoil }
}

const fn refuses(code: &'static str, spoil: fn(&mut Cells, usize)) -> Dirt {
    Dirt { outcome: "REJECTED", code, spoil }
}

fn set(cell: &mut String, text: &str) {
    text.clone_into(cell);
}

const DIRT: &[Dirt] = &[
    stops("DATE_SERIAL", |cells, _| set(&mut cells[DATE], "46083")),
    stops("DATE_IMPOSSIBLE", |cells, _| set(&mut cells[DATE], "令和8年2月30日")),
    stops("DATE_OUTSIDE_ERA", |cells, _| set(&mut cells[DATE], "H38.3.2")),
    stops("DATE_AMBIGUOUS", |cells, _| set(&mut cells[DATE], "8.3.2")),
    stops("DATE_UNREADABLE", |cells, _| set(&mut cells[DATE], "三月二日")),
    stops("DOSE_BEFORE_BIRTH", |cells, _| set(&mut cells[DATE], "R7.12.31")),
    stops("SCIENTIFIC_NOTATION", |cells, _| set(&mut cells[LOT], "1.2E+05")),
    stops("TURNED_INTO_DATE", |cells, _| set(&mut cells[LOT], "8-Jan")),
    stops("TRAILING_DECIMAL", |cells, _| set(&mut cells[LOT], "12345.0")),
    stops("SPREADSHEET_ERROR_VALUE", |cells, _| set(&mut cells[VACCINE], "#N/A")),
    stops("GAIJI", |cells, _| set(&mut cells[MAKER], "見\u{E000}製薬")),
    stops("BYTES_UNREADABLE", |cells, _| set(&mut cells[MAKER], "\u{1}")),
    stops("VALUE_UNKNOWN", |cells, number| {
        set(&mut cells[VACCINE], ["ロタ", "ニルセビマブ（抗体製剤）", "風邪"][number % 3]);
    }),
    stops("VALUE_UNKNOWN", |cells, _| set(&mut cells[QUANTITY], "半量")),
    stops("PRODUCT_MISMATCH", |cells, _| {
        set(&mut cells[VACCINE], "BCG");
        set(&mut cells[YJ], "6391700X1029");
    }),
    stops("DOSE_NUMBER_OPEN", |cells, number| {
        let [vaccine, stage] = [["ヒブ", "追加"], ["MR", "1回"], ["日本脳炎", "2回目"]][number % 3];
        set(&mut cells[VACCINE], vaccine);
        set(&mut cells[STAGE], stage);
    }),
    stops("REQUIRED_BLANK", |cells, _| set(&mut cells[PROGRAMME], "")),
    stops("LEADING_ZERO_LOST", |cells, _| cells[KEY] = cells[KEY].trim_start_matches('0').to_owned()),
    stops("INDIVIDUAL_NUMBER_FORBIDDEN", |cells, number| cells[LOT] = individual_number(number)),
    stops("INSTITUTION_CODE_WITHOUT_PREFECTURE", |cells, _| set(&mut cells[PERFORMER], "0310243")),
    stops("RAGGED_ROW", |cells, _| cells[MAKER].push_str(",株式会社")),
    refuses("RESIDENT_UNKNOWN", |cells, number| cells[KEY] = format!("{:010}", 900_000 + number)),
    stops("CONFLICTING_ROWS", |cells, _| {
        set(&mut cells[KEY], "0000500000");
        set(&mut cells[VACCINE], "おたふくかぜ");
        set(&mut cells[STAGE], "1");
        set(&mut cells[DATE], "R8.3.6");
    }),
    refuses("DATE_OUT_OF_RANGE", |cells, _| set(&mut cells[DATE], "R99.1.1")),
    refuses("CHECK_DIGIT", |cells, _| set(&mut cells[PERFORMER], "1310310244")),
];

/// A number that passes the individual number's check, computed so that none is written down here.
fn individual_number(number: usize) -> String {
    let body = format!("{number:011}");
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = body.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = if sum % 11 <= 1 { 0 } else { 11 - sum % 11 };
    format!("{body}{check}")
}

fn key(child: usize) -> String {
    format!("{:010}", 500_000 + child)
}

const ROWS: usize = 10_000;
const OWN_CHILD: usize = 400_000;
const HEADER: &str = "宛名番号,個人番号,氏名,生年月日,ワクチン種別,期・回数,接種年月日,ロット番号,有効期限,メーカー,\
    個別医薬品コード,接種量,接種方法,医療機関コード,実施区分\r\n";
const KEY: usize = 0;
const VACCINE: usize = 4;
const STAGE: usize = 5;
const DATE: usize = 6;
const LOT: usize = 7;
const MAKER: usize = 9;
const YJ: usize = 10;
const QUANTITY: usize = 11;
const PERFORMER: usize = 13;
const PROGRAMME: usize = 14;
const RESIDENTS: &str =
    "宛名番号,生年月日,性別,受給者証種別,受給者証名,有効期間開始,常に償還払い,不開示フラグ,履歴キー\n";
