//! The handoff between two municipalities, each on its own gateway and log, or both on this one.
//!
//! A step is decided by the rules (`pmh_domain::handoff`) on the fold of its side's own entries, inside the batch; what it
//! tells the other side leaves through an outbox of the same commit. What arrives is believed only as a
//! [`pmh_domain::handoff::Proven`], which a receipt of the other side's log alone yields.

mod deliver;
mod fold;
mod home;
mod link;
mod list;
mod proof;
mod receive;
mod stay;
mod step;
mod view;

pub use deliver::deliver_due;
pub use home::{close, confirm, offer, withdraw, withdraw_consent};
pub use link::{Links, Peer};
pub use list::{Listed, Standing, list};
pub use receive::receive;
pub use stay::{accept, decline, give_back, withdraw_consent_here};
pub use view::{Chunk, Guest, disclose, is_open, shared, still_open, view};

use pmh_audit::Receipt;
use pmh_domain::handoff::{HandoffId, HomeSays, LeafHash, StaySays};

/// An answer as the log committed to it, and its proof.
pub type Kept = (Vec<u8>, Option<Receipt>);

/// What one gateway brings the other: a recorded response and its receipt. Nothing in it is believed yet.
#[derive(Debug, Clone)]
pub struct Message {
    /// The response without its receipt.
    pub response: Vec<u8>,
    /// The receipt; its subject part is closed.
    pub receipt: Receipt,
}

/// What a response tells, before anything is proved.
#[derive(Debug, Clone)]
pub struct Told {
    /// Of which handoff.
    pub handoff: HandoffId,
    /// Index and leaf of the entry that it answers.
    pub cause: Option<(u64, LeafHash)>,
    /// By which side, and what.
    pub said: Said,
}

/// Who speaks, and what.
#[derive(Debug, Clone)]
pub enum Said {
    /// Home.
    Home(HomeSays),
    /// The stay side.
    Stay(StaySays),
}
