//! Requests from the stay side's window, and that the asking side sees nothing of whom home does not show.

use jiff::ToSpan as _;
use pmh::sandbox::uuid;
use pmh_client::call::Receipted;
use pmh_client::{Error, Presentation, Proven, Terminal};
use pmh_proto::common::Reason;
use pmh_proto::handoff::{
    AcceptHandoffRequest, DeclineHandoffRequest, DeclineHandoffResponse, HandoffCategory, HandoffChange,
    HandoffDeclineReason, HandoffDuty, HandoffDutyAnswer, HandoffRequestState, HandoffRequestSummary,
    HandoffState, ListHandoffsRequest, OfferHandoffRequest, OfferHandoffResponse, RequestHandoffRequest,
    RequestHandoffResponse, WatchHandoffsResponse,
};
use pmh_proto::resident::{PutRestrictionRequest, RestrictionKind};

use super::people::{Mother, arrived, confirm, listed};
use super::rig::{AT_HOME, AT_STAY, HOME, Pair, STAY, Town, Wire, now, pair, reason, today, until};
use super::watch::changes;

#[tokio::test]
async fn a_request_becomes_an_offer_that_is_accepted_without_her_coming_again() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    mother.examined(pair).await;
    let id = asked(pair, &mut mother, today() - 30.years()).await.unwrap();
    let received = request_at(&pair.home, AT_HOME, &id, HandoffRequestState::Open).await;
    let said = received.requested.unwrap();
    assert_eq!((said.handbook_number.as_str(), said.stay.as_str()), (HANDBOOK, STAY));
    let elsewhere = Mother::living_at_home(pair).await;
    assert_eq!(reason(offer(pair, &uuid(), &mother, STAY).await), Reason::NotFound, "no such request");
    assert_eq!(reason(offer(pair, &id, &elsewhere, HOME).await), Reason::InvalidFields, "another stay side");
    offer(pair, &id, &mother, STAY).await.unwrap();
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Offered).await;
    assert_eq!(reason(offer(pair, &id, &mother, STAY).await), Reason::StateNotAllowed, "it is answered");
    accept(pair, &id).await.unwrap();
    arrived(&pair.home, AT_HOME, &id, HandoffState::Accepted).await;
    confirm(pair, &id).await.unwrap();
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Active).await;
    let told: Vec<_> =
        changes(&pair.stay, AT_STAY, &id).await.iter().map(WatchHandoffsResponse::change).collect();
    assert_eq!(
        told,
        [HandoffChange::Requested, HandoffChange::Offered, HandoffChange::Accepted, HandoffChange::Confirmed]
    );
}

#[tokio::test]
async fn somebody_of_another_day_of_birth_is_not_offered() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    let id = asked(pair, &mut mother, today() - 29.years()).await.unwrap();
    request_at(&pair.home, AT_HOME, &id, HandoffRequestState::Open).await;
    assert_eq!(reason(offer(pair, &id, &mother, STAY).await), Reason::SubjectMismatch);
    assert!(listed(&pair.home, AT_HOME, &id).await.is_none(), "no handoff came of it");
}

#[tokio::test]
async fn an_offer_that_nobody_asked_for_is_not_accepted_without_her() {
    let pair = pair(Wire::Open);
    let mother = Mother::living_at_home(pair).await;
    let id = mother.offered(pair).await.id;
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Offered).await;
    assert_eq!(reason(accept(pair, &id).await), Reason::SubjectMismatch);
}

#[tokio::test]
async fn p16_a_restricted_mother_and_an_unknown_one_are_the_same_to_the_side_that_asks() {
    let pair = pair(Wire::Open);
    let mut seen = Vec::new();
    for is_restricted in [true, false] {
        let mut mother = Mother::living_at_home(pair).await;
        if is_restricted {
            let restrict = PutRestrictionRequest {
                idempotency_key: uuid(),
                resident_key: mother.resident_key.clone(),
                kind: RestrictionKind::Protective.into(),
                lifted: false,
            };
            pair.home.gateway(AT_HOME).await.call(&restrict, None).await.unwrap();
        } else {
            mother.resident_key = "nobody".to_owned();
        }
        let id = asked(pair, &mut mother, today() - 30.years()).await.unwrap();
        request_at(&pair.home, AT_HOME, &id, HandoffRequestState::Open).await;
        let refused = reason(offer(pair, &id, &mother, STAY).await);
        let expected = if is_restricted { Reason::StateNotAllowed } else { Reason::NotFound };
        assert_eq!(refused, expected, "home's officer alone sees the difference");
        refuse(pair, &id).await.unwrap();
        let end = request_at(&pair.stay, AT_STAY, &id, HandoffRequestState::Refused).await;
        let told = changes(&pair.stay, AT_STAY, &id).await;
        seen.push((without_names(end), told.into_iter().map(nameless).collect::<Vec<_>>()));
    }
    assert_eq!(seen[0], seen[1], "in content and in number of messages");
    assert_eq!(seen[0].1.len(), 2);
}

