//! A gateway that lies is not believed.

use std::sync::Mutex;

use pmh_audit::{Kind, OrgRef, registry};
use pmh_client::receipt::digest;
use pmh_client::{Answer, Card, CardError, Error, Presence, Presentation, ProofError, Signed, Terminal};
use pmh_proto::audit::Receipt;
use pmh_proto::common::{BulkHeader, BulkSummary, Purpose, Reason, RowOutcome};
use pmh_proto::eligibility::{EntitlementRow, VerifyEligibilityRequest};
use prost::Message as _;
use prost_types::Any;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use tonic_types::pb;

use crate::fake::{CONSENT, Fake, Lies, NOW, Refusing};
use crate::log::Entry;

/// Signs nothing real and counts how often it was asked.
#[derive(Default)]
struct Counted(usize);

impl Card for Counted {
    fn sign(&mut self, _to_be_signed: &[u8]) -> Result<Signed, CardError> {
        self.0 += 1;
        Ok(Signed { certificate_der: vec![1], signature: vec![2] })
    }
}

fn question() -> VerifyEligibilityRequest {
    VerifyEligibilityRequest { purpose: Purpose::Hpaymt.into(), ..Default::default() }
}

async fn present(lies: Lies, card: &mut Counted) -> (Fake, Result<Presence, Error>) {
    let (fake, terminal) = Fake::start(lies).await;
    let terminal = terminal.with_issuer("https://auth.test");
    let presentation = Presentation::for_eligibility(CONSENT, &["88-13"]);
    let presence = terminal.present(card, &presentation, NOW + 5).await;
    (fake, presence)
}

async fn ask(lies: Lies) -> (Fake, Result<Answer, Error>) {
    let (fake, terminal) = Fake::start(lies).await;
    let presentation = Presentation::for_eligibility(CONSENT, &["88-13"]);
    let presence = terminal.present(&mut Counted::default(), &presentation, NOW + 5).await.unwrap();
    let answer = terminal.verify(&presence, &question()).await;
    (fake, answer)
}

/// A presence at this terminal.
pub(crate) async fn present_at(terminal: &Terminal) -> Presence {
    let presentation = Presentation::for_eligibility(CONSENT, &["88-13"]);
    terminal.present(&mut Counted::default(), &presentation, NOW + 5).await.unwrap()
}

