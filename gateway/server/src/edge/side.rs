//! A second listener behind the same door, for HTTP/1.1.
//!
//! Certificates, register, seats and rates are the edge's own: who is suspended loses these connections too, and what
//! an organization takes here it cannot take there. What is served is none of the edge's business.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::call::Gate;
use super::connection::spread;
use super::limits::Permit;
use super::listener::{Arrival, Doorkeeper, HandshakeOutcome, WaitingRoom};
use super::live::{Party, Seat};
use super::methods::UNKNOWN;
use super::tls::{HTTP1, TlsStore};
use super::{CallInfo, EdgeLimits, Peer, RequestId, hygiene};
use crate::rpc::status::Refusal;

/// The door of a second listener.
pub(crate) struct SideDoor {
    gate: Arc<Gate>,
    door: Doorkeeper,
}

/// Somebody who came in: whom the certificate names, until when, and the stream.
pub(crate) struct Guest {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) visitor: Visitor,
    /// After this the connection is asked to leave.
    pub(crate) age: Duration,
    /// After this it is cut.
    pub(crate) certificate: Duration,
}

/// Who sits on a connection of a second listener.
pub(crate) struct Visitor {
    party: Party,
    seat: Seat,
}

/// The right to be answered; held until the answer is made.
pub(crate) struct Admission {
    pub(crate) peer: Arc<Peer>,
    _permit: Permit,
}

impl SideDoor {
    pub(super) fn new(gate: Arc<Gate>, mut door: Doorkeeper, tls: Arc<TlsStore>) -> Self {
        door.tls = tls;
        door.protocol = HTTP1;
        Self { gate, door }
    }

    /// Numbers of the edge.
    pub(crate) fn limits(&self) -> &EdgeLimits {
        &self.gate.numbers
    }

    /// Sockets that may be silent, beside those of the first listener.
    pub(crate) fn waiting_room(&self) -> WaitingRoom {
        WaitingRoom::new(self.gate.numbers.max_waiting_sockets)
    }

    /// Whether another socket may come in at all.
    pub(crate) fn has_room(&self) -> bool {
        let has_room = self.door.has_room();
        if !has_room {
            self.gate.metrics.handshake(HandshakeOutcome::Full);
        }
        has_room
    }

    /// Lets a socket in, within the time it has.
    pub(crate) async fn admit(&self, socket: TcpStream, turned_out: CancellationToken) -> Option<Guest> {
        let arrival = self.door.admit(socket, turned_out).await;
        let outcome = arrival.as_ref().err().copied().unwrap_or(HandshakeOutcome::Accepted);
        self.gate.metrics.handshake(outcome);
        let Arrival { stream, party, seat, certificate_ends_in } = arrival.ok()?;
        let mut random = [0; 2];
        (self.gate.random)(&mut random);
        let age = spread(self.gate.numbers.connection_age, random);
        Some(Guest { stream, visitor: Visitor { party, seat }, age, certificate: certificate_ends_in })
    }

    /// What a request is called and how long it may take. Drops headers that claim an identity.
    pub(crate) fn begin(&self, headers: &mut HeaderMap) -> CallInfo {
        hygiene::clean(headers);
        CallInfo {
            request_id: RequestId::draw(&self.gate.random),
            deadline: Instant::now() + self.gate.numbers.deadline,
            method: UNKNOWN,
        }
    }

    /// Whether this visitor may speak now.
    pub(crate) fn allow(&self, visitor: &Visitor) -> Result<Admission, Refusal> {
        let (peer, permit) = self.gate.admit(&visitor.party, UNKNOWN)?;
        Ok(Admission { peer, _permit: permit })
    }
}

impl Visitor {
    /// Cancelled when the connection must end now.
    pub(crate) fn cut(&self) -> CancellationToken {
        self.seat.cut.clone()
    }
}
