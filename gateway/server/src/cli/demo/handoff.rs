//! The chapter between two municipalities: from the offer over the birth to the return, with a lost message and a crash in
//! the middle.

mod birth;
mod script;
mod towns;

use anyhow::{Context as _, Result, ensure};
use jiff::ToSpan as _;
use pmh_audit::HandoffFile;
use pmh_client::{Issuer, Presentation};
use pmh_proto::{
    common::{BulkHeader, Sex},
    handoff::{
        AcceptHandoffRequest, CloseHandoffRequest, ConfirmHandoffRequest, ExportEvidenceRequest,
        HandoffCategory, HandoffConsent, HandoffConsentOrigin, HandoffDuty, HandoffDutyAnswer, HandoffState,
        ListHandoffsRequest, OfferHandoffRequest, ReturnHandoffRequest,
    },
    resident::ResidentRow,
};
use pmh_testkit::{
    card::FakeCard,
    pki::{CardRequest, DAY, Generation},
};
use prost::Message as _;

use super::{
    house::House,
    stage::{Shown, Stage, Stopped},
};
use crate::{cli::card::HeldCard, sandbox::uuid, system};
use birth::{born, unwell};
use script::{ACCEPTED, ARRIVED, BORN, CHAPTER, CONFIRMED, OFFERED, PROVED, RETURNED, UNWELL};
use towns::{STAY, STAY_TERMINAL, Town, Towns};

/// Plays the chapter.
pub(super) async fn play(stage: &mut Stage, house: &House) -> Result<(), Stopped> {
    stage.open(&CHAPTER);
    let mut code = [0; 16];
    system::fill(&mut code);
    let (mut towns, id) = Box::pin(stage.play(&OFFERED, offered(house, code))).await?;
    Box::pin(stage.play(&ARRIVED, arrived(&mut towns.stay, &id))).await?;
    let mut card = Box::pin(stage.play(&ACCEPTED, accepted(&mut towns, house, &id, code))).await?;
    Box::pin(stage.play(&CONFIRMED, confirmed(&towns, &id))).await?;
    Box::pin(stage.play(&BORN, born(&towns, house, &mut card))).await?;
    Box::pin(stage.play(&UNWELL, unwell(&towns, house, &id))).await?;
    Box::pin(stage.play(&RETURNED, returned(&towns, &id))).await?;
    Box::pin(stage.play(&PROVED, proved(towns, &id))).await
}

/// She is entered at home, and offered to a gateway that does not run.
async fn offered(house: &House, code: [u8; 16]) -> Result<((Towns, String), Shown)> {
    let mut towns = Box::pin(Towns::open(&house.file("handoff"))).await?;
    towns.stay.stop().await?;
    let office = towns.home.office().await?;
    let issuer = Issuer::new(office.channel().clone(), office.identity().clone(), towns.home.keys()?);
    let mother = ResidentRow {
        row_id: MOTHER.to_owned(),
        resident_key: MOTHER.to_owned(),
        birth_date: house.today().checked_sub(30.years())?.to_string(),
        sex: Sex::Female.into(),
        ..ResidentRow::default()
    };
    issuer.put(&BulkHeader { batch_id: uuid(), dry_run: false }, vec![mother], |_| {}).await?;
    let consent = HandoffConsent {
        categories: vec![HandoffCategory::PregnancyCheckups.into()],
        origin: HandoffConsentOrigin::Card.into(),
        ..HandoffConsent::default()
    };
    let request = OfferHandoffRequest {
        idempotency_key: uuid(),
        resident_key: MOTHER.to_owned(),
        stay: STAY.to_owned(),
        first_day: house.today().to_string(),
        last_day: house.today().checked_add(60.days())?.to_string(),
        duties: DUTIES.map(i32::from).to_vec(),
        consents: vec![consent],
        code: code.to_vec(),
        ..OfferHandoffRequest::default()
    };
    let statement = office.call(&request, None).await?.response.statement.context("nothing was offered")?;
    let id = statement.handoff_id;
    let listed = office.call(&ListHandoffsRequest {}, None).await?.response;
    let known = listed.handoffs.iter().find(|known| known.handoff_id == id).context("not listed")?;
    ensure!(known.unsent == 1 && known.held_by_stay.is_empty(), "the offer is not waiting");
    let shown = Shown::default()
        .fact("提案は記録済み。送信待ち1件", "the offer is entered; 1 message waits")
        .field("unsent", known.unsent);
    Ok(((towns, id), shown))
}

async fn arrived(stay: &mut Town, id: &str) -> Result<((), Shown)> {
    stay.start().await?;
    let known = stay.knows(id, HandoffState::Offered).await?;
    ensure!(known.resident_key.is_empty(), "home's number of her reached the other city");
    let shown = Shown::default()
        .fact("提案が届いた。宛名番号は含まれない", "the offer is there, without home's number of her")
        .field("state", "OFFERED");
    Ok(shown.only())
}

