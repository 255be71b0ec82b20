//! Proofs from tiles: a few reads, however large the tree.

use std::collections::BTreeMap;

use pmh_audit::{
    Hash,
    tile::{ProofPlan, Run, Tile},
};

use crate::{Fault, Reader};

impl Reader {
    /// Path of the entry at `index` in the tree of `size`; `None` unless `index < size`. The tree must be committed.
    pub async fn inclusion_path(&self, index: u64, size: u64) -> Result<Option<Vec<Hash>>, Fault> {
        self.solve(ProofPlan::inclusion(index, size)).await
    }

    /// Proof that the tree of `new_size` only appended to that of `old_size`; `None` unless
    /// `0 < old_size <= new_size`. The larger tree must be committed.
    pub async fn consistency_path(&self, old_size: u64, new_size: u64) -> Result<Option<Vec<Hash>>, Fault> {
        self.solve(ProofPlan::consistency(old_size, new_size)).await
    }

    /// Root of the tree of any committed size, also one at which no batch ended.
    pub async fn root_at(&self, size: u64) -> Result<Hash, Fault> {
        let path = self.solve(Some(ProofPlan::root(size))).await?;
        path.and_then(|path| path.first().copied()).ok_or(MISSING)
    }

    async fn solve(&self, plan: Option<ProofPlan>) -> Result<Option<Vec<Hash>>, Fault> {
        let Some(plan) = plan else { return Ok(None) };
        let tiles = self.tiles_of(&plan).await?;
        let hashes = |run: &Run| {
            let tile = tiles.get(&(run.level(), run.n())).and_then(|hashes| hashes.get(run.within()));
            tile.map(<[Hash]>::to_vec).ok_or(MISSING)
        };
        plan.path(hashes).map(Some).map_err(|_| MISSING)
    }

    /// Each tile that the proof touches, as far as it needs it.
    async fn tiles_of(&self, plan: &ProofPlan) -> Result<BTreeMap<(u8, u64), Vec<Hash>>, Fault> {
        let mut widths: BTreeMap<(u8, u64), usize> = BTreeMap::new();
        for run in plan.runs() {
            let width = widths.entry((run.level(), run.n())).or_default();
            *width = run.within().end.max(*width);
        }
        let mut tiles = BTreeMap::new();
        for ((level, n), width) in widths {
            let tile = u16::try_from(width).ok().and_then(|width| Tile::new(level, n, width));
            tiles.insert((level, n), self.tile(tile.ok_or(MISSING)?).await?);
        }
        Ok(tiles)
    }
}

/// The log says that it has more entries than it has.
const MISSING: Fault = Fault::Inconsistent { table: "log_entry", column: "leaf_hash" };
