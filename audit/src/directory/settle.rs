//! Which of two that differ is wrong.

use std::collections::BTreeSet;

use super::climb::Climbed;
use super::{Files, Finding};
use crate::note::Checkpoint;
use crate::tile::{Bundle, ProofPlan, TILE_WIDTH, Tile, TilePath};
use crate::tree::{Hash, root_of};

/// Turns differences into findings, by what leads to the signed root.
pub(super) fn settle<E, R>(files: &mut Files<R>, checkpoint: &Checkpoint, climbed: Climbed) -> Result<(), E>
where
    R: FnMut(&TilePath) -> Result<Option<Vec<u8>>, E>,
{
    files.report.more_findings += climbed.more_differences;
    if climbed.root == *checkpoint.root() {
        for (tile, hash) in climbed.differences {
            files.report.add(Finding::Tile { tile, hash: Some(hash) });
        }
        for size in climbed.inconsistent {
            files.report.add(Finding::Inconsistent(size));
        }
        return Ok(());
    }
    // The earlier roots were computed from entries of which some are wrong: they tell nothing.
    files.report.consistent = 0;
    if files.stored_root()? == Some(*checkpoint.root()) {
        files.blame_entries(&climbed.differences)?;
    } else {
        files.blame_either(&climbed.differences);
    }
    if files.report.is_clean() {
        files.report.add(Finding::Root);
    }
    Ok(())
}

impl<E, R: FnMut(&TilePath) -> Result<Option<Vec<u8>>, E>> Files<R> {
    /// The root that the tiles at the right edge lead to; `None` if one of them cannot be used.
    fn stored_root(&mut self) -> Result<Option<Hash>, E> {
        let mut missing = None;
        let size = self.size;
        let path = ProofPlan::root(size).path(|run| {
            let tile = Tile::in_tree(run.level(), run.n(), size).ok_or(())?;
            let hashes = self.hashes(tile).map_err(|error| missing = Some(error))?.ok_or(())?;
            hashes.get(run.within()).map(<[Hash]>::to_vec).ok_or(())
        });
        match missing {
            Some(error) => Err(error),
            None => Ok(path.ok().and_then(|path| path.first().copied())),
        }
    }

    /// The right edge of the tiles is true. From there downwards each tile vouches for those below it, and the tiles of
    /// level 0 for the entries.
    fn blame_entries(&mut self, differences: &[(Tile, u16)]) -> Result<(), E> {
        let wrong = self.wrong_tiles()?;
        for tile in &wrong {
            let hash = differences.iter().find(|(differing, _)| differing == tile).map(|(_, hash)| *hash);
            self.report.add(Finding::Tile { tile: *tile, hash });
        }
        for (tile, hash) in differences.iter().filter(|(tile, _)| !wrong.contains(tile)) {
            // A difference higher up only repeats what is wrong below.
            if let Some((bundle, index)) = entry_at(*tile, *hash) {
                self.report.add(Finding::Entry { bundle, index });
            }
        }
        Ok(())
    }

    /// Nothing leads to the signed root: what differs is named, and that it cannot be told which is right.
    fn blame_either(&mut self, differences: &[(Tile, u16)]) {
        for (tile, hash) in differences {
            self.report.add(match entry_at(*tile, *hash) {
                Some((bundle, index)) => Finding::EntryOrTile { bundle, index },
                None => Finding::TileOrBelow { tile: *tile, hash: *hash },
            });
        }
    }

    /// Full tiles that are not what the tile above says. Below a wrong tile nothing is vouched for.
    fn wrong_tiles(&mut self) -> Result<BTreeSet<Tile>, E> {
        let mut wrong = BTreeSet::new();
        let mut parents: Vec<Tile> = Tile::of_tree(self.size).filter(|tile| tile.level() > 0).collect();
        parents.sort_by_key(|tile| std::cmp::Reverse(tile.level()));
        for parent in parents {
            if wrong.contains(&parent) {
                continue;
            }
            let Some(hashes) = self.hashes(parent)? else { continue };
            for (at, hash) in (0..).zip(hashes) {
                let n = parent.n() * u64::from(TILE_WIDTH) + at;
                let Some(child) = Tile::full(parent.level() - 1, n) else { continue };
                if self.hashes(child)?.is_some_and(|below| root_of(&below) != hash) {
                    wrong.insert(child);
                }
            }
        }
        Ok(wrong)
    }

    /// The hashes of a stored tile; what keeps it from being used was found before.
    fn hashes(&mut self, tile: Tile) -> Result<Option<Vec<Hash>>, E> {
        Ok((self.read)(&tile.into())?.and_then(|bytes| tile.decode(&bytes).map(<[Hash]>::to_vec)))
    }
}

/// The entry of a hash of level 0.
fn entry_at(tile: Tile, hash: u16) -> Option<(Bundle, u64)> {
    let bundle = (tile.level() == 0).then(|| Bundle::new(tile.n(), tile.width())).flatten()?;
    Some((bundle, bundle.entries().start + u64::from(hash)))
}
