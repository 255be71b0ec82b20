//! Bytes, methods, keys: what is wrong before or beside the fields.

use pmh_client::{Call as _, Error};
use pmh_conformance::counter::{organization, today};
use pmh_conformance::{Newcomer, names};
use pmh_proto::common::Reason;
use pmh_proto::eligibility::{AdvanceWatermarkRequest, ListEntitlementsRequest, VerifyEligibilityRequest};
use pmh_proto::resident::MoveResidentRequest;
use prost::Message as _;

use super::individual_number;
use crate::raw;
use crate::support::{fields, reason, target, town};

#[tokio::test]
async fn p4_a_call_with_an_individual_number_is_refused() {
    let (_, town) = town().await;
    let gateway = town.issuer().gateway();
    let list = ListEntitlementsRequest { resident_key: individual_number() };
    assert_eq!(reason(gateway.call(&list, None).await), Reason::IndividualNumberForbidden);
    let moved = MoveResidentRequest {
        idempotency_key: names::uuid(),
        resident_key: individual_number(),
        moved_out_on: String::new(),
    };
    let error = gateway.call(&moved, None).await.unwrap_err();
    assert!(!crate::support::spoken(&error).contains(&individual_number()));
    assert_eq!(reason::<()>(Err(error)), Reason::IndividualNumberForbidden);
}

#[tokio::test]
async fn input_fields_that_the_contract_does_not_know() {
    let target = target().await;
    let counter = target.counter(organization::TOKYO_CLINIC).await.unwrap();
    let presence = counter.present(&mut Newcomer::new(&target).unwrap().card, &[]).await.unwrap();
    let message = raw::with_unknown_field(&today());
    let path = VerifyEligibilityRequest::PATH;
    let refused = raw::send(counter.gateway(), path, message, Some(presence.bearer())).await.unwrap_err();
    assert_eq!(refused.reason, Reason::UnknownFields);
}

#[tokio::test]
async fn input_an_oversized_message() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let path = VerifyEligibilityRequest::PATH;
    let refused = raw::send(&gateway, path, raw::oversized(), None).await.unwrap_err();
    assert_eq!(refused.reason, Reason::MessageSize);
}

#[tokio::test]
async fn input_a_truncated_message() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let mut message = today().encode_to_vec();
    message.truncate(message.len() - 1);
    // Cut inside a length-delimited field, not at the end of the last varint.
    message = message[..5].to_vec();
    let refused = raw::send(&gateway, VerifyEligibilityRequest::PATH, message, None).await.unwrap_err();
    assert_eq!(refused.reason, Reason::InvalidFields);
}

#[tokio::test]
async fn input_text_that_is_not_utf_8() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    // Field 1 (date), two bytes, the first of a three-byte character and nothing else.
    let refused = raw::send(&gateway, VerifyEligibilityRequest::PATH, vec![0x0a, 2, 0xe3, 0x81], None)
        .await
        .unwrap_err();
    assert_eq!(refused.reason, Reason::InvalidFields);
}

#[tokio::test]
async fn input_an_unknown_method() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    for path in ["/pmh.eligibility.v1.EligibilityService/Nothing", "/nobody.Service/Call", "/"] {
        let refused = raw::send(&gateway, path, Vec::new(), None).await.unwrap_err();
        assert_eq!(refused.reason, Reason::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn input_a_watermark_in_the_future_or_of_a_foreign_scheme() {
    let (_, town) = town().await;
    let advance = async |law_no: &str, seconds: i64| -> Result<(), Error> {
        let request = AdvanceWatermarkRequest {
            idempotency_key: names::uuid(),
            law_no: law_no.to_owned(),
            as_of: Some(prost_types::Timestamp {
                seconds: pmh_conformance::clock::now() + seconds,
                nanos: 0,
            }),
        };
        town.issuer().gateway().call(&request, None).await.map(drop)
    };
    assert_eq!(fields(advance("88", 3600).await), [("as_of".to_owned(), Reason::DateOutOfRange)]);
    assert_eq!(reason(advance("52", -60).await), Reason::IssuerMismatch);
}

#[tokio::test]
async fn input_a_key_that_is_no_uuid() {
    let (_, town) = town().await;
    for key in ["", "1", "not-a-uuid"] {
        let request = MoveResidentRequest {
            idempotency_key: key.to_owned(),
            resident_key: "c-x".to_owned(),
            moved_out_on: String::new(),
        };
        let named = fields(town.issuer().gateway().call(&request, None).await);
        assert!(named.iter().any(|(path, _)| path == "idempotency_key"), "{named:?}");
    }
}
