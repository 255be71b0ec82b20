//! The batch: invented 18-month checkups as a municipality's system has them, each of another weight and height.

use pmh_client::issuer::BulkRow as _;
use pmh_proto::checkup::{CheckupKind, CheckupRecord, CheckupRow, Disposition, Finding, ItemEntry};
use pmh_proto::common::BulkHeader;
use prost::Message as _;
use prost::bytes::Bytes;

use crate::clock;
use crate::town::resident_key;

/// A batch that is made as it is read.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) count: u32,
    pub(super) residents: u32,
}

impl Rows {
    pub(super) fn iter(&self) -> impl Iterator<Item = CheckupRow> {
        let (residents, date) = (self.residents, clock::day(-30).to_string());
        (0..self.count).map(move |number| row(number, residents, &date))
    }
}

/// Header and rows as they travel.
pub(super) fn encoded(batch_id: &str, rows: &Rows) -> Vec<Bytes> {
    let header = CheckupRow::header(BulkHeader { batch_id: batch_id.to_owned(), dry_run: false });
    let messages = std::iter::once(header).chain(rows.iter().map(CheckupRow::request));
    messages.map(|message| message.encode_to_vec().into()).collect()
}

fn row(number: u32, residents: u32, date: &str) -> CheckupRow {
    let amount = |code: &str, whole: u32, tenths: u32, unit: &str| ItemEntry {
        code: code.to_owned(),
        value: format!("{whole}.{tenths}"),
        unit: unit.to_owned(),
        ..Default::default()
    };
    let mut items = vec![
        amount("weight", 9 + number % 4, number % 10, "kg"),
        amount("height", 76 + number % 9, number % 10, "cm"),
        amount("head", 45 + number % 4, number % 10, "cm"),
        amount("chest", 46 + number % 4, number % 10, "cm"),
    ];
    items.push(ItemEntry { code: "nutrition".to_owned(), value: "good".to_owned(), ..Default::default() });
    items.extend(FINDINGS.iter().zip(0..).map(|(code, at)| finding(code, (number + at).is_multiple_of(40))));
    let guidance = number.is_multiple_of(20);
    let record = CheckupRecord {
        record_id: format!("m18-{number:07}"),
        source_version: "1".to_owned(),
        resident_key: resident_key(usize::try_from(number % residents).unwrap_or_default()),
        kind: CheckupKind::Month18.into(),
        date: date.to_owned(),
        items,
        disposition: if guidance { Disposition::Guidance } else { Disposition::Nothing }.into(),
        own_code: if guidance { "2" } else { "1" }.to_owned(),
        own_label: if guidance { "要指導" } else { "異常なし" }.to_owned(),
        ..Default::default()
    };
    CheckupRow { row_id: number.to_string(), record: Some(record), holder: None }
}

fn finding(code: &str, present: bool) -> ItemEntry {
    let found = if present { Finding::Present } else { Finding::None };
    let note = if present { "経過をみる" } else { "" };
    ItemEntry { code: code.to_owned(), finding: found.into(), note: note.to_owned(), ..Default::default() }
}

/// What the law has examined at 18 months (母子保健法施行規則 2条).
const FINDINGS: [&str; 10] = [
    "physical_development",
    "spine_chest",
    "skin",
    "teeth_mouth",
    "limbs",
    "mental_development",
    "language",
    "vaccination_status",
    "parenting_problems",
    "other_disease",
];
