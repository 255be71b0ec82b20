//! Ages and distances with exactly one unit each.

use super::document::{AgeRange, Quantity};
use super::{Age, AgeLimit, BookError, Span};

pub(super) fn age_range(id: &str, range: &AgeRange) -> Result<(Age, Option<AgeLimit>), BookError> {
    let from = age(id, range.from)?;
    let until = limit(id, range.to, range.through)?;
    let rises = until.is_none_or(|until| match until {
        AgeLimit::To(until) => least_days(from) < least_days(until),
        AgeLimit::Through(until) => least_days(from) <= least_days(until),
    });
    if rises { Ok((from, until)) } else { Err(BookError::Window(id.to_owned())) }
}

pub(super) fn limit(
    id: &str,
    to: Option<Quantity>,
    through: Option<Quantity>,
) -> Result<Option<AgeLimit>, BookError> {
    match (to, through) {
        (None, None) => Ok(None),
        (Some(to), None) => age(id, to).map(AgeLimit::To).map(Some),
        (None, Some(through)) => age(id, through).map(AgeLimit::Through).map(Some),
        (Some(_), Some(_)) => Err(BookError::Window(id.to_owned())),
    }
}

pub(super) fn age(id: &str, quantity: Quantity) -> Result<Age, BookError> {
    let Quantity { days, weeks, months, years, clear_days } = quantity;
    let age = match (days, weeks, months, years, clear_days) {
        (days, Some(weeks), None, None, None) => {
            days.unwrap_or(0).checked_add(weeks.saturating_mul(7)).map(Age::Days)
        }
        (Some(days), None, None, None, None) => Some(Age::Days(days)),
        (None, None, Some(months), None, None) => Some(Age::Months(months)),
        (None, None, None, Some(years), None) => years.checked_mul(12).map(Age::Months),
        _ => None,
    };
    age.filter(|age| (0..=LONGEST_LIFE).contains(&least_days(*age)))
        .ok_or_else(|| BookError::Quantity(id.to_owned()))
}

pub(super) fn span(id: &str, quantity: Quantity) -> Result<Span, BookError> {
    match quantity {
        Quantity {
            clear_days: Some(days @ 0..=3_650),
            days: None,
            weeks: None,
            months: None,
            years: None,
        } => Ok(Span::ClearDays(days)),
        Quantity {
            months: Some(months @ 1..=120),
            days: None,
            weeks: None,
            clear_days: None,
            years: None,
        } => Ok(Span::Months(months)),
        _ => Err(BookError::Quantity(id.to_owned())),
    }
}

/// The least number of days in an age: enough to compare ages of different units.
fn least_days(age: Age) -> i32 {
    match age {
        Age::Days(days) => days,
        Age::Months(months) => months.saturating_mul(30),
    }
}

/// 150 years, in days.
const LONGEST_LIFE: i32 = 54_787;
