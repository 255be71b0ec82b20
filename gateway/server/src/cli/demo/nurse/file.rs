//! The invented file, the children in it, and a mother.

use anyhow::{Context as _, Result, ensure};
use jiff::{ToSpan as _, civil::Date};
use pmh_intake::{
    CheckupRow as Row, Intake, Mapping, Options, decode::Encoding, read_checkups, sample::encode_cp932,
};
use pmh_proto::{
    checkup::{CheckupKind, CheckupRecord, CheckupRow, Instrument, InstrumentScores},
    common::{BulkHeader, Sex},
    resident::ResidentRow,
};

use super::{super::house::House, script::OFFICE};
use crate::sandbox;

/// Five children, and the mother.
pub(super) const KEYS: [&str; 5] = ["0000000201", "0000000202", "0000000203", "0000000204", "0000000205"];
pub(super) const MOTHER: &str = "0000000206";
/// What the officer enters for the weight that the spreadsheet broke, and what a later version says.
pub(super) const WEIGHED: &str = "10.1";
pub(super) const AMENDED: &str = "10.4";

/// Two rows are broken as spreadsheets and old systems break them.
pub(super) fn export(today: Date) -> Vec<u8> {
    let held = held_on(today);
    let sound = format!("令和{}年2月28日", held.year() - 2018);
    let impossible = sound.replace("28日", "30日");
    let weights = ["9.8", "10.6", "11.2", "1.0E+01", "9.4"];
    let days = [&sound, &sound, &sound, &sound, &impossible];
    let row = |(number, ((key, weight), day)): (u32, ((&&str, &str), &String))| {
        format!("K-{number},1,{key},****,1歳6か月児健診,{day},{weight},所見なし,異常なし\r\n")
    };
    let rows: Vec<String> = (1..).zip(KEYS.iter().zip(weights).zip(days)).map(row).collect();
    encode_cp932(&[HEADER, &rows.concat()].concat())
}

/// As the officer repairs the rows that were stopped, saved as UTF-8 this time.
pub(super) fn repaired(corrected: &[u8]) -> Result<String> {
    let text = Encoding::Cp932.decode(corrected).context("it is not CP932")?;
    Ok(text.replace("1.0E+01", WEIGHED).replace("2月30日", "2月28日"))
}

pub(super) fn read(bytes: &[u8]) -> Result<Intake<Row>> {
    read_checkups(bytes, &Mapping::default(), &Options::default()).context("the file cannot be read")
}

/// The children and the mother.
pub(super) async fn register(house: &House) -> Result<()> {
    let born = held_on(house.today()).checked_sub(560.days())?;
    let mother = house.today().checked_sub(11_000.days())?;
    let resident = |key: &str, birth_date: Date| ResidentRow {
        row_id: key.to_owned(),
        resident_key: key.to_owned(),
        birth_date: birth_date.to_string(),
        sex: Sex::Female.into(),
        ..ResidentRow::default()
    };
    let mut rows: Vec<ResidentRow> = KEYS.iter().map(|key| resident(key, born)).collect();
    rows.push(resident(MOTHER, mother));
    let header = BulkHeader { batch_id: sandbox::uuid(), dry_run: false };
    let summary = house.issuer(OFFICE).await?.put(&header, rows, |_| {}).await?;
    ensure!(summary.created == 6, "the residents were not taken: {summary:?}");
    Ok(())
}

/// 産婦健診 with an EPDS at the threshold.
pub(super) fn visit_with_nine_points(today: Date) -> Result<CheckupRow> {
    let record = CheckupRecord {
        record_id: "P-1".to_owned(),
        source_version: "1".to_owned(),
        resident_key: MOTHER.to_owned(),
        kind: CheckupKind::Postpartum.into(),
        date: today.checked_sub(1.day())?.to_string(),
        pregnancy: "P-2026-1".to_owned(),
        scores: vec![InstrumentScores {
            instrument: Instrument::Epds.into(),
            items: vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
            total: Some(9),
        }],
        ..CheckupRecord::default()
    };
    Ok(CheckupRow { row_id: "P-1".to_owned(), record: Some(record), holder: None })
}

/// The last 28 February that has passed.
fn held_on(today: Date) -> Date {
    let this_year = Date::constant(today.year(), 2, 28);
    if this_year <= today { this_year } else { Date::constant(today.year() - 1, 2, 28) }
}

const HEADER: &str = "健診記録番号,版番号,宛名番号,個人番号,健診種別,健診日,体重［weight］(kg),\
    皮膚の疾病所見［skin_finding］,判定\r\n";
