//! From the socket to the handler: who calls, whether it may speak now, and for how long.
//!
//! ```text
//! TCP ── listener ── TLS 1.3, client certificate ── live ── connection (h2) ── call ── routes
//!        waiting room   handshake slots, tls         seats    age, drain, cut    │
//!        10,000         256 × 5 s                    50/org                      ├ hygiene, request id
//!                                                                                ├ standing, limits
//!                                                                                ├ deadline, panic
//!                                                                                └ normalize, metrics
//! ```
//!
//! The edge knows organizations, connections and methods. It knows no token, no person and no record: those begin in
//! the handlers. Everything it answers itself is proper gRPC with a reason, because a client library shows its user
//! whatever else it gets as UNKNOWN. Sources: identity research §4 and §9; foundations, findings 2–5.
//!
//! hyper is driven directly, one task per connection, and not through tonic's server: that one has a single age for
//! all connections (so they return together), answers timeouts CANCELLED, and cannot end one connection alone.

mod answer;
mod call;
mod config;
mod connection;
mod deadline;
mod hygiene;
mod limits;
mod listener;
mod live;
mod methods;
mod metrics;
mod normalize;
mod panic;
mod peer;
mod readiness;
mod request_id;
mod server;
mod side;
mod tls;

use std::sync::Arc;

pub use call::CallInfo;
pub use config::{EdgeLimits, Rate};
pub use hygiene::{Authorization, authorization};
pub use live::Live;
pub use methods::Method;
pub use peer::{ConnectionId, OrganizationRegistry, Peer, Standing};
pub use readiness::Readiness;
pub use request_id::RequestId;
pub use server::{Edge, EdgeError, EdgeSetup, Reflection};
pub use tls::{TlsError, TlsStore, server_config, server_config_for};

pub(crate) use listener::accept;
pub(crate) use side::{Guest, SideDoor, Visitor};
pub(crate) use tls::HTTP1;

/// Unix seconds now; compared with the validity of certificates.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Fills a buffer from a cryptographically secure source.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;
