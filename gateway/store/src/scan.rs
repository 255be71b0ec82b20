//! Reads a stored log and computes everything anew (audit.md I7, I11): whoever changes, removes, adds or swaps a row
//! without the signing key is found out, and the first defect of each table is named.
//!
//! One reading for three: `fsck` runs it to the end, the scrubber a little every second, [`Reader::check`] to the
//! first defect. What it cannot see by itself, because the rows that remain are true: a whole earlier state (the last
//! signed checkpoint of the local file and of witnesses tells), and the removal of one of two roots that were committed
//! in the same microsecond.

mod ends;
mod people;

use std::{collections::BTreeMap, ops::Range};

use pmh_audit::{
    Frontier, Hash, Leaf,
    tile::{Tile, TileBuilder},
    tree::leaf_hash,
};

use crate::{
    Fault, Reader,
    reader::{signed, unsigned},
};

/// What reading the whole log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCheck {
    /// Entries that are as they were committed, from the first on.
    pub intact: u64,
    /// The first thing that is not; `None` for a whole log.
    pub defect: Option<LogDefect>,
}

/// Where a stored log is not what it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogDefect {
    /// This entry is missing, is one too many, cannot be read, is older than the one before, or its leaf is not what
    /// its hash says.
    Entry(u64),
    /// The root stored for this size is not that of the entries before it, or of another time, or missing.
    Root(u64),
    /// The head is not the tree of its entries.
    Head,
    /// This tile is not made of the entries below it, or is missing between others, or is one too many.
    Tile {
        /// Level.
        level: u8,
        /// Place on the level.
        n: u64,
    },
    /// The entries up to this size are not those, or not as many, as the gateway signed.
    Signed(u64),
    /// Rows that find a person's entries point outside the log or not forward; so many.
    People(u64),
}

impl LogDefect {
    /// The table whose row it is; `checkpoint` for the gateway's own file.
    pub fn table(&self) -> &'static str {
        match self {
            Self::Entry(_) => "log_entry",
            Self::Root(_) => "log_root",
            Self::Head => "log_head",
            Self::Tile { .. } => "log_tile",
            Self::Signed(_) => "checkpoint",
            Self::People(_) => "subject_ix",
        }
    }
}

impl std::fmt::Display for LogDefect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entry(index) => write!(f, "log_entry, entry {index}"),
            Self::Root(size) => write!(f, "log_root, size {size}"),
            Self::Head => f.write_str("log_head"),
            Self::Tile { level, n } => write!(f, "log_tile, level {level}, tile {n}"),
            Self::Signed(size) => write!(f, "signed checkpoint, size {size}"),
            Self::People(rows) => write!(f, "subject_ix, {rows} rows"),
        }
    }
}

/// A reading of one log, from the first entry to the head as it was when the reading began.
pub struct Scan {
    reader: Reader,
    size: u64,
    tree: Frontier,
    tiles: TileBuilder,
    time_us: u64,
    /// Whether that is the time of the newest entry; unknown after one that is not what it was.
    is_timed: bool,
    /// The next entry's time must differ, or this size must have its root.
    root_due: Option<u64>,
    signed: Option<(u64, Hash)>,
    defects: Vec<LogDefect>,
    unmade: u64,
    last_tile: BTreeMap<u8, u64>,
    done: bool,
}

/// An entry and what is said about it.
struct Row {
    index: u64,
    leaf: Vec<u8>,
    hash: Option<Hash>,
}

impl Scan {
    /// Begins; the head is read now.
    pub async fn begin(reader: Reader) -> Result<Self, Fault> {
        let (size, _) = reader.head().await?;
        Ok(Self {
            reader,
            size,
            tree: Frontier::default(),
            tiles: TileBuilder::default(),
            time_us: 0,
            is_timed: true,
            root_due: None,
            signed: None,
            defects: Vec::new(),
            unmade: 0,
            last_tile: BTreeMap::new(),
            done: false,
        })
    }

    /// Holds the entries to a checkpoint, too, that somebody knows to have been signed.
    #[must_use]
    pub fn against(mut self, signed: Option<(u64, Hash)>) -> Self {
        self.signed = signed;
        self
    }

    /// Reads so many entries on. Gives false when there is nothing left to read.
    pub async fn step(&mut self, entries: u64) -> Result<bool, Fault> {
        if self.done {
            return Ok(false);
        }
        let from = self.tree.size();
        let until = self.size.min(from.saturating_add(entries.max(1)));
        self.read(from..until).await?;
        if self.tree.size() < until {
            // Without an entry nothing after it can be placed in the tree.
            self.short().await?;
            self.done = true;
        } else if until == self.size {
            self.finish().await?;
            self.done = true;
        }
        Ok(!self.done)
    }

    /// Reads to the end.
    pub async fn run(&mut self) -> Result<(), Fault> {
        while self.step(AT_ONCE).await? {}
        Ok(())
    }

    /// Entries read so far.
    pub fn position(&self) -> u64 {
        self.tree.size()
    }

    /// Entries when the reading began.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first defect of each table, in the order found.
    pub fn defects(&self) -> &[LogDefect] {
        &self.defects
    }

    /// Full tiles at the right edge that are not made yet. The gateway makes them while it runs.
    pub fn tiles_not_made(&self) -> u64 {
        self.unmade
    }

