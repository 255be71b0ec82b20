//! By person only with a case and two different people.

use pmh_audit::SubjectBody;
use pmh_client::{Gateway, Proven};
use pmh_conformance::counter::organization;
use pmh_conformance::{Target, names};
use pmh_proto::audit::request_person_search_request::Person;
use pmh_proto::audit::{
    ApprovePersonSearchRequest, EntryName, Log, RequestPersonSearchRequest, RequestPersonSearchResponse,
    ResidentName, SearchEntriesRequest,
};
use pmh_proto::common::Reason;

use super::{auditor, clinic, everything, found, indexes, proved_before_answered, says};
use crate::support::{fields, reason, target, town};

pub(super) fn by_entry(index: u64, case: &str) -> RequestPersonSearchRequest {
    by(Person::Entry(EntryName { log: Log::Gateway.into(), index }), case)
}

fn by(person: Person, case: &str) -> RequestPersonSearchRequest {
    RequestPersonSearchRequest {
        idempotency_key: names::uuid(),
        person: Some(person),
        case_reference: case.to_owned(),
        ground: "a complaint, invented for this test".to_owned(),
    }
}

fn approval(search: &Proven<RequestPersonSearchResponse>, case: &str) -> ApprovePersonSearchRequest {
    ApprovePersonSearchRequest {
        idempotency_key: names::uuid(),
        person_search_id: search.response.person_search_id.clone(),
        case_reference: case.to_owned(),
    }
}

fn of_person(search: &Proven<RequestPersonSearchResponse>) -> SearchEntriesRequest {
    SearchEntriesRequest { person_search_id: search.response.person_search_id.clone(), ..everything() }
}

/// A new terminal of the auditor of everything, with somebody at it.
async fn staffed(target: &Target, operator: &str) -> Gateway {
    auditor(target).await.with_operator(operator).unwrap()
}

#[tokio::test]
async fn two_people_and_a_case_find_everything_about_one_person() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let mut visits = Vec::new();
    let mut sub = String::new();
    for _ in 0..3 {
        let (presence, answer) = clinic(&target).await.visit(&mut person.card, &["88-13"]).await.unwrap();
        visits.push(answer.proof.index);
        sub = presence.token.sub;
    }
    let case = names::fresh();
    let first = staffed(&target, "op-1").await;
    let search = first.call(&by_entry(visits[0], &case), None).await.unwrap();
    proved_before_answered(&search);
    assert!(search.proof.subject.is_none(), "before the second has agreed nobody is named");
    assert_eq!(reason(first.call(&of_person(&search), None).await), Reason::SecondPersonNeeded);

    let approved = staffed(&target, "op-2").await.call(&approval(&search, &case), None).await.unwrap();
    proved_before_answered(&approved);
    assert!(approved.proof.subject.is_none());
    assert_eq!(approved.response.requester, organization::AUDITOR);

    let page = first.call(&of_person(&search), None).await.unwrap();
    proved_before_answered(&page);
    let own = page.response.subject.clone();
    assert_eq!(page.proof.subject.as_ref().map(SubjectBody::sub), Some(own.as_str()));
    assert!(is_pseudonym(&own) && own != sub, "under the auditor's own pseudonym");
    assert!(!says(&page.response, &sub), "and under no other");
    let all = found(&first, &of_person(&search)).await;
    assert!(visits.iter().all(|index| indexes(&all).contains(index)));
    assert!(
        indexes(&all).contains(&search.proof.index),
        "that they were searched for stands in their own list"
    );
    let linked = all.iter().any(|entry| entry.method == "LinkCredential");
    assert!(linked, "the link is about them too");

    let presented = SearchEntriesRequest { log: Log::Auth.into(), ..of_person(&search) };
    let presented = found(&first, &presented).await;
    assert!(presented.iter().filter(|entry| entry.method == "CompletePresentation").count() >= 3);
    assert!(presented.iter().all(|entry| entry.kind == 13));

    // Both steps, the searches and what was refused are what the case finds.
    let of_case = SearchEntriesRequest { case_reference: case, ..everything() };
    let steps = found(&staffed(&target, "op-3").await, &of_case).await;
    let methods: Vec<&str> = steps.iter().map(|entry| entry.method.as_str()).collect();
    assert_eq!(methods[..3], ["RequestPersonSearch", "SearchEntries", "ApprovePersonSearch"]);
    assert_eq!(steps[1].outcome, Reason::SecondPersonNeeded as u32, "the one that came too early");
    assert!(methods.len() >= 5 && methods[3..].iter().all(|method| *method == "SearchEntries"));
}

