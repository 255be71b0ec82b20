//! Files of checkups: every kind of dirt by its name, and a round trip that changes no byte. All records are invented.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers outside the test functions fail their test too"
)]

use jiff::civil::date;
use pmh_domain::checkup::{judgement::Finding, kind::CheckupKind};
use pmh_intake::{
    CheckupRow, FileKind, Intake, Mapping, Options, Severity, checkup_cells, checkup_template, read_checkups,
};

/// Passes the check digit of an individual number; written so that no file holds one.
const INDIVIDUAL: &str = concat!("123456", "789018");
const HEADER: &str = "健診記録番号,版番号,宛名番号,健診種別,健診日,体重［weight］(kg),皮膚の疾病所見［skin_finding］,skin_note,判定";

fn read(bytes: &[u8]) -> Intake<CheckupRow> {
    read_checkups(bytes, &Mapping::default(), &Options::default()).unwrap()
}

fn read_line(line: &str) -> Intake<CheckupRow> {
    read(format!("{HEADER}\n{line}\n").as_bytes())
}

/// Code and column of every finding of the only row.
fn findings(intake: &Intake<CheckupRow>) -> Vec<(String, String)> {
    let findings = intake.reports[0].findings.iter();
    findings.map(|found| (found.code.to_string(), found.column.clone().unwrap_or_default())).collect()
}

#[test]
fn a_row_in_officers_words_is_read_and_every_rewriting_is_told() {
    let intake = read_line("K-1,1,A-1,1歳6か月児健診,令和8年5月6日,10.1,所見あり,湿疹,要経過観察");
    let raw = &intake.rows[0].raw;
    assert_eq!((raw.kind, raw.date.as_str()), (Some(CheckupKind::Month18), "2026-05-06"));
    let codes: Vec<_> = raw.items.iter().map(|entry| (entry.code.as_str(), entry.finding)).collect();
    assert_eq!(codes.len(), 2);
    assert!(codes.contains(&("skin", Some(Finding::Present))) && codes.contains(&("weight", None)));
    let told: Vec<_> =
        findings(&intake).into_iter().map(|(code, column)| format!("{code} {column}")).collect();
    let expected = ["健診種別", "健診日", "皮膚の疾病所見［skin_finding］", "判定"];
    assert_eq!(told, expected.map(|column| format!("REWRITTEN {column}")));
}

#[test]
fn each_kind_of_dirt_has_its_name() {
    let row = |weight: &str, rest: &str| format!("K-1,1,A-1,m18,2026-05-06,{weight},{rest}");
    let cases = [
        (row("1.0E+01", ",,"), "SCIENTIFIC_NOTATION"),
        (row("10月1日", ",,"), "TURNED_INTO_DATE"),
        (row("#REF!", ",,"), "SPREADSHEET_ERROR_VALUE"),
        (row("１０.１", ",,"), "WIDTH_FOLDED"),
        (row("10.1", "たぶん,,"), "VALUE_UNKNOWN"),
        (row("10.1", ",,要相談"), "VALUE_UNKNOWN"),
        (row("10.1", ",山\u{E000},"), "GAIJI_KEPT"),
        (row("10.1", ",山\u{FFFD},"), "REPLACEMENT_MARK"),
        (row("10.1", &format!(",{INDIVIDUAL},")), "INDIVIDUAL_NUMBER_FORBIDDEN"),
        ("K-1,1,A-1,m18,46148,10.1,,,".to_owned(), "DATE_SERIAL"),
        ("K-1,1,A-1,m18,2026-02-30,10.1,,,".to_owned(), "DATE_IMPOSSIBLE"),
        ("K-1,1,A-1,m18,いつか,10.1,,,".to_owned(), "DATE_UNREADABLE"),
        ("K-1,1,A-1,二歳健診,2026-05-06,10.1,,,".to_owned(), "VALUE_UNKNOWN"),
        ("K-1,1,,m18,2026-05-06,10.1,,,".to_owned(), "REQUIRED_BLANK"),
        ("K-1,1.0,A-1,m18,2026-05-06,10.1,,,".to_owned(), "TRAILING_DECIMAL"),
        ("K-1,1,A-1,m18,2026-05-06,10.1,,,,余り".to_owned(), "RAGGED_ROW"),
    ];
    for (line, code) in cases {
        let told = findings(&read_line(&line));
        assert!(told.iter().any(|(told, _)| told == code), "{line}: {told:?}");
    }
    let twice = read_line("K-1,1,A-1,m18,2026-05-06,10.1,,,\nK-1,1,A-1,m18,2026-05-06,10.2,,,");
    assert!(twice.rows.is_empty() && twice.reports[1].findings[0].code == "CONFLICTING_ROWS");
    let versions = read_line("K-1,1,A-1,m18,2026-05-06,10.1,,,\nK-1,2,A-1,m18,2026-05-06,10.2,,,");
    assert_eq!(versions.rows.len(), 2, "two versions of one record are no conflict");
}

