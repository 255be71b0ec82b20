//! Erasure on the wire: two people, a hold that wins, and what everybody else still sees.

use pmh_audit::registry::Method;
use pmh_audit::tree::verify_inclusion;
use pmh_audit::{Checkpoint, Kind, Leaf};
use pmh_client::accesses::MyAccesses;
use pmh_client::{Gateway, Presentation, Proven};
use pmh_conformance::counter::organization;
use pmh_conformance::{Newcomer, Target, names};
use pmh_proto::audit::{
    AccessDisplay, EntryName, EntryPart, ErasePersonRequest, ErasePersonResponse, ErasureState,
    GetCheckpointRequest, GetInclusionProofRequest, Log, OpenPartsRequest, PutLegalHoldRequest,
    PutLegalHoldResponse, ReleaseLegalHoldRequest, ResidentName, SearchEntriesRequest,
    erase_person_request::What, put_legal_hold_request,
};
use pmh_proto::common::Reason;

use crate::support::{fields, reason, town};

/// A new terminal of the operator, with somebody at it.
async fn staffed(target: &Target, operator: &str) -> Gateway {
    target.gateway(organization::OPERATOR).await.unwrap().with_operator(operator).unwrap()
}

fn ask(what: What, case: &str) -> ErasePersonRequest {
    ErasePersonRequest {
        idempotency_key: names::uuid(),
        what: Some(what),
        case_reference: case.to_owned(),
        ground: "本人の請求、このテストのための架空".to_owned(),
    }
}

fn agree(asked: &Proven<ErasePersonResponse>, case: &str) -> ErasePersonRequest {
    ErasePersonRequest {
        idempotency_key: names::uuid(),
        what: Some(What::ErasureId(asked.response.erasure_id.clone())),
        case_reference: case.to_owned(),
        ground: String::new(),
    }
}

fn resident(person: &Newcomer) -> ResidentName {
    let issuer = format!("urn:x-pmh:org:{}", organization::HACHIOJI);
    ResidentName { issuer, resident_key: person.resident_key.clone() }
}

fn entry(index: u64) -> EntryName {
    EntryName { log: Log::Gateway.into(), index }
}

/// Two people agree, and it is done.
async fn erase(target: &Target, what: What) -> Proven<ErasePersonResponse> {
    let case = names::fresh();
    let asked = staffed(target, "op-1").await.call(&ask(what, &case), None).await.unwrap();
    staffed(target, "op-2").await.call(&agree(&asked, &case), None).await.unwrap()
}

async fn visit(target: &Target, person: &mut Newcomer) -> pmh_client::Answer {
    let clinic = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    clinic.visit(&mut person.card, &["88-13"]).await.unwrap().1
}

async fn own_list(target: &Target, person: &mut Newcomer) -> MyAccesses {
    let app = target.counter(organization::APP).await.unwrap();
    let presentation = Presentation::for_accesses("ご自身の情報を誰が見たかを確認します。");
    let presence = app.present_as(&mut person.card, &presentation).await.unwrap();
    app.gateway().my_accesses(&presence, &[]).await.unwrap()
}

/// Reason, and the entry that says why, of every part of an entry.
async fn opened(target: &Target, log: Log, index: u64) -> Vec<(Reason, Option<u64>)> {
    let auditor = target.gateway(organization::AUDITOR).await.unwrap();
    let request = OpenPartsRequest {
        log: log.into(),
        index,
        parts: [EntryPart::Subject, EntryPart::Actor, EntryPart::Detail].map(Into::into).to_vec(),
        warrant: names::fresh(),
    };
    let answer = auditor.call(&request, None).await.unwrap().response;
    answer.parts.iter().map(|part| (part.reason(), part.erased_by)).collect()
}

#[tokio::test]
async fn i19_two_people_erase_a_person_and_every_proof_stays() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let visits = [visit(&target, &mut person).await, visit(&target, &mut person).await];
    let case = names::fresh();
    let asked = staffed(&target, "op-1")
        .await
        .call(&ask(What::Resident(resident(&person)), &case), None)
        .await
        .unwrap();
    assert_eq!(asked.response.state(), ErasureState::Requested);
    assert!(asked.proof.subject.is_none(), "the receipt names nobody");
    let index = visits[0].proof.index;
    assert!(opened(&target, Log::Gateway, index).await.iter().all(|part| part.0 == Reason::Unspecified));

    let second = staffed(&target, "op-2").await;
    let agreement = agree(&asked, &case);
    let erased = second.call(&agreement, None).await.unwrap();
    assert_eq!(erased.response.state(), ErasureState::Erased);
    assert!(erased.response.erased_entries > 4, "{}", erased.response.erased_entries);
    let leaf = &erased.proof.leaf;
    assert_eq!((leaf.kind, leaf.method), (Kind::Erasure, Method::ERASE_PERSON));
    assert_eq!(leaf.refs.len(), 0, "that these entries belong together is what was to be forgotten");
    assert_eq!(
        erased.proof.detail.rows.map(|rows| u64::from(rows.count())),
        Some(erased.response.erased_entries)
    );
    assert!(erased.proof.subject.is_none());

    let by = erased.proof.index;
    for visit in &visits {
        let parts = opened(&target, Log::Gateway, visit.proof.index).await;
        assert_eq!(parts, [(Reason::Erased, Some(by)); 3]);
        still_proved(&target, visit.proof.index, &visit.proof.leaf_hash).await;
    }
    presentations_are_erased_too(&target, &visits[0]).await;

    let list = own_list(&target, &mut person).await;
    let [oldest] = list.accesses.as_slice() else { panic!("{} entries", list.accesses.len()) };
    assert_eq!(oldest.record.as_ref().unwrap().leaf.kind, Kind::Erasure, "the list begins with the erasure");
    visit(&target, &mut person).await;
    assert_eq!(own_list(&target, &mut person).await.accesses.len(), 3, "and goes on, complete");

    let again = second.call(&agreement, None).await.unwrap();
    assert_eq!(again.response.erased_entries, erased.response.erased_entries, "the first answer again");
    assert_eq!(again.proof.leaf.kind, Kind::Replay);
    assert_eq!(reason(second.call(&agree(&asked, &case), None).await), Reason::NotFound, "done before");
}