async fn accepted(towns: &mut Towns, house: &House, id: &str, code: [u8; 16]) -> Result<(HeldCard, Shown)> {
    let birth_date = house.today().checked_sub(30.years())?;
    let request = CardRequest::new(Generation::P384, birth_date, system::now_s() - 30 * DAY);
    let mut card = HeldCard::new(FakeCard::issue(&towns.stay.pki()?, &request, PIN)?, PIN);
    let window = towns.stay.window(STAY_TERMINAL).await?;
    let presentation = Presentation::for_handoff("里帰り先の市区町村で支援を受けるための本人確認です。");
    let presence = window.present(&mut card, &presentation, system::now_s()).await?;
    let answer = |duty: HandoffDuty| HandoffDutyAnswer { duty: duty.into(), declined: 0 };
    let request = AcceptHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        code: code.to_vec(),
        answers: DUTIES.map(answer).to_vec(),
    };
    window.gateway().call(&request, Some(presence.bearer())).await?;
    towns.home.stop().await?;
    towns.home.start().await?;
    let known = towns.home.knows(id, HandoffState::Accepted).await?;
    ensure!(known.held_by_stay.is_empty(), "a duty passed before home confirmed");
    let shown = Shown::default()
        .fact("再起動した八王子市に、受け入れが届いた", "Hachioji, started again, has the accept")
        .field("state", "ACCEPTED");
    Ok((card, shown))
}

async fn confirmed(towns: &Towns, id: &str) -> Result<((), Shown)> {
    let request = ConfirmHandoffRequest { idempotency_key: uuid(), handoff_id: id.to_owned() };
    let fence = towns.home.office().await?.call(&request, None).await?.proof.index;
    let stay = towns.stay.knows(id, HandoffState::Active).await?;
    let home = towns.home.knows(id, HandoffState::Active).await?;
    ensure!(stay.fence == Some(fence), "the fencing number is another");
    ensure!(stay.held_by_stay == home.held_by_stay, "the two cities name different holders");
    ensure!(stay.held_by_stay.len() == DUTIES.len(), "not every duty passed");
    let shown = Shown::default()
        .fact(
            format!("二つの担当が町田市へ。八王子市のログ{fence}番が番号札"),
            format!("2 duties are Machida's; entry {fence} of Hachioji's log is the fencing number"),
        )
        .field("fence", fence);
    Ok(shown.only())
}

async fn returned(towns: &Towns, id: &str) -> Result<((), Shown)> {
    let (idempotency_key, handoff_id) = (uuid(), id.to_owned());
    let request = ReturnHandoffRequest { idempotency_key, handoff_id, duties: Vec::new() };
    towns.stay.office().await?.call(&request, None).await?;
    let known = towns.home.knows(id, HandoffState::Returned).await?;
    ensure!(known.held_by_stay.is_empty(), "a duty stayed there");
    let request = CloseHandoffRequest { idempotency_key: uuid(), handoff_id: id.to_owned() };
    towns.home.office().await?.call(&request, None).await?;
    towns.home.knows(id, HandoffState::Closed).await?;
    towns.stay.knows(id, HandoffState::Closed).await?;
    let shown = Shown::default()
        .fact("担当は八王子市に戻り、両市で終了", "the duties are Hachioji's again; closed on both sides")
        .field("state", "CLOSED");
    Ok(shown.only())
}

async fn proved(towns: Towns, id: &str) -> Result<((), Shown)> {
    let keys = [towns.home.keys()?.gateway, towns.stay.keys()?.gateway];
    let mut steps = 0;
    for town in [&towns.home, &towns.stay] {
        let request = ExportEvidenceRequest { handoff_id: id.to_owned() };
        let mut file = town.office().await?.call(&request, None).await?.response.encode_to_vec();
        steps = HandoffFile::decode(&file)?.verify(&keys)?.steps.len();
        let middle = file.len() / 2;
        *file.get_mut(middle).context("an empty file")? ^= 1;
        let changed = HandoffFile::decode(&file).and_then(|file| file.verify(&keys));
        ensure!(changed.is_err(), "a changed byte was not found");
    }
    towns.close().await?;
    let shown = Shown::default()
        .fact(
            format!("両市のファイルを検証：二つのログの{steps}件がつながった"),
            format!("both files verified: {steps} entries of two logs fit together"),
        )
        .fact("真ん中の1バイトを変えたファイルは拒否", "with its middle byte changed, a file is refused")
        .field("steps", steps);
    Ok(shown.only())
}

/// An invented number of the mother at home.
const MOTHER: &str = "0000000301";
const PIN: &str = "1234";
const DUTIES: [HandoffDuty; 2] = [HandoffDuty::PostpartumCare, HandoffDuty::Consultation];
