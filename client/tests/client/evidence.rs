//! Kept evidence: a receipt proves one request and one answer, and no other.

use pmh_audit::registry::Method;
use pmh_audit::{OrgRef, SigningKey};
use pmh_client::receipt::{Expected, ProofError, check, digest, response_digest};
use pmh_client::verify_evidence;
use pmh_proto::eligibility::{
    AnswerState, EligibilityResult, VerifyEligibilityRequest, VerifyEligibilityResponse,
};
use proptest::prelude::*;
use prost::Message as _;

use crate::log::Entry;

const METHOD: &str = "VerifyEligibility";

struct Evidence {
    key: SigningKey,
    request: VerifyEligibilityRequest,
    response: VerifyEligibilityResponse,
}

impl Evidence {
    fn new() -> Self {
        let key = SigningKey::from_seed("audit.test/gateway", &[7; 32]).unwrap();
        let request = VerifyEligibilityRequest { groups: vec!["88-13".to_owned()], ..Default::default() };
        let result = EligibilityResult { group: "88-13".to_owned(), ..Default::default() };
        let mut response = VerifyEligibilityResponse {
            state: AnswerState::Answered.into(),
            results: vec![result],
            version: "v".to_owned(),
            ..Default::default()
        };
        response.receipt = Some(Entry::new(digest(&request), response_digest(&response)).record(&key));
        Self { key, request, response }
    }

    fn verify(&self) -> Result<pmh_audit::Verified, ProofError> {
        let (request, response) = (self.request.encode_to_vec(), self.response.encode_to_vec());
        verify_evidence(METHOD, &request, &response, None, self.key.verifier())
    }
}

#[test]
fn p1_kept_evidence_verifies_offline() {
    let verified = Evidence::new().verify().unwrap();
    assert_eq!(verified.subject.unwrap().sub(), "p1_x");
    assert_eq!(verified.leaf.method.name(), Some(METHOD));
}

#[test]
fn p1_one_changed_field_is_found() {
    let mut evidence = Evidence::new();
    evidence.response.results[0].authoritative = true;
    assert_eq!(evidence.verify().unwrap_err(), ProofError::Receipt(pmh_audit::ReceiptError::ResponseDigest));
    let mut evidence = Evidence::new();
    evidence.request.groups.clear();
    assert_eq!(evidence.verify().unwrap_err(), ProofError::Receipt(pmh_audit::ReceiptError::RequestDigest));
}

#[test]
fn p1_a_chain_that_was_slipped_in_is_found() {
    let mut evidence = Evidence::new();
    let receipt = evidence.response.receipt.as_mut().unwrap();
    receipt.chain = receipt.detail.clone();
    assert_eq!(evidence.verify().unwrap_err(), ProofError::Chain);
}

#[test]
fn p1_a_field_that_decoding_would_skip_is_found() {
    let evidence = Evidence::new();
    let mut response = evidence.response.encode_to_vec();
    response.extend([0xf8, 0x07, 1]);
    let request = evidence.request.encode_to_vec();
    let checked = verify_evidence(METHOD, &request, &response, None, evidence.key.verifier());
    assert_eq!(checked.unwrap_err(), ProofError::Message);
}

#[test]
fn p1_a_receipt_may_be_kept_beside_the_answer_but_must_exist() {
    let mut evidence = Evidence::new();
    let receipt = evidence.response.receipt.take().unwrap().encode_to_vec();
    assert_eq!(evidence.verify().unwrap_err(), ProofError::Missing);
    let (request, response) = (evidence.request.encode_to_vec(), evidence.response.encode_to_vec());
    assert!(verify_evidence(METHOD, &request, &response, Some(&receipt), evidence.key.verifier()).is_ok());
}

#[test]
fn p1_an_entry_of_another_caller_or_method_is_refused() {
    let evidence = Evidence::new();
    let own = OrgRef::new("clinic:1310310243").unwrap();
    let other = OrgRef::new("clinic:1419811373").unwrap();
    let checked = |requester: &OrgRef, method| {
        let expected = Expected {
            requester,
            method,
            request: digest(&evidence.request),
            response: response_digest(&evidence.response),
        };
        check(evidence.response.receipt.as_ref(), evidence.key.verifier(), &expected).map(drop)
    };
    assert_eq!(checked(&own, Method::VERIFY_ELIGIBILITY), Ok(()));
    assert_eq!(checked(&other, Method::VERIFY_ELIGIBILITY), Err(ProofError::Requester));
    assert_eq!(checked(&own, Method::LIST_ENTITLEMENTS), Err(ProofError::Method));
    let another_log = SigningKey::from_seed("audit.test/gateway", &[8; 32]).unwrap();
    let (request, response) = (evidence.request.encode_to_vec(), evidence.response.encode_to_vec());
    assert!(verify_evidence(METHOD, &request, &response, None, another_log.verifier()).is_err());
    assert!(verify_evidence("RenewToken", &request, &response, None, evidence.key.verifier()).is_err());
}

proptest! {
    #[test]
    fn p1_no_flipped_bit_of_a_kept_answer_verifies(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let evidence = Evidence::new();
        let mut response = evidence.response.encode_to_vec();
        let at = at.index(response.len());
        response[at] ^= 1 << bit;
        let request = evidence.request.encode_to_vec();
        prop_assert!(verify_evidence(METHOD, &request, &response, None, evidence.key.verifier()).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_no_evidence(request: Vec<u8>, response: Vec<u8>, receipt: Option<Vec<u8>>) {
        let key = SigningKey::from_seed("audit.test/gateway", &[7; 32]).unwrap();
        prop_assert!(verify_evidence(METHOD, &request, &response, receipt.as_deref(), key.verifier()).is_err());
    }
}
