//! Does a municipality's register (予防接種台帳) make a history complete?

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::calendar::plus_days;
use super::facts::Completeness;

/// Why a history may have holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HistoryGap {
    /// No municipality has said that the person is its resident.
    HomeUnknown,
    /// The home municipality has not said that its register is here. A few imported rows are not a register.
    RegisterNotDelivered,
    /// It was, up to a day too long before the shot.
    RegisterStale,
}

/// Whether the doses known on a day are all there are, and if not, why. `register`: whether a home is known, and up to
/// which day its register is here.
pub fn completeness(
    paper_seen: bool,
    register: Option<Option<Date>>,
    on: Date,
) -> (Completeness, Option<HistoryGap>) {
    let gap = match register {
        None => Some(HistoryGap::HomeUnknown),
        Some(None) => Some(HistoryGap::RegisterNotDelivered),
        Some(Some(through)) if plus_days(through, MAY_LAG_DAYS) < on => Some(HistoryGap::RegisterStale),
        Some(Some(_)) => None,
    };
    match gap {
        _ if paper_seen => (Completeness::PaperSeen, None),
        None => (Completeness::HistoryComplete, None),
        Some(gap) => (Completeness::HistoryIncomplete, Some(gap)),
    }
}

/// Institutions send their 予診票 once a month, so a register brought up to date every month is never older. Our choice:
/// no law sets it.
const MAY_LAG_DAYS: i32 = 31;

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_register_is_good_for_a_month() {
        let through = date(2026, 5, 31);
        let on = |day| completeness(false, Some(Some(through)), day);
        assert_eq!(on(date(2026, 4, 1)), (Completeness::HistoryComplete, None));
        assert_eq!(on(date(2026, 6, 30)), (Completeness::HistoryComplete, None));
        assert_eq!(on(date(2026, 7, 1)), (Completeness::HistoryComplete, None));
        assert_eq!(on(date(2026, 7, 2)), (Completeness::HistoryIncomplete, Some(HistoryGap::RegisterStale)));
    }

    #[test]
    fn without_a_register_the_reason_is_said_and_paper_settles_it() {
        let on = date(2026, 6, 1);
        let incomplete = |gap| (Completeness::HistoryIncomplete, Some(gap));
        assert_eq!(completeness(false, None, on), incomplete(HistoryGap::HomeUnknown));
        assert_eq!(completeness(false, Some(None), on), incomplete(HistoryGap::RegisterNotDelivered));
        for register in [None, Some(None), Some(Some(date(2020, 1, 1)))] {
            assert_eq!(completeness(true, register, on), (Completeness::PaperSeen, None));
        }
    }
}
