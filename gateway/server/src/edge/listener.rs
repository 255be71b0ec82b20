//! From a socket to an encrypted stream whose other end is known.
//!
//! Two rooms, because they are attacked differently. A socket that says nothing costs a file descriptor and waits in
//! the first room, which holds the latest arrivals: a thousand silent sockets push out each other and not a client
//! that speaks at once (R-EDG-01). Only a complete ClientHello gets into the second, where cryptography is paid for.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use pmh_auth::peer::{ClientIdentity, LeafProfile};
use rustls::server::Acceptor as HelloReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::live::{Live, Party, Seat};
use super::tls::{H2, TlsStore};
use super::{Clock, EdgeLimits};

/// What it takes to make a connection of a socket.
#[derive(Clone)]
pub(super) struct Doorkeeper {
    pub(super) tls: Arc<TlsStore>,
    /// ALPN name of what is spoken here.
    pub(super) protocol: &'static [u8],
    pub(super) profile: LeafProfile,
    pub(super) live: Arc<Live>,
    pub(super) clock: Clock,
    pub(super) slots: Arc<Semaphore>,
    pub(super) patience: Duration,
}

/// A connection that has been let in.
pub(super) struct Arrival {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) party: Party,
    pub(super) seat: Seat,
    /// How long the peer's certificate is still valid.
    pub(super) certificate_ends_in: Duration,
}

/// How an attempt to connect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakeOutcome {
    Accepted,
    /// Said nothing while many others came.
    TurnedOut,
    Timeout,
    /// Closed, or spoke something that is not TLS.
    Broken,
    /// Did not offer the listener's protocol, which for calls is h2.
    NoH2,
    /// Refused: version, certificate, profile.
    Tls,
    /// No place left.
    Full,
}

/// Accepts for ever. Errors of accepting (no file descriptors left, most often) are waited out: to give up would turn
/// a busy hour into an outage.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Doorkeeper {
    pub(super) fn new(
        tls: Arc<TlsStore>,
        profile: LeafProfile,
        live: Arc<Live>,
        clock: Clock,
        limits: &EdgeLimits,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(limits.max_handshakes.clamp(1, Semaphore::MAX_PERMITS)));
        Self { tls, protocol: H2, profile, live, clock, slots, patience: limits.handshake_timeout }
    }

    /// Whether another socket may come in at all.
    pub(super) fn has_room(&self) -> bool {
        !self.live.is_full()
    }

    /// Lets a socket in, within the time it has. `turned_out` ends the wait for its first words.
    pub(super) async fn admit(
        &self,
        socket: TcpStream,
        turned_out: CancellationToken,
    ) -> Result<Arrival, HandshakeOutcome> {
        let handshake = self.handshake(socket, turned_out);
        let stream = timeout(self.patience, handshake).await.map_err(|_| HandshakeOutcome::Timeout)??;
        let now = (self.clock)();
        let identity = self.identify(&stream, now);
        let not_after = identity.as_ref().map_or(i64::MAX, ClientIdentity::not_after);
        let (party, seat) = self.live.seat(identity, Instant::now()).map_err(|_| HandshakeOutcome::Full)?;
        // The last second of a certificate still belongs to it (RFC 5280 §4.1.2.5).
        let certificate_ends_in =
            Duration::from_secs(not_after.saturating_sub(now).try_into().unwrap_or(0) + 1);
        Ok(Arrival { stream, party, seat, certificate_ends_in })
    }

    async fn handshake(
        &self,
        socket: TcpStream,
        turned_out: CancellationToken,
    ) -> Result<TlsStream<TcpStream>, HandshakeOutcome> {
        // Answers are one small write each; waiting to fill a segment would add 40 ms to every one.
        socket.set_nodelay(true).map_err(broken)?;
        let hello = tokio::select! {
            hello = LazyConfigAcceptor::new(HelloReader::default(), socket) => hello.map_err(broken)?,
            () = turned_out.cancelled() => return Err(HandshakeOutcome::TurnedOut),
        };
        // Offering other protocols than ours gets the alert from rustls; offering none would be let through (R-TLS-05).
        if hello.client_hello().alpn().is_none() {
            return Err(HandshakeOutcome::NoH2);
        }
        let _slot = self.slots.acquire().await.map_err(|_| HandshakeOutcome::Full)?;
        let stream = hello.into_stream(self.tls.current()).await.map_err(|error| refused(&error))?;
        if stream.get_ref().1.alpn_protocol() == Some(self.protocol) {
            Ok(stream)
        } else {
            Err(HandshakeOutcome::NoH2)
        }
    }

    /// The name in the certificate that the handshake has verified, or none.
    fn identify(&self, stream: &TlsStream<TcpStream>, now: i64) -> Option<ClientIdentity> {
        let leaf = stream.get_ref().1.peer_certificates()?.first()?;
        ClientIdentity::from_certificate(leaf, now, &self.profile)
            .inspect_err(|error| tracing::info!(%error, "a connection without an organization"))
            .ok()
    }
}

/// The latest sockets that may be silent; the next one turns out the oldest.
///
/// A socket that has spoken keeps its token here until it is the oldest, and is then turned out to no effect.
#[derive(Debug)]
pub(crate) struct WaitingRoom {
    seats: VecDeque<CancellationToken>,
    size: usize,
}

impl WaitingRoom {
    pub(super) fn new(size: usize) -> Self {
        Self { seats: VecDeque::new(), size: size.max(1) }
    }

    /// A place for one more.
    pub(crate) fn enter(&mut self) -> CancellationToken {
        while self.seats.len() >= self.size
            && let Some(oldest) = self.seats.pop_front()
        {
            oldest.cancel();
        }
        let token = CancellationToken::new();
        self.seats.push_back(token.clone());
        token
    }
}

impl HandshakeOutcome {
    pub(super) const ALL: [Self; 7] =
        [Self::Accepted, Self::TurnedOut, Self::Timeout, Self::Broken, Self::NoH2, Self::Tls, Self::Full];

    /// Label of the metric.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::TurnedOut => "turned_out",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::NoH2 => "no_h2",
            Self::Tls => "tls",
            Self::Full => "full",
        }
    }
}

/// At a level that a flood does not fill: a vendor's first handshake is what anybody looks this up for.
fn refused(error: &io::Error) -> HandshakeOutcome {
    tracing::debug!(%error, "handshake refused");
    HandshakeOutcome::Tls
}

fn broken(_: io::Error) -> HandshakeOutcome {
    HandshakeOutcome::Broken
}

/// Long enough for descriptors to come back, short enough that nobody notices.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_holds_the_latest() {
        let mut room = WaitingRoom::new(2);
        let [first, second, third] = std::array::from_fn(|_| room.enter());
        assert!(first.is_cancelled());
        assert!(!second.is_cancelled() && !third.is_cancelled());
    }
}
