//! Witnesses are shown the newest checkpoint of each log, and what they say is kept.
//!
//! Never inside a call: a counter must not stop for somebody else's server. What depends on them is only their age,
//! which is told (audit.md §2.6, the age rule), and, where the operator wants it, whether ordinary disclosures go on.

use std::time::Duration;

use arc_swap::ArcSwap;
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
    heard: ArcSwap<Heard>,
}

/// What a quorum had cosigned when it was last heard. Read in calls, so it is a value in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// When, by the gateway's clock, in microseconds.
    pub time_us: i64,
    /// Size of the gateway log then; 0: nobody was heard since this process began.
    pub gateway: u64,
    /// Size of the auth log then.
    pub auth: u64,
}

/// How old the last quorum is (audit.md §2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quorum {
    /// Heard within fifteen minutes.
    Fresh,
    /// Not heard for longer: receipts say so.
    Late,
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
    /// These witnesses, none heard yet; their age counts from `now_us`.
    pub fn new(
        list: Vec<Witness>,
        quorum: u32,
        period: Duration,
        stop_after: Option<Duration>,
        now_us: i64,
    ) -> Self {
        let heard = ArcSwap::from_pointee(Heard { time_us: now_us, ..Heard::default() });
        Self { list, quorum, period, stop_after, heard }
    }

    /// A quorum has spoken.
    pub fn hear(&self, heard: Heard) {
        self.heard.store(heard.into());
    }

    /// The last quorum.
    pub fn heard(&self) -> Heard {
        **self.heard.load()
    }

    /// Time since a quorum was heard. A clock that was set back makes nobody late.
    pub fn age(&self, now_us: i64) -> Duration {
        let age = now_us.saturating_sub(self.heard().time_us);
        Duration::from_micros(u64::try_from(age).unwrap_or(0))
    }

    /// What that age means; `None` where nobody witnesses.
    pub fn quorum(&self, now_us: i64) -> Option<Quorum> {
        let quorum = if self.age(now_us) > WARN_AFTER { Quorum::Late } else { Quorum::Fresh };
        (!self.list.is_empty()).then_some(quorum)
    }

    /// Refuses a disclosure that needs witnesses and has none (I25).
    pub(crate) fn permit_disclosure(&self, now_us: i64) -> Result<(), Refusal> {
        match self.stop_after {
            Some(limit) if self.age(now_us) > limit => Err(Refusal::new(Reason::NotCosigned)),
            _ => Ok(()),
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
    let known: Vec<String> = gateway.witnesses.list.iter().map(|witness| witness.key.to_string()).collect();
    let found = gateway.reader(log).newest_cosigned(least, &known, witnesses).await;
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

/// audit.md §2.6.
const WARN_AFTER: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use pmh_audit::note::CosigningKey;

    use super::*;

    const NOW: i64 = 1_790_000_000_000_000;
    const MINUTE: i64 = 60_000_000;

    fn witnesses(stop_after: Option<Duration>) -> Witnesses {
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let key = CosigningKey::from_seed("witness.example/w1", &[1; 32]).unwrap().verifier().clone();
        let witness =
            Witness { url: WitnessUrl::parse("https://witness.example/", tls.into()).unwrap(), key };
        Witnesses::new(vec![witness], 1, Duration::from_secs(10), stop_after, NOW)
    }

    #[test]
    fn i25_ordinary_disclosures_stop_after_the_limit_and_go_on_with_the_next_quorum() {
        let limit = 4 * 60;
        let witnesses = witnesses(Some(Duration::from_mins(limit)));
        let limit = i64::try_from(limit).unwrap() * MINUTE;
        assert!(witnesses.permit_disclosure(NOW + limit).is_ok());
        let refusal = witnesses.permit_disclosure(NOW + limit + 1).unwrap_err();
        assert_eq!(refusal.reason(), Reason::NotCosigned);
        witnesses.hear(Heard { time_us: NOW + limit, gateway: 9, auth: 4 });
        assert!(witnesses.permit_disclosure(NOW + limit + 1).is_ok());
    }

    #[test]
    fn i25_without_a_limit_nothing_stops_and_the_state_is_told() {
        let witnesses = witnesses(None);
        assert_eq!(witnesses.quorum(NOW + 15 * MINUTE), Some(Quorum::Fresh));
        assert_eq!(witnesses.quorum(NOW + 15 * MINUTE + 1), Some(Quorum::Late));
        assert_eq!(witnesses.quorum(NOW - MINUTE), Some(Quorum::Fresh));
        assert!(witnesses.permit_disclosure(i64::MAX).is_ok());
        assert_eq!(Witnesses::default().quorum(i64::MAX), None);
    }
}
