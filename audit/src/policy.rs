//! Whose word makes a checkpoint believable: C2SP tlog-policy, a text of logs, witnesses, groups of k out of n, and one
//! quorum.
//!
//! A [`Policy`] cannot be wrong: every group refers to what stands before it, no witness counts twice, and the quorum is
//! defined. So judging a checkpoint has no failure of its own.

mod parse;

pub use parse::{PolicyError, PolicyFault};

use std::borrow::Cow;

use crate::note::{CheckpointError, Cosignature, Cosigned, VerifierKey, WitnessKey};

/// Logs, witnesses, and the quorum that a checkpoint needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Quorum,
}

/// A log that the policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    key: VerifierKey,
    url: Option<Text>,
}

/// A witness that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    name: Text,
    key: WitnessKey,
    url: Option<Text>,
}

/// At least `threshold` of the members; 1 <= threshold <= members, and every member stands before the group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// Places in the policy's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    /// The log's word alone.
    None,
    Of(Member),
}

/// Opaque octets, as the specification has names and URLs.
type Text = Vec<u8>;

/// Why a policy does not accept a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// The policy names logs, and this is none of them.
    #[error("the policy does not name this log")]
    Log,
    /// The note is not a checkpoint of the log, or a line of a known witness is wrong.
    #[error("the checkpoint does not verify")]
    Checkpoint(#[source] CheckpointError),
    /// It is signed, but too few witnesses cosigned it.
    #[error("the witnesses that cosigned are no quorum")]
    Quorum,
}

impl Policy {
    /// Reads a policy text.
    pub fn parse(text: &[u8]) -> Result<Self, PolicyError> {
        parse::parse(text)
    }

    /// Opens a checkpoint of a log that the policy accepts, with the cosignatures of the policy's witnesses, and demands
    /// the quorum. A policy without logs leaves the log to the caller.
    pub fn open(&self, note: &[u8], log: &VerifierKey) -> Result<Cosigned, NotAccepted> {
        if !self.logs.is_empty() && self.logs.iter().all(|known| known.key != *log) {
            return Err(NotAccepted::Log);
        }
        let witnesses: Vec<WitnessKey> = self.witnesses.iter().map(|witness| witness.key.clone()).collect();
        let cosigned = Cosigned::open(note, log, &witnesses).map_err(NotAccepted::Checkpoint)?;
        if self.is_met_by(cosigned.cosignatures()) { Ok(cosigned) } else { Err(NotAccepted::Quorum) }
    }

    /// Whether these cosignatures are a quorum. Those of witnesses that the policy does not know count nothing.
    pub fn is_met_by(&self, cosignatures: &[Cosignature]) -> bool {
        self.is_met(|key| cosignatures.iter().any(|cosignature| cosignature.witness() == key))
    }

    /// The logs, in the order of the text.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the order of the text.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    fn is_met(&self, cosigned: impl Fn(&WitnessKey) -> bool) -> bool {
        let witnesses: Vec<bool> = self.witnesses.iter().map(|witness| cosigned(&witness.key)).collect();
        // Each group knows only what stands before it, so one pass in order settles all.
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let met = group.members.iter().filter(|member| member.holds(&witnesses, &groups)).count();
            groups.push(met >= group.threshold);
        }
        match self.quorum {
            Quorum::None => true,
            Quorum::Of(member) => member.holds(&witnesses, &groups),
        }
    }
}

impl Member {
    fn holds(self, witnesses: &[bool], groups: &[bool]) -> bool {
        let (list, at) = match self {
            Self::Witness(at) => (witnesses, at),
            Self::Group(at) => (groups, at),
        };
        list.get(at).copied().unwrap_or(false)
    }
}

impl PolicyLog {
    /// Its key, named after its origin.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where it can be reached, if the policy says so.
    pub fn url(&self) -> Option<Cow<'_, str>> {
        self.url.as_deref().map(String::from_utf8_lossy)
    }
}

impl PolicyWitness {
    /// Its name within the policy, for display: names are opaque octets and compared as such.
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// Its key.
    pub fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// Its submission prefix, if the policy says so.
    pub fn url(&self) -> Option<Cow<'_, str>> {
        self.url.as_deref().map(String::from_utf8_lossy)
    }
}
