//! The public health nurse's chapter: checkups from a spreadsheet, a batch taken back, and a score that must be heard.

mod clinic;
mod file;
mod script;

use anyhow::{Context as _, Result, ensure};
use pmh_intake::{CheckupRow as Row, Intake, Severity, decode::Encoding};
use pmh_proto::{
    checkup::{
        AcknowledgeUrgentCaseRequest, BatchState, CheckupRow, ListCheckupsRequest, ListUrgentCasesRequest,
        ReadCheckup, UndoBatchRequest, UrgentCase, UrgentCause,
    },
    common::{BulkHeader, BulkSummary},
};
use serde_json::json;

use super::{
    house::House,
    officer::counted,
    stage::{Shown, Stage, Stopped},
};
use crate::{cli::issuer::checkup_rows::record, sandbox};
use file::{AMENDED, WEIGHED, export, read, register, repaired, visit_with_nine_points};
use script::{
    AMENDED_AND_UNDONE, AS_EXPORTED, AT_THE_CLINIC, CHAPTER, CORRECTED, HEARD, NINE_POINTS, OFFICE, READER,
    RESENT, SOUND,
};

/// Plays the chapter.
pub(super) async fn play(stage: &mut Stage, house: &House) -> Result<(), Stopped> {
    stage.open(&CHAPTER);
    let export = stage.play(&AS_EXPORTED, as_exported(house)).await?;
    stage.play(&SOUND, sound_rows(house, &export)).await?;
    let repaired = stage.play(&CORRECTED, corrected(house, &export)).await?;
    stage.play(&RESENT, sent_again(house, &export, &repaired)).await?;
    stage.play(&AMENDED_AND_UNDONE, amended_and_undone(house, &repaired)).await?;
    let case = stage.play(&NINE_POINTS, nine_points(house)).await?;
    stage.play(&HEARD, heard(house, &case)).await?;
    stage.play(&AT_THE_CLINIC, Box::pin(clinic::read_recorded_delivered(house))).await
}

async fn as_exported(house: &House) -> Result<(Intake<Row>, Shown)> {
    register(house).await?;
    let bytes = export(house.today());
    tokio::fs::write(house.file("checkups.csv"), &bytes).await?;
    let intake = read(&bytes)?;
    ensure!(intake.encoding == Encoding::Cp932, "the encoding was not recognized");
    ensure!(intake.dropped_columns == ["個人番号"], "the column of individual numbers was not dropped");
    let found = intake.reports.iter().flat_map(|report| &report.findings);
    let errors: Vec<&str> = found
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.code.as_ref())
        .collect();
    ensure!(errors == ["SCIENTIFIC_NOTATION", "DATE_IMPOSSIBLE"], "found {errors:?}");
    let shown = Shown::default()
        .fact(
            "CP932、5行。体重が「1.0E+01」の行と、2月30日の行が止まった",
            "CP932, 5 rows; a weight of 1.0E+01 and a 30 February are stopped",
        )
        .fact(
            "「個人番号」の列は、送信前にこの端末で空にした",
            "column 個人番号 (individual number) emptied on this machine",
        )
        .field("codes", json!(errors));
    Ok((intake, shown))
}

async fn sound_rows(house: &House, export: &Intake<Row>) -> Result<((), Shown)> {
    let rows = rows(export);
    let tried = push(house, &BulkHeader { dry_run: true, ..batch() }, &rows).await?;
    let kept = push(house, &batch(), &rows).await?;
    let expected = BulkSummary { created: 3, ..BulkSummary::default() };
    ensure!((tried, kept) == (expected, expected), "tried {tried:?}, kept {kept:?}");
    let shown = Shown::default()
        .fact("試し送りのあと本番：3行を新規登録", "tried first, then sent: 3 rows created")
        .fact("受領証をまとまりごとに検証済み", "the receipt of each chunk was checked")
        .field("rows", counted(&kept));
    Ok(shown.only())
}

async fn corrected(house: &House, export: &Intake<Row>) -> Result<(Intake<Row>, Shown)> {
    let file = export.corrected_file().context("nothing to correct")?;
    let intake = read(repaired(&file)?.as_bytes())?;
    ensure!(intake.refused() == 0, "{} rows are still stopped", intake.refused());
    let kept = push(house, &batch(), &rows(&intake)).await?;
    ensure!(kept == BulkSummary { created: 2, ..BulkSummary::default() }, "the gateway says {kept:?}");
    let shown = Shown::default()
        .fact("直した2行を新規登録", "the 2 corrected rows were created")
        .field("rows", counted(&kept));
    Ok((intake, shown))
}

async fn sent_again(house: &House, export: &Intake<Row>, repaired: &Intake<Row>) -> Result<((), Shown)> {
    let kept = push(house, &batch(), &all(export, repaired)).await?;
    ensure!(kept == BulkSummary { unchanged: 5, ..BulkSummary::default() }, "the gateway says {kept:?}");
    let shown = Shown::default()
        .fact("5行とも変更なし（UNCHANGED）", "all 5 rows UNCHANGED")
        .field("rows", counted(&kept));
    Ok(shown.only())
}

