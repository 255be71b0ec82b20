//! Parts open under a warrant; who stood at the counter is one of them.

use pmh_audit::{ActorBody, DetailBody, Leaf, Opening, Part, Salt, SubjectBody};
use pmh_conformance::counter::{organization, today};
use pmh_conformance::names;
use pmh_proto::audit::{EntryPart, Log, OpenPartsRequest, OpenedPart, SearchEntriesRequest};
use pmh_proto::common::Reason;

use super::{auditor, clinic, everything, found, indexes, proved_before_answered};
use crate::input::individual_number;
use crate::support::{fields, reason, spoken, target};

pub(super) fn actor(index: u64, warrant: &str) -> OpenPartsRequest {
    OpenPartsRequest {
        log: Log::Gateway.into(),
        index,
        parts: vec![EntryPart::Actor.into()],
        warrant: warrant.to_owned(),
    }
}

/// The body that a part's opening proves.
fn body(leaf: &Leaf, part: Part, opened: &OpenedPart) -> Vec<u8> {
    let opening = opened.opening.clone().unwrap();
    let opening = Opening { salt: Salt::new(opening.salt.try_into().unwrap()), body: opening.body };
    assert!(opening.opens(part, leaf.commitment(part)), "{part}");
    opening.body
}

#[tokio::test]
async fn the_operator_is_found_by_warrant_and_by_nothing_else() {
    let target = target().await;
    let pseudonym = format!("ward-3-{}", names::fresh());
    let counter = clinic(&target).await.operated_by(&pseudonym).unwrap();
    let (presence, answer) = counter.visit(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    assert!(!super::says(&answer.response, &pseudonym), "not in the answer nor its receipt");
    let gateway = auditor(&target).await;
    let warrant = names::fresh();
    let request = OpenPartsRequest {
        parts: [EntryPart::Detail, EntryPart::Actor, EntryPart::Subject].map(Into::into).to_vec(),
        ..actor(answer.proof.index, &warrant)
    };
    let opened = gateway.call(&request, None).await.unwrap();
    proved_before_answered(&opened);
    let entry = opened.response.entry.clone().unwrap();
    assert_eq!(entry.leaf_hash, answer.proof.leaf_hash, "the leaf that the clinic's receipt proves");
    let leaf = Leaf::decode(&entry.leaf).unwrap();
    let [detail, actor, subject] = opened.response.parts.as_slice() else { panic!("three parts") };
    let actor = ActorBody::decode(&body(&leaf, Part::Actor, actor)).unwrap();
    assert_eq!(actor.operator.as_str(), pseudonym);
    assert_eq!(Some(actor.terminal.as_str()), counter.gateway().identity().terminal());
    let detail = DetailBody::decode(&body(&leaf, Part::Detail, detail)).unwrap();
    assert_eq!(detail, answer.proof.detail);
    let subject = SubjectBody::decode(&body(&leaf, Part::Subject, subject)).unwrap();
    assert_eq!(subject.sub(), presence.token.sub);

    assert_eq!(
        opened.proof.detail.consent.as_str(),
        warrant,
        "the warrant is sealed into the auditor's entry"
    );
    let of_warrant = SearchEntriesRequest { case_reference: warrant, ..everything() };
    assert_eq!(indexes(&found(&gateway, &of_warrant).await), [opened.proof.index]);
}

#[tokio::test]
async fn a_part_that_an_entry_does_not_have_opens_as_nothing() {
    let target = target().await;
    let request = OpenPartsRequest { parts: vec![EntryPart::Subject.into()], ..actor(0, "warrant-1") };
    let opened = auditor(&target).await.call(&request, None).await.unwrap().response;
    let leaf = Leaf::decode(&opened.entry.unwrap().leaf).unwrap();
    assert!(body(&leaf, Part::Subject, &opened.parts[0]).is_empty());
    assert_eq!(opened.parts[0].reason(), Reason::Unspecified);
}

#[tokio::test]
async fn nothing_opens_without_a_warrant_or_outside_the_jurisdiction() {
    let target = target().await;
    let gateway = auditor(&target).await;
    let without = fields(gateway.call(&actor(0, ""), None).await);
    assert_eq!(without, [("warrant".to_owned(), Reason::Required)]);
    for parts in [vec![], vec![0], vec![4], vec![2, 2]] {
        let request = OpenPartsRequest { parts, ..actor(0, "warrant-1") };
        assert!(!fields(gateway.call(&request, None).await).is_empty(), "{request:?}");
    }
    assert_eq!(reason(gateway.call(&actor(u64::MAX, "warrant-1"), None).await), Reason::NotFound);
    let tokyo = target.gateway(organization::TOKYO_AUDITOR).await.unwrap();
    let error = tokyo.call(&actor(0, "warrant-1"), None).await.unwrap_err();
    let refused = error.refused().unwrap();
    assert_eq!(refused.reason, Reason::OutsideJurisdiction);
    assert!(refused.receipt.is_some(), "the attempt is an entry");
}

#[tokio::test]
async fn p4_an_operator_may_not_be_an_individual_number() {
    let target = target().await;
    let number = &individual_number();
    let plain = clinic(&target).await;
    let presence = plain.present(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let counter = plain.operated_by(number).unwrap();
    let error = counter.terminal().verify(&presence, &today()).await.unwrap_err();
    let refused = error.refused().unwrap();
    assert_eq!(refused.reason, Reason::IndividualNumberForbidden);
    assert_eq!(refused.fields[0].path, "pmh-operator");
    assert!(refused.receipt.is_some(), "the token named somebody: the refusal is an entry");
    assert!(!spoken(&error).contains(number));
    let long = clinic(&target).await.operated_by(&"x".repeat(65)).unwrap();
    let outcome = long.terminal().verify(&presence, &today()).await;
    assert_eq!(fields(outcome), [("pmh-operator".to_owned(), Reason::Width)]);
}
