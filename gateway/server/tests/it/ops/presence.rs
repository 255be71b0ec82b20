//! Consent only shrinks, and a guardian stops being one at once.

use pmh_client::Presentation;
use pmh_proto::common::Reason;
use pmh_proto::eligibility::Outcome;
use pmh_proto::resident::PutRelationRequest;

use super::linking::question;
use super::rig::{HACHIOJI, Person, at_clinic, for_asking, now, reason, uuid, world};

#[tokio::test]
async fn a_group_withdrawn_from_everything_is_withdrawn() {
    let mut person = Person::new();
    let (counter, mut presence) = at_clinic(&mut person, &["*"]).await;
    let left = counter.narrow(&presence, &["52"], &[]).await.unwrap().response.groups;
    assert!(left.is_empty(), "{left:?}");
    counter.renew(&mut presence, None).await.unwrap();
    let answer = counter.verify(&presence, &question()).await.unwrap();
    assert!(answer.response.results.iter().all(|row| row.outcome() == Outcome::NotConsented));
}

#[tokio::test]
async fn of_two_withdrawals_at_once_none_is_lost() {
    let mut person = Person::new();
    for _ in 0..8 {
        let (counter, presence) = at_clinic(&mut person, &["52", "88-13"]).await;
        let (first, second) =
            tokio::join!(counter.narrow(&presence, &["52"], &[]), counter.narrow(&presence, &["88-13"], &[]));
        let left = [first.unwrap().response.groups, second.unwrap().response.groups];
        assert!(left.iter().any(Vec::is_empty), "{left:?}");
    }
}

#[tokio::test]
async fn an_ended_relation_ends_the_childs_token_and_its_renewal() {
    let town = world().gateway(HACHIOJI).await;
    let mut mother = Person::aged(33).registered(&town).await.linked(HACHIOJI).await;
    let child = Person::new().registered(&town).await;
    let relation = PutRelationRequest {
        idempotency_key: uuid(),
        guardian_resident_key: mother.resident_key.clone(),
        child_resident_key: child.resident_key.clone(),
        ..Default::default()
    };
    town.call(&relation, None).await.unwrap();
    let (counter, own) = at_clinic(&mut mother, &["88-13"]).await;
    let handle = own.dependants[0].child.clone();
    let mut for_child = own;
    counter.renew(&mut for_child, Some(&handle)).await.unwrap();
    counter.verify(&for_child, &question()).await.unwrap();

    let ended = PutRelationRequest { idempotency_key: uuid(), ended: true, ..relation.clone() };
    town.call(&ended, None).await.unwrap();
    let refused = reason(counter.verify(&for_child, &question()).await);
    assert!(matches!(refused, Reason::PresenceEnded | Reason::TokenInvalid), "{refused:?}");
    assert_eq!(reason(counter.renew(&mut for_child, None).await), Reason::PresenceEnded);

    town.call(&relation, None).await.expect("the first answer again");
    let presence = counter.present(&mut mother, &for_asking(&["88-13"]), now()).await.unwrap();
    assert!(presence.dependants.is_empty(), "a late repetition brings no relation back");
    let again = PutRelationRequest { until: "2020-01-01".to_owned(), ..relation };
    assert_eq!(reason(town.call(&again, None).await), Reason::IdempotencyKeyReused);
}

/// A relation that is stated beyond majority ends with it (民法 4条).
#[tokio::test]
async fn nobody_is_guardian_of_an_adult() {
    let town = world().gateway(HACHIOJI).await;
    let mut mother = Person::aged(50).registered(&town).await.linked(HACHIOJI).await;
    let grown = Person::aged(19).registered(&town).await;
    let relation = PutRelationRequest {
        idempotency_key: uuid(),
        guardian_resident_key: mother.resident_key.clone(),
        child_resident_key: grown.resident_key.clone(),
        until: "2099-12-31".to_owned(),
        ended: false,
    };
    town.call(&relation, None).await.unwrap();
    assert!(at_clinic(&mut mother, &[]).await.1.dependants.is_empty());
}

/// §6.9: a genuine certificate names a person; a copy of it learns nothing from the refusal.
#[tokio::test]
async fn a_copied_certificate_is_recorded_and_learns_no_name() {
    struct Copied(Person);
    impl pmh_client::Card for Copied {
        fn sign(&mut self, text: &[u8]) -> Result<pmh_client::Signed, pmh_client::CardError> {
            let mut signed = self.0.sign(text)?;
            *signed.signature.last_mut().unwrap() ^= 1;
            Ok(signed)
        }
    }
    let counter = world().terminal(super::rig::CLINIC).await;
    let presentation: Presentation = for_asking(&["52"]);
    let (mut seen, unseen) = (Person::new(), Person::new());
    counter.present(&mut seen, &presentation, now()).await.unwrap();
    for person in [seen, unseen] {
        let error = counter.present(&mut Copied(person), &presentation, now()).await.unwrap_err();
        let refused = error.refused().unwrap();
        assert_eq!(refused.reason, Reason::CardSignature);
        let receipt = refused.receipt.as_ref().expect("recorded, and alike whether it was seen or not");
        assert!(receipt.subject.is_none());
    }
}
