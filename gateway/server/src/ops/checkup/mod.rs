//! Checkups: rows of a batch, its end, its confirmation and undoing, an institution's records, what is kept, what must be
//! read at once.

mod batch;
mod follow_ups;
mod push;
mod reading;
mod record;
mod urgent;
mod visits;

pub use batch::{confirm_batch, end_batch, undo_batch};
pub use follow_ups::{close_follow_up, list_follow_ups};
pub use push::{PushStream, push_rows};
pub use reading::{CheckupPage, OneOf, Place, Seen, Wanted, get_checkup, list_checkups};
pub use record::{Made, record_checkup};
pub use urgent::{acknowledge_urgent_case, list_urgent_cases};
pub use visits::{RawVisit, push_visits};

use pmh_audit::{Kind, OrgRef, Receipt, registry};
use pmh_store::Draft;

use super::Call;

/// An answer as the log committed to it, and its proof.
type Kept = (Vec<u8>, Option<Receipt>);

/// An entry of a municipality about its own records: holder and requester are one.
fn own_draft(call: &Call, kind: Kind, response_sha256: [u8; 32]) -> Draft {
    let mut draft = call.draft(kind, registry::Categories::CHECKUP, None, response_sha256);
    draft.holder = OrgRef::new(call.short()).ok();
    draft
}
