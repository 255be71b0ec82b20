//! The edge: who may connect, and what everybody else is told.

use std::sync::Arc;

use pmh_client::{Endpoint, connect};
use pmh_conformance::counter::{organization, today};
use pmh_conformance::{Target, clock, names};
use pmh_proto::common::Reason;
use pmh_proto::directory::{
    GetOrganizationRequest, ListOrganizationsRequest, Organization, OrganizationKind, PutOrganizationRequest,
    ResumeOrganizationRequest, SuspendOrganizationRequest,
};
use pmh_testkit::pki::{DevPki, LeafDefect, LeafRequest, Verdict};
use pmh_testkit::tls::client_config;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{reason, target};

/// Handshake and first byte: in TLS 1.3 a server's refusal of a client certificate comes after the handshake.
async fn handshake(target: &Target, config: rustls::ClientConfig) -> Result<(), std::io::Error> {
    let tcp = TcpStream::connect(&target.sandbox().address).await?;
    let name = target.sandbox().server_name.clone().try_into().unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    // An accepted connection begins with the server's SETTINGS.
    stream.read_u8().await.map(drop)
}

#[tokio::test]
async fn r_tls_01_a_client_without_certificate_gets_the_alert() {
    let target = target().await;
    let config = client_config(&[target.pki().root().to_vec()], None).unwrap();
    let error = handshake(&target, config).await.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn r_tls_a_certificate_of_an_unknown_authority_gets_an_alert() {
    let target = target().await;
    let elsewhere = DevPki::generate(clock::now()).unwrap();
    let request = LeafRequest::new("urn:x-pmh:org:clinic:1310310243", "desk", clock::now() - 60);
    let config =
        client_config(&[target.pki().root().to_vec()], Some(&elsewhere.leaf(&request).unwrap())).unwrap();
    assert!(handshake(&target, config).await.is_err());
}

#[tokio::test]
async fn r_tls_a_client_that_does_not_speak_h2_is_refused() {
    let target = target().await;
    let identity =
        target.pki().terminal("urn:x-pmh:org:clinic:1310310243", "desk-plain", clock::now() - 60).unwrap();
    for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
        let mut config = client_config(&[target.pki().root().to_vec()], Some(&identity)).unwrap();
        config.alpn_protocols = protocols;
        assert!(handshake(&target, config).await.is_err());
    }
}

/// P2: a certificate that breaks the profile names nobody. It ends in an alert or in one documented reason.
#[tokio::test]
async fn p2_a_defective_client_certificate_names_nobody() {
    let target = target().await;
    for defect in LeafDefect::ALL {
        if defect.verdict() == Verdict::Accept {
            continue;
        }
        let request = LeafRequest::new("urn:x-pmh:org:clinic:1310310243", "desk-defect", clock::now() - 60);
        let Ok(endpoint) = target.endpoint(&request.with(defect)) else { continue };
        let Ok(channel) = connect(&endpoint).await else { continue };
        let mut health = HealthClient::new(channel);
        match health.check(HealthCheckRequest::default()).await {
            Ok(_) => panic!("{defect:?} was accepted"),
            Err(status) => {
                let said = pmh_client::Refused::read(&status).map(|refused| refused.reason);
                assert!(matches!(said, None | Some(Reason::OrgIdentityMissing)), "{defect:?}: {said:?}");
            }
        }
    }
}

#[tokio::test]
async fn p2_an_unregistered_organization_is_told_so() {
    let target = target().await;
    // A real clinic that takes no part in the sandbox (市立札幌病院).
    let endpoint = target.desk("clinic:0110116381").unwrap();
    let gateway = target.connect(&endpoint).await.unwrap();
    let request = GetOrganizationRequest { urn: "urn:x-pmh:org:clinic:1310310243".to_owned() };
    assert_eq!(reason(gateway.call_unrecorded(&request, None).await), Reason::OrgIdentityMissing);
}

/// No header makes a caller somebody else.
#[tokio::test]
async fn r_az_09_headers_that_name_identities_change_nothing() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let mut grpc = tonic::client::Grpc::new(gateway.channel().clone());
    grpc.ready().await.unwrap();
    let message = SuspendOrganizationRequest {
        idempotency_key: names::uuid(),
        urn: "urn:x-pmh:org:clinic:1419811373".to_owned(),
    };
    let mut request = tonic::Request::new(message);
    for (name, value) in [
        ("x-forwarded-client-cert", "URI=urn:x-pmh:org:operator:test-operator"),
        ("x-client-cert", "operator"),
        ("x-pmh-organization", "urn:x-pmh:org:operator:test-operator"),
        ("forwarded", "for=127.0.0.1"),
    ] {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    let path = <SuspendOrganizationRequest as pmh_client::Call>::PATH;
    let codec = pmh_proto::StrictCodec::<
        SuspendOrganizationRequest,
        pmh_proto::directory::SuspendOrganizationResponse,
    >::default();
    let status = grpc.unary(request, http::uri::PathAndQuery::from_static(path), codec).await.unwrap_err();
    assert_eq!(crate::raw::read(&status).reason, Reason::RoleNotAllowed);
}

