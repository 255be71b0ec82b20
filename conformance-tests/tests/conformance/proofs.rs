//! P1: no disclosure without proof, and a proof that notices everything.

use pmh_client::call::{Receipted as _, WhichLog};
use pmh_client::{Call as _, Gateway, LogReader, verify_evidence};
use pmh_conformance::counter::{organization, today};
use pmh_conformance::{Newcomer, Target};
use pmh_proto::audit::{GetEntryRequest, Log, SearchEntriesRequest};
use pmh_proto::common::Reason;
use pmh_proto::eligibility::VerifyEligibilityRequest;
use prost::Message as _;

use crate::support::{fields, reason, target, town};

async fn auditor(target: &Target) -> Gateway {
    target.gateway(organization::AUDITOR).await.unwrap()
}

/// The whole evidence of a visit, and then one changed field at a time.
#[tokio::test]
async fn p1_an_answer_is_proved_offline_and_one_changed_field_is_noticed() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut target.card("child").unwrap(), &["52", "88-13"]).await.unwrap();
    let (request, answer) = (today(), counter.ask(&presence).await.unwrap());
    let key = &target.keys().gateway;
    let proved = |request: &VerifyEligibilityRequest,
                  response: &pmh_proto::eligibility::VerifyEligibilityResponse| {
        verify_evidence(
            VerifyEligibilityRequest::NAME,
            &request.encode_to_vec(),
            &response.encode_to_vec(),
            None,
            key,
        )
    };
    let verified = proved(&request, &answer.response).unwrap();
    assert_eq!(verified.leaf.requester.unwrap().as_str(), organization::TOKYO_CLINIC);
    assert_eq!(verified.subject.unwrap().sub(), presence.token.sub);

    let tamperings: [fn(&mut pmh_proto::eligibility::VerifyEligibilityResponse); 6] = [
        |answer| answer.results[0].authoritative ^= true,
        |answer| answer.results[0].outcome ^= 1,
        |answer| answer.results[0].counter_action_rule.push('x'),
        |answer| answer.results.swap(0, 1),
        |answer| answer.version.push('0'),
        |answer| answer.summary = None,
    ];
    for tamper in tamperings {
        let mut changed = answer.response.clone();
        tamper(&mut changed);
        assert!(proved(&request, &changed).is_err());
    }
    let other = VerifyEligibilityRequest { care_type: 2, ..request.clone() };
    assert!(proved(&other, &answer.response).is_err());
    let mut without = answer.response.clone();
    without.take_receipt();
    assert!(proved(&request, &without).is_err());
}

/// P1 for reads: an answer and its denial are recorded alike.
#[tokio::test]
async fn p1_an_answer_that_denies_a_record_is_recorded_too() {
    let target = target().await;
    for name in ["none", "not-linked", "no-consent", "lapsed"] {
        let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
        // `visit` itself refuses an answer whose receipt does not hold.
        let (presence, answer) = counter.visit(&mut target.card(name).unwrap(), &["88-13"]).await.unwrap();
        assert_eq!(answer.proof.subject.unwrap().sub(), presence.token.sub, "{name}");
    }
}

#[tokio::test]
async fn p1_every_receipts_leaf_is_in_the_log_and_the_log_only_grows() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let mut card = target.card("child").unwrap();
    let mut answers = Vec::new();
    let presence = counter.present(&mut card, &["88-13"]).await.unwrap();
    for _ in 0..5 {
        answers.push(counter.ask(&presence).await.unwrap().proof);
    }
    for (which, proofs) in [(WhichLog::Gateway, answers), (WhichLog::Auth, vec![presence.proof])] {
        let log = LogReader::new(auditor(&target).await, which);
        let newest = log.newest().await.unwrap();
        for proof in proofs {
            log.prove_growth(&proof.checkpoint, &newest).await.unwrap();
            log.prove_entry(&proof.leaf_hash, proof.index, &newest).await.unwrap();
        }
    }
}

