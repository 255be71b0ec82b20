//! How a refusal looks on the wire: the only file that builds a [`tonic::Status`].
//!
//! A refusal is a [`Reason`] and what the caller needs to act on it. Code and message follow from the reason alone, so
//! nothing that a caller sent can come back in a message. Source: `google/rpc/{status,error_details}.proto`; the
//! meaning of each reason stands in `pmh/common/v1/reason.proto`.
//!
//! A refusal that names a person is logged and carries its receipt. The receipt binds the refusal without it, so an
//! answer is made in two steps: [`Refusal::digest`] goes into the log, then [`Refusal::with_receipt`] attaches what
//! the log gave back.

mod reason;

use std::time::Duration;

use http::{HeaderMap, Response};
use pmh_proto::audit::Receipt;
use pmh_proto::common::Reason;
use prost::Message as _;
use prost_types::Any;
use sha2::{Digest as _, Sha256};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::edge::RequestId;
use reason::{code, message, row_reason, usual_retry};

pub use reason::{reason_name, reason_named};

/// `ErrorInfo.domain` of every answer.
pub const DOMAIN: &str = "pmh";

/// Type of the receipt among the details.
pub const RECEIPT_TYPE_URL: &str = "type.googleapis.com/pmh.audit.v1.Receipt";

/// Why a call gets no answer, as the caller may learn it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    reason: Reason,
    fields: Vec<FieldViolation>,
    retry_after: Option<Duration>,
    request_id: Option<RequestId>,
    receipt: Option<Box<Receipt>>,
}

/// One field that breaks its format: where, and which rule; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field in the request, for example `rows[3].valid_until`. Made by us from names in the contract.
    pub path: String,
    /// Which rule it breaks; one of the row reasons.
    pub reason: Reason,
}

impl Refusal {
    /// A refusal with the reason's usual advice on retrying.
    ///
    /// A reason that is never a call's own (the row reasons, `UNSPECIFIED`) becomes `INTERNAL`: to mix them up is our
    /// fault and not the caller's.
    pub fn new(reason: Reason) -> Self {
        let reason = if row_reason(reason) { Reason::Internal } else { reason };
        Self { reason, fields: Vec::new(), retry_after: usual_retry(reason), request_id: None, receipt: None }
    }

    /// `INVALID_FIELDS` with every violation found.
    pub fn invalid_fields(fields: Vec<FieldViolation>) -> Self {
        Self { fields, ..Self::new(Reason::InvalidFields) }
    }

    /// The refusal whose reason is called `name` (without `REASON_`), as the libraries below name theirs.
    /// An unknown name is our fault: `INTERNAL`.
    pub fn named(name: &str) -> Self {
        Self::new(reason_named(name).unwrap_or(Reason::Internal))
    }

    /// Adds one field.
    #[must_use]
    pub fn with_field(mut self, path: impl Into<String>, reason: Reason) -> Self {
        self.fields.push(FieldViolation { path: path.into(), reason });
        self
    }

    /// Says when to try again. Sent only with `UNAVAILABLE` and `RESOURCE_EXHAUSTED`.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Names the call, so that its log line can be found.
    #[must_use]
    pub fn with_request_id(mut self, id: RequestId) -> Self {
        self.request_id = Some(id);
        self
    }

    /// Attaches the log's proof. Nothing else may change after [`Self::digest`] was taken.
    #[must_use]
    pub fn with_receipt(mut self, receipt: Receipt) -> Self {
        self.receipt = Some(Box::new(receipt));
        self
    }

    /// The same with its receipt marked, which the digest does not cover.
    #[must_use]
    pub(crate) fn with_marked_receipt(mut self, mark: impl FnOnce(&mut Receipt)) -> Self {
        if let Some(receipt) = &mut self.receipt {
            mark(receipt);
        }
        self
    }

    /// The stable name of the failure; its number is the outcome in the log.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether the log's proof is attached already.
    pub fn has_receipt(&self) -> bool {
        self.receipt.is_some()
    }

    /// The gRPC code that goes with the reason.
    pub fn code(&self) -> Code {
        code(self.reason)
    }

    /// Fields that break their format.
    pub(crate) fn fields(&self) -> &[FieldViolation] {
        &self.fields
    }

    /// When to try again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Name of the call, once it is known.
    pub(crate) fn request_id(&self) -> Option<RequestId> {
        self.request_id
    }

