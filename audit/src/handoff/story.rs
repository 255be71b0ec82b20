//! Whether proved entries make one story: each log in its order, each citation answered, each step in its state.

use sha2::{Digest as _, Sha256};

use super::says::{Says, Statement, heard_by};
use super::{EvidenceError, ProvedStep, Side, Wrong};
use crate::leaf::Kind;
use crate::receipt::Verified;
use crate::tree::Hash;

/// A proved entry, and what it tells.
pub(super) struct Entry {
    pub(super) side: Side,
    pub(super) proved: Verified,
    pub(super) statement: Option<Statement>,
}

/// The steps in one order that could have happened.
pub(super) fn tell(
    home: Vec<Entry>,
    stay: Vec<Entry>,
    exporter: Side,
) -> Result<Vec<ProvedStep>, EvidenceError> {
    for (own, other) in [(&home, &stay), (&stay, &home)] {
        let is_exporters = own.first().is_some_and(|entry| entry.side == exporter);
        along(own).map_err(at)?;
        for (entry, place) in own.iter().zip(0..) {
            pairs(entry, other).map_err(|wrong| at((entry.side, place, wrong)))?;
            if is_exporters {
                let before = own.get(..place).unwrap_or_default();
                heard(entry, before).map_err(|wrong| at((entry.side, place, wrong)))?;
            }
        }
        states(own, is_exporters).map_err(at)?;
    }
    if home.is_empty() {
        return Err(at((Side::Home, 0, Wrong::Missing)));
    }
    merged(home, stay)
}

type Misplaced = (Side, usize, Wrong);

fn at((side, place, wrong): Misplaced) -> EvidenceError {
    EvidenceError::Step { side, place: place + 1, wrong }
}

/// One log, and its order.
fn along(own: &[Entry]) -> Result<(), Misplaced> {
    for ((entry, next), place) in own.iter().zip(own.iter().skip(1)).zip(1..) {
        if entry.origin() != next.origin() {
            return Err((next.side, place, Wrong::OtherLog));
        }
        if next.proved.index <= entry.proved.index || next.time_us() < entry.time_us() {
            return Err((next.side, place, Wrong::Order));
        }
    }
    Ok(())
}

/// What an entry cites is there, older, and something that it can answer.
fn pairs(entry: &Entry, other: &[Entry]) -> Result<(), Wrong> {
    let says = entry.statement.as_ref().map(|statement| statement.says);
    for reference in entry.proved.leaf.refs.iter() {
        let cited = other.iter().find(|cited| cited.proved.leaf_hash == reference.leaf_hash);
        let cited = cited.filter(|cited| cited.origin_sha256() == reference.origin_sha256);
        let cited = cited.ok_or(Wrong::Missing)?;
        if entry.time_us().saturating_add(SKEW_US) < cited.time_us() {
            return Err(Wrong::Backdated);
        }
        answers(entry, says, cited)?;
    }
    match &entry.statement {
        Some(statement) => named(entry, statement, other),
        // An entry of such a kind that tells nothing is there to enter something.
        None if heard_by(entry.side, entry.proved.leaf.kind).is_some() && entry.cites().next().is_none() => {
            Err(Wrong::Cause)
        }
        None => Ok(()),
    }
}

/// Whether the entry can answer the one that it cites.
fn answers(entry: &Entry, says: Option<Says>, cited: &Entry) -> Result<(), Wrong> {
    let possible = match says {
        Some(says) => says.answers(),
        None => heard_by(entry.side, entry.proved.leaf.kind),
    };
    let told = cited.statement.as_ref().map(|statement| statement.says).ok_or(Wrong::Cause)?;
    if possible.is_none_or(|possible| possible.contains(&told) || matches!(told, Says::Other(_))) {
        Ok(())
    } else {
        Err(Wrong::Cause)
    }
}

/// The cause that a statement names is the one that its leaf cites.
fn named(entry: &Entry, statement: &Statement, other: &[Entry]) -> Result<(), Wrong> {
    let Some((index, leaf)) = statement.cause else {
        return if statement.says.stands_alone() { Ok(()) } else { Err(Wrong::Cause) };
    };
    let is_it = |cited: &Entry| cited.proved.leaf_hash == leaf && cited.proved.index == index;
    if !other.iter().any(is_it) {
        return Err(Wrong::Missing);
    }
    if entry.cites().any(|cited| cited == leaf) { Ok(()) } else { Err(Wrong::Cause) }
}

/// In the exporter's own log nothing acts on an entry that was not entered before. Of the other log a file may lack the
/// entry that entered ours: its acknowledgement may still be on its way.
fn heard(entry: &Entry, before: &[Entry]) -> Result<(), Wrong> {
    let Some(statement) = &entry.statement else { return Ok(()) };
    let Some((_, cause)) = statement.cause else { return Ok(()) };
    let is_first = || !before.iter().any(|earlier| earlier.cites().any(|cited| cited == cause));
    if !statement.says.hears() && is_first() {
        return Err(Wrong::Unheard);
    }
    Ok(())
}

/// Where a side stands.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Nothing,
    Offered,
    Accepted,
    Active,
    Returned,
    Over,
}

