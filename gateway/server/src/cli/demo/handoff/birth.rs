//! What happens there: the child is born, and the mother is not well.

use anyhow::{Context as _, Result, ensure};
use pmh_client::Presentation;
use pmh_proto::{
    common::Sex,
    handoff::{
        AcknowledgeReportRequest, BirthAttendantKind, BirthPlaceKind, HandoffDuty, HandoffEpdsReport,
        HandoffReport, ListBirthsRequest, Newborn, NotifyBirthRequest, ReportToHomeRequest,
        handoff_report::News,
    },
};

use super::{
    super::{house::House, stage::Shown},
    MOTHER,
    towns::Towns,
};
use crate::{cli::card::HeldCard, sandbox::uuid, system};

/// A clinic over there tells of it, and home knows.
pub(super) async fn born(towns: &Towns, house: &House, card: &mut HeldCard) -> Result<((), Shown)> {
    let clinic = towns.stay.window(CLINIC).await?;
    let presentation = Presentation::for_birth("出生を、住民票のある市区町村にすぐに知らせます。");
    let presence = clinic.present(card, &presentation, system::now_s()).await?;
    let request =
        NotifyBirthRequest { idempotency_key: uuid(), newborns: vec![newborn(house)], mother: None };
    let told = clinic.gateway().call(&request, Some(presence.bearer())).await?.response;
    let birth = towns
        .until("the birth at home", async |towns| {
            let known =
                towns.home.office().await?.call(&ListBirthsRequest { after: 0 }, None).await?.response;
            Ok(known.births.into_iter().find(|birth| birth.mother_resident_key == MOTHER))
        })
        .await?;
    ensure!(birth.birth_id == told.birth_id && birth.children.len() == 1, "another birth is known at home");
    let shown = Shown::default()
        .fact(
            "八王子市に届いた：子ども1人、母は宛名番号で",
            "at Hachioji: 1 child, the mother by its own number",
        )
        .fact(
            format!("出生届は{}まで。この知らせは届出ではない", told.filing_due),
            format!("the birth filing is due by {}; this notice is none", told.filing_due),
        )
        .field("filing_due", told.filing_due);
    Ok(shown.only())
}

/// Nine points on the EPDS: home's rule calls that urgent, and somebody there reads it.
pub(super) async fn unwell(towns: &Towns, house: &House, id: &str) -> Result<((), Shown)> {
    let report = HandoffReport {
        duty: HandoffDuty::PostpartumCare.into(),
        on: house.today().to_string(),
        news: Some(News::Epds(HandoffEpdsReport { total: 9, item10: 0 })),
        ..HandoffReport::default()
    };
    let request =
        ReportToHomeRequest { idempotency_key: uuid(), handoff_id: id.to_owned(), report: Some(report) };
    let sent = towns.stay.office().await?.call(&request, None).await?.proof;
    towns.until_unread(id, 1).await?;
    let request = AcknowledgeReportRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        report_leaf_hash: sent.leaf_hash.to_vec(),
    };
    let nurse = towns.home.office().await?.with_operator("nurse-07").context("a pseudonym")?;
    nurse.call(&request, None).await?;
    towns.until_unread(id, 0).await?;
    let shown = Shown::default()
        .fact(
            "八王子市の保健師が読むまで、両市で「未読」",
            "unread on both sides until a nurse at Hachioji read it",
        )
        .field("epds", 9);
    Ok(shown.only())
}

/// Born at midnight, invented.
fn newborn(house: &House) -> Newborn {
    Newborn {
        name: String::new(),
        sex: Sex::Female.into(),
        born_at: format!("{}T00:00", house.today()),
        place_kind: BirthPlaceKind::Clinic.into(),
        facility_name: "架空産婦人科".to_owned(),
        place_address: "東京都町田市架空町1-1".to_owned(),
        weight_g: 3_020,
        length_mm: 492,
        plurality: 1,
        birth_order: 1,
        mother_name: "架空 花子".to_owned(),
        gestation: "39w1d".to_owned(),
        live_born: 1,
        stillborn: 0,
        issued_on: house.today().to_string(),
        attendant_kind: BirthAttendantKind::Doctor.into(),
        attendant_name: "架空 医子".to_owned(),
        attendant_address: "東京都町田市架空町1-1".to_owned(),
    }
}

const CLINIC: &str = "tokyo-clinic-1";
