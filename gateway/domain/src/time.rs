//! Civil dates in Asia/Tokyo and intervals that include both ends, as on the
//! paper certificate.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// Japan has had no summer time since 1951, so a fixed offset is exact for
/// every instant this system can see, and needs no time zone database.
const TOKYO: Offset = Offset::constant(9);

/// The civil date in Tokyo at an instant.
pub fn tokyo_date(instant: Timestamp) -> Date {
    TOKYO.to_datetime(instant).date()
}

/// Date and minute in Tokyo, `2026-04-01 09:00`, for texts people read.
pub fn tokyo_minute(instant: Timestamp) -> String {
    TOKYO.to_datetime(instant).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The last day of a date's month.
pub fn month_end(date: Date) -> Date {
    date.last_of_month()
}

/// The day at whose end a person reaches an age: the day before the birthday
/// (年齢計算ニ関スル法律, 民法143条2項). Who was born on 29 February reaches it at
/// the end of 28 February in every year. `None` past the calendar's end.
pub fn day_before_birthday(birth: Date, age: i16) -> Option<Date> {
    let year = birth.year().checked_add(age)?;
    match Date::new(year, birth.month(), birth.day()) {
        Ok(birthday) => birthday.yesterday().ok(),
        Err(_) => Date::new(year, 2, 28).ok(),
    }
}

/// Days from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct DateRange {
    first: Date,
    last: Date,
}

/// The last day lies before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the interval ends before it begins")]
pub struct Reversed;

impl DateRange {
    /// From the first to the last day. Errors: reversed.
    pub fn new(first: Date, last: Date) -> Result<Self, Reversed> {
        if first <= last { Ok(Self { first, last }) } else { Err(Reversed) }
    }

    /// One day.
    pub fn day(day: Date) -> Self {
        Self { first: day, last: day }
    }

    /// First day.
    pub fn first(self) -> Date {
        self.first
    }

    /// Last day.
    pub fn last(self) -> Date {
        self.last
    }

    /// Whether a day lies within.
    pub fn contains(self, day: Date) -> bool {
        self.first <= day && day <= self.last
    }

    /// Number of days, at least 1.
    pub fn days(self) -> i32 {
        days_between(self.first, self.last) + 1
    }
}

/// Days from one date to another, negative if the other is earlier.
pub fn days_between(from: Date, to: Date) -> i32 {
    // The calendar has fewer than four million days, so days always fit.
    i32::try_from(from.duration_until(to).as_hours() / 24).unwrap_or(i32::MAX)
}

#[derive(Serialize, Deserialize)]
struct Ends {
    first: Date,
    last: Date,
}

impl TryFrom<Ends> for DateRange {
    type Error = Reversed;

    fn try_from(ends: Ends) -> Result<Self, Reversed> {
        Self::new(ends.first, ends.last)
    }
}

impl From<DateRange> for Ends {
    fn from(range: DateRange) -> Self {
        Self { first: range.first, last: range.last }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn tokyo_day_begins_at_fifteen_utc() {
        let at = |text: &str| tokyo_date(text.parse().unwrap());
        assert_eq!(at("2026-03-31T14:59:59.999999Z"), date(2026, 3, 31));
        assert_eq!(at("2026-03-31T15:00:00Z"), date(2026, 4, 1));
        assert_eq!(tokyo_minute("2026-03-31T15:00:00Z".parse().unwrap()), "2026-04-01 00:00");
    }

    #[test]
    fn an_age_is_reached_the_day_before_the_birthday() {
        let born = |y, m, d, age| day_before_birthday(date(y, m, d), age).unwrap();
        assert_eq!(born(2008, 4, 1, 18), date(2026, 3, 31));
        assert_eq!(born(2008, 4, 2, 18), date(2026, 4, 1));
        assert_eq!(born(2023, 1, 1, 3), date(2025, 12, 31));
        assert_eq!(born(2024, 2, 29, 1), date(2025, 2, 28));
        assert_eq!(born(2024, 2, 29, 4), date(2028, 2, 28));
        assert_eq!(born(2023, 3, 1, 1), date(2024, 2, 29));
        assert_eq!(day_before_birthday(date(9000, 1, 1), 1_000), None);
    }

    #[test]
    fn ranges_include_both_ends_and_refuse_reversal() {
        let april = DateRange::new(date(2026, 4, 1), month_end(date(2026, 4, 1))).unwrap();
        assert_eq!((april.days(), april.last()), (30, date(2026, 4, 30)));
        assert!(april.contains(date(2026, 4, 1)) && april.contains(date(2026, 4, 30)));
        assert!(!april.contains(date(2026, 5, 1)));
        assert_eq!(DateRange::new(date(2026, 4, 2), date(2026, 4, 1)), Err(Reversed));
        assert!(serde_json::from_str::<DateRange>(r#"{"first":"2026-04-02","last":"2026-04-01"}"#).is_err());
    }
}
