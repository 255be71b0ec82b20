//! Tickets (受診券・補助券): issued in bulk, used once, given back, taken back.
//!
//! Every step is decided under the log's head lock on the very row it is about, and written on condition of the state
//! that was decided on: a condition that does not hold undoes the step. A ticket belongs to the person it was issued
//! to, whichever of several references a card opens.

mod put;
mod read;
mod step;

pub use put::{TicketChunk, TicketRow};
pub use read::{PersonTickets, TicketsOf};
pub use step::{TicketKey, TicketOf, TicketStep};

use jiff::civil::Date;
use pmh_domain::checkup::ticket::{Ticket, TicketState};
use serde::{Deserialize, Serialize};

use crate::{
    Fault, SubjectRef,
    db::Row,
    gateway::{format, parse},
};

/// A ticket as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptTicket {
    /// The reference it was issued to.
    pub subject: SubjectRef,
    /// What was issued, and where it stands.
    pub issued: Issued,
}

/// What an issuer says of a ticket beside the ticket itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The issuer's key of the person.
    pub resident_key: String,
    /// Day of issue.
    pub on: Date,
    /// The issuer's id of the pregnancy, if it is counted by one; else empty.
    pub pregnancy: String,
    /// Children expected in it, at least 1.
    pub children: u8,
    /// The ticket.
    pub ticket: Ticket,
}

/// Numbers of the states in the table.
fn number(state: &TicketState) -> i64 {
    match state {
        TicketState::Issued => 1,
        TicketState::Used(_) => 2,
        TicketState::Void { .. } => 3,
    }
}

/// The visit that used it; empty if none did.
fn record_id(state: &TicketState) -> &str {
    match state {
        TicketState::Used(used) => &used.record_id,
        TicketState::Issued | TicketState::Void { .. } => "",
    }
}

/// From `subject_ref, body`.
fn kept(row: &Row) -> Result<KeptTicket, Fault> {
    Ok(KeptTicket { subject: row.array(0, "ticket")?, issued: parse(&row.text(1)?, "ticket")? })
}

fn body(issued: &Issued) -> Result<String, Fault> {
    format(issued)
}

pmh_domain::withheld!(KeptTicket, Issued);
