//! The life of one call at the edge: everything between HTTP/2 and the handler, in the order it happens.
//!
//! One service and one future instead of a tower of layers: each rule has its own file and none has its own box, poll
//! and body. What the steps decide is in those files; here is only their order.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use pmh_proto::common::Reason;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Code;
use tonic::body::Body;
use tower::Service;
use tracing::Span;

use super::answer::Answer;
use super::limits::{Limits, Permit};
use super::live::Party;
use super::methods::{Method, Methods};
use super::metrics::EdgeMetrics;
use super::panic::{Panicked, guarded};
use super::request_id::REQUEST_ID_HEADER;
use super::{EdgeLimits, OrganizationRegistry, Peer, Random, RequestId, Standing};
use super::{deadline, hygiene, normalize};
use crate::rpc::status::Refusal;

/// What a handler may know about the call it serves, beside its [`Peer`]: found among the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// The call's name in log and answer.
    pub request_id: RequestId,
    /// When its caller, or we, stop waiting.
    pub deadline: Instant,
    /// Which method was called.
    pub method: Method,
}

/// What all calls of the process share.
pub(super) struct Gate {
    pub(super) methods: Methods,
    pub(super) metrics: EdgeMetrics,
    pub(super) limits: Limits,
    pub(super) numbers: EdgeLimits,
    pub(super) registry: Arc<dyn OrganizationRegistry>,
    pub(super) random: Random,
}

/// The calls of one connection.
pub(super) struct Calls<S> {
    gate: Arc<Gate>,
    party: Party,
    routes: S,
}

/// One call until its answer begins.
pub(super) struct Call<F> {
    state: State<F>,
    open: Option<OpenCall>,
}

enum State<F> {
    Refused(Refusal),
    /// Not gRPC; said by the HTTP status as well.
    Foreign,
    Running(F),
    Done,
}

/// What must last until the answer's last byte; dropping it is the end of the call.
pub(super) struct OpenCall {
    gate: Arc<Gate>,
    pub(super) info: CallInfo,
    span: Span,
    started: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
    permit: Option<Permit>,
    /// How it ended, once that is known.
    pub(super) code: Option<Code>,
}

impl<S> Calls<S> {
    pub(super) fn new(gate: Arc<Gate>, party: Party, routes: S) -> Self {
        Self { gate, party, routes }
    }

    fn begin<B>(&self, request: &mut Request<B>) -> OpenCall {
        let gate = &self.gate;
        let method = gate.methods.find(request.uri().path());
        let request_id = RequestId::draw(&gate.random);
        hygiene::clean(request.headers_mut());
        let started = Instant::now();
        let granted = deadline::granted(request.headers(), method.shape(), &gate.numbers);
        let info = CallInfo { request_id, deadline: started + granted, method };
        let name = gate.methods.names().get(method.index()).map(String::as_str);
        let span = tracing::info_span!("call", method = name, %request_id);
        OpenCall { gate: Arc::clone(gate), info, span, started, alarm: None, permit: None, code: None }
    }
}

impl Gate {
    /// Whether this caller may speak now. Cheapest question first.
    pub(super) fn admit(&self, party: &Party, method: Method) -> Result<(Arc<Peer>, Permit), Refusal> {
        let peer = match party {
            Party::Barred(reason) => return Err(Refusal::new(*reason)),
            Party::Known(peer) => peer,
        };
        match self.registry.standing(peer.urn()) {
            Standing::Active => {}
            Standing::Suspended => return Err(Refusal::new(Reason::OrgSuspended)),
            Standing::Unknown => return Err(Refusal::new(Reason::OrgIdentityMissing)),
        }
        let permit = self.limits.admit(peer, method.shape())?;
        Ok((Arc::clone(peer), permit))
    }
}

impl<S, B> hyper::service::Service<Request<B>> for Calls<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone,
    S::Future: Unpin,
{
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Call<S::Future>;

    fn call(&self, mut request: Request<B>) -> Self::Future {
        let mut open = self.begin(&mut request);
        let state = match self.gate.admit(&self.party, open.info.method) {
            Err(refusal) => State::Refused(refusal),
            Ok(_) if !hygiene::is_grpc(&request) => State::Foreign,
            Ok((peer, permit)) => {
                open.permit = Some(permit);
                request.extensions_mut().insert(peer);
                request.extensions_mut().insert(open.info);
                // Routes are always ready, and cheap to copy; a copy of one's own is what tower's contract asks for.
                let mut routes = self.routes.clone();
                match open.span.in_scope(|| guarded(|| routes.call(request))) {
                    Ok(answer) => State::Running(answer),
                    Err(Panicked) => State::Refused(Refusal::new(Reason::Internal)),
                }
            }
        };
        Call { state, open: Some(open) }
    }
}

impl<F> Future for Call<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(open) = &mut this.open else { return Poll::Pending };
        let id = open.info.request_id;
        let mut response = match &mut this.state {
            State::Running(answer) => match open.poll(answer, cx) {
                Poll::Ready(Ok(response)) => response,
                Poll::Ready(Err(reason)) => open.refuse(Refusal::new(reason)),
                Poll::Pending => return Poll::Pending,
            },
            State::Refused(refusal) => open.refuse(refusal.clone()),
            State::Foreign | State::Done => {
                let mut response = open.refuse(Refusal::new(Reason::Unimplemented));
                *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                response
            }
        };
        // Frees what the handler held before the answer is sent.
        this.state = State::Done;
        if let Some(value) = id.header_value() {
            response.headers_mut().insert(REQUEST_ID_HEADER, value);
        }
        let open = this.open.take();
        Poll::Ready(Ok(response.map(|body| Answer::new(body, open))))
    }
}

impl OpenCall {
    /// One step of the handler: its answer with a reason in it, or the reason why there is none.
    fn poll<F>(&mut self, answer: &mut F, cx: &mut Context<'_>) -> Poll<Result<Response<Body>, Reason>>
    where
        F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
    {
        match self.in_span(|| guarded(|| Pin::new(answer).poll(cx))) {
            Ok(Poll::Ready(Ok(response))) => {
                let (response, code) = normalize::head(response, self.info.request_id);
                self.code = code;
                Poll::Ready(Ok(response))
            }
            Ok(Poll::Pending) => self.poll_expired(cx).map(|()| Err(Reason::Deadline)),
            Err(Panicked) => Poll::Ready(Err(Reason::Internal)),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Response<Body> {
        self.code = Some(refusal.code());
        refusal.with_request_id(self.info.request_id).into_http()
    }

    /// Whether the time is over. Arms the alarm at first use: most answers are there before anybody has to wait.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.info.deadline;
        self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(cx)
    }

    /// Runs a step of the answer where its log lines get the call's name.
    pub(super) fn in_span<T>(&self, step: impl FnOnce() -> T) -> T {
        self.span.in_scope(step)
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        // The line that the request id of an opaque answer finds, whoever failed.
        match code {
            Code::Internal => self.in_span(|| tracing::error!("the call failed on our side")),
            _ => self.in_span(|| tracing::debug!(?code, "the call ended")),
        }
        self.gate.metrics.call(self.info.method, code, self.started.elapsed());
    }
}
