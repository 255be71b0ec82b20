//! Tickets (受診券・補助券): put by their municipality, read, used once, given back, taken back.

mod change;
mod list;
mod put;

pub use change::{Cover, TicketName, Visit, release_ticket, use_ticket, void_ticket};
pub use list::{SeenTicket, ShownUse, list_tickets};
pub use put::{Parsed, put_tickets};

use pmh_domain::checkup::ticket::TicketRefusal;

/// The outcome's number in the contract.
pub fn outcome_number(refusal: Option<TicketRefusal>) -> u16 {
    match refusal {
        None => 1,
        Some(TicketRefusal::Used) => 2,
        Some(TicketRefusal::OtherFacts) => 3,
        Some(TicketRefusal::Void) => 4,
        Some(TicketRefusal::OtherKind) => 5,
        Some(TicketRefusal::OutsideWindow) => 6,
        Some(TicketRefusal::OutsideArea) => 7,
        Some(TicketRefusal::AreaUnknown) => 8,
    }
}

/// A visit as the store knows it: the institution's own id means nothing without the institution.
fn visit_id(institution: &str, record_id: &str) -> String {
    format!("{institution}/{record_id}")
}
