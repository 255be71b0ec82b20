//! How a refusal looks on the wire: the only file that builds a [`tonic::Status`].
//!
//! A refusal is a [`Reason`] and what the caller needs to act on it. Code and message follow from the reason alone, so
//! nothing that a caller sent can come back in a message. Source: `google/rpc/{status,error_details}.proto`; the
//! meaning of each reason stands in `pmh/common/v1/reason.proto`.
//!
//! A refusal that names a person is logged and carries its receipt. The receipt binds the refusal without it, so an
//! answer is made in two steps: [`Refusal::digest`] goes into the log, then [`Refusal::with_receipt`] attaches what
//! the log gave back.

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
    receipt: Option<Receipt>,
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
        self.receipt = Some(receipt);
        self
    }

    /// The stable name of the failure; its number is the outcome in the log.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The gRPC code that goes with the reason.
    pub fn code(&self) -> Code {
        code(self.reason)
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
        any("type.googleapis.com/google.rpc.ErrorInfo", &pb::ErrorInfo {
            reason: reason_name(self.reason).to_owned(),
            domain: DOMAIN.to_owned(),
            metadata: id.into_iter().collect(),
        })
    }

    fn bad_request(&self) -> Option<Any> {
        let mut room = MAX_VIOLATION_BYTES;
        let field_violations: Vec<_> = self.fields.iter().map(violation).take_while(|violation| {
            let fits = violation.encoded_len() <= room;
            room = room.saturating_sub(violation.encoded_len());
            fits
        }).collect();
        let message = pb::BadRequest { field_violations };
        (!message.field_violations.is_empty()).then(|| any("type.googleapis.com/google.rpc.BadRequest", &message))
    }

    fn retry_info(&self) -> Option<Any> {
        let delay = self.retry_after.filter(|_| matches!(self.code(), Code::Unavailable | Code::ResourceExhausted))?;
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
        status.details.extend(receipt.map(|receipt| any(RECEIPT_TYPE_URL, &receipt)));
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

/// The name that travels in `ErrorInfo.reason`: the proto name without `REASON_`.
pub fn reason_name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("REASON_").unwrap_or(name)
}

/// The reason that travels as `name`.
pub fn reason_named(name: &str) -> Option<Reason> {
    Reason::from_str_name(&format!("REASON_{name}"))
}

/// Whether the reason belongs to a row and never to a call.
fn row_reason(reason: Reason) -> bool {
    reason == Reason::Unspecified || reason as i32 >= Reason::Required as i32
}

/// The gRPC code of a reason, as `reason.proto` states it.
fn code(reason: Reason) -> Code {
    match reason {
        Reason::TokenMissing
        | Reason::TokenInvalid
        | Reason::TokenExpired
        | Reason::TokenBinding
        | Reason::ChallengeInvalid
        | Reason::CardSignature
        | Reason::CardCertType
        | Reason::CardCertMalformed
        | Reason::CardCertUntrusted
        | Reason::CardCertExpired
        | Reason::CardCertRevoked
        | Reason::ReaderNotTrusted
        | Reason::OrgIdentityMissing
        | Reason::CertRevoked => Code::Unauthenticated,

        Reason::RoleNotAllowed
        | Reason::ScopeMissing
        | Reason::PurposeNotAllowed
        | Reason::ConsentRequired
        | Reason::AcrTooLow
        | Reason::TierLimited
        | Reason::OrgSuspended
        | Reason::SubjectMismatch
        | Reason::IssuerMismatch => Code::PermissionDenied,

        Reason::RateLimited | Reason::Connections | Reason::MessageSize => Code::ResourceExhausted,

        Reason::InvalidFields
        | Reason::IndividualNumberForbidden
        | Reason::UnknownFields
        | Reason::StreamOrder => Code::InvalidArgument,

        Reason::PresenceEnded | Reason::StateNotAllowed => Code::FailedPrecondition,
        Reason::NotFound => Code::NotFound,
        Reason::IdempotencyKeyReused => Code::AlreadyExists,
        Reason::VersionConflict => Code::Aborted,

        Reason::AuditUnavailable | Reason::TryAgain | Reason::RevocationStale => Code::Unavailable,
        Reason::Deadline => Code::DeadlineExceeded,
        Reason::Unimplemented => Code::Unimplemented,

        Reason::Internal
        | Reason::Unspecified
        | Reason::Required
        | Reason::Width
        | Reason::Characters
        | Reason::CheckDigit
        | Reason::UnknownCode
        | Reason::CodeNotCurrent
        | Reason::Date
        | Reason::IntervalReversed
        | Reason::DateOutOfRange
        | Reason::DuplicateRow
        | Reason::HistoryKeyConflict
        | Reason::ResidentUnknown
        | Reason::Value => Code::Internal,
    }
}

