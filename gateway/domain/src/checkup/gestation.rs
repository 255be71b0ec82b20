//! Gestational age (妊娠週数) as completed weeks and days.

use std::fmt;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use crate::codes::text_forms;
use crate::time::days_between;

/// Weeks and days, 0w0d to 44w6d as on the national electronic form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GestationalAge {
    days: u16,
}

/// What a gestational age was reckoned from. Without it two ages of one
/// pregnancy can't be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GestationBasis {
    /// 最終月経.
    LastPeriod,
    /// 超音波計測.
    Ultrasound,
    /// 胚移植日, 採卵日, 排卵日.
    Conception,
    /// The sender does not know.
    Unknown,
}

/// Not weeks and days between 0w0d and 44w6d.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no gestational age between 0w0d and 44w6d")]
pub struct NotAGestationalAge;

impl GestationalAge {
    /// Parses `28w3d`.
    pub fn parse(text: &str) -> Result<Self, NotAGestationalAge> {
        let parts = text.strip_suffix('d').and_then(|text| text.split_once('w'));
        let (weeks, days) = parts.ok_or(NotAGestationalAge)?;
        let number = |text: &str| {
            let is_short = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
            is_short.then(|| text.parse::<u16>().ok()).flatten().ok_or(NotAGestationalAge)
        };
        Self::new(number(weeks)?, number(days)?)
    }

    /// From weeks and days. Errors: more than 44 weeks or six days.
    pub fn new(weeks: u16, days: u16) -> Result<Self, NotAGestationalAge> {
        if weeks > 44 || days > 6 { Err(NotAGestationalAge) } else { Ok(Self { days: weeks * 7 + days }) }
    }

    /// Completed weeks.
    pub fn weeks(self) -> u16 {
        self.days / 7
    }

    /// Days beyond the completed weeks.
    pub fn days(self) -> u16 {
        self.days % 7
    }

    /// The due date (分娩予定日, 40w0d) if this is the age on `day`. `None` at
    /// the calendar's end.
    pub fn due_date(self, day: Date) -> Option<Date> {
        let left: Span = (TERM - i64::from(self.days)).days();
        day.checked_add(left).ok()
    }

    /// The age on a day, given the due date. `None` outside 0w0d to 44w6d.
    pub fn on(day: Date, due: Date) -> Option<Self> {
        let days = i64::from(days_between(due, day)) + TERM;
        let days = u16::try_from(days).ok()?;
        Self::new(days / 7, days % 7).ok()
    }
}

/// Days from 0w0d to 40w0d.
const TERM: i64 = 280;

impl fmt::Display for GestationalAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}w{}d", self.weeks(), self.days())
    }
}

text_forms!(GestationalAge, NotAGestationalAge);

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weeks_and_days_and_nothing_else() {
        for text in ["0w0d", "28w3d", "44w6d"] {
            assert_eq!(GestationalAge::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "45w0d", "28w7d", "28", "28w", "28w3", "w3d", "+8w3d", "28W3D", "028w3d", "２８w3d"]
        {
            assert_eq!(GestationalAge::parse(text), Err(NotAGestationalAge), "{text}");
        }
        let due = GestationalAge::parse("28w3d").unwrap().due_date(date(2026, 11, 22));
        assert_eq!(due, Some(date(2027, 2, 11)));
    }

    proptest! {
        #[test]
        fn age_and_due_date_say_the_same(days in 0..315_u16) {
            let age = GestationalAge { days };
            let day = date(2026, 11, 22);
            prop_assert_eq!(GestationalAge::on(day, age.due_date(day).unwrap()), Some(age));
            prop_assert_eq!(GestationalAge::parse(&age.to_string()), Ok(age));
        }
    }
}
