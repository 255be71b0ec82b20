//! What the sharing rests on, category by category: the mother's consent, or
//! another legal basis that is stated.

use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, BTreeSet};

use super::{Category, Duty, TwoOfficers};

/// The mother's consent to share some categories. About her child she consents
/// as its guardian (unconfirmed whether that holds before the birth).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    categories: BTreeSet<Category>,
    origin: ConsentOrigin,
}

/// How the mother gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentOrigin {
    /// With her card at a window.
    Card,
    /// In the app.
    App,
    /// On a paper form.
    Paper {
        /// The form's number at the municipality.
        form: String,
        /// Who checked it.
        officers: TwoOfficers,
    },
}

/// Who spoke. Only the mother's word is consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Giver {
    /// The mother.
    Mother,
    /// Her husband or partner: perhaps the one she leaves.
    Husband,
    /// A proxy.
    Proxy,
    /// Staff of the hospital.
    HospitalStaff,
}

/// Why something is no consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// Somebody else said it.
    #[error("was not given by the mother")]
    NotTheMother,
    /// Consent to nothing.
    #[error("names no category")]
    Empty,
    /// A paper form without its number.
    #[error("names no form")]
    NoForm,
}

/// Categories that rest on law instead, for named duties, by two officers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statutory {
    /// Which categories.
    pub categories: BTreeSet<Category>,
    /// Which law.
    pub law: Law,
    /// The duties for which they may be read, and no other.
    pub duties: BTreeSet<Duty>,
    /// Who stated it.
    pub officers: TwoOfficers,
}

/// A law that allows sharing without consent. Which article carries which
/// category is unconfirmed: the municipality states it and answers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Law {
    /// 要保護児童対策地域協議会 (児童福祉法25条の2, 25条の3).
    ProtectionCouncil,
    /// 児童虐待の防止等に関する法律13条の4.
    AbusePrevention,
}

/// The ground on which one read stands; it goes into the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Consent.
    Consent,
    /// A law, for this duty.
    Law(Law, Duty),
}

/// All that a handoff rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bases {
    consents: BTreeMap<Category, ConsentOrigin>,
    statutory: Vec<Statutory>,
}

impl Consent {
    /// Consent as received. Errors: not the mother's, of no category, or on a
    /// form without number.
    pub fn received(
        giver: Giver,
        categories: BTreeSet<Category>,
        origin: ConsentOrigin,
    ) -> Result<Self, ConsentError> {
        if giver != Giver::Mother {
            return Err(ConsentError::NotTheMother);
        }
        if categories.is_empty() {
            return Err(ConsentError::Empty);
        }
        if matches!(&origin, ConsentOrigin::Paper { form, .. } if form.is_empty()) {
            return Err(ConsentError::NoForm);
        }
        Ok(Self { categories, origin })
    }

    /// What is shared.
    pub fn categories(&self) -> &BTreeSet<Category> {
        &self.categories
    }

    /// How it was given.
    pub fn origin(&self) -> &ConsentOrigin {
        &self.origin
    }
}

impl Bases {
    /// From consents and stated laws.
    pub fn new(consents: &[Consent], statutory: Vec<Statutory>) -> Self {
        let mut bases = Self { consents: BTreeMap::new(), statutory };
        for consent in consents {
            bases.give(consent);
        }
        bases
    }

    /// Whether nothing is left to rest on.
    pub fn is_empty(&self) -> bool {
        self.consents.is_empty() && self.statutory.iter().all(|stated| stated.categories.is_empty())
    }

    /// What taking these consents back leaves.
    pub(super) fn without(&self, categories: &BTreeSet<Category>) -> Self {
        let mut left = self.clone();
        left.withdraw(categories);
        left
    }

    /// Every consent that stands, and how it was given.
    pub fn consents(&self) -> impl Iterator<Item = (Category, &ConsentOrigin)> {
        self.consents.iter().map(|(category, origin)| (*category, origin))
    }

    /// The stated laws.
    pub fn statutory(&self) -> &[Statutory] {
        &self.statutory
    }

    /// How consent to a category was given, if it stands.
    pub fn consent(&self, category: Category) -> Option<&ConsentOrigin> {
        self.consents.get(&category)
    }

    /// The ground for reading a category in the course of a duty. A law counts
    /// only for a duty it was stated for, and while the guest `holds` it.
    pub fn ground(
        &self,
        category: Category,
        duty: Option<Duty>,
        holds: impl Fn(Duty) -> bool,
    ) -> Option<Ground> {
        if self.consents.contains_key(&category) {
            return Some(Ground::Consent);
        }
        let duty = duty.filter(|duty| holds(*duty))?;
        let covers =
            |stated: &&Statutory| stated.categories.contains(&category) && stated.duties.contains(&duty);
        self.statutory.iter().find(covers).map(|stated| Ground::Law(stated.law, duty))
    }

    pub(super) fn give(&mut self, consent: &Consent) {
        for category in &consent.categories {
            self.consents.insert(*category, consent.origin.clone());
        }
    }

    pub(super) fn withdraw(&mut self, categories: &BTreeSet<Category>) {
        self.consents.retain(|category, _| !categories.contains(category));
    }
}