#[tokio::test]
async fn lost_and_doubled_requests_and_refusals_change_nothing() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let sent = ask(pair, &mut mother, today() - 30.years()).await.unwrap().response;
    let id = sent.statement.as_ref().unwrap().handoff_id.clone();
    assert!(requests(&pair.home, AT_HOME, &id).await.is_none(), "it is lost");
    let first = carry(&pair.home, AT_STAY, &sent).await.unwrap();
    let again = carry(&pair.home, AT_STAY, &sent).await.unwrap();
    assert_eq!(first.proof.leaf.refs, again.proof.leaf.refs, "both cite the stay side's entry");
    assert_eq!(again.proof.leaf.kind, pmh_audit::Kind::Replay);
    assert_eq!(reason(carry(&pair.home, AT_HOME, &sent).await), Reason::ProofInvalid, "by another bearer");
    let refused = refuse(pair, &id).await.unwrap().response;
    carry(&pair.stay, AT_HOME, &refused).await.unwrap();
    let doubled = carry(&pair.stay, AT_HOME, &refused).await.unwrap();
    assert_eq!(doubled.proof.leaf.kind, pmh_audit::Kind::Replay);
    request_at(&pair.stay, AT_STAY, &id, HandoffRequestState::Refused).await;
    assert_eq!(reason(offer(pair, &id, &mother, STAY).await), Reason::StateNotAllowed, "it was refused");
}

const HANDBOOK: &str = "2026-0417";

async fn ask(
    pair: &Pair,
    mother: &mut Mother,
    birth_date: jiff::civil::Date,
) -> Result<Proven<RequestHandoffResponse>, Error> {
    let gateway = pair.stay.gateway(AT_STAY).await;
    let window = Terminal::new(gateway.channel().clone(), gateway.identity().clone(), pair.stay.keys());
    let presence = window.present(mother, &Presentation::for_handoff("handoff"), now()).await?;
    let request = RequestHandoffRequest {
        idempotency_key: uuid(),
        home: HOME.to_owned(),
        first_day: today().to_string(),
        last_day: (today() + 60.days()).to_string(),
        duties: vec![HandoffDuty::PostpartumCare.into(), HandoffDuty::Consultation.into()],
        categories: vec![HandoffCategory::PregnancyCheckups.into()],
        handbook_number: HANDBOOK.to_owned(),
        birth_date: birth_date.to_string(),
    };
    window.gateway().call(&request, Some(presence.bearer())).await
}

async fn asked(pair: &Pair, mother: &mut Mother, birth_date: jiff::civil::Date) -> Result<String, Error> {
    let answered = ask(pair, mother, birth_date).await?;
    Ok(answered.response.statement.unwrap().handoff_id)
}

async fn offer(
    pair: &Pair,
    request_id: &str,
    mother: &Mother,
    stay: &str,
) -> Result<Proven<OfferHandoffResponse>, Error> {
    let request = OfferHandoffRequest {
        idempotency_key: uuid(),
        resident_key: mother.resident_key.clone(),
        stay: stay.to_owned(),
        first_day: today().to_string(),
        last_day: (today() + 60.days()).to_string(),
        duties: vec![HandoffDuty::Consultation.into()],
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    pair.home.gateway(AT_HOME).await.call(&request, None).await
}

async fn accept(pair: &Pair, id: &str) -> Result<Proven<pmh_proto::handoff::AcceptHandoffResponse>, Error> {
    let request = AcceptHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        code: Vec::new(),
        answers: listed(&pair.stay, AT_STAY, id)
            .await
            .unwrap()
            .duties
            .into_iter()
            .map(|duty| HandoffDutyAnswer { duty, declined: 0 })
            .collect(),
    };
    pair.stay.gateway(AT_STAY).await.call(&request, None).await
}

async fn refuse(pair: &Pair, id: &str) -> Result<Proven<DeclineHandoffResponse>, Error> {
    let request = DeclineHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        reason: HandoffDeclineReason::Other.into(),
    };
    pair.home.gateway(AT_HOME).await.call(&request, None).await
}

async fn requests(town: &Town, terminal: &str, id: &str) -> Option<HandoffRequestSummary> {
    let answer = town.gateway(terminal).await.call(&ListHandoffsRequest {}, None).await.unwrap().response;
    answer.requests.into_iter().find(|known| known.handoff_id == id)
}

async fn request_at(
    town: &Town,
    terminal: &str,
    id: &str,
    state: HandoffRequestState,
) -> HandoffRequestSummary {
    until(state.as_str_name(), async || {
        requests(town, terminal, id).await.filter(|known| known.state() == state)
    })
    .await
}

/// A summary without what differs between any two.
fn without_names(request: HandoffRequestSummary) -> HandoffRequestSummary {
    HandoffRequestSummary { handoff_id: String::new(), requested_at: None, ..request }
}

fn nameless(news: WatchHandoffsResponse) -> WatchHandoffsResponse {
    WatchHandoffsResponse {
        cursor: String::new(),
        handoff_id: String::new(),
        at: None,
        receipt: None,
        ..news
    }
}

async fn carry<R: Receipted>(
    town: &Town,
    terminal: &str,
    response: &R,
) -> Result<Proven<pmh_proto::handoff::DeliverResponse>, Error> {
    let mut bare = response.clone();
    let receipt = bare.take_receipt();
    town.deliver(terminal, bare.encode_to_vec(), receipt).await
}
