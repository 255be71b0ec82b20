//! ErasePerson, PutLegalHold and ReleaseLegalHold.

use pmh_proto::{
    audit::{self as pb, ErasureState, erase_person_request::What, put_legal_hold_request},
    common::Reason,
};
use prost::Message as _;

use super::{auditor::names, convert, fields::Fields, service::Service, status::Refusal};
use crate::ops::{
    Call,
    auditor::Named,
    erasure::{self, Answered, Request, hold},
};

impl Service {
    pub(super) async fn erase(
        &self,
        call: &Call,
        message: &pb::ErasePersonRequest,
    ) -> Result<pb::ErasePersonResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let case = names::reference(&mut checked, "case_reference", &message.case_reference);
        let step = step(&mut checked, message);
        checked.finish()?;
        let (Some(key), Some(case_reference), Some(step)) = (key, case, step) else {
            return Err(Refusal::new(Reason::Internal));
        };
        let kept_until_us = self.gateway.now_us() + ANSWERS_KEPT_US;
        let render =
            move |id: &str, answered: Answered| response(id, answered, kept_until_us).encode_to_vec();
        self.decode(match step {
            Step::Ask(named, ground) => {
                let request = Request { erasure_id: self.random_uuid(), named, case_reference, ground };
                erasure::request(&self.gateway, call, &key, request, render).await?
            }
            Step::Agree(id) => erasure::agree(&self.gateway, call, &key, id, &case_reference, render).await?,
        })
    }

    pub(super) async fn put_hold(
        &self,
        call: &Call,
        message: &pb::PutLegalHoldRequest,
    ) -> Result<pb::PutLegalHoldResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let case = names::reference(&mut checked, "case_reference", &message.case_reference);
        let ground = checked.identifier("ground", &message.ground, LONGEST_GROUND);
        let named = match &message.what {
            None => {
                checked.wrong("what", Reason::Required);
                None
            }
            Some(put_legal_hold_request::What::Entry(entry)) => named_entry(&mut checked, *entry),
            Some(put_legal_hold_request::What::Resident(resident)) => names::resident(&mut checked, resident),
        };
        checked.finish()?;
        let (Some(key), Some(case), Some(_), Some(named)) = (key, case, ground, named) else {
            return Err(Refusal::new(Reason::Internal));
        };
        let render =
            |id: &str| pb::PutLegalHoldResponse { hold_id: id.to_owned(), receipt: None }.encode_to_vec();
        let id = self.random_uuid();
        self.decode(hold::put(&self.gateway, call, &key, &named, id, &case, render).await?)
    }

    pub(super) async fn release_hold(
        &self,
        call: &Call,
        message: &pb::ReleaseLegalHoldRequest,
    ) -> Result<pb::ReleaseLegalHoldResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let id = checked.uuid("hold_id", &message.hold_id);
        let case = names::reference(&mut checked, "case_reference", &message.case_reference);
        checked.finish()?;
        let (Some(key), Some(id), Some(case)) = (key, id, case) else {
            return Err(Refusal::new(Reason::Internal));
        };
        let render = || pb::ReleaseLegalHoldResponse::default().encode_to_vec();
        self.decode(hold::release(&self.gateway, call, &key, id, &case, render).await?)
    }
}

enum Step {
    Ask(Named, String),
    Agree(String),
}

fn step(checked: &mut Fields, message: &pb::ErasePersonRequest) -> Option<Step> {
    let named = match message.what.as_ref() {
        None => {
            checked.wrong("what", Reason::Required);
            return None;
        }
        Some(What::ErasureId(id)) => {
            if !message.ground.is_empty() {
                checked.wrong("ground", Reason::Value);
            }
            return checked.uuid("erasure_id", id).map(Step::Agree);
        }
        Some(What::Entry(entry)) => named_entry(checked, *entry),
        Some(What::Resident(resident)) => names::resident(checked, resident),
    };
    let ground = checked.identifier("ground", &message.ground, LONGEST_GROUND);
    Some(Step::Ask(named?, ground?))
}

/// Entries of the other log go with the person alone: they say who presented a card where, and nothing else.
fn named_entry(checked: &mut Fields, entry: pb::EntryName) -> Option<Named> {
    if entry.log() != pb::Log::Gateway {
        checked.wrong("entry.log", Reason::Value);
        return None;
    }
    Some(Named::Entry(super::audit::which(entry.log), entry.index))
}

fn response(erasure_id: &str, answered: Answered, kept_until_us: i64) -> pb::ErasePersonResponse {
    let response = pb::ErasePersonResponse { erasure_id: erasure_id.to_owned(), ..Default::default() };
    match answered {
        Answered::Requested(expires_us) => pb::ErasePersonResponse {
            state: ErasureState::Requested.into(),
            expire_time: Some(convert::micros(expires_us)),
            ..response
        },
        Answered::Erased(erased_entries) => pb::ErasePersonResponse {
            state: ErasureState::Erased.into(),
            erased_entries,
            answers_expire_time: Some(convert::micros(kept_until_us)),
            ..response
        },
    }
}

const LONGEST_GROUND: usize = 200;
/// First answers of writes are kept seven days (design.md §6.8).
const ANSWERS_KEPT_US: i64 = 7 * 24 * 3600 * 1_000_000;
