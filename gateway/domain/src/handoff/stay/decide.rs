//! What the stay side may enter next. Nothing here changes a state.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Answer, Stay, StayAct, StayState};
use crate::handoff::{
    Answers, Category, Decision, DeclineReason, Duty, EntryRef, HomeSays, Loss, Newborn, NoticeId,
    OneTimeCode, Proven, Refusal, Report,
};
use crate::organization::IssuerId;
use crate::time::tokyo_date;

type Decided = Result<Decision<StayAct>, Refusal>;

/// How the stay side knows that the offer is of the mother at its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// She presented her card with the offer's code.
    Code(OneTimeCode),
    /// She presented her card when this side asked for the offer.
    Requested,
}

impl Stay {
    /// A proven offer to `us`, for a handoff not known yet. `requested` is this
    /// side's own request of that name. Errors: no offer to us, of another
    /// name, or it answers a request that was never made.
    pub fn offered(
        proven: &Proven<HomeSays>,
        us: IssuerId,
        requested: Option<EntryRef>,
    ) -> Result<StayAct, Refusal> {
        let HomeSays::Offer(offer) = proven.says() else { return Err(Refusal::Unknown) };
        if offer.terms().stay != us {
            return Err(Refusal::Unknown);
        }
        let is_request_ours = offer.request().is_none() || offer.request() == requested;
        if offer.terms().handoff != proven.handoff() || offer.request() != proven.cause() || !is_request_ours
        {
            return Err(Refusal::CauseMissing);
        }
        Ok(StayAct::OfferReceived { offer: offer.clone(), offered: proven.entry(), offered_at: proven.at() })
    }

    /// A proven entry of home, in any order and any number of times. What
    /// arrives after the end changes nothing. Errors: unknown, or not citing
    /// what it answers.
    pub fn receive(&self, proven: &Proven<HomeSays>) -> Decided {
        if self.is_restricted || proven.handoff() != self.id() {
            return Err(Refusal::Unknown);
        }
        if self.heard.contains(&proven.entry().leaf) {
            return Ok(Decision::Known);
        }
        if proven.entry().index <= self.offered.index || proven.is_dated_before(self.offered_at) {
            return Err(Refusal::Backdated);
        }
        let cause = proven.entry();
        let act = match proven.says() {
            HomeSays::Offer(_) => return Err(Refusal::Contradicts),
            HomeSays::Confirm { last } if self.is_answered_by(proven) => {
                StayAct::Confirmed { cause, last: *last }
            }
            HomeSays::Received if self.returned.is_some() && proven.cause() == self.returned => {
                StayAct::ReturnReceived { cause }
            }
            HomeSays::Acknowledged => {
                let report = self.reported(proven).ok_or(Refusal::CauseMissing)?;
                // Whoever reported hears that it was read, also when it is over.
                return Ok(Decision::Append(StayAct::Acknowledged { cause, report }));
            }
            HomeSays::ConsentGiven(categories) => {
                StayAct::ConsentGiven { cause, categories: categories.clone() }
            }
            HomeSays::CareApproved(approval) => StayAct::CareApproved { cause, approval: *approval },
            HomeSays::CareEnded => StayAct::CareEnded { cause },
            HomeSays::Confirm { .. } | HomeSays::Received => return Err(Refusal::CauseMissing),
            HomeSays::Shorten { last } => StayAct::Shortened { cause, last: *last },
            HomeSays::ChildDuties { owed } => StayAct::ChildDuties { cause, owed: *owed },
            HomeSays::Ended => StayAct::Ended { cause },
        };
        Ok(if self.is_ended { Decision::Known } else { Decision::Append(act) })
    }

    /// Accepts, with the mother present now or when it was asked for. Errors:
    /// no binding to her, a duty unanswered, answered otherwise before, or
    /// over.
    pub fn accept(&self, binding: &Binding, answers: Answers, now: Timestamp) -> Decided {
        if !self.is_bound(binding) {
            return Err(Refusal::Code);
        }
        match &self.answer {
            Some(Answer::Accepted { answers: known, .. }) if *known == answers => return Ok(Decision::Known),
            Some(_) => return Err(Refusal::Contradicts),
            None => self.is_in(now, StayState::Offered)?,
        }
        if !answers.answer(&self.offer.terms().duties) {
            return Err(Refusal::Answers);
        }
        Ok(Decision::Append(StayAct::Accepted(answers)))
    }

    /// Declines. Errors: accepted before, or over.
    pub fn decline(&self, reason: DeclineReason, now: Timestamp) -> Decided {
        match &self.answer {
            Some(Answer::Declined) => Ok(Decision::Known),
            Some(Answer::Accepted { .. }) => Err(Refusal::Contradicts),
            None => self.is_in(now, StayState::Offered).map(|()| Decision::Append(StayAct::Declined(reason))),
        }
    }

    /// Asks for a longer stay; it is longer once home confirms. Errors: not
    /// active, or not later than the last day.
    pub fn ask_longer(&self, last: Date, now: Timestamp) -> Decided {
        let cause = self.held(now)?;
        if self.asks.last().is_some_and(|(_, asked)| *asked == last) {
            return Ok(Decision::Known);
        }
        let is_later = last > self.last.1 && tokyo_date(now) <= self.last.1;
        if is_later { Ok(Decision::Append(StayAct::Asked { cause, last })) } else { Err(Refusal::Days) }
    }

