//! "Who looked at my data?": a person's list of accesses, and how their program sees that none is missing.
//!
//! Every entry about a person carries, in its chain part, one link per audience: a tag, a number 1, 2, 3 … and the leaf
//! hash of the entry before. The list runs newest first. Its first entry is that of the very call that asked for it,
//! known from that call's receipt, so that not even the newest end can be cut off; from there each entry's link names
//! the next one, down to number 1. Every entry is also proved to stand in a signed tree.
//!
//! What this cannot show: an access that was never logged, and two histories shown to two people (for that there are
//! witnesses). An entry that the law withholds for now shows only its leaf hash. The entry below it is then bound by its
//! number alone; a program that kept the list checks the rest when the entry is shown.

mod error;
#[cfg(feature = "json")]
mod json;
mod walk;

pub use error::{ListError, Place};
#[cfg(feature = "json")]
pub use json::ListFileError;
pub use walk::{Cut, Walk};

use crate::leaf::Leaf;
use crate::note::VerifierKey;
use crate::part::{Audience, DetailBody, Opening, SubjectBody};
use crate::tree::Hash;

/// A whole list as a person keeps it: what a stranger verifies with the log's key alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessList {
    /// Which audience's sequence, as a keyed tag.
    pub tag: Hash,
    /// Leaf hash of the entry of the call that asked for it.
    pub own: Hash,
    /// Newest first.
    pub pages: Vec<ListPage>,
}

/// Some entries of a list, newest first, under one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// Newest first.
    pub entries: Vec<ListEntry>,
    /// Size of the tree that the checkpoint signs.
    pub tree_size: u64,
    /// C2SP signed note.
    pub checkpoint: String,
}

/// One entry with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Index of the leaf, from 0.
    pub index: u64,
    /// Inclusion path from the leaf upwards, under the page's checkpoint.
    pub path: Vec<Hash>,
    /// What is shown of it.
    pub content: Content,
}

/// What a list shows of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The whole leaf.
    Shown(Box<Shown>),
    /// Only that there is an entry: the law delays its display.
    Withheld {
        /// Its leaf hash.
        leaf_hash: Hash,
    },
}

/// A leaf and what opens it for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The leaf as it stands in the tree.
    pub leaf: Vec<u8>,
    /// Opens the chain commitment.
    pub chain: Opening,
    /// Opens the detail commitment, if it is shown.
    pub detail: Option<Opening>,
    /// Opens the subject commitment, if it is shown.
    pub subject: Option<Opening>,
}

/// An entry that verified: only [`Walk::page`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Place in the person's sequence, from 1.
    pub seq: u64,
    /// Index in the log.
    pub index: u64,
    /// Its leaf hash.
    pub leaf_hash: Hash,
    /// What it says; `None` while it is withheld.
    pub record: Option<Record>,
}

/// What a shown entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The entry.
    pub leaf: Leaf,
    /// What was asked and answered, if it was opened.
    pub detail: Option<DetailBody>,
    /// The person as the requester knows them, if it was opened and the entry has one.
    pub subject: Option<SubjectBody>,
}

/// A whole list, verified from the call's own entry down to number 1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedList {
    /// Whose sequence it is.
    pub audience: Audience,
    /// Newest first; the first is the call's own.
    pub accesses: Vec<Access>,
}

impl AccessList {
    /// Verifies the whole list, as [`verify_chain`] does.
    pub fn verify(&self, key: &VerifierKey) -> Result<VerifiedList, ListError> {
        verify_chain(&self.pages, key, &self.tag, &self.own)
    }
}

impl VerifiedList {
    /// Whether this list goes on where an earlier one of the same sequence ended. Numbers that began anew, or another
    /// entry in an old place, are found in this way only.
    pub fn continues(&self, earlier: &Self) -> Result<(), ListError> {
        let Some(old) = earlier.accesses.first() else { return Ok(()) };
        let same =
            self.accesses.iter().any(|access| access.seq == old.seq && access.leaf_hash == old.leaf_hash);
        if same && self.audience == earlier.audience { Ok(()) } else { Err(ListError::Rewritten(old.seq)) }
    }
}

/// Verifies all pages of one list, newest first, down to number 1. [`Walk`] does the same page by page.
///
/// `own` is the leaf hash of the entry of the call that asked for the first page, from its verified receipt. `tag` names
/// the audience's sequence. It is keyed, so that the program cannot compute it: it takes the server's word once and must
/// then remember it, since a second tag would be a second, shorter list; [`VerifiedList::continues`] compares with the
/// list before.
pub fn verify_chain(
    pages: &[ListPage],
    key: &VerifierKey,
    tag: &Hash,
    own: &Hash,
) -> Result<VerifiedList, ListError> {
    let mut walk = Walk::new(key.clone(), *tag, *own);
    let mut accesses = Vec::new();
    for page in pages {
        accesses.extend(walk.page(page)?);
    }
    let audience = walk.finish()?;
    Ok(VerifiedList { audience, accesses })
}
