//! The whole story between two gateways, and views that close by themselves.

use std::time::Duration;

use pmh::sandbox::uuid;
use pmh_audit::registry::Method;
use pmh_client::receipt::{Expected, check, digest, response_digest};
use pmh_proto::common::Reason;
use pmh_proto::handoff::{
    CloseHandoffRequest, DeclineHandoffRequest, HandoffCategory, HandoffDeclineReason, HandoffDuty,
    HandoffState, ReadHandoffRecordsRequest, ReadHandoffRecordsResponse, ReturnHandoffRequest,
    handoff_service_client::HandoffServiceClient,
};
use pmh_proto::resident::{PutRestrictionRequest, RestrictionKind};
use tonic::Streaming;

use super::people::{Mother, arrived, confirm, listed, withdraw};
use super::rig::{AT_HOME, AT_STAY, Pair, Wire, pair, reason};

#[tokio::test]
async fn from_the_offer_to_the_close_each_duty_has_one_holder_and_the_guest_reads_what_was_consented() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    mother.examined(pair).await;
    let id = mother.offered(pair).await.id;
    let known = arrived(&pair.stay, AT_STAY, &id, HandoffState::Offered).await;
    assert_eq!(known.resident_key, "", "the two sides share no name of her");
    assert_eq!(reason(mother.accepted(pair, &id, [0; 16]).await), Reason::SubjectMismatch, "not her code");
    assert_eq!(reason(confirm(pair, &id).await), Reason::StateNotAllowed, "nothing was accepted");
    let code = mother.code;
    mother.accepted(pair, &id, code).await.unwrap();
    let home = arrived(&pair.home, AT_HOME, &id, HandoffState::Accepted).await;
    assert_eq!((home.held_by_stay.len(), home.fence), (0, None), "duties are home's until it confirms");
    assert_eq!(read_refused(pair, &id).await, Reason::NotFound, "no view before the confirm");
    let confirmed = confirm(pair, &id).await.unwrap();
    let stay = arrived(&pair.stay, AT_STAY, &id, HandoffState::Active).await;
    assert_eq!(stay.fence, Some(confirmed.proof.index), "the fencing number is the index of home's entry");
    let duties = [HandoffDuty::PostpartumCare, HandoffDuty::Consultation].map(i32::from);
    assert_eq!(stay.held_by_stay, duties);
    assert_eq!(listed(&pair.home, AT_HOME, &id).await.unwrap().held_by_stay, duties);

    let seen = read_all(pair, &id).await;
    let categories: Vec<_> = seen.iter().map(|told| told.records.as_ref().unwrap().category()).collect();
    assert_eq!(categories, [HandoffCategory::PregnancyCheckups, HandoffCategory::MotherMind]);
    for told in &seen {
        let [checkup] = &told.records.as_ref().unwrap().checkups[..] else { panic!("one of each") };
        let record = checkup.record.as_ref().unwrap();
        assert!(record.record_id.is_empty() && record.resident_key.is_empty() && record.pregnancy.is_empty());
    }
    let [body, mind] =
        [0, 1].map(|place: usize| seen[place].records.as_ref().unwrap().checkups[0].record.clone().unwrap());
    assert!(body.items.len() == 1 && body.scores.is_empty(), "her body without her mind");
    assert!(mind.items.is_empty() && mind.scores.len() == 1, "and the reverse");

    let back = ReturnHandoffRequest { idempotency_key: uuid(), handoff_id: id.clone(), duties: Vec::new() };
    pair.stay.gateway(AT_STAY).await.call(&back, None).await.unwrap();
    let home = arrived(&pair.home, AT_HOME, &id, HandoffState::Returned).await;
    assert!(home.held_by_stay.is_empty());
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Closed).await;
    let close = CloseHandoffRequest { idempotency_key: uuid(), handoff_id: id.clone() };
    pair.home.gateway(AT_HOME).await.call(&close, None).await.unwrap();
    arrived(&pair.home, AT_HOME, &id, HandoffState::Closed).await;
    assert_eq!(read_refused(pair, &id).await, Reason::NotFound);
}

