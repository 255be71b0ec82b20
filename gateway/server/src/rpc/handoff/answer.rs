//! Outcomes become messages.

use pmh_domain::handoff::{Category, State, StayState};
use pmh_proto::{checkup, handoff as pb};
use pmh_store::checkup::KeptCheckup;
use prost::Message as _;

use super::{
    super::{checkup::record, convert},
    wire, words,
};
use crate::ops::handoff::{Chunk, Listed, Standing};

pub(super) fn list(handoffs: &[Listed], has_more: bool) -> pb::ListHandoffsResponse {
    pb::ListHandoffsResponse { handoffs: handoffs.iter().map(summary).collect(), has_more, receipt: None }
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
pub(super) fn at_home(category: Category, kept: &[KeptCheckup]) -> Vec<u8> {
    let records = pb::HandoffRecords {
        category: words::category(category).into(),
        child: 0,
        checkups: kept.iter().map(without_homes_names).collect(),
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
