//! 産後ケア between two gateways: approved at home, verified at a facility before she comes, used, and taken back.

use jiff::ToSpan as _;
use pmh::sandbox::uuid;
use pmh_client::{Error, Presentation, Proven};
use pmh_proto::common::Reason;
use pmh_proto::handoff::{
    ApprovePostpartumCareRequest, ApprovePostpartumCareResponse, HandoffCareApproved, HandoffCareKind,
    HandoffCareReport, HandoffCategory, HandoffChange, HandoffConsent, HandoffConsentOrigin, HandoffCost,
    HandoffDuty, HandoffReport, HandoffState, PostpartumCareState as State, VerifyPostpartumCareRequest,
    VerifyPostpartumCareResponse, handoff_report::News,
};

use super::family::{FACILITY, restricted, window};
use super::people::{Mother, arrived, confirm, listed, withdraw};
use super::reports::{of, report};
use super::rig::{AT_HOME, AT_STAY, HOME, Pair, Wire, now, pair, reason, today, until};
use super::watch::told;

#[tokio::test]
async fn approved_care_is_verified_before_she_comes_used_up_and_gone_when_home_takes_it_back() {
    let pair = pair(Wire::Open);
    let (mut mother, id) = accepted(pair).await;
    let early = by_code(pair, &id, mother.code, "").await.unwrap().response;
    assert_eq!((early.state(), early.care.len()), (State::NoApproval, 0), "nothing was approved");
    let approved = approve(pair, &id, three_days()).await.unwrap();
    told(&pair.stay, AT_STAY, &id, HandoffChange::CareApproved).await;

    let tomorrow = (today() + 1.day()).to_string();
    let ahead = by_code(pair, &id, mother.code, &tomorrow).await.unwrap().response;
    let [care] = &ahead.care[..] else { panic!("one kind: {ahead:?}") };
    assert_eq!(ahead.state(), State::Approved, "a place can be kept before she comes");
    assert_eq!((care.days_approved, care.days_used, care.days_left, care.copayment_yen), (3, 0, 3, 1_500));
    assert_eq!((care.kind(), care.approved_by.as_str()), (HandoffCareKind::Day, HOME));
    assert_eq!(care.last_day, three_days().last_day);
    let entry = care.home_entry.clone().unwrap();
    assert_eq!(
        (entry.index, entry.leaf_hash.as_slice()),
        (approved.proof.index, &approved.proof.leaf_hash[..])
    );
    let today_already = by_code(pair, &id, mother.code, "").await.unwrap().response;
    assert_eq!((today_already.state(), today_already.care.len()), (State::NotYet, 0), "not confirmed");

    confirm(pair, &id).await.unwrap();
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Active).await;
    let here = by_card(pair, &mut mother).await.unwrap().response;
    assert_eq!((here.state(), here.care[0].days_left), (State::Approved, 3), "her card says the same");
    report(pair, &id, used(2)).await.unwrap();
    let rest = by_card(pair, &mut mother).await.unwrap().response;
    assert_eq!((rest.care[0].days_used, rest.care[0].days_left), (2, 1));
    assert_eq!(rest.care[0].used_tickets, ["T-2"], "the ticket is carried");
    let reported = told(&pair.home, AT_HOME, &id, HandoffChange::Reported).await.report.unwrap();
    assert_eq!(reported.cost.unwrap().ticket, "T-2", "and reaches home");
    report(pair, &id, used(1)).await.unwrap();
    let none = by_card(pair, &mut mother).await.unwrap().response;
    assert_eq!((none.state(), none.care[0].days_left), (State::UsedUp, 0));

    withdraw(&pair.home, AT_HOME, &id, &[]).await.unwrap();
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Closed).await;
    let over = by_card(pair, &mut mother).await.unwrap().response;
    assert_eq!((over.state(), over.care.len()), (State::Over, 0), "nothing but that it is over");
    assert_eq!(reason(approve(pair, &id, three_days()).await), Reason::StateNotAllowed);
}

#[tokio::test]
async fn consent_taken_back_at_home_leaves_nothing_to_verify_at_once() {
    let pair = pair(Wire::Open);
    let (mother, id) = accepted(pair).await;
    approve(pair, &id, three_days()).await.unwrap();
    told(&pair.stay, AT_STAY, &id, HandoffChange::CareApproved).await;
    withdraw(&pair.home, AT_HOME, &id, &[HandoffCategory::CareApproval]).await.unwrap();
    // Home is asked: it does not matter whether the stay side has heard of it yet.
    let tomorrow = (today() + 1.day()).to_string();
    let gone = by_code(pair, &id, mother.code, &tomorrow).await.unwrap().response;
    assert_eq!((gone.state(), gone.care.len()), (State::NoApproval, 0));
    told(&pair.stay, AT_STAY, &id, HandoffChange::ConsentWithdrawn).await;
    assert_eq!(
        listed(&pair.stay, AT_STAY, &id).await.unwrap().state(),
        HandoffState::Accepted,
        "the rest goes on"
    );
    assert_eq!(reason(approve(pair, &id, three_days()).await), Reason::ConsentRequired);
}

