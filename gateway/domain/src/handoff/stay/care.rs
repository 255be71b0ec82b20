//! What a facility at the stay side may rely on.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Binding, Stay, StayState};
use crate::handoff::{Care, CareAnswer, Category, Duty, OneTimeCode};
use crate::time::tokyo_date;

impl Stay {
    /// Whether a code is the one that the mother carries for this handoff.
    pub fn is_opened_by(&self, code: &OneTimeCode) -> bool {
        self.is_bound(&Binding::Code(code.clone()))
    }

    /// What home approved for a day, as this side was told. A day to come is answered from the accept on, so that a
    /// place can be kept before the mother comes; today only once home has confirmed the stay.
    pub fn care(&self, day: Date, now: Timestamp) -> CareAnswer {
        if self.is_restricted || !self.may_ask(Category::CareApproval) || self.care.is_empty() {
            return CareAnswer::NoApproval;
        }
        let is_its = self.accepts(Duty::PostpartumCare) && !self.given_back.contains(&Duty::PostpartumCare);
        match self.state(now) {
            _ if !is_its => CareAnswer::Over,
            StayState::Offered => CareAnswer::NotYet,
            StayState::Accepted if day <= tokyo_date(now) => CareAnswer::NotYet,
            StayState::Accepted | StayState::Active => self.care_on(day),
            StayState::Returned | StayState::Declined | StayState::Over => CareAnswer::Over,
        }
    }

    fn care_on(&self, day: Date) -> CareAnswer {
        let stands = self.care.standing();
        let all: Vec<Care> = stands
            .map(|(said, approval)| Care::after(said, approval, &self.reports, self.last_day()))
            .collect();
        let counts = |care: &&Care| care.approval.period().first() <= day && day <= care.last;
        let now: Vec<Care> = all.iter().filter(counts).cloned().collect();
        if now.iter().any(|care| care.days_left() > 0) {
            CareAnswer::Approved(now)
        } else if !now.is_empty() {
            CareAnswer::UsedUp(now)
        } else if all.iter().any(|care| day < care.approval.period().first()) {
            CareAnswer::NotYet
        } else {
            CareAnswer::Over
        }
    }
}
