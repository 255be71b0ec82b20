//! Makes the tiles that are full and not stored yet.

use std::{collections::BTreeSet, ops::Range};

use pmh_audit::tile::{TILE_WIDTH, Tile};

use super::StoredTile;
use crate::{
    Attempt, Concluding, Conclusion, Fault, Reader, Reply,
    db::Row,
    reader::{signed, unsigned},
    sequencer::{BoxFuture, Handle, Lane, Transaction, Tx, WriteJob},
};

/// Follows one log and stores its tiles. Any replica may have one; together they store each tile once.
pub struct TileKeeper {
    handle: Handle,
    reader: Reader,
    /// On each level the places below this one are stored.
    done: Vec<u64>,
}

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TilesMade {
    /// Tiles stored.
    pub stored: u64,
    /// Tiles that were there with other hashes than the entries give: somebody changed the database.
    pub different: u64,
}

impl TileKeeper {
    pub(crate) fn new(handle: Handle, reader: Reader) -> Self {
        Self { handle, reader, done: Vec::new() }
    }

    /// Stores every full tile of the tree as of now. They are written inside the batches of the log's only writer,
    /// where they cost no flush of their own and no second writer's lock.
    pub async fn catch_up(&mut self, mut attempt: impl FnMut() -> Attempt) -> Result<TilesMade, Fault> {
        let (size, _) = self.reader.head().await?;
        let mut made = TilesMade::default();
        for level in 0_u8.. {
            let full = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
            if full == 0 {
                break;
            }
            let mut from = self.done.get(usize::from(level)).copied().unwrap_or(0);
            while from < full {
                let places = from..full.min(from + AT_ONCE);
                from = places.end;
                let tiles = self.missing(level, places).await?;
                made.add(self.store(attempt(), tiles).await?);
                self.done.resize(usize::from(level) + 1, 0);
                if let Some(done) = self.done.get_mut(usize::from(level)) {
                    *done = from;
                }
            }
        }
        Ok(made)
    }

    async fn missing(&self, level: u8, places: Range<u64>) -> Result<Vec<(Tile, StoredTile)>, Fault> {
        let rows = self
            .reader
            .fetch(
                "SELECT n FROM log_tile WHERE level = $1 AND n >= $2 AND n < $3",
                vec![i64::from(level).into(), signed(places.start)?.into(), signed(places.end)?.into()],
            )
            .await?;
        let stored: BTreeSet<u64> = rows.iter().map(|row| unsigned(row.int(0)?)).collect::<Result<_, _>>()?;
        let mut tiles = Vec::new();
        for tile in places.filter(|n| !stored.contains(n)).filter_map(|n| Tile::new(level, n, TILE_WIDTH)) {
            tiles.push((tile, StoredTile::of(self.reader.computed_tile(tile).await?)));
        }
        Ok(tiles)
    }

    async fn store(&self, attempt: Attempt, tiles: Vec<(Tile, StoredTile)>) -> Result<TilesMade, Fault> {
        if tiles.is_empty() {
            return Ok(TilesMade::default());
        }
        let conclude = |concluding: Concluding<'_, TilesMade>| {
            let made = match concluding {
                Concluding::Fresh(made) => made,
                Concluding::Replay(_) | Concluding::KeyReused => TilesMade::default(),
            };
            let counts = [made.stored.to_be_bytes(), made.different.to_be_bytes()];
            Conclusion::<()> { reply: Reply::Answer(counts.concat()), draft: None }
        };
        let (job, answer) = WriteJob::new(attempt, None, InsertTiles(tiles), conclude);
        self.handle.submit(Lane::Bulk, Box::new(job)).await?;
        let recorded = answer.await.map_err(|_| Fault::Unavailable("sequencer ended"))??;
        let made = TilesMade::read(recorded.value());
        if made.different > 0 {
            tracing::error!(tiles = made.different, "stored tiles are not those of the entries");
        }
        Ok(made)
    }
}

impl TilesMade {
    fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.different += other.different;
    }

    fn read(reply: &Reply<()>) -> Self {
        let Reply::Answer(bytes) = reply else { return Self::default() };
        match bytes.as_chunks::<8>() {
            ([stored, different], []) => {
                Self { stored: u64::from_be_bytes(*stored), different: u64::from_be_bytes(*different) }
            }
            _ => Self::default(),
        }
    }
}

struct InsertTiles(Vec<(Tile, StoredTile)>);

impl Transaction for InsertTiles {
    type Outcome = TilesMade;
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<TilesMade, Fault>> {
        Box::pin(async {
            let mut made = TilesMade::default();
            for (tile, content) in &self.0 {
                if insert(tx, *tile, content).await? {
                    made.stored += 1;
                } else if stored(tx, *tile).await?.as_ref() != Some(content) {
                    made.different += 1;
                }
            }
            Ok(made)
        })
    }
}

async fn insert(tx: &mut Tx, tile: Tile, content: &StoredTile) -> Result<bool, Fault> {
    let values = vec![
        i64::from(tile.level()).into(),
        signed(tile.n())?.into(),
        content.root.into(),
        content.hash_bytes().into(),
    ];
    let inserted = tx
        .execute(
            "INSERT INTO log_tile (level, n, tile_root, hashes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (level, n) DO NOTHING",
            values,
        )
        .await?;
    Ok(inserted == 1)
}

/// The tile that was there first; one that cannot be read is not the one expected either.
async fn stored(tx: &mut Tx, tile: Tile) -> Result<Option<StoredTile>, Fault> {
    let row: Option<Row> = tx
        .fetch_one(
            "SELECT tile_root, hashes FROM log_tile WHERE level = $1 AND n = $2",
            vec![i64::from(tile.level()).into(), signed(tile.n())?.into()],
        )
        .await?;
    Ok(row.and_then(|row| StoredTile::read(&row).ok()))
}

/// Tiles in one statement round: 128 KiB.
const AT_ONCE: u64 = 16;
