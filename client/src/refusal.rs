//! A refusal as the gateway sends it: `google.rpc.Status` with a stable reason, and a receipt if it named a person.

use std::time::Duration;

use pmh_audit::registry::Method;
use pmh_audit::{Hash, Kind, OrgRef, Verified, VerifierKey};
use pmh_proto::audit::Receipt;
use pmh_proto::common::Reason;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use tonic_types::pb;

use crate::receipt::{Expected, ProofError, check, check_subject};

/// The gateway said no.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// gRPC code.
    pub code: Code,
    /// Why; the only list of reasons is `pmh.common.v1.Reason`. `UNSPECIFIED` for one that this version does not know.
    pub reason: Reason,
    /// The gateway's text, constant for the reason, for a developer.
    pub message: String,
    /// Fields that break their format, by path.
    pub fields: Vec<Field>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// Finds the call in the gateway's own log.
    pub request_id: Option<String>,
    /// Proof that the refusal was recorded; only a refusal that named a person has one.
    pub receipt: Option<Receipt>,
    name: String,
    digest: Hash,
}

/// One field that breaks its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Path in the request.
    pub path: String,
    /// Which rule it breaks; `UNSPECIFIED` for one that this version does not know.
    pub reason: Reason,
}

impl Refused {
    /// Reads a status. `None` if it is not the gateway's own word but a proxy's, or a broken connection's.
    pub fn read(status: &Status) -> Option<Self> {
        let rpc = pb::Status::decode(status.details()).ok()?;
        let info: pb::ErrorInfo = detail(&rpc, "google.rpc.ErrorInfo")?;
        if info.domain != DOMAIN || rpc.code != i32::from(status.code()) {
            return None;
        }
        let violations = detail::<pb::BadRequest>(&rpc, "google.rpc.BadRequest").unwrap_or_default();
        let retry = detail::<pb::RetryInfo>(&rpc, "google.rpc.RetryInfo").unwrap_or_default();
        Some(Self {
            code: status.code(),
            reason: named(&info.reason),
            message: rpc.message.clone(),
            fields: violations.field_violations.into_iter().map(Field::from).collect(),
            retry_after: retry.retry_delay.and_then(|delay| Duration::try_from(delay).ok()),
            request_id: info.metadata.get("request_id").cloned(),
            receipt: detail(&rpc, RECEIPT),
            name: info.reason,
            digest: status_digest(rpc),
        })
    }

    /// The reason's name as it was sent, also when this version does not know it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the status without its receipt: what the receipt speaks of.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// Whether the same call may succeed later.
    pub fn may_pass_later(&self) -> bool {
        matches!(self.code, Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted)
            && self.reason != Reason::MessageSize
    }

    /// Checks the receipt: this refusal, of this call, recorded. `sub` is the subject of the token that was sent.
    pub fn verify(
        &self,
        key: &VerifierKey,
        requester: &OrgRef,
        method: Method,
        request: Hash,
        sub: Option<&str>,
    ) -> Result<Verified, ProofError> {
        let expected = Expected { requester, method, request, response: self.digest };
        let verified = check(self.receipt.as_ref(), key, &expected)?;
        if verified.leaf.kind != Kind::Refusal {
            return Err(ProofError::Kind);
        }
        if i32::from(verified.leaf.outcome) != self.reason as i32 {
            return Err(ProofError::Outcome);
        }
        sub.map_or(Ok(()), |sub| check_subject(&verified, sub))?;
        Ok(verified)
    }
}

impl From<pb::bad_request::FieldViolation> for Field {
    fn from(violation: pb::bad_request::FieldViolation) -> Self {
        Self { reason: named(&violation.reason), path: violation.field }
    }
}

fn named(reason: &str) -> Reason {
    Reason::from_str_name(&format!("REASON_{reason}")).unwrap_or_default()
}

fn detail<M: prost::Message + Default>(status: &pb::Status, name: &str) -> Option<M> {
    let mut matching = status.details.iter().filter(|any| any.type_url.rsplit('/').next() == Some(name));
    matching.next().and_then(|any| M::decode(any.value.as_slice()).ok())
}