    /// Reports what was done, or what home must hear of at once; also in the
    /// grace after the last day. Errors: not active, a duty that was never
    /// its, or a day to come.
    pub fn report(&self, report: Report, now: Timestamp) -> Decided {
        let cause = self.held(now)?;
        if !report.duty().is_none_or(|duty| self.accepts(duty)) {
            return Err(Refusal::NotHeld);
        }
        if report.on() > tokyo_date(now) && !report.is_of_days_to_come() {
            return Err(Refusal::Days);
        }
        Ok(Decision::Append(StayAct::Reported { cause, report: Box::new(report) }))
    }

    /// Gives some duties back before the end; it stops acting in them here and
    /// now. Errors: not active, or not its duties.
    pub fn give_back(&self, duties: BTreeSet<Duty>, now: Timestamp) -> Decided {
        let cause = self.held(now)?;
        if duties.is_empty() || !duties.iter().all(|duty| self.accepts(*duty)) {
            return Err(Refusal::NotHeld);
        }
        let is_known = duties.is_subset(&self.given_back);
        Ok(if is_known { Decision::Known } else { Decision::Append(StayAct::GaveBack { cause, duties }) })
    }

    /// The mother takes consent back at this window. Errors: over.
    pub fn withdraw_consent(&self, categories: BTreeSet<Category>, now: Timestamp) -> Decided {
        match self.state(now) {
            _ if categories.is_subset(&self.withdrawn) => Ok(Decision::Known),
            StayState::Offered | StayState::Accepted | StayState::Active => {
                Ok(Decision::Append(StayAct::ConsentWithdrawn(categories)))
            }
            _ => Err(Refusal::Unknown),
        }
    }

    /// Gives everything back, also when the calendar ended it. Errors: never
    /// confirmed, or home ended it.
    pub fn give_all_back(&self) -> Decided {
        if self.returned.is_some() {
            return Ok(Decision::Known);
        }
        let cause = self.confirm.filter(|_| !self.is_ended && !self.is_restricted).ok_or(Refusal::NotHeld)?;
        Ok(Decision::Append(StayAct::Returned { cause }))
    }

    /// A facility here told of a newborn; home hears it as long as this side
    /// answers for the mother. Errors: it does not, or the notice contradicts.
    pub fn birth(&self, newborn: Newborn) -> Decided {
        self.is_engaged()?;
        let decision = self.children.notice(newborn.notice)?;
        Ok(decision.map(|_| StayAct::Born(Box::new(newborn))))
    }

    /// The same of a loss.
    pub fn loss(&self, birth: NoticeId, loss: Loss) -> Decided {
        self.is_engaged()?;
        Ok(self.children.loss(loss).map(|loss| StayAct::Lost { birth, loss }))
    }

    /// A restriction against home: from here on it is told nothing.
    pub fn restrict(&self) -> Decision<StayAct> {
        if self.is_restricted { Decision::Known } else { Decision::Append(StayAct::Restricted) }
    }

    /// Accepted once and not ended since: also after the last day, for a birth
    /// that is told late is still told.
    fn is_engaged(&self) -> Result<(), Refusal> {
        let is_over = self.is_ended || self.is_restricted;
        let has_accepted = matches!(&self.answer, Some(Answer::Accepted { .. }));
        if has_accepted && !is_over { Ok(()) } else { Err(Refusal::NotHeld) }
    }

    pub(super) fn is_bound(&self, binding: &Binding) -> bool {
        match binding {
            Binding::Code(code) => code.digest(self.id()) == self.offer.terms().code,
            Binding::Requested => self.offer.request().is_some(),
        }
    }

    /// Whether home's confirm cites this side's accept or a wish to stay longer.
    fn is_answered_by(&self, proven: &Proven<HomeSays>) -> bool {
        let accept = match &self.answer {
            Some(Answer::Accepted { entry, .. }) => Some(*entry),
            _ => None,
        };
        let asks = self.asks.iter().map(|(entry, _)| *entry);
        proven.cause().is_some_and(|cause| accept.into_iter().chain(asks).any(|own| own == cause))
    }

    /// This side's own entry that an acknowledgement cites.
    fn reported(&self, proven: &Proven<HomeSays>) -> Option<EntryRef> {
        let reports = self.reports.iter().map(|known| known.of);
        let asks = self.asks.iter().map(|(entry, _)| *entry);
        reports.chain(asks).find(|own| Some(*own) == proven.cause())
    }

    fn held(&self, now: Timestamp) -> Result<EntryRef, Refusal> {
        self.is_in(now, StayState::Active)?;
        self.confirm.ok_or(Refusal::NotHeld)
    }

    fn is_in(&self, now: Timestamp, wanted: StayState) -> Result<(), Refusal> {
        if self.state(now) == wanted { Ok(()) } else { Err(Refusal::NotHeld) }
    }
}
