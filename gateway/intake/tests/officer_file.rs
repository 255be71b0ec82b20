//! Whole files, from bytes to rows and back to the officer. All persons are invented.
#![expect(clippy::unwrap_used, reason = "helpers outside the test functions fail their test too")]

use encoding_rs::SHIFT_JIS;
use pmh_domain::entitlement::{CareType, CopaymentUnit, RawEntitlement};
use pmh_intake::sample::{SampleRow, officer_export_cp932, three_bad_rows};
use pmh_intake::{
    Area, Care, CopaymentKind, FileError, Intake, Language, Mapping, Options, Scope, Severity, Sex, Verdict,
    read,
};
use proptest::prelude::*;

const HEADER: &str = "宛名番号,受給者証種別,受給者証名,有効期間開始,常に償還払い,不開示フラグ,履歴キー";
const ROW: &str = "0001,C88,子ども医療証,R6.4.1,0,0,1";
/// 八王子市 publishes this payer number.
const PAYER: &str = "88138243";

fn read_text(text: &str) -> Intake {
    read_with(text, "")
}

fn read_with(text: &str, mapping: &str) -> Intake {
    read(text.as_bytes(), &Mapping::parse(mapping).unwrap(), &Options::default()).unwrap()
}

fn refusal(bytes: &[u8]) -> FileError {
    read(bytes, &Mapping::default(), &Options::default()).unwrap_err()
}

/// One sound row with one further column.
fn with_cell(header: &str, cell: &str) -> Intake {
    read_text(&format!("{HEADER},{header}\n{ROW},\"{}\"\n", cell.replace('"', "\"\"")))
}

fn codes(intake: &Intake) -> Vec<&str> {
    intake.reports.iter().flat_map(|report| &report.findings).map(|finding| finding.code.as_ref()).collect()
}

/// Errors without line numbers, which a shorter file shifts.
fn refusals(intake: &Intake) -> Vec<Vec<(Option<String>, String)>> {
    let errors = |report: &pmh_intake::RowReport| {
        let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| (finding.column.clone(), finding.code.to_string())).collect()
    };
    intake.reports.iter().filter(|report| report.verdict == Verdict::Refused).map(errors).collect()
}

/// A number that passes the individual number's check, computed so that none is written down here.
fn individual_number(body: u64) -> String {
    let body = format!("{body:011}");
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = body.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = if sum % 11 <= 1 { 0 } else { 11 - sum % 11 };
    format!("{body}{check}")
}

#[test]
fn an_export_with_three_bad_rows_gives_the_good_ones_and_says_why() {
    let good = SampleRow::sound("0000000101", "見本　陽葵", PAYER, "9000003");
    let rows: Vec<SampleRow> = [good.clone()].into_iter().chain(three_bad_rows(PAYER)).collect();
    let bytes = officer_export_cp932(&rows);
    let intake = read(&bytes, &Mapping::default(), &Options::default()).unwrap();

    assert_eq!(intake.encoding, pmh_intake::decode::Encoding::Cp932);
    assert_eq!(intake.dropped_columns, ["個人番号"]);
    assert_eq!(intake.unknown_columns, ["受付場所"]);
    let row = &intake.rows[0];
    assert_eq!(intake.rows.len(), 1);
    assert_eq!((row.line, row.resident_key.as_str()), (2, "0000000101"));
    assert_eq!(row.valid_to.unwrap().to_string(), "2027-03-31");
    assert_eq!(row.name.as_deref(), Some("見本　陽葵"));
    let copayments: Vec<_> = row.copayments.iter().map(|rule| (rule.care, rule.kind, rule.amount)).collect();
    let expected = [
        (Care::Outpatient, CopaymentKind::VisitYen, 500),
        (Care::Outpatient, CopaymentKind::CountPerMonth, 2),
    ];
    assert_eq!(copayments, expected);

    let expected: Vec<Vec<(Option<String>, String)>> =
        [("公費負担者番号", "LEADING_ZERO_LOST"), ("有効期間（至）", "DATE_IMPOSSIBLE"), ("氏名", "GAIJI")]
            .map(|(column, code)| vec![(Some(column.to_owned()), code.to_owned())])
            .to_vec();
    assert_eq!(refusals(&intake), expected);
}

