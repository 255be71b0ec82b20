//! `evidence`: what can be proved of a handoff, as a file for the refund claim and the auditor.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use pmh_audit::{Leaf, tree::leaf_hash};
use pmh_client::receipt::from_wire;
use pmh_proto::handoff::{ExportEvidenceRequest, HandoffEvidence, HandoffStep, HandoffVisit};
use prost::Message as _;
use serde_json::{Value, json};

use super::{One, Told, call};
use crate::cli::counter::Trouble;

/// An export.
#[derive(Debug, clap::Args)]
pub(in crate::cli::municipality) struct Args {
    #[command(flatten)]
    pub(super) one: One,
    /// Where to write it; else `handoff-<UUID>.evidence` here.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Exports. What is written is the answer itself: `pmh-audit verify-evidence` proves it to whoever has both logs' keys.
pub(super) async fn export(args: &Args) -> Result<std::result::Result<Told, Trouble>> {
    let handoff = args.one.handoff.to_string();
    let request = ExportEvidenceRequest { handoff_id: handoff.clone() };
    let response = match call(&args.one.common, &request).await? {
        Ok(response) => response,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("handoff-{handoff}.evidence")));
    std::fs::write(&out, response.encode_to_vec()).with_context(|| format!("writing {}", out.display()))?;
    let evidence = response.evidence.unwrap_or_default();
    let (home, stay) = (evidence.home_steps.len(), evidence.stay_steps.len());
    let out = out.display();
    let document = document(&evidence, &out.to_string())?;
    let ja = format!(
        "{out}: 住民票所在地の記録{home}件、里帰り先の記録{stay}件。両方の監査ログの鍵で検証できます。"
    );
    let en = format!("{out}: {home} entries of home, {stay} of the stay side; both logs' keys verify it");
    Ok(Ok((document, ja, en)))
}

fn document(evidence: &HandoffEvidence, file: &str) -> Result<Value> {
    let steps = |steps: &[HandoffStep]| steps.iter().map(step).collect::<Result<Vec<Value>>>();
    Ok(json!({
        "ok": true,
        "file": file,
        "handoff": evidence.handoff_id,
        "home": evidence.home,
        "stay": evidence.stay,
        "home_steps": steps(&evidence.home_steps)?,
        "stay_steps": steps(&evidence.stay_steps)?,
        "visits": evidence.visits.iter().map(visit).collect::<Vec<Value>>(),
    }))
}

/// The receipt is the C2SP text that any tlog tool verifies.
fn step(step: &HandoffStep) -> Result<Value> {
    let receipt = from_wire(step.receipt.as_ref().context("a step without its receipt")?)?;
    let leaf = Leaf::decode(&receipt.leaf)?;
    let cites: Vec<String> = leaf.refs.iter().map(|cited| BASE64.encode(cited.leaf_hash)).collect();
    Ok(json!({
        "index": receipt.index,
        "leaf_hash": BASE64.encode(leaf_hash(&receipt.leaf)),
        "time": Timestamp::from_microsecond(i64::try_from(leaf.time_us)?)?.to_string(),
        "kind": leaf.kind.name(),
        "method": leaf.method.name(),
        "requester": leaf.requester.as_ref().map(pmh_audit::OrgRef::as_str),
        "cites": cites,
        "message": BASE64.encode(&step.message),
        "receipt": receipt.to_tlog_proof(),
    }))
}

fn visit(visit: &HandoffVisit) -> Value {
    json!({
        "ticket": visit.ticket_number,
        "date": visit.date,
        "fee_yen": visit.fee_yen,
        "cap_yen": visit.cap_yen,
        "entry": visit.entry_index,
        "receipt_number": visit.receipt_number,
        "claim_by": visit.claim_by,
    })
}
