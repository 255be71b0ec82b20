//! Tickets as messages.

use pmh_domain::{
    checkup::ticket::{TicketPart, TicketState},
    entitlement::Area,
    organization::OrganizationId,
};
use pmh_proto::{
    checkup as pb,
    common::{DateRange, Text},
};

use super::super::checkup::parse::kind_word;
use crate::ops::tickets::{Cover, SeenTicket, ShownUse, outcome_number};

pub(super) fn cover(cover: &Cover) -> pb::UseTicketResponse {
    let (ja, en) = cover.refusal.map_or(COVERED, pmh_domain::checkup::ticket::TicketRefusal::words);
    pb::UseTicketResponse {
        outcome: outcome_number(cover.refusal).into(),
        cap_yen: cover.cap_yen,
        issuer_yen: cover.issuer_yen,
        family_yen: cover.family_yen,
        sentence: Some(Text { ja: ja.to_owned(), en: en.to_owned() }),
        receipt: None,
    }
}

pub(super) fn listed(seen: &[SeenTicket]) -> pb::ListTicketsResponse {
    pb::ListTicketsResponse { tickets: seen.iter().map(ticket).collect(), receipt: None }
}

fn ticket(seen: &SeenTicket) -> pb::Ticket {
    let ticket = &seen.ticket;
    let (from, to) = (ticket.window.first().to_string(), ticket.window.last().to_string());
    pb::Ticket {
        issuer: ticket.issuer.organization().urn(),
        number: ticket.number.clone(),
        kind: kind_word(ticket.kind).into(),
        part: part(ticket.part).into(),
        cap_yen: ticket.cap_yen,
        valid: Some(DateRange { from, to }),
        area: area(ticket.area).into(),
        state: state(&ticket.state).into(),
        today: seen.today.into(),
        r#use: seen.shown.as_ref().map(|shown| used(shown, ticket.cap_yen)),
    }
}

fn used(shown: &ShownUse, cap_yen: u32) -> pb::TicketUse {
    let fee_yen = shown.used.fee_yen;
    let issuer_yen = fee_yen.min(cap_yen);
    pb::TicketUse {
        institution: OrganizationId::parse_short(&shown.institution).map(|id| id.urn()).unwrap_or_default(),
        record_id: shown.record_id.clone(),
        date: shown.used.date.to_string(),
        fee_yen,
        issuer_yen,
        family_yen: fee_yen - issuer_yen,
    }
}

fn state(state: &TicketState) -> pb::TicketState {
    match state {
        TicketState::Issued => pb::TicketState::Issued,
        TicketState::Used(_) => pb::TicketState::Used,
        TicketState::Void { .. } => pb::TicketState::Void,
    }
}

fn part(part: TicketPart) -> pb::TicketPart {
    match part {
        TicketPart::Basic => pb::TicketPart::Basic,
        TicketPart::Ultrasound => pb::TicketPart::Ultrasound,
        TicketPart::Blood => pb::TicketPart::Blood,
        TicketPart::BloodCount => pb::TicketPart::BloodCount,
        TicketPart::Gbs => pb::TicketPart::Gbs,
    }
}

fn area(area: Area) -> pb::TicketArea {
    match area {
        Area::Anywhere => pb::TicketArea::Anywhere,
        Area::Prefecture => pb::TicketArea::Prefecture,
        Area::Municipality => pb::TicketArea::Municipality,
    }
}

const COVERED: (&str, &str) = ("受診券を使用しました。", "The ticket pays.");
