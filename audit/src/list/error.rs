//! What is wrong with a list, and at which number of the person's sequence.

use std::fmt;

use crate::codec::CodecError;
use crate::note::CheckpointError;
use crate::tree::ProofError;

/// Where in the person's sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first of the list: the entry of the call itself, before its number is known.
    Newest,
    /// The entry with this number.
    Seq(u64),
}

/// What is wrong with a list; each names the one thing that failed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The list begins with another entry than the one that the call's receipt proves.
    #[error("the list does not begin with the entry of its own call: the newest entries are missing")]
    NewestMissing,
    /// The first entry is the call's own, but records something else than a person's look at the log.
    #[error("the newest entry does not record this look at the log")]
    NewestKind,
    /// Numbers are left out.
    #[error("the entries numbered {from} to {to} are missing")]
    Missing {
        /// Lowest missing number.
        from: u64,
        /// Highest missing number.
        to: u64,
    },
    /// An entry stands where an older one belongs.
    #[error("entry {found} stands in the place of entry {expected}")]
    OutOfOrder {
        /// The number that belongs here.
        expected: u64,
        /// The number that is here.
        found: u64,
    },
    /// Not the entry that the one above names.
    #[error("{0} is not the one that the entry after it names")]
    Replaced(Place),
    /// The leaf's bytes are not a leaf.
    #[error("{place}: not a leaf of format 1")]
    Leaf {
        /// Which entry.
        place: Place,
        /// Why.
        source: CodecError,
    },
    /// Salt and body do not open the leaf's chain commitment, or are no chain part.
    #[error("{0}: the chain opening does not fit the leaf")]
    ChainOpening(Place),
    /// The chain part has no link, or several, of this audience's tag; or the audience changes.
    #[error("{0}: it has no link of this list")]
    NoLink(Place),
    /// The detail opening does not fit, or is no detail part.
    #[error("{0}: the detail opening does not fit the leaf")]
    DetailOpening(Place),
    /// The subject opening does not fit, or is no subject part.
    #[error("{0}: the subject opening does not fit the leaf")]
    SubjectOpening(Place),
    /// The path does not lead from the leaf to the checkpoint's root.
    #[error("{place}: its path does not lead to the signed root")]
    TreePath {
        /// Which entry.
        place: Place,
        /// Why.
        source: ProofError,
    },
    /// An older entry stands after a newer one in the log, or is later than it.
    #[error("{0}: the order in the log is not the order of the list")]
    LogOrder(Place),
    /// The checkpoint above this entry does not verify.
    #[error("{place}: the checkpoint of its page does not verify")]
    Checkpoint {
        /// The first entry of the page.
        place: Place,
        /// Why.
        source: CheckpointError,
    },
    /// The page and its checkpoint state different sizes.
    #[error("{0}: its page and the checkpoint state different tree sizes")]
    TreeSize(Place),
    /// An earlier list had another entry in this place, or this list has none there.
    #[error("entry {0} is not the one that the earlier list had")]
    Rewritten(u64),
    /// More entries follow number 1.
    #[error("entries follow number 1")]
    BelowFirst,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest => f.write_str("the newest entry"),
            Self::Seq(seq) => write!(f, "entry {seq}"),
        }
    }
}
