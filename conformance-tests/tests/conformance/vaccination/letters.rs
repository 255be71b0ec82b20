//! Letters addressed to a place, days a reservation can be for, and long lists.

use super::*;

fn letter(scene: &Scene, to: &str) -> AuthorizationRow {
    AuthorizationRow {
        row_id: "a-1".to_owned(),
        resident_key: scene.baby.resident_key.clone(),
        authorization_key: "letter-1".to_owned(),
        kind: AuthorizationKind::Request.into(),
        vaccine: "HEPB".to_owned(),
        dose_numbers: vec![1],
        institutions: vec![to.to_owned()],
        valid: Some(DateRange { from: day(-90).to_string(), to: day(90).to_string() }),
        ..Default::default()
    }
}

/// 依頼書 「横浜市長 様」.
#[tokio::test]
async fn r_vac_a_letter_to_a_mayor_is_for_the_institutions_there_and_is_used_up() {
    let mut scene = Scene::begin().await;
    let there = scene.at_kanagawa().await;
    let elsewhere = letter(&scene, "urn:x-pmh:org:prefecture:130001");
    scene.town.issuer().put(&batch(), vec![elsewhere], |_| ()).await.unwrap();
    let refused = reserve(&scene.kanagawa, &there, shot("HEPB", 0)).await;
    assert_eq!(refused.outcome(), ReserveOutcome::Blocked, "it was written to Tokyo");
    let yokohama = letter(&scene, "urn:x-pmh:org:municipality:141003");
    scene.town.issuer().put(&batch(), vec![yokohama], |_| ()).await.unwrap();
    let first = record_late(&scene.kanagawa, &there, shot("HEPB", -40)).await.dose.unwrap();
    assert_eq!((first.authorization_key.as_str(), first.dose_number), ("letter-1", 1));
    assert_eq!(first.payer, "urn:x-pmh:org:municipality:132012");
    // The same day again under the same letter: nobody asks for it a second time.
    let void = VoidDoseRequest {
        idempotency_key: names::uuid(),
        dose_id: first.dose_id,
        version: 1,
        reason: "別人の記録".to_owned(),
    };
    let again = evaluate(&scene.kanagawa, &there, shot("HEPB", 0)).await.evaluation.unwrap();
    assert!(again.findings.iter().any(|finding| finding.kind == "NO_AUTHORIZATION"), "it was for dose 1");
    scene.kanagawa.gateway().call(&void, None).await.unwrap();
    let held = reserve(&scene.kanagawa, &there, shot("HEPB", 0)).await;
    assert_eq!(held.outcome(), ReserveOutcome::Reserved, "a dose that never happened used nothing up");
}

#[tokio::test]
async fn r_vac_a_reservation_is_for_a_shot_today() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    for days in [-1, 2] {
        let outcome = scene.tokyo.terminal().call(&here, &reserve_request(shot("HEPB", days))).await;
        let fields = crate::support::fields(outcome);
        assert_eq!(fields, [("shot.date".to_owned(), Reason::DateOutOfRange)], "{days}");
    }
    assert_eq!(reserve(&scene.tokyo, &here, shot("HEPB", 0)).await.outcome(), ReserveOutcome::Reserved);
}

#[tokio::test]
async fn r_vac_a_list_of_doses_comes_in_pages() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    for (vaccine, days) in [("HEPB", -30), ("HIB", -30), ("PCV", -30), ("HEPB", -1)] {
        record_late(&scene.tokyo, &here, shot(vaccine, days)).await;
    }
    let mut request = ListDosesRequest { purpose: Purpose::Treat.into(), ..Default::default() };
    let whole = scene.tokyo.terminal().call(&here, &request).await.unwrap().response;
    assert_eq!((whole.doses.len(), whole.next_page_token.as_str()), (4, ""));
    let mut paged = Vec::new();
    request.page_size = 3;
    loop {
        let page = scene.tokyo.terminal().call(&here, &request).await.unwrap().response;
        assert!(page.doses.len() <= 3);
        paged.extend(page.doses);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole.doses);
    let invented = ListDosesRequest { page_token: "2026-01-01/x".to_owned(), ..request };
    let fields = crate::support::fields(scene.tokyo.terminal().call(&here, &invented).await);
    assert_eq!(fields, [("page_token".to_owned(), Reason::Value)]);
}
