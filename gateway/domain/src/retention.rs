//! How long the content of the log's entries is kept, class of record by class of record.
//!
//! The periods are dated data with their sources. No provision names a period for the log of an exchange between
//! institutions; ours follow the longest neighbouring duty, and each says so. An operator who was told otherwise keeps
//! longer by a hold, and erases earlier by a request: nothing here is a promise that content is kept, or that it goes,
//! unless retention was switched on.

use jiff::{ToSpan as _, civil::Date};

/// How long one class of record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Class of record by its registered name, for example `subsidy`.
    pub category: &'static str,
    /// From this day on; an earlier rule of the same class counts before.
    pub since: Date,
    /// How long.
    pub keep: Keep,
    /// The provision, or the duty that it was taken from.
    pub source: &'static str,
    /// How sure we are that it applies to this log.
    pub standing: Standing,
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many years from the entry.
    Years(i16),
    /// So many years from the person's death, which the log does not know: never by age alone.
    YearsAfterDeath(i16),
}

/// How sure a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The provision itself was read.
    Read,
    /// The number comes from a neighbouring duty or from memory, and nobody has confirmed that it holds here.
    Unconfirmed,
}

/// The first day on which the content of an entry of these classes may go; `None` while there is none: for a class
/// that age does not end, for one that nobody made a rule for, and for an entry of no class at all.
///
/// Several classes: the longest period. `made` and `today` are days in Tokyo.
pub fn ends_on<'a>(categories: impl IntoIterator<Item = &'a str>, made: Date, today: Date) -> Option<Date> {
    let mut last: Option<Date> = None;
    for category in categories {
        let mut periods = PERIODS.iter().filter(|period| period.category == category);
        let ends = periods.find(|period| period.is_in_force(today))?.ends_on(made)?;
        last = last.max(Some(ends));
    }
    last
}

/// The shortest period of years in force: what is younger need not be looked at.
pub fn shortest_years(today: Date) -> i16 {
    let years =
        PERIODS.iter().filter(|period| period.is_in_force(today)).filter_map(|period| match period.keep {
            Keep::Years(years) => Some(years),
            Keep::YearsAfterDeath(_) => None,
        });
    years.min().unwrap_or(i16::MAX)
}

impl Period {
    /// The newest rule of its class that has begun.
    fn is_in_force(&self, today: Date) -> bool {
        let follows =
            |one: &Self| one.category == self.category && self.since < one.since && one.since <= today;
        self.since <= today && !PERIODS.iter().any(follows)
    }

    fn ends_on(&self, made: Date) -> Option<Date> {
        match self.keep {
            // The day itself does not count (民法140条), so the period is over on the day after its last.
            Keep::Years(years) => made.checked_add(years.years()).ok()?.tomorrow().ok(),
            Keep::YearsAfterDeath(_) => None,
        }
    }
}

/// Every period, and where it comes from.
pub const PERIODS: &[Period] = &[
    seven("subsidy", EXCHANGE_RECORDS),
    // The record's own rule: five years from the shot until the rule that follows the person's whole life.
    Period {
        category: "vaccination",
        since: ALWAYS,
        keep: Keep::Years(5),
        source: VACCINATION_BEFORE,
        standing: Standing::Read,
    },
    Period {
        category: "vaccination",
        since: jiff::civil::date(2026, 6, 1),
        keep: Keep::YearsAfterDeath(5),
        source: VACCINATION,
        // Accepted on 2025-07-02 "to apply by June 2026"; the day itself was not read.
        standing: Standing::Unconfirmed,
    },
    seven("checkup", MEDICAL_RECORDS),
    seven("handoff", MEDICAL_RECORDS),
    seven("identity", EXCHANGE_RECORDS),
    seven("registry", EXCHANGE_RECORDS),
    // Who looked at the log is kept no shorter than what they looked at.
    seven("audit", EXCHANGE_RECORDS),
];

const fn seven(category: &'static str, source: &'static str) -> Period {
    Period { category, since: ALWAYS, keep: Keep::Years(7), source, standing: Standing::Unconfirmed }
}

const ALWAYS: Date = jiff::civil::date(1900, 1, 1);
const EXCHANGE_RECORDS: &str = "番号法23条3項・同施行令29条（情報提供等の記録は7年）に準じる";
const MEDICAL_RECORDS: &str = "医師法24条2項（診療録は5年）と番号法23条3項（7年）の長い方に準じる";
const VACCINATION_BEFORE: &str = "予防接種法施行規則3条（接種から5年）";
const VACCINATION: &str = "予防接種法施行規則（2025年7月2日了承: 死亡から5年）";

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2034, 1, 1);

    #[test]
    fn a_period_is_over_on_the_day_after_its_last() {
        let ends = |made| ends_on(["subsidy"], made, TODAY);
        assert_eq!(ends(date(2026, 11, 22)), Some(date(2033, 11, 23)));
        // No 29 February seven years later: the period ends with the month (民法143条2項ただし書).
        assert_eq!(ends(date(2028, 2, 29)), Some(date(2035, 3, 1)));
    }

    #[test]
    fn the_longest_class_decides_and_one_without_an_end_decides_most() {
        let made = date(2020, 4, 1);
        let before = date(2026, 5, 31);
        assert_eq!(ends_on(["vaccination"], made, before), Some(date(2025, 4, 2)));
        assert_eq!(ends_on(["vaccination", "subsidy"], made, before), Some(date(2027, 4, 2)));
        assert_eq!(ends_on(["vaccination"], made, TODAY), None, "the log knows of no death");
        assert_eq!(ends_on(["subsidy", "vaccination"], made, TODAY), None);
    }

    #[test]
    fn what_nobody_made_a_rule_for_is_kept() {
        assert_eq!(ends_on(["of-a-later-version"], date(1990, 1, 1), TODAY), None);
        assert_eq!(ends_on(["of-a-later-version", "subsidy"], date(1990, 1, 1), TODAY), None);
        assert_eq!(ends_on([], date(1990, 1, 1), TODAY), None);
    }

    #[test]
    fn every_period_names_its_source_and_one_class_has_one_rule_a_day() {
        for period in PERIODS {
            assert!(!period.source.is_empty());
            let same =
                PERIODS.iter().filter(|one| (one.category, one.since) == (period.category, period.since));
            assert_eq!(same.count(), 1, "{}", period.category);
        }
        assert_eq!((shortest_years(date(2026, 1, 1)), shortest_years(TODAY)), (5, 7));
    }
}