/// The constant text of a reason, for a developer's eyes; screens take theirs from the reason.
fn message(reason: Reason) -> &'static str {
    match reason {
        Reason::TokenMissing => "this call needs a presence token",
        Reason::TokenInvalid => "the token is not valid",
        Reason::TokenExpired => "the token has expired; renew it",
        Reason::TokenBinding => "the token belongs to another terminal or organization",
        Reason::ChallengeInvalid => "the challenge is not valid; begin again",
        Reason::CardSignature => "the signature of the card does not fit the text",
        Reason::CardCertType => "not a user-authentication certificate",
        Reason::CardCertMalformed => "the card's certificate cannot be used",
        Reason::CardCertUntrusted => "the card's certificate was not issued by a known authority",
        Reason::CardCertExpired => "the card's certificate ended more than three months ago",
        Reason::CardCertRevoked => "the card's certificate was revoked",
        Reason::ReaderNotTrusted => "this verification needs the assertion of a registered reader",
        Reason::OrgIdentityMissing => "the client certificate names no registered organization",
        Reason::CertRevoked => "the client certificate was revoked",
        Reason::RoleNotAllowed => "your kind of organization may not call this method",
        Reason::ScopeMissing => "the token does not have the scope",
        Reason::PurposeNotAllowed => "the purpose is not allowed here or not in the token",
        Reason::ConsentRequired => "the patient's consent does not cover this",
        Reason::AcrTooLow => "the holder must be verified more strongly",
        Reason::TierLimited => "this presence does not open this",
        Reason::OrgSuspended => "your organization is suspended",
        Reason::SubjectMismatch => "the request names another person or organization than the caller's own",
        Reason::IssuerMismatch => "the issuer is not competent for the scheme, or not the caller",
        Reason::RateLimited => "too many calls; wait as RetryInfo says",
        Reason::Connections => "too many connections of this organization",
        Reason::MessageSize => "the message is too large",
        Reason::InvalidFields => "fields break their format; see BadRequest",
        Reason::IndividualNumberForbidden => "a value looks like an individual number, which may not enter",
        Reason::UnknownFields => "the message has fields unknown to this contract, or is not in canonical order",
        Reason::StreamOrder => "a bulk stream begins with its header, exactly one",
        Reason::PresenceEnded => "the presence has ended; present the card again",
        Reason::StateNotAllowed => "the present state does not allow this",
        Reason::NotFound => "there is no such thing that you may see",
        Reason::IdempotencyKeyReused => "the idempotency key was used with another body",
        Reason::VersionConflict => "it was changed meanwhile; read again, then retry",
        Reason::AuditUnavailable => "the log cannot take the entry; nothing was disclosed or changed",
        Reason::TryAgain => "not available at the moment; nothing was disclosed",
        Reason::RevocationStale => "the revocation list is too old to trust a card",
        Reason::Deadline => "not finished in time; retry with the same key",
        Reason::Unimplemented => "no such method in this version",
        Reason::Internal
        | Reason::Unspecified
        | Reason::Required
        | Reason::Width
        | Reason::Characters
        | Reason::CheckDigit
        | Reason::UnknownCode
        | Reason::CodeNotCurrent
        | Reason::Date
        | Reason::IntervalReversed
        | Reason::DateOutOfRange
        | Reason::DuplicateRow
        | Reason::HistoryKeyConflict
        | Reason::ResidentUnknown
        | Reason::Value => "an error on our side; the request id finds it in our log",
    }
}

/// When to come back if nobody knows better. A message that is too large stays too large: no advice.
fn usual_retry(reason: Reason) -> Option<Duration> {
    match reason {
        Reason::RateLimited | Reason::TryAgain | Reason::AuditUnavailable => Some(Duration::from_secs(1)),
        Reason::Connections => Some(Duration::from_secs(10)),
        Reason::RevocationStale => Some(Duration::from_secs(300)),
        _ => None,
    }
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