#[test]
fn the_corrected_file_is_the_officers_own_and_can_be_sent_after_correction() {
    let bytes = officer_export_cp932(&three_bad_rows(PAYER));
    let intake = read(&bytes, &Mapping::default(), &Options::default()).unwrap();
    let corrected = intake.corrected_file().unwrap();
    let text = |bytes: &[u8]| SHIFT_JIS.decode_without_bom_handling(bytes).0.into_owned();
    assert!(text(&corrected).starts_with("エラー内容,宛名番号,個人番号,氏名,"));
    assert!(
        text(&corrected).contains("［有効期間（至）］暦にない日付です。,\"=\"\"0000000902\"\"\",,見本　葵,")
    );
    assert!(!text(&corrected).contains("****"), "the individual number column is blank");

    let again = read(&corrected, &Mapping::default(), &Options::default()).unwrap();
    assert_eq!((refusals(&again), again.rows.len()), (refusals(&intake), 0));
    assert_eq!(again.corrected_file().unwrap(), corrected);

    let repaired = text(&corrected)
        .replace(&format!(",{},", &PAYER[1..]), &format!(",{PAYER},"))
        .replace("2月29日", "2月28日")
        .replace('\u{E000}', "本");
    let sent = read(&SHIFT_JIS.encode(&repaired).0, &Mapping::default(), &Options::default()).unwrap();
    assert_eq!((sent.rows.len(), sent.refused()), (3, 0));
    assert_eq!(sent.rows[1].resident_key, "0000000902");
    assert!(sent.corrected_file().is_none());
}

#[test]
fn a_refusal_by_the_gateway_stands_beside_ours() {
    let mut intake = read_text(&format!("{HEADER},公費負担者番号\n{ROW},88138244\n"));
    assert_eq!(intake.refused(), 0);
    let path = Some("entitlement.payer_number");
    assert!(intake.refuse("line-2", path, "CHECK_DIGIT"));
    assert!(!intake.refuse("line-9", None, "VALUE"));
    let corrected = String::from_utf8(intake.corrected_file().unwrap()).unwrap();
    assert!(corrected.contains("［公費負担者番号］検証番号"));
    assert_eq!(intake.report().rows_refused, 1);
}

#[test]
fn whole_files_that_cannot_be_read_are_refused_by_name() {
    for (bytes, code) in [
        (&b""[..], "FILE_EMPTY"),
        (b"\n,,\n", "FILE_EMPTY"),
        (b"\xEF\xBB\xBF", "FILE_EMPTY"),
        (b"\xFF\xFE\x00\x4e", "FILE_UTF16"),
        (b"PK\x03\x04....", "FILE_WORKBOOK"),
        ("宛名番号\n\"0001".as_bytes(), "QUOTE_NOT_CLOSED"),
        ("宛名番号,氏名\n".as_bytes(), "COLUMN_MISSING"),
        ("0001,山田,88138243\n".as_bytes(), "HEADER_MISSING"),
        ("宛名番号,宛名番号\n".as_bytes(), "COLUMN_DUPLICATE"),
    ] {
        let error = refusal(bytes);
        assert_eq!(error.code(), code);
        assert!(error.message_ja().ends_with('。') || error.message_ja().ends_with('」'));
        assert!(error.to_string().is_ascii());
    }
    let small = Options { max_bytes: 3 };
    assert_eq!(read(b"abcd", &Mapping::default(), &small).unwrap_err().code(), "FILE_TOO_LARGE");
}

