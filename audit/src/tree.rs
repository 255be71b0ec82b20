//! The Merkle tree of RFC 6962 section 2.1 over SHA-256.
//!
//! A sequencer keeps only a [`Frontier`]; with it the next root and the paths of the entries just appended come
//! from memory. Older paths are computed on demand from leaf hashes ([`inclusion_path`], [`consistency_path`]).
//! Whoever receives a path needs [`verify_inclusion`] and [`verify_consistency`] only.

mod frontier;
mod path;
mod verify;

use sha2::{Digest as _, Sha256};

pub use frontier::{Frontier, FrontierError};
pub use path::{PathError, consistency_path, consistency_ranges, inclusion_path, inclusion_ranges};
pub use verify::{ProofError, verify_consistency, verify_inclusion};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// Hash of a leaf: SHA-256(0x00 ‖ data).
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(data).finalize().into()
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root of the empty tree: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Root over leaf hashes, written as RFC 6962 defines it. Every other way to a root is tested against this one.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}
