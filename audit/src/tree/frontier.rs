//! The right edge of a growing tree: all that is needed to append.

use super::{Hash, empty_root, node_hash};

/// Size of a tree and the roots of its complete subtrees from left to right: one per set bit of the size, so at
/// most 640 bytes at a million entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Left to right, hence from the largest subtree to the smallest.
    peaks: Vec<Hash>,
}

/// Why stored bytes are not a frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// Shorter than the size field, or not one hash per set bit of the size.
    #[error("a frontier holds one hash per set bit of its size")]
    Length,
    /// No log grows past 2^62 entries.
    #[error("the size of the frontier is out of range")]
    Size,
}

impl Frontier {
    /// The frontier of a tree with these leaf hashes.
    pub fn of(leaves: &[Hash]) -> Self {
        let mut frontier = Self::default();
        for leaf in leaves {
            frontier.push(*leaf);
        }
        frontier
    }

    /// Reads what [`Frontier::to_bytes`] wrote. That the hashes belong to the log is for the caller to check, by
    /// comparing [`Frontier::root`] with a root it trusts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, hashes) = bytes.split_first_chunk::<8>().ok_or(FrontierError::Length)?;
        let size = u64::from_be_bytes(*size);
        if size > MAX_SIZE {
            return Err(FrontierError::Size);
        }
        let (peaks, rest) = hashes.as_chunks::<32>();
        if !rest.is_empty() || peaks.len() != bits_set(size) {
            return Err(FrontierError::Length);
        }
        Ok(Self { size, peaks: peaks.to_vec() })
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        // Each trailing one of the size is a complete subtree that the new leaf completes into the next larger.
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Appends a batch of leaf hashes and gives, for each in order, its inclusion path in the tree that now is.
    ///
    /// Reads nothing but the frontier and the batch, and hashes each new node once.
    pub fn append(&mut self, leaves: &[Hash]) -> Vec<Vec<Hash>> {
        let old_size = self.size;
        let grown = Grown::new(self, leaves);
        let paths = (old_size..grown.size).map(|index| grown.path(index)).collect();
        self.peaks = grown.peaks();
        self.size = grown.size;
        paths
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// RFC 6962 root of the tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let smallest = peaks.next().copied().unwrap_or_else(empty_root);
        peaks.fold(smallest, |right, left| node_hash(left, &right))
    }

    /// For storage: `u64 size | 32-byte hashes from left to right`, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.peaks.as_flattened());
        bytes
    }

    /// The complete subtree whose level is `level`, if the size has that bit.
    fn peak(&self, level: u32) -> Option<Hash> {
        let has = (self.size >> level) & 1 == 1;
        let position = bits_set(self.size >> level).checked_sub(1)?;
        if has { self.peaks.get(position).copied() } else { None }
    }
}

/// The part of a tree that one batch touches, level by level.
///
/// On each level the known nodes run without gap from an even index to the last complete node: the old peak, if
/// there is one, stands just left of the first new node. So every pair is whole and every left sibling is known.
struct Grown {
    size: u64,
    levels: Vec<Level>,
}

struct Level {
    /// Index of the first known node on this level; even.
    start: u64,
    /// Complete nodes.
    nodes: Vec<Hash>,
    /// The rightmost node if it is incomplete: the root over the leaves right of the last complete node.
    partial: Option<Hash>,
}

impl Grown {
    fn new(old: &Frontier, leaves: &[Hash]) -> Self {
        let size = old.size + leaves.len() as u64;
        let mut new_nodes = leaves.to_vec();
        let mut partial = None;
        let mut levels = Vec::new();
        for level in 0..=size.checked_ilog2().unwrap_or(0) {
            let nodes: Vec<Hash> = old.peak(level).into_iter().chain(new_nodes).collect();
            let (pairs, single) = nodes.as_chunks::<2>();
            new_nodes = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
            let next_partial = match (single, partial) {
                ([last], Some(right)) => Some(node_hash(last, &right)),
                ([last], None) => Some(*last),
                (_, partial) => partial,
            };
            levels.push(Level { start: (old.size >> level) & !1, nodes, partial });
            partial = next_partial;
        }
        Self { size, levels }
    }

