//! Doses: slots, versions, authorizations, the municipality's feed.
//!
//! "One dose, once" (design.md P7) is kept twice: every decision is made under the log's head lock on the rows it is
//! about, and the primary key of `dose_slot` lets nobody be second. A write about a dose and its entry are one commit.
//! A person may have several references; decisions see the doses of all of them, and a slot is taken under the one that
//! stands for all. Two persons who turn out to be one may bring two valid doses of one number: nothing is rewritten,
//! and the rules judge the joined history.

mod facts;
mod feed;
mod import;
mod record;
mod register;
mod step;

pub use facts::{PersonDoses, Slot, StoredDose, Taken};
pub use feed::{ClaimSide, StopCount, ToldDose};
pub use import::DoseChunk;
pub use record::{
    AuthorizationKind, AuthorizationRecord, Condition, DoseCoding, DoseRecord, DoseStatus, Effect, Noted,
    Product, Programme, Route, Site, Source,
};
pub use register::{ImportedDose, RegisterRow, Statement};
pub use step::{Against, DoseChange, DosesOf, LateNews, Lease, NewVersion, Stepped, Stop};