/// A scale was read wrongly, or so it seemed: the new weight goes out and is taken back.
async fn amended_and_undone(house: &House, repaired: &Intake<Row>) -> Result<((), Shown)> {
    let before = weight(house).await?;
    ensure!(before == (WEIGHED.to_owned(), false), "kept is {before:?}");
    let header = batch();
    let mut rows = rows(repaired);
    for record in rows.iter_mut().filter_map(|row| row.record.as_mut()) {
        for item in record.items.iter_mut().filter(|item| item.value == WEIGHED) {
            AMENDED.clone_into(&mut item.value);
            "2".clone_into(&mut record.source_version);
        }
    }
    let kept = push(house, &header, &rows).await?;
    let expected = BulkSummary { updated: 1, unchanged: 1, ..BulkSummary::default() };
    ensure!(kept == expected, "the gateway says {kept:?}");
    let amended = weight(house).await?;
    ensure!(amended == (AMENDED.to_owned(), true), "amended it is {amended:?}");
    let request = UndoBatchRequest { idempotency_key: sandbox::uuid(), batch_id: header.batch_id };
    let undone = house.gateway(OFFICE).await?.call(&request, None).await?.response;
    ensure!((undone.restored, undone.superseded) == (1, 0), "undone {undone:?}");
    ensure!(weight(house).await? == before, "it is not what it was");
    let shown = Shown::default()
        .fact(
            format!("体重 {WEIGHED} → {AMENDED}、訂正ありと表示"),
            format!("weight {WEIGHED} → {AMENDED}, shown as amended"),
        )
        .fact(
            format!("取り消すと {WEIGHED} に戻り、訂正の表示も消えた"),
            format!("undone: {WEIGHED} again, and no longer shown as amended"),
        )
        .field("restored", undone.restored);
    Ok(shown.only())
}

async fn nine_points(house: &House) -> Result<(UrgentCase, Shown)> {
    push(house, &batch(), &[visit_with_nine_points(house.today())?]).await?;
    let cases = unread(house).await?;
    let [case] = cases.as_slice() else { anyhow::bail!("{} cases are unread", cases.len()) };
    ensure!(case.cause() == UrgentCause::Total, "raised by {:?}", case.cause());
    ensure!(case.read_at.is_none() && case.raised_at.is_some(), "somebody has read it already");
    let shown = Shown::default()
        .fact(
            "EPDS 9点。記録と同じ確定（コミット）で緊急の連絡が立ち、まだ誰も読んでいない",
            "EPDS 9: the case was raised in the commit of the record, and nobody has read it yet",
        )
        .field("cause", "TOTAL");
    Ok((case.clone(), shown))
}

async fn heard(house: &House, case: &UrgentCase) -> Result<((), Shown)> {
    let request =
        || AcknowledgeUrgentCaseRequest { idempotency_key: sandbox::uuid(), case_id: case.case_id.clone() };
    let office = house.gateway(OFFICE).await?;
    ensure!(office.call(&request(), None).await.is_err(), "a program alone could acknowledge it");
    let nurse = office.with_operator(READER)?;
    let read = nurse.call(&request(), None).await?.response.urgent_case.context("no case")?;
    ensure!(read.read_at.is_some(), "nobody has read it");
    ensure!(unread(house).await?.is_empty(), "it is still unread");
    let shown = Shown::default()
        .fact(
            "担当者名のない受け取りは断られ、保健師が読むと未読の一覧から消えた",
            "a program without a person was refused; once the nurse had read it, nothing was unread",
        )
        .field("unread", 0);
    Ok(shown.only())
}

/// Sends a batch. The client refuses a chunk whose receipt does not hold.
async fn push(house: &House, header: &BulkHeader, rows: &[CheckupRow]) -> Result<BulkSummary> {
    let issuer = house.issuer(OFFICE).await?;
    let summary = Box::pin(issuer.put(header, rows.to_vec(), |_| {})).await?;
    ensure!(summary.state() == BatchState::Accepted, "the batch is {}", summary.state().as_str_name());
    summary.rows.context("no counts")
}

fn batch() -> BulkHeader {
    BulkHeader { batch_id: sandbox::uuid(), dry_run: false }
}

fn rows(intake: &Intake<Row>) -> Vec<CheckupRow> {
    let row =
        |row: &Row| CheckupRow { row_id: row.row_id.clone(), record: Some(record(&row.raw)), holder: None };
    intake.rows.iter().map(row).collect()
}

/// Of both files, by the record's id: lines have the same numbers in each.
fn all(export: &Intake<Row>, repaired: &Intake<Row>) -> Vec<CheckupRow> {
    let mut all = rows(export);
    all.extend(rows(repaired));
    for row in &mut all {
        row.row_id = row.record.as_ref().map(|record| record.record_id.clone()).unwrap_or_default();
    }
    all
}

/// The corrected child's weight as it reads now, and whether it was amended.
async fn weight(house: &House) -> Result<(String, bool)> {
    let request = ListCheckupsRequest { resident_key: file::KEYS[3].to_owned(), ..Default::default() };
    let listed = house.gateway(OFFICE).await?.call(&request, None).await?.response;
    let [ReadCheckup { record: Some(record), amended, .. }] = listed.checkups.as_slice() else {
        anyhow::bail!("{} records are kept", listed.checkups.len());
    };
    let weight = record.items.iter().find(|item| item.code == "weight").context("no weight")?;
    Ok((weight.value.clone(), *amended))
}

async fn unread(house: &House) -> Result<Vec<UrgentCase>> {
    let office = house.gateway(OFFICE).await?;
    Ok(office.call(&ListUrgentCasesRequest::default(), None).await?.response.cases)
}
