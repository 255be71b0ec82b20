//! P9: repeating a request changes nothing and returns the first answer.

use pmh_audit::Kind;
use pmh_client::{Error, Proven};
use pmh_conformance::counter::{organization, outcomes};
use pmh_conformance::{Newcomer, Town, names, town as rows};
use pmh_proto::StrictCodec;
use pmh_proto::common::{BulkHeader, BulkSummary, Reason, RowOutcome, RowResult};
use pmh_proto::eligibility::put_entitlements_request::Item;
use pmh_proto::eligibility::{
    AnswerState, EntitlementRow, ListEntitlementsRequest, Outcome, PutEntitlementsRequest,
    PutEntitlementsResponse,
};
use pmh_proto::resident::{MoveResidentRequest, MoveResidentResponse, ResidentRow};

use crate::raw;
use crate::support::{reason, town};

async fn move_out(town: &Town, request: &MoveResidentRequest) -> Result<Proven<MoveResidentResponse>, Error> {
    town.issuer().gateway().call(request, None).await
}

#[tokio::test]
async fn p9_the_same_key_returns_the_first_answer_under_a_new_entry() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let request = MoveResidentRequest {
        idempotency_key: names::uuid(),
        resident_key: person.resident_key.clone(),
        moved_out_on: pmh_conformance::clock::day(10).to_string(),
    };
    let first = move_out(&town, &request).await.unwrap();
    let second = move_out(&town, &request).await.unwrap();
    assert_eq!(first.proof.detail.response_sha256, second.proof.detail.response_sha256, "the same answer");
    assert_ne!(first.proof.index, second.proof.index, "another entry");
    assert_ne!(first.proof.leaf.event_id, second.proof.leaf.event_id);
    assert_eq!(second.proof.leaf.kind, Kind::Replay);
    assert_ne!(first.proof.leaf.kind, Kind::Replay);
}

#[tokio::test]
async fn p9_the_same_key_with_another_body_is_refused() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let request = MoveResidentRequest {
        idempotency_key: names::uuid(),
        resident_key: person.resident_key.clone(),
        moved_out_on: pmh_conformance::clock::day(10).to_string(),
    };
    move_out(&town, &request).await.unwrap();
    let other = MoveResidentRequest { moved_out_on: String::new(), ..request.clone() };
    assert_eq!(reason(move_out(&town, &other).await), Reason::IdempotencyKeyReused);
    move_out(&town, &request).await.expect("the first body still replays");
}

#[tokio::test]
async fn p9_a_key_belongs_to_its_organization() {
    let (target, hachioji) = town().await;
    let tokyo = Town::of(&target, organization::TOKYO).await.unwrap();
    let key = names::uuid();
    for town in [&hachioji, &tokyo] {
        let person = Newcomer::new(&target).unwrap();
        town.register(&person).await.unwrap();
        let request = MoveResidentRequest {
            idempotency_key: key.clone(),
            resident_key: person.resident_key,
            moved_out_on: String::new(),
        };
        assert_ne!(move_out(town, &request).await.unwrap().proof.leaf.kind, Kind::Replay);
    }
}

/// Eight equal calls at once: one effect, one first answer, seven replays.
#[tokio::test]
async fn p9_equal_calls_at_once_have_one_effect() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let request = MoveResidentRequest {
        idempotency_key: names::uuid(),
        resident_key: person.resident_key,
        moved_out_on: String::new(),
    };
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (gateway, request) = (town.issuer().gateway().clone(), request.clone());
            tokio::spawn(async move { gateway.call(&request, None).await })
        })
        .collect();
    let mut firsts = 0;
    for call in calls {
        firsts += usize::from(call.await.unwrap().unwrap().proof.leaf.kind != Kind::Replay);
    }
    assert_eq!(firsts, 1);
}

async fn push(
    town: &Town,
    header: &BulkHeader,
    rows: Vec<EntitlementRow>,
) -> Result<(BulkSummary, Vec<RowResult>), Error> {
    let mut results = Vec::new();
    let collect = |chunk: pmh_client::Chunk<'_>| results.extend_from_slice(chunk.rows);
    let summary = town.issuer().put(header, rows, collect).await?;
    Ok((summary, results))
}

