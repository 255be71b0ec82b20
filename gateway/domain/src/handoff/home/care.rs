//! Home approves 産後ケア for the stay.

use jiff::Timestamp;

use super::{Home, HomeAct, State};
use crate::handoff::{Bases, CareApproval, Category, Decision, Duty, Refusal};
use crate::time::tokyo_date;

impl Home {
    /// Approves care once the stay side has taken it on, also before the stay begins. A later word on the same kind takes
    /// the place of the earlier. Errors: not accepted or over, care is not the stay side's, the mother does not share
    /// it, or the days do not fit the stay.
    pub fn approve_care(&self, approval: CareApproval, now: Timestamp) -> Result<Decision<HomeAct>, Refusal> {
        self.is_in(now, &[State::Accepted, State::Active])?;
        if !self.has_passed(Duty::PostpartumCare) {
            return Err(Refusal::NotHeld);
        }
        if !shows_care(&self.bases) {
            return Err(Refusal::NotShared);
        }
        if self.care.standing().any(|(_, known)| known == approval) {
            return Ok(Decision::Known);
        }
        let days = approval.period();
        let fits = self.stay().contains(days.first()) && self.stay().contains(days.last());
        if fits && tokyo_date(now) <= days.last() {
            Ok(Decision::Append(HomeAct::CareApproved(approval)))
        } else {
            Err(Refusal::Days)
        }
    }

    /// Whether home still stands by what it approved: what the stay side was told may have been taken back since.
    pub fn stands_by_care(&self, now: Timestamp) -> bool {
        let is_on = matches!(self.state(now), State::Accepted | State::Active);
        is_on && !self.is_hidden && !self.care.is_empty() && shows_care(&self.bases)
    }

    /// Whether a withdrawal of consent that leaves these bases takes back what was approved.
    pub(super) fn ends_care(&self, left: &Bases) -> bool {
        !self.care.is_empty() && !shows_care(left)
    }
}

/// Days and copayment are a category of their own (domain.md §5.3).
fn shows_care(bases: &Bases) -> bool {
    bases.ground(Category::CareApproval, Some(Duty::PostpartumCare), |_| true).is_some()
}