#[test]
fn each_kind_of_damage_refuses_the_row_with_its_own_code() {
    for (header, cell, code) in [
        ("公費負担者番号", "8813824", "LEADING_ZERO_LOST"),
        ("公費負担者番号", "8.81E+07", "SCIENTIFIC_NOTATION"),
        ("公費負担者番号", "88138243.0", "TRAILING_DECIMAL"),
        ("公費負担者番号", "881382430", "WRONG_WIDTH"),
        ("公費負担者番号", "88-13824", "NOT_DIGITS"),
        ("受給者番号", "Jan-88", "TURNED_INTO_DATE"),
        ("受給者番号", "#REF!", "SPREADSHEET_ERROR_VALUE"),
        ("有効期間終了", "45383", "DATE_SERIAL"),
        ("有効期間終了", "2024年度末", "DATE_UNREADABLE"),
        ("有効期間終了", "240401", "DATE_AMBIGUOUS"),
        ("有効期間終了", "R7.2.29", "DATE_IMPOSSIBLE"),
        ("有効期間終了", "H36.4.1", "DATE_OUTSIDE_ERA"),
        ("有効期間終了", "R6.3.31", "PERIOD_REVERSED"),
        ("性別", "3", "VALUE_UNKNOWN"),
        ("月額上限", "なし", "COPAYMENT_UNREADABLE"),
        ("自己負担割合", "2", "COPAYMENT_AMBIGUOUS"),
        ("月額上限", "2500", "COPAYMENT_SCOPE_MISSING"),
        ("追加条件", "重度", "CONDITION_UNREADABLE"),
        ("追加条件", "1月8日", "TURNED_INTO_DATE"),
        ("指定医療機関", "見本病院", "INSTITUTION_CODE_MISSING"),
        ("指定医療機関", "1234567", "INSTITUTION_CODE_WITHOUT_PREFECTURE"),
        ("氏名", "見\u{E000}", "GAIJI"),
        ("氏名", "見〓", "REPLACEMENT_MARK"),
        ("氏名", "見●", "REPLACEMENT_MARK"),
        ("氏名", "見?", "REPLACEMENT_MARK"),
        ("氏名", "見\u{FFFD}", "REPLACEMENT_MARK"),
        ("氏名", "見\n本", "CONTROL_CHARACTER"),
        ("削除フラグ", "", "REQUIRED_BLANK"),
    ] {
        let intake = with_cell(header, cell);
        assert_eq!((codes(&intake), intake.rows.len()), (vec![code], 0), "{header} {cell}");
    }
}

#[test]
fn a_row_tells_all_its_errors_at_once_and_in_column_order() {
    let intake = read_text(&format!("{HEADER}\n,,子ども医療証,45383,?,0,1\n"));
    let columns: Vec<_> = intake.reports[0].findings.iter().filter_map(|one| one.column.as_deref()).collect();
    assert_eq!(columns, ["宛名番号", "受給者証種別", "有効期間開始", "常に償還払い"]);
    assert_eq!(codes(&intake), ["REQUIRED_BLANK", "REQUIRED_BLANK", "DATE_SERIAL", "VALUE_UNKNOWN"]);
}

#[test]
fn ragged_rows_are_reported_and_the_others_read() {
    let intake = read_text(&format!("{HEADER}\n0001,C88\n{ROW},x\n{ROW},,\n0002{}\n", &ROW[4..]));
    assert_eq!(codes(&intake), ["RAGGED_ROW", "RAGGED_ROW"]);
    assert_eq!(intake.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn duplicate_rows_are_refused_when_they_differ_and_noted_when_they_do_not() {
    let other = ROW.replace("R6.4.1", "R6.5.1");
    let intake = read_text(&format!("{HEADER}\n{ROW}\n{other}\n"));
    assert_eq!((codes(&intake), intake.rows.len()), (vec!["CONFLICTING_ROWS"; 2], 0));
    let intake = read_text(&format!("{HEADER}\n{ROW}\n{ROW}\n"));
    assert_eq!((codes(&intake), intake.rows.len()), (vec!["REPEATED_ROW"; 2], 2));
    let intake = read_text(&format!("行ID,{HEADER}\na,{ROW}\na,0002{}\n", &ROW[4..]));
    assert_eq!((codes(&intake), intake.rows.len()), (vec!["DUPLICATE_ROW_ID"; 2], 0));
}

#[test]
fn one_unreadable_cell_does_not_spoil_its_neighbours() {
    let mut bytes = SHIFT_JIS.encode(&format!("{HEADER},氏名,備考\r\n")).0.into_owned();
    let row = SHIFT_JIS.encode(ROW).0.into_owned();
    bytes.extend([&row[..], b",\x88,\x88\r\n"].concat());
    bytes.extend([&SHIFT_JIS.encode(&format!("0002{}", &ROW[4..])).0[..], b",,\xF0\x40\r\n"].concat());
    let intake = read(&bytes, &Mapping::default(), &Options::default()).unwrap();
    assert_eq!(codes(&intake), ["BYTES_UNREADABLE", "BYTES_UNREADABLE", "GAIJI"]);
    let severities: Vec<_> = intake.reports[0].findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Info], "the second column is not sent");
    assert_eq!(intake.rows.len(), 1);
    let corrected = intake.corrected_file().unwrap();
    assert!(corrected.ends_with(b",\x88,\x88\r\n"), "cells go back byte for byte");
}