#[track_caller]
fn unproved(outcome: Result<Answer, Error>) -> ProofError {
    match outcome.unwrap_err() {
        Error::Proof(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_honest_answer_is_believed() {
    let (_, answer) = ask(Lies::default()).await;
    assert_eq!(answer.unwrap().proof.subject.unwrap().sub(), "p1_x");
}

#[tokio::test]
async fn r_crd_12_a_card_is_not_touched_for_another_text() {
    let lies: [fn(&mut pmh_auth::challenge::ToBeSigned); 8] = [
        |text| text.issuer = "https://elsewhere.test".to_owned(),
        |text| text.organization = "urn:x-pmh:org:clinic:1419811373".to_owned(),
        |text| text.thumbprint = [0; 32],
        |text| text.terminal = "desk-2".to_owned(),
        |text| text.scopes_digest = [0; 32],
        |text| text.consent_digest = [0; 32],
        |text| text.expires_at = NOW + 1000,
        |text| text.purposes = vec![pmh_auth::names::Purpose::Treat],
    ];
    for challenge in lies {
        let mut card = Counted::default();
        let (_, outcome) = present(Lies { challenge: Some(challenge), ..Lies::default() }, &mut card).await;
        assert!(matches!(outcome, Err(Error::Offer(_))), "{outcome:?}");
        assert_eq!(card.0, 0, "the card was asked to sign");
    }
    let mut card = Counted::default();
    let (_, outcome) = present(Lies::default(), &mut card).await;
    assert_eq!((outcome.unwrap().token.sub.as_str(), card.0), ("p1_x", 1));
}

#[tokio::test]
async fn p1_an_answer_without_receipt_is_refused() {
    let (_, answer) = ask(Lies { answer: Some(|answer| answer.receipt = None), ..Lies::default() }).await;
    assert_eq!(unproved(answer), ProofError::Missing);
}

#[tokio::test]
async fn p1_an_answer_changed_after_its_record_is_refused() {
    let lie: fn(&mut pmh_proto::eligibility::VerifyEligibilityResponse) =
        |answer| answer.results[0].authoritative = true;
    let (_, answer) = ask(Lies { answer: Some(lie), ..Lies::default() }).await;
    assert_eq!(unproved(answer), ProofError::Receipt(pmh_audit::ReceiptError::ResponseDigest));
}

type Lie = fn(&mut Entry);

#[tokio::test]
async fn p1_an_entry_about_something_else_is_refused() {
    let lies: [(Lie, ProofError); 6] = [
        (|entry| entry.requester = "clinic:1419811373", ProofError::Requester),
        (|entry| entry.method = registry::Method::LIST_ENTITLEMENTS, ProofError::Method),
        (|entry| entry.kind = Kind::Refusal, ProofError::Kind),
        (|entry| entry.kind = Kind::Write, ProofError::Kind),
        (|entry| entry.purpose = registry::Purpose::PUBLIC_HEALTH, ProofError::Outcome),
        (|entry| entry.sub = "p1_y".to_owned(), ProofError::Subject),
    ];
    for (entry, expected) in lies {
        let (_, answer) = ask(Lies { entry: Some(entry), ..Lies::default() }).await;
        assert_eq!(unproved(answer), expected);
    }
}

fn any(name: &str, message: &impl prost::Message) -> Any {
    Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
}

fn refusal(code: Code, reason: &str) -> pb::Status {
    let info = pb::ErrorInfo { reason: reason.to_owned(), domain: "pmh".to_owned(), ..Default::default() };
    pb::Status {
        code: code.into(),
        message: String::new(),
        details: vec![any("google.rpc.ErrorInfo", &info)],
    }
}

fn status(code: Code, rpc: &pb::Status) -> Status {
    Status::with_details(code, "", rpc.encode_to_vec().into())
}

fn recorded(fake: &Fake, request: &VerifyEligibilityRequest, reason: Reason) -> (pb::Status, Receipt) {
    let rpc = refusal(Code::PermissionDenied, "PURPOSE_NOT_ALLOWED");
    let entry = Entry {
        kind: Kind::Refusal,
        outcome: u16::try_from(reason as i32).unwrap(),
        ..Entry::new(digest(request), Sha256::digest(rpc.encode_to_vec()).into())
    };
    (rpc, entry.record(fake.gateway_log()))
}

fn refusing(refusals: Vec<Refusing>) -> Lies {
    Lies { refusals: Mutex::new(refusals), ..Lies::default() }
}

#[tokio::test]
async fn p1_a_refusal_with_its_receipt_is_believed_and_verifies() {
    let (fake, answer) = ask(refusing(vec![|fake, request| {
        let (mut rpc, receipt) = recorded(fake, request, Reason::PurposeNotAllowed);
        rpc.details.push(any("pmh.audit.v1.Receipt", &receipt));
        status(Code::PermissionDenied, &rpc)
    }]))
    .await;
    let error = answer.unwrap_err();
    let refused = error.refused().unwrap();
    assert_eq!(refused.reason, Reason::PurposeNotAllowed);
    let own = OrgRef::new("clinic:1310310243").unwrap();
    let proof = refused.verify(
        fake.gateway_log().verifier(),
        &own,
        registry::Method::VERIFY_ELIGIBILITY,
        digest(&question()),
        Some("p1_x"),
    );
    assert_eq!(proof.unwrap().leaf.kind, Kind::Refusal);
}

#[tokio::test]
async fn p1_a_refusal_whose_receipt_says_another_reason_is_not_believed() {
    let (_, answer) = ask(refusing(vec![|fake, request| {
        let (mut rpc, receipt) = recorded(fake, request, Reason::TierLimited);
        rpc.details.push(any("pmh.audit.v1.Receipt", &receipt));
        status(Code::PermissionDenied, &rpc)
    }]))
    .await;
    assert_eq!(unproved(answer), ProofError::Outcome);
}

#[tokio::test]
async fn p9_what_is_safe_is_tried_again_and_what_is_final_is_not() {
    let (fake, answer) = ask(refusing(vec![
        |_, _| status(Code::Unavailable, &refusal(Code::Unavailable, "TRY_AGAIN")),
        |_, _| Status::unavailable("a proxy's own word"),
    ]))
    .await;
    assert!(answer.is_ok());
    assert_eq!(fake.questions(), 3);
    let (fake, answer) = ask(refusing(vec![|_, _| {
        status(Code::PermissionDenied, &refusal(Code::PermissionDenied, "SCOPE_MISSING"))
    }]))
    .await;
    assert_eq!(answer.unwrap_err().refused().unwrap().reason, Reason::ScopeMissing);
    assert_eq!(fake.questions(), 1);
}

async fn push(lies: Lies) -> (Vec<(usize, usize)>, Result<BulkSummary, Error>) {
    let (_, terminal) = Fake::start(lies).await;
    let rows: Vec<_> =
        (0..5).map(|number| EntitlementRow { row_id: format!("e-{number}"), ..Default::default() }).collect();
    let mut told = Vec::new();
    let progress = |chunk: pmh_client::Chunk<'_>| told.push((chunk.rows.len(), chunk.done));
    let summary = Fake::issuer(&terminal).put(&BulkHeader::default(), rows, progress).await;
    (told, summary)
}

#[tokio::test]
async fn p9_a_push_that_breaks_off_is_sent_again_and_no_row_is_told_twice() {
    for breaks in 0..3 {
        let (told, summary) = push(Lies { breaks: breaks.into(), ..Lies::default() }).await;
        assert_eq!(summary.unwrap().created, 5);
        assert_eq!(told, [(2, 2), (2, 4), (1, 5)], "{breaks} breaks");
    }
    let (told, summary) = push(Lies { breaks: 3.into(), ..Lies::default() }).await;
    assert!(matches!(summary, Err(Error::Broken(_))));
    assert_eq!(told, [(2, 2)], "what was proved stays told");
}

#[tokio::test]
async fn p1_a_chunk_that_is_not_as_recorded_is_refused() {
    let lies: [fn(&mut pmh_proto::eligibility::PutEntitlementsResponse); 4] = [
        |answer| answer.receipt = None,
        |answer| answer.rows[0].outcome = RowOutcome::Updated.into(),
        |answer| drop(answer.rows.pop()),
        |answer| answer.rows[0].row_id.push('x'),
    ];
    for chunk in lies {
        let (told, summary) = push(Lies { chunk: Some(chunk), ..Lies::default() }).await;
        assert!(matches!(summary, Err(Error::Proof(_) | Error::Contract(_))), "{summary:?}");
        assert!(told.is_empty());
    }
}
