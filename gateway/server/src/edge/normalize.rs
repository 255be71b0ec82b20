//! No answer leaves without a stable reason.
//!
//! Statuses of our own carry details. One without was made by a library below us (the codec, the router, health,
//! reflection); some of those quote input in their message, so code and text are replaced, never passed on.

use http::{HeaderMap, Response, StatusCode};
use pmh_proto::common::Reason;
use tonic::Code;
use tonic::body::Body;

use super::RequestId;
use crate::rpc::status::Refusal;

/// Gives the head of a response its reason, if it is the end as well, and says which code it ends with.
pub(super) fn head(response: Response<Body>, id: RequestId) -> (Response<Body>, Option<Code>) {
    let refusal = match judge(response.headers()) {
        // Only something that is not a gRPC service answers with another status than 200.
        Verdict::Open if response.status() != StatusCode::OK => Refusal::new(Reason::Internal),
        Verdict::Open => return (response, None),
        Verdict::Ours(code) => return (response, Some(code)),
        Verdict::Foreign(reason) => Refusal::new(reason),
    };
    let code = refusal.code();
    (refusal.with_request_id(id).into_http(), Some(code))
}

/// The same for trailers.
pub(super) fn trailers(trailers: HeaderMap, id: RequestId) -> (HeaderMap, Code) {
    let refusal = match judge(&trailers) {
        Verdict::Ours(code) => return (trailers, code),
        Verdict::Open => Refusal::new(Reason::Internal),
        Verdict::Foreign(reason) => Refusal::new(reason),
    };
    let code = refusal.code();
    (refusal.with_request_id(id).into_trailers(), code)
}

enum Verdict {
    /// No status yet.
    Open,
    /// OK, or made by [`crate::rpc::status`].
    Ours(Code),
    /// Made by a library.
    Foreign(Reason),
}

fn judge(headers: &HeaderMap) -> Verdict {
    let Some(code) = headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes())) else {
        return Verdict::Open;
    };
    if code == Code::Ok || headers.contains_key("grpc-status-details-bin") {
        return Verdict::Ours(code);
    }
    let message = headers.get("grpc-message").map_or(&b""[..], |value| value.as_bytes());
    Verdict::Foreign(reason(code, message))
}

/// What a library means by code and message (percent-encoded, as on the wire; tonic 0.14, pmh-proto's codec).
fn reason(code: Code, message: &[u8]) -> Reason {
    match code {
        Code::InvalidArgument if message == b"unknown%20fields" => Reason::UnknownFields,
        Code::InvalidArgument => Reason::InvalidFields,
        // tonic says OUT_OF_RANGE to a message above the limit, and INTERNAL to one that is cut short or absent.
        Code::OutOfRange | Code::ResourceExhausted => Reason::MessageSize,
        Code::Internal if BROKEN_FRAMES.iter().any(|text| message.starts_with(text)) => Reason::InvalidFields,
        Code::Unimplemented => Reason::Unimplemented,
        Code::NotFound => Reason::NotFound,
        Code::DeadlineExceeded => Reason::Deadline,
        Code::Unavailable | Code::Cancelled => Reason::TryAgain,
        _ => Reason::Internal,
    }
}

const BROKEN_FRAMES: [&[u8]; 3] =
    [b"Missing%20request%20message", b"Unexpected%20EOF%20decoding", b"protocol%20error:"];

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;
    use tonic::Status;

    const ID: RequestId = RequestId::from_bytes([7; 16]);

    fn status_of(response: &Response<Body>) -> Status {
        Status::from_header_map(response.headers()).unwrap()
    }

    #[test]
    fn what_the_libraries_say_becomes_a_reason_of_ours() {
        for (status, expected) in [
            (Status::invalid_argument("unknown fields"), Reason::UnknownFields),
            (Status::invalid_argument("malformed message"), Reason::InvalidFields),
            (Status::out_of_range("Error, decoded message length too large"), Reason::MessageSize),
            (Status::internal("Missing request message."), Reason::InvalidFields),
            (Status::internal("Unexpected EOF decoding stream."), Reason::InvalidFields),
            (Status::internal("protocol error: received message with invalid flag"), Reason::InvalidFields),
            (Status::internal("anything else"), Reason::Internal),
            (Status::unimplemented(""), Reason::Unimplemented),
            (Status::not_found("service not registered"), Reason::NotFound),
            (Status::unknown("x"), Reason::Internal),
        ] {
            let (response, code) = head(status.into_http(), ID);
            let refusal = Refusal::new(expected).with_request_id(ID);
            assert_eq!(code, Some(refusal.code()));
            assert_eq!(status_of(&response).details(), Status::from(refusal).details(), "{expected:?}");
        }
    }

    #[test]
    fn answers_of_our_own_and_answers_under_way_pass_untouched() {
        let ours = Refusal::new(Reason::ConsentRequired).with_field("a", Reason::Width);
        let (response, code) = head(ours.clone().into_http(), ID);
        assert_eq!(code, Some(Code::PermissionDenied));
        assert_eq!(status_of(&response).details(), Status::from(ours).details());

        let (response, code) = head(Response::new(Body::empty()), ID);
        assert_eq!((response.headers().len(), code), (0, None));
    }

    #[test]
    fn an_end_without_a_status_is_ours_to_answer_for() {
        let (_, code) = trailers(HeaderMap::new(), ID);
        assert_eq!(code, Code::Internal);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_FOUND;
        assert_eq!(head(response, ID).1, Some(Code::Internal));
    }

    proptest! {
        #[test]
        fn r_sc_04_no_text_of_a_library_reaches_the_caller(code in 1_i32..17, canary in "[a-z]{12,40}") {
            let mut foreign = HeaderMap::new();
            foreign.insert("grpc-status", HeaderValue::from(code));
            foreign.insert("grpc-message", HeaderValue::from_str(&canary).unwrap());
            let (ended, code) = trailers(foreign, ID);
            let status = Status::from_header_map(&ended).unwrap();
            prop_assert_eq!(status.code(), code);
            prop_assert!(!status.details().is_empty());
            let shown = format!("{ended:?}");
            prop_assert!(!shown.contains(&canary), "{}", shown);
        }
    }
}
