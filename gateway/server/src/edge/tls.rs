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
    server_config_for(H2, certificate, clients)
}

/// The same for another protocol, by its ALPN name.
pub fn server_config_for(
    protocol: &[u8],
    certificate: Arc<dyn ResolvesServerCert>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Provider)?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![protocol.to_vec()];
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
/// ALPN of HTTP/1.1 (RFC 7301 §6).
pub(crate) const HTTP1: &[u8] = b"http/1.1";

#[cfg(test)]
mod tests {
    use super::*;
    use pmh_auth::peer::{LeafProfile, OrganizationVerifier};
    use pmh_testkit::pki::DevPki;
    use rustls::NamedGroup;
    use rustls::server::ResolvesServerCertUsingSni;

    #[test]
    fn r_tls_04_06_07_nothing_is_kept_replayed_or_written_down() {
        let root = DevPki::generate(1_800_000_000).unwrap().root().to_vec().into();
        let clients = OrganizationVerifier::new([root], LeafProfile::default()).unwrap();
        let config = server_config(Arc::new(ResolvesServerCertUsingSni::new()), Arc::new(clients)).unwrap();
        assert_eq!((config.send_tls13_tickets, config.max_early_data_size), (0, 0));
        assert!(!config.session_storage.can_cache());
        assert!(!config.ticketer.enabled());
        assert!(!config.key_log.will_log("CLIENT_TRAFFIC_SECRET_0"));
        assert_eq!(config.alpn_protocols, [b"h2"]);
        assert!(config.cert_compressors.is_empty() && config.cert_decompressors.is_empty());
        let groups: Vec<_> = config.crypto_provider().kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(
            groups,
            [NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::secp256r1, NamedGroup::secp384r1]
        );
    }
}
