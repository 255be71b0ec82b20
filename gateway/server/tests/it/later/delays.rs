//! An entry whose display the law delays, and its end; where the card was presented.

use pmh_audit::Kind;
use pmh_audit::registry::Method;
use pmh_client::{MyAccess, MyAccesses};
use pmh_proto::audit::{AccessDisplay, ListMyAccessesRequest, Log, PutAccessDelayRequest};
use pmh_proto::common::{Purpose, Reason};
use prost_types::Timestamp;

use super::world::{CLINIC, DAY, Held, World, reason};

const GROUND: &str = "個人情報の保護に関する法律第78条第1項〔例〕";

fn delay(index: u64, until: i64) -> PutAccessDelayRequest {
    PutAccessDelayRequest {
        idempotency_key: pmh::sandbox::uuid(),
        index,
        until: Some(Timestamp { seconds: until, nanos: 0 }),
        legal_ground: GROUND.to_owned(),
    }
}

async fn listed(world: &World, card: &mut Held) -> MyAccesses {
    let (app, presence) = world.sign_in(card).await;
    app.gateway().my_accesses(&presence, &[]).await.unwrap()
}

fn entry(list: &MyAccesses, index: u64) -> &MyAccess {
    list.accesses.iter().find(|access| access.index == index).unwrap()
}

#[tokio::test]
async fn i22_a_delayed_entry_is_withheld_with_date_and_provision_until_then_and_the_list_stays_complete() {
    let world = World::start(|_| {}).await;
    let mut card = world.card("child");
    let answer = world.visit(&mut card).await.unwrap();
    let index = answer.proof.index;
    let holder = answer.proof.leaf.holder.as_ref().unwrap().to_string();
    let own = world.visit(&mut card).await.unwrap().proof.index;
    let issuer = world.terminal(world.terminal_of(&holder)).await;
    let until = world.now() + DAY;

    let put = issuer.gateway().call(&delay(index, until), None).await;
    let elsewhere = ["municipality:132012", "municipality:131016", "prefecture:130001"]
        .into_iter()
        .filter(|other| *other != holder)
        .find(|other| world.knows(other))
        .unwrap();
    let other = world.terminal(world.terminal_of(elsewhere)).await;
    assert_eq!(reason(other.gateway().call(&delay(index, until), None).await), Reason::NotFound);
    assert_eq!(reason(other.gateway().call(&delay(1 << 40, until), None).await), Reason::NotFound);
    let clinic = world.terminal(CLINIC).await;
    assert_eq!(reason(clinic.gateway().call(&delay(index, until), None).await), Reason::RoleNotAllowed);

    let put = put.unwrap();
    assert_eq!(
        (put.proof.leaf.kind, put.proof.leaf.method),
        (Kind::KeyOrPolicyChange, Method::PUT_ACCESS_DELAY)
    );
    let reference = put.proof.leaf.refs.iter().next().unwrap();
    let list = listed(&world, &mut card).await;
    let withheld = entry(&list, index);
    assert_eq!(withheld.said.display(), AccessDisplay::Withheld);
    assert_eq!(withheld.said.leaf_hash, reference.leaf_hash.to_vec());
    assert_eq!(withheld.said.withheld_until.as_ref().unwrap().seconds, until);
    assert_eq!(withheld.said.withheld_ground, GROUND);
    assert!(withheld.record.is_none() && withheld.said.leaf.is_empty());
    assert_eq!(entry(&list, own).said.display(), AccessDisplay::Shown);
    assert!(
        list.accesses.iter().all(|access| access.index != put.proof.index),
        "the delay is in nobody's list"
    );

    world.pass(DAY + 60);
    let list = listed(&world, &mut card).await;
    assert_eq!(entry(&list, index).said.display(), AccessDisplay::Shown);
    world.stop().await;
}

#[tokio::test]
async fn a_delay_needs_an_end_within_a_year_and_a_provision_and_can_be_ended_early() {
    let world = World::start(|_| {}).await;
    let mut card = world.card("child");
    let answer = world.visit(&mut card).await.unwrap();
    let index = answer.proof.index;
    let holder = answer.proof.leaf.holder.as_ref().unwrap().to_string();
    let issuer = world.terminal(world.terminal_of(&holder)).await;
    let (endless, too_long) =
        (PutAccessDelayRequest { until: None, ..delay(index, 0) }, delay(index, world.now() + 400 * DAY));
    let groundless = PutAccessDelayRequest { legal_ground: String::new(), ..delay(index, world.now() + DAY) };
    for wrong in [endless, too_long, groundless] {
        assert_eq!(reason(issuer.gateway().call(&wrong, None).await), Reason::InvalidFields);
    }
    let put = delay(index, world.now() + DAY);
    let first = issuer.gateway().call(&put, None).await.unwrap();
    let again = issuer.gateway().call(&put, None).await.unwrap();
    assert_eq!((first.proof.leaf.kind, again.proof.leaf.kind), (Kind::KeyOrPolicyChange, Kind::Replay));
    issuer.gateway().call(&delay(index, world.now() - 1), None).await.unwrap();
    let list = listed(&world, &mut card).await;
    assert_eq!(entry(&list, index).said.display(), AccessDisplay::Shown);
    world.stop().await;
}

#[tokio::test]
async fn i22_where_the_card_was_presented_is_a_complete_list_of_its_own() {
    let world = World::start(|_| {}).await;
    let mut card = world.card("child");
    world.visit(&mut card).await.unwrap();
    let (app, presence) = world.sign_in(&mut card).await;
    let list = app.gateway().my_presentations(&presence, &[]).await.unwrap();
    let records: Vec<_> = list.accesses.iter().filter_map(|access| access.record.as_ref()).collect();
    assert_eq!(records.len(), list.accesses.len());
    let requesters: Vec<String> =
        records.iter().map(|record| record.leaf.requester.as_ref().unwrap().to_string()).collect();
    let signed_in = app.gateway().identity().organization().to_string();
    assert_eq!(requesters[..2], [signed_in, "clinic:1310310243".to_owned()], "newest first");
    assert!(records[..2].iter().all(|record| record.leaf.method == Method::COMPLETE_PRESENTATION));

    // The look-up closed the list and is in it; the tags are those of before.
    let again = app.gateway().my_presentations(&presence, &list.tags).await.unwrap();
    assert!(again.accesses[0].said.own_query);
    assert_eq!(again.accesses.len(), list.accesses.len() + 1);
    let records = app.gateway().my_accesses(&presence, &[]).await.unwrap();
    assert!(records.tags.iter().all(|tag| !list.tags.contains(tag)), "the two logs cannot be joined by tags");
    world.stop().await;
}

#[tokio::test]
async fn p5_a_guardian_is_not_told_where_a_childs_own_card_was_presented() {
    let world = World::start(|_| {}).await;
    let mut mother = world.card("mother");
    let (app, mut presence) = world.sign_in(&mut mother).await;
    let handle = presence.dependants[0].child.clone();
    app.renew(&mut presence, Some(&handle)).await.unwrap();
    let request = ListMyAccessesRequest {
        log: Log::Auth.into(),
        purpose: Purpose::Patrqt.into(),
        ..Default::default()
    };
    let refused = app.gateway().call(&request, Some(presence.bearer())).await;
    assert_eq!(reason(refused), Reason::SubjectMismatch);
    world.stop().await;
}
