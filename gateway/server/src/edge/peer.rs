//! Who holds the other end of a connection.

use std::fmt;

use pmh_auth::peer::ClientIdentity;
use tokio::time::Instant;

/// The caller, as its certificate names it. Every handler finds an `Arc<Peer>` among the request's extensions; there is
/// no other source of a caller's identity (P2).
#[derive(Clone, Debug)]
pub struct Peer {
    identity: ClientIdentity,
    connection: ConnectionId,
    accepted_at: Instant,
}

/// Number of a connection within this process, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub(super) u64);

/// What the registry says of an organization at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Registered, and the kind in its URN is the kind it was registered as.
    Active,
    /// Registered, but may not speak: ORG_SUSPENDED.
    Suspended,
    /// Not registered, or as another kind (R-TLS-12): ORG_IDENTITY_MISSING.
    Unknown,
}

/// The registry of organizations, as far as the edge asks.
///
/// Asked on every call, so that a suspension needs no message to anybody: answer from memory.
pub trait OrganizationRegistry: Send + Sync + 'static {
    /// The standing of `urn:x-pmh:org:<kind>:<code>`.
    fn standing(&self, urn: &str) -> Standing;
}

impl Peer {
    pub(super) fn new(identity: ClientIdentity, connection: ConnectionId, accepted_at: Instant) -> Self {
        Self { identity, connection, accepted_at }
    }

    /// Organization, terminal and certificate.
    pub fn identity(&self) -> &ClientIdentity {
        &self.identity
    }

    /// Which connection it is on.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// When its connection came up.
    pub fn accepted_at(&self) -> Instant {
        self.accepted_at
    }

    /// `urn:x-pmh:org:<kind>:<code>`.
    pub fn urn(&self) -> &str {
        self.identity.organization().as_str()
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
