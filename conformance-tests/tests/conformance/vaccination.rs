//! One dose, once (P7): what two counters, a late paper and a municipality see of it.

mod adults;
mod history;
mod letters;
mod news;
mod restricted;

use pmh_audit::Kind;
use pmh_client::{Presence, Presentation};
use pmh_conformance::{
    Counter, Newcomer, Target, Town, clock::day, counter::organization, names, town::batch,
};
use pmh_proto::{
    common::{BulkSummary, DateRange, Purpose, Reason, RowOutcome, RowResult},
    vaccination::{
        AcknowledgeDosesRequest, Administration, AmendDoseRequest, AuthorizationKind, AuthorizationRow,
        Availability, ClaimState, DoctorOverride, Dose, DoseRow, DoseSource, DoseStatus, EvaluateDoseRequest,
        EvaluateDoseResponse, GetErrorPreventionReportRequest, GetForecastRequest, HistoryState,
        ListClaimLinesRequest, ListDosesRequest, Product, Programme, Questionnaire, RecordDoseRequest,
        RecordDoseResponse, ReleaseDoseRequest, ReserveDoseRequest, ReserveDoseResponse, ReserveOutcome,
        Shot, Verdict, VoidDoseRequest, WatchDosesRequest, WatchDosesResponse,
    },
};

use crate::support::{reason, town};

/// A baby of a hundred days, registered in 八王子市, whose card is linked; and two clinics.
struct Scene {
    target: Target,
    town: Town,
    baby: Newcomer,
    tokyo: Counter,
    kanagawa: Counter,
}

impl Scene {
    async fn begin() -> Self {
        let (target, town) = town().await;
        let mut baby = Newcomer::born(&target, day(-100)).unwrap();
        town.register(&baby).await.unwrap();
        town.link(&mut baby).await.unwrap();
        let tokyo = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        let kanagawa = target.counter(organization::KANAGAWA_CLINIC).await.unwrap();
        Self { target, town, baby, tokyo, kanagawa }
    }

    /// With a 依頼書 for all shots of a vaccine outside the prefecture.
    async fn away(&self, vaccine: &str) {
        let row = AuthorizationRow {
            row_id: "a-1".to_owned(),
            resident_key: self.baby.resident_key.clone(),
            authorization_key: format!("letter-{vaccine}"),
            kind: AuthorizationKind::Request.into(),
            vaccine: vaccine.to_owned(),
            valid: Some(DateRange { from: day(-90).to_string(), to: day(90).to_string() }),
            ..Default::default()
        };
        let summary = self.town.issuer().put(&batch(), vec![row], |_| ()).await.unwrap();
        assert_eq!(summary.created, 1);
    }

    async fn at_tokyo(&mut self) -> Presence {
        self.tokyo.present_as(&mut self.baby.card, &for_vaccination()).await.unwrap()
    }

    async fn at_kanagawa(&mut self) -> Presence {
        self.kanagawa.present_as(&mut self.baby.card, &for_vaccination()).await.unwrap()
    }

    /// The feed from its acknowledged place on, only what is about this baby.
    async fn told(&self) -> Vec<WatchDosesResponse> {
        self.told_after("").await
    }

    async fn told_after(&self, cursor: &str) -> Vec<WatchDosesResponse> {
        let request = WatchDosesRequest { cursor: cursor.to_owned(), follow: false };
        let mut feed = self.town.issuer().gateway().watch_doses(&request).await.unwrap();
        let mut told = Vec::new();
        while let Some((message, _)) = feed.next().await.unwrap() {
            told.push(message);
        }
        told.retain(|message| message.resident_key == self.baby.resident_key);
        told
    }
}

fn for_vaccination() -> Presentation {
    Presentation::for_vaccination("予防接種の記録を確認し、登録します。よろしいですか。")
}

/// A shot with everything answered and seen.
fn shot(vaccine: &str, days: i64) -> Shot {
    Shot {
        vaccine: vaccine.to_owned(),
        date: day(days).to_string(),
        programme: Programme::Routine.into(),
        product: Some(Product {
            lot_number: "HB-0042".to_owned(),
            expiration_date: day(300).to_string(),
            ..Product::default()
        }),
        questionnaire: Some(Questionnaire::default()),
        paper_seen: true,
        ..Shot::default()
    }
}

