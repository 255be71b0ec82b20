//! Tiles: the tree in files of 256 hashes, as C2SP tlog-tiles v0.1 lays it out.
//!
//! A hash tile of level L holds up to 256 hashes of tree level 8·L; the root of a full tile is one hash of level
//! L+1. An entry bundle holds the entries below one tile of level 0. Only a tile at the right edge of a tree is
//! partial, and a full one never changes again, so whoever has the tiles has every proof ([`ProofPlan`]).
//!
//! Pure: paths, widths, bytes and which hashes a proof needs. Who stores the tiles is the caller's matter.

mod builder;
mod bundle;
mod path;
mod proof;

pub use builder::TileBuilder;
pub use bundle::{BundleError, decode_bundle, encode_bundle};
pub use path::{PathFormatError, TilePath};
pub use proof::{ProofPlan, Run};

use crate::tree::Hash;

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Coordinates of a hash tile: its level, its place on that level and how many hashes it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    n: u64,
    width: u16,
}

/// Coordinates of an entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle {
    n: u64,
    width: u16,
}

impl Tile {
    /// A tile; `None` if no tree has such a one: a width outside 1..=256, or more leaves below than can be counted.
    pub fn new(level: u8, n: u64, width: u16) -> Option<Self> {
        let tile = Self { level, n, width };
        tile.checked_end()?;
        Some(tile)
    }

    /// A full tile; `None` as for [`Tile::new`].
    pub fn full(level: u8, n: u64) -> Option<Self> {
        Self::new(level, n, TILE_WIDTH)
    }

    /// The tiles of a tree, level by level and from left to right: what a directory of that size holds, no more.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Self> {
        (0..LEVELS)
            .map(move |level| (level, size >> (8 * u32::from(level))))
            .take_while(|(_, hashes)| *hashes > 0)
            .flat_map(|(level, hashes)| widths(hashes).map(move |(n, width)| Self { level, n, width }))
    }

    /// The tile of this level and place in a tree of `size` leaves; `None` if that tree has none there.
    pub fn in_tree(level: u8, n: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * u32::from(level))?;
        let width = hashes.checked_sub(n.checked_mul(TILE_WIDTH.into())?)?.min(TILE_WIDTH.into());
        Self::new(level, n, u16::try_from(width).ok()?)
    }

    /// Level, 0 for leaf hashes.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Place on the level, from 0.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Hashes in it, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it can never change again.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The leaves of the tree that it covers.
    pub fn leaves(&self) -> std::ops::Range<u64> {
        let leaves_a_hash = 1_u64 << (8 * u32::from(self.level));
        let start = self.n * u64::from(TILE_WIDTH) * leaves_a_hash;
        start..start + u64::from(self.width) * leaves_a_hash
    }

    /// The hashes in a tile's bytes; `None` unless there are exactly as many as its width says.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Option<&'a [Hash]> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && hashes.len() == usize::from(self.width)).then_some(hashes)
    }

    /// One past its last leaf, if such a tile can be.
    fn checked_end(&self) -> Option<u64> {
        let last = u64::from(self.width);
        let hashes = self.n.checked_mul(TILE_WIDTH.into())?.checked_add(last)?;
        let leaves_a_hash = 256_u64.checked_pow(self.level.into())?;
        (1..=u64::from(TILE_WIDTH)).contains(&last).then(|| hashes.checked_mul(leaves_a_hash))?
    }
}

impl Bundle {
    /// A bundle; `None` for a width outside 1..=256 or a place that no tree reaches.
    pub fn new(n: u64, width: u16) -> Option<Self> {
        Tile::new(0, n, width).map(|tile| Self { n: tile.n, width: tile.width })
    }

    /// The bundles of a tree from left to right.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Self> {
        widths(size).map(|(n, width)| Self { n, width })
    }

    /// Place, from 0.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Entries in it, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Indexes of its entries.
    pub fn entries(&self) -> std::ops::Range<u64> {
        let start = self.n * u64::from(TILE_WIDTH);
        start..start + u64::from(self.width)
    }
}

/// Levels of the largest tree whose size fits 64 bits.
const LEVELS: u8 = 8;

/// Places and widths of what holds `count` things, 256 in each but the last.
fn widths(count: u64) -> impl Iterator<Item = (u64, u16)> {
    let whole = u64::from(TILE_WIDTH);
    (0..count.div_ceil(whole))
        .map(move |n| (n, u16::try_from((count - n * whole).min(whole)).unwrap_or(TILE_WIDTH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinates(size: u64) -> Vec<(u8, u64, u16)> {
        Tile::of_tree(size).map(|tile| (tile.level(), tile.n(), tile.width())).collect()
    }

    #[test]
    fn a_tree_has_the_tiles_of_the_specification() {
        assert_eq!(coordinates(0), vec![]);
        assert_eq!(coordinates(1), vec![(0, 0, 1)]);
        assert_eq!(coordinates(256), vec![(0, 0, 256), (1, 0, 1)]);
        assert_eq!(coordinates(257), vec![(0, 0, 256), (0, 1, 1), (1, 0, 1)]);
        // The example of tlog-tiles: 70,000 entries.
        let tiles = coordinates(70_000);
        assert_eq!(tiles.len(), 274 + 2 + 1);
        assert_eq!(tiles[273], (0, 273, 112));
        assert_eq!(tiles[274..], [(1, 0, 256), (1, 1, 17), (2, 0, 1)]);
        assert_eq!(Bundle::of_tree(70_000).last(), Bundle::new(273, 112));
    }

    #[test]
    fn every_tile_of_a_tree_is_found_by_its_place_and_no_other_is() {
        for size in [1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000] {
            for tile in Tile::of_tree(size) {
                assert_eq!(Tile::in_tree(tile.level(), tile.n(), size), Some(tile));
                assert!(tile.leaves().end <= size);
            }
            let levels = coordinates(size).iter().map(|(level, ..)| *level).max().unwrap();
            assert_eq!(Tile::in_tree(levels + 1, 0, size), None);
            assert_eq!(Tile::in_tree(0, size.div_ceil(256), size), None);
        }
    }

    #[test]
    fn what_no_tree_has_is_no_tile() {
        for (level, n, width) in
            [(0, 0, 0), (0, 0, 257), (0, 1 << 56, 1), (8, 0, 1), (7, 0, 256), (255, 0, 1)]
        {
            assert_eq!(Tile::new(level, n, width), None);
        }
        assert!(Tile::new(7, 0, 255).is_some());
        assert_eq!(Tile::new(0, 0, 2).unwrap().decode(&[0; 64]).map(<[Hash]>::len), Some(2));
        for length in [0, 32, 63, 65, 96] {
            assert_eq!(Tile::new(0, 0, 2).unwrap().decode(&[0; 96][..length]), None);
        }
    }
}
