//! Counting days the way the law and its guideline do.
//!
//! - An age is reached at the end of the day before the same-numbered day, or
//!   at the end of the month's last day where there is none (年齢計算ニ関スル法律,
//!   民法143条2項). 「N月に至るまで」 ends with that day.
//! - 「N日以上の間隔をおいて」 counts whole days between: 27 gives the same weekday
//!   four weeks later. 「N月以上」 gives the same-numbered day, or the month's last.
//! - Weeks of life begin with the day after birth (定期接種実施要領, ロタウイルス).
//! - School years run from 1 April; whoever is born on 1 April reaches the age
//!   on 31 March and belongs to the earlier one.
//! - The due date is 40 weeks and 0 days.
//!
//! Past the calendar's end dates saturate, so that nothing here can fail.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::time::{DateRange, days_between};

/// From which day a window is open that opens at an age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgePolicy {
    /// From the day on which the law counts the age as reached: the day before the birthday.
    #[default]
    LawLiteral,
    /// From the birthday, as many printed schedules have it.
    Birthday,
}

/// An age as rules write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// Days after birth; the day of birth is 0.
    Days(i32),
    /// Calendar months.
    Months(i32),
}

/// A distance between two doses as rules write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// So many whole days lie between.
    ClearDays(i32),
    /// Calendar months.
    Months(i32),
}

/// A pregnancy, dated by its due date (分娩予定日).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pregnancy {
    /// 40 weeks and 0 days.
    pub due_date: Date,
}

impl AgePolicy {
    /// Both policies.
    pub const ALL: [Self; 2] = [Self::LawLiteral, Self::Birthday];

    /// Stable machine name.
    pub fn name(self) -> &'static str {
        match self {
            Self::LawLiteral => "law_literal",
            Self::Birthday => "birthday",
        }
    }
}

impl Age {
    /// The first day of 「N月から」 under a policy. Days have no two readings.
    pub fn opens(self, birth: Date, policy: AgePolicy) -> Date {
        match (self, policy) {
            (Self::Days(days), _) => plus_days(birth, days),
            (Self::Months(months), AgePolicy::LawLiteral) => reached(birth, months),
            (Self::Months(months), AgePolicy::Birthday) => plus_days(reached(birth, months), 1),
        }
    }

    /// The last day of 「N月に至るまで」, the same under every policy.
    pub fn closes(self, birth: Date) -> Date {
        match self {
            Self::Days(days) => plus_days(birth, days - 1),
            Self::Months(months) => reached(birth, months),
        }
    }
}

impl Span {
    /// The first day that keeps this distance after another.
    pub fn after(self, day: Date) -> Date {
        match self {
            Self::ClearDays(days) => plus_days(day, days + 1),
            Self::Months(months) => day.saturating_add(months.months()),
        }
    }
}

impl Pregnancy {
    /// The day of a gestational age, in days.
    pub fn day(self, gestation: i32) -> Date {
        plus_days(self.due_date, gestation - TERM)
    }

    /// The gestational age on a day, in days; negative before it began.
    pub fn gestation(self, day: Date) -> i32 {
        TERM + days_between(self.due_date, day)
    }
}

/// The days of the school years in which a person reaches the two ages, from the first to the last.
pub(super) fn school_years(birth: Date, from_age: i16, to_age: i16) -> DateRange {
    let year_of = |age: i16| fiscal_year(reached(birth, i32::from(age) * 12));
    let (first, last) = (april(year_of(from_age)), april(year_of(to_age).saturating_add(1)));
    DateRange::new(first, plus_days(last, -1)).unwrap_or(DateRange::day(first))
}

/// The fiscal year (会計年度) of a day, from 1 April.
pub(super) fn fiscal_year(day: Date) -> i16 {
    if day.month() < 4 { day.year() - 1 } else { day.year() }
}

/// 1 April of a year.
pub(super) fn april(year: i16) -> Date {
    Date::new(year, 4, 1).unwrap_or(Date::MAX)
}

/// Some days later, or earlier.
pub(super) fn plus_days(day: Date, days: i32) -> Date {
    day.saturating_add(days.days())
}

/// The day at whose end a number of months is reached.
fn reached(birth: Date, months: i32) -> Date {
    let clamped = birth.saturating_add(months.months());
    // A clamped day is the month's last; the age is reached at its end, not a day before.
    if clamped.day() == birth.day() { plus_days(clamped, -1) } else { clamped }
}

