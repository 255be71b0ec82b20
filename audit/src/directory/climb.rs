//! From the entries upwards: what the tiles should be, and where the stored ones differ.

use std::collections::BTreeMap;

use super::{Files, Finding, MAX_FINDINGS, Report};
use crate::codec::Reader;
use crate::leaf::Leaf;
use crate::note::Checkpoint;
use crate::tile::{Bundle, Tile, TileBuilder, TilePath, decode_bundle};
use crate::tree::{Frontier, Hash, leaf_hash};

/// What the entries lead to.
pub(super) struct Climbed {
    pub(super) root: Hash,
    /// Where a stored tile holds another hash than the entries lead to; level 0 is an entry against its tile.
    pub(super) differences: Vec<(Tile, u16)>,
    pub(super) more_differences: u64,
    /// Sizes of earlier checkpoints with another root than the entries lead to.
    pub(super) inconsistent: Vec<u64>,
}

/// Reads all bundles in order, and each tile once.
pub(super) fn climb<E, R>(
    files: &mut Files<R>,
    earlier: &BTreeMap<u64, Vec<&Checkpoint>>,
) -> Result<Climbed, E>
where
    R: FnMut(&TilePath) -> Result<Option<Vec<u8>>, E>,
{
    let mut climb = Climb::new(earlier);
    climb.pass(&mut files.report);
    for bundle in Bundle::of_tree(files.size) {
        let stored = files.tile(Tile::in_tree(0, bundle.n(), files.size))?;
        let hashes = files.entries(bundle, stored.as_deref(), &mut climb.last_time)?;
        climb.compare(Tile::in_tree(0, bundle.n(), files.size), &hashes, stored.as_deref());
        let mut completed = Vec::new();
        for hash in hashes {
            climb.tree.push(hash);
            climb.tiles.push(hash, |tile, hashes| completed.push((tile, hashes.to_vec())));
            climb.pass(&mut files.report);
        }
        climb.compare_above(files, completed)?;
    }
    let partial = climb.tiles.partial().map(|(tile, hashes)| (tile, hashes.to_vec())).collect();
    climb.compare_above(files, partial)?;
    climb.climbed.root = climb.tree.root();
    Ok(climb.climbed)
}

struct Climb<'a> {
    earlier: &'a BTreeMap<u64, Vec<&'a Checkpoint>>,
    tree: Frontier,
    tiles: TileBuilder,
    last_time: u64,
    climbed: Climbed,
}

impl<'a> Climb<'a> {
    fn new(earlier: &'a BTreeMap<u64, Vec<&'a Checkpoint>>) -> Self {
        let climbed =
            Climbed { root: [0; 32], differences: Vec::new(), more_differences: 0, inconsistent: Vec::new() };
        Self { earlier, tree: Frontier::default(), tiles: TileBuilder::default(), last_time: 0, climbed }
    }

    /// Looks at the earlier checkpoints of the size that the tree has just reached.
    fn pass(&mut self, report: &mut Report) {
        let Some(checkpoints) = self.earlier.get(&self.tree.size()) else { return };
        let root = self.tree.root();
        for checkpoint in checkpoints {
            if *checkpoint.root() == root {
                report.consistent += 1;
            } else {
                self.climbed.inconsistent.push(checkpoint.size());
            }
        }
    }

    /// Tiles of level 0 were compared with the entries themselves.
    fn compare_above<E, R>(&mut self, files: &mut Files<R>, computed: Vec<(Tile, Vec<Hash>)>) -> Result<(), E>
    where
        R: FnMut(&TilePath) -> Result<Option<Vec<u8>>, E>,
    {
        for (tile, hashes) in computed.into_iter().filter(|(tile, _)| tile.level() > 0) {
            let stored = files.tile(Some(tile))?;
            self.compare(Some(tile), &hashes, stored.as_deref());
        }
        Ok(())
    }

    fn compare(&mut self, tile: Option<Tile>, computed: &[Hash], stored: Option<&[Hash]>) {
        let (Some(tile), Some(stored)) = (tile, stored) else { return };
        for (at, _) in
            (0..).zip(computed.iter().zip(stored)).filter(|(_, (computed, stored))| computed != stored)
        {
            if self.climbed.differences.len() < MAX_FINDINGS {
                self.climbed.differences.push((tile, at));
            } else {
                self.climbed.more_differences += 1;
            }
        }
    }
}

impl<E, R: FnMut(&TilePath) -> Result<Option<Vec<u8>>, E>> Files<R> {
    /// The hashes of a stored tile; `None` after a finding if it cannot be used.
    fn tile(&mut self, tile: Option<Tile>) -> Result<Option<Vec<Hash>>, E> {
        let Some(tile) = tile else { return Ok(None) };
        let Some(bytes) = (self.read)(&tile.into())? else {
            self.report.add(Finding::Missing(tile.into()));
            return Ok(None);
        };
        self.report.tiles += 1;
        let hashes = tile.decode(&bytes).map(<[Hash]>::to_vec);
        if hashes.is_none() {
            self.report.add(Finding::TileLength(tile));
        }
        Ok(hashes)
    }

    /// The leaf hashes of a bundle, as many as it should hold. Where the bundle cannot be read, the tile's stand in, so
    /// that all that follows can still be checked.
    fn entries(
        &mut self,
        bundle: Bundle,
        tile: Option<&[Hash]>,
        last_time: &mut u64,
    ) -> Result<Vec<Hash>, E> {
        let instead = || tile.map_or_else(|| vec![[0; 32]; bundle.width().into()], <[Hash]>::to_vec);
        let Some(bytes) = (self.read)(&bundle.into())? else {
            self.report.add(Finding::Missing(bundle.into()));
            return Ok(instead());
        };
        let Ok(entries) = decode_bundle(&bytes, bundle.width()) else {
            let entry = tile.and_then(|tile| first_strange_entry(&bytes, tile));
            self.report
                .add(Finding::BundleForm { bundle, entry: entry.map(|at| bundle.entries().start + at) });
            return Ok(instead());
        };
        let mut hashes = Vec::with_capacity(entries.len());
        for (index, entry) in bundle.entries().zip(entries) {
            let hash = leaf_hash(entry);
            let as_the_tile_says = tile.is_none_or(|tile| tile.get(hashes.len()) == Some(&hash));
            // What a changed entry says is of no interest.
            if as_the_tile_says {
                self.leaf(bundle, index, entry, last_time);
            }
            hashes.push(hash);
        }
        self.report.entries += u64::from(bundle.width());
        Ok(hashes)
    }

    fn leaf(&mut self, bundle: Bundle, index: u64, entry: &[u8], last_time: &mut u64) {
        let Ok(leaf) = Leaf::decode(entry) else {
            self.report.add(Finding::Leaf { bundle, index });
            return;
        };
        if leaf.time_us < *last_time {
            self.report.add(Finding::Time { bundle, index });
        }
        *last_time = leaf.time_us.max(*last_time);
        let first = self.report.times.map_or(leaf.time_us, |(first, _)| first);
        self.report.times = Some((first, *last_time));
    }
}

/// Where in a broken bundle the entries cease to be those of the tile.
fn first_strange_entry(bytes: &[u8], tile: &[Hash]) -> Option<u64> {
    let mut input = Reader::new(bytes);
    let strange =
        tile.iter().position(|hash| !input.medium_bytes().is_ok_and(|entry| leaf_hash(entry) == *hash));
    u64::try_from(strange?).ok()
}
