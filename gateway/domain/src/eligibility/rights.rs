//! The rights one issuer registered under one group, day by day.

use jiff::civil::Date;

use crate::entitlement::{Entitlement, Validity, Versions};
use crate::resident::ResidentLink;

/// One right: its versions, cut off where the issuer stopped serving the
/// person. A right does not outlive the residence it rests on, even if the
/// issuer's end date arrives later than the move.
#[derive(Debug, Clone)]
pub(super) struct Right<'a> {
    versions: Versions<'a>,
    last_day: Option<Date>,
}

/// A version and the interval in which it really counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held<'a> {
    pub(super) entitlement: &'a Entitlement,
    pub(super) validity: Validity,
}

impl<'a> Right<'a> {
    /// The rights among some versions; those without a link are not the
    /// person's any more.
    pub(super) fn of(
        versions: impl IntoIterator<Item = &'a Entitlement>,
        links: &[&ResidentLink],
    ) -> Vec<Self> {
        let link_of = |versions: &Versions<'a>| {
            let key = versions.key()?;
            let is_same =
                |link: &&&ResidentLink| link.issuer == key.issuer && link.resident_key == *key.resident_key;
            links.iter().find(is_same).map(|link| link.last_day)
        };
        Versions::group(versions)
            .into_iter()
            .filter_map(|versions| Some(Self { last_day: link_of(&versions)?, versions }))
            .collect()
    }

    /// In force on a day.
    pub(super) fn in_force(&self, day: Date) -> Option<Held<'a>> {
        self.held(day).filter(|held| held.validity.to().is_none_or(|last| day <= last))
    }

    /// Ended before a day.
    pub(super) fn lapsed(&self, day: Date) -> Option<Held<'a>> {
        self.held(day).filter(|held| held.validity.to().is_some_and(|last| last < day))
    }

    /// The next that comes into force after a day.
    pub(super) fn coming(&self, day: Date) -> Option<Held<'a>> {
        let starts = self.versions.alive().iter().map(|version| version.validity.from());
        let later = starts.filter(|start| *start > day);
        later.filter_map(|start| self.in_force(start)).min_by_key(|held| held.validity.from())
    }

    /// Days on which anything about this right may change.
    pub(super) fn changes(&self) -> impl Iterator<Item = Date> {
        let ends = self.versions.alive().iter().filter_map(|version| version.validity.to());
        let days_after = ends.chain(self.last_day).filter_map(|last| last.tomorrow().ok());
        self.versions.alive().iter().map(|version| version.validity.from()).chain(days_after)
    }

    /// The version that counts, cut off; `None` if the cut leaves nothing.
    fn held(&self, day: Date) -> Option<Held<'a>> {
        let entitlement = self.versions.effective_on(day)?;
        let own_end = entitlement.validity.to();
        let to = own_end.into_iter().chain(self.last_day).min();
        Some(Held { entitlement, validity: Validity::new(entitlement.validity.from(), to).ok()? })
    }
}
