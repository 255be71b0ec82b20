//! A visit as JSON. Names are those of the contract without their prefixes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_client::call::Call as _;
use pmh_domain::eligibility::{CounterAction, Text as Words, action_line};
use pmh_proto::common::{DateRange, Text};
use pmh_proto::eligibility::{
    Area, CareType, CopaymentRule, CopaymentUnit, EligibilityResult, Entitlement, Segment,
    VerifyEligibilityRequest,
};
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};

use super::trouble::Trouble;
use super::visit::Visited;
use crate::cli::output::witnesses_json;

/// The answer, its receipt, and the evidence to keep.
pub(super) fn answer(visited: &Visited) -> Value {
    let response = &visited.answer.response;
    let proof = &visited.answer.proof;
    let summary = response.summary.as_ref();
    let mut document = json!({
        "ok": true,
        "organization": visited.organization,
        "terminal": visited.terminal,
        "state": word(response.state().as_str_name(), "ANSWER_STATE_"),
        "summary": {
            "headline": text(summary.and_then(|summary| summary.headline.as_ref())),
            "receptionist": text(summary.and_then(|summary| summary.receptionist.as_ref())),
            "vendor": text(summary.and_then(|summary| summary.vendor.as_ref())),
        },
        "results": response.results.iter().map(result).collect::<Vec<_>>(),
        "notices": visited.notices.iter().map(|notice| word(notice.as_str_name(), "NOTICE_")).collect::<Vec<_>>(),
        "version": response.version,
        "receipt": {
            "index": proof.index,
            "tree_size": proof.checkpoint.size(),
            "origin": proof.checkpoint.origin(),
            "verified": true,
            "witnesses": witnesses_json(response.receipt.as_ref().and_then(|receipt| receipt.witnesses.as_ref())),
        },
    });
    merge(&mut document, evidence(visited));
    document
}

/// What `pmh audit verify-receipt` reads.
pub(super) fn evidence(visited: &Visited) -> Value {
    json!({
        "method": VerifyEligibilityRequest::PATH,
        "request": BASE64.encode(visited.request.encode_to_vec()),
        "response": BASE64.encode(visited.answer.response.encode_to_vec()),
    })
}

/// Why there is no answer.
pub(super) fn trouble(trouble: &Trouble) -> Value {
    let refused = match trouble {
        Trouble::Call(error) => error.refused(),
        _ => None,
    };
    let fields = refused.map(|refused| {
        let field = |field: &pmh_client::refusal::Field| {
            json!({ "path": field.path, "reason": word(field.reason.as_str_name(), "REASON_") })
        };
        refused.fields.iter().map(field).collect::<Vec<_>>()
    });
    // The client believes no refusal whose receipt does not hold.
    let receipt = refused
        .and_then(|refused| refused.receipt.as_ref())
        .map(|receipt| json!({ "index": receipt.index, "tree_size": receipt.tree_size, "verified": true }));
    json!({
        "ok": false,
        "reason": trouble.reason(),
        "headline": words(&action_line(CounterAction::UsePaper)),
        "instruction": words(&trouble.line()),
        "fields": fields.unwrap_or_default(),
        "request_id": refused.and_then(|refused| refused.request_id.as_deref()),
        "receipt": receipt,
    })
}

fn result(result: &EligibilityResult) -> Value {
    json!({
        "group": result.group,
        "group_name": text(result.group_name.as_ref()),
        "issuer": result.issuer,
        "issuer_name": result.issuer_name,
        "outcome": word(result.outcome().as_str_name(), "OUTCOME_"),
        "authoritative": result.authoritative,
        "as_of": instant(result.as_of.as_ref()),
        "counter_action": word(result.counter_action().as_str_name(), "COUNTER_ACTION_"),
        "counter_action_rule": result.counter_action_rule,
        "instruction": text(result.instruction.as_ref()),
        "days": days(result.days.as_ref()),
        "lapsed_on": result.lapsed_on,
        "starts_on": result.starts_on,
        "entitlements": result.entitlements.iter().map(entitlement).collect::<Vec<_>>(),
        "later": result.later.iter().map(segment).collect::<Vec<_>>(),
    })
}

fn segment(segment: &Segment) -> Value {
    json!({
        "days": days(segment.days.as_ref()),
        "outcome": word(segment.outcome().as_str_name(), "OUTCOME_"),
        "authoritative": segment.authoritative,
        "counter_action": word(segment.counter_action().as_str_name(), "COUNTER_ACTION_"),
        "counter_action_rule": segment.counter_action_rule,
        "instruction": text(segment.instruction.as_ref()),
        "lapsed_on": segment.lapsed_on,
        "starts_on": segment.starts_on,
        "entitlements": segment.entitlements.iter().map(entitlement).collect::<Vec<_>>(),
    })
}

fn entitlement(right: &Entitlement) -> Value {
    let conditions = right.additional_conditions.iter();
    let institutions = right.designated_institutions.iter();
    json!({
        "certification_name": right.certification_name,
        "law_no": right.law_no,
        "payer_number": right.payer_number,
        "recipient_number": right.recipient_number,
        "validity": days(right.validity.as_ref()),
        "days_to_expiry": right.days_to_expiry,
        "income_segment": right.income_segment,
        "segment": right.segment,
        "copayments": right.copayments.iter().map(copayment).collect::<Vec<_>>(),
        "additional_conditions": conditions
            .map(|known| json!({ "item": known.item, "condition": known.condition }))
            .collect::<Vec<_>>(),
        "designated_institutions": institutions
            .map(|known| json!({ "code": known.code, "name": known.name }))
            .collect::<Vec<_>>(),
        "always_reimbursement": right.always_reimbursement,
        "area": or_null(right.area() == Area::Unspecified, word(right.area().as_str_name(), "AREA_")),
        "meal_covered": right.meal_covered,
        "priority": right.priority,
        "priority_basis": right.priority_basis,
        "as_of": instant(right.as_of.as_ref()),
        "details": right.details.iter().map(|known| json!({ "label": known.label, "value": known.value })).collect::<Vec<_>>(),
    })
}

fn copayment(rule: &CopaymentRule) -> Value {
    let care = word(rule.care_type().as_str_name(), "CARE_TYPE_");
    let unit = word(rule.unit().as_str_name(), "COPAYMENT_UNIT_");
    json!({
        "care_type": or_null(rule.care_type() == CareType::Unspecified, care),
        "unit": or_null(rule.unit() == CopaymentUnit::Unspecified, unit),
        "amount": rule.amount,
        "per_institution": rule.per_institution,
    })
}

fn or_null(absent: bool, name: &str) -> Value {
    if absent { Value::Null } else { name.into() }
}

pub(super) fn word<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

pub(super) fn text(text: Option<&Text>) -> Value {
    text.map_or(Value::Null, |text| json!({ "ja": text.ja, "en": text.en }))
}

fn words(text: &Words) -> Value {
    json!({ "ja": text.ja, "en": text.en })
}

fn days(range: Option<&DateRange>) -> Value {
    range.map_or(Value::Null, |range| json!({ "from": range.from, "to": range.to }))
}

/// RFC 3339, UTC.
pub(super) fn instant(instant: Option<&Timestamp>) -> Value {
    let known = instant.and_then(|known| jiff::Timestamp::new(known.seconds, known.nanos).ok());
    known.map_or(Value::Null, |known| known.to_string().into())
}

pub(super) fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}