/// Each step in a state for it.
fn states(own: &[Entry], is_exporters: bool) -> Result<(), Misplaced> {
    let mut phase = Phase::Nothing;
    for (entry, place) in own.iter().zip(0..) {
        let next = match entry.side {
            Side::Home => home(phase, entry),
            // Its own entry of the offer may be missing in home's file; its answers cite the offer all the same.
            Side::Stay if phase == Phase::Nothing && !is_exporters => stay(Phase::Offered, entry),
            Side::Stay => stay(phase, entry),
        };
        phase = next.ok_or((entry.side, place, Wrong::State))?;
    }
    Ok(())
}

fn home(phase: Phase, entry: &Entry) -> Option<Phase> {
    use Phase::{Accepted, Active, Nothing, Offered, Over, Returned};
    let next = match (entry.said(), entry.proved.leaf.kind) {
        (Some(Says::Offer), _) => return (phase == Nothing).then_some(Offered),
        (Some(Says::RequestRefused), _) => return (phase == Nothing).then_some(Over),
        // A request stands in the log before the offer that answers it.
        (None, Kind::Write | Kind::Replay) if phase == Nothing => return Some(Nothing),
        (Some(Says::Confirmed), _) => matches!(phase, Offered | Accepted | Active).then_some(Active),
        (Some(Says::ReturnReceived), _) => (phase == Active).then_some(Returned),
        (Some(Says::Ended), Kind::HandoffWithdraw) => {
            matches!(phase, Offered | Accepted | Active).then_some(Over)
        }
        (Some(Says::Ended), _) | (None, Kind::HandoffClose) => (phase != Over).then_some(Over),
        (Some(Says::Shortened), _) | (None, Kind::HandoffReturn) => (phase == Active).then_some(Active),
        (None, Kind::HandoffAccept) => (phase == Offered).then_some(Accepted),
        (None, Kind::HandoffDecline) => (phase == Offered).then_some(Over),
        _ => Some(phase),
    };
    next.filter(|_| phase != Nothing)
}

fn stay(phase: Phase, entry: &Entry) -> Option<Phase> {
    use Phase::{Accepted, Active, Nothing, Offered, Over, Returned};
    let next = match (entry.said(), entry.proved.leaf.kind) {
        (None, Kind::HandoffOffer) => return matches!(phase, Nothing | Offered).then_some(Offered),
        (Some(Says::Requested), _) if phase == Nothing => return Some(Nothing),
        (None, Kind::HandoffDecline) => return matches!(phase, Nothing | Offered).then_some(Over),
        (Some(Says::Accepted), _) => (phase == Offered).then_some(Accepted),
        (Some(Says::Declined), _) => (phase == Offered).then_some(Over),
        (Some(Says::Extension | Says::GivenBack), _) => matches!(phase, Accepted | Active).then_some(phase),
        (Some(Says::Returned), _) => matches!(phase, Accepted | Active).then_some(Returned),
        (None, Kind::HandoffConfirm) => match phase {
            Accepted => Some(Active),
            Nothing | Offered => None,
            // A longer stay that was granted may arrive after the return.
            Active | Returned | Over => Some(phase),
        },
        (None, Kind::HandoffReturn) => (phase == Returned).then_some(Over),
        (None, Kind::HandoffClose) => Some(Over),
        _ => Some(phase),
    };
    next.filter(|_| phase != Nothing)
}

/// Both logs as one sequence: home's next step once everything that it cites has been told, else the stay side's.
fn merged(home: Vec<Entry>, stay: Vec<Entry>) -> Result<Vec<ProvedStep>, EvidenceError> {
    let leaves: Vec<Hash> = home.iter().chain(&stay).map(|entry| entry.proved.leaf_hash).collect();
    let cited: Vec<Hash> = home.iter().chain(&stay).flat_map(Entry::cites).collect();
    let mut sides = [home.into_iter().peekable(), stay.into_iter().peekable()];
    let mut told: Vec<ProvedStep> = Vec::with_capacity(leaves.len());
    while told.len() < leaves.len() {
        let is_told =
            |leaf: Hash| !leaves.contains(&leaf) || told.iter().any(|step| step.entry.leaf_hash == leaf);
        let ready = |entry: &Entry| entry.cites().all(is_told);
        let next = sides.iter_mut().find_map(|side| side.next_if(ready)).ok_or(EvidenceError::Circle)?;
        let is_answered = cited.contains(&next.proved.leaf_hash);
        told.push(ProvedStep { side: next.side, says: next.said(), is_answered, entry: next.proved });
    }
    Ok(told)
}

impl Entry {
    fn said(&self) -> Option<Says> {
        self.statement.as_ref().map(|statement| statement.says)
    }

    fn cites(&self) -> impl Iterator<Item = Hash> {
        self.proved.leaf.refs.iter().map(|reference| reference.leaf_hash)
    }

    fn origin(&self) -> &str {
        self.proved.checkpoint.origin()
    }

    fn origin_sha256(&self) -> Hash {
        Sha256::digest(self.origin()).into()
    }

    fn time_us(&self) -> u64 {
        self.proved.leaf.time_us
    }
}

/// How far two gateways' clocks may differ.
const SKEW_US: u64 = 5 * 60 * 1_000_000;
