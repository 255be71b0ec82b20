//! The TLS half of the edge: what is offered, and nothing else.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};

/// The configuration that new handshakes use. To replace it touches no open connection.
#[derive(Debug)]
pub struct TlsStore(ArcSwap<ServerConfig>);

/// TLS cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The provider lacks what we ask of it.
    #[error("the TLS library does not offer what is needed")]
    Provider(#[source] rustls::Error),
}

impl TlsStore {
    /// Begins with this configuration.
    pub fn new(config: ServerConfig) -> Self {
        Self(ArcSwap::from_pointee(config))
    }

    /// New handshakes use `config` from now on.
    pub fn replace(&self, config: ServerConfig) {
        self.0.store(Arc::new(config));
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

/// TLS 1.3 alone, a client certificate always, no resumption, no early data, h2 alone (identity research §9).
///
/// `clients` decides which certificates are accepted; `certificate` is ours.
pub fn server_config(
    certificate: Arc<dyn ResolvesServerCert>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Provider)?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![H2.to_vec()];
    // A resumed session inherits the certificate check of the first one: a revoked certificate would stay in.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // The next two are the library's defaults; spelt out because replay and a key on disk would break P2 and P3.
    config.max_early_data_size = 0;
    config.key_log = Arc::new(rustls::NoKeyLog {});
    Ok(config)
}

/// aws-lc-rs with TLS 1.3 suites and exactly the groups we name, the post-quantum hybrid first.
fn provider() -> CryptoProvider {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
    CryptoProvider {
        kx_groups: vec![X25519MLKEM768, X25519, SECP256R1, SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}

/// ALPN of HTTP/2 (RFC 9113 §3.1).
pub(super) const H2: &[u8] = b"h2";
