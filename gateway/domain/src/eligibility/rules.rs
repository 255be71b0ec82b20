//! Dated rules: how old a source may be, and in which order rights are claimed.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{LawNumber, PrefectureCode, SchemeGroup, SchemeKind, scheme_entries};

/// The rules an answer is decided by, as dated data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Name of this set; part of every answer's version.
    pub version: String,
    /// How old a source may be.
    pub freshness: Vec<FreshnessRule>,
    /// The order of claiming.
    pub priority: Vec<PriorityTable>,
}

/// How old a source may be, from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshnessRule {
    /// First day.
    pub since: Date,
    /// An older watermark is stale.
    pub stale_after_hours: u32,
}

/// The order in which several rights are claimed, from a day on, everywhere or
/// in one prefecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorityTable {
    /// First day.
    pub since: Date,
    /// Where; `None`: everywhere without a table of its own.
    pub prefecture: Option<PrefectureCode>,
    /// What the order rests on.
    pub basis: PriorityBasis,
    /// Law numbers, the first claimed first. National ones not named come
    /// after those named, local ones not named after all national ones.
    pub order: Vec<LawNumber>,
}

/// What the order of claiming rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriorityBasis {
    /// Compiled from public pages; no official table was loaded.
    Unverified,
    /// An official table, named.
    Official(String),
}

/// Municipalities deliver about once a day; two missed days are stale.
const DEFAULT_STALE_AFTER_HOURS: u32 = 48;
/// Ranks of groups that no table names: after the named ones.
const UNNAMED_NATIONAL: u32 = 500;
const UNNAMED_LOCAL: u32 = 1_000;

impl Rules {
    /// The rules this version ships: 48 hours, and the unverified order of the
    /// embedded register.
    pub fn builtin() -> Self {
        let since = Date::constant(2024, 4, 1);
        Self {
            version: "2026-11-builtin".to_owned(),
            freshness: vec![FreshnessRule { since, stale_after_hours: DEFAULT_STALE_AFTER_HOURS }],
            priority: vec![PriorityTable::unverified()],
        }
    }

    /// How old a source may be when it is read on a day.
    pub fn stale_after(&self, day: Date) -> SignedDuration {
        let in_force = self.freshness.iter().filter(|rule| rule.since <= day).max_by_key(|rule| rule.since);
        let hours = in_force.map_or(DEFAULT_STALE_AFTER_HOURS, |rule| rule.stale_after_hours);
        SignedDuration::from_hours(i64::from(hours))
    }

    /// The place of a group in the order of claiming on a day in a prefecture,
    /// smaller first, and what it rests on.
    pub fn priority(
        &self,
        group: SchemeGroup,
        prefecture: Option<PrefectureCode>,
        day: Date,
    ) -> (u32, PriorityBasis) {
        let applies = |table: &&PriorityTable| {
            table.since <= day && (table.prefecture.is_none() || table.prefecture == prefecture)
        };
        let table = self
            .priority
            .iter()
            .filter(applies)
            .max_by_key(|table| (table.prefecture.is_some(), table.since));
        match table {
            Some(table) => (table.rank(group), table.basis.clone()),
            None => (unnamed_rank(group), PriorityBasis::Unverified),
        }
    }

    /// Days on which the order of claiming may change.
    pub(super) fn priority_changes(&self) -> impl Iterator<Item = Date> {
        self.priority.iter().map(|table| table.since)
    }
}

impl PriorityTable {
    /// The order of the embedded register, which no official table confirms:
    /// national schemes in the order commonly published, local ones after them.
    pub fn unverified() -> Self {
        let mut national: Vec<(u16, LawNumber)> = scheme_entries()
            .filter(|entry| entry.kind == SchemeKind::NationalSubsidy)
            .filter_map(|entry| Some((entry.claim_order_unverified?, LawNumber::parse(&entry.law_no).ok()?)))
            .collect();
        national.sort_unstable();
        Self {
            since: Date::MIN,
            prefecture: None,
            basis: PriorityBasis::Unverified,
            order: national.into_iter().map(|(_, law_no)| law_no).collect(),
        }
    }

    fn rank(&self, group: SchemeGroup) -> u32 {
        let place = self.order.iter().position(|law_no| *law_no == group.law_no());
        place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or_else(|| unnamed_rank(group))
    }
}

fn unnamed_rank(group: SchemeGroup) -> u32 {
    let base = if group.is_national() { UNNAMED_NATIONAL } else { UNNAMED_LOCAL };
    base + u32::from(group.law_no().number())
}

impl fmt::Display for PriorityBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unverified => f.write_str("UNVERIFIED"),
            Self::Official(source) => f.write_str(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn rank(rules: &Rules, group: &str, prefecture: &str, day: Date) -> (u32, PriorityBasis) {
        let prefecture = PrefectureCode::parse(prefecture).ok();
        rules.priority(SchemeGroup::parse(group).unwrap(), prefecture, day)
    }

    #[test]
    fn the_builtin_order_is_national_before_local_and_says_it_is_unverified() {
        let rules = Rules::builtin();
        let day = date(2026, 4, 1);
        let order = ["13", "14", "18", "29", "30", "21", "52", "12", "88-13"];
        let ranks: Vec<u32> = order.iter().map(|group| rank(&rules, group, "13", day).0).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        assert_eq!(rank(&rules, "52", "13", day).1.to_string(), "UNVERIFIED");
    }

    #[test]
    fn an_official_table_of_a_prefecture_counts_from_its_day_on_and_only_there() {
        let mut rules = Rules::builtin();
        let law = |text| LawNumber::parse(text).unwrap();
        rules.priority.push(PriorityTable {
            since: date(2026, 4, 1),
            prefecture: PrefectureCode::parse("13").ok(),
            basis: PriorityBasis::Official("invented table".to_owned()),
            order: vec![law("88"), law("52")],
        });
        assert_eq!(rank(&rules, "88-13", "13", date(2026, 4, 1)).0, 1);
        assert_eq!(rank(&rules, "88-13", "13", date(2026, 4, 1)).1.to_string(), "invented table");
        assert_eq!(rank(&rules, "88-13", "13", date(2026, 3, 31)).0, 1_088);
        assert_eq!(rank(&rules, "88-13", "14", date(2026, 4, 1)).0, 1_088);
    }

    #[test]
    fn freshness_is_dated() {
        let mut rules = Rules::builtin();
        rules.freshness.push(FreshnessRule { since: date(2027, 4, 1), stale_after_hours: 24 });
        assert_eq!(rules.stale_after(date(2027, 3, 31)), SignedDuration::from_hours(48));
        assert_eq!(rules.stale_after(date(2027, 4, 1)), SignedDuration::from_hours(24));
        assert_eq!(rules.stale_after(date(2000, 1, 1)), SignedDuration::from_hours(48));
    }
}
