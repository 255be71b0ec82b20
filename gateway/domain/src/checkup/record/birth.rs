//! Twins are two children of one pregnancy.

use std::collections::BTreeSet;

use super::Checkup;
use crate::checkup::item::Value;
use crate::checkup::kind::CheckupKind;
use crate::checkup::problem::{Problem, Reason};

/// Whether a delivery and its newborns tell of the same birth: one pregnancy,
/// distinct children with distinct places, and no more than were born.
/// Fewer is no problem: a record may still come, or there is a sad reason.
pub fn same_birth(delivery: &Checkup, newborns: &[&Checkup]) -> Vec<Problem> {
    let born = match delivery.items.get("children_born").and_then(|entry| entry.value.as_ref()) {
        Some(Value::Count(count)) => usize::try_from(*count).ok(),
        _ => None,
    };
    let mut problems = Vec::new();
    let mut note =
        |field: &str| problems.push(Problem { field: field.to_owned(), reason: Reason::Contradiction });
    let (mut places, mut children) = (BTreeSet::new(), BTreeSet::new());
    for newborn in newborns {
        if newborn.kind != CheckupKind::Newborn || newborn.pregnancy != delivery.pregnancy {
            note("pregnancy");
        }
        if !places.insert(newborn.birth_order) || exceeds(newborn.birth_order, born) {
            note("birth_order");
        }
        // Who was present where a record was made has no key there.
        let Some(child) = &newborn.resident_key else { continue };
        if !children.insert(child) || newborn.resident_key == delivery.resident_key {
            note("resident_key");
        }
    }
    if born.is_some_and(|born| newborns.len() > born) {
        note("items[children_born].value");
    }
    problems
}

fn exceeds(place: Option<u8>, born: Option<usize>) -> bool {
    place.zip(born).is_some_and(|(place, born)| usize::from(place) > born)
}
