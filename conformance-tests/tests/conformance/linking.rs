//! Rows first or card first: the person is found either way.

use pmh_conformance::counter::{organization, outcomes};
use pmh_conformance::{Newcomer, Town, names};
use pmh_proto::common::{Purpose, Reason};
use pmh_proto::eligibility::{AnswerState, EntitlementRow, Outcome};
use pmh_proto::resident::{
    DecideLinkRequest, LinkCredentialRequest, LinkDecision, ListLinkProposalsRequest, MoveResidentRequest,
    ProposeLinkRequest,
};

use crate::support::{reason, target, town};

#[tokio::test]
async fn r_lnk_rows_first_then_card_then_link_then_answer() {
    let (target, town) = town().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = Newcomer::new(&target).unwrap();
    town.register(&child).await.unwrap();
    town.grant(child.right()).await.unwrap();
    let (_, before) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert_eq!(before.response.state(), AnswerState::NotLinked);
    assert_eq!(town.link(&mut child).await.unwrap().response.linked, 1);
    let (_, after) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert_eq!(outcomes(&after, "88-13"), [Outcome::Eligible]);
}

#[tokio::test]
async fn r_lnk_card_first_then_rows_then_link_then_answer() {
    let (target, town) = town().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = Newcomer::new(&target).unwrap();
    let (_, before) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert_eq!(before.response.state(), AnswerState::NotLinked);
    town.register(&child).await.unwrap();
    town.link(&mut child).await.unwrap();
    let (_, without) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert_eq!(outcomes(&without, "88-13"), [Outcome::NoEntitlement]);
    town.grant(child.right()).await.unwrap();
    let (_, after) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert_eq!(outcomes(&after, "88-13"), [Outcome::Eligible]);
}

#[tokio::test]
async fn r_lnk_the_same_person_has_another_name_at_another_organization() {
    let (target, town) = town().await;
    let mut child = town.settle(&target).await.unwrap();
    let mut names = Vec::new();
    for organization in [organization::TOKYO_CLINIC, organization::TOKYO_PHARMACY, organization::TOKYO_CLINIC]
    {
        let counter = target.counter(organization).await.unwrap();
        names.push(counter.present(&mut child.card, &[]).await.unwrap().token.sub.clone());
    }
    assert_ne!(names[0], names[1]);
    assert_eq!(names[0], names[2]);
}

/// One child, known to a city and to a prefecture: both rights are answered, in whichever order they linked.
#[tokio::test]
async fn r_lnk_two_issuers_know_one_person() {
    let (target, hachioji) = town().await;
    let tokyo = Town::of(&target, organization::TOKYO).await.unwrap();
    for city_first in [true, false] {
        let mut child = Newcomer::new(&target).unwrap();
        let chronic = EntitlementRow {
            law_no: "52".to_owned(),
            payer_number: "52136017".to_owned(),
            certificate_type_id: "52SHOUMAN".to_owned(),
            certification_name: "小児慢性特定疾病医療受給者証".to_owned(),
            area: 0,
            ..child.right()
        };
        for (town, right) in [(&hachioji, child.right()), (&tokyo, chronic)] {
            town.register(&child).await.unwrap();
            town.grant(right).await.unwrap();
        }
        let order = if city_first { [&hachioji, &tokyo] } else { [&tokyo, &hachioji] };
        for town in order {
            town.link(&mut child).await.unwrap();
        }
        let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        let (_, answer) = counter.visit(&mut child.card, &["52", "88-13"]).await.unwrap();
        assert_eq!(outcomes(&answer, "88-13"), [Outcome::Eligible], "city first: {city_first}");
        assert_eq!(outcomes(&answer, "52"), [Outcome::Eligible], "city first: {city_first}");
    }
}

#[tokio::test]
async fn r_lnk_linking_again_changes_nothing() {
    let (target, town) = town().await;
    let mut child = town.settle(&target).await.unwrap();
    assert_eq!(town.link(&mut child).await.unwrap().response.linked, 0);
}

#[tokio::test]
async fn r_lnk_a_card_needs_its_holder_to_be_linked() {
    let (target, town) = town().await;
    let child = Newcomer::new(&target).unwrap();
    town.register(&child).await.unwrap();
    let request = LinkCredentialRequest {
        idempotency_key: names::uuid(),
        resident_key: child.resident_key,
        ..Default::default()
    };
    assert_eq!(reason(town.issuer().gateway().call(&request, None).await), Reason::TokenMissing);
}

#[tokio::test]
async fn r_lnk_a_link_to_nobody_is_refused() {
    let (target, town) = town().await;
    let mut child = Newcomer::new(&target).unwrap();
    assert_eq!(reason(town.link(&mut child).await), Reason::NotFound);
}

