//! `POST /add-checkpoint` over HTTP/1.1.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use pmh_audit::witness::{SIZE_MEDIA_TYPE, encode_size};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{judge::Refusal, role::Witness};

/// Serves until told to stop. Without TLS only behind a proxy that has it: the log's signature is what counts, but
/// anybody on the way could hold requests back.
pub async fn serve(
    witness: Arc<Witness>,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    stop: CancellationToken,
) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let tls = tls.map(TlsAcceptor::from);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        // Beyond the bound a connection is closed at once: a log tries again in ten seconds.
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else { continue };
        let (witness, tls) = (Arc::clone(&witness), tls.clone());
        tokio::spawn(async move {
            let connection = async {
                match tls {
                    None => converse(witness, stream).await,
                    Some(tls) => {
                        if let Ok(Ok(stream)) = tokio::time::timeout(HEADERS, tls.accept(stream)).await {
                            converse(witness, stream).await;
                        }
                    }
                }
            };
            let _ended = tokio::time::timeout(LIFETIME, connection).await;
            drop(seat);
        });
    }
}

async fn converse(witness: Arc<Witness>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(move |request| {
        let witness = Arc::clone(&witness);
        async move { Ok::<_, Infallible>(answer(&witness, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if served.is_err() {
        tracing::debug!("a witness connection ended early");
    }
}

async fn answer(witness: &Witness, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, String::new());
    }
    if request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, String::new());
    }
    let body = tokio::time::timeout(HEADERS, Limited::new(request.into_body(), LARGEST).collect()).await;
    let Ok(Ok(body)) = body else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, String::new());
    };
    match witness.add_checkpoint(&body.to_bytes()).await {
        Ok(line) => plain(StatusCode::OK, line),
        Err(refusal @ Refusal::Conflict(size)) => {
            let mut response = plain(refusal.status(), encode_size(size));
            response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(SIZE_MEDIA_TYPE));
            response
        }
        Err(refusal) => plain(refusal.status(), format!("{refusal}\n")),
    }
}

fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The specification's path under a witness's prefix.
pub(crate) const PATH: &str = "/add-checkpoint";
/// 63 hashes and a note with a hundred signature lines fit several times.
const LARGEST: usize = 64 * 1024;
const CONNECTIONS: usize = 128;
/// For the handshake, the headers and the body, each.
const HEADERS: Duration = Duration::from_secs(10);
const LIFETIME: Duration = Duration::from_mins(5);