fn status_digest(mut status: pb::Status) -> Hash {
    status.details.retain(|any| any.type_url.rsplit('/').next() != Some(RECEIPT));
    Sha256::digest(status.encode_to_vec()).into()
}

const DOMAIN: &str = "pmh";
const RECEIPT: &str = "pmh.audit.v1.Receipt";

#[cfg(test)]
mod tests {
    use prost_types::Any;

    use super::*;

    fn any(name: &str, message: &impl prost::Message) -> Any {
        Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
    }

    fn status(code: Code, domain: &str, reason: &str, more: Vec<Any>) -> Status {
        let info = pb::ErrorInfo {
            reason: reason.to_owned(),
            domain: domain.to_owned(),
            metadata: [("request_id".to_owned(), "r-1".to_owned())].into(),
        };
        let mut details = vec![any("google.rpc.ErrorInfo", &info)];
        details.extend(more);
        let rpc = pb::Status { code: code.into(), message: "constant".to_owned(), details };
        Status::with_details(code, "constant", rpc.encode_to_vec().into())
    }

    #[test]
    fn a_refusal_is_read_with_everything_it_says() {
        let violation = pb::bad_request::FieldViolation {
            field: "rows[3].valid_to".to_owned(),
            reason: "INTERVAL_REVERSED".to_owned(),
            ..Default::default()
        };
        let bad = any("google.rpc.BadRequest", &pb::BadRequest { field_violations: vec![violation] });
        let retry_delay = Some(prost_types::Duration { seconds: 2, nanos: 0 });
        let retry = any("google.rpc.RetryInfo", &pb::RetryInfo { retry_delay });
        let refused =
            Refused::read(&status(Code::Unavailable, "pmh", "TRY_AGAIN", vec![bad, retry])).unwrap();
        assert_eq!((refused.reason, refused.name()), (Reason::TryAgain, "TRY_AGAIN"));
        assert_eq!(refused.retry_after, Some(Duration::from_secs(2)));
        assert_eq!(refused.request_id.as_deref(), Some("r-1"));
        let path = "rows[3].valid_to".to_owned();
        assert_eq!(refused.fields, [Field { path, reason: Reason::IntervalReversed }]);
        assert!(refused.may_pass_later());
    }

    #[test]
    fn a_reason_of_a_later_version_keeps_its_name() {
        let refused = Refused::read(&status(Code::Internal, "pmh", "LATER", Vec::new())).unwrap();
        assert_eq!((refused.reason, refused.name()), (Reason::Unspecified, "LATER"));
    }

    #[test]
    fn what_is_not_the_gateways_word_is_no_refusal() {
        assert!(Refused::read(&Status::unavailable("proxy")).is_none());
        assert!(Refused::read(&status(Code::Internal, "other", "TRY_AGAIN", Vec::new())).is_none());
        let inner = status(Code::Internal, "pmh", "INTERNAL", Vec::new());
        let outer = Status::with_details(Code::NotFound, "", inner.details().to_vec().into());
        assert!(Refused::read(&outer).is_none(), "two codes that disagree");
    }

    #[test]
    fn the_digest_leaves_out_the_receipt_and_nothing_else() {
        let receipt = Receipt { leaf: vec![1], ..Default::default() };
        let with = status(Code::NotFound, "pmh", "NOT_FOUND", vec![any(RECEIPT, &receipt)]);
        let without = status(Code::NotFound, "pmh", "NOT_FOUND", Vec::new());
        let (with, without) = (Refused::read(&with).unwrap(), Refused::read(&without).unwrap());
        assert_eq!(with.digest(), without.digest());
        let other = Refused::read(&status(Code::NotFound, "pmh", "INTERNAL", Vec::new())).unwrap();
        assert_ne!(other.digest(), without.digest());
        assert_eq!((with.receipt, without.receipt), (Some(receipt), None));
    }
}
