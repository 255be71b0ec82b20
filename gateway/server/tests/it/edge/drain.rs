//! Stopping: nobody new, everybody finishes, nobody holds the door.

use std::time::Duration;

use pmh::edge::EdgeLimits;
use pmh_testkit::tls::client_config;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::rig::{CLINIC, Rig, ask, pki, roomy, terminal, within};

#[tokio::test]
async fn r_edg_07_a_call_under_way_finishes_and_nobody_new_comes_in() {
    let rig = Rig::start(roomy()).await;
    let mut client = rig.clinic().await;
    let under_way = tokio::spawn(async move { client.end_presence(ask("hang")).await });
    rig.probe.hanging().await;
    rig.shutdown.cancel();
    within(async { while TcpStream::connect(rig.address).await.is_ok() {} }).await;
    assert!(!rig.served.is_finished());
    rig.probe.release(1);
    within(under_way).await.unwrap().unwrap();
    within(rig.served).await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_speaks_after_tls_does_not_hold_the_drain() {
    let rig = Rig::start(EdgeLimits { drain: Duration::from_hours(1), ..roomy() }).await;
    let config = client_config(&[pki().root().to_vec()], Some(&terminal(CLINIC))).unwrap();
    let silent = rig.tls(config).await.unwrap();
    let without_tls = TcpStream::connect(rig.address).await.unwrap();
    within(async {
        while rig.live.count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    rig.shutdown.cancel();
    within(rig.served).await.unwrap();
    assert_eq!(rig.live.count(), 0);
    drop((silent, without_tls));
}

#[tokio::test]
async fn a_call_that_never_ends_is_cut_at_the_drain_deadline() {
    let rig = Rig::start(EdgeLimits { drain: Duration::from_millis(200), ..roomy() }).await;
    let mut client = rig.clinic().await;
    let under_way = tokio::spawn(async move { client.end_presence(ask("hang")).await });
    rig.probe.hanging().await;
    rig.shutdown.cancel();
    within(rig.served).await.unwrap();
    let status = within(under_way).await.unwrap().unwrap_err();
    assert_ne!(status.code(), Code::Ok);
}

#[tokio::test]
async fn a_health_watch_sees_the_drain_and_does_not_hold_it() {
    let rig = Rig::start(roomy()).await;
    rig.readiness.ready().await;
    let mut health = HealthClient::new(rig.channel(&terminal(CLINIC)).await);
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    seen.push(within(watch.message()).await.unwrap().unwrap().status());
    rig.shutdown.cancel();
    while let Ok(Some(message)) = within(watch.message()).await {
        seen.push(message.status());
    }
    assert_eq!(seen, [ServingStatus::Serving, ServingStatus::NotServing]);
    within(rig.served).await.unwrap();
}
