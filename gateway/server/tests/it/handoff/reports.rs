//! Reports to home, the person there who reads them, and changes of plan; over the open wire and carried by hand.

use jiff::ToSpan as _;
use pmh::sandbox::uuid;
use pmh_audit::Kind;
use pmh_client::call::Receipted;
use pmh_client::{Error, Proven};
use pmh_proto::audit::Receipt;
use pmh_proto::common::Reason;
use pmh_proto::handoff::{
    AcknowledgeReportRequest, AcknowledgeReportResponse, AddConsentRequest, DeliverResponse,
    ExtendHandoffRequest, ExtendHandoffResponse, HandoffAssessment, HandoffCategory, HandoffChange,
    HandoffConsent, HandoffConsentOrigin, HandoffCost, HandoffDuty, HandoffEpdsReport,
    HandoffProtectiveReport, HandoffReport, HandoffState, HandoffTransferReport, HandoffVisitReport,
    MoveHandoffRequest, ReadHandoffRecordsRequest, ReportToHomeRequest, ReportToHomeResponse,
    handoff_report::News, handoff_service_client::HandoffServiceClient,
};
use pmh_proto::resident::{PutRestrictionRequest, RestrictionKind};

use super::people::{Mother, arrived, confirm, listed};
use super::rig::{AT_HOME, AT_STAY, Pair, Town, Wire, pair, reason, today, until};
use super::watch::{changes, told};

#[tokio::test]
async fn an_urgent_report_waits_on_both_sides_until_a_person_at_home_has_read_it() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    let epds = News::Epds(HandoffEpdsReport { total: 9, item10: 0 });
    let sent = report(pair, &id, of(HandoffDuty::PostpartumCare, epds)).await.unwrap();
    let news = told(&pair.home, AT_HOME, &id, HandoffChange::Reported).await;
    let received = news.report.clone().unwrap();
    assert!(received.urgent, "the gateway calls it urgent, not the officer");
    assert_eq!((news.late, news.acknowledged, news.escalations), (false, false, 0));
    let name = news.report_entry.unwrap();
    assert_eq!((name.index, name.leaf_hash.as_slice()), (sent.proof.index, &sent.proof.leaf_hash[..]));
    for (town, terminal) in [(&pair.home, AT_HOME), (&pair.stay, AT_STAY)] {
        let known = listed(town, terminal, &id).await.unwrap();
        assert_eq!((known.unacknowledged, known.overdue), (1, 0));
    }
    let unnamed = acknowledge(pair, &id, &name.leaf_hash, None).await;
    assert_eq!(reason(unnamed), Reason::InvalidFields, "a program reads nothing");
    acknowledge(pair, &id, &name.leaf_hash, Some("h-07")).await.unwrap();
    told(&pair.stay, AT_STAY, &id, HandoffChange::Acknowledged).await;
    for (town, terminal) in [(&pair.home, AT_HOME), (&pair.stay, AT_STAY)] {
        assert_eq!(listed(town, terminal, &id).await.unwrap().unacknowledged, 0);
    }
    let own = changes(&pair.stay, AT_STAY, &id).await;
    let own = own.iter().find(|news| news.change() == HandoffChange::Reported).unwrap();
    assert!(own.acknowledged);
}

#[tokio::test]
async fn a_result_carries_what_it_cost_and_waits_for_nobody() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    let cost = HandoffCost { ticket: "T-17".to_owned(), paid_yen: 4_200, paper_receipt: "R-9".to_owned() };
    let visit = HandoffReport { cost: Some(cost), ..of(HandoffDuty::Consultation, visit()) };
    report(pair, &id, visit.clone()).await.unwrap();
    let news = told(&pair.home, AT_HOME, &id, HandoffChange::Reported).await;
    assert_eq!(news.report.unwrap(), visit);
    assert_eq!(listed(&pair.home, AT_HOME, &id).await.unwrap().unacknowledged, 0);
    let leaf = news.report_entry.unwrap().leaf_hash;
    let nobody_waits = acknowledge(pair, &id, &leaf, Some("h-07")).await;
    assert_eq!(reason(nobody_waits), Reason::StateNotAllowed);
}