fn reserve_request(shot: Shot) -> ReserveDoseRequest {
    ReserveDoseRequest {
        idempotency_key: names::uuid(),
        shot: Some(shot),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    }
}

async fn evaluate(counter: &Counter, presence: &Presence, shot: Shot) -> EvaluateDoseResponse {
    let request =
        EvaluateDoseRequest { shot: Some(shot), purpose: Purpose::Treat.into(), ..Default::default() };
    counter.terminal().call(presence, &request).await.unwrap().response
}

async fn reserve(counter: &Counter, presence: &Presence, shot: Shot) -> ReserveDoseResponse {
    counter.terminal().call(presence, &reserve_request(shot)).await.unwrap().response
}

fn record_request(reservation_id: &str, shot: Shot) -> RecordDoseRequest {
    RecordDoseRequest {
        idempotency_key: names::uuid(),
        reservation_id: reservation_id.to_owned(),
        shot: Some(shot),
        administration: Some(Administration {
            quantity_ul: 250,
            doctor: "dr-7".to_owned(),
            ..Default::default()
        }),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    }
}

/// From a paper 予診票, days later.
async fn record_late(counter: &Counter, presence: &Presence, shot: Shot) -> RecordDoseResponse {
    let request = RecordDoseRequest { late: DoseSource::Paper.into(), ..record_request("", shot) };
    counter.terminal().call(presence, &request).await.unwrap().response
}

#[tokio::test]
async fn p7_two_clinics_at_the_same_second_and_one_holds_the_dose() {
    let mut scene = Scene::begin().await;
    scene.away("HEPB").await;
    let (here, there) = (scene.at_tokyo().await, scene.at_kanagawa().await);
    let (one, other) = tokio::join!(
        reserve(&scene.tokyo, &here, shot("HEPB", 0)),
        reserve(&scene.kanagawa, &there, shot("HEPB", 0))
    );
    let outcomes = [one.outcome(), other.outcome()];
    assert!(outcomes.contains(&ReserveOutcome::Reserved), "{one:?} {other:?}");
    assert!(outcomes.contains(&ReserveOutcome::ReservedElsewhere), "{one:?} {other:?}");
    let (held, refused) = if outcomes[0] == ReserveOutcome::Reserved { (one, other) } else { (other, one) };
    assert_eq!(refused.reserved_until, held.reserved_until, "the time until is told");
    assert!(refused.reservation_id.is_empty());
    assert!(!format!("{refused:?}").contains("clinic"), "and nothing of where");
    let looked = evaluate(&scene.tokyo, &here, shot("HEPB", 0)).await;
    assert_ne!(looked.availability(), Availability::Free);
}

#[tokio::test]
async fn p7_a_released_dose_is_free_for_the_other_clinic() {
    let mut scene = Scene::begin().await;
    scene.away("HEPB").await;
    let (here, there) = (scene.at_tokyo().await, scene.at_kanagawa().await);
    let held = reserve(&scene.tokyo, &here, shot("HEPB", 0)).await;
    let release = |reservation_id: &str| ReleaseDoseRequest {
        idempotency_key: names::uuid(),
        reservation_id: reservation_id.to_owned(),
    };
    let others = scene.kanagawa.gateway().call(&release(&held.reservation_id), None).await;
    assert_eq!(reason(others), Reason::NotFound, "somebody else's reservation does not exist");
    assert!(
        scene.tokyo.gateway().call(&release(&held.reservation_id), None).await.unwrap().response.released
    );
    let now = reserve(&scene.kanagawa, &there, shot("HEPB", 0)).await;
    assert_eq!(now.outcome(), ReserveOutcome::Reserved, "{now:?}");
}

