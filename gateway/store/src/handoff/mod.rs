//! Handoffs: each side's entries, what was heard from the other side, and what it is still to be told.
//!
//! Guarantees: a step, its entry, what it makes of a message and the message it sends are one commit. The state is never
//! stored: it is the fold of the steps in the log's order, and a step knows the very leaf by which the other side cites it.
//! A record is read under a handoff with a [`pmh_domain::handoff::Disclosure`] alone.

mod alarm;
mod evidence;
mod load;
mod outbox;
mod read;
mod step;

pub use alarm::{LateAlarm, ToldStep};
pub use evidence::{StoredEvidence, UsedTicket};
pub use load::{StoredHandoff, StoredStep};
pub use outbox::DueMessage;
pub use read::{DisclosureOf, GuestRecords, GuestView};
pub use step::{Alarms, HandoffStep, Heard, Loaded, NewHandoff, NewStep};

use pmh_domain::handoff::Side;

/// The number of a side in our tables.
pub(crate) fn number(side: Side) -> i64 {
    match side {
        Side::Home => 1,
        Side::Stay => 2,
    }
}

/// And back.
pub(crate) fn side(number: i64) -> Side {
    if number == self::number(Side::Home) { Side::Home } else { Side::Stay }
}
