//! Births and losses: what was told of each pregnancy's end, provisional children, and whom nothing more may be said of.
//!
//! What is known of the children is the fold of the events (`pmh_domain::handoff::Children`). A child's silence is kept beside
//! it in the same commit, so that whoever makes messages about a child's age asks one indexed question. Every handoff of the
//! mother enters each event too, by an outbox of the same commit.

mod echo;
mod keep;
mod list;
mod load;
mod silence;
mod step;

pub use echo::BirthEcho;
pub(crate) use echo::PREGNANCY_US;
pub use list::{BirthPage, ListedBirth};
pub use load::{GuestChild, StoredBirth, StoredChild};
pub use step::{LoadedMother, MotherOf};

use pmh_domain::handoff::{BirthOrder, ChildEvent, Newborn, NoticeId};
use serde::{Deserialize, Serialize};

use crate::SubjectRef;

/// What is to be written of a birth.
#[derive(Clone)]
pub struct BirthChange {
    /// Which birth; opened if it is new.
    pub birth: NoticeId,
    /// Who serves the mother, `<kind>:<code>`; empty: nobody has said so.
    pub home: String,
    /// Who tells, `<kind>:<code>`.
    pub teller: String,
    /// What was told.
    pub events: Vec<ChildEvent>,
    /// The newborns among it, each with the reference to use if it is new (auth minted it).
    pub newborns: Vec<(Newborn, SubjectRef)>,
    /// A merge that waits for a second officer.
    pub proposal: Option<MergeProposal>,
    /// Provisional child and resident that are one person from here on.
    pub joins: Option<(SubjectRef, SubjectRef)>,
}

/// A merge that one officer asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct MergeProposal {
    /// Which child.
    pub child: BirthOrder,
    /// Which resident.
    pub resident_key: String,
    /// By whom.
    pub asked: AskedBy,
}

/// Who asked, as far as a gateway can know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedBy {
    /// `<kind>:<code>`.
    pub organization: String,
    /// Terminal.
    pub terminal: String,
    /// Its certificate.
    pub certificate_sha256: [u8; 32],
    /// Pseudonym of the member of staff.
    pub operator: String,
}

pmh_domain::withheld!(BirthChange, MergeProposal, AskedBy);