#[tokio::test]
async fn a_declined_offer_is_over_and_nobody_reads() {
    let pair = pair(Wire::Open);
    let mother = Mother::living_at_home(pair).await;
    let id = mother.offered(pair).await.id;
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Offered).await;
    let decline = DeclineHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.clone(),
        reason: HandoffDeclineReason::NoCapacity.into(),
    };
    pair.stay.gateway(AT_STAY).await.call(&decline, None).await.unwrap();
    arrived(&pair.home, AT_HOME, &id, HandoffState::Declined).await;
    assert_eq!(read_refused(pair, &id).await, Reason::NotFound);
}

#[tokio::test]
async fn withdrawn_consent_ends_an_open_view_within_two_seconds_at_either_window() {
    let pair = pair(Wire::Open);
    for (at_home, of) in [(true, 2), (false, 1)] {
        let mut mother = Mother::living_at_home(pair).await;
        let id = mother.handed_over(pair).await;
        let mut view = opened(pair, &id, true).await.unwrap();
        for _ in 0..2 {
            view.message().await.unwrap().unwrap();
        }
        // All of it ends the handoff; the one that is followed closes the view.
        let categories = [HandoffCategory::PregnancyCheckups, HandoffCategory::MotherMind];
        let (town, terminal) = if at_home { (&pair.home, AT_HOME) } else { (&pair.stay, AT_STAY) };
        withdraw(town, terminal, &id, &categories[..of]).await.unwrap();
        let end = tokio::time::timeout(Duration::from_secs(2), view.message()).await;
        assert!(end.expect("the view closes within two seconds").is_err());
    }
}

#[tokio::test]
async fn a_restriction_ends_the_view_and_from_then_on_she_looks_like_nobody() {
    let pair = pair(Wire::Open);
    let mut mother = Mother::living_at_home(pair).await;
    mother.examined(pair).await;
    let id = mother.handed_over(pair).await;
    let mut view = opened(pair, &id, true).await.unwrap();
    for _ in 0..2 {
        view.message().await.unwrap().unwrap();
    }
    let restrict = PutRestrictionRequest {
        idempotency_key: uuid(),
        resident_key: mother.resident_key.clone(),
        kind: RestrictionKind::Protective.into(),
        lifted: false,
    };
    pair.home.gateway(AT_HOME).await.call(&restrict, None).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(2), view.message()).await;
    let closed = end.expect("the view closes within two seconds").unwrap_err();
    let unknown = opened(pair, &uuid(), true).await.unwrap_err();
    let details = |status: &tonic::Status| pmh_client::Refused::read(status).unwrap().reason;
    assert_eq!((closed.code(), details(&closed)), (unknown.code(), Reason::NotFound));
}

/// Everything that is shared, each message proved by its receipt.
async fn read_all(pair: &Pair, id: &str) -> Vec<ReadHandoffRecordsResponse> {
    let gateway = pair.stay.gateway(AT_STAY).await;
    let mut stream = opened(pair, id, false).await.unwrap();
    let mut told = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        let expected = Expected {
            requester: gateway.identity().organization(),
            method: Method::READ_HANDOFF_RECORDS,
            request: digest(&request(id, false)),
            response: response_digest(&message),
        };
        let proof = check(message.receipt.as_ref(), &pair.stay.keys().gateway, &expected).unwrap();
        let home = message.home_entry.as_ref().unwrap();
        let refs: Vec<_> = proof.leaf.refs.iter().map(|reference| reference.leaf_hash.to_vec()).collect();
        assert_eq!(
            refs,
            std::slice::from_ref(&home.leaf_hash),
            "it refers to home's entry of the same disclosure"
        );
        told.push(message);
    }
    told
}

async fn read_refused(pair: &Pair, id: &str) -> Reason {
    let refused = opened(pair, id, false).await.unwrap_err();
    pmh_client::Refused::read(&refused).unwrap().reason
}

async fn opened(
    pair: &Pair,
    id: &str,
    follow: bool,
) -> Result<Streaming<ReadHandoffRecordsResponse>, tonic::Status> {
    let gateway = pair.stay.gateway(AT_STAY).await;
    let mut client = HandoffServiceClient::new(gateway.channel().clone());
    Ok(client.read_handoff_records(request(id, follow)).await?.into_inner())
}

fn request(id: &str, follow: bool) -> ReadHandoffRecordsRequest {
    ReadHandoffRecordsRequest { handoff_id: id.to_owned(), follow, ..Default::default() }
}
