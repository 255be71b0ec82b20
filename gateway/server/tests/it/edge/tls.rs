//! R-TLS-01…06: what the TLS layer offers, seen from the other side.

use std::io::ErrorKind;
use std::sync::Arc;

use pmh_testkit::tls::client_config;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::{ClientConfig, HandshakeKind, NamedGroup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::rig::{CLINIC, Rig, pki, roomy, terminal, within};

fn config() -> ClientConfig {
    client_config(&[pki().root().to_vec()], Some(&terminal(CLINIC))).unwrap()
}

fn config_with(change: impl FnOnce(&mut ClientConfig)) -> ClientConfig {
    let mut config = config();
    change(&mut config);
    config
}

/// What comes back on a connection that should have been refused. In TLS 1.3 a client believes the handshake done
/// before the server has read its certificate, so a refusal may show at connect or at the first read.
async fn refusal(rig: &Rig, config: ClientConfig) -> std::io::Error {
    let outcome = async {
        let mut stream = rig.tls(config).await?;
        match stream.read(&mut [0; 64]).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(stream),
        }
    };
    let outcome: std::io::Result<TlsStream<TcpStream>> = within(outcome).await;
    outcome.expect_err("the connection was let in")
}

#[tokio::test]
async fn r_tls_01_a_client_that_speaks_tls_1_2_gets_the_alert() {
    let rig = Rig::start(roomy()).await;
    let mut socket = TcpStream::connect(rig.address).await.unwrap();
    socket.write_all(&client_hello_tls12()).await.unwrap();
    let mut alert = Vec::new();
    within(socket.read_to_end(&mut alert)).await.unwrap();
    // Record type 21 (alert), level fatal, description 70 protocol_version (RFC 8446 §6).
    assert_eq!((alert[0], &alert[5..]), (21, &[2, 70][..]), "{alert:?}");
    rig.stop().await;
}

#[tokio::test]
async fn r_tls_02_without_a_client_certificate_no_call_is_heard() {
    let rig = Rig::start(roomy()).await;
    let error = refusal(&rig, client_config(&[pki().root().to_vec()], None).unwrap()).await;
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    assert_eq!(rig.live.count(), 0);
    rig.stop().await;
}

#[tokio::test]
async fn r_tls_03_the_post_quantum_group_is_taken_when_offered() {
    let rig = Rig::start(roomy()).await;
    for (offered, chosen) in [
        (vec![kx_group::X25519MLKEM768, kx_group::X25519], NamedGroup::X25519MLKEM768),
        (vec![kx_group::X25519], NamedGroup::X25519),
        (vec![kx_group::SECP384R1], NamedGroup::secp384r1),
    ] {
        let provider = rustls::crypto::CryptoProvider { kx_groups: offered, ..default_provider() };
        let usual = config();
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots())
            .with_client_cert_resolver(usual.client_auth_cert_resolver);
        config.alpn_protocols = usual.alpn_protocols;
        let stream = rig.tls(config).await.unwrap();
        let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, chosen);
    }
    rig.stop().await;
}

#[tokio::test]
async fn r_tls_04_no_ticket_is_sent_and_nothing_is_resumed() {
    let rig = Rig::start(roomy()).await;
    let config = config_with(|config| config.resumption = Resumption::in_memory_sessions(16));
    for _ in 0..2 {
        let mut stream = rig.tls(config.clone()).await.unwrap();
        // A ticket would come before the server's first HTTP/2 frame, so after that frame there is none.
        stream.write_all(PREFACE_AND_EMPTY_SETTINGS).await.unwrap();
        let mut frame = [0; 9];
        within(stream.read_exact(&mut frame)).await.unwrap();
        assert_eq!(frame[3], 4, "SETTINGS");
        let session = stream.get_ref().1;
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(session.tls13_tickets_received(), 0);
    }
    rig.stop().await;
}

#[tokio::test]
async fn r_tls_05_a_client_that_does_not_offer_h2_is_refused() {
    let rig = Rig::start(roomy()).await;
    for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
        refusal(&rig, config_with(|config| config.alpn_protocols = protocols)).await;
        assert_eq!(rig.live.count(), 0);
    }
    rig.stop().await;
}

#[tokio::test]
async fn r_tls_06_early_data_is_not_accepted() {
    let rig = Rig::start(roomy()).await;
    let config = config_with(|config| {
        config.resumption = Resumption::in_memory_sessions(16);
        config.enable_early_data = true;
    });
    for _ in 0..2 {
        let stream = rig.tls(config.clone()).await.unwrap();
        assert!(!stream.get_ref().1.is_early_data_accepted());
    }
    rig.stop().await;
}

fn roots() -> rustls::RootCertStore {
    let mut store = rustls::RootCertStore::empty();
    store.add(pki().root().to_vec().into()).unwrap();
    store
}

/// A ClientHello without `supported_versions`, which is how TLS 1.2 looks (RFC 5246 §7.4.1.2).
fn client_hello_tls12() -> Vec<u8> {
    let prefixed = |body: Vec<u8>| [u16::try_from(body.len()).unwrap().to_be_bytes().to_vec(), body].concat();
    let extension = |kind: u16, body: Vec<u8>| [kind.to_be_bytes().to_vec(), prefixed(body)].concat();
    let extensions = [
        extension(10, prefixed(vec![0, 23])),
        extension(11, vec![1, 0]),
        extension(13, prefixed(vec![4, 3])),
        extension(16, prefixed(b"\x02h2".to_vec())),
    ]
    .concat();
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend(prefixed(vec![0xc0, 0x2b]));
    hello.extend([1, 0]);
    hello.extend(prefixed(extensions));
    let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
    let handshake = [vec![1], length[1..].to_vec(), hello].concat();
    [vec![22, 3, 1], prefixed(handshake)].concat()
}

const PREFACE_AND_EMPTY_SETTINGS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
