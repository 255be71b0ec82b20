//! Many connections, silent ones, old ones, greedy ones.

use std::time::Duration;

use pmh::edge::EdgeLimits;
use pmh_proto::presence::presence_service_client::PresenceServiceClient;
use pmh_proto::presence::{BeginPresentationRequest, EndPresenceRequest};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::raw::{END, Raw, grpc};
use super::rig::{CLINIC, PHARMACY, Rig, ask, reason, roomy, scale, terminal, within};

/// The connection that a call now takes.
async fn connection_of(client: &mut PresenceServiceClient<Channel>) -> Result<Vec<u8>, Status> {
    let answer = within(client.begin_presentation(BeginPresentationRequest::default())).await?;
    Ok(answer.into_inner().to_be_signed)
}

#[tokio::test]
async fn r_edg_01_silent_sockets_do_not_keep_a_good_client_out() {
    // Handshakes may take a minute: whoever gets in does not do so because the silent ones ran out of time.
    let rig = Rig::start(EdgeLimits { max_waiting_sockets: 64, max_handshakes: 8, ..roomy() }).await;
    let mut silent = Vec::new();
    for _ in 0..scale(200, 1000) {
        silent.push(TcpStream::connect(rig.address).await.unwrap());
    }
    within(rig.clinic().await.end_presence(EndPresenceRequest::default())).await.unwrap();
    let read = within(silent[0].read(&mut [0; 1])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "the longest silent was turned out");
    rig.stop().await;
}

#[tokio::test]
async fn a_silent_socket_is_closed_when_its_time_is_over() {
    let rig = Rig::start(EdgeLimits { handshake_timeout: Duration::from_millis(50), ..roomy() }).await;
    let mut silent = TcpStream::connect(rig.address).await.unwrap();
    assert!(matches!(within(silent.read(&mut [0; 1])).await, Ok(0) | Err(_)));
    rig.stop().await;
}

#[tokio::test]
async fn surplus_connections_of_one_organization_are_told_so_and_then_closed() {
    let rig = Rig::start(EdgeLimits { max_connections_per_organization: 1, ..roomy() }).await;
    let mut first = Raw::connect(&rig).await;
    assert_eq!(first.send(grpc(END, &[])).await.unwrap().status().code(), Code::Ok);
    let mut second = Raw::connect(&rig).await;
    let status = second.send(grpc(END, &[])).await.unwrap().status();
    assert_eq!((status.code(), &*reason(&status)), (Code::ResourceExhausted, "CONNECTIONS"));
    let mut third = Raw::connect(&rig).await;
    assert!(third.send(grpc(END, &[])).await.is_err());
    let mut other = Raw::connect_as(&rig, PHARMACY).await;
    assert_eq!(other.send(grpc(END, &[])).await.unwrap().status().code(), Code::Ok);

    // A place that is given back is given out again.
    drop(first.sender);
    drop(second.sender);
    let _ = within(first.ended).await.unwrap();
    let _ = within(second.ended).await.unwrap();
    within(async {
        loop {
            let mut again = Raw::connect(&rig).await;
            if again.send(grpc(END, &[])).await.is_ok_and(|answered| answered.status().code() == Code::Ok) {
                break;
            }
        }
    })
    .await;
    rig.stop().await;
}

#[tokio::test]
async fn beyond_the_total_a_socket_is_closed_before_tls() {
    let rig = Rig::start(EdgeLimits { max_connections: 1, ..roomy() }).await;
    let mut first = Raw::connect(&rig).await;
    assert_eq!(first.send(grpc(END, &[])).await.unwrap().status().code(), Code::Ok);
    let mut second = TcpStream::connect(rig.address).await.unwrap();
    assert!(matches!(within(second.read(&mut [0; 1])).await, Ok(0) | Err(_)));
    rig.stop().await;
}

#[tokio::test]
async fn r_edg_02_ageing_moves_new_calls_and_fails_none_under_way() {
    let rig = Rig::start(EdgeLimits { connection_age: Duration::from_millis(300), ..roomy() }).await;
    let mut client = rig.clinic().await;
    let first = connection_of(&mut client).await.unwrap();
    let mut hanging = client.clone();
    let under_way = tokio::spawn(async move { hanging.begin_presentation(ask("hang")).await });
    rig.probe.hanging().await;
    // GOAWAY has come when the channel puts a new call on a new connection. A call that the client had queued for the
    // old one and not sent is cancelled by the client itself.
    within(async { while connection_of(&mut client).await.is_ok_and(|now| now == first) {} }).await;
    rig.probe.release(1);
    let answer = within(under_way).await.unwrap().unwrap().into_inner();
    assert_eq!(answer.to_be_signed, first, "finished where it began");
    rig.stop().await;
}

#[tokio::test]
async fn r_edg_03_a_connection_that_does_not_leave_is_cut() {
    let age = Duration::from_millis(100);
    let rig = Rig::start(EdgeLimits { connection_age: age, connection_grace: age, ..roomy() }).await;
    let mut client = rig.clinic().await;
    let status = within(client.end_presence(ask("hang"))).await.unwrap_err();
    assert!(matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled), "{status:?}");
    rig.stop().await;
}

#[tokio::test]
async fn r_edg_05_a_header_list_of_17_kib_is_refused_and_harms_no_other_call() {
    let rig = Rig::start(roomy()).await;
    let mut raw = Raw::connect(&rig).await;
    let mut request = grpc(END, &[]);
    request.headers_mut().insert("filler", "x".repeat(17 << 10).parse().unwrap());
    let refused = raw.send(request).await;
    assert!(refused.is_err() || refused.is_ok_and(|answered| answered.http.is_client_error()));
    assert_eq!(rig.probe.calls.load(std::sync::atomic::Ordering::SeqCst), 0, "no handler ran");
    rig.clinic().await.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn r_edg_06_a_client_that_cancels_much_stays_connected() {
    let rig = Rig::start(roomy()).await;
    let mut client = rig.client(&terminal(CLINIC)).await;
    let connection = connection_of(&mut client).await.unwrap();
    for _ in 0..scale(300, 10_000) {
        let mut hanging = client.clone();
        let call = tokio::spawn(async move { hanging.end_presence(ask("hang")).await });
        rig.probe.hanging().await;
        call.abort();
    }
    assert_eq!(connection_of(&mut client).await.unwrap(), connection);
    rig.stop().await;
}

#[tokio::test]
async fn a_cancelled_call_gives_its_place_back() {
    let rig = Rig::start(EdgeLimits { max_in_flight: 1, ..roomy() }).await;
    let mut client = rig.clinic().await;
    let mut hanging = client.clone();
    let call = tokio::spawn(async move { hanging.end_presence(ask("hang")).await });
    rig.probe.hanging().await;
    call.abort();
    within(async { while client.end_presence(EndPresenceRequest::default()).await.is_err() {} }).await;
    rig.stop().await;
}