#[tokio::test]
async fn p7_a_second_dose_really_given_is_recorded_in_error_and_told() {
    let mut scene = Scene::begin().await;
    scene.away("HEPB").await;
    let (here, there) = (scene.at_tokyo().await, scene.at_kanagawa().await);
    let held = reserve(&scene.tokyo, &here, shot("HEPB", 0)).await;
    // The token is not needed any more: the reservation names the person.
    let request = record_request(&held.reservation_id, shot("HEPB", 0));
    let first = scene.tokyo.gateway().call(&request, None).await.unwrap().response.dose.unwrap();
    assert_eq!((first.status(), first.dose_number, first.version), (DoseStatus::Completed, 1, 1));
    assert_eq!(first.payer, "urn:x-pmh:org:municipality:132012");
    let second = record_late(&scene.kanagawa, &there, shot("HEPB", 0)).await.dose.unwrap();
    assert_eq!(second.status(), DoseStatus::AdministeredInError);
    assert!(second.findings.iter().any(|finding| finding.level() == Verdict::Block), "{second:?}");
    // The municipality is told of both, with what the error report needs.
    let told = scene.told_after("0").await;
    let doses: Vec<&Dose> = told.iter().filter_map(|message| message.dose.as_ref()).collect();
    assert_eq!(doses.iter().map(|dose| &dose.dose_id).collect::<Vec<_>>(), [&first.dose_id, &second.dose_id]);
    assert_eq!(doses[1].performer, "urn:x-pmh:org:clinic:1419811373");
    assert_eq!(doses[1].product.as_ref().unwrap().lot_number, "HB-0042");
    assert!(!doses[1].findings.is_empty());
    // In no series: the next one is still the second.
    let next = evaluate(&scene.tokyo, &here, shot("HEPB", 40)).await.evaluation.unwrap();
    assert_eq!(next.dose_number, 2);
}

#[tokio::test]
async fn p9_reserving_and_recording_again_change_nothing() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    let wish = reserve_request(shot("HEPB", 0));
    let held = scene.tokyo.terminal().call(&here, &wish).await.unwrap().response;
    let again = scene.tokyo.terminal().call(&here, &wish).await.unwrap();
    assert_eq!(again.response.reservation_id, held.reservation_id);
    assert_eq!(again.proof.leaf.kind, Kind::Replay);
    let request = record_request(&held.reservation_id, shot("HEPB", 0));
    let first = scene.tokyo.terminal().call(&here, &request).await.unwrap().response;
    let second = scene.tokyo.terminal().call(&here, &request).await.unwrap();
    assert_eq!(second.response.dose, first.dose);
    assert_eq!(second.proof.leaf.kind, Kind::Replay);
    let list = ListDosesRequest { purpose: Purpose::Treat.into(), ..Default::default() };
    assert_eq!(scene.tokyo.terminal().call(&here, &list).await.unwrap().response.doses.len(), 1);
    let other = ReserveDoseRequest { shot: Some(shot("HIB", 0)), ..wish };
    assert_eq!(reason(scene.tokyo.terminal().call(&here, &other).await), Reason::IdempotencyKeyReused);
}

#[tokio::test]
async fn r_vac_a_wrong_interval_is_stopped_with_the_next_date_and_counted() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    record_late(&scene.tokyo, &here, shot("HEPB", -10)).await;
    let before = stops(&scene.town, "HEPB").await;
    let judged = evaluate(&scene.tokyo, &here, shot("HEPB", 0)).await.evaluation.unwrap();
    assert_eq!(judged.verdict(), Verdict::Block);
    // 27 clear days: the same weekday four weeks later.
    assert_eq!(judged.allowed_from, day(18).to_string());
    let interval = judged.findings.iter().find(|finding| finding.kind == "INTERVAL").unwrap();
    let rule = interval.rule.as_ref().unwrap();
    assert!(!rule.id.is_empty() && !rule.version.is_empty() && !rule.sources.is_empty());
    let wish = reserve(&scene.tokyo, &here, shot("HEPB", 0)).await;
    assert_eq!(wish.outcome(), ReserveOutcome::Blocked);
    assert!(wish.reservation_id.is_empty());
    // Asking twice is one shot that was stopped.
    assert_eq!(stops(&scene.town, "HEPB").await, before + 1);
}

