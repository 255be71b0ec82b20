//! Checkups: rows as they came, batches, what a municipality must hear at once.
//!
//! Rows are only ever added, and taken away whole by undoing their batch. Which version counts is reckoned from the rows
//! held (`pmh_domain::checkup::version`), so order and split of sending change nothing. A batch becomes visible in one
//! statement: its rows count from the commit that accepts it.

mod batch;
mod delivery;
mod follow_ups;
mod mother;
mod push;
mod read;
mod reading;
mod record;
mod undo;
mod urgent;
mod visits;

pub use batch::{BatchEnd, BatchMove, BatchState, EndedBatch};
pub use delivery::KeptDelivery;
pub use follow_ups::{CloseOutcome, FollowUpPage, FollowUpPlace, NewClosing, OpenFollowUp};
pub use push::{CheckupChunk, PlacedChunk};
pub use read::KnownResident;
pub use reading::{CheckupsOf, KeptCheckup, PersonCheckups};
pub use record::{Judged, NewRecord, RecordOutcome, RecordRefusal, RecordedCheckup, Registered};
pub use undo::Undone;
pub use urgent::{CaseList, NewCase, UrgentCase};
pub use visits::{JudgedVisit, TicketHolder, VisitChunk, VisitRow};

/// Batches whose rows count: accepted ones, and what undoing one left because others rest upon it.
macro_rules! counting {
    () => {
        "b.state IN (2, 4)"
    };
}
use counting;

/// Rows with the state of their batch.
macro_rules! rows_and_batches {
    () => {
        "checkup_row r JOIN checkup_batch b ON b.sender = r.sender AND b.batch_id = r.batch_id"
    };
}
use rows_and_batches;
