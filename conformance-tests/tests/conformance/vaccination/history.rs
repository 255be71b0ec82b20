//! When is a history complete, and when are two tellings one dose?

use pmh_proto::vaccination::HistoryGap;

use super::*;

fn row(scene: &Scene, row_id: &str, days: i64) -> DoseRow {
    DoseRow {
        row_id: row_id.to_owned(),
        resident_key: scene.baby.resident_key.clone(),
        vaccine: "HEPB".to_owned(),
        dose_number: 1,
        date: day(days).to_string(),
        programme: Programme::Routine.into(),
        ..Default::default()
    }
}

/// Of this baby alone, because other scenarios have babies in the same town.
fn complete(scene: &Scene, days: i64) -> DoseRow {
    DoseRow {
        row_id: "register".to_owned(),
        resident_key: scene.baby.resident_key.clone(),
        complete_through: day(days).to_string(),
        ..Default::default()
    }
}

async fn put(scene: &Scene, rows: Vec<DoseRow>) -> Vec<RowResult> {
    let mut results = Vec::new();
    let collect = |chunk: pmh_client::Chunk<'_>| results.extend_from_slice(chunk.rows);
    scene.town.issuer().put(&batch(), rows, collect).await.unwrap();
    results
}

async fn state(scene: &Scene) -> (HistoryState, HistoryGap) {
    let own = ListDosesRequest { resident_key: scene.baby.resident_key.clone(), ..Default::default() };
    let answer = scene.town.issuer().gateway().call(&own, None).await.unwrap().response;
    (answer.history(), answer.history_gap())
}

#[tokio::test]
async fn r_vac_a_history_is_complete_when_its_register_says_so_and_not_before() {
    let scene = Scene::begin().await;
    assert_eq!(state(&scene).await, (HistoryState::Incomplete, HistoryGap::RegisterNotDelivered));
    put(&scene, vec![row(&scene, "1", -60)]).await;
    let one_row = state(&scene).await;
    assert_eq!(
        one_row,
        (HistoryState::Incomplete, HistoryGap::RegisterNotDelivered),
        "one row is no register"
    );
    // A register of which a row was refused is not all here.
    let wrong = DoseRow { vaccine: "hepb".to_owned(), ..row(&scene, "2", -30) };
    let results = put(&scene, vec![wrong, complete(&scene, -1)]).await;
    assert_eq!(results[1].outcome(), RowOutcome::Rejected);
    assert_eq!(results[1].problems[0].reason(), Reason::Incomplete);
    assert_eq!(state(&scene).await.0, HistoryState::Incomplete);
    // Somebody whom the gateway does not know is missing to nobody.
    let stranger = DoseRow { resident_key: "nobody".to_owned(), ..row(&scene, "3", -30) };
    let results = put(&scene, vec![stranger, complete(&scene, -32)]).await;
    assert_eq!(results[1].outcome(), RowOutcome::Created);
    assert_eq!(state(&scene).await, (HistoryState::Incomplete, HistoryGap::RegisterStale));
    let results = put(&scene, vec![complete(&scene, -31)]).await;
    assert_eq!(results[0].outcome(), RowOutcome::Updated);
    assert_eq!(state(&scene).await, (HistoryState::Complete, HistoryGap::Unspecified));
    let again = put(&scene, vec![complete(&scene, -31)]).await;
    assert_eq!(again[0].outcome(), RowOutcome::Unchanged);
    let tomorrow = put(&scene, vec![complete(&scene, 1)]).await;
    assert_eq!(tomorrow[0].problems[0].reason(), Reason::DateOutOfRange);
    let mixed = DoseRow { complete_through: day(-1).to_string(), ..row(&scene, "4", -60) };
    assert_eq!(put(&scene, vec![mixed]).await[0].outcome(), RowOutcome::Rejected);
}

