//! HTTP/2 without a gRPC library, for requests that no gRPC library makes.

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use pmh_testkit::tls::client_config;
use tokio::task::JoinHandle;
use tonic::Status;

use super::rig::{CLINIC, Rig, pki, terminal, within};

/// One connection. `ended` is done when the server has closed it.
pub(super) struct Raw {
    pub(super) sender: http2::SendRequest<Full<Bytes>>,
    pub(super) ended: JoinHandle<Result<(), hyper::Error>>,
}

/// How the server answered: HTTP status, and headers and trailers as one.
pub(super) struct Answered {
    pub(super) http: StatusCode,
    pub(super) metadata: HeaderMap,
}

impl Raw {
    pub(super) async fn connect(rig: &Rig) -> Self {
        Self::connect_as(rig, CLINIC).await
    }

    pub(super) async fn connect_as(rig: &Rig, organization: &str) -> Self {
        let config = client_config(&[pki().root().to_vec()], Some(&terminal(organization))).unwrap();
        let stream = rig.tls(config).await.unwrap();
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        Self { sender, ended: tokio::spawn(connection) }
    }

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answered, hyper::Error> {
        within(async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let (parts, body) = response.into_parts();
            let rest = body.collect().await?;
            let mut metadata = parts.headers;
            metadata.extend(rest.trailers().cloned().unwrap_or_default());
            Ok(Answered { http: parts.status, metadata })
        })
        .await
    }
}

impl Answered {
    pub(super) fn status(&self) -> Status {
        Status::from_header_map(&self.metadata).expect("an answer without a gRPC status")
    }
}

/// A gRPC request with this message (length prefix added).
pub(super) fn grpc(path: &str, message: &[u8]) -> Request<Full<Bytes>> {
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    framed(path, frame)
}

/// A gRPC request with this body.
pub(super) fn framed(path: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    Request::post(format!("http://gateway.test{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(body.into()))
        .unwrap()
}

pub(super) const END: &str = "/pmh.presence.v1.PresenceService/EndPresence";
pub(super) const BEGIN: &str = "/pmh.presence.v1.PresenceService/BeginPresentation";
