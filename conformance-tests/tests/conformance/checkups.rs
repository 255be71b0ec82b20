//! Checkups pushed by a municipality: complete, comparable, never sent twice.

use pmh_client::{Error, Issuer};
use pmh_conformance::{
    Newcomer, Town,
    clock::{self, day},
    names,
    town::batch,
};
use pmh_proto::{
    checkup::{
        AcknowledgeUrgentCaseRequest, BatchState, CheckupKind, CheckupRecord, CheckupRow,
        ConfirmBatchRequest, Finding, Instrument, InstrumentScores, ItemEntry, ListCheckupsRequest,
        ListUrgentCasesRequest, PushCheckupsRequest, PushSummary, ReadCheckup, UndoBatchRequest, UrgentCase,
        UrgentCause, checkup_service_client::CheckupServiceClient, push_checkups_request::Item,
    },
    common::{BulkHeader, BulkSummary, Reason, RowResult},
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use crate::support::{reason, town};

/// 八王子市 and a new resident of it.
async fn resident() -> (Town, Newcomer) {
    let (target, town) = town().await;
    let child = Newcomer::born(&target, day(-600)).unwrap();
    town.register(&child).await.unwrap();
    (town, child)
}

fn row(child: &Newcomer, record: &str, version: u32, items: Vec<ItemEntry>) -> CheckupRow {
    let record = CheckupRecord {
        record_id: record.to_owned(),
        source_version: version.to_string(),
        resident_key: child.resident_key.clone(),
        kind: CheckupKind::Month18.into(),
        date: day(-10).to_string(),
        items,
        ..Default::default()
    };
    CheckupRow { row_id: format!("{}-{version}", record.record_id), record: Some(record), holder: None }
}

fn weight(kilograms: &str) -> ItemEntry {
    let (code, unit) = ("weight".to_owned(), "kg".to_owned());
    ItemEntry { code, value: kilograms.to_owned(), unit, ..Default::default() }
}

fn skin(finding: Finding, note: &str) -> ItemEntry {
    let (code, note) = ("skin".to_owned(), note.to_owned());
    ItemEntry { code, finding: finding.into(), note, ..Default::default() }
}

/// Sends a whole batch; a batch that the gate holds because scenarios share a sender is confirmed.
async fn push(issuer: &Issuer, header: &BulkHeader, rows: &[CheckupRow]) -> (Vec<RowResult>, PushSummary) {
    let mut results = Vec::new();
    let told = |chunk: pmh_client::Chunk<'_>| results.extend_from_slice(chunk.rows);
    let summary = issuer.put(header, rows.to_vec(), told).await.unwrap();
    if summary.state() == BatchState::Held && !header.dry_run {
        confirm(issuer, header).await.unwrap();
    }
    (results, summary)
}

async fn confirm(issuer: &Issuer, header: &BulkHeader) -> Result<BatchState, Error> {
    let request = ConfirmBatchRequest { idempotency_key: names::uuid(), batch_id: header.batch_id.clone() };
    Ok(issuer.gateway().call(&request, None).await?.response.state())
}

async fn listed(issuer: &Issuer, child: &Newcomer) -> Vec<ReadCheckup> {
    let mut request = ListCheckupsRequest { resident_key: child.resident_key.clone(), ..Default::default() };
    let mut read = Vec::new();
    loop {
        let page = issuer.gateway().call(&request, None).await.unwrap().response;
        read.extend(page.checkups);
        if page.next_page_token.is_empty() {
            return read;
        }
        request.page_token = page.next_page_token;
    }
}

/// Sends rows, reads so many answers, and is gone.
async fn push_and_break_off(issuer: &Issuer, header: &BulkHeader, rows: &[CheckupRow], answers: usize) {
    let (requests, stream) = tokio::sync::mpsc::channel(rows.len() + 1);
    let items = std::iter::once(Item::Header(header.clone())).chain(rows.iter().cloned().map(Item::Row));
    for item in items {
        requests.send(PushCheckupsRequest { item: Some(item) }).await.unwrap();
    }
    let mut client = CheckupServiceClient::new(issuer.gateway().channel().clone());
    let mut stream = client.push_checkups(ReceiverStream::new(stream)).await.unwrap().into_inner();
    for _ in 0..answers {
        stream.next().await.unwrap().unwrap();
    }
    drop((stream, requests));
}

#[tokio::test]
async fn r_chk_a_file_sent_twice_gives_only_unchanged_and_undo_restores() {
    let (town, child) = resident().await;
    let issuer = town.issuer();
    let id = names::fresh();
    let first = vec![row(&child, &id, 1, vec![weight("10.1")])];
    let (_, summary) = push(issuer, &batch(), &first).await;
    assert_eq!(summary.rows.unwrap(), BulkSummary { created: 1, ..Default::default() });
    let (_, again) = push(issuer, &batch(), &first).await;
    assert_eq!(again.rows.unwrap(), BulkSummary { unchanged: 1, ..Default::default() });
    let header = batch();
    push(issuer, &header, &[row(&child, &id, 2, vec![weight("10.4")])]).await;
    let read = listed(issuer, &child).await;
    assert!(read[0].amended && read[0].record.as_ref().unwrap().items[0].value == "10.4");
    let undo = UndoBatchRequest { idempotency_key: names::uuid(), batch_id: header.batch_id.clone() };
    let undone = issuer.gateway().call(&undo, None).await.unwrap().response;
    assert_eq!((undone.restored, undone.superseded), (1, 0));
    let read = listed(issuer, &child).await;
    assert!(!read[0].amended && read[0].record.as_ref().unwrap().items[0].value == "10.1");
    let twice = UndoBatchRequest { idempotency_key: names::uuid(), ..undo };
    assert_eq!(reason(issuer.gateway().call(&twice, None).await), Reason::StateNotAllowed);
    assert_eq!(reason(confirm(issuer, &batch()).await), Reason::NotFound);
}

#[tokio::test]
async fn r_chk_equal_version_with_other_content_is_quarantined_in_either_order() {
    let (town, child) = resident().await;
    let issuer = town.issuer();
    for (first, second) in [("10.1", "10.2"), ("10.2", "10.1")] {
        let id = names::fresh();
        let rows: Vec<_> = [first, second]
            .into_iter()
            .enumerate()
            .map(|(at, weighed)| CheckupRow {
                row_id: at.to_string(),
                ..row(&child, &id, 1, vec![weight(weighed)])
            })
            .collect();
        let (results, _) = push(issuer, &batch(), &rows).await;
        let problem = &results[1].problems[0];
        assert_eq!((problem.field.as_str(), problem.reason()), ("source_version", Reason::VersionDisputed));
    }
    assert!(listed(issuer, &child).await.is_empty(), "neither counts");
}

#[tokio::test]
async fn p13_hard_names_and_characters_outside_the_set_come_back_byte_for_byte() {
    // Variation selectors, CJK extensions B and G, combining kana, a private-use letter, compatibility ideographs.
    const HARD: [&str; 6] = ["葛\u{e0100}城", "𠮷野", "𰻞", "か\u{3099}", "\u{e000}", "神\u{fa19}"];
    let (town, child) = resident().await;
    let note = HARD.concat();
    let mut sent = row(&child, &names::fresh(), 1, vec![skin(Finding::Present, &note)]);
    let record = sent.record.as_mut().unwrap();
    (record.own_code, record.own_label) = ("A1".to_owned(), HARD.concat());
    push(town.issuer(), &batch(), std::slice::from_ref(&sent)).await;
    let read = listed(town.issuer(), &child).await.remove(0).record.unwrap();
    assert_eq!(read.items[0].note.as_bytes(), note.as_bytes());
    assert_eq!(Some(read), sent.record, "what was sent is what is read");
}

#[tokio::test]
async fn r_chk_a_dry_run_keeps_nothing_and_tells_what_would_change() {
    let (town, child) = resident().await;
    let (issuer, id) = (town.issuer(), names::fresh());
    push(issuer, &batch(), &[row(&child, &id, 1, vec![weight("10.1")])]).await;
    let header = BulkHeader { dry_run: true, ..batch() };
    let mut changes = Vec::new();
    let rows = vec![row(&child, &id, 2, vec![weight("10.4")])];
    let told = |chunk: pmh_client::Chunk<'_>| changes.extend_from_slice(chunk.changes);
    let summary = issuer.put(&header, rows, told).await.unwrap();
    assert_eq!(summary.rows.unwrap().updated, 1);
    assert_eq!(changes[0].fields, ["items.weight.value.amount"]);
    let read = listed(issuer, &child).await;
    assert_eq!(read[0].record.as_ref().unwrap().items[0].value, "10.1");
}

#[tokio::test]
async fn r_chk_every_problem_of_a_row_is_told_by_its_reason() {
    let (town, child) = resident().await;
    let entry = |code: &str, value: &str, unit: &str| ItemEntry {
        code: code.to_owned(),
        value: value.to_owned(),
        unit: unit.to_owned(),
        ..Default::default()
    };
    let cases = [
        (entry("weight", "10.1", "g"), "items[weight].unit", Reason::Unit),
        (entry("weight", "900", "kg"), "items[weight].value", Reason::Impossible),
        (entry("weight", "ten", "kg"), "items[weight].value", Reason::Value),
        (entry("fundal_height", "20", "cm"), "items[fundal_height].code", Reason::OtherKind),
        (entry("hiv", "-", ""), "items[?].code", Reason::Withheld),
        (entry("shoe_size", "1", ""), "items[?].code", Reason::UnknownItem),
        (entry("nutrition", "fine", ""), "items[nutrition].value", Reason::UnknownCode),
    ];
    let rows: Vec<_> =
        cases.iter().map(|(item, ..)| row(&child, &names::fresh(), 1, vec![item.clone()])).collect();
    let (results, summary) = push(town.issuer(), &batch(), &rows).await;
    assert_eq!(summary.rows.unwrap().rejected, 7);
    for (result, (_, field, reason)) in results.iter().zip(&cases) {
        let told: Vec<_> = result.problems.iter().map(|told| (told.field.as_str(), told.reason())).collect();
        assert!(told.contains(&(*field, *reason)), "{told:?}");
    }
    // A number with twelve digits and the right check digit is held apart, and nothing of it is kept.
    let number = row(&child, &names::fresh(), 1, vec![skin(Finding::Present, concat!("123456", "789018"))]);
    let (results, _) = push(town.issuer(), &batch(), &[number]).await;
    assert_eq!(results[0].problems[0].reason(), Reason::IndividualNumberForbidden);
    assert!(listed(town.issuer(), &child).await.is_empty());
}

#[tokio::test]
async fn r_chk_the_gate_holds_a_batch_that_lost_a_column_and_lets_an_ordinary_one_pass() {
    let (town, child) = resident().await;
    let issuer = town.issuer();
    let sight = |record: &str, with_finding: bool| {
        let finding = ItemEntry {
            code: "eye_position".to_owned(),
            finding: Finding::None.into(),
            ..Default::default()
        };
        let items = if with_finding { vec![finding] } else { Vec::new() };
        let mut row = row(&child, record, 1, items);
        row.record.as_mut().unwrap().kind = CheckupKind::Vision.into();
        row
    };
    let rows = |with_finding| -> Vec<_> {
        let prefix = names::fresh();
        (0..200).map(|number| sight(&format!("{prefix}-{number}"), with_finding)).collect()
    };
    for _ in 0..3 {
        let summary = issuer.put(&batch(), rows(true), |_| ()).await.unwrap();
        assert_eq!(summary.state(), BatchState::Accepted, "{:?}", summary.departures);
    }
    let header = batch();
    let summary = issuer.put(&header, rows(false), |_| ()).await.unwrap();
    assert_eq!(summary.state(), BatchState::Held);
    assert!(summary.departures.iter().any(|text| text.en.contains("eye_position")), "{summary:?}");
    assert_eq!(listed(issuer, &child).await.len(), 600, "none of its rows is served");
    // It is no history before a person has confirmed it, so this scenario takes it back.
    let undo = UndoBatchRequest { idempotency_key: names::uuid(), batch_id: header.batch_id.clone() };
    assert_eq!(issuer.gateway().call(&undo, None).await.unwrap().response.restored, 200);
    assert_eq!(reason(confirm(issuer, &header).await), Reason::StateNotAllowed);
}

/// The municipality's cases about one resident.
async fn cases(issuer: &Issuer, mother: &Newcomer, include_read: bool) -> Vec<UrgentCase> {
    let mut response =
        issuer.gateway().call(&ListUrgentCasesRequest { include_read }, None).await.unwrap().response;
    response.cases.retain(|case| case.resident_key == mother.resident_key);
    response.cases
}

#[tokio::test]
async fn r_chk_a_high_epds_raises_a_case_at_once_and_a_person_reads_it() {
    let (target, town) = town().await;
    let mother = Newcomer::born(&target, day(-30 * 365)).unwrap();
    town.register(&mother).await.unwrap();
    let issuer = town.issuer();
    let visit = |record: &str, items: Vec<i32>, total| {
        let mut row = row(&mother, record, 1, Vec::new());
        let record = row.record.as_mut().unwrap();
        (record.kind, record.pregnancy) = (CheckupKind::Postpartum.into(), "p-1".to_owned());
        record.scores.push(InstrumentScores { instrument: Instrument::Epds.into(), items, total });
        row
    };
    let (calm, total, refused) = (names::fresh(), names::fresh(), names::fresh());
    let rows = vec![
        visit(&calm, vec![0; 10], Some(0)),
        visit(&total, vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 0], Some(9)),
        // The total is wrong, so the row is refused; item 10 is heard all the same.
        visit(&refused, vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Some(0)),
    ];
    // The connection breaks before the batch ends: the case does not wait for the end.
    let many: Vec<_> =
        rows.iter().cloned().chain((0..300).map(|_| visit(&calm, vec![0; 10], Some(0)))).collect();
    push_and_break_off(issuer, &batch(), &many, 1).await;
    let found = cases(issuer, &mother, false).await;
    let mut causes: Vec<_> = found.iter().map(|case| (case.record_id.clone(), case.cause())).collect();
    causes.sort_by_key(|(_, cause)| *cause as i32);
    assert_eq!(causes, [(total, UrgentCause::Total), (refused, UrgentCause::Item10)]);
    let now = clock::now();
    assert!(
        found
            .iter()
            .all(|case| case.read_at.is_none() && (now - case.raised_at.unwrap().seconds).abs() < 600)
    );
    push(issuer, &batch(), &rows).await;
    assert_eq!(cases(issuer, &mother, true).await.len(), 2, "sent again it is no new case");
    let read = |case: &UrgentCase| AcknowledgeUrgentCaseRequest {
        idempotency_key: names::uuid(),
        case_id: case.case_id.clone(),
    };
    let program = issuer.gateway().call(&read(&found[0]), None).await;
    assert_eq!(reason(program), Reason::InvalidFields, "only a person reads");
    let nurse = issuer.gateway().clone().with_operator("nurse-7").unwrap();
    let acknowledged = nurse.call(&read(&found[0]), None).await.unwrap().response.urgent_case.unwrap();
    assert!(acknowledged.read_at.is_some());
    assert_eq!(cases(issuer, &mother, false).await.len(), 1);
}
