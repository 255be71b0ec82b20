//! Stored tiles: made after the commits, read by whoever proves something.
//!
//! A full tile never changes, so any replica may make it at any time, twice or after all of them were lost. What is
//! not made yet is computed from the leaf hashes: a proof needs the tiles to be quick, never to be right.

mod keeper;
mod proof;

pub use keeper::{TileKeeper, TilesMade};

use pmh_audit::{
    Hash,
    tile::{TILE_WIDTH, Tile},
    tree::root_of,
};

use crate::{
    Fault, Reader,
    db::Row,
    reader::{signed, unsigned},
};

/// A full tile as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredTile {
    pub(crate) root: Hash,
    pub(crate) hashes: Vec<Hash>,
}

impl StoredTile {
    pub(crate) fn of(hashes: Vec<Hash>) -> Self {
        Self { root: root_of(&hashes), hashes }
    }

    /// Columns `tile_root, hashes`.
    pub(crate) fn read(row: &Row) -> Result<Self, Fault> {
        let bytes = row.bytes(1)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() != usize::from(TILE_WIDTH) || !rest.is_empty() {
            return Err(Fault::Inconsistent { table: "log_tile", column: "hashes" });
        }
        Ok(Self { root: row.array(0, "log_tile")?, hashes: hashes.to_vec() })
    }

    pub(crate) fn hash_bytes(&self) -> Vec<u8> {
        self.hashes.as_flattened().to_vec()
    }
}

impl Reader {
    /// The hashes of a tile of the committed tree, from storage or computed.
    pub async fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Fault> {
        // Stored full tiles serve smaller trees too: the first hashes are the same.
        if let Some(stored) = self.stored_tile(tile.level(), tile.n()).await? {
            let mut hashes = stored.hashes;
            hashes.truncate(tile.width().into());
            return Ok(hashes);
        }
        self.computed_tile(tile).await
    }

    pub(crate) async fn stored_tile(&self, level: u8, n: u64) -> Result<Option<StoredTile>, Fault> {
        let row = self
            .fetch_one(
                "SELECT tile_root, hashes FROM log_tile WHERE level = $1 AND n = $2",
                vec![i64::from(level).into(), signed(n)?.into()],
            )
            .await?;
        row.as_ref().map(StoredTile::read).transpose()
    }

    /// The same from what is below: leaf hashes, or the roots of full tiles.
    pub(crate) async fn computed_tile(&self, tile: Tile) -> Result<Vec<Hash>, Fault> {
        let start = tile.n() * u64::from(TILE_WIDTH);
        let places = start..start + u64::from(tile.width());
        let hashes = match tile.level().checked_sub(1) {
            None => self.leaf_hashes(places).await?,
            Some(below) => self.tile_roots(below, places).await?,
        };
        if hashes.len() == usize::from(tile.width()) { Ok(hashes) } else { Err(SHORT) }
    }

    /// Roots of neighbouring full tiles.
    async fn tile_roots(&self, level: u8, places: std::ops::Range<u64>) -> Result<Vec<Hash>, Fault> {
        let rows = self
            .fetch(
                "SELECT n, tile_root FROM log_tile WHERE level = $1 AND n >= $2 AND n < $3 ORDER BY n",
                vec![i64::from(level).into(), signed(places.start)?.into(), signed(places.end)?.into()],
            )
            .await?;
        let mut stored = rows.iter().peekable();
        let mut roots = Vec::new();
        for n in places {
            let row =
                stored.peek().filter(|row| row.int(0).is_ok_and(|stored| unsigned(stored).ok() == Some(n)));
            roots.push(if let Some(row) = row {
                let root = row.array(1, "log_tile")?;
                stored.next();
                root
            } else {
                let missing = Tile::full(level, n).ok_or(SHORT)?;
                root_of(&Box::pin(self.computed_tile(missing)).await?)
            });
        }
        Ok(roots)
    }
}

const SHORT: Fault = Fault::Inconsistent { table: "log_entry", column: "idx" };
