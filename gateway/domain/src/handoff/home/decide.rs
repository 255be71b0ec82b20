//! What home may enter next. Nothing here changes a state.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Answer, Asked, Home, HomeAct, Restriction, State};
use crate::handoff::{
    Answers, BirthOrder, Category, Children, Consent, Decision, EntryRef, Fence, LeafHash, Loss, Notice,
    Officer, Proven, Refusal, StaySays, TwoOfficers, VerifiedAccept,
};
use crate::resident::ResidentKey;
use crate::time::tokyo_date;

type Decided = Result<Decision<HomeAct>, Refusal>;

impl Home {
    /// A proven entry of the stay side, in any order and any number of times.
    /// Errors: unknown (also when this side must not be known), not citing
    /// what it answers, contradicting an earlier one, or not in this state.
    pub fn receive(&self, proven: &Proven<StaySays>, now: Timestamp) -> Decided {
        if self.is_hidden || proven.handoff() != self.id() {
            return Err(Refusal::Unknown);
        }
        if self.heard.contains(&proven.entry().leaf) {
            return Ok(Decision::Known);
        }
        let cause = proven.entry();
        match proven.says() {
            StaySays::Accept(answers) => self.accepted(proven, answers, now),
            StaySays::Decline(reason) => {
                self.answers_offer(proven, now)?;
                Ok(Decision::Append(HomeAct::Declined { cause, reason: *reason }))
            }
            StaySays::Extend { last } => {
                self.answers_confirm(proven)?;
                self.is_in(now, &[State::Active])?;
                // Once the stay is over, duties are home's, and only a new offer passes them.
                let is_later = *last > self.last && tokyo_date(now) <= self.last;
                if is_later {
                    Ok(Decision::Append(HomeAct::Asked { cause, last: *last }))
                } else {
                    Err(Refusal::Days)
                }
            }
            StaySays::GiveBack(duties) => {
                self.answers_confirm(proven)?;
                self.is_in(now, &[State::Active])?;
                Ok(Decision::Append(HomeAct::GivenBack { cause, duties: duties.clone() }))
            }
            StaySays::ConsentWithdrawn(categories) => {
                self.answers_own_offer(proven)?;
                self.withdraw_consent(categories, Some(cause), now)
            }
            StaySays::Report(report) => {
                self.answers_confirm(proven)?;
                let fence = Fence(proven.cause().map_or(0, |confirm| confirm.index));
                let standing = self.judge_report(report, fence, now)?;
                Ok(Decision::Append(HomeAct::Reported { cause, report: report.clone(), standing }))
            }
            StaySays::Born(newborn) => {
                self.answers_own_offer(proven)?;
                self.birth(newborn.notice)
            }
            StaySays::Lost { loss, .. } => {
                self.answers_own_offer(proven)?;
                Ok(self.loss(*loss))
            }
            StaySays::Return => {
                self.answers_confirm(proven)?;
                // Also after the grace: a late return still closes the books.
                self.is_in(now, &[State::Active, State::Expired])?;
                Ok(Decision::Append(HomeAct::Returned { cause }))
            }
        }
    }

    /// Passes the accepted duties, from the first day on; or grants a longer
    /// stay that was asked for. Errors: before the first day, or nothing to
    /// confirm.
    pub fn confirm(&self, now: Timestamp) -> Decided {
        let today = tokyo_date(now);
        if let Some(Asked { cause, last, .. }) = self.asked {
            self.is_in(now, &[State::Active])?;
            return if today <= self.last {
                Ok(Decision::Append(HomeAct::Confirmed { cause, last }))
            } else {
                Err(Refusal::Days)
            };
        }
        if self.state(now) == State::Active {
            return Ok(Decision::Known);
        }
        self.is_in(now, &[State::Accepted])?;
        let Some(Answer::Accepted { accept, .. }) = &self.answer else { return Err(Refusal::CauseMissing) };
        if today < self.stay().first() {
            return Err(Refusal::NotYet);
        }
        Ok(Decision::Append(HomeAct::Confirmed { cause: *accept, last: self.last }))
    }

