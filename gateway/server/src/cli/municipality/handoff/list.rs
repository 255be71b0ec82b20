//! `list`: either side's handoffs and where they stand.

use anyhow::Result;
use pmh_proto::handoff::{HandoffState, HandoffSummary, ListHandoffsRequest};
use serde_json::{Value, json};

use super::words::{state_en, state_ja};
use super::{Common, Told, call};
use crate::cli::counter::Trouble;

pub(super) async fn list(args: &Common) -> Result<std::result::Result<Told, Trouble>> {
    Ok(call(args, &ListHandoffsRequest {}).await?.map(|response| {
        let document: Vec<Value> = response.handoffs.iter().map(document).collect();
        let lines = |words: fn(HandoffState) -> &'static str| {
            let line = |known: &HandoffSummary| {
                format!(
                    "{}  {}  {} – {}",
                    known.handoff_id,
                    words(known.state()),
                    known.first_day,
                    known.last_day
                )
            };
            response.handoffs.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        (json!({ "ok": true, "handoffs": document }), lines(state_ja), lines(state_en))
    }))
}

fn document(known: &HandoffSummary) -> Value {
    json!({
        "handoff": known.handoff_id,
        "home": known.home,
        "stay": known.stay,
        "state": state_en(known.state()),
        "first_day": known.first_day,
        "last_day": known.last_day,
        "answer_by": known.answer_by,
        "resident_key": known.resident_key,
        "fence": known.fence,
        "unsent": known.unsent,
    })
}
