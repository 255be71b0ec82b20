//! Births and losses at the stay side reach home at once, and a loss silences what would speak of the child.

use jiff::ToSpan as _;
use pmh::sandbox::uuid;
use pmh_proto::checkup::{
    CheckupKind, ListSessionsRequest, PutSessionsRequest, RequestPlaceRequest, Session,
};
use pmh_proto::common::{Purpose, Reason};
use pmh_proto::handoff::{HandoffDuty, MergeState};
use pmh_proto::vaccination::GetForecastRequest;

use super::family::{
    SHARED, at_her_stay, examined, is_followed_up, lost, merge, merged, newborn, notified, read, registered,
    shape, told_at_home,
};
use super::people::{Mother, listed};
use super::rig::{AT_HOME, AT_STAY, Pair, Wire, pair, reason, today, until};

#[tokio::test]
async fn twins_are_two_provisional_children_until_two_officers_say_who_they_are() {
    let pair = pair(Wire::Open);
    let (mut mother, _) = at_her_stay(pair, &SHARED).await;
    let twins = vec![newborn(1, 2), newborn(2, 2)];
    let told = notified(&pair.stay, &mut mother, twins.clone()).await.unwrap().response;
    assert!(told.notice.unwrap().ja.contains("出生届ではありません"), "it is not the statutory filing");
    assert_eq!(told.filing_due, (today() + 13.days()).to_string(), "the day of birth is day 1 of 14");

    let birth = told_at_home(pair, &mother, |birth| birth.children.len() == 2).await;
    assert_eq!(birth.birth_id, told.birth_id, "one birth on both gateways");
    let items: Vec<_> = birth.children.iter().map(|child| child.newborn.clone().unwrap()).collect();
    assert_eq!(items, twins, "nine items each, code point by code point");

    let third = notified(&pair.stay, &mut mother, vec![newborn(3, 3)]).await;
    assert_eq!(reason(third), Reason::StateNotAllowed, "twins are not triplets");
    let wrong = newborn(1, 1);
    let wrong = vec![pmh_proto::handoff::Newborn { birth_order: 2, ..wrong }];
    assert_eq!(reason(notified(&pair.stay, &mut mother, wrong).await), Reason::InvalidFields);

    let (one, other) = (registered(pair).await, registered(pair).await);
    let first = merge(pair, (AT_HOME, "op-1"), &birth.birth_id, 1, &one).await.unwrap().response;
    assert_eq!(first.state(), MergeState::Proposed);
    for same in [(AT_HOME, "op-1"), ("hachioji-2", "op-1"), ("hachioji-2", "OP-1"), (AT_HOME, "op-2")] {
        let again = merge(pair, same, &birth.birth_id, 1, &one).await;
        assert_eq!(reason(again), Reason::SecondPersonNeeded, "{same:?} is one person or one terminal");
    }
    let second = merge(pair, ("hachioji-2", "op-2"), &birth.birth_id, 1, &one).await.unwrap().response;
    assert_eq!(second.state(), MergeState::Merged);
    let twin = merge(pair, (AT_HOME, "op-1"), &birth.birth_id, 2, &one).await;
    assert_eq!(reason(twin), Reason::StateNotAllowed, "a resident is one child");
    let mothers = merge(pair, (AT_HOME, "op-1"), &birth.birth_id, 2, &mother.resident_key).await;
    assert_eq!(reason(mothers), Reason::StateNotAllowed, "another day of birth is another person");
    merged(pair, &birth.birth_id, 2, &other).await;
    let known = told_at_home(pair, &mother, |birth| birth.children.len() == 2).await;
    let residents: Vec<_> = known.children.iter().map(|child| child.resident_key.as_str()).collect();
    assert_eq!(residents, [one.as_str(), other.as_str()]);
}

