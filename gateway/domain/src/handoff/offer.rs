//! The offer.

use serde::{Deserialize, Serialize};

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::{Bases, CodeDigest, Duty, EntryRef, HandoffId, Proven, Request};
use crate::organization::IssuerId;
use crate::time::DateRange;

/// What home offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Names the handoff on both sides.
    pub handoff: HandoffId,
    /// Who offers.
    pub home: IssuerId,
    /// To whom.
    pub stay: IssuerId,
    /// Days of the stay, both ends included.
    pub period: DateRange,
    /// Duties offered; all others stay where they are.
    pub duties: BTreeSet<Duty>,
    /// What the sharing rests on.
    pub bases: Bases,
    /// Digest of the code that the mother carries.
    pub code: CodeDigest,
    /// Last day for an answer.
    pub answer_by: Date,
}

/// Terms that were checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Restored")]
pub struct Offer {
    terms: Terms,
    request: Option<EntryRef>,
}

/// An offer as it was written down, before it is checked again.
#[derive(Deserialize)]
struct Restored {
    terms: Terms,
    request: Option<EntryRef>,
}

impl TryFrom<Restored> for Offer {
    type Error = OfferError;

    fn try_from(restored: Restored) -> Result<Self, OfferError> {
        Self::restored(restored.terms, restored.request)
    }
}

/// Why terms make no offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// A municipality to itself.
    #[error("is from a municipality to itself")]
    SameSide,
    /// No duty.
    #[error("names no duty")]
    NoDuty,
    /// Neither consent nor another basis.
    #[error("rests on nothing")]
    NoBasis,
    /// A law stated for no duty, or for one that is not offered.
    #[error("states a law for a duty that is not offered")]
    Statutory,
    /// It would end before it could be answered.
    #[error("must be answered after the stay")]
    AnswerBy,
    /// It answers a request of another handoff or other sides.
    #[error("is not what was requested")]
    NotRequested,
}

impl Offer {
    /// Home's own offer. Errors: see [`OfferError`].
    pub fn new(terms: Terms) -> Result<Self, OfferError> {
        check(&terms)?;
        Ok(Self { terms, request: None })
    }

    /// An offer that answers a request; the mother was already present there.
    /// Home may offer less than was asked, or rest more on law, but the sides
    /// and the name are the request's. Errors: see [`OfferError`].
    pub fn answering(request: &Proven<Request>, terms: Terms) -> Result<Self, OfferError> {
        let asked = request.says();
        let same = (asked.handoff, asked.home, asked.stay) == (terms.handoff, terms.home, terms.stay);
        if !same || request.handoff() != asked.handoff {
            return Err(OfferError::NotRequested);
        }
        check(&terms)?;
        Ok(Self { terms, request: Some(request.entry()) })
    }

    /// As it stands in home's log, or came with home's receipt. Errors: see
    /// [`OfferError`].
    pub fn restored(terms: Terms, request: Option<EntryRef>) -> Result<Self, OfferError> {
        check(&terms)?;
        Ok(Self { terms, request })
    }

    /// The terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The request's entry in the stay side's log, if it answers one.
    pub fn request(&self) -> Option<EntryRef> {
        self.request
    }
}

fn check(terms: &Terms) -> Result<(), OfferError> {
    if terms.home == terms.stay {
        return Err(OfferError::SameSide);
    }
    if terms.duties.is_empty() {
        return Err(OfferError::NoDuty);
    }
    if terms.bases.is_empty() {
        return Err(OfferError::NoBasis);
    }
    let is_stated = |duties: &BTreeSet<Duty>| !duties.is_empty() && duties.is_subset(&terms.duties);
    if !terms.bases.statutory().iter().all(|stated| is_stated(&stated.duties)) {
        return Err(OfferError::Statutory);
    }
    if terms.answer_by > terms.period.last() { Err(OfferError::AnswerBy) } else { Ok(()) }
}

/// The last day to answer an offer of this day: five working days later.
/// Saturdays and Sundays do not count; public holidays do, because no calendar
/// of them is kept here, so a municipality sets a later day where it matters.
pub fn answer_by(offered: Date) -> Date {
    let mut day = offered;
    let mut left = ANSWER_WORKING_DAYS;
    while left > 0 {
        day = day.saturating_add(1.day());
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
        if day == Date::MAX {
            break;
        }
    }
    day
}

const ANSWER_WORKING_DAYS: u32 = 5;