#[tokio::test]
async fn what_cannot_be_is_no_report() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    let epds =
        |total, item10| of(HandoffDuty::PostpartumCare, News::Epds(HandoffEpdsReport { total, item10 }));
    let cost = Some(HandoffCost { paid_yen: 1, ..Default::default() });
    let wrong = [
        epds(31, 0),
        epds(2, 3),
        of(HandoffDuty::Vaccination, visit()),
        of(HandoffDuty::Unspecified, visit()),
        HandoffReport { cost, ..of(HandoffDuty::Unspecified, protective()) },
        HandoffReport { news: None, ..of(HandoffDuty::Consultation, visit()) },
        HandoffReport { on: "2026-13-01".to_owned(), ..of(HandoffDuty::Consultation, visit()) },
    ];
    for report_of in wrong {
        assert_eq!(reason(report(pair, &id, report_of).await), Reason::InvalidFields);
    }
    let not_its = of(HandoffDuty::NewbornVisit, visit());
    assert_eq!(reason(report(pair, &id, not_its).await), Reason::StateNotAllowed, "never offered");
    let tomorrow =
        HandoffReport { on: (today() + 1.day()).to_string(), ..of(HandoffDuty::Consultation, visit()) };
    assert_eq!(reason(report(pair, &id, tomorrow).await), Reason::StateNotAllowed);
    assert_eq!(reason(report(pair, &uuid(), of(HandoffDuty::Consultation, visit())).await), Reason::NotFound);
}

#[tokio::test]
async fn lost_doubled_and_reordered_reports_are_each_entered_once() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let id = carried_over(pair, &mut mother).await;
    let first = report(pair, &id, of(HandoffDuty::Consultation, visit())).await.unwrap().response;
    let second = report(pair, &id, of(HandoffDuty::Unspecified, protective())).await.unwrap().response;
    // The first is lost, the second comes twice, and then the first comes after all.
    let told = to_home(pair, &second).await.unwrap();
    let again = to_home(pair, &second).await.unwrap();
    assert_eq!((told.proof.leaf.kind, again.proof.leaf.kind), (Kind::Write, Kind::Replay));
    to_home(pair, &first).await.unwrap();
    to_home(pair, &first).await.unwrap();
    let entered = changes(&pair.home, AT_HOME, &id).await;
    let reports: Vec<_> =
        entered.into_iter().filter(|news| news.change() == HandoffChange::Reported).collect();
    let urgent: Vec<_> = reports.iter().map(|news| news.report.as_ref().unwrap().urgent).collect();
    assert_eq!(urgent, [true, false], "each once, in the order in which home entered them");
    let leaf = reports[0].report_entry.clone().unwrap().leaf_hash;
    let read = acknowledge(pair, &id, &leaf, Some("h-07")).await.unwrap().response;
    to_stay(pair, &read).await.unwrap();
    let twice = to_stay(pair, &read).await.unwrap();
    assert_eq!(twice.proof.leaf.kind, Kind::Replay);
    assert_eq!(listed(&pair.stay, AT_STAY, &id).await.unwrap().unacknowledged, 0);
}

