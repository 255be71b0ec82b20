//! The services that every gateway has: health and reflection.

use pmh::edge::Reflection;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1alpha;

use super::rig::{CLINIC, Rig, now, reason, roomy, terminal, within};

#[tokio::test]
async fn health_says_what_readiness_says() {
    let rig = Rig::start(roomy()).await;
    let mut health = HealthClient::new(rig.channel(&terminal(CLINIC)).await);
    let mut check = async || health.check(HealthCheckRequest::default()).await.unwrap().into_inner().status();
    assert_eq!(check().await, ServingStatus::NotServing, "not ready until somebody says so");
    rig.readiness.ready().await;
    assert_eq!(check().await, ServingStatus::Serving);
    rig.readiness.not_ready().await;
    assert_eq!(check().await, ServingStatus::NotServing);

    let unknown = HealthCheckRequest { service: "canary".to_owned() };
    let status = health.check(unknown).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "NOT_FOUND"));
    rig.stop().await;
}

#[tokio::test]
async fn reflection_lists_the_contract_in_both_versions() {
    let rig = Rig::start(roomy()).await;
    let channel = rig.channel(&terminal(CLINIC)).await;
    let mut client = ServerReflectionClient::new(channel.clone());
    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut stream = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = within(stream.message()).await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in
        ["pmh.presence.v1.PresenceService", "pmh.eligibility.v1.EligibilityService", "grpc.health.v1.Health"]
    {
        assert!(names.contains(&name), "{name} not in {names:?}");
    }

    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let request = v1alpha::ServerReflectionRequest {
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
        ..Default::default()
    };
    let mut stream = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    assert!(within(stream.message()).await.unwrap().is_some());
    rig.stop().await;
}

#[tokio::test]
async fn reflection_can_be_hidden() {
    let rig = Rig::start_at(roomy(), now(), Reflection::Hidden).await;
    let mut client = ServerReflectionClient::new(rig.channel(&terminal(CLINIC)).await);
    let status =
        client.server_reflection_info(tokio_stream::empty::<ServerReflectionRequest>()).await.unwrap_err();
    assert_eq!(reason(&status), "UNIMPLEMENTED");
    rig.stop().await;
}
