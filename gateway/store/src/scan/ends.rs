//! What stands at the right edge: the head, and rows that should not be there.

use super::{LogDefect, Scan};
use crate::{
    Fault,
    db::Row,
    reader::{signed, unsigned},
};

impl Scan {
    /// After the last entry: the head is its tree, and no table reaches further.
    pub(super) async fn finish(&mut self) -> Result<(), Fault> {
        if let Some((signed, _)) = self.signed.filter(|(signed, _)| *signed > self.size) {
            self.found(LogDefect::Signed(signed));
        }
        self.head().await?;
        self.beyond().await?;
        self.tiles_beyond().await
    }

    /// An entry that the head counts is not there: it was removed, or the head counts what never was.
    pub(super) async fn short(&mut self) -> Result<(), Fault> {
        let head = self.reader.fetch_one("SELECT frontier FROM log_head WHERE log_id = 1", vec![]).await?;
        let is_whole = head.is_some_and(|row| row.bytes(0).ok() == Some(self.tree.to_bytes()));
        self.found(if is_whole { LogDefect::Head } else { LogDefect::Entry(self.tree.size()) });
        Ok(())
    }

    /// The head as it is now, if nothing was appended meanwhile; else the root of what was the head.
    async fn head(&mut self) -> Result<(), Fault> {
        let head = self
            .reader
            .fetch_one("SELECT size, root, frontier, time_us FROM log_head WHERE log_id = 1", vec![])
            .await?;
        let size = signed(self.size)?;
        match head {
            Some(row) if row.int(0)? == size => {
                let time_us = i64::try_from(self.time_us).unwrap_or(i64::MAX);
                let is_tree = row.bytes(1)? == self.tree.root()
                    && row.bytes(2)? == self.tree.to_bytes()
                    && (row.int(3)? == time_us || !self.is_timed);
                if !is_tree {
                    self.found(LogDefect::Head);
                }
            }
            Some(row) if row.int(0)? > size => {}
            _ => self.found(LogDefect::Head),
        }
        if self.size > 0 && self.reader.root(self.size).await.ok().flatten() != Some(self.tree.root()) {
            self.found(LogDefect::Root(self.size));
        }
        Ok(())
    }

    /// One statement, so that all of it is of one moment of a log that may grow.
    async fn beyond(&mut self) -> Result<(), Fault> {
        let row = self
            .reader
            .fetch_one(
                "SELECT h.size,
                    COALESCE((SELECT MIN(idx) FROM log_entry), 0),
                    COALESCE((SELECT MAX(idx) FROM log_entry), -1),
                    COALESCE((SELECT MIN(size) FROM log_root), 1),
                    COALESCE((SELECT MAX(size) FROM log_root), 0)
                 FROM log_head h WHERE h.log_id = 1",
                vec![],
            )
            .await?;
        let Some(row) = row else { return Ok(()) };
        let size = row.int(0)?;
        let entries = (row.int(1)?, row.int(2)?);
        if entries.0 < 0 || entries.1 >= size {
            self.found(LogDefect::Entry(outermost(entries.0 < 0, entries.1)));
        }
        let roots = (row.int(3)?, row.int(4)?);
        if roots.0 < 1 || roots.1 > size {
            self.found(LogDefect::Root(outermost(roots.0 < 1, roots.1)));
        }
        Ok(())
    }

    /// Tiles of levels and places that the tree does not have.
    async fn tiles_beyond(&mut self) -> Result<(), Fault> {
        for level in [
            "SELECT level, n FROM log_tile ORDER BY level DESC, n DESC LIMIT 1",
            "SELECT level, n FROM log_tile WHERE level < 0 LIMIT 1",
        ] {
            if let Some(row) = self.reader.fetch_one(level, vec![]).await? {
                self.tile_beyond(&row).await?;
            }
        }
        let levels: Vec<u8> = self.last_tile.keys().copied().collect();
        for level in levels {
            for newest in [
                "SELECT level, n FROM log_tile WHERE level = $1 ORDER BY n DESC LIMIT 1",
                "SELECT level, n FROM log_tile WHERE level = $1 ORDER BY n LIMIT 1",
            ] {
                if let Some(row) = self.reader.fetch_one(newest, vec![i64::from(level).into()]).await? {
                    self.tile_beyond(&row).await?;
                }
            }
        }
        Ok(())
    }

    async fn tile_beyond(&mut self, row: &Row) -> Result<(), Fault> {
        // Read after the tile: a log that grew meanwhile has more tiles now, never fewer.
        let (size, _) = self.reader.head().await?;
        let (level, n) = (u8::try_from(row.int(0)?), unsigned(row.int(1)?));
        let full = level.as_ref().ok().and_then(|level| size.checked_shr(8 * (u32::from(*level) + 1)));
        if !matches!((full, &n), (Some(full), Ok(n)) if *n < full) {
            self.found(LogDefect::Tile { level: level.unwrap_or(u8::MAX), n: n.unwrap_or(u64::MAX) });
        }
        Ok(())
    }
}

/// The place to name: below everything, or far above.
fn outermost(below: bool, highest: i64) -> u64 {
    if below { 0 } else { u64::try_from(highest).unwrap_or(0) }
}