    /// The `google.rpc.Status` without a receipt.
    pub fn to_rpc_status(&self) -> pb::Status {
        let mut details = vec![self.error_info()];
        details.extend(self.bad_request());
        details.extend(self.retry_info());
        details.extend(self.precondition());
        pb::Status { code: self.code().into(), message: message(self.reason).to_owned(), details }
    }

    /// What the log entry of this refusal binds: [`status_digest`] of [`Self::to_rpc_status`].
    pub fn digest(&self) -> [u8; 32] {
        status_digest(&self.to_rpc_status())
    }

    /// The answer when no response has begun: headers that are trailers as well.
    pub fn into_http(self) -> Response<Body> {
        Status::from(self).into_http()
    }

    /// The end of a response that has begun.
    pub fn into_trailers(self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        // Code, constant message and base64 are valid header values, so this cannot fail; if it did,
        // an end without a status is read as UNKNOWN, which is true.
        let _ = Status::from(self).add_header(&mut trailers);
        trailers
    }

    fn error_info(&self) -> Any {
        let id = self.request_id.map(|id| ("request_id".to_owned(), id.to_string()));
        any(
            "type.googleapis.com/google.rpc.ErrorInfo",
            &pb::ErrorInfo {
                reason: reason_name(self.reason).to_owned(),
                domain: DOMAIN.to_owned(),
                metadata: id.into_iter().collect(),
            },
        )
    }

    fn bad_request(&self) -> Option<Any> {
        let mut room = MAX_VIOLATION_BYTES;
        let field_violations: Vec<_> = self
            .fields
            .iter()
            .map(violation)
            .take_while(|violation| {
                let fits = violation.encoded_len() <= room;
                room = room.saturating_sub(violation.encoded_len());
                fits
            })
            .collect();
        let message = pb::BadRequest { field_violations };
        (!message.field_violations.is_empty())
            .then(|| any("type.googleapis.com/google.rpc.BadRequest", &message))
    }

    fn retry_info(&self) -> Option<Any> {
        let delay = self
            .retry_after
            .filter(|_| matches!(self.code(), Code::Unavailable | Code::ResourceExhausted))?;
        let retry_delay = prost_types::Duration::try_from(delay).ok();
        Some(any("type.googleapis.com/google.rpc.RetryInfo", &pb::RetryInfo { retry_delay }))
    }

    fn precondition(&self) -> Option<Any> {
        let violation = pb::precondition_failure::Violation {
            r#type: reason_name(self.reason).to_owned(),
            subject: String::new(),
            description: message(self.reason).to_owned(),
        };
        let failure = pb::PreconditionFailure { violations: vec![violation] };
        (self.code() == Code::FailedPrecondition)
            .then(|| any("type.googleapis.com/google.rpc.PreconditionFailure", &failure))
    }
}

impl From<Refusal> for Status {
    fn from(mut refusal: Refusal) -> Self {
        let receipt = refusal.receipt.take();
        let mut status = refusal.to_rpc_status();
        status.details.extend(receipt.map(|receipt| any(RECEIPT_TYPE_URL, &*receipt)));
        let details = status.encode_to_vec().into();
        Self::with_details(refusal.code(), status.message, details)
    }
}

/// SHA-256 of the encoded status with any receipt left out: what the receipt of a refusal binds (design §6.6).
///
/// Deterministic, because the only map in it, `ErrorInfo.metadata`, has at most one entry.
pub fn status_digest(status: &pb::Status) -> [u8; 32] {
    let mut bare = status.clone();
    bare.details.retain(|detail| detail.type_url != RECEIPT_TYPE_URL);
    Sha256::digest(bare.encode_to_vec()).into()
}

fn violation(field: &FieldViolation) -> pb::bad_request::FieldViolation {
    pb::bad_request::FieldViolation {
        field: field.path.clone(),
        reason: reason_name(field.reason).to_owned(),
        ..Default::default()
    }
}

fn any(type_url: &str, message: &impl prost::Message) -> Any {
    Any { type_url: type_url.to_owned(), value: message.encode_to_vec() }
}

