//! The yardstick: tonic over mutual TLS, and nothing else. No limits, no token, no record; every call gets the same
//! bytes, and every message of a stream comes back.
//!
//! TLS is configured by the gateway's own function, so both servers offer the same.

use std::convert::Infallible;
use std::future::Ready;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use prost::bytes::Bytes;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::transport::server::{Connected, Server};
use tonic::{Request, Response, Status, Streaming};
use tower::Service;

use crate::call::Plain;
use crate::child::{announce, parent_gone};

/// Path of its unary method.
pub(crate) const PATH: &str = "/bench.Echo/Echo";
/// Path of the stream that comes back.
pub(crate) const STREAM_PATH: &str = "/bench.Echo/EchoStream";

/// Serves answers of `answer_bytes` with the certificates of the sandbox in `dir`.
pub(crate) async fn serve(dir: &Path, answer_bytes: usize) -> Result<()> {
    let tls = TlsAcceptor::from(Arc::new(tls(dir)?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&listener.local_addr()?.to_string())?;
    let (sender, connections) = mpsc::channel(16);
    tokio::spawn(accept(listener, tls, sender));
    let echo = Echo(Bytes::from(vec![0x5a; answer_bytes]));
    tokio::select! {
        served = Server::builder().add_service(echo).serve_with_incoming(ReceiverStream::new(connections)) => served?,
        gone = parent_gone() => gone?,
    }
    Ok(())
}

fn tls(dir: &Path) -> Result<ServerConfig> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(dir.join("pki/root.pem"))? {
        roots.add(root?)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let chain = CertificateDer::pem_file_iter(dir.join("tls/server.pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(dir.join("tls/server.key.pem"))?;
    let certificate = CertifiedKey::from_der(chain, key, &provider).context("the sandbox's certificate")?;
    Ok(pmh::edge::server_config(Arc::new(Own(Arc::new(certificate))), clients)?)
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, connections: mpsc::Sender<io::Result<Connection>>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (tls, connections) = (tls.clone(), connections.clone());
        tokio::spawn(async move {
            if socket.set_nodelay(true).is_ok()
                && let Ok(stream) = tls.accept(socket).await
            {
                // The server has ended: so does the connection.
                let _ = connections.send(Ok(Connection(stream))).await;
            }
        });
    }
}

#[derive(Debug)]
struct Own(Arc<CertifiedKey>);

impl ResolvesServerCert for Own {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// The service and its one answer.
#[derive(Clone)]
struct Echo(Bytes);

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = Answer(self.0.clone());
        Box::pin(async move {
            let mut grpc = Grpc::new(Plain);
            Ok(match request.uri().path() {
                STREAM_PATH => grpc.streaming(Return, request).await,
                _ => grpc.unary(method, request).await,
            })
        })
    }
}

struct Answer(Bytes);

impl UnaryService<Bytes> for Answer {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        std::future::ready(Ok(Response::new(self.0.clone())))
    }
}

struct Return;

impl StreamingService<Bytes> for Return {
    type Response = Bytes;
    type ResponseStream = Streaming<Bytes>;
    type Future = Ready<Result<Response<Streaming<Bytes>>, Status>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        std::future::ready(Ok(Response::new(request.into_inner())))
    }
}

/// tonic asks a connection who is there; the echo does not want to know.
struct Connection(TlsStream<TcpStream>);

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
