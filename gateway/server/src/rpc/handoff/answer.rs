//! Outcomes become messages.

use jiff::civil::Date;
use pmh_domain::{
    entitlement::Entitlement,
    handoff::{State, StayState},
};
use pmh_proto::{checkup, handoff as pb};
use pmh_store::{checkup::KeptCheckup, vaccination::StoredDose};
use prost::Message as _;

use super::{
    super::{checkup::record, convert},
    newborn, request, wire, words,
};
use crate::ops::handoff::{Chunk, Guest, Listed, Requested, Shown, Standing};

pub(super) fn list(
    handoffs: &[Listed],
    requests: &[Requested],
    has_more: bool,
    today: Date,
) -> pb::ListHandoffsResponse {
    pb::ListHandoffsResponse {
        handoffs: handoffs.iter().map(summary).collect(),
        has_more,
        requests: requests.iter().map(|requested| request::summary(requested, today)).collect(),
        receipt: None,
    }
}

fn summary(listed: &Listed) -> pb::HandoffSummary {
    let terms = listed.offer.terms();
    let side = match listed.standing {
        Standing::Home(_) => pb::HandoffSide::Home,
        Standing::Stay(_) => pb::HandoffSide::Stay,
    };
    let duty = |duty: &_| words::duty(*duty).into();
    pb::HandoffSummary {
        handoff_id: wire::id_text(terms.handoff),
        side: side.into(),
        home: wire::urn(terms.home),
        stay: wire::urn(terms.stay),
        state: state(listed.standing).into(),
        first_day: terms.period.first().to_string(),
        last_day: listed.last.to_string(),
        answer_by: terms.answer_by.to_string(),
        resident_key: listed.resident_key.clone(),
        duties: terms.duties.iter().map(duty).collect(),
        held_by_stay: listed.held_by_stay.iter().map(duty).collect(),
        fence: listed.fence,
        unsent: listed.unsent,
        offered_at: Some(convert::instant(listed.offered_at)),
        asked_last_day: listed.asked_last.map(|day| day.to_string()).unwrap_or_default(),
        unacknowledged: listed.unacknowledged,
        overdue: listed.overdue,
    }
}

fn state(standing: Standing) -> pb::HandoffState {
    match standing {
        Standing::Home(State::Offered) | Standing::Stay(StayState::Offered) => pb::HandoffState::Offered,
        Standing::Home(State::Accepted) | Standing::Stay(StayState::Accepted) => pb::HandoffState::Accepted,
        Standing::Home(State::Active) | Standing::Stay(StayState::Active) => pb::HandoffState::Active,
        Standing::Home(State::Returned) | Standing::Stay(StayState::Returned) => pb::HandoffState::Returned,
        Standing::Home(State::Declined) | Standing::Stay(StayState::Declined) => pb::HandoffState::Declined,
        Standing::Home(State::Closed) | Standing::Stay(StayState::Over) => pb::HandoffState::Closed,
        Standing::Home(State::Withdrawn) => pb::HandoffState::Withdrawn,
        Standing::Home(State::Expired) => pb::HandoffState::Expired,
    }
}

/// Home's answer to its guest, encoded without its receipt.
pub(super) fn at_home(guest: Guest, shown: &Shown) -> Vec<u8> {
    let records = pb::HandoffRecords {
        category: words::category(guest.category).into(),
        child: guest.child.into(),
        checkups: shown.checkups.iter().map(without_homes_names).collect(),
        doses: shown.doses.iter().map(given).collect(),
        entitlements: shown.entitlements.iter().map(entitlement).collect(),
        births: shown.newborns.iter().map(newborn::summary).collect(),
    };
    pb::ReadRecordsResponse { records: Some(records), receipt: None }.encode_to_vec()
}

/// The officer's answer, made of home's.
pub(super) fn at_stay(chunk: &Chunk) -> pb::ReadHandoffRecordsResponse {
    let told = pb::ReadRecordsResponse::decode(chunk.response.as_slice()).unwrap_or_default();
    pb::ReadHandoffRecordsResponse {
        records: told.records,
        home_entry: Some(pb::HandoffEntryName { index: chunk.index, leaf_hash: chunk.leaf_hash.to_vec() }),
        receipt: None,
    }
}

/// A dose without home's names of it and of the paper it was given under.
fn given(dose: &StoredDose) -> pmh_proto::vaccination::Dose {
    let mut dose = super::super::vaccination::dose(dose);
    for name in
        [&mut dose.dose_id, &mut dose.authorization_key, &mut dose.override_reason, &mut dose.change_reason]
    {
        name.clear();
    }
    dose
}

fn entitlement(right: &Entitlement) -> pb::HandoffEntitlement {
    pb::HandoffEntitlement {
        certification_name: right.certification_name.clone(),
        law_no: right.group.law_no().to_string(),
        valid_from: right.validity.from().to_string(),
        valid_to: right.validity.to().map(|last| last.to_string()).unwrap_or_default(),
        copayments: right.copayments.iter().copied().map(convert::copayment).collect(),
    }
}

/// The two sides share no name of a person, and a record's own id may be made of one.
fn without_homes_names(kept: &KeptCheckup) -> checkup::ReadCheckup {
    let mut record = record(&kept.checkup);
    for name in
        [&mut record.record_id, &mut record.resident_key, &mut record.mother_key, &mut record.pregnancy]
    {
        name.clear();
    }
    checkup::ReadCheckup {
        record: Some(record),
        amended: kept.amended,
        disputed: kept.disputed,
        ..checkup::ReadCheckup::default()
    }
}