/// Shots of a vaccine that any rule stopped, by the rule that stopped most.
async fn stops(town: &Town, vaccine: &str) -> u64 {
    let days = Some(DateRange { from: day(-1).to_string(), to: day(1).to_string() });
    let request = GetErrorPreventionReportRequest { days };
    let report = town.issuer().gateway().call(&request, None).await.unwrap().response;
    let interval =
        |row: &&pmh_proto::vaccination::StoppedByRule| row.vaccine == vaccine && row.rule == "HEPB/dose-2";
    report.stopped.iter().filter(interval).map(|row| row.stopped).sum()
}

#[tokio::test]
async fn r_vac_a_doctor_goes_past_what_the_law_leaves_to_doctors_and_the_log_says_so() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    // 21 days after the first Hib: the rule asks for 27 clear days, a doctor may take 20 (実施規則).
    record_late(&scene.tokyo, &here, shot("HIB", -21)).await;
    assert_eq!(reserve(&scene.tokyo, &here, shot("HIB", 0)).await.outcome(), ReserveOutcome::Blocked);
    let doctor_override = Some(DoctorOverride { reason: "医師が必要と認めた".to_owned() });
    let wish = ReserveDoseRequest { doctor_override, ..reserve_request(shot("HIB", 0)) };
    let held = scene.tokyo.terminal().call(&here, &wish).await.unwrap();
    assert_eq!(held.response.outcome(), ReserveOutcome::Reserved, "{:?}", held.response);
    let rows: Vec<u16> = held.proof.detail.outcomes.iter().map(|row| row.outcome).collect();
    assert!(rows.contains(&12), "a stop that a doctor went past is in the entry: {rows:?}");
    let request = record_request(&held.response.reservation_id, shot("HIB", 0));
    let dose = scene.tokyo.terminal().call(&here, &request).await.unwrap().response.dose.unwrap();
    assert_eq!((dose.status(), dose.dose_number), (DoseStatus::Completed, 2));
    assert_eq!(dose.override_reason, "医師が必要と認めた");
    assert!(dose.findings.iter().any(|finding| finding.overridden));
}

#[tokio::test]
async fn r_vac_a_shot_away_from_home_needs_the_letter_of_home() {
    let mut scene = Scene::begin().await;
    let there = scene.at_kanagawa().await;
    let refused = reserve(&scene.kanagawa, &there, shot("HEPB", 0)).await;
    assert_eq!(refused.outcome(), ReserveOutcome::Blocked);
    let findings = refused.evaluation.unwrap().findings;
    assert!(findings.iter().any(|finding| finding.kind == "NO_AUTHORIZATION"), "{findings:?}");
    scene.away("HEPB").await;
    let held = reserve(&scene.kanagawa, &there, shot("HEPB", 0)).await;
    assert_eq!(held.outcome(), ReserveOutcome::Reserved, "{held:?}");
    let request = record_request(&held.reservation_id, shot("HEPB", 0));
    let dose = scene.kanagawa.gateway().call(&request, None).await.unwrap().response.dose.unwrap();
    assert_eq!(dose.authorization_key, "letter-HEPB");
    assert_eq!(dose.payer, "urn:x-pmh:org:municipality:132012");
}

#[tokio::test]
async fn r_vac_the_feed_resumes_after_a_cut_until_it_is_acknowledged() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    record_late(&scene.tokyo, &here, shot("HEPB", -40)).await;
    record_late(&scene.tokyo, &here, shot("HIB", -30)).await;
    // Cut after the first message: it comes again, with everything after it.
    let request = WatchDosesRequest { follow: true, ..Default::default() };
    let mut feed = scene.town.issuer().gateway().watch_doses(&request).await.unwrap();
    assert!(feed.next().await.unwrap().is_some());
    drop(feed);
    let told = scene.told().await;
    let vaccines: Vec<_> =
        told.iter().map(|message| message.dose.as_ref().unwrap().vaccine.as_str()).collect();
    assert_eq!(vaccines, ["HEPB", "HIB"]);
    assert_eq!(scene.told_after(&told[0].cursor).await.len(), 1, "a cursor goes on after it");
    let acknowledge =
        |cursor: &str| AcknowledgeDosesRequest { idempotency_key: names::uuid(), cursor: cursor.to_owned() };
    let gateway = scene.town.issuer().gateway();
    let stands = gateway.call(&acknowledge(&told[1].cursor), None).await.unwrap().response.cursor;
    let back = gateway.call(&acknowledge(&told[0].cursor), None).await.unwrap().response.cursor;
    assert!(back.parse::<u64>().unwrap() >= stands.parse::<u64>().unwrap(), "never moves back");
    assert!(scene.told().await.is_empty());
    assert_eq!(scene.told_after("0").await.len(), 2, "nothing is lost by it");
}

