//! What an auditor looks for, as a test of one entry and as words of the index.

use std::fmt::Write as _;

use pmh_audit::{
    ActorBody, DetailBody, Kind, Leaf, Opening, OrgRef,
    registry::{Categories, Method, Purpose, Tier},
};
use sha2::{Digest as _, Sha256};

use crate::StoreKeys;

/// Everything that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Who asked.
    pub requester: Option<OrgRef>,
    /// Whose data.
    pub holder: Option<OrgRef>,
    /// By which method.
    pub method: Option<Method>,
    /// For which purpose.
    pub purpose: Option<Purpose>,
    /// With which outcome.
    pub outcome: Option<u16>,
    /// What happened.
    pub kind: Option<Kind>,
    /// Touching all of these classes of record.
    pub categories: Categories,
    /// Only under broken glass.
    pub break_glass: bool,
    /// Only what auditors did under this case or warrant, or what is about a handoff, `handoff:<UUID>`.
    pub case_reference: Option<String>,
}

impl Filter {
    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the leaf fits; its marks are tested apart.
    pub(super) fn fits(&self, leaf: &Leaf) -> bool {
        same(self.requester.as_ref(), leaf.requester.as_ref())
            && same(self.holder.as_ref(), leaf.holder.as_ref())
            && same(self.method, Some(leaf.method))
            && same(self.purpose, Some(leaf.purpose))
            && same(self.outcome, Some(leaf.outcome))
            && same(self.kind, Some(leaf.kind))
            && leaf.categories.contains(self.categories)
    }

    /// Words that a block must hold for one of its entries to fit. Never none, so that a search over everything
    /// reads block by block like any other.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![EVERY_BLOCK.to_owned()];
        words.extend(self.requester.as_ref().map(|org| format!("r:{org}")));
        words.extend(self.holder.as_ref().map(|org| format!("h:{org}")));
        words.extend(self.method.map(|method| format!("m:{}", method.0)));
        words.extend(self.purpose.map(|purpose| format!("p:{}", purpose.0)));
        words.extend(self.outcome.map(|outcome| format!("o:{outcome}")));
        words.extend(self.kind.map(|kind| format!("k:{}", u8::from(kind))));
        words.extend(category_words(self.categories));
        words
    }

    /// Marks that an entry must bear; at most two.
    pub(super) fn marks(&self, keys: &StoreKeys) -> Vec<String> {
        let mut marks = Vec::new();
        marks.extend(self.break_glass.then(|| BREAK_GLASS.to_owned()));
        marks.extend(self.case_reference.as_ref().map(|reference| case_mark(keys, reference)));
        marks
    }
}

/// Every word of a leaf: those of the filters that it fits.
pub(super) fn words_of(leaf: &Leaf) -> Vec<String> {
    Filter {
        requester: leaf.requester.clone(),
        holder: leaf.holder.clone(),
        method: Some(leaf.method),
        purpose: Some(leaf.purpose),
        outcome: Some(leaf.outcome),
        kind: Some(leaf.kind),
        categories: leaf.categories,
        ..Filter::default()
    }
    .words()
}

/// The marks of an entry; of an erased one those that its leaf shows.
pub(crate) fn marks_of(keys: &StoreKeys, leaf: &Leaf, openings: Option<&[Opening]>) -> Vec<String> {
    let [actor, detail] = [2, 3].map(|part| openings.and_then(|openings| openings.get(part)));
    let tier = actor.and_then(|opening| ActorBody::decode(&opening.body).ok()).map(|actor| actor.tier);
    let mut marks = Vec::new();
    if tier == Some(Tier::BREAK_GLASS) || leaf.purpose == Purpose::BREAK_GLASS {
        marks.push(BREAK_GLASS.to_owned());
    }
    // An auditor rests on a case or a warrant, not on a consent, and stands where the reference of either is kept.
    // An entry about a handoff stands there too, so that one handoff is followed from end to end.
    let is_auditors = leaf.requester.as_ref().is_some_and(|org| org.kind() == AUDITOR);
    if is_auditors || leaf.categories.contains(Categories::HANDOFF) {
        let detail = detail.and_then(|opening| DetailBody::decode(&opening.body).ok());
        let reference = detail.map(|detail| detail.consent).filter(|text| !text.as_str().is_empty());
        marks.extend(reference.map(|reference| case_mark(keys, reference.as_str())));
    }
    marks
}

fn same<T: PartialEq + Copy>(wanted: Option<T>, found: Option<T>) -> bool {
    wanted.is_none() || wanted == found
}

fn category_words(categories: Categories) -> impl Iterator<Item = String> {
    (0..u32::BITS).filter(move |bit| categories.bits() >> bit & 1 == 1).map(|bit| format!("c:{bit}"))
}

/// A case may name somebody, so the index knows it by a keyed hash.
fn case_mark(keys: &StoreKeys, reference: &str) -> String {
    let mut digest = Sha256::new_with_prefix(b"pmh.case\0");
    digest.update(reference);
    keys.subject_tag(&digest.finalize().into()).iter().fold("x:".to_owned(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The word that stands in every indexed block.
pub(super) const EVERY_BLOCK: &str = "";
const BREAK_GLASS: &str = "b";
/// Kind of organization.
const AUDITOR: &str = "auditor";