/// Details travel in one header, base64, and common clients take 8 KiB of headers in all; the receipt needs its share.
/// A call with more violations than fit here learns of the rest when it has mended these.
const MAX_VIOLATION_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use super::reason::tests::{all, call_reasons};
    use super::*;
    use proptest::prelude::*;
    use tonic_types::StatusExt as _;

    #[test]
    fn every_reason_travels_with_domain_name_and_constant_text() {
        for reason in call_reasons() {
            let status = Status::from(Refusal::new(reason));
            let info = status.get_details_error_info().unwrap();
            assert_eq!((info.domain.as_str(), info.reason.as_str()), (DOMAIN, reason_name(reason)));
            assert_eq!(reason_named(&info.reason), Some(reason));
            assert!(!status.message().is_empty());
            assert_ne!(status.code(), Code::Ok);
            assert_ne!(status.code(), Code::Unknown);
        }
    }

    #[test]
    fn a_row_reason_is_never_a_calls_own() {
        let rows: Vec<_> = all().into_iter().filter(|reason| row_reason(*reason)).collect();
        assert!(rows.contains(&Reason::Unspecified) && rows.contains(&Reason::Value));
        for reason in rows {
            let refusal = Refusal::new(reason);
            assert_eq!((refusal.reason(), refusal.code()), (Reason::Internal, Code::Internal));
        }
    }

    #[test]
    fn retry_advice_goes_with_the_codes_that_may_be_retried() {
        for reason in call_reasons() {
            let status = Status::from(Refusal::new(reason).with_retry_after(Duration::from_millis(1500)));
            let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
            let may = matches!(status.code(), Code::Unavailable | Code::ResourceExhausted);
            assert_eq!(delay, may.then_some(Duration::from_millis(1500)), "{reason:?}");
            let usual = Status::from(Refusal::new(reason)).get_details_retry_info().is_some();
            assert_eq!(usual, may && reason != Reason::MessageSize, "{reason:?}");
        }
    }

    #[test]
    fn violations_name_path_and_rule_and_no_value() {
        let refusal = Refusal::invalid_fields(vec![])
            .with_field("rows[2].payer_number", Reason::CheckDigit)
            .with_field("service_date", Reason::Date);
        let request = Status::from(refusal).get_details_bad_request().unwrap();
        let paths: Vec<_> =
            request.field_violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(paths, ["rows[2].payer_number", "service_date"]);
        assert!(request.field_violations.iter().all(|violation| violation.description.is_empty()));
    }

    #[test]
    fn a_failed_precondition_names_the_state() {
        let status = Status::from(Refusal::new(Reason::PresenceEnded));
        let failure = status.get_details_precondition_failure().unwrap();
        assert_eq!(failure.violations[0].r#type, "PRESENCE_ENDED");
    }

    #[test]
    fn the_digest_binds_everything_but_the_receipt() {
        let id = RequestId::from_bytes([9; 16]);
        let refusal = Refusal::new(Reason::ConsentRequired).with_request_id(id);
        let digest = refusal.digest();
        let receipt = Receipt { index: 7, ..Receipt::default() };
        let sent = Status::from(refusal.clone().with_receipt(receipt.clone()));

        let received = pb::Status::decode(sent.details()).unwrap();
        assert_eq!(status_digest(&received), digest);
        let attached = received.details.last().unwrap();
        assert_eq!(attached.type_url, RECEIPT_TYPE_URL);
        assert_eq!(Receipt::decode(attached.value.as_slice()).unwrap(), receipt);

        assert_ne!(Refusal::new(Reason::ScopeMissing).with_request_id(id).digest(), digest);
        assert_ne!(Refusal::new(Reason::ConsentRequired).digest(), digest);
    }

    #[test]
    fn trailers_and_headers_say_the_same() {
        let refusal = Refusal::new(Reason::RateLimited);
        let head = refusal.clone().into_http();
        let trailers = refusal.into_trailers();
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            assert_eq!(head.headers().get(name), trailers.get(name), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn many_violations_stay_within_what_clients_take(paths in prop::collection::vec("[a-z_.\\[\\]0-9]{1,80}", 0..400)) {
            let fields = paths.into_iter().map(|path| FieldViolation { path, reason: Reason::Width }).collect();
            let refusal = Refusal::invalid_fields(fields).with_request_id(RequestId::from_bytes([1; 16]));
            let trailers = refusal.into_trailers();
            let size: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
            prop_assert!(size < 4096, "{size}");
        }

        #[test]
        fn an_unknown_name_is_our_fault(name in "\\PC{0,40}") {
            let known = reason_named(&name).is_some_and(|reason| !row_reason(reason));
            prop_assert_eq!(Refusal::named(&name).reason() == Reason::Internal, !known || name == "INTERNAL");
        }
    }
}
