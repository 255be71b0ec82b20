//! Versions of one right: place, override, tombstone.

use jiff::civil::{Date, date};
use pmh_domain::entitlement::{Entitlement, HistoryKey, Placement, Validity, Versions, place};
use proptest::prelude::*;

use crate::world::{HACHIOJI, child_scheme, entitlement};

fn version(key: &str, from: Date, to: Option<Date>) -> Entitlement {
    Entitlement {
        history_key: HistoryKey::parse(key).unwrap(),
        validity: Validity::new(from, to).unwrap(),
        ..entitlement(&child_scheme(), HACHIOJI)
    }
}

fn tombstone(key: &str) -> Entitlement {
    Entitlement { deleted: true, ..version(key, date(2025, 1, 1), None) }
}

fn effective(versions: &[Entitlement], day: Date) -> Option<String> {
    let rights = Versions::group(versions);
    assert!(rights.len() <= 1);
    rights.first()?.effective_on(day).map(|version| version.history_key.as_str().to_owned())
}

#[test]
fn a_row_is_placed_by_its_history_key_and_content() {
    let first = version("1", date(2025, 1, 1), None);
    let second = version("2", date(2025, 6, 1), None);
    assert_eq!(place([], &first), Placement::Created);
    assert_eq!(place([&first], &second), Placement::Updated);
    assert_eq!(place([&second], &first), Placement::Superseded);
    assert_eq!(place([&first, &second], &first), Placement::Unchanged);
    let mut other = first.clone();
    other.certification_name = "別の内容".to_owned();
    assert_eq!(place([&first, &second], &other), Placement::Conflict);
    let mut other_right = first.clone();
    other_right.certification_sub_key = "2".to_owned();
    assert_eq!(place([&first], &other_right), Placement::Created);
    assert_eq!(place([&first], &version("001", date(2025, 1, 1), None)), Placement::Unchanged);
}

#[test]
fn a_newer_version_overrides_from_its_own_first_day_on() {
    let versions = [
        version("1", date(2025, 4, 1), Some(date(2026, 3, 31))),
        version("2", date(2026, 4, 1), Some(date(2027, 3, 31))),
        version("3", date(2025, 10, 1), Some(date(2025, 12, 31))),
    ];
    assert_eq!(effective(&versions, date(2025, 3, 31)), None);
    assert_eq!(effective(&versions, date(2025, 4, 1)), Some("1".into()));
    assert_eq!(effective(&versions, date(2025, 10, 1)), Some("3".into()));
    // The newest version that has begun counts, and it has ended: lapsed.
    assert_eq!(effective(&versions, date(2026, 5, 1)), Some("3".into()));
}

#[test]
fn a_tombstone_voids_what_came_before_and_not_what_comes_after() {
    let first = version("1", date(2025, 4, 1), None);
    let again = version("3", date(2026, 1, 1), None);
    assert_eq!(effective(&[first.clone(), tombstone("2")], date(2026, 2, 1)), None);
    assert_eq!(effective(&[tombstone("2"), first.clone()], date(2026, 2, 1)), None);
    let all = [first, tombstone("2"), again];
    assert_eq!(effective(&all, date(2025, 12, 31)), None);
    assert_eq!(effective(&all, date(2026, 1, 1)), Some("3".into()));
}

fn push(stored: &mut Vec<Entitlement>, incoming: &Entitlement) -> Placement {
    let placement = place(stored.iter(), incoming);
    if matches!(placement, Placement::Created | Placement::Updated | Placement::Superseded) {
        stored.push(incoming.clone());
    }
    placement
}

fn histories() -> impl Strategy<Value = (Vec<Entitlement>, Vec<Entitlement>)> {
    let one = (0..300_i64, 0..200_i64, any::<bool>());
    prop::collection::vec(one, 1..7)
        .prop_map(|rows| {
            let start = date(2025, 4, 1);
            let later = |days| start.saturating_add(jiff::Span::new().days(days));
            let each = rows.into_iter().enumerate().map(|(index, (from, length, deleted))| Entitlement {
                deleted: deleted && index % 3 == 1,
                ..version(&(index * 4).to_string(), later(from), Some(later(from + length)))
            });
            each.collect::<Vec<_>>()
        })
        .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter((rows, shuffled) in histories(), day in 0..600_i64) {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for row in &rows { push(&mut left, row); }
        for row in &shuffled { push(&mut right, row); }
        let day = date(2025, 4, 1).saturating_add(jiff::Span::new().days(day));
        prop_assert_eq!(effective(&left, day), effective(&right, day));
        prop_assert_eq!(left.len(), right.len());
    }

    #[test]
    fn sending_everything_again_changes_nothing((rows, shuffled) in histories()) {
        let mut stored = Vec::new();
        for row in &rows { push(&mut stored, row); }
        let before = stored.clone();
        for row in &shuffled {
            prop_assert_eq!(push(&mut stored, row), Placement::Unchanged);
        }
        prop_assert_eq!(stored, before);
    }
}