#[test]
fn an_unreadable_byte_and_a_column_of_individual_numbers_stay_here() {
    let (header, _, _) =
        encoding_rs::SHIFT_JIS.encode("健診記録番号,版番号,宛名番号,健診種別,健診日,個人番号,skin_note\n");
    let mut bytes = header.into_owned();
    bytes.extend_from_slice(format!("K-1,1,A-1,m18,2026-05-06,{INDIVIDUAL},").as_bytes());
    bytes.extend_from_slice(b"\x85\x40\xFF\n");
    let intake = read(&bytes);
    assert_eq!(intake.dropped_columns, ["個人番号"]);
    assert!(findings(&intake).iter().any(|(code, _)| code == "BYTES_UNREADABLE"));
}

#[test]
fn a_mapping_names_the_columns_of_another_layout() {
    let mapping = "[columns]\nweight = \"タイジュウ\"\nrecord_id = \"番号\"\n[constants]\nsource_version = \"1\"\n[values.\"判定\"]\n\"C\" = \"要経過観察\"\n";
    let mapping = Mapping::parse_for(FileKind::Checkups, mapping).unwrap();
    let file = "番号,宛名番号,健診区分,健診日,タイジュウ,判定\nK-1,A-1,m18,2026-05-06,10.1,C\n";
    let intake = read_checkups(file.as_bytes(), &mapping, &Options::default()).unwrap();
    assert_eq!(intake.refused(), 0, "{:?}", intake.reports);
    assert_eq!(intake.rows[0].raw.items[0].value, "10.1");
    assert!(intake.rows[0].raw.disposition.is_some());
}

#[test]
fn every_template_reads_back_as_an_empty_file_without_unknown_columns() {
    for kind in CheckupKind::ALL {
        let intake = read(checkup_template(kind, date(2026, 11, 22)).as_bytes());
        assert!(intake.unknown_columns.is_empty() && intake.reports.is_empty(), "{kind:?}");
    }
}

#[test]
fn p13_hard_names_go_out_and_in_again_byte_for_byte() {
    let hard = "葛\u{e0100}城 𠮷野 𰻞 か\u{3099} \u{e000} 神\u{fa19} \"引用\", 改\n行 ";
    let mut row = read_line("K-1,1,A-1,m18,2026-05-06,10.1,PRESENT,x,OBSERVATION").rows.remove(0);
    for entry in row.raw.items.iter_mut().filter(|entry| entry.code == "skin") {
        entry.note = hard.to_owned();
    }
    (row.raw.own_code, row.raw.own_label) = ("Ｃ-1".to_owned(), hard.to_owned());
    row.raw.own_code = "C-1".to_owned();
    let mut file = csv::Writer::from_writer(Vec::new());
    for cells in checkup_cells(std::slice::from_ref(&row.raw)) {
        file.write_record(cells).unwrap();
    }
    let again = read(&file.into_inner().unwrap());
    assert!(again.rows[0].raw == row.raw);
    let errors = again.reports[0].findings.iter().filter(|found| found.severity == Severity::Error);
    assert_eq!(errors.count(), 0);
    assert!(findings(&again).iter().any(|(code, _)| code == "GAIJI_KEPT"));
}
