//! Requests about one ticket.

use pmh_domain::{
    checkup::{kind::CheckupKind, ticket::TicketPart},
    codes::MunicipalityCode,
    entitlement::Area,
    organization::{IssuerId, OrganizationId},
};
use pmh_proto::{checkup as pb, common::Reason};

use super::super::{checkup::parse as words, fields::Fields, status::Refusal};
use crate::ops::tickets::{TicketName, Visit};

pub(super) fn visit(checked: &mut Fields, message: &pb::UseTicketRequest) -> Option<Visit> {
    let ticket = ticket(checked, &message.issuer, &message.number);
    let birth_date = checked.optional_date("birth_date", &message.birth_date);
    let record_id = checked.identifier("record_id", &message.record_id, MAX_ID);
    let kind = kind(checked, "kind", message.kind);
    let date = checked.date("date", &message.date);
    let municipality = municipality(checked, &message.institution_municipality);
    let fee_yen = message.fee_yen;
    if fee_yen > MAX_YEN {
        checked.wrong("fee_yen", Reason::Value);
    }
    Some(Visit {
        ticket: ticket?,
        birth_date,
        record_id: record_id?,
        kind: kind?,
        date: date?,
        fee_yen,
        municipality,
    })
}

pub(super) fn ticket(checked: &mut Fields, issuer: &str, number: &str) -> Option<TicketName> {
    let issuer = self::issuer(checked, "issuer", issuer);
    let number = checked.identifier("number", number, MAX_ID);
    Some(TicketName { issuer: issuer?, number: number? })
}

/// URN of a municipality or prefecture.
pub(in crate::rpc) fn issuer(checked: &mut Fields, path: &str, urn: &str) -> Option<IssuerId> {
    if urn.is_empty() {
        checked.wrong(path, Reason::Required);
        return None;
    }
    let issuer = OrganizationId::parse_urn(urn).and_then(|organization| organization.issuer());
    issuer.map_err(|_| checked.wrong(path, Reason::UnknownCode)).ok()
}

pub(super) fn municipality(checked: &mut Fields, code: &str) -> Option<MunicipalityCode> {
    if code.is_empty() {
        None
    } else {
        checked.code("institution_municipality", code, MunicipalityCode::parse)
    }
}

/// An identifier that may be left out.
pub(in crate::rpc) fn optional(checked: &mut Fields, path: &str, text: &str) -> Option<String> {
    if text.is_empty() { None } else { checked.identifier(path, text, MAX_KEY) }
}

pub(in crate::rpc) fn kind(checked: &mut Fields, path: &str, number: i32) -> Option<CheckupKind> {
    checked.word::<pb::CheckupKind>(path, number).and_then(words::kind)
}

pub(super) fn part(word: pb::TicketPart) -> Option<TicketPart> {
    Some(match word {
        pb::TicketPart::Unspecified => return None,
        pb::TicketPart::Basic => TicketPart::Basic,
        pb::TicketPart::Ultrasound => TicketPart::Ultrasound,
        pb::TicketPart::Blood => TicketPart::Blood,
        pb::TicketPart::BloodCount => TicketPart::BloodCount,
        pb::TicketPart::Gbs => TicketPart::Gbs,
    })
}

pub(super) fn area(word: pb::TicketArea) -> Option<Area> {
    Some(match word {
        pb::TicketArea::Unspecified => return None,
        pb::TicketArea::Anywhere => Area::Anywhere,
        pb::TicketArea::Prefecture => Area::Prefecture,
        pb::TicketArea::Municipality => Area::Municipality,
    })
}

/// A field was missing although none was wrong: our mistake.
pub(in crate::rpc) fn wrong() -> Refusal {
    Refusal::new(Reason::Internal)
}

pub(in crate::rpc) const MAX_ID: usize = 64;
pub(super) const MAX_KEY: usize = 100;
pub(super) const MAX_YEN: u32 = 1_000_000;
