//! "Who looked at my data?": the person's list, a guardian's list, questions and answers.

use pmh_audit::part::Audience;
use pmh_audit::registry::{Method, Purpose as LogPurpose};
use pmh_audit::{Kind, ListError};
use pmh_client::accesses::{self, AccessesError, MyAccess, MyAccesses};
use pmh_client::{Presence, Presentation};
use pmh_conformance::counter::{TestCard, organization};
use pmh_conformance::{Counter, Newcomer, Target, Town, clock, names};
use pmh_proto::audit::{
    AccessDisplay, AnswerQuestionRequest, ListMyAccessesRequest, ListMyAccessesResponse,
    ListQuestionsRequest, QuestionAccessRequest, QuestionReason, QuestionStatus,
};
use pmh_proto::common::{Purpose, Reason};

use crate::support::{reason, town};

const TEXT: &str = "ご自身の情報を誰が見たかを確認します。";

/// A citizens' app on a phone of its own.
async fn app(target: &Target) -> Counter {
    target.counter(organization::APP).await.unwrap()
}

async fn sign_in(app: &Counter, card: &mut TestCard) -> Presence {
    app.present_as(card, &Presentation::for_accesses(TEXT)).await.unwrap()
}

/// The guardian's card, for the only child.
async fn sign_in_for_child(app: &Counter, card: &mut TestCard) -> Presence {
    let mut presence = sign_in(app, card).await;
    let handle = presence.dependants[0].child.clone();
    app.terminal().renew(&mut presence, Some(&handle)).await.unwrap();
    presence
}

async fn list(app: &Counter, presence: &Presence) -> MyAccesses {
    app.gateway().my_accesses(presence, &[]).await.unwrap()
}

fn methods(list: &MyAccesses) -> Vec<Method> {
    list.accesses.iter().filter_map(|access| Some(access.record.as_ref()?.leaf.method)).collect()
}

fn requester(access: &MyAccess) -> String {
    let leaf = access.record.as_ref().map(|record| &record.leaf);
    leaf.and_then(|leaf| leaf.requester.as_ref()).map(ToString::to_string).unwrap_or_default()
}

async fn family(target: &Target, town: &Town) -> (Newcomer, Newcomer) {
    let mut mother = Newcomer::born(target, clock::day(-33 * 365)).unwrap();
    town.register(&mother).await.unwrap();
    town.link(&mut mother).await.unwrap();
    let child = town.settle(target).await.unwrap();
    town.relate(&mother, &child).await.unwrap();
    (mother, child)
}

#[tokio::test]
async fn i22_a_person_sees_every_access_with_who_when_which_and_why() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    clinic.visit(&mut person.card, &["88-13"]).await.unwrap();
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    let first = list(&app, &presence).await;
    assert_eq!(first.audience, Audience::Person);
    let newest = &first.accesses[0];
    let record = newest.record.as_ref().unwrap();
    assert_eq!((record.leaf.kind, record.leaf.method), (Kind::Disclosure, Method::VERIFY_ELIGIBILITY));
    assert_eq!(record.leaf.purpose, LogPurpose::HEALTHCARE_PAYMENT);
    assert_eq!(requester(newest), organization::TOKYO_CLINIC);
    assert_eq!(newest.said.requester_name, "東京慈恵会医科大学附属病院");
    assert!(record.leaf.categories.names().any(|name| name == "subsidy"));

    let second = app.gateway().my_accesses(&presence, &first.tags).await.unwrap();
    assert_eq!(
        second.accesses.len(),
        first.accesses.len() + 1,
        "the look-up itself is in the list from then on"
    );
    assert!(second.accesses[0].said.own_query, "and marked as one's own");
    assert!(!second.accesses[1].said.own_query);
}

#[tokio::test]
async fn i22_an_access_before_the_card_was_linked_stays_in_the_list() {
    let (target, town) = town().await;
    let mut person = Newcomer::new(&target).unwrap();
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    clinic.visit(&mut person.card, &["88-13"]).await.unwrap();
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    list(&app, &presence).await;
    town.register(&person).await.unwrap();
    town.link(&mut person).await.unwrap();
    clinic.visit(&mut person.card, &["88-13"]).await.unwrap();
    let presence = sign_in(&app, &mut person.card).await;
    let list = list(&app, &presence).await;
    let own = list.accesses.iter().filter(|access| access.said.own_query).count();
    assert_eq!(own, 1, "a look before the link is one's own, too");
    assert_eq!(list.tags.len(), 2, "two references turned out to be one person");
    let visits = methods(&list).into_iter().filter(|method| *method == Method::VERIFY_ELIGIBILITY).count();
    assert_eq!(visits, 2);
    // The look-up closed both chains: a second one still finds both, and is found in both.
    app.gateway().my_accesses(&presence, &list.tags).await.unwrap();
}

