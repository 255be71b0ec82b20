//! The list as JSON: what the log proves, and apart from it what the gateway says.

use pmh_audit::part::Audience;
use pmh_client::{MyAccess, MyAccesses};
use pmh_proto::audit::{AccessDisplay, AccessQuestion};
use serde_json::{Value, json};

use super::page::{wanted, when};
use crate::cli::output::hex;

/// The whole list.
pub(super) fn list(list: &MyAccesses, all: bool) -> Value {
    json!({
        "ok": true,
        "complete": true,
        "audience": match list.audience { Audience::Person => "PERSON", Audience::Guardian => "GUARDIAN" },
        "entries": wanted(list, all).map(entry).collect::<Vec<_>>(),
        "count": list.accesses.len(),
    })
}

fn entry(access: &MyAccess) -> Value {
    let said = &access.said;
    let display = said.display().as_str_name().trim_start_matches("ACCESS_DISPLAY_");
    let proved = access.record.as_ref().map(|record| {
        let leaf = &record.leaf;
        json!({
            "time": when(access).map(|time| time.to_string()),
            "kind": leaf.kind.name(),
            "method": leaf.method.name(),
            "purpose": leaf.purpose.name(),
            "categories": leaf.categories.names().collect::<Vec<_>>(),
            "requester": leaf.requester.as_ref().map(ToString::to_string),
            "holder": leaf.holder.as_ref().map(ToString::to_string),
            "outcome": leaf.outcome,
        })
    });
    json!({
        "index": access.index,
        "leaf_hash": hex(&said.leaf_hash),
        "display": display,
        "proved": proved,
        "requester_name": said.requester_name,
        "holder_name": said.holder_name,
        "own_query": said.own_query,
        "withheld_until": (said.display() == AccessDisplay::Withheld)
            .then(|| said.withheld_until.as_ref().map(ToString::to_string)),
        "withheld_ground": said.withheld_ground,
        "question": said.question.as_ref().map(question),
    })
}

fn question(question: &AccessQuestion) -> Value {
    json!({
        "status": question.status().as_str_name().trim_start_matches("QUESTION_STATUS_"),
        "due": question.due_time.as_ref().map(ToString::to_string),
        "answered": question.answer_time.as_ref().map(ToString::to_string),
        "answer": question.answer,
    })
}