/// 40 weeks and 0 days, in days.
const TERM: i32 = 280;

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn months(birth: Date, months: i32) -> (Date, Date, Date) {
        let age = Age::Months(months);
        (age.closes(birth), age.opens(birth, AgePolicy::LawLiteral), age.opens(birth, AgePolicy::Birthday))
    }

    /// `vaccine_schedule_jp.json`, semantics: 27, 20, 6, 60, 139.
    #[test]
    fn clear_days_lie_between_the_doses() {
        for (days, later) in [(27, 28), (20, 21), (6, 7), (60, 61), (139, 140), (0, 1)] {
            let day = date(2026, 6, 1);
            assert_eq!(days_between(day, Span::ClearDays(days).after(day)), later);
        }
        assert_eq!(Span::ClearDays(27).after(date(2024, 2, 1)), date(2024, 2, 29));
        assert_eq!(Span::ClearDays(27).after(date(2026, 6, 1)).weekday(), date(2026, 6, 1).weekday());
    }

    #[test]
    fn months_between_doses_clamp_to_the_month_end() {
        for (day, span, expected) in [
            (date(2026, 8, 31), 6, date(2027, 2, 28)),
            (date(2027, 8, 31), 6, date(2028, 2, 29)),
            (date(2026, 1, 31), 3, date(2026, 4, 30)),
            (date(2026, 1, 15), 7, date(2026, 8, 15)),
            (date(2028, 2, 29), 6, date(2028, 8, 29)),
        ] {
            assert_eq!(Span::Months(span).after(day), expected, "{day} + {span}");
        }
    }

    /// Ministry of Health, ロタウイルスワクチンに関するQ&A, Q5: two months are reached on the day before the
    /// same-numbered day; born on 31 July, on 30 September. Second edition (2020-08 births): born on 1 August 2020,
    /// on 30 September 2020.
    #[test]
    fn two_months_of_the_ministrys_examples() {
        assert_eq!(Age::Months(2).closes(date(2020, 7, 31)), date(2020, 9, 30));
        assert_eq!(Age::Months(2).closes(date(2020, 8, 1)), date(2020, 9, 30));
        assert_eq!(months(date(2020, 8, 1), 2), (date(2020, 9, 30), date(2020, 9, 30), date(2020, 10, 1)));
    }

    /// The same Q&A: weeks count from the day after birth; born on 1 August 2020: 6w0d is 12 September, 14w6d is
    /// 13 November; born on 19 August 2020: 6w0d is 30 September.
    #[test]
    fn weeks_of_the_ministrys_examples() {
        let week = |birth, weeks, days| Age::Days(weeks * 7 + days).opens(birth, AgePolicy::LawLiteral);
        assert_eq!(week(date(2020, 8, 1), 6, 0), date(2020, 9, 12));
        assert_eq!(week(date(2020, 8, 1), 14, 6), date(2020, 11, 13));
        assert_eq!(week(date(2020, 8, 19), 6, 0), date(2020, 9, 30));
        // 「生まれてから24回目の、生まれた日と同じ曜日」
        assert_eq!(week(date(2020, 8, 1), 24, 0).weekday(), date(2020, 8, 1).weekday());
    }

    #[test]
    fn ages_at_month_ends_and_leap_days() {
        let births = [
            (date(2024, 2, 29), 12, date(2025, 2, 28), date(2025, 3, 1)),
            (date(2024, 2, 29), 48, date(2028, 2, 28), date(2028, 2, 29)),
            (date(2026, 8, 31), 6, date(2027, 2, 28), date(2027, 3, 1)),
            (date(2026, 8, 30), 6, date(2027, 2, 28), date(2027, 3, 1)),
            (date(2026, 8, 29), 6, date(2027, 2, 28), date(2027, 3, 1)),
            (date(2026, 8, 28), 6, date(2027, 2, 27), date(2027, 2, 28)),
            (date(2026, 3, 1), 12, date(2027, 2, 28), date(2027, 3, 1)),
            (date(2027, 3, 1), 12, date(2028, 2, 29), date(2028, 3, 1)),
        ];
        for (birth, age, last, birthday) in births {
            assert_eq!(months(birth, age), (last, last, birthday), "{birth} {age}");
        }
    }

    #[test]
    fn a_child_of_the_first_of_april_belongs_to_the_earlier_school_year() {
        let preschool = |birth| school_years(birth, 6, 6);
        let year = |first: i16| DateRange::new(april(first), date(first + 1, 3, 31)).unwrap();
        assert_eq!(preschool(date(2021, 4, 1)), year(2026));
        assert_eq!(preschool(date(2021, 4, 2)), year(2027));
        assert_eq!(preschool(date(2022, 3, 31)), year(2027));
        assert_eq!(
            school_years(date(2014, 4, 2), 12, 16),
            DateRange::new(april(2026), date(2031, 3, 31)).unwrap()
        );
        // 神埼市, 定期接種対象年度早見表 (令和7年度): 65 in fiscal 2025 are births of 1960-04-02 to 1961-04-01.
        assert_eq!(school_years(date(1960, 4, 2), 65, 65), year(2025));
        assert_eq!(school_years(date(1961, 4, 1), 65, 65), year(2025));
        assert_eq!(school_years(date(1961, 4, 2), 65, 65), year(2026));
    }

    /// The vector of `vaccine_schedule_jp.json`, after the pages of Hakodate and Iwata.
    #[test]
    fn the_due_date_is_forty_weeks() {
        let pregnancy = Pregnancy { due_date: date(2026, 4, 23) };
        assert_eq!(pregnancy.day(28 * 7), date(2026, 1, 29));
        assert_eq!(pregnancy.day(36 * 7 + 6), date(2026, 4, 1));
        assert_eq!(pregnancy.gestation(date(2026, 4, 1)), 36 * 7 + 6);
        assert_eq!(pregnancy.gestation(pregnancy.due_date), 280);
    }

    #[test]
    fn nothing_fails_at_the_calendars_end() {
        assert_eq!(Span::Months(7).after(Date::MAX), Date::MAX);
        assert_eq!(Age::Days(30).opens(Date::MAX, AgePolicy::Birthday), Date::MAX);
        let years = school_years(Date::MAX, 12, 16);
        assert!(years.first() <= years.last());
    }
}
