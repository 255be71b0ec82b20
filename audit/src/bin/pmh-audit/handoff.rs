//! `pmh-audit verify-evidence`

use std::path::PathBuf;

use pmh_audit::handoff::{ProvedStep, Says, Side, Visit};
use pmh_audit::{HandoffFile, VerifierKey};
use serde_json::json;

use crate::evidence::{self, Unusable};
use crate::verdict::{Item, Verdict, chain, org, time};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file that `pmh municipality handoff evidence` wrote.
    file: PathBuf,
    /// Public key of a log, NAME+ID+KEY: one for each of the two logs.
    #[arg(long = "key", required = true, value_name = "VKEY")]
    keys: Vec<VerifierKey>,
}

/// Proves every step of a handoff under the keys of both logs, and that none is missing in between.
pub(crate) fn run(args: &Args) -> Result<Verdict, Unusable> {
    let bytes = evidence::read(&args.file)?;
    let verdict = Verdict::new("the handoff happened as the file says, by both logs");
    let proved = match HandoffFile::decode(&bytes).and_then(|file| file.verify(&args.keys)) {
        Ok(proved) => proved,
        Err(error) => return Ok(verdict.wrong(chain(&error))),
    };
    let log = |side| {
        let step = proved.steps.iter().find(|step| step.side == side);
        step.map_or_else(|| "no entry".to_owned(), |step| step.entry.checkpoint.origin().to_owned())
    };
    let waiting = proved.steps.iter().filter(|step| step.says.is_some() && !step.is_answered).count();
    let items = proved.steps.iter().map(step).chain(proved.visits.iter().map(visit));
    Ok(verdict
        .fact("handoff", proved.handoff.as_str())
        .fact("home", format!("{} in {}", proved.home.as_str(), log(Side::Home)))
        .fact("stay", format!("{} in {}", proved.stay.as_str(), log(Side::Stay)))
        .fact("exported by", org(proved.export.leaf.requester.as_ref()))
        .fact("exported at", time(proved.export.leaf.time_us))
        .fact("steps", proved.steps.len())
        .fact("not answered yet", waiting)
        .fact("visits", proved.visits.len())
        .items(items.collect()))
}

fn step(step: &ProvedStep) -> Item {
    let leaf = &step.entry.leaf;
    let (when, says) = (time(leaf.time_us), step.says.map(Says::name));
    let cited = leaf.refs.len();
    Item {
        line: format!(
            "{when}  {:<4} {:>7}  {}{}{}",
            step.side.to_string(),
            step.entry.index,
            leaf.kind,
            says.map(|says| format!(": {says}")).unwrap_or_default(),
            if step.says.is_some() && !step.is_answered { " (not answered yet)" } else { "" },
        ),
        fields: json!({
            "side": step.side.to_string(),
            "index": step.entry.index,
            "time": when,
            "kind": leaf.kind.name(),
            "says": says,
            "method": leaf.method.name(),
            "requester": org(leaf.requester.as_ref()),
            "cites": cited,
            "answered": step.is_answered,
        }),
    }
}

fn visit(visit: &Visit) -> Item {
    Item {
        line: format!(
            "{}  ticket {}: fee {} yen, home pays at most {} yen (entry {})",
            visit.date, visit.ticket, visit.fee_yen, visit.cap_yen, visit.index
        ),
        fields: json!({
            "visit": visit.date,
            "ticket": visit.ticket,
            "fee_yen": visit.fee_yen,
            "cap_yen": visit.cap_yen,
            "entry": visit.index,
            "receipt_number": visit.receipt_number,
            "claim_by": visit.claim_by,
        }),
    }
}
