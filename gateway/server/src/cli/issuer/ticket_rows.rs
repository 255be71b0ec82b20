//! Tickets that were read, as the contract sends them.

use std::collections::BTreeSet;

use pmh_domain::checkup::ticket::TicketPart as Part;
use pmh_intake::{Area, Intake, TicketLine};
use pmh_proto::checkup::{IssuedTicket, TicketArea, TicketPart, TicketRow, ticket_row::What};
use pmh_proto::common::DateRange;

use super::checkup_rows;
use super::rows::{Batch, Rows};

/// Every row is a ticket.
pub(super) fn tickets(intake: &Intake<TicketLine>) -> Batch {
    Batch { rows: Rows::Tickets(intake.rows.iter().map(row).collect()), repeated: BTreeSet::new() }
}

fn row(line: &TicketLine) -> TicketRow {
    let line = line.clone();
    let ticket = IssuedTicket {
        number: line.number,
        resident_key: line.resident_key,
        kind: checkup_rows::kind(line.kind),
        part: part(line.part).into(),
        cap_yen: line.cap_yen,
        valid: Some(DateRange { from: line.valid_from.to_string(), to: line.valid_to.to_string() }),
        area: area(line.area).into(),
        issued_on: line.issued_on.to_string(),
        pregnancy: line.pregnancy.unwrap_or_default(),
        children: line.children.unwrap_or_default(),
    };
    TicketRow { row_id: line.row_id, what: Some(What::Ticket(ticket)) }
}

fn part(part: Part) -> TicketPart {
    match part {
        Part::Basic => TicketPart::Basic,
        Part::Ultrasound => TicketPart::Ultrasound,
        Part::Blood => TicketPart::Blood,
        Part::BloodCount => TicketPart::BloodCount,
        Part::Gbs => TicketPart::Gbs,
    }
}

fn area(area: Area) -> TicketArea {
    match area {
        Area::Anywhere => TicketArea::Anywhere,
        Area::Prefecture => TicketArea::Prefecture,
        Area::Municipality => TicketArea::Municipality,
    }
}
