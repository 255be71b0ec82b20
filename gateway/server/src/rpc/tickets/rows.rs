//! Rows of PutTickets: every problem of a row at once, by field.

use pmh_domain::{
    checkup::{
        kind::CheckupKind,
        ticket::{ExtraRule, Ticket, TicketPart, TicketState},
    },
    organization::IssuerId,
    time::DateRange,
};
use pmh_proto::{
    checkup::{self as pb, put_tickets_request, ticket_row::What},
    common::{self, Reason},
};
use pmh_store::{
    RowVerdict,
    ticket::{Issued, TicketRow},
};

use super::{
    super::{
        bulk::{self, Item},
        fields::Fields,
        status::Refusal,
    },
    parse,
};
use crate::ops::{bulk::Received, tickets::Parsed};

pub(super) fn item(message: pb::PutTicketsRequest) -> Item<pb::TicketRow> {
    match message.item {
        Some(put_tickets_request::Item::Header(header)) => Item::Header(header),
        Some(put_tickets_request::Item::Row(row)) => Item::Row(row),
        None => Item::Nothing,
    }
}

pub(super) fn parsed(issuer: IssuerId, rows: Vec<pb::TicketRow>) -> Result<Vec<Received<Parsed>>, Refusal> {
    rows.into_iter()
        .map(|row| {
            let row_id = row.row_id.clone();
            bulk::received(row, &row_id, Vec::new(), |row| judged(issuer, &row))
        })
        .collect()
}

fn judged(issuer: IssuerId, row: &pb::TicketRow) -> Parsed {
    let mut checked = Fields::default();
    let value = match &row.what {
        Some(What::Ticket(row)) => {
            ticket(&mut checked, issuer, row).map(|issued| TicketRow::Ticket(Box::new(issued)))
        }
        Some(What::ExtraVisits(row)) => rule(&mut checked, issuer, row).map(TicketRow::Extra),
        None => {
            checked.wrong("what", Reason::Required);
            None
        }
    };
    let refusal = match (checked.finish(), value) {
        (Ok(()), Some(value)) => return (RowVerdict::Accepted(value), Vec::new()),
        (Ok(()), None) => parse::wrong(),
        (Err(refusal), _) => refusal,
    };
    let said: Vec<_> =
        refusal.fields().iter().map(|field| (field.path.clone(), field.reason, false)).collect();
    let verdict = match refusal.reason() {
        Reason::IndividualNumberForbidden => RowVerdict::Quarantined {
            field: said.first().map(|(field, ..)| field.clone()).unwrap_or_default(),
        },
        _ => RowVerdict::Rejected,
    };
    (verdict, said)
}

fn ticket(checked: &mut Fields, issuer: IssuerId, row: &pb::IssuedTicket) -> Option<Issued> {
    let number = checked.identifier("ticket.number", &row.number, parse::MAX_ID);
    let resident_key = checked.identifier("ticket.resident_key", &row.resident_key, parse::MAX_KEY);
    let kind = parse::kind(checked, "ticket.kind", row.kind);
    let part = checked.word::<pb::TicketPart>("ticket.part", row.part).and_then(parse::part);
    let area = checked.word::<pb::TicketArea>("ticket.area", row.area).and_then(parse::area);
    let window = range(checked, "ticket.valid", row.valid.as_ref());
    let on = checked.date("ticket.issued_on", &row.issued_on);
    if row.cap_yen > parse::MAX_YEN {
        checked.wrong("ticket.cap_yen", Reason::Value);
    }
    let pregnancy = pregnancy(checked, row, kind, part);
    let children = small(checked, "ticket.children", row.children.max(1), MOST_CHILDREN);
    let state = TicketState::Issued;
    let ticket = Ticket {
        issuer,
        number: number?,
        kind: kind?,
        part: part?,
        cap_yen: row.cap_yen,
        window: window?,
        area: area?,
        state,
    };
    Some(Issued { resident_key: resident_key?, on: on?, pregnancy: pregnancy?, children: children?, ticket })
}

/// Required where tickets are counted; elsewhere it may be told.
fn pregnancy(
    checked: &mut Fields,
    row: &pb::IssuedTicket,
    kind: Option<CheckupKind>,
    part: Option<TicketPart>,
) -> Option<String> {
    let is_counted = kind == Some(CheckupKind::Pregnancy) && part == Some(TicketPart::Basic);
    if row.pregnancy.is_empty() && !is_counted {
        return Some(String::new());
    }
    checked.identifier("ticket.pregnancy", &row.pregnancy, parse::MAX_KEY)
}

fn rule(checked: &mut Fields, issuer: IssuerId, row: &pb::ExtraVisits) -> Option<ExtraRule> {
    let window = range(checked, "extra_visits.window", row.window.as_ref());
    let singleton = small(checked, "extra_visits.singleton", row.singleton, MOST_EXTRA);
    let multiple = small(checked, "extra_visits.multiple", row.multiple, MOST_EXTRA);
    Some(ExtraRule { issuer, window: window?, singleton: singleton?, multiple: multiple? })
}

fn range(checked: &mut Fields, path: &str, range: Option<&common::DateRange>) -> Option<DateRange> {
    let range = range.cloned().unwrap_or_default();
    let from = checked.date(&format!("{path}.from"), &range.from);
    let to = checked.date(&format!("{path}.to"), &range.to);
    let (from, to) = from.zip(to)?;
    DateRange::new(from, to).map_err(|_| checked.wrong(format!("{path}.to"), Reason::IntervalReversed)).ok()
}

fn small(checked: &mut Fields, path: &str, number: u32, most: u8) -> Option<u8> {
    let parsed = u8::try_from(number).ok().filter(|number| *number <= most);
    if parsed.is_none() {
        checked.wrong(path, Reason::Value);
    }
    parsed
}

const MOST_EXTRA: u8 = 30;
const MOST_CHILDREN: u8 = 9;
