//! One file per use case. An operation takes domain values and a call that the
//! edge has identified, asks the policy for a permit, and gives a recorded
//! outcome or a refusal. It knows neither tonic nor SQL; how an outcome is
//! encoded is passed in, because the log commits to the very bytes that are sent.

pub mod bulk;
pub mod call;
pub mod directory;
pub mod entitlements;
pub mod gateway;
pub mod links;
pub mod log;
pub mod presence;
pub mod refusals;
pub mod residents;
pub mod verify;

pub use call::Call;
pub use gateway::{Gateway, GatewaySetup};

use pmh_proto::common::Reason;
use pmh_store::Fault;

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
