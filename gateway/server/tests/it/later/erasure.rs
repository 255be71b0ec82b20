//! Erasure after years, and after the gateway ended halfway.

use std::time::Duration;

use pmh::ops::log::Log;
use pmh_audit::registry::Method;
use pmh_audit::tree::leaf_hash;
use pmh_audit::{Kind, Leaf};
use pmh_client::{Gateway, Proven};
use pmh_proto::audit::{
    self as pb, EntryName, ErasePersonRequest, PutLegalHoldRequest, PutLegalHoldResponse, ResidentName,
    erase_person_request, put_legal_hold_request::What,
};
use pmh_proto::common::Reason;
use sqlx::SqliteConnection;

use super::world::{DAY, World};

/// Longer than any period of years.
const YEARS: i64 = 8 * 366 * DAY;

#[tokio::test]
async fn content_past_its_period_goes_at_the_next_start_and_what_is_held_stays() {
    let world = World::start(|config| config.log.retention = true).await;
    let held = world.visit(&mut world.card("child")).await.unwrap().proof.index;
    let old = world.visit(&mut world.card("mother")).await.unwrap().proof.index;
    let kept = put_hold(&world, What::Entry(EntryName { log: pb::Log::Gateway.into(), index: held })).await;
    assert_eq!(erased_by(&mut world.database(Log::Gateway).await, old).await, None, "nothing is old yet");

    world.pass(YEARS);
    let world = world.restarted().await;
    let mut database = world.database(Log::Gateway).await;
    let by = until_erased(&mut database, old).await;
    let erasure = leaf(&mut database, by).await;
    assert_eq!((erasure.kind, erasure.method, erasure.requester), (Kind::Erasure, Method::NONE, None));
    assert_eq!(erased_by(&mut database, held).await, None);
    let put = leaf(&mut database, kept.proof.index).await;
    assert_eq!((put.kind, put.method), (Kind::Write, Method::PUT_LEGAL_HOLD));
    world.stop().await;
}

/// The auth log cannot tell whom a hold is about.
#[tokio::test]
async fn by_age_the_auth_log_loses_nothing_while_anybody_is_held() {
    let world = World::start(|_| {}).await;
    world.visit(&mut world.card("child")).await.unwrap();
    put_hold(&world, What::Resident(resident("H-0001"))).await;
    world.pass(YEARS);
    let quiet = world.quiet().await;
    assert_eq!(quiet.gateway.retain(Log::Auth).await.unwrap(), 0);
    assert!(quiet.gateway.retain(Log::Gateway).await.unwrap() > 0, "there it is known whom");

    let mut database = quiet.database(Log::Gateway).await;
    sqlx::query("DELETE FROM held_person").execute(&mut database).await.unwrap();
    assert!(quiet.gateway.retain(Log::Auth).await.unwrap() > 0, "released");
}

#[tokio::test]
async fn a_hold_between_the_two_halves_of_an_erasure_refuses_the_second() {
    let world = World::start(|_| {}).await;
    world.visit(&mut world.card("child")).await.unwrap();
    ask_to_erase(&world, "H-0002").await;
    let hold = put_hold(&world, What::Resident(resident("H-0002"))).await;
    let quiet = world.quiet().await;
    let mut database = quiet.database(Log::Gateway).await;
    // As a gateway leaves it that ended as soon as its own half was committed.
    sqlx::query("UPDATE erasure_request SET agreed = 1").execute(&mut database).await.unwrap();

    quiet.gateway.follow_erasures().await.unwrap();
    let auth = &mut quiet.database(Log::Auth).await;
    assert_eq!(count(auth, "SELECT COUNT(*) FROM erased").await, 0);
    assert_eq!(count(&mut database, "SELECT COUNT(*) FROM erasure_request").await, 0, "over, not waiting");
    let newest = count(&mut database, "SELECT MAX(idx) FROM log_entry").await;
    let refusal = leaf(&mut database, u64::try_from(newest).unwrap()).await;
    assert_eq!((refusal.kind, refusal.method), (Kind::Refusal, Method::ERASE_PERSON));
    assert_eq!(i32::from(refusal.outcome), i32::from(Reason::LegalHold));
    let named: Vec<_> = refusal.refs.iter().map(|reference| reference.leaf_hash).collect();
    assert_eq!(named, [leaf_hash(&hold.proof.leaf.encode())]);
}

async fn operator(world: &World) -> Gateway {
    let terminal = world.terminal(world.terminal_of("operator:test-operator")).await;
    terminal.gateway().clone().with_operator("op-1").unwrap()
}

async fn put_hold(world: &World, what: What) -> Proven<PutLegalHoldResponse> {
    let request = PutLegalHoldRequest {
        idempotency_key: pmh::sandbox::uuid(),
        what: Some(what),
        case_reference: "case-1".to_owned(),
        ground: "架空の裁判所の命令".to_owned(),
    };
    operator(world).await.call(&request, None).await.unwrap()
}

async fn ask_to_erase(world: &World, resident_key: &str) {
    let request = ErasePersonRequest {
        idempotency_key: pmh::sandbox::uuid(),
        what: Some(erase_person_request::What::Resident(resident(resident_key))),
        case_reference: "case-2".to_owned(),
        ground: "本人の請求、このテストのための架空".to_owned(),
    };
    operator(world).await.call(&request, None).await.unwrap();
}

fn resident(resident_key: &str) -> ResidentName {
    ResidentName {
        issuer: "urn:x-pmh:org:municipality:132012".to_owned(),
        resident_key: resident_key.to_owned(),
    }
}

async fn until_erased(database: &mut SqliteConnection, index: u64) -> u64 {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..600 {
        if let Some(by) = erased_by(database, index).await {
            return by;
        }
        tick.tick().await;
    }
    panic!("entry {index} was not erased");
}

async fn erased_by(database: &mut SqliteConnection, index: u64) -> Option<u64> {
    let by: Option<i64> = sqlx::query_scalar("SELECT erased_by FROM erased WHERE idx = ?")
        .bind(i64::try_from(index).unwrap())
        .fetch_optional(database)
        .await
        .unwrap();
    by.map(|by| u64::try_from(by).unwrap())
}

async fn leaf(database: &mut SqliteConnection, index: u64) -> Leaf {
    let leaf: Vec<u8> = sqlx::query_scalar("SELECT leaf FROM log_entry WHERE idx = ?")
        .bind(i64::try_from(index).unwrap())
        .fetch_one(database)
        .await
        .unwrap();
    Leaf::decode(&leaf).unwrap()
}

async fn count(database: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}