#[test]
fn names_pass_with_variation_selectors_and_spaces() {
    let name = " 葛\u{E0100}城　髙\u{FE00}子\u{3099} ";
    let intake = with_cell("氏名", name);
    assert_eq!(intake.rows[0].name.as_deref(), Some(name));
}

#[test]
fn a_mapping_reads_an_issuers_own_layout() {
    let mapping = "delimiter = \"tab\"\ndates = \"era-code\"\nignore = [\"氏名\"]\n\
        [columns]\npayer_number = \"負担者NO\"\nvalid_from = \"開始\"\n\
        [constants]\ncertificate_type_id = \"C88\"\n\"受給者証名\" = \"子ども医療証\"\nalways_reimbursement = \"0\"\n\
        [values.not_disclosed]\n\"\" = \"0\"\n\"●\" = \"1\"\n[values.valid_to]\n99999999 = \"\"\n\
        [details]\n\"階層\" = \"階層2\"\n[widths]\nresident_key = 4\n";
    let text = "宛名番号\t負担者NO\t開始\t有効期間至\t不開示\t履歴キー\t氏名\t階層2\n\
        0001\t８８１３８２４３\t5060401\t99999999\t\t1\t見\u{E000}\tＢ\n\
        0002\t88138243\t5060401\t\t●\t1\t\t\n\
        3\t88138243\t5060401\t\t\t1\t\t\n";
    let intake = read_with(text, mapping);
    assert_eq!(codes(&intake), ["WIDTH_FOLDED", "LEADING_ZERO_LOST"]);
    let first = &intake.rows[0];
    assert_eq!(first.payer_number.as_deref(), Some(PAYER));
    assert_eq!((first.valid_from.to_string().as_str(), first.valid_to), ("2024-04-01", None));
    assert_eq!((first.not_disclosed, intake.rows[1].not_disclosed), (false, true));
    assert_eq!((first.name.as_deref(), first.details[0].value.as_str()), (None, "Ｂ"));
}

#[test]
fn every_optional_column_reaches_its_field() {
    let header = format!(
        "{HEADER},サブキー,区分,受給者番号,所得区分,追加条件,指定医療機関,食事療養,適用地域,生年月日,性別,氏名カナ,\
         算定単位,入院月額上限,外来日額,調剤自己負担割合,削除フラグ"
    );
    let row = format!(
        "{ROW},01,一般,0000017,B1,01-1;02-3,1312345678 見本病院,有,都内,R4.5.6,2,ミホン,合算,\"2,500\",500,2割,1"
    );
    let row = &read_text(&format!("{header}\n{row}\n")).rows[0];
    assert_eq!(row.sub_key.as_deref(), Some("01"));
    assert_eq!(row.recipient_number.as_deref(), Some("0000017"));
    assert_eq!(row.additional_conditions.len(), 2);
    assert_eq!(row.designated_institutions[0].name.as_deref(), Some("見本病院"));
    assert_eq!(
        (row.meal_covered, row.area, row.sex),
        (Some(true), Some(Area::Prefecture), Some(Sex::Female))
    );
    assert!(row.deleted);
    let rules: Vec<_> = row.copayments.iter().map(|rule| (rule.care, rule.kind, rule.amount)).collect();
    assert_eq!(rules.len(), 3);
    assert!(rules.contains(&(Care::Inpatient, CopaymentKind::MonthYen, 2500)));
    assert!(rules.contains(&(Care::Outpatient, CopaymentKind::DayYen, 500)));
    assert!(rules.contains(&(Care::Pharmacy, CopaymentKind::RatePercent, 20)));
    assert!(row.copayments.iter().all(|rule| rule.scope == Scope::Across));
}

