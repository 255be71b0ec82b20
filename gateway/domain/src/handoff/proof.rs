//! Paired proof: what the other side says counts when its log proves it, and
//! when it cites the entry that it answers (audit.md §2.10).

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{
    Answers, CareApproval, Category, DeclineReason, Duty, EntryRef, HandoffId, Loss, Newborn, NoticeId,
    Offer, Refusal, Report, Request, Side,
};

/// What one entry says about a handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<S> {
    /// The entry.
    pub entry: EntryRef,
    /// Of which handoff.
    pub handoff: HandoffId,
    /// The entry's time, by its own log.
    pub at: Timestamp,
    /// The entry that it answers.
    pub cause: Option<EntryRef>,
    /// What it says.
    pub says: S,
}

/// What home tells the stay side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HomeSays {
    /// The offer.
    Offer(Box<Offer>),
    /// The duties pass, or stay passed until a later day.
    Confirm {
        /// Last day.
        last: Date,
    },
    /// The stay ends earlier.
    Shorten {
        /// Last day.
        last: Date,
    },
    /// Duties towards a child are owed no more, or again.
    ChildDuties {
        /// Whether they are.
        owed: bool,
    },
    /// The mother shares more.
    ConsentGiven(BTreeSet<Category>),
    /// Care is approved for the stay.
    CareApproved(CareApproval),
    /// What was approved of care before may be shown no more.
    CareEnded,
    /// A person at home has read a report.
    Acknowledged,
    /// The return arrived.
    Received,
    /// The handoff is over.
    Ended,
}

/// What the stay side tells home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaySays {
    /// It accepts, duty by duty.
    Accept(Answers),
    /// It declines.
    Decline(DeclineReason),
    /// The mother will stay longer.
    Extend {
        /// Last day.
        last: Date,
    },
    /// It gives duties back before the end.
    GiveBack(BTreeSet<Duty>),
    /// The mother took consent back at its window.
    ConsentWithdrawn(BTreeSet<Category>),
    /// What was done, or what home must hear of at once.
    Report(Box<Report>),
    /// It gives everything back.
    Return,
    /// A facility there told of a newborn.
    Born(Box<Newborn>),
    /// A facility there told of a loss.
    Lost {
        /// Of which birth.
        birth: NoticeId,
        /// Which.
        loss: Loss,
    },
}

/// Home will not answer a request with an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRefused(pub DeclineReason);

/// Reads receipts of the other side's log: of the one municipality that the
/// handoff is with, whatever else the link carries. The one implementation outside
/// tests checks the signature under that side's key, the inclusion, and the
/// witness policy; `None` for whatever fails.
pub trait PeerLog<S> {
    /// A receipt as it came.
    type Receipt: ?Sized;

    /// What the receipt proves.
    fn open(&self, receipt: &Self::Receipt) -> Option<Statement<S>>;
}

/// A statement whose receipt was checked. There is no other way to have one:
///
/// ```compile_fail
/// # use pmh_domain::handoff::{Proven, Statement, StaySays};
/// fn forge(statement: Statement<StaySays>) -> Proven<StaySays> {
///     Proven(statement)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven<S>(Statement<S>);

/// A receipt that proves nothing, for whatever reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the receipt does not prove it")]
pub struct Unproven;

/// Proof that the stay side accepted this very offer. Reading under a handoff
/// demands it, and only a checked receipt that cites the offer yields it:
///
/// ```compile_fail
/// # use pmh_domain::handoff::{Answers, EntryRef, HandoffId, VerifiedAccept};
/// fn forge(handoff: HandoffId, offer: EntryRef, accept: EntryRef, answers: Answers) -> VerifiedAccept {
///     VerifiedAccept { handoff, offer, accept, answers }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAccept {
    handoff: HandoffId,
    offer: EntryRef,
    accept: EntryRef,
    answers: Answers,
}

impl<S: FromLog> Proven<S> {
    /// Checks a receipt. Errors: it proves nothing, or it is of the wrong
    /// side's log: nobody answers themselves.
    pub fn check<L: PeerLog<S>>(log: &L, receipt: &L::Receipt) -> Result<Self, Unproven> {
        log.open(receipt).filter(|statement| statement.entry.log == S::LOG).map(Self).ok_or(Unproven)
    }
}

impl<S> Proven<S> {
    /// The entry.
    pub fn entry(&self) -> EntryRef {
        self.0.entry
    }

    /// Of which handoff.
    pub fn handoff(&self) -> HandoffId {
        self.0.handoff
    }

    /// The entry's time, by its own log.
    pub fn at(&self) -> Timestamp {
        self.0.at
    }

    /// The entry that it answers.
    pub fn cause(&self) -> Option<EntryRef> {
        self.0.cause
    }

    /// What it says.
    pub fn says(&self) -> &S {
        &self.0.says
    }

    /// Whether it claims a time before what it answers. Its place after that
    /// is proved by the leaf it cites; this finds a clock that lies or is
    /// wrong by more than [`SKEW`].
    pub(super) fn is_dated_before(&self, cause: Timestamp) -> bool {
        self.0.at.duration_since(cause) < -SKEW
    }
}

impl VerifiedAccept {
    /// From the offer's entry and time, and the stay side's proven answer.
    /// Errors: of another handoff, not an accept, citing another entry, or
    /// dated before the offer.
    pub fn of(
        handoff: HandoffId,
        offer: EntryRef,
        offered_at: Timestamp,
        proven: &Proven<StaySays>,
    ) -> Result<Self, Refusal> {
        let StaySays::Accept(answers) = proven.says() else { return Err(Refusal::CauseMissing) };
        if proven.handoff() != handoff {
            return Err(Refusal::Unknown);
        }
        if proven.cause() != Some(offer) {
            return Err(Refusal::CauseMissing);
        }
        if proven.is_dated_before(offered_at) {
            return Err(Refusal::Backdated);
        }
        Ok(Self { handoff, offer, accept: proven.entry(), answers: answers.clone() })
    }

    /// The handoff.
    pub fn handoff(&self) -> HandoffId {
        self.handoff
    }

    /// The offer's entry.
    pub fn offer(&self) -> EntryRef {
        self.offer
    }

    /// The accept's entry, which each entry of a disclosure cites.
    pub fn accept(&self) -> EntryRef {
        self.accept
    }

    /// The answer to each duty.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }
}

/// Whose log a statement belongs to.
pub trait FromLog: sealed::Sealed {
    /// That side.
    const LOG: Side;
}

impl FromLog for HomeSays {
    const LOG: Side = Side::Home;
}

impl FromLog for StaySays {
    const LOG: Side = Side::Stay;
}

impl FromLog for Request {
    const LOG: Side = Side::Stay;
}

impl FromLog for RequestRefused {
    const LOG: Side = Side::Home;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::HomeSays {}
    impl Sealed for super::StaySays {}
    impl Sealed for super::Request {}
    impl Sealed for super::RequestRefused {}
}

/// How far two clocks may differ; our own choice.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
