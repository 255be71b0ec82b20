//! A batch whose connection breaks at any row and is sent again: what `pmh municipality checkups export` writes is the
//! file of a town whose connection held, byte for byte.

use std::fs;

use pmh::sandbox::{log_keys, terminal, uuid};
use pmh_client::Issuer;
use pmh_proto::checkup::{
    BatchState, CheckupKind, CheckupRecord, CheckupRow, ConfirmBatchRequest, ItemEntry, PushCheckupsRequest,
    checkup_service_client::CheckupServiceClient, push_checkups_request::Item,
};
use pmh_proto::common::BulkHeader;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use super::sandbox::{pmh, running};

/// 八王子市's connection breaks, 町田市's does not.
const TOWNS: [&str; 2] = ["hachioji-1", "machida-1"];
const KEY: &str = "0000700077";

#[tokio::test]
async fn a_batch_cut_at_any_row_and_resumed_is_exported_as_an_uncut_one() {
    let [cut, uncut] = [issuer(TOWNS[0]).await, issuer(TOWNS[1]).await];
    TOWNS.into_iter().for_each(register);
    let rows = rows();
    let header = BulkHeader { batch_id: uuid(), dry_run: false };
    let mut broken = Vec::new();
    for _ in 0..3 {
        let at = random_below(rows.len());
        broken.push(at);
        break_off(&cut, &header, &rows[..at]).await;
    }
    let other = BulkHeader { batch_id: uuid(), dry_run: false };
    for (town, header) in [(&cut, &header), (&uncut, &other)] {
        let summary = Box::pin(town.put(header, rows.clone(), |_| ())).await.unwrap();
        if summary.state() == BatchState::Held {
            let (idempotency_key, batch_id) = (uuid(), header.batch_id.clone());
            let request = ConfirmBatchRequest { idempotency_key, batch_id };
            town.gateway().call(&request, None).await.unwrap();
        }
    }
    let [resumed, whole] = TOWNS.map(export);
    assert!(whole.lines().count() > 100, "{whole}");
    assert!(resumed == whole, "the files differ after breaks at {broken:?}");
}

async fn issuer(id: &str) -> Issuer {
    let sandbox = running().sandbox();
    let (gateway, _) = terminal(&running().dir, &sandbox, id).await.unwrap();
    Issuer::new(gateway.channel().clone(), gateway.identity().clone(), log_keys(&sandbox).unwrap())
}

/// Three versions of each record, some of them disputed, in no order.
fn rows() -> Vec<CheckupRow> {
    let row = |number: usize| {
        let (record, version) = (number * 7 % 200, number * 11 % 3 + 1);
        let weight = ItemEntry {
            code: "weight".to_owned(),
            value: format!("{}.{}", 9 + version, number % 97 / 96),
            unit: "kg".to_owned(),
            ..Default::default()
        };
        let record = CheckupRecord {
            record_id: format!("X-{record:03}"),
            source_version: version.to_string(),
            resident_key: KEY.to_owned(),
            kind: CheckupKind::Month18.into(),
            date: format!("2026-07-{:02}", 1 + record % 28),
            items: vec![weight],
            own_code: "1".to_owned(),
            own_label: "葛\u{e0100}城".to_owned(),
            ..Default::default()
        };
        CheckupRow { row_id: number.to_string(), record: Some(record), holder: None }
    };
    (0..900).map(row).collect()
}

/// Sends rows, reads the first answer if there is one, and is gone without an end of the stream.
async fn break_off(issuer: &Issuer, header: &BulkHeader, rows: &[CheckupRow]) {
    let (requests, stream) = tokio::sync::mpsc::channel(rows.len() + 1);
    let items = std::iter::once(Item::Header(header.clone())).chain(rows.iter().cloned().map(Item::Row));
    for item in items {
        requests.send(PushCheckupsRequest { item: Some(item) }).await.unwrap();
    }
    let mut client = CheckupServiceClient::new(issuer.gateway().channel().clone());
    let mut answers = client.push_checkups(ReceiverStream::new(stream)).await.unwrap().into_inner();
    if rows.len() >= CHUNK {
        answers.next().await.unwrap().unwrap();
    }
}

fn random_below(limit: usize) -> usize {
    let drawn = uuid::Uuid::parse_str(&uuid()).unwrap().as_u128();
    usize::try_from(drawn % u128::try_from(limit).unwrap()).unwrap()
}

fn export(town: &str) -> String {
    let args = ["municipality", "checkups", "export", KEY, "--sandbox", running().arg(), "--as", town];
    let ran = pmh(args);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

/// A child of this test's own.
fn register(town: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("residents.csv");
    let text = format!(
        "宛名番号,生年月日,性別,受給者証種別,受給者証名,有効期間開始,常に償還払い,不開示フラグ,履歴キー\n\
         {KEY},R7.1.1,女,M88,子ども医療費受給者証,R8.4.1,無,0,1\n"
    );
    fs::write(&file, text).unwrap();
    let args = ["issuer", "push", "residents", file.to_str().unwrap(), "--sandbox", running().arg()];
    let ran = pmh(args.into_iter().chain(["--as", town]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

/// Rows of one commit of the gateway.
const CHUNK: usize = 256;
