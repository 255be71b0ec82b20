//! A link lives in two databases: neither half moves without the other's leave.

use pmh_client::Gateway;
use pmh_proto::common::{Purpose, Reason};
use pmh_proto::eligibility::{
    AnswerState, CareType, EntitlementRow, VerifyEligibilityRequest, verify_eligibility_request::Service,
};
use pmh_proto::resident::{
    DecideLinkRequest, LinkCredentialRequest, LinkDecision, ListLinkProposalsRequest, ProposeLinkRequest,
};
use pmh_testkit::directory::DirectoryItem;

use super::rig::{
    self, HACHIOJI, OPERATOR, Person, TOKYO, at_clinic, for_linking, link, reason, uuid, world,
};

/// A key used again must not touch auth, which no later refusal would take back.
#[tokio::test]
async fn p9_a_key_used_for_another_resident_joins_nobody() {
    let town = world().gateway(HACHIOJI).await;
    let mut person = Person::new().registered(&town).await;
    let other = Person::new().registered(&town).await;
    let mut stranger = Person::new();
    let counter = world().terminal(HACHIOJI).await;
    let presence = counter.present(&mut person, &for_linking(), rig::now()).await.unwrap();
    let first = link(&person.resident_key);
    town.call(&first, Some(presence.bearer())).await.unwrap();

    let theirs = counter.present(&mut stranger, &for_linking(), rig::now()).await.unwrap();
    let again = LinkCredentialRequest { resident_key: other.resident_key.clone(), ..first };
    assert_eq!(reason(town.call(&again, Some(theirs.bearer())).await), Reason::IdempotencyKeyReused);
    assert_eq!(state(&mut stranger).await, AnswerState::NotLinked);
    let (_, presence) = at_clinic(&mut stranger, &["88-13"]).await;
    assert!(presence.notices.contains(&pmh_proto::presence::Notice::NewCredentialUnlinked));
}

#[tokio::test]
async fn p9_a_decision_repeated_late_decides_nothing_again() {
    let town = world().gateway(HACHIOJI).await;
    let mut person = Person::new().registered(&town).await;
    let proposal = proposed(&town, &mut person).await;
    let decide = |decision: LinkDecision| DecideLinkRequest {
        idempotency_key: uuid(),
        proposal_id: proposal.clone(),
        decision: decision.into(),
    };
    let confirm = decide(LinkDecision::Confirm);
    let undo = decide(LinkDecision::Undo);
    town.call(&confirm, None).await.unwrap();
    assert_eq!(state(&mut person).await, AnswerState::Answered);
    town.call(&undo, None).await.unwrap();
    assert_eq!(state(&mut person).await, AnswerState::NotLinked);

    town.call(&confirm, None).await.expect("the first answer again");
    assert_eq!(state(&mut person).await, AnswerState::NotLinked, "a repeated confirmation confirms nothing");

    let counter = world().terminal(HACHIOJI).await;
    let presence = counter.present(&mut person, &for_linking(), rig::now()).await.unwrap();
    town.call(&link(&person.resident_key), Some(presence.bearer())).await.unwrap();
    assert_eq!(state(&mut person).await, AnswerState::Answered);
    town.call(&undo, None).await.expect("the first answer again");
    assert_eq!(state(&mut person).await, AnswerState::Answered, "a repeated undoing undoes nothing");
}

#[tokio::test]
async fn p9_the_key_of_a_confirmation_undoes_nothing() {
    let town = world().gateway(HACHIOJI).await;
    let mut person = Person::new().registered(&town).await;
    let proposal_id = proposed(&town, &mut person).await;
    let confirm =
        DecideLinkRequest { idempotency_key: uuid(), proposal_id, decision: LinkDecision::Confirm.into() };
    town.call(&confirm, None).await.unwrap();
    let undo = DecideLinkRequest { decision: LinkDecision::Undo.into(), ..confirm };
    assert_eq!(reason(town.call(&undo, None).await), Reason::IdempotencyKeyReused);
    assert_eq!(state(&mut person).await, AnswerState::Answered);
}

#[tokio::test]
async fn a_refused_proposal_is_confirmed_by_nobody() {
    let town = world().gateway(HACHIOJI).await;
    let mut person = Person::new().registered(&town).await;
    let proposal = proposed(&town, &mut person).await;
    let decide = |decision: LinkDecision| DecideLinkRequest {
        idempotency_key: uuid(),
        proposal_id: proposal.clone(),
        decision: decision.into(),
    };
    let (confirm, refuse) = (decide(LinkDecision::Confirm), decide(LinkDecision::Refuse));
    let (confirmed, refused) = tokio::join!(town.call(&confirm, None), town.call(&refuse, None));
    assert_ne!(confirmed.is_ok(), refused.is_ok(), "one of two officers decides");
    let expected = if confirmed.is_ok() { AnswerState::Answered } else { AnswerState::NotLinked };
    assert_eq!(state(&mut person).await, expected);
}