fn many(person: &Newcomer, count: usize) -> Vec<EntitlementRow> {
    (0..count)
        .map(|number| EntitlementRow {
            row_id: format!("e-{number}"),
            certification_sub_key: format!("S{number}"),
            ..person.right()
        })
        .collect()
}

#[tokio::test]
async fn p9_a_batch_sent_again_gives_the_same_outcomes() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let header = rows::batch();
    let first = push(&town, &header, many(&person, 40)).await.unwrap();
    let second = push(&town, &header, many(&person, 40)).await.unwrap();
    assert_eq!(first.0.created, 40);
    assert_eq!(first, second, "the first answers stay");
}

#[tokio::test]
async fn p9_the_same_rows_in_a_new_batch_are_unchanged() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    push(&town, &rows::batch(), many(&person, 7)).await.unwrap();
    let (summary, _) = push(&town, &rows::batch(), many(&person, 7)).await.unwrap();
    assert_eq!((summary.unchanged, summary.created), (7, 0));
}

#[tokio::test]
async fn p9_a_row_of_a_batch_cannot_change_its_content() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let header = rows::batch();
    push(&town, &header, many(&person, 3)).await.unwrap();
    let mut changed = many(&person, 3);
    changed[1].always_reimbursement = true;
    let (_, results) = push(&town, &header, changed).await.unwrap();
    let outcomes: Vec<_> = results.iter().map(RowResult::outcome).collect();
    assert_eq!(outcomes, [RowOutcome::Created, RowOutcome::Rejected, RowOutcome::Created]);
}

#[tokio::test]
async fn r_ent_versions_follow_their_history_key_whatever_the_order_of_arrival() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let version = |key: &str, reimbursed: bool| EntitlementRow {
        history_key: key.to_owned(),
        always_reimbursement: reimbursed,
        ..person.right()
    };
    let outcome = async |row| town.put_entitlements(vec![row]).await.unwrap()[0].clone();
    assert_eq!(outcome(version("9", false)).await.outcome(), RowOutcome::Created);
    assert_eq!(outcome(version("10", true)).await.outcome(), RowOutcome::Updated, "10 is after 9");
    assert_eq!(outcome(version("2", false)).await.outcome(), RowOutcome::Superseded);
    assert_eq!(outcome(version("10", true)).await.outcome(), RowOutcome::Unchanged);
    let conflict = outcome(version("10", false)).await;
    assert_eq!(conflict.outcome(), RowOutcome::Rejected);
    assert_eq!(conflict.problems[0].reason(), Reason::HistoryKeyConflict);
    let request = ListEntitlementsRequest { resident_key: person.resident_key.clone() };
    let kept = town.issuer().gateway().call(&request, None).await.unwrap().response.entitlements;
    let keys: Vec<_> = kept.iter().map(|row| row.history_key.as_str()).collect();
    assert_eq!(keys.len(), 3, "every version is kept: {keys:?}");
}

#[tokio::test]
async fn r_ent_a_withdrawn_right_is_no_longer_served() {
    let (target, town) = town().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut person = town.settle(&target).await.unwrap();
    let tombstone = EntitlementRow { history_key: "2".to_owned(), deleted: true, ..person.right() };
    assert_eq!(town.put_entitlements(vec![tombstone]).await.unwrap()[0].outcome(), RowOutcome::Updated);
    let (_, answer) = counter.visit(&mut person.card, &["88-13"]).await.unwrap();
    assert_eq!(answer.response.state(), AnswerState::Answered);
    assert!(!outcomes(&answer, "88-13").contains(&Outcome::Eligible));
}

#[tokio::test]
async fn r_blk_a_dry_run_says_everything_and_keeps_nothing() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    town.register(&person).await.unwrap();
    let header = BulkHeader { dry_run: true, ..rows::batch() };
    let mut sent = many(&person, 5);
    sent[2].valid_from = String::new();
    let mut proofs = 0;
    let summary =
        town.issuer().put(&header, sent, |chunk| proofs += usize::from(chunk.proof.is_some())).await.unwrap();
    assert_eq!((summary.created, summary.rejected, proofs), (4, 1, 0));
    let request = ListEntitlementsRequest { resident_key: person.resident_key.clone() };
    let kept = town.issuer().gateway().call(&request, None).await.unwrap();
    assert!(kept.response.entitlements.is_empty());
}