#[tokio::test]
async fn a_loss_silences_every_message_about_the_child_and_the_mothers_care_goes_on() {
    let pair = pair(Wire::Open);
    let (mut mother, id) = at_her_stay(pair, &SHARED).await;
    let told = notified(&pair.stay, &mut mother, vec![newborn(1, 1)]).await.unwrap().response;
    told_at_home(pair, &mother, |birth| birth.children.len() == 1).await;
    let child = registered(pair).await;
    merged(pair, &told.birth_id, 1, &child).await;
    let record = examined(pair, &child).await;
    assert!(is_followed_up(pair, &record).await && series_due(pair, &child).await > 0);
    let other_child = registered(pair).await;
    let group = booked(pair, [&child, &other_child]).await;
    assert_eq!(day_of(pair, &group).await, (vec![child.clone()], vec![other_child.clone()]));
    assert_eq!(held(pair, &id).await.0.len(), 3);

    let other = lost(&pair.stay, &mut Mother::living_at_home(pair).await, &told.birth_id, 1).await;
    assert_eq!(reason(other), Reason::SubjectMismatch, "nobody tells of another's child");
    lost(&pair.stay, &mut mother, &told.birth_id, 1).await.unwrap();
    let known = told_at_home(pair, &mother, |birth| birth.children.iter().all(|child| child.lost)).await;
    assert!(!known.pregnancy_lost);
    let mothers = vec![i32::from(HandoffDuty::PostpartumCheckup)];
    until("the child's duties end on both sides", async || {
        (held(pair, &id).await == (mothers.clone(), mothers.clone())).then_some(())
    })
    .await;
    assert!(!is_followed_up(pair, &record).await, "no reminder");
    assert_eq!(series_due(pair, &child).await, 0, "nothing is due");
    assert_eq!(day_of(pair, &group).await, (vec![other_child], Vec::new()), "no place is kept for the child");
    let seen = read(pair, &id, &[]).await.unwrap();
    assert!(shape(&seen).iter().all(|(_, child)| *child == 0), "a guest finds no child");
    assert!(seen.iter().all(|message| message.records.as_ref().unwrap().births.is_empty()));
}

#[tokio::test]
async fn a_pregnancy_lost_before_any_birth_ends_the_duties_towards_a_child() {
    let pair = pair(Wire::Open);
    let (mut mother, id) = at_her_stay(pair, &SHARED).await;
    lost(&pair.stay, &mut mother, "", 0).await.unwrap();
    told_at_home(pair, &mother, |birth| birth.pregnancy_lost && birth.children.is_empty()).await;
    let mothers = vec![i32::from(HandoffDuty::PostpartumCheckup)];
    until("the child's duties end on both sides", async || {
        (held(pair, &id).await == (mothers.clone(), mothers.clone())).then_some(())
    })
    .await;
}

/// A group checkup with one place, for which all ask in this order.
async fn booked(pair: &Pair, residents: [&str; 2]) -> String {
    let (gateway, group) = (pair.home.gateway(AT_HOME).await, uuid());
    let day = Session {
        session_id: "day".to_owned(),
        date: (today() + 30.days()).to_string(),
        time: "13:00".to_owned(),
        hall: "架空保健センター".to_owned(),
        capacity: 1,
    };
    let opened = PutSessionsRequest {
        idempotency_key: uuid(),
        group: group.clone(),
        kind: CheckupKind::Month3To4.into(),
        sessions: vec![day],
    };
    gateway.call(&opened, None).await.unwrap();
    for resident in residents {
        let request = RequestPlaceRequest {
            idempotency_key: uuid(),
            purpose: Purpose::Pubhlth.into(),
            resident_key: resident.to_owned(),
            group: group.clone(),
            session_id: "day".to_owned(),
            ..Default::default()
        };
        gateway.call(&request, None).await.unwrap();
    }
    group
}

/// Who has a place on its day, and who waits.
async fn day_of(pair: &Pair, group: &str) -> (Vec<String>, Vec<String>) {
    let request = ListSessionsRequest {
        purpose: Purpose::Pubhlth.into(),
        group: group.to_owned(),
        ..Default::default()
    };
    let listed = pair.home.gateway(AT_HOME).await.call(&request, None).await.unwrap().response;
    let [day] = <[_; 1]>::try_from(listed.sessions).unwrap();
    (day.placed, day.waiting)
}

/// Duties that the stay side may act in, as home and as the stay side know it.
async fn held(pair: &Pair, id: &str) -> (Vec<i32>, Vec<i32>) {
    let home = listed(&pair.home, AT_HOME, id).await.unwrap();
    let stay = listed(&pair.stay, AT_STAY, id).await.unwrap();
    (home.held_by_stay, stay.held_by_stay)
}

async fn series_due(pair: &Pair, child: &str) -> usize {
    let request = GetForecastRequest {
        date: today().to_string(),
        resident_key: child.to_owned(),
        ..Default::default()
    };
    pair.home.gateway(AT_HOME).await.call(&request, None).await.unwrap().response.series.len()
}