#[tokio::test]
async fn a_forged_report_is_refused_and_for_a_restricted_mother_it_is_as_if_there_were_none() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let id = carried_over(pair, &mut mother).await;
    let sent = report(pair, &id, of(HandoffDuty::Unspecified, protective())).await.unwrap().response;
    let (bytes, receipt) = message(&sent);
    let mut forged = bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(reason(pair.home.deliver(AT_STAY, forged, receipt.clone()).await), Reason::ProofInvalid);
    let mut elsewhere = bytes.clone();
    elsewhere[4] = if elsewhere[4] == b'0' { b'1' } else { b'0' };
    let unknown = pair.home.deliver(AT_STAY, elsewhere, receipt.clone()).await;
    let restrict = PutRestrictionRequest {
        idempotency_key: uuid(),
        resident_key: mother.resident_key.clone(),
        kind: RestrictionKind::Protective.into(),
        lifted: false,
    };
    pair.home.gateway(AT_HOME).await.call(&restrict, None).await.unwrap();
    let restricted = pair.home.deliver(AT_STAY, bytes, receipt).await;
    assert_eq!((reason(unknown), reason(restricted)), (Reason::NotFound, Reason::NotFound));
    let entered = changes(&pair.home, AT_HOME, &id).await;
    assert!(entered.iter().all(|news| news.change() != HandoffChange::Reported));
}

#[tokio::test]
async fn a_longer_stay_is_asked_for_granted_and_shortened_each_with_its_fence() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    let before = listed(&pair.stay, AT_STAY, &id).await.unwrap();
    let longer = (today() + 90.days()).to_string();
    extend(&pair.stay, AT_STAY, &id, &longer).await.unwrap();
    let asked = until("the wish", async || {
        listed(&pair.home, AT_HOME, &id).await.filter(|known| known.asked_last_day == longer)
    })
    .await;
    assert_eq!((asked.last_day, asked.unacknowledged), (before.last_day.clone(), 1));
    let other = extend(&pair.home, AT_HOME, &id, &(today() + 91.days()).to_string()).await;
    assert_eq!(reason(other), Reason::StateNotAllowed, "home grants what was asked, and nothing else");
    let granted = extend(&pair.home, AT_HOME, &id, &longer).await.unwrap();
    let stay = until("the grant", async || {
        listed(&pair.stay, AT_STAY, &id).await.filter(|known| known.last_day == longer)
    })
    .await;
    assert_eq!((stay.fence, stay.unacknowledged), (Some(granted.proof.index), 0));
    assert_eq!(listed(&pair.home, AT_HOME, &id).await.unwrap().unacknowledged, 0);
    let shorter = (today() + 5.days()).to_string();
    extend(&pair.home, AT_HOME, &id, &shorter).await.unwrap();
    until("the shorter stay", async || {
        listed(&pair.stay, AT_STAY, &id).await.filter(|known| known.last_day == shorter)
    })
    .await;
}

#[tokio::test]
async fn more_consent_opens_a_category_and_the_mothers_move_ends_everything() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    assert_eq!(opens(pair, &id, HandoffCategory::Delivery).await, Err(Reason::ConsentRequired));
    let consent = HandoffConsent {
        categories: vec![HandoffCategory::Delivery.into()],
        origin: HandoffConsentOrigin::App.into(),
        ..Default::default()
    };
    let add = AddConsentRequest { idempotency_key: uuid(), handoff_id: id.clone(), consent: Some(consent) };
    let window = pair.stay.gateway(AT_STAY).await;
    assert_eq!(reason(window.call(&add, None).await), Reason::NotFound, "home's own window alone");
    pair.home.gateway(AT_HOME).await.call(&add, None).await.unwrap();
    told(&pair.stay, AT_STAY, &id, HandoffChange::ConsentGiven).await;
    assert_eq!(opens(pair, &id, HandoffCategory::Delivery).await, Ok(()));

    let transfer = News::Transfer(HandoffTransferReport {});
    report(pair, &id, of(HandoffDuty::Unspecified, transfer)).await.unwrap();
    told(&pair.home, AT_HOME, &id, HandoffChange::Reported).await;
    let moved = |on: jiff::civil::Date| MoveHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.clone(),
        moved_on: on.to_string(),
    };
    let officer = pair.home.gateway(AT_HOME).await;
    let early = officer.call(&moved(today() + 1.day()), None).await;
    assert_eq!(reason(early), Reason::StateNotAllowed);
    officer.call(&moved(today()), None).await.unwrap();
    let stay = arrived(&pair.stay, AT_STAY, &id, HandoffState::Closed).await;
    assert!(stay.held_by_stay.is_empty());
    assert_eq!(opens(pair, &id, HandoffCategory::Delivery).await, Err(Reason::NotFound));
    assert_eq!(
        reason(report(pair, &id, of(HandoffDuty::Consultation, visit())).await),
        Reason::StateNotAllowed
    );
}

