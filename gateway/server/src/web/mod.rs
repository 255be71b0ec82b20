//! What is served over plain HTTPS beside the calls: pages for auditors, and the logs as tiles.
//!
//! One listener, HTTP/1.1 over the same mutual TLS as the calls, off unless `[web]` is configured. Whoever speaks here
//! is an organization with a client certificate; what it may see is decided by the policy table and the operations
//! behind the calls, never by a page.

mod console;
mod listener;
mod tiles;

use std::sync::Arc;

use axum::Router;

use crate::ops::Gateway;

pub(crate) use listener::Web;

/// Everything that the listener serves. Each request carries its `Arc<Peer>` and its `CallInfo` as extensions.
pub(crate) fn routes(gateway: &Arc<Gateway>) -> Router {
    console::routes(gateway).merge(tiles::routes(gateway))
}