/// A proof made today for an entry erased yesterday.
async fn still_proved(target: &Target, index: u64, leaf_hash: &[u8; 32]) {
    let gateway = target.gateway(organization::AUDITOR).await.unwrap();
    let log = Log::Gateway.into();
    let note = gateway.call_unrecorded(&GetCheckpointRequest { log }, None).await.unwrap().checkpoint;
    let checkpoint = Checkpoint::open(note.as_bytes(), &target.keys().gateway).unwrap();
    let request = GetInclusionProofRequest { log, index, tree_size: checkpoint.size() };
    let path = gateway.call_unrecorded(&request, None).await.unwrap().path;
    let path: Vec<[u8; 32]> = path.into_iter().map(|hash| hash.try_into().unwrap()).collect();
    verify_inclusion(index, checkpoint.size(), leaf_hash, &path, checkpoint.root()).unwrap();
}

/// The other log's half: presentations near the visit, by the same clinic, open no more.
async fn presentations_are_erased_too(target: &Target, visit: &pmh_client::Answer) {
    let auditor = target.gateway(organization::AUDITOR).await.unwrap();
    let search = |method: &str| SearchEntriesRequest {
        log: Log::Auth.into(),
        method: method.to_owned(),
        page_size: 256,
        ..Default::default()
    };
    let erasures = auditor.call(&search("ErasePerson"), None).await.unwrap().response.entries;
    assert!(!erasures.is_empty());
    let time_us = i64::try_from(visit.proof.leaf.time_us).unwrap();
    let before = |us: i64| prost_types::Timestamp {
        seconds: us.div_euclid(1_000_000),
        nanos: i32::try_from(us.rem_euclid(1_000_000) * 1000).unwrap(),
    };
    // The very presentation that the visit's token came from is the newest of its clinic before the visit.
    let request = SearchEntriesRequest {
        requester: organization::TOKYO_CLINIC.to_owned(),
        from: Some(before(time_us - 60_000_000)),
        to: Some(before(time_us)),
        ..search("CompletePresentation")
    };
    let presented = auditor.call(&request, None).await.unwrap().response.entries;
    let mut is_erased = false;
    for entry in presented {
        let parts = opened(target, Log::Auth, entry.index).await;
        is_erased |= parts.iter().all(|part| part.0 == Reason::Erased && part.1.is_some());
    }
    assert!(is_erased);
}

#[tokio::test]
async fn one_person_cannot_erase_and_the_second_knows_the_case() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let index = visit(&target, &mut person).await.proof.index;
    let case = names::fresh();
    let first = staffed(&target, "op-1").await;
    let asked = first.call(&ask(What::Entry(entry(index)), &case), None).await.unwrap();
    let alone = first.call(&agree(&asked, &case), None).await.unwrap_err();
    assert_eq!(alone.refused().unwrap().reason, Reason::SecondPersonNeeded);
    assert!(alone.refused().unwrap().receipt.is_some(), "the attempt is an entry");
    let same_name = staffed(&target, "OP-1").await;
    assert_eq!(reason(same_name.call(&agree(&asked, &case), None).await), Reason::SecondPersonNeeded);
    let second = staffed(&target, "op-2").await;
    assert_eq!(reason(second.call(&agree(&asked, "another"), None).await), Reason::StateNotAllowed);
    let unnamed = target.gateway(organization::OPERATOR).await.unwrap();
    assert_eq!(
        fields(unnamed.call(&agree(&asked, &case), None).await),
        [("pmh-operator".to_owned(), Reason::Required)]
    );
    assert!(opened(&target, Log::Gateway, index).await.iter().all(|part| part.0 == Reason::Unspecified));
    second.call(&agree(&asked, &case), None).await.unwrap();
    assert_eq!(reason(erase_again(&target, index).await), Reason::Erased);

    for (request, path) in [
        (ErasePersonRequest { what: None, ..ask(What::Entry(entry(index)), &case) }, "what"),
        (ErasePersonRequest { ground: String::new(), ..ask(What::Entry(entry(index)), &case) }, "ground"),
        (ask(What::Entry(EntryName { log: Log::Auth.into(), index }), &case), "entry.log"),
        (ErasePersonRequest { ground: "why".to_owned(), ..agree(&asked, &case) }, "ground"),
    ] {
        let fields = fields(first.call(&request, None).await);
        assert_eq!(fields.iter().map(|field| field.0.as_str()).collect::<Vec<_>>(), [path]);
    }
}