#[test]
fn an_individual_number_in_another_column_is_refused() {
    let number = individual_number(12_345_678_901);
    for header in ["受給者番号", "サブキー", "氏名", "指定医療機関", "区分"] {
        let intake = with_cell(header, &number);
        assert_eq!(codes(&intake), ["INDIVIDUAL_NUMBER_FORBIDDEN"], "{header}");
        assert!(!serde_json::to_string(&intake.report()).unwrap().contains(&number));
    }
    let text = format!("{HEADER},受給者番号\n{ROW},{number}\n");
    let declared = read_with(&text, "recipient_numbers_have_12_digits = true");
    assert_eq!(declared.rows[0].recipient_number.as_deref(), Some(number.as_str()));
}

#[test]
fn a_shorter_number_among_equals_is_pointed_out_and_sent() {
    let keys = (1001..=1009).chain([123]);
    let rows: Vec<String> = keys.map(|key| format!("{key}{}", &ROW[4..])).collect();
    let intake = read_text(&format!("{HEADER}\n{}\n", rows.join("\n")));
    assert_eq!((codes(&intake), intake.rows.len()), (vec!["WIDTH_DIFFERS"], 10));
}

#[test]
fn tables_and_json_name_line_column_and_code_and_no_content() {
    let intake = with_cell("氏名", "かなりあ\u{E000}");
    let table = intake.table(Language::Ja, Severity::Warning);
    assert_eq!(table[0], ["行", "行ID", "判定", "項目", "コード", "内容"]);
    assert_eq!(table[1][..5], ["2", "line-2", "要修正", "氏名", "GAIJI"]);
    assert_eq!(intake.table(Language::En, Severity::Warning)[1][2], "refused");
    let json = serde_json::to_string(&intake.report()).unwrap();
    assert!(json.contains("\"code\":\"GAIJI\"") && json.contains("\"encoding\":\"utf-8\""));
    assert!(!json.contains("かなりあ") && !format!("{table:?}{intake:?}").contains("かなりあ"));
}

#[test]
fn a_row_becomes_what_the_rules_judge_and_leaves_the_person_behind() {
    let header =
        format!("{HEADER},サブキー,公費負担者番号,有効期間終了,所得区分,外来1回額,指定医療機関,氏名");
    let row = format!("{ROW},01,{PAYER},R7.3.31,B1,500,1312345678 見本病院,見本　花子");
    let row = read_text(&format!("{header}\n{row}\n")).rows.remove(0);
    let raw = RawEntitlement::from(row);
    assert_eq!((raw.resident_key.as_str(), raw.payer_number.as_str()), ("0001", PAYER));
    assert_eq!((raw.valid_from.as_str(), raw.valid_to.as_str()), ("2024-04-01", "2025-03-31"));
    assert_eq!((raw.certification_sub_key.as_str(), raw.income_segment.as_str()), ("01", "B1"));
    assert_eq!((raw.recipient_number.as_str(), raw.area), ("", pmh_domain::entitlement::Area::Anywhere));
    let rule = raw.copayments[0];
    assert_eq!((rule.care, rule.unit), (Some(CareType::Outpatient), Some(CopaymentUnit::YenPerVisit)));
    assert_eq!((rule.amount, rule.per_institution), (500, true));
    assert_eq!(raw.designated_institutions[0].name, "見本病院");
}

/// Cells that are sometimes sound and sometimes not, by column of [`WIDE`].
fn dirty_row() -> impl Strategy<Value = Vec<String>> {
    let choices: [&'static [&'static str]; 10] = [
        &["0001", "0002", "=\"0003\"", "１２３", "", "1E+05", "4.0"],
        &["C88", "Ｃ88", "#N/A"],
        &["子ども医療証", "見本●", "\"引用\"", "改\n行"],
        &["R6.4.1", "2024-04-01", "H31.5.1", "45383", "", "2月"],
        &["0", "1", "はい", "●"],
        &["0", "無", ""],
        &["1", "2", "0010", "1-8", "12E3"],
        &["", "88138243", "8813824", "8.8E+07"],
        &["", "見本　花子", "見\u{E000}", "a,b", "見?"],
        &["", "01-1;02-2", "1月8日", "1-8"],
    ];
    // Half of the cells are the sound first choice, so that whole rows are sound often enough.
    let cell = |choices: &'static [&'static str]| {
        let first = choices.iter().find(|choice| !choice.is_empty()).copied().unwrap_or_default();
        prop_oneof![3 => Just(first), 1 => prop::sample::select(choices)].prop_map(str::to_owned)
    };
    choices.map(cell).to_vec()
}