#[tokio::test]
async fn p1_an_auditor_reads_an_entry_without_learning_who_it_is_about() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let (presence, answer) = counter.visit(&mut target.card("child").unwrap(), &["88-13"]).await.unwrap();
    let request = GetEntryRequest { log: Log::Gateway.into(), index: answer.proof.index };
    let read = auditor(&target).await.call(&request, None).await.unwrap();
    let entry = read.response.entry.clone().unwrap();
    assert_eq!(pmh_audit::tree::leaf_hash(&entry.leaf), answer.proof.leaf_hash);
    assert_eq!(
        (entry.method.as_str(), entry.requester.as_str()),
        ("VerifyEligibility", organization::TOKYO_CLINIC)
    );
    let bytes = read.response.encode_to_vec();
    let sub = presence.token.sub.as_bytes();
    assert!(!bytes.windows(sub.len()).any(|window| window == sub), "the subject stays closed");
    assert!(read.proof.index > answer.proof.index, "reading is an entry itself");
}

#[tokio::test]
async fn p1_searching_is_paged_and_a_past_page_does_not_change() {
    let target = target().await;
    let gateway = auditor(&target).await;
    let request = SearchEntriesRequest { log: Log::Gateway.into(), page_size: 10, ..Default::default() };
    let first = gateway.call(&request, None).await.unwrap().response;
    assert_eq!(first.entries.len(), 10);
    assert!(first.entries.iter().map(|entry| entry.index).is_sorted());
    let next = SearchEntriesRequest { page_token: first.next_page_token.clone(), ..request.clone() };
    let second = gateway.call(&next, None).await.unwrap().response;
    assert_eq!(second.tree_size, first.tree_size, "a search speaks for one tree");
    assert!(second.entries.first().unwrap().index > first.entries.last().unwrap().index);
    let again = gateway.call(&request, None).await.unwrap().response;
    assert_eq!(again.entries, first.entries);
    let own = SearchEntriesRequest { requester: organization::AUDITOR.to_owned(), ..request };
    let own = gateway.call(&own, None).await.unwrap().response;
    assert!(own.entries.iter().all(|entry| entry.requester == organization::AUDITOR));
}

#[tokio::test]
async fn r_az_only_an_auditor_reads_entries() {
    let target = target().await;
    for organization in [organization::TOKYO_CLINIC, organization::HACHIOJI, organization::OPERATOR] {
        let gateway = target.gateway(organization).await.unwrap();
        let entry = GetEntryRequest { log: Log::Gateway.into(), index: 0 };
        assert_eq!(reason(gateway.call(&entry, None).await), Reason::RoleNotAllowed, "{organization}");
        let log = LogReader::new(gateway, WhichLog::Gateway);
        log.newest().await.expect("hashes are for everybody");
    }
}

#[tokio::test]
async fn input_proofs_of_what_is_not_there() {
    let target = target().await;
    let gateway = auditor(&target).await;
    let size = LogReader::new(gateway.clone(), WhichLog::Gateway).newest().await.unwrap().size();
    let inclusion = |index, tree_size| pmh_proto::audit::GetInclusionProofRequest {
        log: Log::Gateway.into(),
        index,
        tree_size,
    };
    for request in
        [inclusion(0, 0), inclusion(5, 5), inclusion(0, size + 1_000_000), inclusion(u64::MAX, u64::MAX)]
    {
        assert!(!fields(gateway.call_unrecorded(&request, None).await).is_empty(), "{request:?}");
    }
    let entry = GetEntryRequest { log: Log::Gateway.into(), index: size + 1_000_000 };
    assert_eq!(reason(gateway.call(&entry, None).await), Reason::NotFound);
}

/// P1 on the other side of the counter: writes and presentations are proved as well.
#[tokio::test]
async fn p1_writes_and_presentations_are_entries_too() {
    let (target, town) = town().await;
    let mut person = Newcomer::new(&target).unwrap();
    let mut proofs = Vec::new();
    town.issuer()
        .put(&pmh_conformance::town::batch(), vec![person.row()], |chunk| {
            proofs.push(chunk.proof.unwrap().leaf.kind);
        })
        .await
        .unwrap();
    assert_eq!(proofs, [pmh_audit::Kind::BulkChunk]);
    let linked = town.link(&mut person).await.unwrap();
    assert_eq!(linked.proof.leaf.kind, pmh_audit::Kind::RegistryChange);
    let presence =
        town.counter().present_as(&mut person.card, &pmh_conformance::town::for_linking()).await.unwrap();
    assert_eq!(presence.proof.leaf.kind, pmh_audit::Kind::PresentationOrToken);
}