pub(super) fn of(duty: HandoffDuty, news: News) -> HandoffReport {
    let urgent = matches!(news, News::Protective(_));
    HandoffReport { duty: duty.into(), on: today().to_string(), urgent, cost: None, news: Some(news) }
}

pub(super) fn visit() -> News {
    News::Visit(HandoffVisitReport { assessment: HandoffAssessment::Fine.into() })
}

pub(super) fn protective() -> News {
    News::Protective(HandoffProtectiveReport {})
}

pub(super) async fn report(
    pair: &Pair,
    id: &str,
    report: HandoffReport,
) -> Result<Proven<ReportToHomeResponse>, Error> {
    let request =
        ReportToHomeRequest { idempotency_key: uuid(), handoff_id: id.to_owned(), report: Some(report) };
    pair.stay.gateway(AT_STAY).await.call(&request, None).await
}

async fn acknowledge(
    pair: &Pair,
    id: &str,
    leaf: &[u8],
    officer: Option<&str>,
) -> Result<Proven<AcknowledgeReportResponse>, Error> {
    let request = AcknowledgeReportRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        report_leaf_hash: leaf.to_vec(),
    };
    let gateway = pair.home.gateway(AT_HOME).await;
    match officer {
        Some(officer) => gateway.with_operator(officer).unwrap().call(&request, None).await,
        None => gateway.call(&request, None).await,
    }
}

async fn extend(
    town: &Town,
    terminal: &str,
    id: &str,
    last_day: &str,
) -> Result<Proven<ExtendHandoffResponse>, Error> {
    let request = ExtendHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        last_day: last_day.to_owned(),
    };
    town.gateway(terminal).await.call(&request, None).await
}

/// Whether the guest may open a category.
async fn opens(pair: &Pair, id: &str, category: HandoffCategory) -> Result<(), Reason> {
    let gateway = pair.stay.gateway(AT_STAY).await;
    let mut client = HandoffServiceClient::new(gateway.channel().clone());
    let request = ReadHandoffRecordsRequest {
        handoff_id: id.to_owned(),
        categories: vec![category.into()],
        ..Default::default()
    };
    let refused = |status: tonic::Status| pmh_client::Refused::read(&status).unwrap().reason;
    let mut view = client.read_handoff_records(request).await.map_err(refused)?.into_inner();
    view.message().await.map(drop).map_err(refused)
}

/// Offered, accepted and confirmed, every message carried by hand.
async fn carried_over(pair: &Pair, mother: &mut Mother) -> String {
    let offered = mother.offered(pair).await;
    to_stay(pair, &offered.response).await.unwrap();
    let code = mother.code;
    let accepted = mother.accepted(pair, &offered.id, code).await.unwrap().response;
    to_home(pair, &accepted).await.unwrap();
    let confirmed = confirm(pair, &offered.id).await.unwrap().response;
    to_stay(pair, &confirmed).await.unwrap();
    offered.id
}

fn message<R: Receipted>(response: &R) -> (Vec<u8>, Option<Receipt>) {
    let mut bare = response.clone();
    let receipt = bare.take_receipt();
    (bare.encode_to_vec(), receipt)
}

async fn to_home<R: Receipted>(pair: &Pair, response: &R) -> Result<Proven<DeliverResponse>, Error> {
    let (bytes, receipt) = message(response);
    pair.home.deliver(AT_STAY, bytes, receipt).await
}

async fn to_stay<R: Receipted>(pair: &Pair, response: &R) -> Result<Proven<DeliverResponse>, Error> {
    let (bytes, receipt) = message(response);
    pair.stay.deliver(AT_HOME, bytes, receipt).await
}