#[tokio::test]
async fn r_vac_past_records_import_once_and_are_counted() {
    use RowOutcome::{Created, Quarantined, Rejected};

    let mut scene = Scene::begin().await;
    let row = |row_id: &str, number: u32, days: i64| DoseRow {
        row_id: row_id.to_owned(),
        resident_key: scene.baby.resident_key.clone(),
        vaccine: "HEPB".to_owned(),
        dose_number: number,
        date: day(days).to_string(),
        programme: Programme::Routine.into(),
        ..Default::default()
    };
    let rows = vec![
        row("1", 1, -90),
        row("2", 2, -60),
        row("3", 2, 5),
        DoseRow { resident_key: "nobody".to_owned(), ..row("4", 1, -90) },
        DoseRow { vaccine: "hepb".to_owned(), ..row("5", 1, -90) },
        DoseRow { resident_key: concat!("123456", "789018").to_owned(), ..row("6", 1, -90) },
    ];
    let mut outcomes = Vec::new();
    let collect = |chunk: pmh_client::Chunk<'_>| outcomes.extend(chunk.rows.iter().map(RowResult::outcome));
    let issuer = scene.town.issuer();
    let first = issuer.put(&batch(), rows.clone(), collect).await.unwrap();
    assert_eq!(outcomes, [Created, Created, Rejected, Rejected, Rejected, Quarantined]);
    let again = issuer.put(&batch(), rows, |_| ()).await.unwrap();
    assert_eq!(again, BulkSummary { unchanged: first.created, created: 0, ..first });
    let here = scene.at_tokyo().await;
    let unseen = Shot { paper_seen: false, ..shot("HEPB", 0) };
    let judged = evaluate(&scene.tokyo, &here, unseen).await.evaluation.unwrap();
    assert_eq!((judged.dose_number, judged.history()), (3, HistoryState::Incomplete));
    let request = GetForecastRequest {
        date: day(0).to_string(),
        resident_key: scene.baby.resident_key.clone(),
        ..Default::default()
    };
    let gateway = scene.town.issuer().gateway();
    let forecast = gateway.call(&request, None).await.unwrap().response;
    let hepb = forecast.series.iter().find(|series| series.series == "HEPB").unwrap();
    assert_eq!(hepb.due, [3]);
    // 139 clear days after the first.
    assert_eq!(hepb.earliest, day(-90 + 140).to_string());
    let own = ListDosesRequest { resident_key: scene.baby.resident_key.clone(), ..Default::default() };
    assert_eq!(gateway.call(&own, None).await.unwrap().response.doses.len(), 2);
    let kawasaki = scene.target.issuer(organization::KANAGAWA_CLINIC).await.unwrap();
    assert_eq!(reason(kawasaki.gateway().call(&own, None).await), Reason::TokenMissing);
}