/// The card's earlier link, to another issuer, outlives a wrong one that is taken back.
#[tokio::test]
async fn an_undone_link_takes_no_other_with_it() {
    let (town, prefecture) = (world().gateway(HACHIOJI).await, world().gateway(TOKYO).await);
    let person = Person::new().registered(&prefecture).await;
    person.register(&town).await;
    let mut person = person.linked(TOKYO).await;
    let before = name(&mut person).await;
    let proposal_id = proposed(&town, &mut person).await;
    for decision in [LinkDecision::Confirm, LinkDecision::Undo] {
        let request = DecideLinkRequest {
            idempotency_key: uuid(),
            proposal_id: proposal_id.clone(),
            decision: decision.into(),
        };
        town.call(&request, None).await.unwrap();
    }
    assert_eq!(state(&mut person).await, AnswerState::Answered, "still known to the prefecture");
    assert_eq!(name(&mut person).await, before);
}

#[tokio::test]
async fn p9_a_directory_batch_sent_again_returns_its_first_answer() {
    let town = world().gateway(HACHIOJI).await;
    let operator = world().gateway(OPERATOR).await;
    let mut person = Person::new().registered(&town).await;
    let batch = world()
        .pki
        .directory()
        .sign("directory.sandbox.pmh.example", &uuid(), rig::now(), &[person.directory_item(HACHIOJI)])
        .unwrap();
    let request = LinkCredentialRequest {
        idempotency_key: uuid(),
        directory_batch: batch,
        resident_key: String::new(),
    };
    for _ in 0..2 {
        assert_eq!(operator.call(&request, None).await.unwrap().response.linked, 1);
    }
    let anew = LinkCredentialRequest { idempotency_key: uuid(), ..request.clone() };
    assert_eq!(operator.call(&anew, None).await.unwrap().response.linked, 0);
    assert_eq!(state(&mut person).await, AnswerState::Answered);
    let both = LinkCredentialRequest { resident_key: "R-1".to_owned(), idempotency_key: uuid(), ..request };
    assert_eq!(reason(operator.call(&both, None).await), Reason::InvalidFields);
}

impl Person {
    fn directory_item(&self, issuer: &str) -> DirectoryItem {
        DirectoryItem::Resident {
            credential: self.credential_digest(),
            issuer: issuer.to_owned(),
            resident_key: self.resident_key.clone(),
        }
    }
}

/// A clinic proposes, with the right on the paper that the issuer sent; the issuer's list names the proposal.
async fn proposed(town: &Gateway, person: &mut Person) -> String {
    let recipient_number = uuid()[..8].to_uppercase();
    let keys = pmh::sandbox::log_keys(&world().sandbox).unwrap();
    let pusher = pmh_client::Issuer::new(town.channel().clone(), town.identity().clone(), keys);
    let right = EntitlementRow {
        row_id: "e-1".to_owned(),
        resident_key: person.resident_key.clone(),
        certificate_type_id: "88MARUNYU".to_owned(),
        certification_name: "乳幼児医療証（マル乳）".to_owned(),
        law_no: "88".to_owned(),
        payer_number: "88138243".to_owned(),
        recipient_number: recipient_number.clone(),
        valid_from: rig::today().to_string(),
        history_key: "1".to_owned(),
        ..Default::default()
    };
    let summary = pusher.put(&rig::header(), vec![right], |_| {}).await.unwrap();
    assert_eq!(summary.created, 1);
    let (counter, presence) = at_clinic(person, &["88-13"]).await;
    let paper = ProposeLinkRequest {
        idempotency_key: uuid(),
        payer_number: "88138243".to_owned(),
        recipient_number,
        birth_date: person.birth_date.to_string(),
    };
    let proposal = counter.call(&presence, &paper).await.unwrap().response.proposal_id;
    let waiting = town.call_unrecorded(&ListLinkProposalsRequest {}, None).await.unwrap().proposals;
    assert!(waiting.iter().any(|known| known.proposal_id == proposal), "matched");
    proposal
}

async fn state(person: &mut Person) -> AnswerState {
    let (counter, presence) = at_clinic(person, &["52", "88-13"]).await;
    counter.verify(&presence, &question()).await.unwrap().response.state()
}

async fn name(person: &mut Person) -> String {
    at_clinic(person, &[]).await.1.token.sub.clone()
}

pub(super) fn question() -> VerifyEligibilityRequest {
    VerifyEligibilityRequest {
        service: Some(Service::Date(rig::today().to_string())),
        care_type: CareType::Outpatient.into(),
        purpose: Purpose::Hpaymt.into(),
        ..Default::default()
    }
}