#[tokio::test]
async fn i22_a_denied_attempt_is_in_the_list() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = clinic.present(&mut person.card, &["88-13"]).await.unwrap();
    // A clinic may not read a person's list, whatever it was shown.
    let request = ListMyAccessesRequest { purpose: Purpose::Patrqt.into(), ..Default::default() };
    let refused = clinic.gateway().call(&request, Some(presence.bearer())).await;
    assert_eq!(reason(refused), Reason::RoleNotAllowed);
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    let list = list(&app, &presence).await;
    let record = list.accesses[0].record.as_ref().unwrap();
    assert_eq!(
        (record.leaf.kind, i32::from(record.leaf.outcome)),
        (Kind::Refusal, Reason::RoleNotAllowed.into())
    );
    assert_eq!(requester(&list.accesses[0]), organization::TOKYO_CLINIC);
}

#[tokio::test]
async fn i22_a_municipal_counter_lists_with_the_persons_card() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let presence = sign_in(town.counter(), &mut person.card).await;
    let list = list(town.counter(), &presence).await;
    assert!(methods(&list).contains(&Method::LINK_CREDENTIAL));
}

/// Every page of a list, as the gateway sent it.
async fn pages(app: &Counter, presence: &Presence, page_size: u32) -> Vec<ListMyAccessesResponse> {
    let mut pages: Vec<ListMyAccessesResponse> = Vec::new();
    loop {
        let request = ListMyAccessesRequest {
            purpose: Purpose::Patrqt.into(),
            page_size,
            page_token: pages.last().map(|page| page.next_page_token.clone()).unwrap_or_default(),
            ..Default::default()
        };
        let answer = app.gateway().call(&request, Some(presence.bearer())).await.unwrap();
        let index = answer.proof.index;
        assert!(index < answer.response.receipt.as_ref().unwrap().tree_size, "I21");
        pages.push(answer.response);
        if pages.last().unwrap().next_page_token.is_empty() {
            return pages;
        }
    }
}

#[tokio::test]
async fn i21_a_citizens_look_is_an_entry_before_its_answer() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    let request = ListMyAccessesRequest { purpose: Purpose::Patrqt.into(), ..Default::default() };
    let answer = app.gateway().call(&request, Some(presence.bearer())).await.unwrap();
    let leaf = &answer.proof.leaf;
    assert_eq!((leaf.kind, leaf.method), (Kind::CitizenQuery, Method::LIST_MY_ACCESSES));
    assert_eq!(leaf.purpose, LogPurpose::PATIENT_REQUEST);
    assert!(answer.proof.index < answer.proof.checkpoint.size());
    let listed = answer.response.accesses.iter().map(|access| access.index);
    assert!(listed.into_iter().all(|index| index < answer.proof.index));
}

#[tokio::test]
async fn i22_whatever_is_removed_or_swapped_is_caught() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = clinic.present(&mut person.card, &["88-13"]).await.unwrap();
    for _ in 0..5 {
        clinic.ask(&presence).await.unwrap();
    }
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    let key = &target.keys().gateway;
    let sent = pages(&app, &presence, 2).await;
    assert!(sent.len() > 2);
    let whole = accesses::verify(&sent, key, &[]).unwrap();
    assert!(whole.accesses.len() >= 6);

    for page in 0..sent.len() {
        for place in 0..sent[page].accesses.len() {
            let mut without = sent.clone();
            without[page].accesses.remove(place);
            assert!(accesses::verify(&without, key, &[]).is_err(), "removed {page}/{place}");
        }
        let mut swapped = sent.clone();
        if swapped[page].accesses.len() == 2 {
            swapped[page].accesses.swap(0, 1);
            assert!(accesses::verify(&swapped, key, &[]).is_err(), "swapped {page}");
        }
    }
    let newest = sent[0].accesses[0].index;
    let mut without = sent.clone();
    without[0].accesses.remove(0);
    let error = accesses::verify(&without, key, &[]).unwrap_err();
    assert!(
        matches!(error, AccessesError::List(ListError::Missing { .. })),
        "the newest, {newest}: {error:?}"
    );
    // An older look-up's receipt in place of this one's: everything since then would be gone.
    let later = pages(&app, &presence, 100).await;
    let mut stale = later.clone();
    stale[0].receipt.clone_from(&sent[0].receipt);
    assert!(accesses::verify(&stale, key, &[]).is_err());
    let mut other = sent.clone();
    for page in &mut other {
        page.tags = vec![vec![7; 32]];
    }
    assert!(matches!(accesses::verify(&other, key, &[]), Err(AccessesError::Chains)));
    assert!(matches!(accesses::verify(&sent, key, &[[7; 32]]), Err(AccessesError::Forgotten)));
}

