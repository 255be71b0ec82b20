//! At a clinic: a mother's visit is read there with her card, and what the clinic records reaches her municipality.

use anyhow::{Context as _, Result, ensure};
use jiff::ToSpan as _;
use pmh_client::{Presence, Presentation, Terminal};
use pmh_proto::{
    checkup::{
        CheckupKind, CheckupRecord, Delivery, DeliveryState, GetCheckupRequest, Instrument, InstrumentScores,
        ItemEntry, ListCheckupsRequest, RecordCheckupRequest,
    },
    common::{Purpose, RowOutcome, Text},
};
use pmh_testkit::{
    card::FakeCard,
    directory::DirectoryItem,
    pki::{CardRequest, DAY, Generation},
    world::code,
};

use super::{
    super::{house::House, stage::Shown},
    file::MOTHER,
    script::{CLINIC, OFFICE},
};
use crate::{cli::card::HeldCard, sandbox, system};

/// Read at the clinic, recorded there, delivered home, read there; and the clinic is told each.
pub(super) async fn read_recorded_delivered(house: &House) -> Result<((), Shown)> {
    let mut card = card(house).await?;
    let terminal = house.terminal(CLINIC).await?;
    let examination = Presentation::for_examination(TEXT);
    let presence = terminal.present(&mut card, &examination, system::now_s()).await?;
    let earlier = read_there(&terminal, &presence).await?;
    let delivered = recorded_there(house, &terminal, &presence).await?;
    let read = read_at_home(house, &terminal).await?;
    let shown = Shown::default()
        .fact(
            format!("医師が読んだのは{earlier}の産婦健診、EPDS 9点。市町村の宛名番号は見えない"),
            format!("the doctor read the visit of {earlier}, EPDS 9, without the municipality's key of her"),
        )
        .fact(
            format!("登録すると「{}」", delivered.ja),
            format!("once it was written down: {}", delivered.en),
        )
        .fact(
            format!("保健師が開いたあとは「{}」", read.ja),
            format!("after the nurse had opened it: {}", read.en),
        )
        .field("delivery", "READ");
    Ok(shown.only())
}

/// Her card opens what her municipality sent; the day of it.
async fn read_there(terminal: &Terminal, presence: &Presence) -> Result<String> {
    let request = ListCheckupsRequest { purpose: Purpose::Treat.into(), ..Default::default() };
    let listed = terminal.call(presence, &request).await?.response.checkups;
    let [earlier] = listed.as_slice() else { anyhow::bail!("{} checkups are read", listed.len()) };
    let record = earlier.record.as_ref().context("no record")?;
    let total = record.scores.first().and_then(|scores| scores.total);
    ensure!((record.kind(), total) == (CheckupKind::Postpartum, Some(9)), "another visit is read");
    ensure!(record.resident_key.is_empty(), "the municipality's key of her is shown");
    Ok(record.date.clone())
}

/// Today's visit is delivered at once, and nobody has read it yet.
async fn recorded_there(house: &House, terminal: &Terminal, presence: &Presence) -> Result<Text> {
    let request = RecordCheckupRequest {
        idempotency_key: sandbox::uuid(),
        record: Some(todays(house)),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    };
    let kept = terminal.call(presence, &request).await?.response;
    ensure!(kept.outcome() == RowOutcome::Created, "it was {}", kept.outcome().as_str_name());
    words(kept.delivery, DeliveryState::Unread)
}

/// The nurse opens the mother's record; the clinic asks again, without her card.
async fn read_at_home(house: &House, terminal: &Terminal) -> Result<Text> {
    let request = ListCheckupsRequest { resident_key: MOTHER.to_owned(), ..Default::default() };
    let listed = house.gateway(OFFICE).await?.call(&request, None).await?.response.checkups;
    let by_clinic = listed.iter().filter(|read| read.sender.starts_with("urn:x-pmh:org:clinic:"));
    ensure!((listed.len(), by_clinic.count()) == (2, 1), "{} records are read", listed.len());
    let purpose = Purpose::Treat.into();
    let request = GetCheckupRequest { record_id: RECORD.to_owned(), purpose, ..Default::default() };
    let told = terminal.gateway().call(&request, None).await?.response.checkup.context("no record")?;
    ensure!(told.record.is_some_and(|record| record.items.is_empty()), "it is read without a card");
    words(told.delivery, DeliveryState::Read)
}

fn words(delivery: Option<Delivery>, state: DeliveryState) -> Result<Text> {
    let delivery = delivery.context("nothing is said of the delivery")?;
    ensure!((delivery.state(), delivery.urgent) == (state, false), "{delivery:?}");
    delivery.text.context("no words")
}

/// A new card of the mother's, linked by the directory.
async fn card(house: &House) -> Result<HeldCard> {
    let pki = house.pki()?;
    let born = house.today().checked_sub(11_000.days())?;
    let request = CardRequest::new(Generation::P384, born, system::now_s() - DAY);
    let card = FakeCard::issue(&pki, &request, PIN)?;
    let credential = card.credential_digest(&pki.card_ca_key_id(Generation::P384)?)?;
    let item = DirectoryItem::Resident {
        credential,
        issuer: code::HACHIOJI.to_owned(),
        resident_key: MOTHER.to_owned(),
    };
    ensure!(house.tell_directory("demo-mother", &[item]).await? == 1, "the card was not linked");
    Ok(HeldCard::new(card, PIN))
}

fn todays(house: &House) -> CheckupRecord {
    CheckupRecord {
        record_id: RECORD.to_owned(),
        source_version: "1".to_owned(),
        kind: CheckupKind::Postpartum.into(),
        date: house.today().to_string(),
        pregnancy: "1".to_owned(),
        items: vec![ItemEntry {
            code: "mother_weight".to_owned(),
            value: "54.2".to_owned(),
            unit: "kg".to_owned(),
            ..ItemEntry::default()
        }],
        scores: vec![InstrumentScores {
            instrument: Instrument::Epds.into(),
            items: vec![1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
            total: Some(4),
        }],
        ..CheckupRecord::default()
    }
}

/// The clinic's own id of the visit.
const RECORD: &str = "demo-visit-1";
const PIN: &str = "1234";
const TEXT: &str = "健診の記録を見て、今日の結果を記録することに同意しますか。";
