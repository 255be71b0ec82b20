//! What a refusal says, binds and leaves behind.

use pmh_proto::audit::{GetEntryRequest, Log, SearchEntriesRequest};
use pmh_proto::common::Reason;
use pmh_proto::eligibility::AdvanceWatermarkRequest;
use pmh_proto::presence::{BeginPresentationRequest, RenewTokenRequest};
use pmh_proto::resident::{MoveResidentRequest, ProposeLinkRequest};

use super::rig::{AUDITOR, CLINIC, HACHIOJI, Person, at_clinic, reason, uuid, world};

/// The client believes a refusal's receipt only if it binds the very status that was sent.
#[tokio::test]
async fn p1_the_receipt_of_a_reused_key_binds_what_is_sent() {
    let mut person = Person::new();
    let (counter, presence) = at_clinic(&mut person, &["88-13"]).await;
    let paper = ProposeLinkRequest {
        idempotency_key: uuid(),
        payer_number: "88138243".to_owned(),
        recipient_number: "0000018".to_owned(),
        birth_date: "2023-01-01".to_owned(),
    };
    counter.call(&presence, &paper).await.unwrap();
    let other = ProposeLinkRequest { birth_date: "2023-01-02".to_owned(), ..paper.clone() };
    let error = counter.call(&presence, &other).await.unwrap_err();
    let refused = error.refused().expect("a receipt that does not hold is another error");
    assert_eq!(refused.reason, Reason::IdempotencyKeyReused);
    assert!(refused.receipt.is_some());

    let mut stranger = Person::new();
    let (counter, theirs) = at_clinic(&mut stranger, &["88-13"]).await;
    assert_eq!(
        reason(counter.call(&theirs, &paper).await),
        Reason::IdempotencyKeyReused,
        "another person's token"
    );
}

/// §6.9: what names nobody is counted, so that nobody fills the log from outside.
#[tokio::test]
async fn a_refusal_that_names_nobody_is_no_entry() {
    let (town, clinic) = (world().gateway(HACHIOJI).await, world().gateway(CLINIC).await);
    let move_nobody = MoveResidentRequest {
        idempotency_key: uuid(),
        resident_key: "nobody".to_owned(),
        moved_out_on: String::new(),
    };
    let error = town.call(&move_nobody, None).await.unwrap_err();
    assert_eq!(error.refused().unwrap().reason, Reason::NotFound);
    assert!(error.refused().unwrap().receipt.is_none());
    let guessed = RenewTokenRequest { presence: vec![7; 32], ..Default::default() };
    let error = clinic.call(&guessed, None).await.unwrap_err();
    assert_eq!(error.refused().unwrap().reason, Reason::PresenceEnded);
    assert!(error.refused().unwrap().receipt.is_none());
}

/// identity.md §7.3: who may not call the method is told that, and nothing about the token.
#[tokio::test]
async fn the_method_comes_before_the_token() {
    let town = world().gateway(HACHIOJI).await;
    let outcome = town.call(&super::linking::question(), Some("not-a-token")).await;
    assert_eq!(reason(outcome), Reason::RoleNotAllowed);
}

#[tokio::test]
async fn more_purposes_than_there_are_is_an_error() {
    let clinic = world().gateway(CLINIC).await;
    let request = BeginPresentationRequest {
        terminal_id: clinic.identity().terminal().unwrap().to_owned(),
        purposes: vec![1; 17],
        scopes: vec!["eligibility:read".to_owned()],
        wanted: 1,
        ..Default::default()
    };
    assert_eq!(reason(clinic.call_unrecorded(&request, None).await), Reason::InvalidFields);
}

#[tokio::test]
async fn a_page_of_a_tree_that_is_not_there_is_the_callers_error() {
    let auditor = world().gateway(AUDITOR).await;
    for page_token in ["0.99999999", "5.3", "x.y"] {
        let search = SearchEntriesRequest {
            log: Log::Gateway.into(),
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        assert_eq!(reason(auditor.call(&search, None).await), Reason::InvalidFields, "{page_token}");
    }
}

/// Nobody asked for the first operator, and the log says so all the same.
#[tokio::test]
async fn the_first_entry_is_the_operator_of_the_configuration() {
    let auditor = world().gateway(AUDITOR).await;
    let request = GetEntryRequest { log: Log::Gateway.into(), index: 0 };
    let entry = auditor.call(&request, None).await.unwrap().response.entry.unwrap();
    assert_eq!(
        (entry.kind, entry.holder.as_str(), entry.requester.as_str()),
        (15, "operator:test-operator", "")
    );
}

#[tokio::test]
async fn p14_a_watermark_never_moves_back() {
    let town = world().gateway(HACHIOJI).await;
    let request = AdvanceWatermarkRequest {
        idempotency_key: uuid(),
        law_no: "88".to_owned(),
        as_of: Some(prost_types::Timestamp { seconds: 1_000_000_000, nanos: 0 }),
    };
    let error = town.call(&request, None).await.unwrap_err();
    let refused = error.refused().unwrap();
    assert_eq!(refused.reason, Reason::InvalidFields);
    assert_eq!(
        (refused.fields[0].path.as_str(), refused.fields[0].reason),
        ("as_of", Reason::DateOutOfRange)
    );
}
