//! 予防接種法施行令 3条: at 60 with a condition, at 65 without; and what a doctor rules out.

use pmh_proto::vaccination::{Condition, Evaluation};

use super::*;

/// Somebody of 62, registered and linked.
async fn elder() -> Scene {
    let (target, town) = town().await;
    let mut baby = Newcomer::born(&target, day(-62 * 365 - 100)).unwrap();
    town.register(&baby).await.unwrap();
    town.link(&mut baby).await.unwrap();
    let tokyo = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let kanagawa = target.counter(organization::KANAGAWA_CLINIC).await.unwrap();
    Scene { target, town, baby, tokyo, kanagawa }
}

fn with(vaccine: &str, conditions: &[Condition]) -> Shot {
    let conditions = conditions.iter().map(|&condition| condition.into()).collect();
    Shot { conditions, ..shot(vaccine, 0) }
}

fn has(evaluation: &Evaluation, kind: &str) -> bool {
    evaluation.findings.iter().any(|finding| finding.kind == kind)
}

#[tokio::test]
async fn r_vac_a_condition_opens_an_adults_window_at_sixty() {
    let mut scene = elder().await;
    let here = scene.at_tokyo().await;
    let is_early = async |shot: Shot| {
        let said = evaluate(&scene.tokyo, &here, shot).await.evaluation.unwrap();
        has(&said, "TOO_EARLY")
    };
    assert!(is_early(with("FLU", &[])).await);
    for condition in [Condition::Heart, Condition::Kidney, Condition::Respiratory, Condition::HivImmune] {
        assert!(!is_early(with("FLU", &[condition])).await, "{condition:?}");
    }
    assert!(is_early(with("ZOSTER-R", &[Condition::Heart])).await, "zoster asks for HIV");
    assert!(!is_early(with("ZOSTER-R", &[Condition::HivImmune])).await);
    let unknown = Shot { conditions: vec![9], ..shot("FLU", 0) };
    let request =
        EvaluateDoseRequest { shot: Some(unknown), purpose: Purpose::Treat.into(), ..Default::default() };
    let fields = crate::support::fields(scene.tokyo.terminal().call(&here, &request).await);
    assert_eq!(fields, [("shot.conditions[0]".to_owned(), Reason::Value)]);
}

#[tokio::test]
async fn r_vac_the_municipalitys_authorization_tells_the_condition_and_the_record_keeps_it() {
    let mut scene = elder().await;
    let row = AuthorizationRow {
        row_id: "a-1".to_owned(),
        resident_key: scene.baby.resident_key.clone(),
        authorization_key: "ticket-1".to_owned(),
        kind: AuthorizationKind::Voucher.into(),
        vaccine: "PPSV23".to_owned(),
        valid: Some(DateRange { from: day(-30).to_string(), to: day(30).to_string() }),
        conditions: vec![Condition::Kidney.into()],
        ..Default::default()
    };
    scene.town.issuer().put(&batch(), vec![row], |_| ()).await.unwrap();
    let here = scene.at_tokyo().await;
    let held = reserve(&scene.tokyo, &here, with("PPSV23", &[])).await;
    assert_eq!(held.outcome(), ReserveOutcome::Reserved, "{held:?}");
    let request = record_request(&held.reservation_id, with("PPSV23", &[]));
    let dose = scene.tokyo.gateway().call(&request, None).await.unwrap().response.dose.unwrap();
    assert_eq!((dose.status(), dose.conditions), (DoseStatus::Completed, vec![Condition::Kidney.into()]));
    assert_eq!(dose.authorization_key, "ticket-1");
    // Nobody tells of it again, and the dose still counts.
    let again = evaluate(&scene.tokyo, &here, with("PPSV23", &[])).await.evaluation.unwrap();
    assert!(has(&again, "SERIES_COMPLETE"), "{again:?}");
}

#[tokio::test]
async fn r_vac_what_a_doctor_ruled_out_is_stopped_until_the_record_is_void() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    let screened =
        RecordDoseRequest { not_done: true, ruled_out: true, ..record_request("", shot("HEPB", 0)) };
    let both = RecordDoseRequest { not_done: false, ..screened.clone() };
    let fields = crate::support::fields(scene.tokyo.terminal().call(&here, &both).await);
    assert_eq!(fields, [("ruled_out".to_owned(), Reason::Contradiction)]);
    let dose = scene.tokyo.terminal().call(&here, &screened).await.unwrap().response.dose.unwrap();
    assert!(dose.ruled_out);
    let said = evaluate(&scene.tokyo, &here, shot("HEPB", 0)).await.evaluation.unwrap();
    assert!(said.verdict() == Verdict::Block && has(&said, "CONTRAINDICATION"), "{said:?}");
    assert_eq!(forecast(&scene, "HEPB").await, "CONTRAINDICATED");
    let void = VoidDoseRequest {
        idempotency_key: names::uuid(),
        dose_id: dose.dose_id,
        version: 1,
        reason: "別人の記録".to_owned(),
    };
    scene.tokyo.gateway().call(&void, None).await.unwrap();
    let said = evaluate(&scene.tokyo, &here, shot("HEPB", 0)).await.evaluation.unwrap();
    assert_eq!(said.verdict(), Verdict::Ok);
    assert_ne!(forecast(&scene, "HEPB").await, "CONTRAINDICATED");
}

async fn forecast(scene: &Scene, series: &str) -> String {
    let request = GetForecastRequest {
        date: day(0).to_string(),
        resident_key: scene.baby.resident_key.clone(),
        ..Default::default()
    };
    let answer = scene.town.issuer().gateway().call(&request, None).await.unwrap().response;
    answer.series.into_iter().find(|found| found.series == series).unwrap().status
}

/// 実施規則: 20 clear days instead of 27 「医師が必要と認めた場合」. Nobody said so, so it was a mistake.
#[tokio::test]
async fn r_vac_a_shortened_interval_counts_only_if_a_doctor_says_why() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    record_late(&scene.tokyo, &here, shot("HIB", -21)).await;
    let unsaid = record_late(&scene.tokyo, &here, shot("HIB", 0)).await.dose.unwrap();
    assert_eq!(unsaid.status(), DoseStatus::AdministeredInError);
    assert!(unsaid.findings.iter().all(|finding| !finding.overridden));

    let mut other = Scene::begin().await;
    let there = other.at_tokyo().await;
    record_late(&other.tokyo, &there, shot("HIB", -21)).await;
    let before = overridden(&other.town).await;
    let request = RecordDoseRequest {
        late: DoseSource::Paper.into(),
        doctor_override: Some(DoctorOverride { reason: "医師が必要と認めた".to_owned() }),
        ..record_request("", shot("HIB", 0))
    };
    let said = other.tokyo.terminal().call(&there, &request).await.unwrap().response.dose.unwrap();
    assert_eq!((said.status(), said.dose_number), (DoseStatus::Completed, 2));
    assert!(overridden(&other.town).await > before, "the municipality's report counts it");
}

async fn overridden(town: &Town) -> u64 {
    let days = Some(DateRange { from: day(-1).to_string(), to: day(1).to_string() });
    let request = GetErrorPreventionReportRequest { days };
    let report = town.issuer().gateway().call(&request, None).await.unwrap().response;
    let hib = report.stopped.iter().filter(|row| row.vaccine == "HIB" && row.rule.starts_with("HIB"));
    hib.map(|row| row.overridden).sum()
}
