//! A high EPDS and its case are one commit: `kill -9` while rows stream in never leaves one without the other.
//!
//! A failure: after the restart a stored row with a high EPDS that has no case, or a case whose row is not stored; after
//! the batch was sent again, a high EPDS without its case. Which rows are stored is asked by a dry run under the batch's
//! own id: those that it has are UNCHANGED.

use std::collections::BTreeSet;
use std::time::Duration;

use pmh_client::Issuer;
use pmh_conformance::counter::organization;
use pmh_conformance::{Newcomer, Server, Town, clock, names, town::batch};
use pmh_proto::checkup::checkup_service_client::CheckupServiceClient;
use pmh_proto::checkup::push_checkups_request::Item;
use pmh_proto::checkup::{
    AcknowledgeUrgentCaseRequest, CheckupKind, CheckupRecord, CheckupRow, Instrument, InstrumentScores,
    ListUrgentCasesRequest, PushCheckupsRequest, UrgentCase,
};
use pmh_proto::common::{BulkHeader, RowOutcome};
use rand::RngExt as _;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use super::Seeded;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r_chk_kill_9_between_record_and_notice_leaves_no_high_epds_unheard() {
    let kills = if clock::full_scale() { 100 } else { 4 };
    let dir = tempfile::tempdir().unwrap();
    let mut random = Seeded::new();
    let mut server = Server::start(dir.path()).await.unwrap();
    let mother = {
        let target = server.target().unwrap();
        let mother = Newcomer::born(&target, clock::day(-30 * 365)).unwrap();
        Town::hachioji(&target).await.unwrap().register(&mother).await.unwrap();
        mother
    };
    let (mut stored_at_a_kill, mut cut) = (0, 0);
    for round in 0..kills {
        let (header, rows) = (batch(), rows(&mother));
        let issuer = server.target().unwrap().issuer(organization::HACHIOJI).await.unwrap();
        let answers = random.random.random_range(0..ROWS / CHUNK);
        let pause = Duration::from_millis(random.random.random_range(0..40));
        let streaming = tokio::spawn(stream_until_killed(issuer, header.clone(), rows.clone(), answers));
        let answered = streaming.await.unwrap();
        // The moment is the experiment, not a way to wait for something.
        tokio::time::sleep(pause).await;
        server.kill().unwrap();
        drop(answered);
        server.restart().await.unwrap();

        let issuer = server.target().unwrap().issuer(organization::HACHIOJI).await.unwrap();
        let (stored, heard) = (stored(&issuer, &header, &rows).await, heard(&issuer).await);
        assert_eq!(stored, heard, "seed {}, round {round}", random.seed);
        stored_at_a_kill += stored.len();
        cut += usize::from(stored.len() < HIGH);
        issuer.put(&header, rows.clone(), |_| ()).await.unwrap();
        let all: BTreeSet<String> = rows.iter().filter(|row| is_high(row)).map(record_id).collect();
        assert_eq!(heard_and_read(&issuer).await, all, "seed {}, round {round}", random.seed);
    }
    println!(
        "seed {}, {kills} kills, {cut} of them in the middle, {stored_at_a_kill} high scores stored",
        random.seed
    );
    assert!(stored_at_a_kill > 0, "no kill came after a commit");
}

/// Sends everything and reads so many answers. The open stream is the caller's to drop, after the kill.
async fn stream_until_killed(
    issuer: Issuer,
    header: BulkHeader,
    rows: Vec<CheckupRow>,
    answers: usize,
) -> impl Sized {
    let (requests, stream) = tokio::sync::mpsc::channel(rows.len() + 1);
    for item in std::iter::once(Item::Header(header)).chain(rows.into_iter().map(Item::Row)) {
        requests.send(PushCheckupsRequest { item: Some(item) }).await.unwrap();
    }
    let mut client = CheckupServiceClient::new(issuer.gateway().channel().clone());
    let mut stream = client.push_checkups(ReceiverStream::new(stream)).await.unwrap().into_inner();
    for _ in 0..answers {
        stream.next().await.unwrap().unwrap();
    }
    (stream, requests)
}

/// Postpartum visits of one mother; every sixteenth has nine points.
fn rows(mother: &Newcomer) -> Vec<CheckupRow> {
    let prefix = names::fresh();
    let row = |number: usize| {
        let high = number.is_multiple_of(ROWS / HIGH);
        let items = if high { vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 0] } else { vec![0; 10] };
        let total = Some(if high { 9 } else { 0 });
        let record = CheckupRecord {
            record_id: format!("{prefix}-{number}"),
            source_version: "1".to_owned(),
            resident_key: mother.resident_key.clone(),
            kind: CheckupKind::Postpartum.into(),
            date: clock::day(-10).to_string(),
            pregnancy: "p-1".to_owned(),
            scores: vec![InstrumentScores { instrument: Instrument::Epds.into(), items, total }],
            ..Default::default()
        };
        CheckupRow { row_id: number.to_string(), record: Some(record), holder: None }
    };
    (0..ROWS).map(row).collect()
}

fn is_high(row: &CheckupRow) -> bool {
    row.record.as_ref().unwrap().scores[0].total == Some(9)
}

fn record_id(row: &CheckupRow) -> String {
    row.record.as_ref().unwrap().record_id.clone()
}

/// Records with a high score that the batch has.
async fn stored(issuer: &Issuer, header: &BulkHeader, rows: &[CheckupRow]) -> BTreeSet<String> {
    let asking = BulkHeader { dry_run: true, ..header.clone() };
    let mut kept = BTreeSet::new();
    let told = |chunk: pmh_client::Chunk<'_>| {
        let unchanged = chunk.rows.iter().filter(|row| row.outcome() == RowOutcome::Unchanged);
        kept.extend(unchanged.map(|row| row.row_id.clone()));
    };
    issuer.put(&asking, rows.to_vec(), told).await.unwrap();
    rows.iter().filter(|row| is_high(row) && kept.contains(&row.row_id)).map(record_id).collect()
}

async fn unread(issuer: &Issuer) -> Vec<UrgentCase> {
    let answer = issuer.gateway().call(&ListUrgentCasesRequest::default(), None).await.unwrap().response;
    assert!(!answer.has_more);
    answer.cases
}

/// Records that have an unread case.
async fn heard(issuer: &Issuer) -> BTreeSet<String> {
    unread(issuer).await.into_iter().map(|case| case.record_id).collect()
}

/// The same, and a person reads them all, so that the next round begins with none.
async fn heard_and_read(issuer: &Issuer) -> BTreeSet<String> {
    let nurse = issuer.gateway().clone().with_operator("nurse-7").unwrap();
    let mut heard = BTreeSet::new();
    for case in unread(issuer).await {
        let request = AcknowledgeUrgentCaseRequest { idempotency_key: names::uuid(), case_id: case.case_id };
        nurse.call(&request, None).await.unwrap();
        assert!(heard.insert(case.record_id), "one record, two cases");
    }
    heard
}

/// Rows of a batch, of which so many have a high score: all their cases are on one list.
const ROWS: usize = 1024;
const HIGH: usize = 64;
/// Rows of one commit of the gateway.
const CHUNK: usize = 256;
