//! Paths on demand: which ranges of leaves they are made of, and their hashes from any source of leaf hashes.
//!
//! RFC 6962 sections 2.1.1 and 2.1.2, unrolled: each element of a path is the root over one range of leaves. A
//! service with stored tiles maps the ranges itself; one that has only leaf hashes uses the two `_path` functions.

use std::ops::Range;

use super::{Frontier, Hash};

/// Why a path could not be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError<E> {
    /// The index is not below the size, or the sizes are not in order, or the old size is 0.
    #[error("index or sizes are out of range")]
    Range,
    /// The source gave another number of hashes than was asked for.
    #[error("the source of leaf hashes gave the wrong number of them")]
    Count,
    /// The source failed.
    #[error("the source of leaf hashes failed")]
    Source(#[source] E),
}

/// Path of the leaf at `index` in the tree of `size` leaves, from the leaf upwards.
///
/// `leaves` gives the leaf hashes of a range, which is never longer than 1,024.
pub fn inclusion_path<E>(
    index: u64,
    size: u64,
    leaves: impl FnMut(Range<u64>) -> Result<Vec<Hash>, E>,
) -> Result<Vec<Hash>, PathError<E>> {
    roots(&inclusion_ranges(index, size).ok_or(PathError::Range)?, leaves)
}

/// Proof that the tree of `new_size` leaves only appended to that of `old_size`.
///
/// `leaves` gives the leaf hashes of a range, which is never longer than 1,024.
pub fn consistency_path<E>(
    old_size: u64,
    new_size: u64,
    leaves: impl FnMut(Range<u64>) -> Result<Vec<Hash>, E>,
) -> Result<Vec<Hash>, PathError<E>> {
    roots(&consistency_ranges(old_size, new_size).ok_or(PathError::Range)?, leaves)
}

/// The ranges of leaves whose roots are the inclusion path, from the leaf upwards; `None` unless `index < size`.
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let mut descent = Descent::new(size);
    while descent.len() > 1 {
        descent.towards(index);
    }
    Some(descent.bottom_up())
}

/// The ranges of leaves whose roots are the consistency proof, in its order; `None` unless
/// `0 < old_size <= new_size`.
pub fn consistency_ranges(old_size: u64, new_size: u64) -> Option<Vec<Range<u64>>> {
    if old_size == 0 || old_size > new_size {
        return None;
    }
    let mut descent = Descent::new(new_size);
    while descent.here.end != old_size {
        descent.towards(old_size - 1);
    }
    // The subtree where both trees meet; the verifier already has it if it is the whole old tree.
    if descent.here.start != 0 {
        let meeting = descent.here.clone();
        descent.siblings.push(meeting);
    }
    Some(descent.bottom_up())
}

/// A walk from the root down, keeping what it leaves aside.
struct Descent {
    here: Range<u64>,
    siblings: Vec<Range<u64>>,
}

impl Descent {
    fn new(size: u64) -> Self {
        Self { here: 0..size, siblings: Vec::new() }
    }

    fn len(&self) -> u64 {
        self.here.end - self.here.start
    }

    /// Steps into the half that holds `leaf`. The left half is the largest power of two below the length.
    fn towards(&mut self, leaf: u64) {
        let split = self.here.start + (1 << (self.len() - 1).checked_ilog2().unwrap_or(0));
        let (left, right) = (self.here.start..split, split..self.here.end);
        let (into, aside) = if leaf < split { (left, right) } else { (right, left) };
        self.here = into;
        self.siblings.push(aside);
    }

    fn bottom_up(mut self) -> Vec<Range<u64>> {
        self.siblings.reverse();
        self.siblings
    }
}

fn roots<E>(
    ranges: &[Range<u64>],
    mut leaves: impl FnMut(Range<u64>) -> Result<Vec<Hash>, E>,
) -> Result<Vec<Hash>, PathError<E>> {
    ranges.iter().map(|range| range_root(range.clone(), &mut leaves)).collect()
}

/// Root over a range that starts where a subtree starts, so a frontier of its own gives it in constant memory.
fn range_root<E>(
    range: Range<u64>,
    leaves: &mut impl FnMut(Range<u64>) -> Result<Vec<Hash>, E>,
) -> Result<Hash, PathError<E>> {
    let mut subtree = Frontier::default();
    let mut start = range.start;
    while start < range.end {
        let end = range.end.min(start + CHUNK);
        let hashes = leaves(start..end).map_err(PathError::Source)?;
        if hashes.len() as u64 != end - start {
            return Err(PathError::Count);
        }
        for hash in hashes {
            subtree.push(hash);
        }
        start = end;
    }
    Ok(subtree.root())
}

/// Bounds what a source has to hold at once: 32 KiB.
const CHUNK: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{leaf_hash, root_of, verify_consistency, verify_inclusion};

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    fn source(leaves: &[Hash]) -> impl FnMut(Range<u64>) -> Result<Vec<Hash>, ()> {
        |range| Ok(leaves[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec())
    }

    #[test]
    fn every_path_in_every_small_tree_verifies_and_only_at_its_place() {
        let all = leaves(33);
        for size in 1..=33_usize {
            let (tree, root) = (&all[..size], root_of(&all[..size]));
            for index in 0..size {
                let path = inclusion_path(index as u64, size as u64, source(tree)).unwrap();
                for claimed in 0..size {
                    let verdict = verify_inclusion(claimed as u64, size as u64, &tree[index], &path, &root);
                    assert_eq!(verdict.is_ok(), claimed == index);
                }
            }
        }
    }

    #[test]
    fn every_small_tree_is_consistent_with_every_later_one_and_with_no_other() {
        let all = leaves(33);
        for new in 1..=33_usize {
            let new_root = root_of(&all[..new]);
            for old in 1..=new {
                let path = consistency_path(old as u64, new as u64, source(&all)).unwrap();
                let old_root = root_of(&all[..old]);
                assert_eq!(verify_consistency(old as u64, new as u64, &path, &old_root, &new_root), Ok(()));
                let other = root_of(&all[..old - 1]);
                assert!(verify_consistency(old as u64, new as u64, &path, &other, &new_root).is_err());
                assert!(verify_consistency(old as u64, new as u64, &path, &old_root, &other).is_err());
            }
        }
    }

    #[test]
    fn large_ranges_are_asked_for_in_chunks() {
        let all = leaves(5_000);
        let mut longest = 0;
        let path = inclusion_path(4_999, 5_000, |range| {
            longest = longest.max(range.end - range.start);
            source(&all)(range)
        });
        assert_eq!(longest, 1_024);
        assert_eq!(verify_inclusion(4_999, 5_000, &all[4_999], &path.unwrap(), &root_of(&all)), Ok(()));
    }

    #[test]
    fn what_is_out_of_range_or_short_is_an_error() {
        let none = |_| Ok::<_, ()>(Vec::new());
        assert_eq!(inclusion_path(3, 3, none), Err(PathError::Range));
        assert_eq!(consistency_path(0, 3, none), Err(PathError::Range));
        assert_eq!(consistency_path(4, 3, none), Err(PathError::Range));
        assert_eq!(inclusion_path(0, 3, none), Err(PathError::Count));
        assert_eq!(inclusion_path(0, 3, |_| Err("down")), Err(PathError::Source("down")));
        assert_eq!(inclusion_path(0, 1, none), Ok(Vec::new()));
    }
}
