//! HTTP/1.1 over mutual TLS: accept, admit, answer, drain.
//!
//! The door is the edge's ([`SideDoor`]); here is only what HTTP/1.1 needs of its own. A connection ends with its age,
//! its certificate, its organization's suspension, or the drain; a request ends with its deadline.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pmh_proto::common::Reason;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::Instrument as _;

use super::console::refusal_page;
use crate::edge::{Guest, SideDoor, Visitor, accept};
use crate::rpc::status::Refusal;

/// The listener and what it serves.
pub(crate) struct Web {
    door: SideDoor,
    routes: Router,
}

impl Web {
    pub(crate) fn new(door: SideDoor, routes: Router) -> Self {
        Self { door, routes }
    }

    /// Serves until `shutdown`; then nobody new comes in, and requests under way finish within the edge's drain.
    pub(crate) async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let patience = self.door.limits().drain;
        let tasks = TaskTracker::new();
        let drain = CancellationToken::new();
        let house = Arc::new(House { web: self, drain: drain.clone() });
        tokio::select! {
            () = Arc::clone(&house).accept(&listener, &tasks) => {}
            () = shutdown.cancelled() => {}
        }
        drop(listener);
        drain.cancel();
        tasks.close();
        if timeout(patience, tasks.wait()).await.is_err() {
            tracing::warn!("pages were cut after the drain deadline");
        }
    }
}

struct House {
    web: Web,
    drain: CancellationToken,
}

impl House {
    async fn accept(self: Arc<Self>, listener: &TcpListener, tasks: &TaskTracker) {
        let mut waiting = self.web.door.waiting_room();
        loop {
            let socket = accept(listener).await;
            if self.web.door.has_room() {
                tasks.spawn(Arc::clone(&self).welcome(socket, waiting.enter()));
            }
        }
    }

    async fn welcome(self: Arc<Self>, socket: TcpStream, turned_out: CancellationToken) {
        let guest = tokio::select! {
            guest = self.web.door.admit(socket, turned_out) => guest,
            () = self.drain.cancelled() => return,
        };
        if let Some(guest) = guest {
            self.attend(guest).await;
        }
    }

    async fn attend(&self, Guest { stream, visitor, age, certificate }: Guest) {
        let limits = self.web.door.limits();
        let answering =
            service_fn(|request| async { Ok::<_, Infallible>(self.web.answer(&visitor, request).await) });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Slow headers are the oldest way to hold a server (CWE-400); silence between two requests counts too.
            .header_read_timeout(limits.keepalive_interval)
            .max_buf_size(
                usize::try_from(limits.max_header_list_bytes).unwrap_or(usize::MAX).max(LEAST_BUFFER),
            )
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), answering);
        let mut connection = pin!(connection);
        let cut = visitor.cut();
        let mut end = pin!(async {
            tokio::select! {
                () = cut.cancelled() => {}
                () = sleep(certificate) => {}
            }
        });
        tokio::select! {
            _ = connection.as_mut() => return,
            () = end.as_mut() => return,
            () = self.drain.cancelled() => {}
            () = sleep(age) => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = end => {}
            () = sleep(limits.connection_grace) => {}
        }
    }
}

impl Web {
    async fn answer(&self, visitor: &Visitor, mut request: Request<Incoming>) -> Response<Body> {
        let info = self.door.begin(request.headers_mut());
        // Never the path: a search has the auditor's question in it.
        let span = tracing::info_span!("page", request_id = %info.request_id);
        let headers = request.headers().clone();
        let refused =
            async |refusal: Refusal| refusal_page(&headers, &refusal.with_request_id(info.request_id)).await;
        let admission = match self.door.allow(visitor) {
            Ok(admission) => admission,
            Err(refusal) => return refused(refusal).await,
        };
        request.extensions_mut().insert(Arc::clone(&admission.peer));
        request.extensions_mut().insert(info);
        let answering = self.routes.clone().oneshot(request.map(Body::new)).instrument(span);
        match timeout_at(info.deadline, answering).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => refused(Refusal::new(Reason::Deadline)).await,
        }
    }
}

/// hyper takes no smaller one.
const LEAST_BUFFER: usize = 8192;
