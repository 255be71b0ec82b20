//! ListFollowUps and CloseFollowUp on the wire.

use pmh_domain::{
    checkup::{follow_up::Closing, version::SourceVersion},
    organization::{OrganizationId, OrganizationKind},
};
use pmh_proto::{checkup as pb, common::Reason};
use pmh_store::checkup::{FollowUpPage, FollowUpPlace, NewClosing, OpenFollowUp};
use prost::Message as _;

use super::{
    super::{
        fields::Fields,
        service::Service,
        status::{Refusal, reason_named},
    },
    answer::urn,
    parse, wrong,
};
use crate::ops::{Call, checkup as ops};

impl Service {
    pub(super) async fn open_follow_ups(
        &self,
        call: &Call,
        message: &pb::ListFollowUpsRequest,
    ) -> Result<pb::ListFollowUpsResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let after = after(&mut checked, &message.page_token);
        checked.finish()?;
        let render = |page: &FollowUpPage| listed(page).encode_to_vec();
        self.decode(ops::list_follow_ups(&self.gateway, call, after, render).await?)
    }

    pub(super) async fn end_follow_up(
        &self,
        call: &Call,
        message: &pb::CloseFollowUpRequest,
    ) -> Result<pb::CloseFollowUpResponse, Refusal> {
        self.permit(call)?;
        let municipality = call.issuer()?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let record_id = checked.identifier("record_id", &message.record_id, MAX_RECORD_ID);
        let version = version(&mut checked, &message.source_version);
        let closing = checked.word::<pb::FollowUpClosing>("closing", message.closing).and_then(closing);
        let on = checked.date("date", &message.date);
        let institution = institution(&mut checked, &message.sender);
        checked.finish()?;
        let (Some(key), Some(record_id), Some(version)) = (key, record_id, version) else {
            return Err(wrong());
        };
        let (closing, on) = closing.zip(on).ok_or_else(wrong)?;
        let closing = NewClosing { municipality, institution, record_id, version, closing, on };
        let render = || pb::CloseFollowUpResponse::default().encode_to_vec();
        self.decode(ops::close_follow_up(&self.gateway, call, &key, closing, render).await?)
    }
}

fn version(checked: &mut Fields, text: &str) -> Option<SourceVersion> {
    SourceVersion::parse(text)
        .map_err(|reason| {
            checked.wrong("source_version", reason_named(reason.name()).unwrap_or(Reason::Value));
        })
        .ok()
}

fn closing(word: pb::FollowUpClosing) -> Option<Closing> {
    match word {
        pb::FollowUpClosing::Unspecified => None,
        pb::FollowUpClosing::Examined => Some(Closing::Examined),
        pb::FollowUpClosing::UnderTreatment => Some(Closing::UnderTreatment),
        pb::FollowUpClosing::Resolved => Some(Closing::Resolved),
        pb::FollowUpClosing::HandedOver => Some(Closing::HandedOver),
        pb::FollowUpClosing::Declined => Some(Closing::Declined),
    }
}

/// `<kind>:<code>` of an institution's URN; empty is none.
fn institution(checked: &mut Fields, urn: &str) -> Option<String> {
    if urn.is_empty() {
        return None;
    }
    let named = OrganizationId::parse_urn(urn).ok().filter(|named| named.kind() == OrganizationKind::Clinic);
    if named.is_none() {
        checked.wrong("sender", Reason::Value);
    }
    named.map(|named| named.to_string())
}

/// `<day>/<sender>/<record id>`, as [`listed`] writes it.
fn after(checked: &mut Fields, token: &str) -> Option<FollowUpPlace> {
    if token.is_empty() {
        return None;
    }
    let place = place(token).filter(|place| {
        place.sender.len() <= MAX_RECORD_ID && place.record_id.chars().count() <= MAX_RECORD_ID
    });
    if place.is_none() {
        checked.wrong("page_token", Reason::Value);
    }
    place
}

fn place(token: &str) -> Option<FollowUpPlace> {
    let (day, rest) = token.split_once('/')?;
    let (sender, record_id) = rest.split_once('/')?;
    let (sender, record_id) = (sender.to_owned(), record_id.to_owned());
    Some(FollowUpPlace { day: Some(day.parse().ok()?), sender, record_id })
}

fn listed(page: &FollowUpPage) -> pb::ListFollowUpsResponse {
    let next = page
        .next
        .as_ref()
        .and_then(|place| Some(format!("{}/{}/{}", place.day?, place.sender, place.record_id)));
    pb::ListFollowUpsResponse {
        follow_ups: page.open.iter().map(follow_up).collect(),
        next_page_token: next.unwrap_or_default(),
        receipt: None,
    }
}

fn follow_up(open: &OpenFollowUp) -> pb::FollowUp {
    let checkup = &open.checkup;
    pb::FollowUp {
        record_id: checkup.record_id.clone(),
        source_version: checkup.source_version.to_string(),
        resident_key: open.resident_key.clone(),
        kind: parse::kind_word(checkup.kind).into(),
        date: checkup.date.to_string(),
        disposition: parse::disposition_word(open.disposition).into(),
        sender: urn(&open.institution),
    }
}

const MAX_RECORD_ID: usize = 64;
