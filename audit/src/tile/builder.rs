//! Tiles from leaf hashes in order, in memory of one tile a level.

use super::{TILE_WIDTH, Tile};
use crate::tree::{Hash, root_of};

/// Takes leaf hashes in order and gives each tile as soon as it is full.
#[derive(Debug, Clone, Default)]
pub struct TileBuilder {
    /// For each level the place of the tile that fills, and its hashes so far.
    filling: Vec<(u64, Vec<Hash>)>,
}

impl TileBuilder {
    /// Takes the next leaf hash; `full` gets the tiles that it completes, from level 0 upwards.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile, &[Hash])) {
        let mut hash = leaf;
        for level in 0.. {
            if self.filling.len() <= usize::from(level) {
                self.filling.push((0, Vec::with_capacity(TILE_WIDTH.into())));
            }
            let Some((n, hashes)) = self.filling.get_mut(usize::from(level)) else { return };
            hashes.push(hash);
            if hashes.len() < usize::from(TILE_WIDTH) {
                return;
            }
            let Some(tile) = Tile::full(level, *n) else { return };
            full(tile, hashes);
            hash = root_of(hashes);
            hashes.clear();
            *n += 1;
        }
    }

    /// The tiles at the right edge that are not full, from level 0 upwards.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0..).zip(&self.filling).filter_map(|(level, (n, hashes))| {
            let width = u16::try_from(hashes.len()).ok()?;
            Some((Tile::new(level, *n, width)?, hashes.as_slice()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf_hash;

    #[test]
    fn it_gives_each_tile_of_the_tree_once_with_the_roots_of_what_it_covers() {
        let leaves: Vec<Hash> = (0..66_100_u64).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut builder = TileBuilder::default();
        let mut tiles = Vec::new();
        for leaf in &leaves {
            builder.push(*leaf, |tile, hashes| tiles.push((tile, hashes.to_vec())));
        }
        tiles.extend(builder.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
        tiles.sort();
        let expected: Vec<Tile> = Tile::of_tree(66_100).collect();
        assert_eq!(tiles.iter().map(|(tile, _)| *tile).collect::<Vec<_>>(), expected);
        for (tile, hashes) in tiles {
            let covered = tile.leaves();
            let below =
                &leaves[usize::try_from(covered.start).unwrap()..usize::try_from(covered.end).unwrap()];
            let whole = below.len() / hashes.len();
            assert_eq!(hashes, below.chunks(whole).map(root_of).collect::<Vec<_>>());
        }
    }
}