/// First visit: the clinic reads the paper, the issuer confirms, the right is served; and it can be undone.
#[tokio::test]
async fn r_lnk_a_proposed_link_is_served_only_after_the_issuer_confirms() {
    let (target, town) = town().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = Newcomer::new(&target).unwrap();
    let number = names::fresh();
    town.register(&child).await.unwrap();
    let right = EntitlementRow { recipient_number: number.clone(), ..child.right() };
    town.grant(right).await.unwrap();

    let mut presentation =
        pmh_client::Presentation::for_eligibility(pmh_conformance::counter::CONSENT_TEXT, &["88-13"]);
    presentation.scopes.push("link:propose".to_owned());
    let presence = counter.present_as(&mut child.card, &presentation).await.unwrap();
    let paper = |birth_date: String| ProposeLinkRequest {
        idempotency_key: names::uuid(),
        payer_number: "88138243".to_owned(),
        recipient_number: number.clone(),
        birth_date,
    };
    let missed = counter.terminal().call(&presence, &paper("2001-01-01".to_owned())).await.unwrap();
    let proposed = counter.terminal().call(&presence, &paper(child.birth_date.to_string())).await.unwrap();
    assert_eq!(missed.response.instruction, proposed.response.instruction, "numbers cannot be tried out");

    let waiting = town.issuer().gateway().call_unrecorded(&ListLinkProposalsRequest {}, None).await.unwrap();
    let ids: Vec<_> = waiting
        .proposals
        .iter()
        .filter(|proposal| proposal.resident_key == child.resident_key)
        .map(|proposal| proposal.proposal_id.clone())
        .collect();
    assert_eq!(ids, [proposed.response.proposal_id], "matches only");

    let outcome = async |counter: &pmh_conformance::Counter, child: &mut Newcomer| {
        let (_, answer) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
        (answer.response.state(), outcomes(&answer, "88-13"))
    };
    assert_eq!(outcome(&counter, &mut child).await.0, AnswerState::NotLinked);
    let decide = async |decision: LinkDecision| {
        let request = DecideLinkRequest {
            idempotency_key: names::uuid(),
            proposal_id: ids[0].clone(),
            decision: decision.into(),
        };
        town.issuer().gateway().call(&request, None).await
    };
    decide(LinkDecision::Confirm).await.unwrap();
    assert_eq!(outcome(&counter, &mut child).await.1, [Outcome::Eligible]);
    decide(LinkDecision::Undo).await.unwrap();
    assert_eq!(outcome(&counter, &mut child).await.0, AnswerState::NotLinked);
}

#[tokio::test]
async fn r_res_a_resident_who_moved_away_is_no_longer_served_and_a_mistake_is_taken_back() {
    let (target, town) = town().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = town.settle(&target).await.unwrap();
    let moved = async |day: String| {
        let request = MoveResidentRequest {
            idempotency_key: names::uuid(),
            resident_key: child.resident_key.clone(),
            moved_out_on: day,
        };
        town.issuer().gateway().call(&request, None).await.unwrap();
    };
    moved(pmh_conformance::clock::day(-10).to_string()).await;
    let (_, away) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert!(!outcomes(&away, "88-13").contains(&Outcome::Eligible), "{:?}", away.response);
    let request = MoveResidentRequest {
        idempotency_key: names::uuid(),
        resident_key: child.resident_key.clone(),
        moved_out_on: String::new(),
    };
    town.issuer().gateway().call(&request, None).await.unwrap();
    let (_, back) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    assert_eq!(outcomes(&back, "88-13"), [Outcome::Eligible]);
}

#[tokio::test]
async fn r_az_a_clinic_cannot_link_and_a_town_cannot_ask() {
    let target = target().await;
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = Newcomer::new(&target).unwrap();
    let request = LinkCredentialRequest {
        idempotency_key: names::uuid(),
        resident_key: child.resident_key.clone(),
        ..Default::default()
    };
    assert_eq!(reason(clinic.gateway().call(&request, None).await), Reason::RoleNotAllowed);
    let town = target.counter(organization::HACHIOJI).await.unwrap();
    let presence = town
        .present_as(
            &mut child.card,
            &pmh_client::Presentation {
                purposes: vec![Purpose::Hpaymt],
                ..pmh_client::Presentation::for_eligibility("", &[])
            },
        )
        .await;
    match presence {
        Ok(presence) => assert_eq!(reason(town.ask(&presence).await), Reason::RoleNotAllowed),
        Err(error) => assert_eq!(reason::<()>(Err(error)), Reason::ScopeMissing),
    }
}