#[tokio::test]
async fn a_restricted_mother_an_unknown_one_and_a_wrong_code_are_answered_alike() {
    let pair = pair(Wire::Open);
    let (mut mother, id) = accepted(pair).await;
    approve(pair, &id, three_days()).await.unwrap();
    told(&pair.stay, AT_STAY, &id, HandoffChange::CareApproved).await;
    restricted(pair, &mother.resident_key).await;
    let tomorrow = (today() + 1.day()).to_string();
    let answers = [
        by_code(pair, &id, mother.code, &tomorrow).await.unwrap(),
        by_code(pair, &id, mother.code, "").await.unwrap(),
        by_code(pair, &id, [0; 16], &tomorrow).await.unwrap(),
        by_code(pair, &uuid(), mother.code, &tomorrow).await.unwrap(),
        by_card(pair, &mut mother).await.unwrap(),
        by_card(pair, &mut Mother::living_at_home(pair).await).await.unwrap(),
    ];
    for answer in &answers {
        let bare = VerifyPostpartumCareResponse { receipt: None, ..answer.response.clone() };
        let nothing = VerifyPostpartumCareResponse { state: State::NoApproval.into(), ..Default::default() };
        assert_eq!(bare, nothing);
        assert_eq!(answer.proof.leaf.holder, None, "the entry names no municipality either");
    }
    for one in &answers[..4] {
        assert!(one.response.receipt.as_ref().unwrap().subject.is_none());
    }
}

#[tokio::test]
async fn home_alone_approves_and_a_facility_shows_card_or_code_and_not_both() {
    let pair = pair(Wire::Open);
    let (mut mother, id) = accepted(pair).await;
    let request = approval(&id, three_days());
    let at_stay = pair.stay.gateway(AT_STAY).await.call(&request, None).await;
    assert_eq!(reason(at_stay), Reason::NotFound, "the stay side approves nothing");
    let wrong = [
        HandoffCareApproved { days: 32, ..three_days() },
        HandoffCareApproved { kind: 0, ..three_days() },
        HandoffCareApproved { copayment_yen: 100_001, ..three_days() },
        HandoffCareApproved { last_day: (today() - 1.day()).to_string(), ..three_days() },
    ];
    for approval in wrong {
        assert_eq!(reason(approve(pair, &id, approval).await), Reason::InvalidFields);
    }
    let outside = HandoffCareApproved { last_day: (today() + 61.days()).to_string(), ..three_days() };
    assert_eq!(reason(approve(pair, &id, outside).await), Reason::StateNotAllowed, "after the stay");

    let facility = window(&pair.stay, FACILITY).await;
    let neither = VerifyPostpartumCareRequest::default();
    assert_eq!(reason(facility.gateway().call(&neither, None).await), Reason::InvalidFields);
    let presence = facility.present(&mut mother, &Presentation::for_care("care"), now()).await.unwrap();
    let both = VerifyPostpartumCareRequest { handoff_id: id, code: mother.code.to_vec(), day: String::new() };
    assert_eq!(reason(facility.gateway().call(&both, Some(presence.bearer())).await), Reason::InvalidFields);
    let office = pair.stay.gateway(AT_STAY).await.call(&both, None).await;
    assert_eq!(reason(office), Reason::RoleNotAllowed, "a facility's call");
}

/// Accepted and not confirmed; she shares what is approved of care.
async fn accepted(pair: &Pair) -> (Mother, String) {
    let mut mother = Mother::living_at_home(pair).await;
    let mut offer = mother.offer();
    offer.consents = vec![HandoffConsent {
        categories: vec![HandoffCategory::Notice.into(), HandoffCategory::CareApproval.into()],
        origin: HandoffConsentOrigin::Card.into(),
        ..Default::default()
    }];
    let offered = pair.home.gateway(AT_HOME).await.call(&offer, None).await.unwrap().response;
    let id = offered.statement.unwrap().handoff_id;
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Offered).await;
    let code = mother.code;
    mother.accepted(pair, &id, code).await.unwrap();
    arrived(&pair.home, AT_HOME, &id, HandoffState::Accepted).await;
    until("the offer settles", async || {
        listed(&pair.stay, AT_STAY, &id).await.filter(|known| known.unsent == 0)
    })
    .await;
    (mother, id)
}

fn three_days() -> HandoffCareApproved {
    HandoffCareApproved {
        kind: HandoffCareKind::Day.into(),
        days: 3,
        copayment_yen: 1_500,
        first_day: today().to_string(),
        last_day: (today() + 30.days()).to_string(),
    }
}

fn approval(id: &str, approval: HandoffCareApproved) -> ApprovePostpartumCareRequest {
    ApprovePostpartumCareRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        approval: Some(approval),
    }
}

async fn approve(
    pair: &Pair,
    id: &str,
    care: HandoffCareApproved,
) -> Result<Proven<ApprovePostpartumCareResponse>, Error> {
    pair.home.gateway(AT_HOME).await.call(&approval(id, care), None).await
}

fn used(days: u32) -> HandoffReport {
    let news = News::PostpartumCare(HandoffCareReport { days, kind: HandoffCareKind::Day.into() });
    let cost =
        HandoffCost { ticket: format!("T-{days}"), paid_yen: 1_500 * days, paper_receipt: String::new() };
    HandoffReport { cost: Some(cost), ..of(HandoffDuty::PostpartumCare, news) }
}

async fn by_code(
    pair: &Pair,
    id: &str,
    code: [u8; 16],
    day: &str,
) -> Result<Proven<VerifyPostpartumCareResponse>, Error> {
    let request =
        VerifyPostpartumCareRequest { handoff_id: id.to_owned(), code: code.to_vec(), day: day.to_owned() };
    pair.stay.gateway(FACILITY).await.call(&request, None).await
}

async fn by_card(pair: &Pair, mother: &mut Mother) -> Result<Proven<VerifyPostpartumCareResponse>, Error> {
    let facility = window(&pair.stay, FACILITY).await;
    let presence = facility.present(mother, &Presentation::for_care("care"), now()).await?;
    facility.gateway().call(&VerifyPostpartumCareRequest::default(), Some(presence.bearer())).await
}