    /// Ends the stay earlier; today at the earliest, for yesterday is past.
    /// Errors: not confirmed, or the days do not fit.
    pub fn shorten(&self, last: Date, now: Timestamp) -> Decided {
        self.is_in(now, &[State::Active])?;
        if last == self.last {
            return Ok(Decision::Known);
        }
        let fits = last < self.last && last >= tokyo_date(now) && last >= self.stay().first();
        if fits { Ok(Decision::Append(HomeAct::Shortened { last })) } else { Err(Refusal::Days) }
    }

    /// A person here has read a report, or a wish to stay longer; possible in
    /// every state. The first reader stays. Errors: nothing of that name waits.
    pub fn acknowledge(&self, report: LeafHash, officer: Officer) -> Decided {
        if self.acknowledged.contains(&report) {
            return Ok(Decision::Known);
        }
        let alarm = self.alarms().into_iter().find(|alarm| alarm.of.leaf == report);
        let cause = alarm.ok_or(Refusal::NoReport)?.of;
        Ok(Decision::Append(HomeAct::Acknowledged { cause, officer }))
    }

    /// The mother shares more. Errors: the handoff is over.
    pub fn give_consent(&self, consent: Consent, now: Timestamp) -> Decided {
        self.is_open(now)?;
        Ok(Decision::Append(HomeAct::ConsentGiven(consent)))
    }

    /// The mother takes consent back, here or (`cause`) at the stay side's
    /// window. It acts at its entry; if nothing is left to rest on, the
    /// handoff ends with it. Errors: the handoff is over.
    pub fn withdraw_consent(
        &self,
        categories: &BTreeSet<Category>,
        cause: Option<EntryRef>,
        now: Timestamp,
    ) -> Decided {
        self.is_open(now)?;
        let stands = categories.iter().any(|category| self.bases.consent(*category).is_some());
        if !stands && cause.is_none() {
            return Ok(Decision::Known);
        }
        let left = self.bases.without(categories);
        let (ends, ends_care) = (left.is_empty(), self.ends_care(&left));
        Ok(Decision::Append(HomeAct::ConsentWithdrawn {
            cause,
            categories: categories.clone(),
            ends,
            ends_care,
        }))
    }

    /// A restriction; possible in every state.
    pub fn restrict(&self, restriction: Restriction) -> Decision<HomeAct> {
        let is_known = match restriction {
            Restriction::Place => self.hides_place,
            Restriction::OtherSide => self.is_hidden,
        };
        if is_known { Decision::Known } else { Decision::Append(HomeAct::Restricted(restriction)) }
    }

    /// A facility's notice; possible in every state, for the mother's home
    /// hears of a birth whatever became of the handoff. Errors: it contradicts.
    pub fn birth(&self, notice: Notice) -> Decided {
        let decision = self.children.notice(notice)?;
        Ok(decision
            .map(|notice| HomeAct::Born { notice, owed: self.owed_after(|children| children.born(notice)) }))
    }

    /// A loss; possible in every state.
    pub fn loss(&self, loss: Loss) -> Decision<HomeAct> {
        let owed = self.owed_after(|children| children.lost(loss));
        self.children.loss(loss).map(|loss| HomeAct::Lost { loss, owed })
    }

    /// A loss that two officers found to be an error. Nothing happens to one
    /// that is not entered.
    pub fn correct_loss(&self, loss: Loss, officers: TwoOfficers) -> Decision<HomeAct> {
        if self.children.has_loss(loss) {
            let owed = self.owed_after(|children| children.corrected(loss));
            Decision::Append(HomeAct::LossCorrected { loss, officers, owed })
        } else {
            Decision::Known
        }
    }

