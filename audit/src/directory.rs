//! A whole log as files: every entry, every tile, one checkpoint, and all checkpoints before it.
//!
//! A tree stands in such files twice: in its entries, from which all else can be computed, and in its tiles. One of the
//! two leads to the signed root even if a file of the other was changed, so a change is not only noticed but found:
//! if the entries lead to the root, a differing tile is wrong; if only the tiles do, a differing entry is. If neither
//! does, what disagrees is named without saying which is right.
//!
//! Files are read through a function of the caller, one at a time and in order, so that a log of any size is checked in
//! the memory of a few tiles. Which other files lie about is for the caller to see.

mod climb;
mod settle;

use std::collections::BTreeMap;
use std::fmt;

use crate::note::Checkpoint;
use crate::tile::{Bundle, Tile, TilePath};

/// What the files of a log show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// Entries that were read.
    pub entries: u64,
    /// Hash tiles that were read.
    pub tiles: u64,
    /// Earlier checkpoints whose tree is the beginning of this one.
    pub consistent: u64,
    /// Times of the first and the last entry, in microseconds since 1970.
    pub times: Option<(u64, u64)>,
    /// What is wrong, at most [`MAX_FINDINGS`]; empty if the files are the log.
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub more_findings: u64,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The file is not there.
    Missing(TilePath),
    /// The tile has not the length of its width.
    TileLength(Tile),
    /// The bundle is not entries behind their lengths; `entry` is the first that is not as the tile says, if known.
    BundleForm {
        /// Which bundle.
        bundle: Bundle,
        /// Index in the log.
        entry: Option<u64>,
    },
    /// The entry is not the one that the tree holds.
    Entry {
        /// Its bundle.
        bundle: Bundle,
        /// Index in the log.
        index: u64,
    },
    /// The tree holds the entry, but it is no leaf of format 1.
    Leaf {
        /// Its bundle.
        bundle: Bundle,
        /// Index in the log.
        index: u64,
    },
    /// The entry is earlier than the one before it.
    Time {
        /// Its bundle.
        bundle: Bundle,
        /// Index in the log.
        index: u64,
    },
    /// A hash of the tile is not that of the tree; `hash` counts from 0 within the tile, if known.
    Tile {
        /// Which tile.
        tile: Tile,
        /// Which hash.
        hash: Option<u16>,
    },
    /// Entry and tile differ, and neither leads to the signed root.
    EntryOrTile {
        /// The bundle.
        bundle: Bundle,
        /// Index in the log.
        index: u64,
    },
    /// A hash of the tile is not that of what is below it, and neither leads to the signed root.
    TileOrBelow {
        /// Which tile.
        tile: Tile,
        /// Which hash.
        hash: u16,
    },
    /// The files agree with each other, but the checkpoint signs another tree.
    Root,
    /// The checkpoint of this size signs a tree that is not the beginning of this one.
    Inconsistent(u64),
    /// The checkpoint of this size is said to be earlier, but is of a larger tree.
    NotEarlier(u64),
}

/// More findings than these are only counted.
pub const MAX_FINDINGS: usize = 100;

/// Checks the files of the log that `checkpoint` signs, and that the trees of the `earlier` checkpoints are its
/// beginnings. Both are verified already. `read` gives a file, or `None` if it is not there.
pub fn verify_directory<E>(
    checkpoint: &Checkpoint,
    earlier: &[Checkpoint],
    read: impl FnMut(&TilePath) -> Result<Option<Vec<u8>>, E>,
) -> Result<Report, E> {
    let mut by_size: BTreeMap<u64, Vec<&Checkpoint>> = BTreeMap::new();
    for old in earlier {
        by_size.entry(old.size()).or_default().push(old);
    }
    let mut files = Files { size: checkpoint.size(), read, report: Report::default() };
    let climbed = climb::climb(&mut files, &by_size)?;
    settle::settle(&mut files, checkpoint, climbed)?;
    for (size, checkpoints) in by_size.range(checkpoint.size().saturating_add(1)..) {
        for _ in checkpoints {
            files.report.add(Finding::NotEarlier(*size));
        }
    }
    Ok(files.report)
}

/// The files of a log of one size, and what was found in them.
struct Files<R> {
    size: u64,
    read: R,
    report: Report,
}

impl Report {
    /// Whether the files are the log that the checkpoint signs.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more_findings += 1;
        }
    }
}

impl Finding {
    /// The file that is wrong; `None` if it is a checkpoint.
    pub fn file(&self) -> Option<TilePath> {
        match self {
            Self::Missing(path) => Some(*path),
            Self::TileLength(tile) | Self::Tile { tile, .. } | Self::TileOrBelow { tile, .. } => {
                Some((*tile).into())
            }
            Self::BundleForm { bundle, .. }
            | Self::Entry { bundle, .. }
            | Self::Leaf { bundle, .. }
            | Self::Time { bundle, .. }
            | Self::EntryOrTile { bundle, .. } => Some((*bundle).into()),
            Self::Root | Self::Inconsistent(_) | Self::NotEarlier(_) => None,
        }
    }

    /// Index of the entry that is wrong, if it is one.
    pub fn entry(&self) -> Option<u64> {
        match self {
            Self::BundleForm { entry, .. } => *entry,
            Self::Entry { index, .. }
            | Self::Leaf { index, .. }
            | Self::Time { index, .. }
            | Self::EntryOrTile { index, .. } => Some(*index),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = self.file() {
            write!(f, "{file}: ")?;
        }
        if let Some(index) = self.entry() {
            write!(f, "entry {index}: ")?;
        }
        match self {
            Self::Missing(_) => f.write_str("the file is missing"),
            Self::TileLength(tile) => write!(f, "it has not the length of {} hashes", tile.width()),
            Self::BundleForm { .. } => {
                f.write_str("from here on it is not a list of entries behind their lengths")
            }
            Self::Entry { .. } => f.write_str("it is not the entry that the tree holds"),
            Self::Leaf { .. } => f.write_str("it is not a leaf of format 1"),
            Self::Time { .. } => f.write_str("it is earlier than the entry before it"),
            Self::Tile { hash: Some(hash), .. } => write!(f, "hash {hash} is not that of the tree"),
            Self::Tile { hash: None, .. } => f.write_str("its hashes are not those of the tree"),
            Self::EntryOrTile { .. } => {
                f.write_str("it is not as its tile says, and neither leads to the signed root")
            }
            Self::TileOrBelow { hash, .. } => {
                write!(f, "hash {hash} is not that of what is below it, and neither leads to the signed root")
            }
            Self::Root => f.write_str("checkpoint: it signs another tree than the files hold"),
            Self::Inconsistent(size) => {
                write!(
                    f,
                    "the earlier checkpoint of size {size} signs a tree that is not the beginning of this one"
                )
            }
            Self::NotEarlier(size) => {
                write!(f, "the checkpoint of size {size} is not earlier: entries were taken away since")
            }
        }
    }
}
