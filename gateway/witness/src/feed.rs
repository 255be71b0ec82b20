//! A log's call to a witness.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{Method, Request, StatusCode, Uri, header::HOST};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use pmh_audit::witness::{AddCheckpoint, decode_size};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::serve::PATH;

/// Where a witness is.
#[derive(Clone)]
pub struct WitnessUrl {
    host: String,
    port: u16,
    path: String,
    tls: Option<Arc<ClientConfig>>,
}

/// No address of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not `https://host[:port][/prefix]`.
    #[error("not the URL of a witness")]
    Form,
    /// Without TLS only on this machine.
    #[error("http:// is for 127.0.0.1 and [::1] alone")]
    Plain,
}

/// What a witness said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Signature lines, not yet verified.
    Lines(String),
    /// It cosigned a tree of this size last: prove from there.
    Size(u64),
}

/// A witness said nothing of use.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// No connection, or it broke.
    #[error("the witness cannot be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the witness does not answer")]
    Late,
    /// Refused for good: unknown log, wrong signature, inconsistent.
    #[error("the witness refuses with status {0}")]
    Refused(u16),
    /// An answer that the specification does not have.
    #[error("the witness answers something else")]
    Answer,
}

impl WitnessUrl {
    /// Reads `https://host[:port][/prefix]`; `tls` says whom to believe.
    pub fn parse(url: &str, tls: Arc<ClientConfig>) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError::Form)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(UrlError::Form)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if uri.query().is_some() {
            return Err(UrlError::Form);
        }
        let (port, tls) = match uri.scheme_str() {
            Some("https") => (443, Some(tls)),
            Some("http") if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) => (80, None),
            Some("http") => return Err(UrlError::Plain),
            _ => return Err(UrlError::Form),
        };
        let path = format!("{}{PATH}", uri.path().trim_end_matches('/'));
        Ok(Self { port: uri.port_u16().unwrap_or(port), host, path, tls })
    }

    /// Sends a checkpoint. Sending it again is harmless.
    pub async fn add_checkpoint(&self, request: &AddCheckpoint) -> Result<Said, FeedError> {
        tokio::time::timeout(PATIENCE, self.send(request.encode())).await.map_err(|_| FeedError::Late)?
    }

    async fn send(&self, body: String) -> Result<Said, FeedError> {
        let stream =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|_| FeedError::Unreachable)?;
        match &self.tls {
            None => self.post(stream, body).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone()).map_err(|_| FeedError::Unreachable)?;
                let connected = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
                self.post(connected.map_err(|_| FeedError::Unreachable)?, body).await
            }
        }
    }

    async fn post(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        body: String,
    ) -> Result<Said, FeedError> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| FeedError::Unreachable)?;
        let driver = tokio::spawn(connection);
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.path)
            .header(HOST, self.authority())
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| FeedError::Answer)?;
        let response = sender.send_request(request).await.map_err(|_| FeedError::Unreachable)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        driver.abort();
        let body = body.map_err(|_| FeedError::Answer)?.to_bytes();
        match status {
            StatusCode::OK => {
                String::from_utf8(body.to_vec()).map(Said::Lines).map_err(|_| FeedError::Answer)
            }
            StatusCode::CONFLICT => decode_size(&body).map(Said::Size).ok_or(FeedError::Answer),
            refused => Err(FeedError::Refused(refused.as_u16())),
        }
    }

    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl std::fmt::Debug for WitnessUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WitnessUrl({})", self.authority())
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST: usize = 64 * 1024;
