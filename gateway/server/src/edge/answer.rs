//! The rest of a call after its response has begun.
//!
//! The rules of the head hold to the last frame: a stream that panics, overruns its time or ends without a reason ends
//! with trailers of ours.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use hyper::body::Bytes;
use pmh_proto::common::Reason;
use tonic::body::Body;

use super::call::OpenCall;
use super::normalize;
use super::panic::guarded;
use crate::rpc::status::Refusal;

/// A response body that always ends with a reason.
pub(super) struct Answer {
    body: Body,
    /// `None` once the last frame is out.
    open: Option<OpenCall>,
}

impl Answer {
    pub(super) fn new(body: Body, open: Option<OpenCall>) -> Self {
        Self { body, open }
    }

    /// The last frame. Lets go of the handler's stream and of the call.
    fn finish(&mut self, reason: Reason) -> Frame<Bytes> {
        self.body = Body::empty();
        let mut refusal = Refusal::new(reason);
        if let Some(mut open) = self.open.take() {
            open.code = Some(refusal.code());
            refusal = refusal.with_request_id(open.info.request_id);
        }
        Frame::trailers(refusal.into_trailers())
    }

    fn pass(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let trailers = match frame.into_trailers() {
            Ok(trailers) => trailers,
            Err(data) => return data,
        };
        let Some(mut open) = self.open.take() else { return Frame::trailers(trailers) };
        let (trailers, code) = normalize::trailers(trailers, open.info.request_id);
        open.code = Some(code);
        Frame::trailers(trailers)
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let Some(open) = &mut this.open else { return Poll::Ready(None) };
        let body = &mut this.body;
        let frame = match open.in_span(|| guarded(|| Pin::new(body).poll_frame(cx))) {
            Ok(Poll::Ready(Some(Ok(frame)))) => this.pass(frame),
            Ok(Poll::Ready(None)) => {
                this.open = None;
                return Poll::Ready(None);
            }
            Ok(Poll::Pending) if open.poll_expired(cx).is_pending() => return Poll::Pending,
            Ok(Poll::Pending) => this.finish(Reason::Deadline),
            Ok(Poll::Ready(Some(Err(_)))) | Err(_) => this.finish(Reason::Internal),
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.open.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
