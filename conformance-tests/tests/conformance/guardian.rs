//! A guardian's card opens a child, by a relation that a municipality verified and by nothing else.

use pmh_client::Presentation;
use pmh_conformance::counter::{CONSENT_TEXT, organization, outcomes};
use pmh_conformance::{Newcomer, Target, Town, clock};
use pmh_proto::common::Reason;
use pmh_proto::eligibility::Outcome;

use crate::support::{reason, town};

async fn family(target: &Target, town: &Town) -> (Newcomer, Newcomer) {
    let mut mother = Newcomer::born(target, clock::day(-33 * 365)).unwrap();
    town.register(&mother).await.unwrap();
    town.link(&mut mother).await.unwrap();
    let child = Newcomer::new(target).unwrap();
    town.register(&child).await.unwrap();
    town.grant(child.right()).await.unwrap();
    town.relate(&mother, &child).await.unwrap();
    (mother, child)
}

#[tokio::test]
async fn r_rel_a_guardians_card_opens_the_child() {
    let (target, town) = town().await;
    let (mut mother, child) = family(&target, &town).await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut presence = counter.present(&mut mother.card, &["88-13"]).await.unwrap();
    let [known] = presence.dependants.as_slice() else { panic!("{:?}", presence.dependants) };
    assert_eq!(known.birth_date, child.birth_date.to_string());
    let handle = known.child.clone();
    let own = presence.token.sub.clone();

    counter.terminal().renew(&mut presence, Some(&handle)).await.unwrap();
    assert_ne!(presence.token.sub, own, "the token is about the child");
    assert_eq!(presence.token.actor.as_deref(), Some(own.as_str()), "and names who acts");
    let answer = counter.ask(&presence).await.unwrap();
    assert_eq!(outcomes(&answer, "88-13"), [Outcome::Eligible]);
    assert_eq!(answer.response.subject, presence.token.sub);
}

#[tokio::test]
async fn r_rel_a_child_can_be_named_at_the_presentation() {
    let (target, town) = town().await;
    let (mut mother, _) = family(&target, &town).await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let first = counter.present(&mut mother.card, &["88-13"]).await.unwrap();
    let presentation = Presentation {
        act_for: Some(first.dependants[0].child.clone()),
        ..Presentation::for_eligibility(CONSENT_TEXT, &["88-13"])
    };
    let presence = counter.present_as(&mut mother.card, &presentation).await.unwrap();
    assert!(presence.dependants.is_empty(), "a child's presence names no siblings");
    assert_eq!(outcomes(&counter.ask(&presence).await.unwrap(), "88-13"), [Outcome::Eligible]);
}

#[tokio::test]
async fn r_rel_nobody_opens_another_familys_child() {
    let (target, town) = town().await;
    let (mut mother, _) = family(&target, &town).await;
    let (mut other, _) = family(&target, &town).await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let theirs = counter.present(&mut other.card, &[]).await.unwrap().dependants[0].child.clone();
    let mut presence = counter.present(&mut mother.card, &[]).await.unwrap();
    let outcome = counter.terminal().renew(&mut presence, Some(&theirs)).await;
    assert!(matches!(reason(outcome), Reason::NotFound | Reason::PresenceEnded));
    counter.terminal().renew(&mut presence, None).await.expect("her own presence goes on");
}

#[tokio::test]
async fn r_rel_a_handle_of_another_organization_opens_nothing() {
    let (target, town) = town().await;
    let (mut mother, _) = family(&target, &town).await;
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let pharmacy = target.counter(organization::TOKYO_PHARMACY).await.unwrap();
    let handle = clinic.present(&mut mother.card, &[]).await.unwrap().dependants[0].child.clone();
    let mut presence = pharmacy.present(&mut mother.card, &[]).await.unwrap();
    assert_ne!(presence.dependants[0].child, handle);
    assert!(pharmacy.terminal().renew(&mut presence, Some(&handle)).await.is_err());
}

#[tokio::test]
async fn r_rel_an_ended_relation_opens_nothing() {
    let (target, town) = town().await;
    let (mut mother, child) = family(&target, &town).await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let before = counter.present(&mut mother.card, &["88-13"]).await.unwrap();
    let handle = before.dependants[0].child.clone();
    town.unrelate(&mother, &child).await.unwrap();
    let mut after = counter.present(&mut mother.card, &["88-13"]).await.unwrap();
    assert!(after.dependants.is_empty());
    assert!(counter.terminal().renew(&mut after, Some(&handle)).await.is_err());
}

#[tokio::test]
async fn p5_a_protected_childs_record_is_not_served_to_a_guardian() {
    let (target, town) = town().await;
    let (mut mother, child) = family(&target, &town).await;
    town.protect(&child).await.unwrap();
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut presence = counter.present(&mut mother.card, &["88-13"]).await.unwrap();
    let Some(handle) = presence.dependants.first().map(|child| child.child.clone()) else { return };
    counter.terminal().renew(&mut presence, Some(&handle)).await.unwrap();
    let answer = counter.ask(&presence).await.unwrap();
    assert!(!outcomes(&answer, "88-13").contains(&Outcome::Eligible), "{:?}", answer.response);
    assert!(answer.response.results.iter().all(|result| result.entitlements.is_empty()));
}
