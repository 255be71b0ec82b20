//! A connection under mutual TLS 1.3: our certificate for theirs, `h2` and nothing else.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::Channel;

use crate::identity::{Identity, IdentityError};

/// Where the gateway is, whom to believe, and who we are.
pub struct Endpoint {
    /// `host:port`.
    pub address: String,
    /// Name that the server's certificate must bear.
    pub server_name: String,
    /// Roots to trust, and no others.
    pub roots: Vec<CertificateDer<'static>>,
    /// Our certificate chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Our key.
    pub key: PrivateKeyDer<'static>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A PEM text holds no certificate or no key.
    #[error("a PEM text does not hold the certificate or key it should")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// Root, certificate and key do not make a TLS client.
    #[error("certificate and key cannot be used")]
    Credentials(#[from] rustls::Error),
    /// Address or server name are not of the right form.
    #[error("the address or the server's name is malformed")]
    Address,
    /// Nobody answers there.
    #[error("the gateway cannot be reached")]
    Unreachable(#[source] tonic::transport::Error),
    /// The handshake failed: we do not believe the server, or it does not take our certificate.
    ///
    /// In TLS 1.3 a server's refusal of our certificate can also arrive later, as the failure of the first call.
    #[error("the TLS handshake failed")]
    Tls(#[source] tonic::transport::Error),
    /// The peer speaks TLS, but not HTTP/2.
    #[error("the peer does not speak HTTP/2")]
    NotHttp2,
}

impl Endpoint {
    /// From PEM texts, as they stand in the files that `sandbox.json` names.
    pub fn from_pem(
        address: impl Into<String>,
        server_name: impl Into<String>,
        roots: &[u8],
        chain: &[u8],
        key: &[u8],
    ) -> Result<Self, ConnectError> {
        let certificates = |pem| {
            CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(ConnectError::Pem)
        };
        Ok(Self {
            address: address.into(),
            server_name: server_name.into(),
            roots: certificates(roots)?,
            chain: certificates(chain)?,
            key: PrivateKeyDer::from_pem_slice(key).map_err(ConnectError::Pem)?,
        })
    }

    /// The organization and terminal that our certificate names.
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        Identity::from_certificate(self.chain.first().ok_or(IdentityError)?)
    }

    /// TLS as this crate speaks it: 1.3 only, ALPN `h2` only, these roots only, no resumption.
    pub fn tls(&self) -> Result<ClientConfig, ConnectError> {
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            roots.add(root.clone())?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![H2.to_vec()];
        // A resumed session would skip the certificates, and with them everything we know of the peer.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl Clone for Endpoint {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            server_name: self.server_name.clone(),
            roots: self.roots.clone(),
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// Connects now. The channel connects again by itself when the connection is lost.
pub async fn connect(endpoint: &Endpoint) -> Result<Channel, ConnectError> {
    let dialer = Dialer::new(endpoint)?;
    let result = transport(endpoint)?.connect_with_connector(dialer.service()).await;
    result.map_err(|error| match cause(&error) {
        Some(DialError::NotHttp2) => ConnectError::NotHttp2,
        Some(DialError::Tls(_)) => ConnectError::Tls(error),
        Some(DialError::Tcp(_)) | None => ConnectError::Unreachable(error),
    })
}

/// Connects at the first call.
pub fn connect_lazy(endpoint: &Endpoint) -> Result<Channel, ConnectError> {
    Ok(transport(endpoint)?.connect_with_connector_lazy(Dialer::new(endpoint)?.service()))
}

/// The scheme `http` keeps tonic from adding a TLS of its own; the calls themselves say `https`, as they must.
fn transport(endpoint: &Endpoint) -> Result<tonic::transport::Endpoint, ConnectError> {
    let origin = format!("https://{}", endpoint.address).parse().map_err(|_| ConnectError::Address)?;
    let transport = tonic::transport::Endpoint::from_shared(format!("http://{}", endpoint.address))
        .map_err(|_| ConnectError::Address)?
        .origin(origin)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    Ok(transport)
}

#[derive(Clone)]
struct Dialer {
    address: Arc<str>,
    name: ServerName<'static>,
    tls: TlsConnector,
}

#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("no TCP connection")]
    Tcp(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the peer does not speak HTTP/2")]
    NotHttp2,
}

impl Dialer {
    fn new(endpoint: &Endpoint) -> Result<Self, ConnectError> {
        Ok(Self {
            address: endpoint.address.as_str().into(),
            name: ServerName::try_from(endpoint.server_name.clone()).map_err(|_| ConnectError::Address)?,
            tls: TlsConnector::from(Arc::new(endpoint.tls()?)),
        })
    }

    /// The connector that tonic asks for a stream, now and whenever one is lost.
    fn service(
        self,
    ) -> impl tower::Service<
        http::Uri,
        Response = TokioIo<TlsStream<TcpStream>>,
        Error = DialError,
        Future: Send,
    > + Send
    + Clone
    + 'static {
        tower::service_fn(move |_| {
            let dialer = self.clone();
            async move { dialer.dial().await.map(TokioIo::new) }
        })
    }

    async fn dial(&self) -> Result<TlsStream<TcpStream>, DialError> {
        let tcp = TcpStream::connect(&*self.address).await.map_err(DialError::Tcp)?;
        tcp.set_nodelay(true).map_err(DialError::Tcp)?;
        let stream = self.tls.connect(self.name.clone(), tcp).await.map_err(DialError::Tls)?;
        match stream.get_ref().1.alpn_protocol() {
            Some(protocol) if protocol == H2 => Ok(stream),
            _ => Err(DialError::NotHttp2),
        }
    }
}

/// Our own error at the bottom of tonic's.
fn cause(error: &tonic::transport::Error) -> Option<&DialError> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(ours) = error.downcast_ref() {
            return Some(ours);
        }
        source = error.source();
    }
    None
}

const H2: &[u8] = b"h2";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