/// A second answer about another person shows another pseudonym, and filters hold here as well.
#[tokio::test]
async fn a_person_is_named_by_issuer_and_resident_key_as_well() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let visit = clinic(&target).await.visit(&mut person.card, &["88-13"]).await.unwrap().1.proof.index;
    let resident = ResidentName {
        issuer: format!("urn:x-pmh:org:{}", organization::HACHIOJI),
        resident_key: person.resident_key.clone(),
    };
    let case = names::fresh();
    let first = staffed(&target, "op-1").await;
    let request = by(Person::Resident(resident.clone()), &case);
    let search = first.call(&request, None).await.unwrap();
    let again = first.call(&request, None).await.unwrap();
    assert_eq!(
        again.response.person_search_id, search.response.person_search_id,
        "the same key, the same search"
    );
    staffed(&target, "op-2").await.call(&approval(&search, &case), None).await.unwrap();
    let verified = SearchEntriesRequest { method: "VerifyEligibility".to_owned(), ..of_person(&search) };
    assert_eq!(indexes(&found(&first, &verified).await), [visit]);
    let nobody = ResidentName { resident_key: names::fresh(), ..resident };
    let error = first.call(&by(Person::Resident(nobody), &case), None).await.unwrap_err();
    let refused = error.refused().unwrap();
    assert_eq!(refused.reason, Reason::NotFound);
    assert!(refused.receipt.is_some(), "a question about somebody unknown is an entry too");
}

#[tokio::test]
async fn one_person_is_not_two() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let visit = clinic(&target).await.visit(&mut person.card, &["88-13"]).await.unwrap().1.proof.index;
    let case = names::fresh();
    let nameless = auditor(&target).await;
    let missing = fields(nameless.call(&by_entry(visit, &case), None).await);
    assert_eq!(missing, [("pmh-operator".to_owned(), Reason::Required)]);

    let terminal = target.desk(organization::AUDITOR).unwrap();
    let first = target.connect(&terminal).await.unwrap().with_operator("op-1").unwrap();
    let search = first.call(&by_entry(visit, &case), None).await.unwrap();
    let one_name = staffed(&target, "op-1").await;
    let same_name_written_otherwise = staffed(&target, "OP-1").await;
    let one_terminal = target.connect(&terminal).await.unwrap().with_operator("op-2").unwrap();
    for same in [&first, &one_name, &same_name_written_otherwise, &one_terminal] {
        let error = same.call(&approval(&search, &case), None).await.unwrap_err();
        let refused = error.refused().unwrap();
        assert_eq!(refused.reason, Reason::SecondPersonNeeded);
        assert!(refused.receipt.is_some(), "the attempt is an entry");
    }
    let second = staffed(&target, "op-2").await;
    assert_eq!(reason(second.call(&approval(&search, "another case"), None).await), Reason::StateNotAllowed);
    let unknown = ApprovePersonSearchRequest { person_search_id: names::uuid(), ..approval(&search, &case) };
    assert_eq!(reason(second.call(&unknown, None).await), Reason::NotFound);
    second.call(&approval(&search, &case), None).await.unwrap();
    let third = staffed(&target, "op-3").await;
    assert_eq!(reason(third.call(&approval(&search, &case), None).await), Reason::StateNotAllowed);
    let elsewhere = target.gateway(organization::TOKYO_AUDITOR).await.unwrap();
    assert_eq!(reason(elsewhere.call(&of_person(&search), None).await), Reason::NotFound, "another's search");
}

#[tokio::test]
async fn another_auditor_may_be_the_second_within_its_jurisdiction() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let visit = clinic(&target).await.visit(&mut person.card, &["88-13"]).await.unwrap().1.proof.index;
    let tokyo = target.gateway(organization::TOKYO_AUDITOR).await.unwrap().with_operator("op-1").unwrap();
    let first = staffed(&target, "op-1").await;
    let case = names::fresh();
    let search = first.call(&by_entry(visit, &case), None).await.unwrap();
    tokyo.call(&approval(&search, &case), None).await.unwrap();
    assert!(!found(&first, &of_person(&search)).await.is_empty());

    let kanagawa = target.counter(organization::KANAGAWA_CLINIC).await.unwrap();
    let outside = kanagawa.visit(&mut target.card("stale").unwrap(), &["52"]).await.unwrap().1.proof.index;
    let search = first.call(&by_entry(outside, &case), None).await.unwrap();
    assert_eq!(reason(tokyo.call(&approval(&search, &case), None).await), Reason::OutsideJurisdiction);
    assert_eq!(reason(tokyo.call(&by_entry(outside, &case), None).await), Reason::OutsideJurisdiction);
}

/// An entry about nobody names nobody.
#[tokio::test]
async fn an_entry_about_nobody_finds_nobody() {
    let target = target().await;
    let first = staffed(&target, "op-1").await;
    assert_eq!(reason(first.call(&by_entry(0, "case-1"), None).await), Reason::NotFound);
    assert_eq!(reason(first.call(&by_entry(u64::MAX, "case-1"), None).await), Reason::NotFound);
}

fn is_pseudonym(sub: &str) -> bool {
    sub.starts_with("p1_") && sub.len() == 46
}
