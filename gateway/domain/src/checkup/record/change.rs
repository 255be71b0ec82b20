//! What would change: for a preview before a push, and to show an amendment.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Checkup;

/// One field that differs between two versions of a record.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Path as stored, for example `items.weight.value.amount`.
    pub field: String,
    /// Before; `None`: absent.
    pub before: Option<String>,
    /// After; `None`: absent.
    pub after: Option<String>,
}

/// All fields that differ, by path; the version itself is not a change.
pub fn changes(before: &Checkup, after: &Checkup) -> Vec<Change> {
    let (before, after) = (leaves(before), leaves(after));
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    differing
        .map(|path| Change {
            field: path.clone(),
            before: before.get(path).cloned(),
            after: after.get(path).cloned(),
        })
        .collect()
}

fn leaves(checkup: &Checkup) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(json) = serde_json::to_value(checkup) {
        collect("", &json, &mut found);
    }
    found.remove("source_version");
    found
}

fn collect(path: &str, json: &Json, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match json {
        Json::Null => {}
        Json::Object(fields) => fields.iter().for_each(|(name, value)| collect(&below(name), value, found)),
        Json::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| collect(&below(&at.to_string()), value, found));
        }
        Json::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        Json::Bool(_) | Json::Number(_) => {
            found.insert(path.to_owned(), json.to_string());
        }
    }
}

crate::withheld!(Change);
