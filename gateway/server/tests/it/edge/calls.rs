//! One call and what can go wrong with it: every answer is gRPC, has a reason, and echoes nothing.

use std::time::Duration;

use pmh::edge::{EdgeLimits, Rate};
use pmh_proto::eligibility::PutEntitlementsRequest;
use pmh_proto::eligibility::eligibility_service_client::EligibilityServiceClient;
use pmh_proto::presence::{BeginPresentationRequest, EndPresenceRequest};
use tonic::{Code, Request, Status};

use super::raw::{BEGIN, END, Raw, framed, grpc};
use super::rig::{CLINIC, PHARMACY, Rig, ask, reason, retry_delay, roomy, terminal, within};

async fn bulk(rig: &Rig, behaviour: &'static str) -> Status {
    let mut client = EligibilityServiceClient::new(rig.channel(&terminal(CLINIC)).await);
    let request = ask::<()>(behaviour).map(|()| tokio_stream::empty::<PutEntitlementsRequest>());
    let mut stream = client.put_entitlements(request).await.unwrap().into_inner();
    // Whether the first chunk still gets out before the end is tonic's affair: it sends when a stream pauses.
    within(async {
        loop {
            match stream.message().await {
                Ok(chunk) => assert!(chunk.is_some(), "ended as if all were well"),
                Err(status) => return status,
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_panic_ends_one_call_with_internal() {
    let rig = Rig::start(roomy()).await;
    let mut client = rig.clinic().await;
    let status = client.end_presence(ask("panic")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Internal, "INTERNAL"));
    client.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn a_stream_that_panics_fails_or_hangs_ends_with_trailers_of_ours() {
    let rig = Rig::start(EdgeLimits { stream_deadline: Duration::from_millis(300), ..roomy() }).await;
    for (behaviour, code, expected) in [
        ("panic", Code::Internal, "INTERNAL"),
        ("fail", Code::Internal, "INTERNAL"),
        ("hang", Code::DeadlineExceeded, "DEADLINE"),
    ] {
        let status = bulk(&rig, behaviour).await;
        assert_eq!((status.code(), &*reason(&status)), (code, expected));
        assert!(!format!("{status:?}").contains("canary"));
    }
    rig.stop().await;
}

#[tokio::test]
async fn our_deadline_answers_deadline_exceeded() {
    let rig = Rig::start(EdgeLimits { deadline: Duration::from_millis(50), ..roomy() }).await;
    let mut client = rig.clinic().await;
    let status = client.end_presence(ask("hang")).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::DeadlineExceeded, "DEADLINE"));
    client.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn the_callers_deadline_answers_deadline_exceeded() {
    let rig = Rig::start(roomy()).await;
    // A gRPC library would also keep the time itself, and hang up before the answer is there.
    let mut request = grpc(END, &[]);
    request.headers_mut().insert("grpc-timeout", "50m".parse().unwrap());
    request.headers_mut().insert("behave", "hang".parse().unwrap());
    let status = Raw::connect(&rig).await.send(request).await.unwrap().status();
    assert_eq!((status.code(), &*reason(&status)), (Code::DeadlineExceeded, "DEADLINE"));
    rig.stop().await;
}

#[tokio::test]
async fn one_call_too_many_is_shed_and_told_when_to_return() {
    let rig = Rig::start(EdgeLimits { max_in_flight: 1, ..roomy() }).await;
    let mut client = rig.clinic().await;
    let mut first = client.clone();
    let first = tokio::spawn(async move { first.end_presence(ask("hang")).await });
    rig.probe.hanging().await;

    let status = client.end_presence(EndPresenceRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unavailable, "TRY_AGAIN"));
    assert_eq!(retry_delay(&status), Some(Duration::from_secs(1)));

    rig.probe.release(1);
    within(first).await.unwrap().unwrap();
    client.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn an_organization_has_its_own_bucket() {
    let rig = Rig::start(EdgeLimits { organization_rate: Rate::new(1, 5), ..roomy() }).await;
    let mut clinic = rig.clinic().await;
    let mut refused = None;
    for _ in 0..100 {
        if let Err(status) = clinic.end_presence(EndPresenceRequest::default()).await {
            refused = Some(status);
            break;
        }
    }
    let status = refused.expect("the bucket never emptied");
    assert_eq!((status.code(), &*reason(&status)), (Code::ResourceExhausted, "RATE_LIMITED"));
    assert!(retry_delay(&status).is_some_and(|delay| delay <= Duration::from_secs(1)));
    let mut pharmacy = rig.client(&terminal(PHARMACY)).await;
    pharmacy.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn presentations_are_limited_per_terminal_and_other_calls_are_not() {
    let rig = Rig::start(EdgeLimits { presentation_rate: Rate::new(1, 2), ..roomy() }).await;
    let mut client = rig.clinic().await;
    let mut refused = None;
    for _ in 0..100 {
        refused = client.begin_presentation(BeginPresentationRequest::default()).await.err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(reason(&refused.expect("the bucket never emptied")), "RATE_LIMITED");
    client.end_presence(EndPresenceRequest::default()).await.unwrap();
    // Another certificate is another terminal.
    let mut other = rig.client(&terminal(CLINIC)).await;
    other.begin_presentation(BeginPresentationRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_with_a_reason() {
    let rig = Rig::start(roomy()).await;
    let mut raw = Raw::connect(&rig).await;
    for path in ["/pmh.presence.v1.PresenceService/Canary", "/canary.v1.Canary/Canary", "/canary", "/"] {
        let answered = raw.send(grpc(path, &[])).await.unwrap();
        assert_eq!(reason(&answered.status()), "UNIMPLEMENTED", "{path}");
        assert_eq!(answered.status().code(), Code::Unimplemented);
    }
    rig.stop().await;
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so_in_http_too() {
    let rig = Rig::start(roomy()).await;
    let mut raw = Raw::connect(&rig).await;
    let mut json = grpc(END, &[]);
    json.headers_mut().insert("content-type", "application/json".parse().unwrap());
    let mut get = grpc(END, &[]);
    *get.method_mut() = http::Method::GET;
    for request in [json, get] {
        let answered = raw.send(request).await.unwrap();
        assert_eq!(answered.http, http::StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(reason(&answered.status()), "UNIMPLEMENTED");
    }
    rig.stop().await;
}

#[tokio::test]
async fn messages_that_cannot_be_read_have_a_reason_each() {
    let rig = Rig::start(EdgeLimits { max_message_bytes: 1 << 16, ..roomy() }).await;
    let mut raw = Raw::connect(&rig).await;
    let large = vec![0; 1 + (1 << 16)];
    for (request, code, expected) in [
        // Field 1000, which no message has.
        (grpc(END, &[0xc2, 0x3e, 1, b'x']), Code::InvalidArgument, "UNKNOWN_FIELDS"),
        // A string longer than the message.
        (grpc(END, &[0x0a, 0x7f, b'x']), Code::InvalidArgument, "INVALID_FIELDS"),
        // A string that is not UTF-8.
        (grpc(BEGIN, &[0x0a, 0x01, 0xff]), Code::InvalidArgument, "INVALID_FIELDS"),
        // No message, half a prefix, half a message, an impossible compression flag.
        (framed(END, vec![]), Code::InvalidArgument, "INVALID_FIELDS"),
        (framed(END, vec![0, 0, 0]), Code::InvalidArgument, "INVALID_FIELDS"),
        (framed(END, vec![0, 0, 0, 0, 9, 1]), Code::InvalidArgument, "INVALID_FIELDS"),
        (framed(END, vec![7, 0, 0, 0, 0]), Code::InvalidArgument, "INVALID_FIELDS"),
        (grpc(END, &large), Code::ResourceExhausted, "MESSAGE_SIZE"),
    ] {
        let status = raw.send(request).await.unwrap().status();
        assert_eq!((status.code(), &*reason(&status)), (code, expected));
    }
    rig.stop().await;
}

#[tokio::test]
async fn r_sc_04_input_is_never_echoed() {
    let rig = Rig::start(roomy()).await;
    let mut raw = Raw::connect(&rig).await;
    let marked = |path: &str, encoding: &'static str, behaviour: &'static str| {
        let mut request = grpc(path, b"\xc2\x3e\x06canary");
        let headers = request.headers_mut();
        headers.insert("grpc-encoding", encoding.parse().unwrap());
        headers.insert("behave", behaviour.parse().unwrap());
        headers.insert("authorization", "Bearer canary".parse().unwrap());
        headers.insert("pmh-request-id", "canary".parse().unwrap());
        request
    };
    for request in [
        marked("/canary/canary", "identity", ""),
        marked(END, "canary", ""),
        marked(END, "identity", ""),
        marked(END, "identity", "fail"),
    ] {
        let answered = raw.send(request).await.unwrap();
        assert_ne!(answered.status().code(), Code::Ok);
        assert!(!reason(&answered.status()).is_empty());
        assert!(
            !format!("{:?}", answered.metadata).to_lowercase().contains("canary"),
            "{:?}",
            answered.metadata
        );
    }
    let status = rig.clinic().await.end_presence(ask("fail")).await.unwrap_err();
    assert_eq!(reason(&status), "INTERNAL");
    assert!(!format!("{status:?}").contains("canary"));
    rig.stop().await;
}

#[tokio::test]
async fn every_answer_names_its_call() {
    let rig = Rig::start(roomy()).await;
    let mut client = rig.clinic().await;
    let answer = client.begin_presentation(BeginPresentationRequest::default()).await.unwrap();
    let header = answer.metadata().get("pmh-request-id").unwrap().to_str().unwrap().to_owned();
    assert_eq!(header.as_bytes(), answer.into_inner().sealed_state, "the handler saw the same id");

    let mut request = Request::new(EndPresenceRequest::default());
    request.metadata_mut().insert("behave", "fail".parse().unwrap());
    let status = client.end_presence(request).await.unwrap_err();
    let id = status.metadata().get("pmh-request-id").unwrap().to_str().unwrap();
    assert_ne!(id, header);
    assert!(tonic_types::StatusExt::get_details_error_info(&status).unwrap().metadata["request_id"] == id);
    rig.stop().await;
}