const WIDE: [&str; 10] = [
    "宛名番号",
    "受給者証種別",
    "受給者証名",
    "有効期間開始",
    "常に償還払い",
    "不開示フラグ",
    "履歴キー",
    "公費負担者番号",
    "氏名",
    "追加条件",
];

fn written(rows: &[Vec<String>], cp932: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    writer.write_record(WIDE).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    let utf8 = writer.into_inner().unwrap();
    if !cp932 {
        return utf8;
    }
    // The encoder has no user-defined area; F040 is the first of it.
    let text = String::from_utf8(utf8).unwrap();
    let parts: Vec<Vec<u8>> =
        text.split('\u{E000}').map(|part| SHIFT_JIS.encode(part).0.into_owned()).collect();
    parts.join(&b"\xF0\x40"[..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes, &Mapping::default(), &Options::default());
    }

    #[test]
    fn any_bytes_below_a_sound_header_are_answered(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        cp932 in any::<bool>(),
    ) {
        let mut file = written(&[], cp932);
        file.extend(&bytes);
        if let Ok(intake) = read(&file, &Mapping::default(), &Options::default()) {
            let _ = intake.corrected_file();
            let _ = intake.table(Language::Ja, Severity::Info);
        }
    }

    /// An officer who changes nothing is told the same again, however the file was encoded.
    #[test]
    fn the_corrected_file_unchanged_is_refused_for_the_same_reasons(
        rows in prop::collection::vec(dirty_row(), 1..12),
        short in prop::option::of(0_usize..9),
        cp932 in any::<bool>(),
    ) {
        let mut rows = rows;
        if let Some(width) = short {
            rows[0].truncate(width + 1);
        }
        let intake = read(&written(&rows, cp932), &Mapping::default(), &Options::default()).unwrap();
        prop_assert_eq!(intake.rows.len() + intake.refused(), intake.reports.len());
        if let Some(corrected) = intake.corrected_file() {
            let again = read(&corrected, &Mapping::default(), &Options::default()).unwrap();
            prop_assert_eq!(again.encoding, intake.encoding);
            prop_assert_eq!(refusals(&again), refusals(&intake));
            prop_assert_eq!(again.rows.len(), 0);
            prop_assert_eq!(again.corrected_file().unwrap(), corrected);
        } else {
            prop_assert_eq!(intake.refused(), 0);
        }
    }

    /// The column is emptied whatever its cells hold and wherever it stands.
    #[test]
    fn an_individual_number_never_gets_through(
        body in 0_u64..100_000_000_000,
        position in 0_usize..=10,
        broken in any::<bool>(),
    ) {
        let number = individual_number(body);
        let mut header: Vec<&str> = WIDE.to_vec();
        header.insert(position, "ﾏｲﾅﾝﾊﾞｰ");
        let day = if broken { "45383" } else { "R6.4.1" };
        let mut row = vec!["0001", "C88", "子ども医療証", day, "0", "0", "1", PAYER, "見本", ""];
        row.insert(position, &number);
        let text = format!("{}\n{}\n", header.join(","), row.join(","));
        let intake = read_text(&text);
        prop_assert_eq!(&intake.dropped_columns, &["ﾏｲﾅﾝﾊﾞｰ"]);
        prop_assert_eq!(intake.rows.len(), usize::from(!broken));
        let everything = format!(
            "{}{}{}",
            serde_json::to_string(&intake.rows).unwrap(),
            serde_json::to_string(&intake.report()).unwrap(),
            String::from_utf8(intake.corrected_file().unwrap_or_default()).unwrap(),
        );
        prop_assert!(!everything.contains(&number));
    }

    #[test]
    fn texts_pass_byte_for_byte(name in "[ぁ-んァ-ヶ一-龠 　a-zA-Z々ー\u{FE00}-\u{FE0F}\u{E0100}-\u{E01EF}]{1,12}") {
        prop_assume!(!name.trim().is_empty());
        let intake = with_cell("氏名", &name);
        prop_assert_eq!(intake.rows[0].name.as_deref(), Some(name.as_str()));
    }
}

fn cases() -> u32 {
    if std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full") { 20_000 } else { 128 }
}
