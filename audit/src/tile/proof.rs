//! Proofs from tiles: which hashes they need, and the path once these are known.

use std::ops::Range;

use super::TILE_WIDTH;
use crate::tree::{Hash, PathError, consistency_ranges, empty_root, inclusion_ranges, node_hash, root_of};

/// A power of two of neighbouring hashes on one level, all in one tile: what one complete subtree is the root of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    level: u8,
    start: u64,
    count: u16,
}

impl Run {
    /// Runs whose roots, folded from the right, are the RFC 6962 root over a range of leaves.
    ///
    /// `range` is one of a proof ([`inclusion_ranges`], [`consistency_ranges`]) or begins at 0: a range that begins
    /// where a subtree begins. Another one has no root in the tree.
    pub fn cover(range: &Range<u64>) -> Vec<Self> {
        let (mut start, length) = (range.start, range.end.saturating_sub(range.start));
        let mut runs = Vec::new();
        for height in (0..u64::BITS).rev().filter(|height| (length >> height) & 1 == 1) {
            // A subtree of height 8·L + h is 2^h hashes of tiles of level L.
            let level = height / 8;
            runs.push(Self {
                level: u8::try_from(level).unwrap_or(u8::MAX),
                start: start >> (8 * level),
                count: 1 << (height % 8),
            });
            start += 1 << height;
        }
        runs
    }

    /// Level of the tile.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Place of the tile on its level.
    pub fn n(&self) -> u64 {
        self.start / u64::from(TILE_WIDTH)
    }

    /// Where in the tile.
    pub fn within(&self) -> Range<usize> {
        let start = usize::try_from(self.start % u64::from(TILE_WIDTH)).unwrap_or(usize::MAX);
        start..start.saturating_add(self.count.into())
    }
}

/// What has to be known for a proof: of each of its hashes, the runs below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofPlan(Vec<Vec<Run>>);

impl ProofPlan {
    /// For the inclusion path of `index` in a tree of `size` leaves; `None` unless `index < size`.
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        inclusion_ranges(index, size).map(|ranges| Self::over(&ranges))
    }

    /// For the consistency proof between two sizes; `None` unless `0 < old_size <= new_size`.
    pub fn consistency(old_size: u64, new_size: u64) -> Option<Self> {
        consistency_ranges(old_size, new_size).map(|ranges| Self::over(&ranges))
    }

    /// For the root of the tree of this size: a path of one hash.
    pub fn root(size: u64) -> Self {
        Self(vec![Run::cover(&(0..size))])
    }

    /// All runs; at most two tiles a level hold them.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.0.iter().flatten()
    }

    /// The path. `hashes` gives those of a run.
    pub fn path<E>(
        &self,
        mut hashes: impl FnMut(&Run) -> Result<Vec<Hash>, E>,
    ) -> Result<Vec<Hash>, PathError<E>> {
        self.0.iter().map(|runs| root_over(runs, &mut hashes)).collect()
    }

    fn over(ranges: &[Range<u64>]) -> Self {
        Self(ranges.iter().map(Run::cover).collect())
    }
}

fn root_over<E>(
    runs: &[Run],
    hashes: &mut impl FnMut(&Run) -> Result<Vec<Hash>, E>,
) -> Result<Hash, PathError<E>> {
    let mut root = None;
    for run in runs.iter().rev() {
        let found = hashes(run).map_err(PathError::Source)?;
        if found.len() != usize::from(run.count) {
            return Err(PathError::Count);
        }
        let left = root_of(&found);
        root = Some(root.map_or(left, |right| node_hash(&left, &right)));
    }
    Ok(root.unwrap_or_else(empty_root))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        tile::TileBuilder,
        tree::{consistency_path, inclusion_path, leaf_hash},
    };

    struct Tiles(BTreeMap<(u8, u64), Vec<Hash>>);

    impl Tiles {
        fn of(leaves: &[Hash]) -> Self {
            let mut tiles = BTreeMap::new();
            let mut builder = TileBuilder::default();
            for leaf in leaves {
                builder.push(*leaf, |tile, hashes| {
                    tiles.insert((tile.level(), tile.n()), hashes.to_vec());
                });
            }
            for (tile, hashes) in builder.partial() {
                tiles.insert((tile.level(), tile.n()), hashes.to_vec());
            }
            Self(tiles)
        }

        fn path(&self, plan: &ProofPlan) -> Result<Vec<Hash>, PathError<()>> {
            plan.path(|run| Ok(self.0.get(&(run.level(), run.n())).ok_or(())?[run.within()].to_vec()))
        }
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    fn source(leaves: &[Hash]) -> impl FnMut(Range<u64>) -> Result<Vec<Hash>, ()> {
        |range| Ok(leaves[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec())
    }

    #[test]
    fn every_proof_of_every_small_tree_is_that_from_the_leaves() {
        let all = leaves(70);
        let tiles = Tiles::of(&all);
        for size in 1..=70 {
            for other in 0..size {
                let plan = ProofPlan::inclusion(other, size).unwrap();
                assert_eq!(tiles.path(&plan), inclusion_path(other, size, source(&all)));
                let plan = ProofPlan::consistency(other + 1, size).unwrap();
                assert_eq!(tiles.path(&plan), consistency_path(other + 1, size, source(&all)));
            }
        }
    }

    #[test]
    fn the_smallest_trees_and_what_is_out_of_range() {
        assert_eq!(ProofPlan::inclusion(3, 3), None);
        assert_eq!(ProofPlan::consistency(0, 3), None);
        assert_eq!(ProofPlan::consistency(4, 3), None);
        let none = |_: &Run| Ok::<_, ()>(Vec::new());
        assert_eq!(ProofPlan::root(0).path(none), Ok(vec![empty_root()]));
        assert_eq!(ProofPlan::root(3).path(none), Err(PathError::Count));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_proof_in_a_large_tree_needs_two_tiles_a_level(size in 1_u64..140_000, at in 0.0..1.0) {
            let all = leaves(size);
            let tiles = Tiles::of(&all);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                     reason = "any index will do")]
            let index = ((size as f64 * at) as u64).min(size - 1);
            let inclusion = ProofPlan::inclusion(index, size).unwrap();
            prop_assert_eq!(tiles.path(&inclusion), inclusion_path(index, size, source(&all)));
            let consistency = ProofPlan::consistency(index + 1, size).unwrap();
            prop_assert_eq!(tiles.path(&consistency), consistency_path(index + 1, size, source(&all)));
            for plan in [inclusion, consistency] {
                let touched: BTreeSet<_> = plan.runs().map(|run| (run.level(), run.n())).collect();
                prop_assert!(touched.len() <= 6, "{} tiles", touched.len());
            }
        }
    }
}
