//! Verification of proofs: RFC 9162 sections 2.1.3.2 and 2.1.4.2, which fit RFC 6962 trees.

use subtle::ConstantTimeEq as _;

use super::{Hash, node_hash};

/// Why a proof does not prove what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index is not below the size, or the sizes are not in order, or a consistency proof starts from nothing.
    #[error("index or sizes are out of range")]
    Range,
    /// The path has more or fewer hashes than a tree of this shape gives.
    #[error("the path has the wrong length")]
    Length,
    /// The path does not lead to the old root.
    #[error("the path does not lead to the old root")]
    OldRoot,
    /// The path does not lead to the root.
    #[error("the path does not lead to the root")]
    Root,
}

/// Whether the tree with this size and root holds `leaf` at `index`.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Range);
    }
    let mut climb = Climb { node: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in path {
        hash = match climb.step().ok_or(ProofError::Length)? {
            Sibling::Left => node_hash(sibling, &hash),
            Sibling::Right => node_hash(&hash, sibling),
        };
    }
    climb.finish()?;
    same(&hash, root, ProofError::Root)
}

/// Whether the tree `(new_size, new_root)` only appended to the tree `(old_size, old_root)`.
///
/// A proof from the empty tree would prove nothing and is refused, as is any path between equal sizes.
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    path: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old_size == 0 || old_size > new_size {
        return Err(ProofError::Range);
    }
    if old_size == new_size {
        if !path.is_empty() {
            return Err(ProofError::Length);
        }
        return same(old_root, new_root, ProofError::Root);
    }
    // A complete old tree is a node of the new one, and its root is known already, so the proof leaves it out.
    let (seed, path) = if old_size.is_power_of_two() {
        (old_root, path)
    } else {
        path.split_first().ok_or(ProofError::Length)?
    };
    let level = old_size.trailing_zeros();
    let mut climb = Climb { node: (old_size - 1) >> level, last: (new_size - 1) >> level };
    let (mut old, mut new) = (*seed, *seed);
    for sibling in path {
        match climb.step().ok_or(ProofError::Length)? {
            Sibling::Left => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
            // What stands to the right came later: it is no part of the old tree.
            Sibling::Right => new = node_hash(&new, sibling),
        }
    }
    climb.finish()?;
    same(&old, old_root, ProofError::OldRoot)?;
    same(&new, new_root, ProofError::Root)
}

/// The way from a node to the root: on which side each sibling stands, and when the root is reached.
struct Climb {
    node: u64,
    last: u64,
}

enum Sibling {
    Left,
    Right,
}

impl Climb {
    /// One step up to the next level with a sibling; `None` at the root.
    fn step(&mut self) -> Option<Sibling> {
        if self.last == 0 {
            return None;
        }
        let sibling = if self.node & 1 == 1 || self.node == self.last {
            // The last node of a level has no right sibling; it rises until it is a right child itself.
            self.up(self.node.trailing_zeros());
            Sibling::Left
        } else {
            Sibling::Right
        };
        self.up(1);
        Some(sibling)
    }

    fn up(&mut self, levels: u32) {
        self.node >>= levels;
        self.last >>= levels;
    }

    fn finish(self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::Length) }
    }
}

fn same(computed: &Hash, expected: &Hash, otherwise: ProofError) -> Result<(), ProofError> {
    if bool::from(computed.ct_eq(expected)) { Ok(()) } else { Err(otherwise) }
}
