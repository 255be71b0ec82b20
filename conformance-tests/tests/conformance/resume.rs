//! A batch of checkups whose connection breaks, once or several times, at any row.
//!
//! Two municipalities have a resident by the same key and send the same rows, one without a break. What each of them reads back
//! must be the same byte for byte.

use pmh_client::Issuer;
use pmh_conformance::counter::organization;
use pmh_conformance::{Newcomer, Town, clock, names, town::batch};
use pmh_proto::checkup::checkup_service_client::CheckupServiceClient;
use pmh_proto::checkup::push_checkups_request::Item;
use pmh_proto::checkup::{
    BatchState, CheckupKind, CheckupRecord, CheckupRow, ConfirmBatchRequest, Disposition, ItemEntry,
    ListCheckupsRequest, PushCheckupsRequest, ReadCheckup,
};
use pmh_proto::common::BulkHeader;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use crate::support::target;

#[tokio::test]
async fn r_chk_however_often_a_batch_is_cut_it_ends_as_an_uncut_one_byte_for_byte() {
    let target = target().await;
    let cut = Town::of(&target, organization::HACHIOJI).await.unwrap();
    let uncut = Town::of(&target, organization::MACHIDA).await.unwrap();
    let seed = std::env::var("PMH_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random::<u64>);
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0..if clock::full_scale() { 60 } else { 3 } {
        let child = Newcomer::born(&target, clock::day(-600)).unwrap();
        for town in [&cut, &uncut] {
            town.register(&child).await.unwrap();
        }
        let rows = rows(&child.resident_key, &mut random);
        let header = batch();
        for _ in 0..random.random_range(1..=4) {
            let sent = random.random_range(0..=rows.len());
            let answers = random.random_range(0..=sent / CHUNK);
            break_off(cut.issuer(), &header, &rows[..sent], answers).await;
        }
        let counts = push(cut.issuer(), &header, &rows).await;
        let whole = push(uncut.issuer(), &batch(), &rows).await;
        assert_eq!(counts.iter().sum::<u32>(), whole.iter().sum::<u32>(), "seed {seed}, round {round}");
        let [ended, expected] = [read_back(&cut, &child).await, read_back(&uncut, &child).await];
        assert!(!expected.is_empty());
        assert!(ended == expected, "seed {seed}, round {round}: the states differ");
        // And nothing is left to do: the batch sent once more is UNCHANGED but for rows that are always refused.
        let again = push(cut.issuer(), &batch(), &rows).await;
        assert_eq!((again[0], again[1]), (0, 0), "seed {seed}, round {round}: {again:?}");
    }
}

/// Several versions of some records, some disputed, some refused, in any order.
fn rows(resident_key: &str, random: &mut StdRng) -> Vec<CheckupRow> {
    let prefix = names::fresh();
    let mut rows = Vec::new();
    for number in 0..random.random_range(300..900) {
        let record = random.random_range(0..250);
        let version = random.random_range(1..4);
        let weight = format!("{}.{}", 9 + version, random.random_range(0..2));
        let unit = if number % 50 == 7 { "g" } else { "kg" };
        let record = CheckupRecord {
            record_id: format!("{prefix}-{record}"),
            source_version: version.to_string(),
            resident_key: resident_key.to_owned(),
            kind: CheckupKind::Month18.into(),
            date: clock::day(-10).to_string(),
            items: vec![ItemEntry {
                code: "weight".to_owned(),
                value: weight,
                unit: unit.to_owned(),
                ..Default::default()
            }],
            disposition: Disposition::Nothing.into(),
            own_label: "葛\u{e0100}城".to_owned(),
            own_code: "1".to_owned(),
            ..Default::default()
        };
        rows.push(CheckupRow { row_id: number.to_string(), record: Some(record), holder: None });
    }
    rows
}

/// Created, updated, unchanged, superseded, quarantined, rejected. A batch that the gate holds is confirmed: scenarios
/// share their senders, and with them a history.
async fn push(issuer: &Issuer, header: &BulkHeader, rows: &[CheckupRow]) -> [u32; 6] {
    let summary = issuer.put(header, rows.to_vec(), |_| ()).await.unwrap();
    if summary.state() == BatchState::Held {
        let request =
            ConfirmBatchRequest { idempotency_key: names::uuid(), batch_id: header.batch_id.clone() };
        issuer.gateway().call(&request, None).await.unwrap();
    }
    let counts = summary.rows.unwrap();
    [counts.created, counts.updated, counts.unchanged, counts.superseded, counts.quarantined, counts.rejected]
}

/// Sends rows, reads so many answers, and is gone without an end of the stream.
async fn break_off(issuer: &Issuer, header: &BulkHeader, rows: &[CheckupRow], answers: usize) {
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

/// What a reader sees of everything, by record.
async fn read_back(town: &Town, child: &Newcomer) -> Vec<Vec<u8>> {
    let mut request = ListCheckupsRequest {
        resident_key: child.resident_key.clone(),
        page_size: 500,
        ..Default::default()
    };
    let mut read = Vec::new();
    loop {
        let page = town.issuer().gateway().call(&request, None).await.unwrap().response;
        read.extend(page.checkups);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let bytes = |read: ReadCheckup| {
        let record = read.record.unwrap();
        let (amended, disputed) = (read.amended, read.disputed);
        ReadCheckup { record: Some(record), amended, disputed, ..Default::default() }.encode_to_vec()
    };
    let mut bytes: Vec<Vec<u8>> = read.into_iter().map(bytes).collect();
    bytes.sort();
    bytes
}

/// Rows of one commit of the gateway.
const CHUNK: usize = 256;
