//! The auditor: every question is an entry, each auditor in its jurisdiction, people by two people, parts by warrant.

mod opening;
mod people;

use pmh_audit::tree::{leaf_hash, verify_inclusion};
use pmh_audit::{Checkpoint, Kind};
use pmh_client::call::Receipted;
use pmh_client::{Gateway, Proven};
use pmh_conformance::counter::organization;
use pmh_conformance::{Counter, Target};
use pmh_proto::audit::{Entry, GetEntryRequest, Log, SearchEntriesRequest, SearchEntriesResponse};
use pmh_proto::common::Reason;

use crate::support::{fields, reason, target};

async fn auditor(target: &Target) -> Gateway {
    target.gateway(organization::AUDITOR).await.unwrap()
}

async fn clinic(target: &Target) -> Counter {
    target.counter(organization::TOKYO_CLINIC).await.unwrap()
}

fn everything() -> SearchEntriesRequest {
    SearchEntriesRequest { log: Log::Gateway.into(), page_size: 256, ..Default::default() }
}

type Change = fn(&mut SearchEntriesRequest);

/// All pages.
async fn found(gateway: &Gateway, request: &SearchEntriesRequest) -> Vec<Entry> {
    let (mut request, mut entries) = (request.clone(), Vec::new());
    loop {
        let page = gateway.call(&request, None).await.unwrap();
        proved_before_answered(&page);
        entries.extend(page.response.entries);
        if page.response.next_page_token.is_empty() {
            return entries;
        }
        request.page_token = page.response.next_page_token;
    }
}

/// The client has verified the receipt; what is left is that the entry is an auditor's query and stands in the very
/// tree that the answer shows.
fn proved_before_answered<R: Receipted>(answer: &Proven<R>) {
    let (proof, receipt) = (&answer.proof, answer.response.clone().take_receipt().unwrap());
    assert_eq!(proof.leaf.kind, Kind::AuditorQuery);
    assert!(receipt.index < receipt.tree_size && receipt.tree_size == proof.checkpoint.size());
}

fn indexes(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.index).collect()
}

#[tokio::test]
async fn i21_an_auditors_query_is_an_entry_before_its_answer() {
    let target = target().await;
    let gateway = auditor(&target).await;
    let read = gateway.call(&GetEntryRequest { log: Log::Gateway.into(), index: 0 }, None).await.unwrap();
    proved_before_answered(&read);
    for log in [Log::Gateway, Log::Auth] {
        let searched = gateway
            .call(&SearchEntriesRequest { log: log.into(), page_size: 1, ..Default::default() }, None)
            .await
            .unwrap();
        proved_before_answered(&searched);
        let key = if log == Log::Auth { &target.keys().auth } else { &target.keys().gateway };
        let spoken_for = Checkpoint::open(searched.response.checkpoint.as_bytes(), key).unwrap();
        assert_eq!(spoken_for.size(), searched.response.tree_size, "the answer names the tree it speaks for");
        if log == Log::Gateway {
            assert!(searched.proof.index >= spoken_for.size(), "a search does not find itself");
        }
    }
}