    /// Siblings of one of the new leaves, from the leaf upwards.
    fn path(&self, index: u64) -> Vec<Hash> {
        let height = (self.size - 1).checked_ilog2().map_or(0, |top| top + 1);
        let mut path = Vec::with_capacity(height as usize);
        for (level, nodes) in (0..height).zip(&self.levels) {
            // At the right edge a node may have no sibling: it then is its own parent (RFC 6962 splits left-heavy).
            path.extend(nodes.get((index >> level) ^ 1, self.size >> level));
        }
        path
    }

    /// The odd node out on each level, from the top.
    fn peaks(&self) -> Vec<Hash> {
        self.levels.iter().rev().filter_map(|level| level.nodes.as_chunks::<2>().1.first()).copied().collect()
    }
}

impl Level {
    fn get(&self, node: u64, complete: u64) -> Option<Hash> {
        if node == complete {
            return self.partial;
        }
        let offset = usize::try_from(node.checked_sub(self.start)?).ok()?;
        self.nodes.get(offset).copied()
    }
}

fn bits_set(size: u64) -> usize {
    size.count_ones() as usize
}

/// Far above any log, far below overflow.
const MAX_SIZE: u64 = 1 << 62;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::{inclusion_path, leaf_hash, root_of, verify_inclusion};

    fn leaves(range: std::ops::Range<u64>) -> Vec<Hash> {
        range.map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn every_batch_on_every_small_tree_gives_root_and_paths_of_the_reference() {
        let all = leaves(0..40);
        for old in 0..20 {
            for batch in 0..20 {
                let mut frontier = Frontier::of(&all[..old]);
                let paths = frontier.append(&all[old..old + batch]);
                let now = &all[..old + batch];
                assert_eq!(frontier.root(), root_of(now));
                assert_eq!(frontier, Frontier::of(now));
                assert_eq!(paths.len(), batch);
                for (index, path) in (old as u64..).zip(&paths) {
                    let reference = inclusion_path(index, now.len() as u64, |range| {
                        Ok::<_, ()>(
                            now[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
                                .to_vec(),
                        )
                    });
                    assert_eq!(Ok(path), reference.as_ref());
                }
            }
        }
    }

    #[test]
    fn stored_bytes_are_one_hash_per_set_bit() {
        let frontier = Frontier::of(&leaves(0..11));
        let bytes = frontier.to_bytes();
        assert_eq!(bytes.len(), 8 + 3 * 32);
        assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier));
        assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), Err(FrontierError::Length));
        assert_eq!(Frontier::from_bytes(&[bytes.as_slice(), &[0; 32]].concat()), Err(FrontierError::Length));
        assert_eq!(Frontier::from_bytes(&[0; 7]), Err(FrontierError::Length));
        assert_eq!(Frontier::from_bytes(&u64::MAX.to_be_bytes()), Err(FrontierError::Size));
        assert_eq!(Frontier::from_bytes(&[0; 8]), Ok(Frontier::default()));
    }

    #[test]
    fn a_batch_on_a_million_entries_needs_no_more_than_the_frontier() {
        // A tree of 2^20 - 3 leaves from its peaks alone; the batch crosses the power of two.
        let size = (1_u64 << 20) - 3;
        let peaks: Vec<Hash> = leaves(0..u64::from(size.count_ones()));
        let mut frontier = Frontier { size, peaks };
        let batch = leaves(size..size + 64);
        let paths = frontier.append(&batch);
        for ((index, leaf), path) in (size..).zip(&batch).zip(&paths) {
            assert_eq!(verify_inclusion(index, frontier.size(), leaf, path, &frontier.root()), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn batches_of_any_cut_agree_with_the_reference_tree(batches in proptest::collection::vec(0_u64..40, 1..12)) {
            let mut frontier = Frontier::default();
            let mut all = Vec::new();
            for batch in batches {
                let new = leaves(frontier.size()..frontier.size() + batch);
                all.extend_from_slice(&new);
                let first = frontier.size();
                let paths = frontier.append(&new);
                prop_assert_eq!(frontier.root(), root_of(&all));
                for ((index, leaf), path) in (first..).zip(&new).zip(&paths) {
                    prop_assert_eq!(verify_inclusion(index, frontier.size(), leaf, path, &frontier.root()), Ok(()));
                }
                prop_assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Ok(frontier.clone()));
            }
        }
    }
}
