//! Every dose of a history in the order in which it was given.

use std::borrow::Cow;

use serde::Serialize;

use super::facts::{Given, Person, Recorded};
use super::finding::{Finding, FindingKind};
use super::judge::{Subject, judge};
use super::schedule::{Context, episode};

/// What a dose given counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "standing", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// It counts under this number.
    Valid {
        /// From 1.
        no: u8,
    },
    /// It counts in no series.
    Invalid,
    /// It belongs to another pregnancy.
    OtherEpisode,
    /// Its vaccine belongs to no series.
    NoSeries,
}

/// A dose of the history, judged.
#[derive(Debug, Clone)]
pub(super) struct Placed<'a> {
    pub(super) given: &'a Given,
    pub(super) standing: Standing,
    pub(super) findings: Vec<Finding>,
}

/// Judges doses one after the other, whatever order they come in. Doses of one day are taken by code, so that two
/// imports of the same rows agree.
pub(super) fn walk<'a>(context: Context<'_>, doses: impl IntoIterator<Item = &'a Given>) -> Vec<Placed<'a>> {
    let mut doses: Vec<&Given> = doses.into_iter().collect();
    doses.sort();
    let mut placed = Vec::with_capacity(doses.len());
    for given in doses {
        let next = place(context, given, &placed);
        placed.push(next);
    }
    placed
}

fn place<'a>(context: Context<'_>, given: &'a Given, before: &[Placed<'_>]) -> Placed<'a> {
    let person = with_conditions(context.person, given);
    let context = Context { person: &person, ..context };
    if given.recorded == Recorded::InError {
        let finding = Finding::block(FindingKind::RecordedInError, &context.book.general.error_dose);
        return Placed { given, standing: Standing::Invalid, findings: vec![finding] };
    }
    let Some(series) = context.book.series(&given.vaccine) else {
        return Placed { given, standing: Standing::NoSeries, findings: Vec::new() };
    };
    if episode(context, series, given.on).is_none() {
        return Placed { given, standing: Standing::OtherEpisode, findings: Vec::new() };
    }
    let subject = Subject { vaccine: &given.vaccine, on: given.on, programme: given.programme };
    let judgement = judge(context, subject, before);
    // What the law leaves to the doctor was decided when the dose was given.
    let refused = judgement.findings.iter().any(Finding::is_final);
    let standing = match judgement.no {
        Some(no) if !refused => Standing::Valid { no },
        _ => Standing::Invalid,
    };
    Placed { given, standing, findings: judgement.findings }
}

/// As the person was told to be on the day of the dose.
fn with_conditions<'p>(person: &'p Person, given: &Given) -> Cow<'p, Person> {
    if given.conditions.is_subset(&person.conditions) {
        return Cow::Borrowed(person);
    }
    let conditions = person.conditions.union(&given.conditions).copied().collect();
    Cow::Owned(Person { conditions, ..person.clone() })
}