/// More rows than one chunk holds: every chunk is proved, every row is answered once, in order.
#[tokio::test]
async fn r_blk_a_long_push_is_answered_chunk_by_chunk() {
    let (target, town) = town().await;
    let count = 2500;
    let prefix = names::fresh();
    let rows: Vec<_> = (0..count)
        .map(|number| ResidentRow {
            row_id: format!("r-{number}"),
            resident_key: format!("c-{prefix}-{number}"),
            ..Newcomer::row(&Newcomer {
                resident_key: String::new(),
                birth_date: pmh_conformance::clock::day(-1000),
                card: target.card("child").unwrap(),
            })
        })
        .collect();
    let (mut ids, mut chunks, mut indices) = (Vec::new(), 0, Vec::new());
    let summary = town
        .issuer()
        .put(&rows::batch(), rows, |chunk| {
            chunks += 1;
            assert!(chunk.rows.len() <= 1024);
            indices.push(chunk.proof.unwrap().index);
            ids.extend(chunk.rows.iter().map(|row| row.row_id.clone()));
        })
        .await
        .unwrap();
    assert_eq!(summary.created, count);
    assert!(chunks >= 3);
    assert!(indices.is_sorted(), "{indices:?}");
    assert_eq!(ids, (0..count).map(|number| format!("r-{number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn r_blk_a_stream_begins_with_its_header_exactly_once() {
    let (target, town) = town().await;
    let person = Newcomer::new(&target).unwrap();
    let header = || PutEntitlementsRequest { item: Some(Item::Header(rows::batch())) };
    let row = || PutEntitlementsRequest { item: Some(Item::Row(person.right())) };
    let nothing = || PutEntitlementsRequest { item: None };
    for stream in [vec![row()], vec![header(), header()], vec![nothing()], vec![header(), nothing()], vec![]]
    {
        let described = format!("{} messages", stream.len());
        assert_eq!(send(&town, stream).await.unwrap_err(), Reason::StreamOrder, "{described}");
    }
}

#[tokio::test]
async fn r_blk_an_empty_batch_is_summed_up() {
    let (_, town) = town().await;
    let header = PutEntitlementsRequest { item: Some(Item::Header(rows::batch())) };
    let answers = send(&town, vec![header]).await.unwrap();
    assert_eq!(answers.last().unwrap().summary, Some(BulkSummary::default()));
}

/// A stream as it is, without the client that would put it right.
async fn send(
    town: &Town,
    items: Vec<PutEntitlementsRequest>,
) -> Result<Vec<PutEntitlementsResponse>, Reason> {
    let mut grpc = tonic::client::Grpc::new(town.issuer().gateway().channel().clone());
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/pmh.eligibility.v1.EligibilityService/PutEntitlements");
    let codec = StrictCodec::<PutEntitlementsRequest, PutEntitlementsResponse>::default();
    let refused = |status: &tonic::Status| raw::read(status).reason;
    let stream = tonic::Request::new(tokio_stream::iter(items));
    let mut stream =
        grpc.streaming(stream, path, codec).await.map_err(|status| refused(&status))?.into_inner();
    let mut answers = Vec::new();
    while let Some(answer) = stream.message().await.map_err(|status| refused(&status))? {
        answers.push(answer);
    }
    Ok(answers)
}

#[tokio::test]
async fn r_az_an_issuer_reads_and_writes_its_own_rows_only() {
    let (target, hachioji) = town().await;
    let person = Newcomer::new(&target).unwrap();
    hachioji.register(&person).await.unwrap();
    hachioji.grant(person.right()).await.unwrap();
    let tokyo = Town::of(&target, organization::TOKYO).await.unwrap();
    let request = ListEntitlementsRequest { resident_key: person.resident_key.clone() };
    assert_eq!(reason(tokyo.issuer().gateway().call(&request, None).await), Reason::NotFound);
    let clinic = target.issuer(organization::TOKYO_CLINIC).await.unwrap();
    let outcome = clinic.put(&rows::batch(), vec![person.right()], |_| ()).await;
    assert_eq!(reason(outcome), Reason::RoleNotAllowed);
}
