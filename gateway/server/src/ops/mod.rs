//! One file per use case. An operation takes domain values and a call that the
//! edge has identified, asks the policy for a permit, and gives a recorded
//! outcome or a refusal. It knows neither tonic nor SQL; how an outcome is
//! encoded is passed in, because the log commits to the very bytes that are sent.

pub mod accesses;
mod asked;
pub mod auditor;
pub mod births;
pub mod bulk;
pub mod call;
pub mod checkup;
pub mod directory;
pub mod entitlements;
pub mod erasure;
pub mod gateway;
pub mod handoff;
pub mod links;
pub mod log;
pub mod presence;
pub mod questionnaires;
pub mod refusals;
pub mod residents;
pub mod sessions;
pub mod tickets;
pub mod vaccination;
pub mod verify;
pub mod witnessing;

pub use call::Call;
pub use gateway::{Gateway, GatewaySetup};

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use pmh_proto::common::Reason;
use pmh_store::Fault;
use tracing::Instrument as _;

use crate::rpc::status::Refusal;

/// A response without its receipt, whose digest the log commits to.
pub trait Response: Send + 'static {
    /// SHA-256 of the encoded response.
    fn digest(&self) -> [u8; 32];
}

/// The store cannot write or read: nothing was disclosed or changed.
pub(crate) fn unavailable(fault: &Fault) -> Refusal {
    tracing::warn!(error = %fault, "store");
    Refusal::new(match fault {
        Fault::Unavailable(_) => Reason::TryAgain,
        _ => Reason::AuditUnavailable,
    })
}

/// Runs a change of both databases to its end even if the caller goes away or
/// runs out of time: half of it would be worse than none.
pub(crate) async fn uninterrupted<T: Send + 'static>(
    change: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    let task = tokio::spawn(change.in_current_span());
    task.await.unwrap_or_else(|_| Err(Refusal::new(Reason::Internal)))
}

/// Carries an outcome out of a recorded step, whose answer is bytes. A step may
/// run twice; the last run is the one that was committed.
#[derive(Debug)]
pub(crate) struct Carried<T>(Arc<Mutex<Option<T>>>);

impl<T> Carried<T> {
    pub(crate) fn put(&self, outcome: T) {
        if let Ok(mut place) = self.0.lock() {
            *place = Some(outcome);
        }
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().ok()?.take()
    }
}

impl<T> Clone for Carried<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Carried<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
