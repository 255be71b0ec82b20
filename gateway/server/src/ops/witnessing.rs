//! Witnesses are shown the newest checkpoint of each log, and what they say is kept.
//!
//! Never inside a call: a counter must not stop for somebody else's server. What depends on them is only their age,
//! which is told (audit.md §2.6, the age rule), and, where the operator wants it, whether ordinary disclosures go on.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use pmh_audit::{
    Hash, VerifierKey,
    note::{Cosigned, WitnessKey},
    witness::AddCheckpoint,
};
use pmh_proto::common::Reason;
use pmh_store::{CosignedRoot, Fault, StoredCosignature};
use pmh_witness::feed::{FeedError, Said, WitnessUrl};

use super::{
    Gateway,
    log::{Log, consistency, sign},
    unavailable,
};
use crate::rpc::status::Refusal;

/// A witness that this installation shows its logs to.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Where it is.
    pub url: WitnessUrl,
    /// Its verifier key.
    pub key: WitnessKey,
}

/// All of them, and how many are enough.
#[derive(Debug, Default)]
pub struct Witnesses {
    /// Each is asked by itself.
    pub list: Vec<Witness>,
    /// So many make a quorum; 0: none is waited for.
    pub quorum: u32,
    /// Time between two rounds.
    pub period: Duration,
    /// Ordinary disclosures are refused after so long without a quorum; `None`: never.
    pub stop_after: Option<Duration>,
    stopped: AtomicBool,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum Unshown {
    /// It said nothing of use.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// It has seen a larger tree of this log than this database holds: the database was rewound, or somebody else
    /// signs with its key.
    #[error("the witness has seen a tree of {0} entries, which this log does not have")]
    Ahead(u64),
    /// Its line does not verify under its key.
    #[error("the witness's signature does not verify")]
    Line,
    /// Its state and ours do not converge.
    #[error("the witness names another size each time")]
    Restless,
    /// The log could not be read or written.
    #[error("store")]
    Store,
}

impl Witnesses {
    /// These witnesses, none heard yet.
    pub fn new(list: Vec<Witness>, quorum: u32, period: Duration, stop_after: Option<Duration>) -> Self {
        Self { list, quorum, period, stop_after, stopped: AtomicBool::new(false) }
    }

    /// Whether ordinary disclosures go on.
    pub fn set_stopped(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::Relaxed);
    }

    /// Refuses a disclosure that needs witnesses and has none (I25).
    pub(crate) fn permit_disclosure(&self) -> Result<(), Refusal> {
        if self.stopped.load(Ordering::Relaxed) {
            Err(Refusal::new(Reason::AuditUnavailable))
        } else {
            Ok(())
        }
    }
}

/// How a witness came to have cosigned a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It did just now.
    Now,
    /// It had; nobody was asked.
    Before,
}

/// Shows a tree to a witness, from where it stands; keeps its line.
pub async fn show(
    gateway: &Gateway,
    log: Log,
    witness: &Witness,
    (size, root): (u64, Hash),
) -> Result<Shown, Unshown> {
    let key = witness.key.to_string();
    let reader = gateway.reader(log);
    let known =
        reader.newest_cosigned_by(&key).await.map_err(|fault| store(&fault))?.map_or(0, |known| known.size);
    if known == size {
        return Ok(Shown::Before);
    }
    let note = sign(gateway, log, size, root).map_err(|_| Unshown::Store)?;
    let mut from = known.min(size);
    for _ in 0..ATTEMPTS {
        let proof = match from {
            _ if from == 0 || from == size => Vec::new(),
            _ => consistency(gateway, log, from, size).await.map_err(|_| Unshown::Store)?,
        };
        let request = AddCheckpoint::new(from, proof, note.clone()).map_err(|_| Unshown::Store)?;
        match witness.url.add_checkpoint(&request).await? {
            Said::Lines(lines) => {
                let log_key = gateway.log_signer(log).verifier();
                let cosignature = verified(&note, &lines, log_key, &witness.key).ok_or(Unshown::Line)?;
                let kept =
                    StoredCosignature { size, witness: key, line: cosignature.0, time_s: cosignature.1 };
                let kept = gateway.cosigner(log).keep(gateway.attempt(), kept).await;
                return kept.map(|()| Shown::Now).map_err(|fault| store(&fault));
            }
            Said::Size(seen) if seen > size => return Err(Unshown::Ahead(seen)),
            Said::Size(seen) => from = seen,
        }
    }
    Err(Unshown::Restless)
}

/// Line and time of the witness's own signature among what it answered.
fn verified(note: &str, lines: &str, log: &VerifierKey, witness: &WitnessKey) -> Option<(String, u64)> {
    let cosigned =
        Cosigned::open(format!("{note}{lines}").as_bytes(), log, std::slice::from_ref(witness)).ok()?;
    let [cosignature] = cosigned.cosignatures() else { return None };
    Some((cosignature.line().to_owned(), cosignature.time()))
}

/// The newest checkpoint over an entry that so many witnesses cosigned, with their lines.
pub(crate) async fn cosigned_checkpoint(
    gateway: &Gateway,
    log: Log,
    index: u64,
    witnesses: u32,
) -> Result<(u64, String), Refusal> {
    let least = index.saturating_add(1);
    let found = gateway.reader(log).newest_cosigned(least, witnesses).await;
    let CosignedRoot { size, root, lines } =
        found.map_err(|fault| unavailable(&fault))?.ok_or_else(|| Refusal::new(Reason::NotCosigned))?;
    let mut note = sign(gateway, log, size, root)?;
    note.extend(lines.into_iter().map(|cosignature| cosignature.line));
    Ok((size, note))
}

fn store(fault: &Fault) -> Unshown {
    tracing::warn!(error = %fault, "store");
    Unshown::Store
}

/// A witness that others feed too may have moved on between two answers.
const ATTEMPTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i25_disclosures_stop_only_while_told_to() {
        let witnesses = Witnesses::new(Vec::new(), 0, Duration::from_secs(10), None);
        assert!(witnesses.permit_disclosure().is_ok());
        witnesses.set_stopped(true);
        assert_eq!(witnesses.permit_disclosure().unwrap_err().reason(), Reason::AuditUnavailable);
        witnesses.set_stopped(false);
        assert!(witnesses.permit_disclosure().is_ok());
    }
}