async fn erase_again(target: &Target, index: u64) -> Result<Proven<ErasePersonResponse>, pmh_client::Error> {
    let case = names::fresh();
    let asked = staffed(target, "op-1").await.call(&ask(What::Entry(entry(index)), &case), None).await?;
    staffed(target, "op-2").await.call(&agree(&asked, &case), None).await
}

/// An erased entry keeps its place in the list, which stays complete.
#[tokio::test]
async fn i22_an_erased_entry_leaves_no_silent_gap() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let index = visit(&target, &mut person).await.proof.index;
    visit(&target, &mut person).await;
    let before = own_list(&target, &mut person).await.accesses.len();
    let erased = erase(&target, What::Entry(entry(index))).await;
    let leaf = &erased.proof.leaf;
    assert_eq!(erased.response.erased_entries, 1);
    assert_eq!(leaf.refs.len(), 1, "one entry is named");
    let list = own_list(&target, &mut person).await;
    assert_eq!(list.accesses.len(), before + 1, "the look before, and no more");
    let place = list.accesses.iter().find(|access| access.said.index == index).unwrap();
    assert_eq!((place.said.display(), place.record.is_none()), (AccessDisplay::Erased, true));
    assert!(place.said.leaf.is_empty() && place.said.requester_name.is_empty(), "its place and nothing else");
}

async fn hold(
    gateway: &Gateway,
    what: put_legal_hold_request::What,
) -> Result<Proven<PutLegalHoldResponse>, pmh_client::Error> {
    let request = PutLegalHoldRequest {
        idempotency_key: names::uuid(),
        what: Some(what),
        case_reference: names::fresh(),
        ground: "係争中、このテストのための架空".to_owned(),
    };
    gateway.call(&request, None).await
}

fn release(hold: &Proven<PutLegalHoldResponse>) -> ReleaseLegalHoldRequest {
    ReleaseLegalHoldRequest {
        idempotency_key: names::uuid(),
        hold_id: hold.response.hold_id.clone(),
        case_reference: names::fresh(),
    }
}

#[tokio::test]
async fn a_legal_hold_refuses_erasure_and_the_log_says_which() {
    let (target, town) = town().await;
    let mut person = town.settle(&target).await.unwrap();
    let index = visit(&target, &mut person).await.proof.index;
    let auditor = target.gateway(organization::AUDITOR).await.unwrap();
    let on_person = hold(&auditor, put_legal_hold_request::What::Resident(resident(&person))).await.unwrap();
    let operator = staffed(&target, "op-3").await;
    let on_entry = hold(&operator, put_legal_hold_request::What::Entry(entry(index))).await.unwrap();
    assert!(on_person.proof.subject.is_none(), "a hold is about nobody's list");

    for what in [What::Resident(resident(&person)), What::Entry(entry(index))] {
        let case = names::fresh();
        let asked = staffed(&target, "op-1").await.call(&ask(what, &case), None).await.unwrap();
        let error = staffed(&target, "op-2").await.call(&agree(&asked, &case), None).await.unwrap_err();
        let refused = error.refused().unwrap();
        assert_eq!(refused.reason, Reason::LegalHold);
        let leaf = Leaf::decode(&refused.receipt.as_ref().unwrap().leaf).unwrap();
        assert_eq!((leaf.kind, leaf.outcome), (Kind::Refusal, Reason::LegalHold as u16));
        let holds: Vec<[u8; 32]> = leaf.refs.iter().map(|reference| reference.leaf_hash).collect();
        assert_eq!(holds, [on_person.proof.leaf_hash, on_entry.proof.leaf_hash]);
    }
    assert_eq!(reason(operator.call(&release(&on_person), None).await), Reason::NotFound, "not its own");
    let released = auditor.call(&release(&on_person), None).await.unwrap();
    assert_eq!(released.proof.leaf.refs.len(), 1);
    operator.call(&release(&on_entry), None).await.unwrap();
    assert_eq!(
        erase(&target, What::Resident(resident(&person))).await.response.state(),
        ErasureState::Erased
    );
    let late = hold(&auditor, put_legal_hold_request::What::Entry(entry(index))).await;
    assert_eq!(reason(late), Reason::Erased, "there is nothing left to hold");
    let tokyo = target.gateway(organization::TOKYO_AUDITOR).await.unwrap();
    let outside = hold(&tokyo, put_legal_hold_request::What::Entry(entry(0))).await;
    assert_eq!(reason(outside), Reason::OutsideJurisdiction);
}