#[tokio::test]
async fn r_vac_corrections_keep_their_lineage_and_a_voided_dose_frees_its_number() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    let dose = record_late(&scene.tokyo, &here, shot("HEPB", -3)).await.dose.unwrap();
    let amend = AmendDoseRequest {
        idempotency_key: names::uuid(),
        dose_id: dose.dose_id.clone(),
        version: 1,
        date: day(-2).to_string(),
        product: Some(Product { lot_number: "HB-0043".to_owned(), ..dose.product.clone().unwrap() }),
        administration: dose.administration.clone(),
        reason: "ロット番号の誤記".to_owned(),
    };
    let others = scene.kanagawa.gateway().call(&amend, None).await;
    assert_eq!(reason(others), Reason::NotFound, "nobody else's dose exists");
    let amended = scene.tokyo.gateway().call(&amend, None).await.unwrap().response.dose.unwrap();
    assert_eq!((amended.version, amended.status()), (2, DoseStatus::Completed));
    assert_eq!(amended.date, day(-2).to_string());
    let void = |version| VoidDoseRequest {
        idempotency_key: names::uuid(),
        dose_id: dose.dose_id.clone(),
        version,
        reason: "別人の記録".to_owned(),
    };
    assert_eq!(reason(scene.tokyo.gateway().call(&void(1), None).await), Reason::VersionConflict);
    let voided = scene.town.issuer().gateway().call(&void(2), None).await.unwrap().response.dose.unwrap();
    assert_eq!((voided.version, voided.status()), (3, DoseStatus::EnteredInError));
    assert_eq!(reason(scene.tokyo.gateway().call(&void(3), None).await), Reason::StateNotAllowed);
    let again = reserve(&scene.tokyo, &here, shot("HEPB", 0)).await;
    assert_eq!(again.outcome(), ReserveOutcome::Reserved);
    assert_eq!(again.evaluation.unwrap().dose_number, 1);
}

#[tokio::test]
async fn r_vac_recording_completes_the_claim_for_payer_and_institution() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    record_late(&scene.tokyo, &here, shot("HEPB", 0)).await;
    let screened = RecordDoseRequest { not_done: true, ..record_request("", shot("HIB", 0)) };
    let screened = scene.tokyo.terminal().call(&here, &screened).await.unwrap().response.dose.unwrap();
    assert_eq!(screened.status(), DoseStatus::NotDone);
    let request =
        ListClaimLinesRequest { days: Some(DateRange { from: day(0).to_string(), to: day(0).to_string() }) };
    let mut lines = scene.town.issuer().gateway().list_claim_lines(&request).await.unwrap();
    let mut states = Vec::new();
    while let Some((line, _)) = lines.next().await.unwrap() {
        if line.resident_key == scene.baby.resident_key {
            states.push(line.state());
        }
    }
    states.sort_unstable();
    assert_eq!(states, [ClaimState::Given, ClaimState::ScreenedOnly]);
    let mut own = scene.tokyo.gateway().list_claim_lines(&request).await.unwrap();
    while let Some((line, _)) = own.next().await.unwrap() {
        assert_eq!(line.resident_key, "", "the payer's key is the payer's");
        assert_eq!(line.dose.unwrap().performer, "urn:x-pmh:org:clinic:1310310243");
    }
}

#[tokio::test]
async fn r_vac_a_card_that_nobody_has_linked_needs_the_chart_and_a_wrong_chart_is_a_wrong_person() {
    let mut scene = Scene::begin().await;
    let here = scene.at_tokyo().await;
    let wrong = Shot { birth_date: day(-101).to_string(), ..shot("HEPB", 0) };
    let request =
        EvaluateDoseRequest { shot: Some(wrong), purpose: Purpose::Treat.into(), ..Default::default() };
    assert_eq!(reason(scene.tokyo.terminal().call(&here, &request).await), Reason::SubjectMismatch);
    let mut stranger = Newcomer::born(&scene.target, day(-100)).unwrap();
    let unlinked = scene.tokyo.present_as(&mut stranger.card, &for_vaccination()).await.unwrap();
    let request = EvaluateDoseRequest {
        shot: Some(shot("HEPB", 0)),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    };
    let fields = crate::support::fields(scene.tokyo.terminal().call(&unlinked, &request).await);
    assert_eq!(fields, [("shot.birth_date".to_owned(), Reason::Required)]);
    let chart = Shot { birth_date: day(-100).to_string(), ..shot("HEPB", 0) };
    let judged = evaluate(&scene.tokyo, &unlinked, chart).await.evaluation.unwrap();
    assert!(judged.findings.iter().any(|finding| finding.kind == "RESIDENCE_UNKNOWN"), "{judged:?}");
}