#[tokio::test]
async fn r_vac_every_answer_about_a_history_says_why_it_may_have_holes() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    let unseen = || Shot { paper_seen: false, ..shot("HEPB", 0) };
    let judged = evaluate(&scene.tokyo, &here, unseen()).await.evaluation.unwrap();
    assert_eq!(judged.history_gap(), HistoryGap::RegisterNotDelivered);
    let seen = evaluate(&scene.tokyo, &here, shot("HEPB", 0)).await.evaluation.unwrap();
    assert_eq!((seen.history(), seen.history_gap()), (HistoryState::PaperSeen, HistoryGap::Unspecified));
    let mut stranger = Newcomer::born(&scene.target, day(-100)).unwrap();
    let unlinked = scene.tokyo.present_as(&mut stranger.card, &for_vaccination()).await.unwrap();
    let chart = Shot { birth_date: day(-100).to_string(), ..unseen() };
    let judged = evaluate(&scene.tokyo, &unlinked, chart).await.evaluation.unwrap();
    assert_eq!(judged.history_gap(), HistoryGap::HomeUnknown);
    put(&scene, vec![complete(&scene, 0)]).await;
    let judged = evaluate(&scene.tokyo, &here, unseen()).await.evaluation.unwrap();
    assert_eq!((judged.history(), judged.history_gap()), (HistoryState::Complete, HistoryGap::Unspecified));
}

/// The register knew of the shot first, the clinic tells of it from a paper 予診票.
#[tokio::test]
async fn r_vac_the_registers_dose_and_its_givers_are_one_dose() {
    let mut scene = Scene::begin().await;
    let rows = vec![row(&scene, "1", -3)];
    assert_eq!(put(&scene, rows.clone()).await[0].outcome(), RowOutcome::Created);
    let here = scene.at_tokyo().await;
    let told = record_late(&scene.tokyo, &here, shot("HEPB", -3)).await.dose.unwrap();
    assert_eq!((told.status(), told.version, told.dose_number), (DoseStatus::Completed, 2, 1), "{told:?}");
    assert_eq!(told.product.as_ref().unwrap().lot_number, "HB-0042");
    assert!(!told.change_reason.is_empty());
    let list = ListDosesRequest { purpose: Purpose::Treat.into(), ..Default::default() };
    let listed = async || scene.tokyo.terminal().call(&here, &list).await.unwrap().response.doses;
    assert_eq!(listed().await, std::slice::from_ref(&told));
    // Sending the file again changes nothing, and takes nothing of what the giver told.
    assert_eq!(put(&scene, rows).await[0].outcome(), RowOutcome::Unchanged);
    assert_eq!(listed().await, std::slice::from_ref(&told));
    // Its number is taken: who tells of the same day with another lot tells of another shot.
    let product = Product { lot_number: "HB-0099".to_owned(), ..told.product.unwrap() };
    let second = Shot { product: Some(product), ..shot("HEPB", -3) };
    let second = record_late(&scene.tokyo, &here, second).await.dose.unwrap();
    assert_eq!(second.status(), DoseStatus::AdministeredInError);
    assert_ne!(second.dose_id, told.dose_id);
}

#[tokio::test]
async fn r_vac_a_register_that_names_another_lot_or_giver_tells_of_another_shot() {
    for product in [Product { lot_number: "HB-0099".to_owned(), ..Product::default() }, Product::default()] {
        let mut scene = Scene::begin().await;
        let performer = match product.lot_number.as_str() {
            "" => "urn:x-pmh:org:clinic:1419811373".to_owned(),
            _ => String::new(),
        };
        put(&scene, vec![DoseRow { product: Some(product), performer, ..row(&scene, "1", -3) }]).await;
        let here = scene.at_tokyo().await;
        let told = record_late(&scene.tokyo, &here, shot("HEPB", -3)).await.dose.unwrap();
        assert_eq!((told.status(), told.version), (DoseStatus::AdministeredInError, 1));
    }
}
