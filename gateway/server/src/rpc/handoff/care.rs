//! 産後ケア: home's approval as it travels, and the facility that verifies it.

use pmh_auth::names::Purpose;
use pmh_domain::{
    handoff::{Care, CareAnswer, CareApproval, CareError, OneTimeCode},
    time::DateRange,
};
use pmh_proto::{common::Reason, handoff as pb};

use super::{
    super::{fields::Fields, service::Service, status::Refusal},
    parse, words, wrong,
};
use crate::ops::{
    Call,
    handoff::{self as ops, ShowsCare, VerifiedCare},
};

impl Service {
    pub(super) async fn approve_care(
        &self,
        call: &Call,
        message: &pb::ApprovePostpartumCareRequest,
    ) -> Result<pb::ApprovePostpartumCareResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        if message.approval.is_none() {
            checked.wrong("approval", Reason::Required);
        }
        let approval = message.approval.as_ref().and_then(|approval| parsed(&mut checked, approval));
        checked.finish()?;
        let ((key, id), approval) = named.zip(approval).ok_or_else(wrong)?;
        self.decode(ops::approve_care(&self.gateway, call, &key, id, approval).await?)
    }

    pub(super) async fn verify_care(
        &self,
        call: &Call,
        message: &pb::VerifyPostpartumCareRequest,
    ) -> Result<pb::VerifyPostpartumCareResponse, Refusal> {
        let permit = call.authorize(&self.gateway, Some(Purpose::Treat))?;
        let mut checked = Fields::default();
        let shows = if permit.subject().is_some() {
            Some(by_card(&mut checked, message))
        } else {
            by_code(&mut checked, message)
        };
        let day = checked.optional_date("day", &message.day);
        checked.finish()?;
        let shows = shows.ok_or_else(wrong)?;
        let recorded = ops::verify_care(&self.gateway, call, &permit, shows, day, answer).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }
}

/// An approval as it travels.
pub(super) fn to_wire(approval: &CareApproval) -> pb::HandoffCareApproved {
    pb::HandoffCareApproved {
        kind: words::care(approval.kind()).into(),
        days: approval.days().into(),
        copayment_yen: approval.copayment_yen(),
        first_day: approval.period().first().to_string(),
        last_day: approval.period().last().to_string(),
    }
}

/// And back; `None` if it is none.
pub(super) fn of_wire(wire: &pb::HandoffCareApproved) -> Option<CareApproval> {
    let mut checked = Fields::default();
    let approval = parsed(&mut checked, wire)?;
    checked.finish().ok()?;
    Some(approval)
}

fn parsed(checked: &mut Fields, wire: &pb::HandoffCareApproved) -> Option<CareApproval> {
    let kind = parse::required(checked, "approval.kind", words::to_care(wire.kind));
    let days = parse::required(checked, "approval.days", u8::try_from(wire.days).ok());
    let first = checked.date("approval.first_day", &wire.first_day);
    let (first, last) = first.zip(checked.date("approval.last_day", &wire.last_day))?;
    let Ok(period) = DateRange::new(first, last) else {
        checked.wrong("approval.last_day", Reason::IntervalReversed);
        return None;
    };
    match CareApproval::new(kind?, days?, wire.copayment_yen, period) {
        Ok(approval) => Some(approval),
        Err(error) => {
            checked.wrong(path_of(error), Reason::Value);
            None
        }
    }
}

/// Her card names her; a handoff beside it would be believed to be hers.
fn by_card(checked: &mut Fields, message: &pb::VerifyPostpartumCareRequest) -> ShowsCare {
    for (path, is_empty) in [("handoff_id", message.handoff_id.is_empty()), ("code", message.code.is_empty())]
    {
        if !is_empty {
            checked.wrong(path, Reason::Value);
        }
    }
    ShowsCare::Card
}

fn by_code(checked: &mut Fields, message: &pb::VerifyPostpartumCareRequest) -> Option<ShowsCare> {
    let id = parse::id(checked, &message.handoff_id);
    let code = parse::required(checked, "code", <[u8; 16]>::try_from(message.code.as_slice()).ok());
    id.zip(code).map(|(id, code)| ShowsCare::Code(id, OneTimeCode(code)))
}

fn answer(verified: &VerifiedCare) -> pb::VerifyPostpartumCareResponse {
    let state = match &verified.answer {
        CareAnswer::NoApproval => pb::PostpartumCareState::NoApproval,
        CareAnswer::Over => pb::PostpartumCareState::Over,
        CareAnswer::NotYet => pb::PostpartumCareState::NotYet,
        CareAnswer::UsedUp(_) => pb::PostpartumCareState::UsedUp,
        CareAnswer::Approved(_) => pb::PostpartumCareState::Approved,
    };
    pb::VerifyPostpartumCareResponse {
        state: state.into(),
        care: verified.answer.care().iter().map(|care| shown(care, &verified.approved_by)).collect(),
        receipt: None,
    }
}

fn shown(care: &Care, approved_by: &str) -> pb::PostpartumCare {
    let approval = to_wire(&care.approval);
    pb::PostpartumCare {
        kind: approval.kind,
        days_approved: approval.days,
        days_used: care.used,
        days_left: care.days_left(),
        copayment_yen: approval.copayment_yen,
        first_day: approval.first_day,
        last_day: care.last.to_string(),
        approved_by: format!("urn:x-pmh:org:{approved_by}"),
        home_entry: Some(pb::HandoffEntryName {
            index: care.said.index,
            leaf_hash: care.said.leaf.0.to_vec(),
        }),
        used_tickets: care.tickets.clone(),
    }
}

fn path_of(error: CareError) -> &'static str {
    match error {
        CareError::Copayment => "approval.copayment_yen",
        _ => "approval.days",
    }
}
