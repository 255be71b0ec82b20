//! Consent: what was granted is served, what was not is not, and the list never says which exists.

use std::collections::BTreeSet;

use pmh_client::{Answer, Presentation};
use pmh_conformance::clock;
use pmh_conformance::counter::{CONSENT_TEXT, Counter, TestCard, organization, outcomes, results, today};
use pmh_conformance::{Newcomer, Target};
use pmh_proto::common::Reason;
use pmh_proto::directory::{ListCompetencesRequest, ListCompetencesResponse};
use pmh_proto::eligibility::Outcome;

use crate::support::{ended, fields, reason, target, town};

fn granting(groups: &[&str]) -> Presentation {
    Presentation {
        granted: groups.iter().map(|&group| group.to_owned()).collect(),
        ..Presentation::for_eligibility(CONSENT_TEXT, &["52", "88-13"])
    }
}

#[tokio::test]
async fn p5_refused_consent_is_an_answer_and_shows_nothing() {
    let (target, town) = town().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = town.settle(&target).await.unwrap();
    let presence = counter.present_as(&mut child.card, &granting(&[])).await.unwrap();
    let answer = counter.ask(&presence).await.unwrap();
    assert!(!answer.response.results.is_empty());
    for result in &answer.response.results {
        assert_eq!(result.outcome(), Outcome::NotConsented);
        assert!(result.entitlements.is_empty() && result.issuer.is_empty() && result.as_of.is_none());
        assert!(!result.authoritative);
    }
}

#[tokio::test]
async fn p5_consent_to_one_group_opens_that_group_alone() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut card = target.card("child").unwrap();
    let presence = counter.present_as(&mut card, &granting(&["88-13"])).await.unwrap();
    let answer = counter.ask(&presence).await.unwrap();
    assert_eq!(outcomes(&answer, "88-13"), [Outcome::Eligible]);
    assert!(results(&answer, "52").all(|result| result.outcome() == Outcome::NotConsented));
}

#[tokio::test]
async fn p5_consent_to_everything_opens_everything() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut target.card("child").unwrap(), &["*"]).await.unwrap();
    let answer = counter.ask(&presence).await.unwrap();
    assert!(outcomes(&answer, "52").contains(&Outcome::Eligible));
    assert!(outcomes(&answer, "88-13").contains(&Outcome::Eligible));
}

#[tokio::test]
async fn r_crd_a_grant_that_was_not_offered_is_refused() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = Newcomer::new(&target).unwrap();
    let presentation = Presentation {
        granted: vec!["52".to_owned()],
        ..Presentation::for_eligibility(CONSENT_TEXT, &["88-13"])
    };
    let refused = fields(counter.present_as(&mut child.card, &presentation).await);
    assert_eq!(refused, [("answer.groups".to_owned(), Reason::Value)]);
}

#[tokio::test]
async fn r_tok_narrowing_ends_earlier_tokens_and_only_takes_away() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut presence = counter.present(&mut target.card("child").unwrap(), &["52", "88-13"]).await.unwrap();
    let narrowed = counter.terminal().narrow(&presence, &["52"], &[]).await.unwrap();
    assert_eq!(narrowed.response.groups, ["88-13"]);
    assert!(ended(reason(counter.ask(&presence).await)), "the earlier token");

    counter.terminal().renew(&mut presence, None).await.unwrap();
    let answer = counter.ask(&presence).await.unwrap();
    assert_eq!(outcomes(&answer, "88-13"), [Outcome::Eligible]);
    assert!(results(&answer, "52").all(|result| result.outcome() == Outcome::NotConsented));

    let all = counter.terminal().narrow(&presence, &["*"], &[]).await.unwrap();
    assert!(all.response.groups.is_empty());
}

/// The same consent and the same directory give the same list, whoever the person is and whatever exists.
#[tokio::test]
async fn p5_listed_groups_depend_on_consent_and_the_directory_alone() {
    let (target, town) = town().await;
    let mut without_right = Newcomer::new(&target).unwrap();
    town.register(&without_right).await.unwrap();
    town.link(&mut without_right).await.unwrap();
    let with_right = town.settle(&target).await.unwrap();

    let mut people = vec![with_right.card, without_right.card];
    for name in ["child", "lapsed", "not-yet", "none", "not-connected", "stale", "designated", "grace"] {
        people.push(target.card(name).unwrap());
    }
    for consent in [&[][..], &["52"], &["88-13"], &["52", "88-13"]] {
        let mut lists = BTreeSet::new();
        for card in &mut people {
            lists.insert(listed(&target, card, consent).await);
        }
        assert_eq!(lists.len(), 1, "consent to {consent:?}: {lists:?}");
        assert_eq!(lists.first(), Some(&in_directory(&target).await), "consent to {consent:?}");
    }
}

async fn listed(target: &Target, card: &mut TestCard, consent: &[&str]) -> BTreeSet<String> {
    let counter: Counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present_as(card, &granting(consent)).await.unwrap();
    groups(&counter.ask(&presence).await.unwrap())
}

fn groups(answer: &Answer) -> BTreeSet<String> {
    answer.response.results.iter().map(|result| result.group.clone()).collect()
}

async fn in_directory(target: &Target) -> BTreeSet<String> {
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let request = ListCompetencesRequest { on: clock::today().to_string(), ..Default::default() };
    let answer: ListCompetencesResponse = gateway.call_unrecorded(&request, None).await.unwrap();
    answer.competences.into_iter().map(|competence| competence.group).collect()
}

/// With consent refused, somebody with rights, somebody without and somebody nobody knows get the same answer.
#[tokio::test]
async fn r_sc_01_without_consent_everybody_gets_the_same_answer() {
    let target = target().await;
    let mut answers = BTreeSet::new();
    let mut cards: Vec<TestCard> =
        ["child", "none", "stale", "not-linked"].map(|name| target.card(name).unwrap()).into();
    cards.push(Newcomer::new(&target).unwrap().card);
    for card in &mut cards {
        let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        let presence = counter.present_as(card, &granting(&[])).await.unwrap();
        let mut answer = counter.ask(&presence).await.unwrap().response;
        (answer.receipt, answer.subject, answer.version) = (None, String::new(), String::new());
        answers.insert(format!("{answer:?}"));
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
}

#[tokio::test]
async fn p5_an_unchanged_answer_is_said_in_one_word() {
    let (target, town) = town().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut child = town.settle(&target).await.unwrap();
    let (presence, answer) = counter.visit(&mut child.card, &["88-13"]).await.unwrap();
    let again = pmh_proto::eligibility::VerifyEligibilityRequest {
        if_version: answer.response.version.clone(),
        ..today()
    };
    let unchanged = counter.terminal().verify(&presence, &again).await.unwrap();
    assert_eq!(unchanged.response.state(), pmh_proto::eligibility::AnswerState::Unchanged);
    assert!(unchanged.response.results.is_empty());

    let newer = pmh_proto::eligibility::EntitlementRow {
        history_key: "2".to_owned(),
        always_reimbursement: true,
        ..child.right()
    };
    town.grant(newer).await.unwrap();
    let changed = counter.terminal().verify(&presence, &again).await.unwrap();
    assert_eq!(changed.response.state(), pmh_proto::eligibility::AnswerState::Answered);
}
