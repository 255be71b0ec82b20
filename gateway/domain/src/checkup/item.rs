//! The items of a checkup: a dated table, read once and never asked for
//! anything that it does not hold.
//!
//! Which items exist comes from the national electronic form
//! (標準的な電子的記録様式, column `source`: `form`), from what a visit in practice
//! holds (`visit`), and from 母子保健法施行規則2条 (`article2`); `practice` was not
//! read in a source. All bounds are ours: they find typing errors and wrong
//! units. What is rare is a warning, only what no person can have is refused.

mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};

pub use value::{Entry, RawEntry, Value};

use super::Confidence;
use super::amount::Amount;
use super::kind::CheckupKind;
use super::visibility::ItemClass;

const ITEMS: &str = include_str!("../../data/checkup/items.csv");
const WITHHELD: &str = include_str!("../../data/checkup/withheld.csv");

/// One item that a checkup may hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Item {
    /// Stable code.
    pub code: String,
    /// Kinds of checkup that may hold it.
    #[serde(deserialize_with = "parsed_list")]
    pub kinds: Vec<CheckupKind>,
    /// Kinds in which a complete record has it.
    #[serde(deserialize_with = "parsed_list")]
    pub expected: Vec<CheckupKind>,
    /// Kinds of a pregnancy in which it is told once, so that two visits that
    /// tell it differently can't both be right.
    #[serde(deserialize_with = "parsed_list")]
    pub once: Vec<CheckupKind>,
    /// In Japanese.
    pub name_ja: String,
    /// In English.
    pub name_en: String,
    /// What kind of value it has.
    pub shape: Shape,
    /// The one unit; empty: none.
    pub unit: String,
    /// Methods of measuring; empty: the method says nothing.
    #[serde(deserialize_with = "parsed_list")]
    pub methods: Vec<String>,
    /// Codes of a coded value.
    #[serde(deserialize_with = "parsed_list")]
    pub options: Vec<String>,
    /// Impossible below.
    pub refuse_below: Option<Amount>,
    /// Implausible below.
    pub warn_below: Option<Amount>,
    /// Implausible above.
    pub warn_above: Option<Amount>,
    /// Impossible above.
    pub refuse_above: Option<Amount>,
    /// What it is about, which decides who may see it.
    pub class: ItemClass,
    /// First day on which a checkup may hold it; `None`: always.
    pub since: Option<Date>,
    /// Last day; `None`: still.
    pub until: Option<Date>,
    /// Where its existence was read.
    pub source: String,
    /// How far that was checked.
    pub confidence: Confidence,
}

/// What kind of value an item has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A measured number in the item's unit.
    Amount,
    /// A whole number.
    Count,
    /// `yes` or `no`.
    YesNo,
    /// A grade of the scale − ± 1+ … 4+.
    Grade,
    /// One of the item's options.
    Code,
    /// A date.
    Date,
    /// A date and a minute, civil time in Tokyo.
    Datetime,
    /// Weeks and days.
    Gestation,
    /// No value but a finding.
    Finding,
}

/// The item with this code.
pub fn item(code: &str) -> Option<&'static Item> {
    TABLE.get(code)
}

/// All items, by code.
pub fn items() -> impl Iterator<Item = &'static Item> {
    TABLE.values()
}

/// Items that a complete record of this kind and day has.
pub fn expected(kind: CheckupKind, day: Date) -> impl Iterator<Item = &'static Item> {
    items().filter(move |item| item.expected.contains(&kind) && item.is_current(day))
}

/// Whether a code names something that the national form keeps out of the
/// exchange as sensitive: smoking, drinking, syphilis, HIV, miscarriage and
/// stillbirth.
pub fn is_withheld(code: &str) -> bool {
    WITHHELD_CODES.contains(code)
}

impl Item {
    /// Whether a checkup of this day may hold it.
    pub fn is_current(&self, day: Date) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }
}

static TABLE: LazyLock<BTreeMap<String, Item>> = LazyLock::new(|| read().unwrap_or_default());

static WITHHELD_CODES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let rows = csv::Reader::from_reader(WITHHELD.as_bytes()).into_records();
    rows.filter_map(|row| row.ok()?.get(0).map(str::to_owned)).collect()
});

fn read() -> Result<BTreeMap<String, Item>, csv::Error> {
    let rows = csv::Reader::from_reader(ITEMS.as_bytes()).into_deserialize::<Item>();
    rows.map(|row| row.map(|item| (item.code.clone(), item))).collect()
}

/// `a|b|c`, or nothing.
fn parsed_list<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let words = text.split('|').filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| de::Error::custom("unknown word in a list"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read_and_sane() {
        let rows = csv::Reader::from_reader(ITEMS.as_bytes()).into_records().count();
        let table = read().unwrap();
        assert_eq!((table.len(), rows), (85, 85));
        for item in table.values() {
            let code = &item.code;
            assert!(!item.kinds.is_empty(), "{code}");
            assert!(item.expected.iter().chain(&item.once).all(|kind| item.kinds.contains(kind)), "{code}");
            let bounds = [item.refuse_below, item.warn_below, item.warn_above, item.refuse_above];
            let bounds: Vec<Amount> = bounds.into_iter().flatten().collect();
            assert!(bounds.is_sorted(), "{code}");
            let is_number = matches!(item.shape, Shape::Amount | Shape::Count);
            assert_eq!(is_number, item.refuse_below.is_some() && item.refuse_above.is_some(), "{code}");
            assert_eq!(
                item.shape == Shape::Amount,
                !item.unit.is_empty() && code != "labour_minutes",
                "{code}"
            );
            assert_eq!(item.shape == Shape::Code, !item.options.is_empty(), "{code}");
            assert!(!is_withheld(code), "{code}");
        }
    }

    #[test]
    fn every_kind_has_items_and_the_two_statutory_ones_theirs() {
        let day = Date::constant(2026, 11, 22);
        for kind in CheckupKind::ALL {
            assert!(expected(kind, day).next().is_some(), "{kind:?}");
        }
        // 母子保健法施行規則2条: eleven items at 18 months; 3 years adds eyes and ear, nose, throat.
        // «身体発育» has its measures beside it, so more are expected than the article counts.
        let article = |kind| expected(kind, day).filter(|item| item.source == "article2").count();
        assert_eq!((article(CheckupKind::Month18), article(CheckupKind::Year3)), (11, 13));
    }

    #[test]
    fn what_the_national_form_keeps_out_is_no_item() {
        for code in ["smoking", "drinking", "syphilis", "hiv", "miscarriage_stillbirth"] {
            assert!(is_withheld(code) && item(code).is_none(), "{code}");
        }
    }
}
