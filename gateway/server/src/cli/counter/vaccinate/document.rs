//! A walk as JSON. Names are those of the contract without their prefixes.

use pmh_proto::vaccination::{Dose, Evaluation, Finding};
use serde_json::{Value, json};

use super::super::document::{instant, merge, text, trouble as refusal, word};
use super::super::trouble::Trouble;
use super::screen::{PAPER, UNKNOWN};
use super::walk::{Ended, Step, Walked};

/// What was said and written down, and the evidence of the last step.
pub(super) fn of(walked: &Walked) -> Value {
    let (outcome, reserved_until, dose) = match &walked.ended {
        Ended::Checked => ("CHECKED", Value::Null, Value::Null),
        Ended::Stopped => ("STOPPED", Value::Null, Value::Null),
        Ended::ReservedElsewhere(until) => ("RESERVED_ELSEWHERE", instant(until.as_ref()), Value::Null),
        Ended::Recorded(known) => ("RECORDED", Value::Null, dose(known)),
    };
    let mut document = json!({
        "ok": matches!(walked.ended, Ended::Checked | Ended::Recorded(_)) && !walked.is_blocked(),
        "outcome": outcome,
        "organization": walked.organization,
        "terminal": walked.terminal,
        "vaccine": walked.shot.vaccine,
        "date": walked.shot.date,
        "evaluation": evaluation(&walked.evaluation),
        "reserved_until": reserved_until,
        "dose": dose,
        "receipts": walked.steps.iter().map(receipt).collect::<Vec<_>>(),
    });
    if let Some(last) = walked.steps.last() {
        merge(&mut document, last.evidence());
    }
    document
}

/// Why nobody knows.
pub(super) fn trouble(trouble: &Trouble) -> Value {
    let mut document = refusal(trouble);
    merge(
        &mut document,
        json!({
            "headline": { "ja": UNKNOWN.0, "en": UNKNOWN.1 },
            "instruction": { "ja": PAPER.0, "en": PAPER.1 },
        }),
    );
    document
}

fn evaluation(said: &Evaluation) -> Value {
    json!({
        "verdict": word(said.verdict().as_str_name(), "VERDICT_"),
        "headline": text(said.headline.as_ref()),
        "dose_number": said.dose_number,
        "episode": said.episode,
        "allowed_from": said.allowed_from,
        "until": said.until,
        "history": word(said.history().as_str_name(), "HISTORY_STATE_"),
        "history_gap": word(said.history_gap().as_str_name(), "HISTORY_GAP_"),
        "age_policy": word(said.age_policy().as_str_name(), "AGE_POLICY_"),
        "rules_version": said.rules_version,
        "findings": said.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(found: &Finding) -> Value {
    let rule = found.rule.clone().unwrap_or_default();
    json!({
        "kind": found.kind,
        "level": word(found.level().as_str_name(), "VERDICT_"),
        "overridable": word(found.overridable().as_str_name(), "OVERRIDABLE_"),
        "overridden": found.overridden,
        "rule": { "id": rule.id, "version": rule.version, "sources": rule.sources, "confirmed": rule.confirmed },
        "allowed_from": found.allowed_from,
        "until": found.until,
        "other_vaccine": found.other_vaccine,
        "text": text(found.text.as_ref()),
    })
}

fn dose(dose: &Dose) -> Value {
    json!({
        "dose_id": dose.dose_id,
        "version": dose.version,
        "status": word(dose.status().as_str_name(), "DOSE_STATUS_"),
        "dose_number": dose.dose_number,
        "payer": dose.payer,
        "authorization_key": dose.authorization_key,
        "override_reason": dose.override_reason,
    })
}

fn receipt(step: &Step) -> Value {
    json!({
        "method": step.path,
        "index": step.proof.index,
        "tree_size": step.proof.checkpoint.size(),
        "origin": step.proof.checkpoint.origin(),
        "verified": true,
    })
}