#[tokio::test]
async fn i22_a_past_page_never_changes() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let (at_clinic, _) = clinic.visit(&mut person.card, &["88-13"]).await.unwrap();
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    let ask = async |page_token: String| {
        let request = ListMyAccessesRequest {
            purpose: Purpose::Patrqt.into(),
            page_size: 1,
            page_token,
            ..Default::default()
        };
        app.gateway().call(&request, Some(presence.bearer())).await.unwrap().response
    };
    let first = ask(String::new()).await;
    let before = ask(first.next_page_token.clone()).await;
    clinic.ask(&at_clinic).await.unwrap();
    let after = ask(first.next_page_token).await;
    let leaves =
        |page: &ListMyAccessesResponse| page.accesses.iter().map(|a| a.leaf.clone()).collect::<Vec<_>>();
    assert_eq!((leaves(&before), &before.next_page_token), (leaves(&after), &after.next_page_token));
}

#[tokio::test]
async fn i22_a_guardians_list_of_the_child_is_complete_by_itself() {
    let (target, town) = town().await;
    let (mut mother, mut child) = family(&target, &town).await;
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    clinic.visit(&mut child.card, &["88-13"]).await.unwrap();
    let app = app(&target).await;
    let presence = sign_in_for_child(&app, &mut mother.card).await;
    let hers = list(&app, &presence).await;
    assert_eq!(hers.audience, Audience::Guardian);
    assert_eq!(methods(&hers), [Method::VERIFY_ELIGIBILITY, Method::PUT_RELATION], "from the relation on");

    let own = sign_in(&app, &mut child.card).await;
    let childs = list(&app, &own).await;
    assert!(!childs.accesses[0].said.own_query, "the guardian's look is no look of the child's");
    assert_eq!(methods(&childs)[..2], [Method::LIST_MY_ACCESSES, Method::VERIFY_ELIGIBILITY]);

    let again = app.gateway().my_accesses(&presence, &hers.tags).await.unwrap();
    let shown: Vec<AccessDisplay> = again.accesses.iter().map(|access| access.said.display()).collect();
    assert_eq!(
        shown[..2],
        [AccessDisplay::Sealed, AccessDisplay::Shown],
        "the child's own look is the child's"
    );
    assert!(again.accesses[1].said.own_query);
}

#[tokio::test]
async fn i22_a_restriction_ends_a_guardians_list_like_an_ordinary_end() {
    let (target, town) = town().await;
    let mut endings = Vec::new();
    for restricted in [false, true] {
        let (mut mother, mut child) = family(&target, &town).await;
        let app = app(&target).await;
        let presence = sign_in_for_child(&app, &mut mother.card).await;
        list(&app, &presence).await;
        if restricted {
            town.protect(&child).await.unwrap();
        } else {
            town.unrelate(&mother, &child).await.unwrap();
        }
        let refused = app.gateway().my_accesses(&presence, &[]).await;
        let Err(AccessesError::Call(error)) = refused else { panic!("{refused:?}") };
        let after = app.present_as(&mut mother.card, &Presentation::for_accesses(TEXT)).await.unwrap();
        let own = sign_in(&app, &mut child.card).await;
        let childs = list(&app, &own).await;
        let ending = childs.accesses.iter().find(|access| {
            access.record.as_ref().is_some_and(|record| record.leaf.method == Method::PUT_RELATION)
        });
        let leaf = ending.unwrap().record.clone().unwrap().leaf;
        endings.push((
            error.refused().unwrap().reason,
            after.dependants.len(),
            (
                leaf.kind,
                leaf.method,
                leaf.purpose,
                leaf.outcome,
                leaf.categories,
                leaf.requester,
                leaf.holder,
            ),
        ));
    }
    assert_eq!(endings[0], endings[1]);
    assert_eq!(endings[0].1, 0);
}

