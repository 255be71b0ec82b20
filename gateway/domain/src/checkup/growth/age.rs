//! Age in months as the survey's bands mean it.

use jiff::civil::Date;
use jiff::{Span, Unit};

use crate::time::days_between;

/// A child's age. «1〜2か月未満» counts birthdays of the month, not thirtieths
/// of a year; so whole months are calendar months and the rest is the share of
/// the month under way.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Age {
    months: f64,
}

/// The day lies before the birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the day lies before the birth")]
pub struct NotBorn;

impl Age {
    /// The age on a day. Errors: the day lies before the birth.
    pub fn on(birth: Date, day: Date) -> Result<Self, NotBorn> {
        if day < birth {
            return Err(NotBorn);
        }
        let whole = whole_months(birth, day);
        if whole == 0 {
            // In the first month the survey counts days: its point «生後30日» stands at 0.986 of a mean month.
            return Ok(Self { months: f64::from(days_between(birth, day)) / MEAN_MONTH });
        }
        let after = |months: i32| birth.saturating_add(Span::new().months(months));
        let (last, next) = (after(whole), after(whole.saturating_add(1)));
        let share = f64::from(days_between(last, day)) / f64::from(days_between(last, next).max(1));
        Ok(Self { months: f64::from(whole) + share })
    }

    /// An age given in months, for a curve or a table. Negative ages are taken
    /// as birth.
    pub fn of_months(months: f64) -> Self {
        Self { months: months.max(0.0) }
    }

    /// In months and a share of one.
    pub fn months(self) -> f64 {
        self.months
    }
}

/// Monthly birthdays passed. A child born on the 31st has one on the last day
/// of a shorter month.
fn whole_months(birth: Date, day: Date) -> i32 {
    birth.until((Unit::Month, day)).map_or(i32::MAX, |span| span.get_months())
}

/// Days in a twelfth of a year.
const MEAN_MONTH: f64 = 365.25 / 12.0;

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn months(birth: Date, day: Date) -> f64 {
        Age::on(birth, day).unwrap().months()
    }

    #[test]
    fn whole_months_are_calendar_months() {
        assert!((months(date(2025, 5, 1), date(2026, 11, 1)) - 18.0).abs() < 1e-12);
        assert!((months(date(2025, 5, 1), date(2026, 11, 16)) - 18.5).abs() < 1e-12);
        assert!((months(date(2026, 1, 1), date(2026, 1, 31)) - 0.986).abs() < 0.001);
        assert!(months(date(2026, 1, 1), date(2026, 1, 1)).abs() < 1e-12);
        assert_eq!(Age::on(date(2026, 1, 2), date(2026, 1, 1)), Err(NotBorn));
    }

    proptest! {
        #[test]
        fn age_grows_every_day_and_never_jumps(
            birth in 0..20_000_i32, day in 0..3_000_i32
        ) {
            let birth = date(1990, 1, 1).saturating_add(Span::new().days(birth));
            let day = birth.saturating_add(Span::new().days(day));
            let step = months(birth, day.tomorrow().unwrap()) - months(birth, day);
            prop_assert!(step > 0.0 && step < 0.1, "{birth} {day}: {step}");
        }
    }
}