    async fn read(&mut self, range: Range<u64>) -> Result<(), Fault> {
        let roots = self.reader.stored_roots(range.clone()).await?;
        let mut rows = self.reader.entry_rows(range.clone()).await?.into_iter();
        let mut full = Vec::new();
        for index in range {
            let Some(row) = rows.next().filter(|row| row.index == index) else {
                break;
            };
            let hash = self.entry(&row);
            self.tree.push(hash);
            self.tiles.push(hash, |tile, hashes| full.push((tile, hashes.to_vec())));
            self.root(roots.get(&self.tree.size()));
            self.compare_signed();
        }
        for (tile, hashes) in full {
            self.tile(tile, &hashes).await?;
        }
        Ok(())
    }

    /// One entry by itself; gives the hash that the tree was built with.
    fn entry(&mut self, row: &Row) -> Hash {
        let computed = leaf_hash(&row.leaf);
        let time_us = Leaf::decode(&row.leaf).ok().map(|leaf| leaf.time_us);
        let is_right = |time_us: &u64| row.hash == Some(computed) && *time_us >= self.time_us;
        if let Some(time_us) = time_us.filter(is_right) {
            self.time(time_us);
        } else {
            self.found(LogDefect::Entry(row.index));
            self.root_due = None;
            self.is_timed = false;
        }
        row.hash.unwrap_or(computed)
    }

    /// A batch has one time; where the time moves, one batch ended and left its root.
    fn time(&mut self, time_us: u64) {
        if let Some(size) = self.root_due.take()
            && time_us > self.time_us
        {
            self.found(LogDefect::Root(size));
        }
        self.time_us = time_us;
        self.is_timed = true;
    }

    /// The root stored at the size that the tree has now, if a batch ended here.
    fn root(&mut self, stored: Option<&(Hash, u64)>) {
        match stored {
            Some((root, time_us)) => {
                self.root_due = None;
                if *root != self.tree.root() || (self.is_timed && *time_us != self.time_us) {
                    self.found(LogDefect::Root(self.tree.size()));
                }
            }
            None if self.is_timed => self.root_due = Some(self.tree.size()),
            None => {}
        }
    }

    fn compare_signed(&mut self) {
        if let Some((size, root)) = self.signed.filter(|(size, _)| *size == self.tree.size())
            && root != self.tree.root()
        {
            self.found(LogDefect::Signed(size));
        }
    }

    async fn tile(&mut self, tile: Tile, hashes: &[Hash]) -> Result<(), Fault> {
        let defect = LogDefect::Tile { level: tile.level(), n: tile.n() };
        match self.reader.stored_tile(tile.level(), tile.n()).await {
            Ok(None) => self.unmade += 1,
            Ok(Some(stored)) => {
                // Tiles are made from left to right: what is missing before one that is there was removed.
                let expected = self.last_tile.insert(tile.level(), tile.n()).map_or(0, |last| last + 1);
                if expected != tile.n() {
                    self.found(LogDefect::Tile { level: tile.level(), n: expected });
                }
                if stored.hashes != hashes || stored.root != pmh_audit::tree::root_of(hashes) {
                    self.found(defect);
                }
            }
            Err(Fault::Inconsistent { .. }) => self.found(defect),
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn found(&mut self, defect: LogDefect) {
        if self.defects.iter().all(|known| known.table() != defect.table()) {
            self.defects.push(defect);
        }
    }
}

impl Reader {
    /// Reads the whole log as of now, up to the first defect.
    pub async fn check(&self) -> Result<LogCheck, Fault> {
        let mut scan = Scan::begin(self.clone()).await?;
        while scan.defects().is_empty() && scan.step(AT_ONCE).await? {}
        let defect = scan.defects().first().copied();
        let intact = match defect {
            Some(LogDefect::Entry(index)) => index,
            Some(LogDefect::Root(size)) => size,
            _ => scan.position(),
        };
        Ok(LogCheck { intact, defect })
    }

    /// Roots and times stored for sizes after `range.start`, up to `range.end`.
    async fn stored_roots(&self, range: Range<u64>) -> Result<BTreeMap<u64, (Hash, u64)>, Fault> {
        let rows = self
            .fetch(
                "SELECT size, root, time_us FROM log_root WHERE size > $1 AND size <= $2",
                vec![signed(range.start)?.into(), signed(range.end)?.into()],
            )
            .await?;
        // A root of another length or a time before 1970 is what no entry can agree with.
        let read = |row: &crate::db::Row| -> Result<_, Fault> {
            let root = row.bytes(1)?.try_into().unwrap_or([0; 32]);
            Ok((unsigned(row.int(0)?)?, (root, u64::try_from(row.int(2)?).unwrap_or(u64::MAX))))
        };
        rows.iter().map(read).collect()
    }

    async fn entry_rows(&self, range: Range<u64>) -> Result<Vec<Row>, Fault> {
        let rows = self
            .fetch(
                "SELECT idx, leaf, leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx",
                vec![signed(range.start)?.into(), signed(range.end)?.into()],
            )
            .await?;
        let read = |row: &crate::db::Row| -> Result<_, Fault> {
            Ok(Row {
                index: unsigned(row.int(0)?)?,
                leaf: row.bytes(1)?,
                hash: row.bytes(2)?.try_into().ok(),
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Entries read at once.
const AT_ONCE: u64 = 1024;
