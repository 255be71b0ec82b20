//! Rows of the store become the rules' state, and acts become rows.

use jiff::Timestamp;
use pmh_audit::Kind;
use pmh_domain::handoff::{
    Asking, EntryRef, Home, HomeAct, HomeEntry, LeafHash, Refusal as Refused, RequestAct, RequestEntry,
    Restriction, Side, Stay, StayAct, StayEntry,
};
use pmh_proto::common::Reason;
use pmh_store::handoff::{StoredHandoff, StoredStep};
use serde::{Serialize, de::DeserializeOwned};

/// Home's side; `None` if the rows are none.
///
/// Where somebody here withholds where she is, the other side must see what it would see of nothing: the fold goes on as
/// if the restriction stood in the log of this handoff, from the very commit that set it.
pub(super) fn home(stored: &StoredHandoff) -> Option<Home> {
    let entry = |step: &StoredStep| {
        Some(HomeEntry { name: name(step, Side::Home), at: instant(step.at_us), act: parse(&step.act)? })
    };
    let entries: Option<Vec<HomeEntry>> = since_the_offer(stored).map(entry).collect();
    let mut entries = entries?;
    if stored.is_withheld {
        let last = entries.last()?;
        let act = HomeAct::Restricted(Restriction::OtherSide);
        entries.push(HomeEntry { name: last.name, at: last.at, act });
    }
    Home::rebuild(&entries)
}

/// The stay side; as above.
pub(super) fn stay(stored: &StoredHandoff) -> Option<Stay> {
    let entry = |step: &StoredStep| {
        Some(StayEntry { name: name(step, Side::Stay), at: instant(step.at_us), act: parse(&step.act)? })
    };
    let entries: Option<Vec<StayEntry>> = since_the_offer(stored).map(entry).collect();
    let mut entries = entries?;
    if stored.is_withheld {
        let last = entries.last()?;
        entries.push(StayEntry { name: last.name, at: last.at, act: StayAct::Restricted });
    }
    Stay::rebuild(&entries)
}

/// The request that came before the offer, if one did.
pub(super) fn asking(stored: &StoredHandoff) -> Option<Asking> {
    let entry = |step: &StoredStep| {
        Some(RequestEntry { name: name(step, stored.side), at: instant(step.at_us), act: parse(&step.act)? })
    };
    let entries: Vec<RequestEntry> = stored.steps.iter().map_while(entry).collect();
    Asking::rebuild(&entries)
}

/// A request's own steps come before the offer, and are no part of what follows from it.
fn since_the_offer(stored: &StoredHandoff) -> impl Iterator<Item = &StoredStep> {
    stored.steps.iter().skip_while(|step| parse::<RequestAct>(&step.act).is_some())
}

/// An act as it is kept.
pub(super) fn format(act: &impl Serialize) -> Option<String> {
    serde_json::to_string(act).ok()
}

pub(super) fn instant(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The kind of entry that home makes of an act.
pub(super) fn home_kind(act: &HomeAct) -> Kind {
    match act {
        HomeAct::Offered(_) => Kind::HandoffOffer,
        HomeAct::Accepted { .. } => Kind::HandoffAccept,
        HomeAct::Declined { .. } => Kind::HandoffDecline,
        HomeAct::Confirmed { .. } => Kind::HandoffConfirm,
        HomeAct::GivenBack { .. } | HomeAct::Returned { .. } => Kind::HandoffReturn,
        HomeAct::ConsentGiven(_) | HomeAct::Restricted(_) => Kind::RegistryChange,
        HomeAct::ConsentWithdrawn { .. } | HomeAct::Withdrawn => Kind::HandoffWithdraw,
        HomeAct::Moved { .. } | HomeAct::Closed => Kind::HandoffClose,
        HomeAct::Asked { .. }
        | HomeAct::Reported { .. }
        | HomeAct::Acknowledged { .. }
        | HomeAct::CareApproved(_)
        | HomeAct::Shortened { .. }
        | HomeAct::Born { .. }
        | HomeAct::Lost { .. }
        | HomeAct::LossCorrected { .. }
        | HomeAct::Merged { .. } => Kind::Write,
    }
}

/// The kind of entry that the stay side makes of an act.
pub(super) fn stay_kind(act: &StayAct) -> Kind {
    match act {
        StayAct::OfferReceived { .. } => Kind::HandoffOffer,
        StayAct::Accepted(_) => Kind::HandoffAccept,
        StayAct::Declined(_) => Kind::HandoffDecline,
        StayAct::Confirmed { .. } => Kind::HandoffConfirm,
        StayAct::GaveBack { .. } | StayAct::Returned { .. } | StayAct::ReturnReceived { .. } => {
            Kind::HandoffReturn
        }
        StayAct::ConsentWithdrawn(_) => Kind::HandoffWithdraw,
        StayAct::Ended { .. } => Kind::HandoffClose,
        StayAct::Restricted | StayAct::ConsentGiven { .. } | StayAct::CareEnded { .. } => {
            Kind::RegistryChange
        }
        StayAct::Reported { .. }
        | StayAct::Born(_)
        | StayAct::Lost { .. }
        | StayAct::Acknowledged { .. }
        | StayAct::CareApproved { .. }
        | StayAct::Shortened { .. }
        | StayAct::ChildDuties { .. }
        | StayAct::Asked { .. } => Kind::Write,
    }
}

/// Why the rules do nothing, in the contract's words. Which state it is in is told by ListHandoffs.
pub(super) fn reason(refused: Refused) -> Reason {
    match refused {
        Refused::Unknown => Reason::NotFound,
        Refused::Code => Reason::SubjectMismatch,
        Refused::NotShared => Reason::ConsentRequired,
        _ => Reason::StateNotAllowed,
    }
}

pub(super) fn name(step: &StoredStep, log: Side) -> EntryRef {
    EntryRef { log, index: step.index, leaf: LeafHash(step.leaf_hash) }
}

pub(super) fn parse<T: DeserializeOwned>(act: &str) -> Option<T> {
    serde_json::from_str(act).ok()
}
