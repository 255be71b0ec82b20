//! One value: as received, and as kept.

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::{Item, Shape, is_withheld, item};
use crate::checkup::amount::Amount;
use crate::checkup::gestation::GestationalAge;
use crate::checkup::grade::Grade;
use crate::checkup::judgement::Finding;
use crate::checkup::kind::CheckupKind;
use crate::checkup::problem::{Notes, Reason};
use crate::checkup::text;
use crate::problem::FieldReason;
use crate::resident::iso_date;

/// A value as received.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawEntry {
    /// Code of the item; required.
    pub code: String,
    /// The value as text; empty where there is only a finding.
    pub value: String,
    /// The item's unit; required where it has one.
    pub unit: String,
    /// How it was measured.
    pub method: String,
    /// What the examination found.
    pub finding: Option<Finding>,
    /// Free text beside it, at most 500 characters.
    pub note: String,
}

/// A value as kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The value; `None` where there is only a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Its unit; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// How it was measured, if it was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// What the examination found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A typed value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A measured number.
    Amount(Amount),
    /// A whole number.
    Count(u32),
    /// Yes or no.
    YesNo(bool),
    /// A grade.
    Grade(Grade),
    /// A code.
    Code(String),
    /// A date.
    Date(Date),
    /// A date and a minute, civil time in Tokyo.
    Datetime(DateTime),
    /// Weeks and days.
    Gestation(GestationalAge),
}

impl Entry {
    /// Reads one value of a checkup of `kind` on `day`.
    pub(in crate::checkup) fn read(
        raw: &RawEntry,
        kind: CheckupKind,
        day: Date,
        notes: &mut Notes,
    ) -> Option<(&'static Item, Self)> {
        let path = |field: &str| format!("items[{}].{field}", item(&raw.code).map_or("?", |item| &item.code));
        let Some(item) = item(&raw.code) else {
            let reason = if is_withheld(&raw.code) { Reason::Withheld } else { Reason::UnknownItem };
            notes.problem(path("code"), reason);
            return None;
        };
        if !item.kinds.contains(&kind) {
            notes.problem(path("code"), Reason::OtherKind);
        }
        if !item.is_current(day) {
            notes.problem(path("code"), FieldReason::CodeNotCurrent);
        }
        if raw.unit != item.unit && item.shape != Shape::Finding {
            notes.problem(path("unit"), Reason::Unit);
        }
        check_method(raw, item, &path("method"), notes);
        text(notes, path("note"), &raw.note, 500);
        let value = value(raw, item, &path("value"), notes);
        if item.shape == Shape::Finding && raw.finding.is_none() {
            notes.problem(path("finding"), FieldReason::Required);
        }
        let entry = Self {
            value,
            unit: item.unit.clone(),
            method: raw.method.clone(),
            finding: raw.finding,
            note: raw.note.clone(),
        };
        Some((item, entry))
    }
}

fn check_method(raw: &RawEntry, item: &Item, path: &str, notes: &mut Notes) {
    match (item.methods.is_empty(), raw.method.is_empty()) {
        (true, true) => {}
        (false, true) => notes.warning(path, Reason::Method),
        _ if item.methods.contains(&raw.method) => {}
        _ => notes.problem(path, Reason::Method),
    }
}

fn value(raw: &RawEntry, item: &Item, path: &str, notes: &mut Notes) -> Option<Value> {
    if raw.value.is_empty() {
        // An examination that was not done has no value, and says so.
        let is_excused = matches!(raw.finding, Some(Finding::NotExamined | Finding::Unknown))
            || item.shape == Shape::Finding;
        if !is_excused {
            notes.problem(path, FieldReason::Required);
        }
        return None;
    }
    let value = notes.take(path, parse(&raw.value, item))?;
    let number = match &value {
        Value::Amount(amount) => Some(*amount),
        Value::Count(count) => Amount::parse(&count.to_string()).ok(),
        _ => None,
    };
    if let Some(number) = number {
        check_bounds(number, item, path, notes);
    }
    Some(value)
}

fn parse(text: &str, item: &Item) -> Result<Value, FieldReason> {
    let value = match item.shape {
        Shape::Amount => Amount::parse(text).ok().map(Value::Amount),
        Shape::Count => {
            let is_number = text.len() <= 7 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten().map(Value::Count)
        }
        Shape::YesNo => match text {
            "yes" => Some(Value::YesNo(true)),
            "no" => Some(Value::YesNo(false)),
            _ => None,
        },
        Shape::Grade => Grade::parse(text).ok().map(Value::Grade),
        Shape::Code => {
            let is_listed = item.options.iter().any(|option| option == text);
            return is_listed.then(|| Value::Code(text.to_owned())).ok_or(FieldReason::UnknownCode);
        }
        Shape::Date => return iso_date(text).map(Value::Date),
        Shape::Datetime => return minute(text).map(Value::Datetime),
        Shape::Gestation => GestationalAge::parse(text).ok().map(Value::Gestation),
        Shape::Finding => None,
    };
    value.ok_or(FieldReason::Value)
}

/// `YYYY-MM-DDTHH:MM` and nothing else.
fn minute(text: &str) -> Result<DateTime, FieldReason> {
    let (day, time) = text.split_once('T').ok_or(FieldReason::Date)?;
    iso_date(day)?;
    let is_time = time.len() == 5
        && time
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 2 { byte == b':' } else { byte.is_ascii_digit() });
    if is_time { text.parse().map_err(|_| FieldReason::Date) } else { Err(FieldReason::Date) }
}

fn check_bounds(amount: Amount, item: &Item, path: &str, notes: &mut Notes) {
    let is_below = |bound: Option<Amount>| bound.is_some_and(|bound| amount < bound);
    let is_above = |bound: Option<Amount>| bound.is_some_and(|bound| amount > bound);
    if is_below(item.refuse_below) || is_above(item.refuse_above) {
        notes.problem(path, Reason::Impossible);
    } else if is_below(item.warn_below) || is_above(item.warn_above) {
        notes.warning(path, Reason::Implausible);
    }
}

crate::withheld!(RawEntry, Entry, Value);
