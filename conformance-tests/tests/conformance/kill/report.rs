//! The comparison of what was told with what is there.

use std::collections::HashMap;
use std::fmt;

use pmh_client::call::WhichLog;
use pmh_conformance::Target;
use pmh_conformance::counter::organization;
use pmh_proto::eligibility::ListEntitlementsRequest;

use super::callers::{Kept, Push};
use super::ledger::Ledger;

/// Something that was told and is not so.
#[derive(Debug)]
#[expect(dead_code, reason = "printed when the check fails")]
pub(crate) enum Loss {
    /// An answer was received whose entry the log does not hold.
    Answer { log: WhichLog, index: u64 },
    /// A checkpoint was received that is not about a beginning of the log.
    Checkpoint { log: WhichLog, size: u64 },
    /// The log's own newest checkpoint does not fit its entries.
    Tree { log: WhichLog, size: u64 },
    /// An acknowledged push of which rows are missing.
    Effect { name: String, present: usize, pushed: usize },
    /// A push that nobody acknowledged, of which a part is there.
    Half { name: String, present: usize, pushed: usize },
}

/// How much was compared.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) answers: usize,
    pub(crate) pushes: usize,
    pub(crate) rows: usize,
    pub(crate) leaves: usize,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answers, pushes, rows, leaves } = self;
        write!(f, "{answers} receipts and {pushes} pushes ({rows} rows) checked against {leaves} leaves")
    }
}

/// Compares everything.
pub(crate) async fn check(target: &Target, ledgers: &[Ledger], kept: &Kept) -> (Checked, Vec<Loss>) {
    let (mut checked, mut losses) = (Checked::default(), Vec::new());
    for ledger in ledgers {
        checked.leaves += ledger.size();
        if !ledger.leads_up_to(ledger.newest()) {
            losses.push(Loss::Tree { log: ledger.log, size: ledger.newest().size() });
        }
        for answer in kept.answers.iter().filter(|answer| answer.log == ledger.log) {
            checked.answers += 1;
            if !ledger.holds(&answer.leaf_hash, answer.index) {
                losses.push(Loss::Answer { log: ledger.log, index: answer.index });
            }
            if !ledger.leads_up_to(&answer.checkpoint) {
                losses.push(Loss::Checkpoint { log: ledger.log, size: answer.checkpoint.size() });
            }
        }
    }
    let present = present(target, kept).await;
    for push in &kept.pushes {
        checked.pushes += 1;
        checked.rows += push.rows;
        let found = present.get(&push.name).copied().unwrap_or_default();
        losses.extend(judged(push, found));
    }
    (checked, losses)
}

fn judged(push: &Push, present: usize) -> Option<Loss> {
    let (name, pushed) = (push.name.clone(), push.rows);
    match (push.acknowledged, present) {
        (_, present) if present == pushed => None,
        (true, present) => Some(Loss::Effect { name, present, pushed }),
        (false, 0) => None,
        (false, present) => Some(Loss::Half { name, present, pushed }),
    }
}

/// Rows that are there, by the name of their push.
async fn present(target: &Target, kept: &Kept) -> HashMap<String, usize> {
    let gateway = target.gateway(organization::HACHIOJI).await.unwrap();
    let mut residents: Vec<&str> = kept.pushes.iter().map(|push| push.resident_key.as_str()).collect();
    residents.sort_unstable();
    residents.dedup();
    let mut present: HashMap<String, usize> = HashMap::new();
    for resident in residents {
        let request = ListEntitlementsRequest { resident_key: resident.to_owned() };
        for row in gateway.call(&request, None).await.unwrap().response.entitlements {
            *present.entry(row.segment).or_default() += 1;
        }
    }
    present
}