#[tokio::test]
async fn i22_a_citizen_questions_an_access_and_the_organization_answers() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let (_, answer) = clinic.visit(&mut person.card, &["88-13"]).await.unwrap();
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    let questioned = list(&app, &presence).await.accesses[0].index;
    assert_eq!(questioned, answer.proof.index);
    let request = QuestionAccessRequest {
        idempotency_key: names::uuid(),
        purpose: Purpose::Patrqt.into(),
        index: questioned,
        reason: QuestionReason::NotPresent.into(),
        text: "この日は受診していません。".to_owned(),
    };
    let asked = app.gateway().call(&request, Some(presence.bearer())).await.unwrap();
    assert_eq!(asked.proof.leaf.kind, Kind::CitizenQuery);
    let repeated = app.gateway().call(&request, Some(presence.bearer())).await.unwrap();
    assert_eq!(repeated.response.question_id, asked.response.question_id);
    assert_eq!(repeated.proof.leaf.kind, Kind::Replay);
    let twice = QuestionAccessRequest { idempotency_key: names::uuid(), ..request.clone() };
    assert_eq!(reason(app.gateway().call(&twice, Some(presence.bearer())).await), Reason::StateNotAllowed);

    let questions =
        clinic.gateway().call(&ListQuestionsRequest::default(), None).await.unwrap().response.questions;
    let question = questions.iter().find(|question| question.index == questioned).unwrap();
    assert_eq!(question.subject, answer.response.subject, "the person as the clinic knows them, and no more");
    assert_eq!((question.text.as_str(), question.status()), (request.text.as_str(), QuestionStatus::Open));
    let elsewhere = target.counter(organization::KANAGAWA_CLINIC).await.unwrap();
    let theirs = elsewhere.gateway().call(&ListQuestionsRequest::default(), None).await.unwrap();
    assert!(theirs.response.questions.iter().all(|other| other.question_id != question.question_id));
    let reply = AnswerQuestionRequest {
        idempotency_key: names::uuid(),
        question_id: question.question_id.clone(),
        text: "当日の受付番号により確認しました。".to_owned(),
    };
    assert_eq!(reason(elsewhere.gateway().call(&reply, None).await), Reason::NotFound);
    let answered = clinic.gateway().call(&reply, None).await.unwrap();
    assert_eq!(answered.proof.leaf.kind, Kind::Write);

    let after = list(&app, &presence).await;
    let seen = after.accesses.iter().find(|access| access.index == questioned).unwrap();
    let state = seen.said.question.as_ref().unwrap();
    assert_eq!((state.status(), state.answer.as_str()), (QuestionStatus::Answered, reply.text.as_str()));
    let in_list = methods(&after);
    assert!(in_list.contains(&Method::QUESTION_ACCESS) && in_list.contains(&Method::ANSWER_QUESTION));
}

#[tokio::test]
async fn p5_nobody_questions_what_is_not_in_the_own_list() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let mut other = town.settle(&target).await.unwrap();
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let (_, answer) = clinic.visit(&mut other.card, &["88-13"]).await.unwrap();
    let app = app(&target).await;
    let presence = sign_in(&app, &mut person.card).await;
    let request = |index, text: &str| QuestionAccessRequest {
        idempotency_key: names::uuid(),
        purpose: Purpose::Patrqt.into(),
        index,
        reason: QuestionReason::Other.into(),
        text: text.to_owned(),
    };
    for index in [answer.proof.index, 1 << 40] {
        let outcome = app.gateway().call(&request(index, "なぜですか。"), Some(presence.bearer())).await;
        assert_eq!(reason(outcome), Reason::NotFound);
    }
    let own = list(&app, &presence).await.accesses[0].index;
    for (text, expected) in [
        ("", Reason::InvalidFields),
        ("番号は 1234-5678-9018 です", Reason::IndividualNumberForbidden),
        (&"長".repeat(501), Reason::InvalidFields),
    ] {
        let outcome = app.gateway().call(&request(own, text), Some(presence.bearer())).await;
        assert_eq!(reason(outcome), expected, "{text}");
    }
}