#[tokio::test]
async fn every_filter_finds_the_visit_and_another_value_does_not() {
    let target = target().await;
    let (_, answer) =
        clinic(&target).await.visit(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let index = answer.proof.index;
    let gateway = auditor(&target).await;
    let leaf = &answer.proof.leaf;
    let near = SearchEntriesRequest {
        from: Some(instant(leaf.time_us)),
        to: Some(instant(leaf.time_us + 1)),
        ..everything()
    };
    assert!(indexes(&found(&gateway, &near).await).contains(&index));
    let filters: [(Change, Change); 7] = [
        (|r| r.requester = organization::TOKYO_CLINIC.into(), |r| r.requester = organization::TOKYO.into()),
        (|r| r.holder = organization::HACHIOJI.into(), |r| r.holder = organization::TOKYO.into()),
        (|r| r.method = "VerifyEligibility".into(), |r| r.method = "PutEntitlements".into()),
        (|r| r.purpose = "HPAYMT".into(), |r| r.purpose = "TREAT".into()),
        (|r| r.outcome = Some(1), |r| r.outcome = Some(2)),
        (|r| r.kind = 1, |r| r.kind = 2),
        (|r| r.category = "subsidy".into(), |r| r.category = "checkup".into()),
    ];
    let mut all = near.clone();
    for (fits, does_not) in filters {
        let (mut fitting, mut other) = (near.clone(), near.clone());
        fits(&mut fitting);
        does_not(&mut other);
        fits(&mut all);
        assert!(indexes(&found(&gateway, &fitting).await).contains(&index), "{fitting:?}");
        assert!(!indexes(&found(&gateway, &other).await).contains(&index), "{other:?}");
    }
    assert!(indexes(&found(&gateway, &all).await).contains(&index), "all at once");
    let broken = SearchEntriesRequest { break_glass: true, ..near };
    assert!(!indexes(&found(&gateway, &broken).await).contains(&index));
}

#[tokio::test]
async fn a_past_page_does_not_change_while_the_log_grows() {
    let target = target().await;
    let gateway = auditor(&target).await;
    let request = SearchEntriesRequest {
        requester: organization::TOKYO_CLINIC.to_owned(),
        page_size: 3,
        ..everything()
    };
    clinic(&target).await.visit(&mut target.card("child").unwrap(), &["52"]).await.unwrap();
    let first = gateway.call(&request, None).await.unwrap().response;
    let size = first.tree_size;
    let mut pages: Vec<SearchEntriesResponse> = vec![first];
    while let Some(token) = pages.last().map(|page| page.next_page_token.clone()).filter(|t| !t.is_empty()) {
        clinic(&target).await.visit(&mut target.card("child").unwrap(), &["52"]).await.unwrap();
        let request = SearchEntriesRequest { page_token: token.clone(), ..request.clone() };
        let page = gateway.call(&request, None).await.unwrap().response;
        let again = gateway.call(&request, None).await.unwrap().response;
        let bare = |page: &SearchEntriesResponse| SearchEntriesResponse { receipt: None, ..page.clone() };
        assert_eq!(bare(&page), bare(&again));
        assert_eq!((page.tree_size, &page.checkpoint), (size, &pages[0].checkpoint));
        pages.push(page);
        if pages.len() > 4 {
            break;
        }
    }
    let all: Vec<u64> = pages.iter().flat_map(|page| indexes(&page.entries)).collect();
    assert!(all.is_sorted_by(|one, next| one < next) && all.iter().all(|index| *index < size));
}

#[tokio::test]
async fn outside_the_jurisdiction_there_are_hashes_only() {
    let target = target().await;
    let kanagawa = target.counter(organization::KANAGAWA_CLINIC).await.unwrap();
    let visit = kanagawa.visit(&mut target.card("stale").unwrap(), &["52"]).await.unwrap().1.proof;
    assert_ne!(visit.leaf.holder.as_ref().map(pmh_audit::OrgRef::as_str), Some(organization::TOKYO));
    let inside =
        clinic(&target).await.visit(&mut target.card("child").unwrap(), &["52"]).await.unwrap().1.proof;
    let tokyo = target.gateway(organization::TOKYO_AUDITOR).await.unwrap();

    let request = GetEntryRequest { log: Log::Gateway.into(), index: visit.index };
    let read = tokyo.call(&request, None).await.unwrap().response;
    let entry = read.entry.unwrap();
    assert_eq!(entry.leaf_hash, visit.leaf_hash);
    let fieldless = Entry {
        index: visit.index,
        leaf_hash: visit.leaf_hash.to_vec(),
        outside_jurisdiction: true,
        ..Default::default()
    };
    assert_eq!(entry, fieldless, "a place and a hash, no field");
    let checkpoint = Checkpoint::open(read.checkpoint.as_bytes(), &target.keys().gateway).unwrap();
    let path: Vec<[u8; 32]> = read.path.iter().map(|hash| hash.as_slice().try_into().unwrap()).collect();
    verify_inclusion(visit.index, checkpoint.size(), &visit.leaf_hash, &path, checkpoint.root()).unwrap();

    let period = SearchEntriesRequest {
        from: Some(instant(visit.leaf.time_us.min(inside.leaf.time_us))),
        to: Some(instant(visit.leaf.time_us.max(inside.leaf.time_us) + 1)),
        ..everything()
    };
    let listed = found(&tokyo, &period).await;
    assert!(listed.contains(&fieldless), "a list without filters leaves no gap");
    let whole = listed.iter().find(|entry| entry.index == inside.index).unwrap();
    assert_eq!(leaf_hash(&whole.leaf), inside.leaf_hash);
    for filter in [
        SearchEntriesRequest { requester: organization::KANAGAWA_CLINIC.to_owned(), ..period.clone() },
        SearchEntriesRequest { kind: 1, ..period.clone() },
        SearchEntriesRequest { method: "VerifyEligibility".to_owned(), ..period.clone() },
    ] {
        let found = found(&tokyo, &filter).await;
        assert!(!indexes(&found).contains(&visit.index), "a filter is not tested against what is outside");
        assert!(found.iter().all(|entry| !entry.outside_jurisdiction));
    }
    let all = auditor(&target).await.call(&request, None).await.unwrap().response.entry.unwrap();
    assert_eq!(
        all.requester,
        organization::KANAGAWA_CLINIC,
        "the other auditor's jurisdiction is everything"
    );
}

#[tokio::test]
async fn input_filters_that_name_nothing() {
    let target = target().await;
    let gateway = auditor(&target).await;
    let wrong = SearchEntriesRequest {
        requester: "nobody".to_owned(),
        holder: "x".to_owned(),
        method: "Verify".to_owned(),
        purpose: "1".to_owned(),
        outcome: Some(70_000),
        kind: 256,
        category: "all".to_owned(),
        case_reference: "x".repeat(65),
        person_search_id: "1".to_owned(),
        page_token: "1".to_owned(),
        ..everything()
    };
    let paths: Vec<String> =
        fields(gateway.call(&wrong, None).await).into_iter().map(|(path, _)| path).collect();
    for path in [
        "requester",
        "holder",
        "method",
        "purpose",
        "outcome",
        "kind",
        "category",
        "case_reference",
        "person_search_id",
        "page_token",
    ] {
        assert!(paths.iter().any(|found| found == path), "{path} in {paths:?}");
    }
}

#[tokio::test]
async fn r_az_only_an_auditor_searches_people_and_opens_parts() {
    let target = target().await;
    for organization in [organization::TOKYO_CLINIC, organization::HACHIOJI, organization::OPERATOR] {
        let gateway = target.gateway(organization).await.unwrap().with_operator("op-1").unwrap();
        assert_eq!(reason(gateway.call(&people::by_entry(0, "case-1"), None).await), Reason::RoleNotAllowed);
        assert_eq!(reason(gateway.call(&opening::actor(0, "warrant"), None).await), Reason::RoleNotAllowed);
        let approve = pmh_proto::audit::ApprovePersonSearchRequest::default();
        assert_eq!(reason(gateway.call(&approve, None).await), Reason::RoleNotAllowed);
    }
}

fn instant(us: u64) -> prost_types::Timestamp {
    let us = i64::try_from(us).unwrap();
    let nanos = i32::try_from(us.rem_euclid(1_000_000)).unwrap() * 1000;
    prost_types::Timestamp { seconds: us.div_euclid(1_000_000), nanos }
}

/// Whether some bytes stand anywhere in a message.
fn says(message: &impl prost::Message, text: &str) -> bool {
    message.encode_to_vec().windows(text.len()).any(|window| window == text.as_bytes())
}