    /// Two officers say which resident a provisional child is. Errors: no such
    /// child, or another resident.
    pub fn merge(&self, child: BirthOrder, resident: ResidentKey, officers: TwoOfficers) -> Decided {
        let decision = self.children.merge(child, &resident)?;
        Ok(decision.map(|()| HomeAct::Merged { child, resident, officers }))
    }

    /// The mother's residence moved on a day that has come. Errors: it has
    /// not, or the handoff is over.
    pub fn moved(&self, on: Date, now: Timestamp) -> Decided {
        self.is_open(now)?;
        if on <= tokyo_date(now) { Ok(Decision::Append(HomeAct::Moved { on })) } else { Err(Refusal::NotYet) }
    }

    /// Home takes it back. Errors: the handoff is over.
    pub fn withdraw(&self, now: Timestamp) -> Decided {
        match self.state(now) {
            State::Withdrawn => Ok(Decision::Known),
            _ => self.is_open(now).map(|()| Decision::Append(HomeAct::Withdrawn)),
        }
    }

    /// Home closes what was returned, or what the calendar ended. Errors: not
    /// in that state.
    pub fn close(&self, now: Timestamp) -> Decided {
        match self.state(now) {
            State::Closed => Ok(Decision::Known),
            State::Returned | State::Expired => Ok(Decision::Append(HomeAct::Closed)),
            state => Err(Refusal::State(state)),
        }
    }

    /// Whether duties towards a child are owed after a change, if it changes that.
    fn owed_after(&self, change: impl FnOnce(&mut Children)) -> Option<bool> {
        let mut children = self.children.clone();
        change(&mut children);
        Some(children.is_owed()).filter(|owed| *owed != self.children.is_owed())
    }

    fn accepted(&self, proven: &Proven<StaySays>, answers: &Answers, now: Timestamp) -> Decided {
        self.answers_offer(proven, now)?;
        let proof = VerifiedAccept::of(self.id(), self.offered, self.offered_at, proven)?;
        if !answers.answer(&self.offer.terms().duties) {
            return Err(Refusal::Answers);
        }
        Ok(Decision::Append(HomeAct::Accepted { cause: proof.accept(), answers: answers.clone() }))
    }

    /// The first answer stands: a side that accepts and declines, or accepts
    /// twice, is held to what home entered first.
    fn answers_offer(&self, proven: &Proven<StaySays>, now: Timestamp) -> Result<(), Refusal> {
        if proven.cause() != Some(self.offered) {
            return Err(Refusal::CauseMissing);
        }
        if proven.is_dated_before(self.offered_at) {
            return Err(Refusal::Backdated);
        }
        if self.answer.is_some() {
            return Err(Refusal::Contradicts);
        }
        self.is_in(now, &[State::Offered])
    }

    fn answers_own_offer(&self, proven: &Proven<StaySays>) -> Result<(), Refusal> {
        if proven.cause() == Some(self.offered) { Ok(()) } else { Err(Refusal::CauseMissing) }
    }

    /// Any of home's confirms will do: the stay side may not have seen the last.
    fn answers_confirm(&self, proven: &Proven<StaySays>) -> Result<(), Refusal> {
        let cites = |confirm: &EntryRef| Some(*confirm) == proven.cause();
        if self.confirms.iter().any(cites) { Ok(()) } else { Err(Refusal::CauseMissing) }
    }

    fn is_open(&self, now: Timestamp) -> Result<(), Refusal> {
        self.is_in(now, &[State::Offered, State::Accepted, State::Active])
    }

    pub(super) fn is_in(&self, now: Timestamp, states: &[State]) -> Result<(), Refusal> {
        let state = self.state(now);
        if states.contains(&state) { Ok(()) } else { Err(Refusal::State(state)) }
    }
}

impl<A> Decision<A> {
    /// The same decision about another act.
    pub(in crate::handoff) fn map<B>(self, with: impl FnOnce(A) -> B) -> Decision<B> {
        match self {
            Self::Append(act) => Decision::Append(with(act)),
            Self::Known => Decision::Known,
        }
    }
}