/// An organization of its own: enrolled, suspended, resumed.
async fn enrolled(target: &Target, code: &str) -> (pmh_client::Gateway, String, Endpoint) {
    let operator = target.gateway(organization::OPERATOR).await.unwrap();
    let urn = format!("urn:x-pmh:org:clinic:{code}");
    let request = PutOrganizationRequest {
        idempotency_key: names::uuid(),
        organization: Some(Organization {
            urn: urn.clone(),
            kind: OrganizationKind::Clinic.into(),
            name: "停止試験用〔架空〕".to_owned(),
            ..Default::default()
        }),
    };
    operator.call(&request, None).await.unwrap();
    let resume = ResumeOrganizationRequest { idempotency_key: names::uuid(), urn: urn.clone() };
    operator.call(&resume, None).await.unwrap();
    let endpoint = target.desk(&format!("clinic:{code}")).unwrap();
    (operator, urn, endpoint)
}

#[tokio::test]
async fn r_edg_a_suspended_organization_is_told_so_and_comes_back() {
    let target = target().await;
    let (operator, urn, endpoint) = enrolled(&target, "0210112165").await;
    let request = GetOrganizationRequest { urn: urn.clone() };
    let gateway = target.connect(&endpoint).await.unwrap();
    gateway.call_unrecorded(&request, None).await.unwrap();

    let suspend = SuspendOrganizationRequest { idempotency_key: names::uuid(), urn: urn.clone() };
    operator.call(&suspend, None).await.unwrap();
    // The open connection may be cut under the call; the client connects again and is told.
    assert_eq!(reason(gateway.call_unrecorded(&request, None).await), Reason::OrgSuspended);
    let again = target.connect(&endpoint).await.unwrap();
    assert_eq!(reason(again.call_unrecorded(&request, None).await), Reason::OrgSuspended);

    let resume = ResumeOrganizationRequest { idempotency_key: names::uuid(), urn };
    operator.call(&resume, None).await.unwrap();
    target.connect(&endpoint).await.unwrap().call_unrecorded(&request, None).await.unwrap();
}

#[tokio::test]
async fn r_az_only_an_operator_enrols_and_suspends() {
    let target = target().await;
    for organization in [organization::TOKYO_CLINIC, organization::HACHIOJI, organization::AUDITOR] {
        let gateway = target.gateway(organization).await.unwrap();
        let request = SuspendOrganizationRequest {
            idempotency_key: names::uuid(),
            urn: "urn:x-pmh:org:clinic:1419811373".to_owned(),
        };
        assert_eq!(reason(gateway.call(&request, None).await), Reason::RoleNotAllowed, "{organization}");
    }
}

#[tokio::test]
async fn r_az_04_an_operator_sees_no_record() {
    let target = target().await;
    let operator = target.gateway(organization::OPERATOR).await.unwrap();
    assert_eq!(reason(operator.call_unrecorded(&today(), None).await), Reason::RoleNotAllowed);
    let list = pmh_proto::eligibility::ListEntitlementsRequest { resident_key: "H-0002".to_owned() };
    assert_eq!(reason(operator.call(&list, None).await), Reason::RoleNotAllowed);
}

#[tokio::test]
async fn r_dir_every_participant_reads_the_directory() {
    let target = target().await;
    for organization in [organization::TOKYO_CLINIC, organization::HACHIOJI, organization::AUDITOR] {
        let gateway = target.gateway(organization).await.unwrap();
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListOrganizationsRequest { page_size: 3, page_token, ..Default::default() };
            let page = gateway.call_unrecorded(&request, None).await.unwrap();
            assert!(page.organizations.len() <= 3);
            found.extend(page.organizations.into_iter().map(|organization| organization.urn));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert!(found.is_sorted(), "{found:?}");
        for listed in &target.sandbox().organizations {
            assert!(found.contains(&listed.urn), "{} is missing", listed.urn);
        }
    }
}

#[tokio::test]
async fn r_edg_health_is_served() {
    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let mut health = HealthClient::new(gateway.channel().clone());
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
}

#[tokio::test]
async fn r_edg_reflection_lists_every_service() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let target = target().await;
    let gateway = target.gateway(organization::TOKYO_CLINIC).await.unwrap();
    let mut client = ServerReflectionClient::new(gateway.channel().clone());
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client.server_reflection_info(tokio_stream::iter([ask])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    let listed: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for method in pmh_proto::METHODS {
        let service = method.trim_start_matches('/').split('/').next().unwrap();
        assert!(listed.iter().any(|name| name == service), "{service} is missing in {listed:?}");
    }
}

/// Every method of the contract is there: none answers UNIMPLEMENTED.
#[tokio::test]
async fn r_az_01_every_method_of_the_contract_exists() {
    let target = target().await;
    let gateway = target.gateway(organization::AUDITOR).await.unwrap();
    for path in pmh_proto::METHODS {
        if path.ends_with("PutResidents") || path.ends_with("PutEntitlements") {
            continue;
        }
        if let Err(refused) = crate::raw::send(&gateway, path, Vec::new(), None).await {
            assert_ne!(refused.reason, Reason::Unimplemented, "{path}");
            assert_ne!(refused.reason, Reason::Internal, "{path}");
        }
    }
}
