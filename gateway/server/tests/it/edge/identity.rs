//! Who the caller is and whether it may speak: certificate, registry, revocation.

use pmh::edge::Standing;
use pmh_proto::presence::EndPresenceRequest;
use pmh_testkit::pki::{LeafDefect, LeafRequest};
use pmh_testkit::tls::client_config;
use tonic::{Code, Request};

use super::raw::{END, Raw, grpc};
use super::rig::{CLINIC, PHARMACY, Rig, ask, leaf, now, pki, reason, roomy, terminal, within};

#[tokio::test]
async fn r_tls_11_a_certificate_without_one_organization_is_told_so() {
    let rig = Rig::start(roomy()).await;
    for defect in
        [LeafDefect::NoOrganization, LeafDefect::TwoOrganizations, LeafDefect::MalformedOrganization]
    {
        let identity = leaf(&LeafRequest::new(CLINIC, "desk-1", now() - 60).with(defect));
        let status =
            rig.client(&identity).await.end_presence(EndPresenceRequest::default()).await.unwrap_err();
        assert_eq!(
            (status.code(), &*reason(&status)),
            (Code::Unauthenticated, "ORG_IDENTITY_MISSING"),
            "{defect:?}"
        );
    }
    assert_eq!(rig.probe.calls.load(std::sync::atomic::Ordering::SeqCst), 0, "no handler ran");
    rig.stop().await;
}

#[tokio::test]
async fn r_tls_11_an_unregistered_organization_is_told_so() {
    let rig = Rig::start(roomy()).await;
    let mut client = rig.client(&terminal("urn:x-pmh:org:clinic:1319999999")).await;
    let status = client.end_presence(EndPresenceRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unauthenticated, "ORG_IDENTITY_MISSING"));

    // Registered meanwhile: the same connection works, nobody has to reconnect.
    rig.registry.set("urn:x-pmh:org:clinic:1319999999", Standing::Active);
    client.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn r_tls_14_a_certificate_that_breaks_the_profile_gets_the_alert() {
    let rig = Rig::start(roomy()).await;
    for defect in [LeafDefect::ServerAuth, LeafDefect::NoExtendedKeyUsage, LeafDefect::UnknownCaSameName] {
        let identity = leaf(&LeafRequest::new(CLINIC, "desk-1", now() - 60).with(defect));
        let config = client_config(&[pki().root().to_vec()], Some(&identity)).unwrap();
        let outcome = within(async {
            let mut stream = rig.tls(config).await?;
            tokio::io::AsyncReadExt::read_u8(&mut stream).await
        });
        let error = outcome.await.unwrap_err().to_string();
        assert!(error.contains("alert"), "{defect:?}: {error}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn p2_the_handler_sees_the_organization_of_the_certificate() {
    let rig = Rig::start(roomy()).await;
    let mut request = Request::new(pmh_proto::presence::BeginPresentationRequest::default());
    for name in ["x-pmh-org", "x-client-cert", "x-forwarded-client-cert", "forwarded"] {
        request.metadata_mut().insert(name, CLINIC.parse().unwrap());
    }
    let mut client = rig.client(&terminal(PHARMACY)).await;
    let answer = client.begin_presentation(request).await.unwrap().into_inner();
    assert!(String::from_utf8(answer.to_be_signed).unwrap().ends_with(PHARMACY));
    rig.stop().await;
}

#[tokio::test]
async fn p11_r_rvk_06_suspension_ends_open_connections_and_later_calls() {
    let rig = Rig::start(roomy()).await;
    let (mut clinic, mut pharmacy) = (rig.clinic().await, rig.client(&terminal(PHARMACY)).await);
    let mut hanging = clinic.clone();
    let under_way = tokio::spawn(async move { hanging.end_presence(ask("hang")).await });
    rig.probe.hanging().await;

    rig.registry.set(CLINIC, Standing::Suspended);
    assert_eq!(rig.live.end(|peer| peer.urn() == CLINIC), 1);
    let status = within(under_way).await.unwrap().unwrap_err();
    assert!(matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled), "{status:?}");

    // The channel reconnects by itself and is told why.
    let status = within(async {
        loop {
            let status = clinic.end_presence(EndPresenceRequest::default()).await.unwrap_err();
            if status.code() == Code::PermissionDenied {
                return status;
            }
        }
    });
    assert_eq!(reason(&status.await), "ORG_SUSPENDED");
    pharmacy.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn p11_suspension_without_the_cut_holds_from_the_next_call() {
    let rig = Rig::start(roomy()).await;
    let mut clinic = rig.clinic().await;
    clinic.end_presence(EndPresenceRequest::default()).await.unwrap();
    rig.registry.set(CLINIC, Standing::Suspended);
    let status = clinic.end_presence(EndPresenceRequest::default()).await.unwrap_err();
    assert_eq!(reason(&status), "ORG_SUSPENDED");
    rig.stop().await;
}

#[tokio::test]
async fn r_rvk_07_a_connection_ends_with_its_certificate() {
    // The terminal's certificate lives a day from a minute ago; the gateway's clock says that its last second has come.
    let last_second = now() - 60 + 86_399;
    let rig = Rig::start_at(roomy(), last_second, pmh::edge::Reflection::Served).await;
    let config = client_config(
        &[pki().root().to_vec()],
        Some(&pki().terminal(CLINIC, "desk-1", last_second - 86_399).unwrap()),
    );
    let stream = rig.tls(config.unwrap()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (sender, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    let mut raw = Raw { sender, ended: tokio::spawn(connection) };
    assert_eq!(raw.send(grpc(END, &[])).await.unwrap().status().code(), Code::Ok);
    // The sender is kept, so only the server can end it.
    let _ = within(&mut raw.ended).await.unwrap();
    assert_eq!(rig.live.count(), 0);
    rig.stop().await;
}
