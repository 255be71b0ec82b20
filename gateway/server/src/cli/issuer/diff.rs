//! What a dry run of checkups would change, value by value, in the columns of the officer's own file.
//!
//! A dry run is no entry of the log, so its answer names fields and no values. What is kept now is read back as the
//! municipality may read it at any time, and each reading is an entry.

use std::collections::{BTreeMap, BTreeSet};

use pmh_domain::checkup::record::RawCheckup;
use pmh_intake::checkup_cells;
use pmh_proto::checkup::{CheckupRow, RowChange};
use serde::Serialize;

use super::checkup_rows::raw;
use crate::cli::counter::Trouble;
use crate::cli::counter::access::Access;
use crate::cli::municipality::own_checkups;

/// A column that would change.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Changed {
    pub(super) column: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// By row id. A row whose record is now another resident's has none, nor have those of residents beyond the first
/// hundred.
pub(super) type Diffs = BTreeMap<String, Vec<Changed>>;

pub(super) async fn read(
    access: &Access,
    rows: Vec<CheckupRow>,
    changes: &[RowChange],
) -> Result<Diffs, Trouble> {
    let updated: BTreeSet<&str> = changes.iter().map(|change| change.row_id.as_str()).collect();
    let mut of_resident = BTreeMap::<String, Vec<(String, RawCheckup)>>::new();
    for sent in rows.into_iter().filter(|row| updated.contains(row.row_id.as_str())) {
        let after = raw(sent.record.unwrap_or_default());
        of_resident.entry(after.resident_key.clone()).or_default().push((sent.row_id, after));
    }
    let mut diffs = Diffs::new();
    for (resident_key, rows) in of_resident.into_iter().take(RESIDENTS) {
        let kept = own_checkups(access, resident_key).await?;
        for (id, after) in rows {
            let before = kept.iter().find(|record| record.record_id == after.record_id);
            diffs.extend(before.map(|before| (id, between(before.clone(), after))));
        }
    }
    Ok(diffs)
}

fn between(before: RawCheckup, after: RawCheckup) -> Vec<Changed> {
    let cells = checkup_cells(&[before, after]);
    let [header, before, after] = cells.as_slice() else { return Vec::new() };
    let columns = header.iter().zip(before.iter().zip(after));
    let differing = columns.filter(|(_, (before, after))| before != after);
    let changed = |(column, (before, after)): (&String, (&String, &String))| Changed {
        column: column.clone(),
        before: before.clone(),
        after: after.clone(),
    };
    differing.map(changed).collect()
}

/// Each costs an entry of the log.
const RESIDENTS: usize = 100;

#[cfg(test)]
mod tests {
    use pmh_domain::checkup::item::RawEntry;
    use pmh_domain::checkup::kind::CheckupKind;

    use super::*;

    fn weighed(version: &str, weight: &str) -> RawCheckup {
        let weight = RawEntry {
            code: "weight".to_owned(),
            value: weight.to_owned(),
            unit: "kg".to_owned(),
            ..RawEntry::default()
        };
        RawCheckup {
            record_id: "c-1".to_owned(),
            source_version: version.to_owned(),
            kind: Some(CheckupKind::Month18),
            items: vec![weight],
            ..RawCheckup::default()
        }
    }

    #[test]
    fn each_column_that_differs_is_told_with_both_values() {
        let told = between(weighed("1", "10.1"), weighed("2", "10.4"));
        let told: Vec<_> = told.iter().map(|changed| [&changed.before, &changed.after]).collect();
        assert_eq!(told, [["1", "2"], ["10.1", "10.4"]]);
        assert!(between(weighed("1", "10.1"), weighed("1", "10.1")).is_empty());
    }
}
