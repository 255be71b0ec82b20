//! What the guest sees of mother and children: consented categories, while the handoff lasts, and of nobody withheld.

use pmh::sandbox::uuid;
use pmh_proto::common::Reason;
use pmh_proto::handoff::{HandoffCategory, HandoffState, ReturnHandoffRequest};

use super::family::{
    SHARED, at_her_stay, examined, merged, newborn, notified, read, registered, restricted, shape,
    told_at_home,
};
use super::people::{arrived, withdraw};
use super::rig::{AT_HOME, AT_STAY, Wire, pair};

use HandoffCategory::{
    ChildCheckups, ChildVaccinations, Delivery, Entitlements, MotherMind, MotherVaccinations,
};

#[tokio::test]
async fn after_the_birth_each_child_has_a_message_of_its_own_in_each_shared_category() {
    let pair = pair(Wire::Open);
    let (mut mother, id) = at_her_stay(pair, &SHARED).await;
    let before = read(pair, &id, &[]).await.unwrap();
    assert_eq!(shape(&before), [(Delivery, 0), (MotherVaccinations, 0)], "nobody is born yet");

    let told = notified(&pair.stay, &mut mother, vec![newborn(1, 2), newborn(2, 2)]).await.unwrap().response;
    told_at_home(pair, &mother, |birth| birth.children.len() == 2).await;
    let child = registered(pair).await;
    merged(pair, &told.birth_id, 2, &child).await;
    examined(pair, &child).await;
    let seen = read(pair, &id, &[]).await.unwrap();
    let expected = [
        (Delivery, 0),
        (ChildCheckups, 1),
        (ChildCheckups, 2),
        (ChildVaccinations, 1),
        (ChildVaccinations, 2),
        (MotherVaccinations, 0),
    ];
    assert_eq!(shape(&seen), expected);
    let records: Vec<_> = seen.iter().map(|message| message.records.clone().unwrap()).collect();
    let weights: Vec<_> = records[0].births.iter().map(|birth| birth.weight_g).collect();
    assert_eq!(weights, [2_401, 2_402]);
    assert!(records[1].checkups.is_empty(), "the first child is provisional");
    let [checkup] = &records[2].checkups[..] else { panic!("one checkup of the second child") };
    let record = checkup.record.as_ref().unwrap();
    assert!(record.resident_key.is_empty() && record.record_id.is_empty(), "home's names stay at home");
    assert!(seen.iter().all(|message| message.home_entry.is_some() && message.receipt.is_some()));
}

#[tokio::test]
async fn a_category_without_consent_is_not_served_and_after_the_end_nothing_is() {
    let pair = pair(Wire::Open);
    let (mut mother, id) = at_her_stay(pair, &[ChildCheckups, Entitlements]).await;
    notified(&pair.stay, &mut mother, vec![newborn(1, 1)]).await.unwrap();
    told_at_home(pair, &mother, |birth| birth.children.len() == 1).await;
    for category in [ChildVaccinations, MotherVaccinations, MotherMind, Delivery] {
        assert_eq!(refusal(read(pair, &id, &[category]).await), Reason::ConsentRequired, "{category:?}");
    }
    let seen = read(pair, &id, &[]).await.unwrap();
    assert_eq!(shape(&seen), [(ChildCheckups, 1), (Entitlements, 0)]);
    withdraw(&pair.home, AT_HOME, &id, &[ChildCheckups]).await.unwrap();
    let seen = read(pair, &id, &[]).await.unwrap();
    assert_eq!(shape(&seen), [(Entitlements, 0)], "taken back, the children are as if they were not there");

    let back = ReturnHandoffRequest { idempotency_key: uuid(), handoff_id: id.clone(), duties: Vec::new() };
    pair.stay.gateway(AT_STAY).await.call(&back, None).await.unwrap();
    arrived(&pair.home, AT_HOME, &id, HandoffState::Returned).await;
    assert_eq!(refusal(read(pair, &id, &[]).await), Reason::NotFound);
}

#[tokio::test]
async fn a_restricted_child_equals_one_that_was_never_there() {
    let pair = pair(Wire::Open);
    let (_, unborn) = at_her_stay(pair, &SHARED).await;
    let (mut mother, id) = at_her_stay(pair, &SHARED).await;
    let told = notified(&pair.stay, &mut mother, vec![newborn(1, 1)]).await.unwrap().response;
    told_at_home(pair, &mother, |birth| birth.children.len() == 1).await;
    let child = registered(pair).await;
    merged(pair, &told.birth_id, 1, &child).await;
    examined(pair, &child).await;
    restricted(pair, &child).await;
    let (seen, nothing) = (read(pair, &id, &[]).await.unwrap(), read(pair, &unborn, &[]).await.unwrap());
    let records = |told: &[pmh_proto::handoff::ReadHandoffRecordsResponse]| {
        told.iter().map(|message| message.records.clone()).collect::<Vec<_>>()
    };
    assert_eq!(records(&seen), records(&nothing), "in content and in count");
    let asked = read(pair, &id, &[ChildCheckups]).await.unwrap();
    assert_eq!(asked.len(), read(pair, &unborn, &[ChildCheckups]).await.unwrap().len());
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, tonic::Status>) -> Reason {
    pmh_client::Refused::read(&outcome.unwrap_err()).unwrap().reason
}
