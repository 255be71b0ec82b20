//! One HTTP/2 connection from its first frame to its end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::EdgeLimits;

/// Makes connections of streams, with the HTTP/2 settings of identity research §9.
#[derive(Clone)]
pub(super) struct Http2 {
    builder: http2::Builder<Tasks>,
    grace: Duration,
}

/// When a connection ends by itself.
pub(super) struct Span {
    /// After this it is asked to leave.
    pub(super) age: Duration,
    /// After this it is cut.
    pub(super) certificate: Duration,
}

/// Runs the calls of a connection where the drain can wait for them.
#[derive(Clone)]
pub(super) struct Tasks(pub(super) TaskTracker);

impl Http2 {
    pub(super) fn new(limits: &EdgeLimits, tasks: Tasks) -> Self {
        let mut builder = http2::Builder::new(tasks);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.max_concurrent_streams)
            .max_header_list_size(limits.max_header_list_bytes)
            .initial_stream_window_size(limits.stream_window_bytes)
            .initial_connection_window_size(limits.connection_window_bytes)
            .keep_alive_interval(limits.keepalive_interval)
            .keep_alive_timeout(limits.keepalive_timeout)
            // Rapid reset (CVE-2023-44487): the defaults of today, kept should the defaults move.
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(1024)
            // The instant of an answer is in the answer, signed.
            .auto_date_header(false);
        Self { builder, grace: limits.connection_grace }
    }

    /// Serves until the peer goes, the connection is too old, `drain` asks everybody to leave, or `cut` ends it.
    ///
    /// Leaving is GOAWAY: calls under way finish, within the grace.
    pub(super) async fn serve<IO, S, B>(
        &self,
        stream: IO,
        calls: S,
        span: Span,
        drain: &CancellationToken,
        cut: &CancellationToken,
    ) where
        IO: AsyncRead + AsyncWrite + Unpin,
        S: hyper::service::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S::Future: Send + 'static,
        B: Body<Error = Infallible> + Send + 'static,
        B::Data: Send,
    {
        let has_spoken = AtomicBool::new(false);
        let stream = InspectReader::new(stream, |_: &[u8]| has_spoken.store(true, Ordering::Relaxed));
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), calls));
        let mut end = pin!(async {
            tokio::select! {
                () = cut.cancelled() => {}
                () = sleep(span.certificate) => {}
            }
        });
        // Errors of a connection are the peer's affair; what matters is counted elsewhere.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = end.as_mut() => return,
            // Nothing is under way for a peer that has said nothing, and it could not be told to leave: HTTP/2 begins with its
            // preface (RFC 9113 §3.4).
            () = drain.cancelled() => if !has_spoken.load(Ordering::Relaxed) { return },
            () = sleep(span.age) => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = end => {}
            () = sleep(self.grace) => {}
        }
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// `age` ±10 %: connections that came together do not leave together. `random` is any byte pair.
pub(super) fn spread(age: Duration, random: [u8; 2]) -> Duration {
    let share = f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX);
    age.mul_f64(0.9 + 0.2 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_edg_03_ages_spread_over_ten_percent_either_way() {
        let age = Duration::from_mins(10);
        assert_eq!(spread(age, [0, 0]), Duration::from_mins(9));
        assert_eq!(spread(age, [255, 255]), Duration::from_mins(11));
        assert_eq!(spread(age, [127, 255]).as_secs(), 599);
    }
}
