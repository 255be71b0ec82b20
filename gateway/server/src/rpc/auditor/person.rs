//! RequestPersonSearch and ApprovePersonSearch.

use pmh_proto::{
    audit::{self as pb, request_person_search_request::Person},
    common::Reason,
};
use pmh_store::PersonSearch;
use prost::Message as _;

use super::names;
use crate::{
    ops::{
        Call,
        auditor::{self, Named, Request},
    },
    rpc::{audit::which, convert, fields::Fields, service::Service, status::Refusal},
};

impl Service {
    pub(in crate::rpc) async fn request_search(
        &self,
        call: &Call,
        message: &pb::RequestPersonSearchRequest,
    ) -> Result<pb::RequestPersonSearchResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let named = named(&mut checked, message.person.as_ref());
        let case = names::reference(&mut checked, "case_reference", &message.case_reference);
        let ground = checked.identifier("ground", &message.ground, LONGEST_GROUND);
        checked.finish()?;
        let (Some(key), Some(named), Some(case_reference), Some(ground)) = (key, named, case, ground) else {
            return Err(Refusal::new(Reason::Internal));
        };
        let search_id = self.random_uuid();
        let request = Request { search_id, named, case_reference, ground };
        let render = |search_id: &str, expires_us: i64| {
            let response = pb::RequestPersonSearchResponse {
                person_search_id: search_id.to_owned(),
                expire_time: Some(convert::micros(expires_us)),
                receipt: None,
            };
            response.encode_to_vec()
        };
        self.decode(auditor::request(&self.gateway, call, &key, request, render).await?)
    }

    pub(in crate::rpc) async fn approve_search(
        &self,
        call: &Call,
        message: &pb::ApprovePersonSearchRequest,
    ) -> Result<pb::ApprovePersonSearchResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let search_id = checked.uuid("person_search_id", &message.person_search_id);
        let case = names::reference(&mut checked, "case_reference", &message.case_reference);
        checked.finish()?;
        let (Some(key), Some(search_id), Some(case)) = (key, search_id, case) else {
            return Err(Refusal::new(Reason::Internal));
        };
        let render = |found: &PersonSearch| {
            let response = pb::ApprovePersonSearchResponse {
                requester: found.requester.clone(),
                expire_time: Some(convert::micros(found.expires_us)),
                receipt: None,
            };
            response.encode_to_vec()
        };
        self.decode(auditor::approve(&self.gateway, call, &key, search_id, &case, render).await?)
    }
}

fn named(checked: &mut Fields, person: Option<&Person>) -> Option<Named> {
    match person {
        None => {
            checked.wrong("person", Reason::Required);
            None
        }
        Some(Person::Entry(entry)) => Some(Named::Entry(which(entry.log), entry.index)),
        Some(Person::Resident(resident)) => names::resident(checked, resident),
    }
}

const LONGEST_GROUND: usize = 200;
