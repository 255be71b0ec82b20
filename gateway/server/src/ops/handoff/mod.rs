//! The handoff between two municipalities, each on its own gateway and log, or both on this one.
//!
//! A step is decided by the rules (`pmh_domain::handoff`) on the fold of its side's own entries, inside the batch; what it
//! tells the other side leaves through an outbox of the same commit. What arrives is believed only as a
//! [`pmh_domain::handoff::Proven`], which a receipt of the other side's log alone yields.

mod birth;
mod care;
mod change;
mod deliver;
mod evidence;
mod fold;
mod home;
mod link;
mod list;
mod proof;
mod receive;
mod report;
mod request;
mod shown;
mod stay;
mod step;
mod view;
mod watch;

pub use birth::enter_birth;
pub use care::{ShowsCare, VerifiedCare, approve_care, verify_care};
pub use change::{add_consent, answer_last_day, ask_longer, moved};
pub use deliver::deliver_due;
pub use evidence::{Evidence, Visit, evidence};
pub use home::{close, confirm, is_asked_for, offer, withdraw, withdraw_consent};
pub use link::{Links, Peer};
pub use list::{Listed, Standing, list};
pub use receive::receive;
pub use report::{acknowledge_report, report};
pub use request::{Requested, asked_for, refuse_request, request};
pub use shown::Shown;
pub use stay::{accept, decline, give_back, withdraw_consent_here};
pub use view::{Chunk, Guest, disclose, is_open, shared, still_open, view};
pub use watch::{Change, News, count_overdue, disclose_change, overdue, watch_page};

use pmh_audit::{Receipt, ShortText};
use pmh_domain::handoff::{DeclineReason, HandoffId, HomeSays, LeafHash, Request, StaySays};

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
    /// The stay side, before there is an offer.
    Request(Box<Request>),
    /// Home, to that.
    RequestRefused(DeclineReason),
}

/// What every entry about a handoff rests on, in its detail part: by it the auditor finds them all, in the log of either
/// side, and the verifier of a file sees that each is about this one.
fn consent_reference(id: HandoffId) -> ShortText {
    ShortText::new(format!("handoff:{}", crate::rpc::handoff::wire::id_text(id))).unwrap_or_default()
}
