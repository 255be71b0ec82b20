//! The request that may come before an offer, as each side enters it.
//!
//! Home answers it with an offer or a refusal. Nothing that the stay side sees
//! depends on who the mother is: the request is received whoever she is, and
//! one word refuses whom home does not know and whom it must not show.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::proof::RequestRefused;
use super::{Consent, Decision, DeclineReason, Duty, EntryRef, HandoffId, LeafHash, Proven, Refusal, Side};
use crate::organization::IssuerId;
use crate::time::DateRange;

/// A request from the stay side's window, with the mother present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Names the handoff from here on.
    pub handoff: HandoffId,
    /// Whom it asks.
    pub home: IssuerId,
    /// Who asks.
    pub stay: IssuerId,
    /// Days of the stay.
    pub period: DateRange,
    /// Duties it is ready for.
    pub duties: BTreeSet<Duty>,
    /// What the mother agreed to share, with her card there.
    pub consent: Consent,
    /// How home finds her.
    pub mother: Claimed,
}

/// What the mother shows at the window, by which home's officer finds her. No
/// name, and no key of either side's: the two share none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// Number of the 母子健康手帳 that home gave her.
    pub handbook: String,
    /// Her day of birth; an offer to another is an error that this finds.
    pub born_on: Date,
}

/// What a side enters of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestAct {
    /// The stay side asks.
    RequestMade(Box<Request>),
    /// It arrived at home.
    RequestReceived {
        /// The stay side's entry.
        cause: EntryRef,
        /// What is asked.
        request: Box<Request>,
    },
    /// Home will not offer.
    RequestRefused {
        /// The stay side's entry.
        cause: EntryRef,
        /// Why; of whom home does not know or must not show, always `Other`.
        reason: DeclineReason,
    },
    /// Home's refusal arrived.
    RefusalReceived {
        /// Home's entry.
        cause: EntryRef,
        /// Why.
        reason: DeclineReason,
    },
}

/// One entry about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEntry {
    /// Which entry.
    pub name: EntryRef,
    /// When it was appended.
    pub at: Timestamp,
    /// What it enters.
    pub act: RequestAct,
}

/// A request as one side's log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    request: Request,
    entry: EntryRef,
    at: Timestamp,
    refused: Option<DeclineReason>,
    heard: Option<LeafHash>,
}

impl Asking {
    /// From all entries about it in the log's order; `None` if they begin otherwise.
    pub fn rebuild(entries: &[RequestEntry]) -> Option<Self> {
        let (first, rest) = entries.split_first()?;
        let (request, entry) = match &first.act {
            RequestAct::RequestMade(request) => (request, first.name),
            RequestAct::RequestReceived { cause, request } => (request, *cause),
            RequestAct::RequestRefused { .. } | RequestAct::RefusalReceived { .. } => return None,
        };
        let mut asking =
            Self { request: (**request).clone(), entry, at: first.at, refused: None, heard: None };
        for entry in rest {
            match &entry.act {
                RequestAct::RequestRefused { reason, .. } => asking.refused = Some(*reason),
                RequestAct::RefusalReceived { cause, reason } => {
                    asking.refused = Some(*reason);
                    asking.heard = Some(cause.leaf);
                }
                RequestAct::RequestMade(_) | RequestAct::RequestReceived { .. } => {}
            }
        }
        Some(asking)
    }

    /// What is asked.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The stay side's entry, which an offer or a refusal cites.
    pub fn entry(&self) -> EntryRef {
        self.entry
    }

    /// When this side entered it.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Why home refused, once it did.
    pub fn refused(&self) -> Option<DeclineReason> {
        self.refused
    }

    /// Home will not offer. Errors: it has refused otherwise.
    pub fn refuse(&self, reason: DeclineReason) -> Result<Decision<RequestAct>, Refusal> {
        match self.refused {
            Some(known) if known == reason => Ok(Decision::Known),
            Some(_) => Err(Refusal::Contradicts),
            None => Ok(Decision::Append(RequestAct::RequestRefused { cause: self.entry, reason })),
        }
    }

    /// Whether home may still offer. Errors: it refused.
    pub fn may_offer(&self) -> Result<(), Refusal> {
        if self.refused.is_some() { Err(Refusal::Contradicts) } else { Ok(()) }
    }

    /// Home's refusal arrives, any number of times. Errors: of another request,
    /// citing another entry, or dated before it.
    pub fn hear(&self, proven: &Proven<RequestRefused>) -> Result<Decision<RequestAct>, Refusal> {
        if proven.handoff() != self.request.handoff {
            return Err(Refusal::Unknown);
        }
        if self.heard == Some(proven.entry().leaf) {
            return Ok(Decision::Known);
        }
        if self.entry.log != Side::Stay || proven.cause() != Some(self.entry) {
            return Err(Refusal::CauseMissing);
        }
        if proven.is_dated_before(self.at) {
            return Err(Refusal::Backdated);
        }
        if self.refused.is_some() {
            return Err(Refusal::Contradicts);
        }
        Ok(Decision::Append(RequestAct::RefusalReceived { cause: proven.entry(), reason: proven.says().0 }))
    }
}

impl std::fmt::Debug for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claimed(..)")
    }
}
