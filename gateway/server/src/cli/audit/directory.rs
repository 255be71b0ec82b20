//! A plain tlog-tiles directory, written only once everything in it leads to the signed root.
//!
//! `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]` as in C2SP tlog-tiles, and beside them the earlier
//! checkpoints as `checkpoints/<size>`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use pmh_audit::{
    Checkpoint, Frontier, Hash, VerifierKey,
    tile::{Bundle, TILE_WIDTH, Tile, TileBuilder, TilePath, encode_bundle},
    tree::leaf_hash,
};
use tempfile::TempDir;

/// A directory in the making. Nothing stands at its place before [`LogDirectory::finish`].
pub(super) struct LogDirectory {
    out: PathBuf,
    staging: TempDir,
    /// The export that stands there now, to be replaced by a longer one of the same log.
    earlier: Option<Checkpoint>,
    tree: Frontier,
    tiles: TileBuilder,
    bundle: Vec<Vec<u8>>,
}

impl LogDirectory {
    /// Begins. Refuses a place that holds anything but an earlier export of the log of this key.
    pub(super) fn begin(out: &Path, key: &VerifierKey) -> Result<Self> {
        let earlier = earlier_export(out, key)?;
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        // On the same file system, so that the directory appears whole or not at all.
        let staging = tempfile::Builder::new()
            .prefix(".pmh-export-")
            .tempdir_in(parent)
            .with_context(|| format!("cannot write in {}", parent.display()))?;
        Ok(Self {
            out: out.to_owned(),
            staging,
            earlier,
            tree: Frontier::default(),
            tiles: TileBuilder::default(),
            bundle: Vec::with_capacity(TILE_WIDTH.into()),
        })
    }

    /// Entries so far.
    pub(super) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Root of the entries so far.
    pub(super) fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Takes the next leaf.
    pub(super) fn push(&mut self, leaf: Vec<u8>) -> Result<()> {
        let hash = leaf_hash(&leaf);
        self.tree.push(hash);
        let mut full = Vec::new();
        self.tiles.push(hash, |tile, hashes| full.push((tile, hashes.to_vec())));
        for (tile, hashes) in full {
            self.write_tile(tile, &hashes)?;
        }
        self.bundle.push(leaf);
        if self.bundle.len() == usize::from(TILE_WIDTH) {
            self.write_bundle()?;
        }
        if let Some(earlier) = self.earlier.as_ref().filter(|earlier| earlier.size() == self.tree.size()) {
            ensure!(
                *earlier.root() == self.tree.root(),
                "the log is not the one exported to {} before: its first {} entries are others",
                self.out.display(),
                earlier.size()
            );
        }
        Ok(())
    }

    /// Keeps an earlier checkpoint, whose tree is the entries so far.
    pub(super) fn keep(&self, checkpoint: &Checkpoint, note: &str) -> Result<()> {
        ensure!(
            checkpoint.size() == self.tree.size() && *checkpoint.root() == self.tree.root(),
            "the entries do not lead to the checkpoint of size {}",
            checkpoint.size()
        );
        self.write(&format!("checkpoints/{}", checkpoint.size()), note.as_bytes())
    }

    /// Puts the directory in its place, if all entries lead to the root that the checkpoint signs.
    pub(super) fn finish(mut self, checkpoint: &Checkpoint, note: &str) -> Result<()> {
        self.keep(checkpoint, note)?;
        if let Some(earlier) = &self.earlier {
            ensure!(
                earlier.size() <= checkpoint.size(),
                "the log has {} entries now and had {} when it was exported to {}",
                checkpoint.size(),
                earlier.size(),
                self.out.display()
            );
        }
        if !self.bundle.is_empty() {
            self.write_bundle()?;
        }
        let partial: Vec<(Tile, Vec<Hash>)> =
            self.tiles.partial().map(|(tile, hashes)| (tile, hashes.to_vec())).collect();
        for (tile, hashes) in partial {
            self.write_tile(tile, &hashes)?;
        }
        self.write("checkpoint", note.as_bytes())?;
        self.place()
    }

    fn write_tile(&self, tile: Tile, hashes: &[Hash]) -> Result<()> {
        self.write(&TilePath::Hashes(tile).to_string(), hashes.as_flattened())
    }

    /// The bundle that ends with the newest entry.
    fn write_bundle(&mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.bundle);
        let width = u16::try_from(entries.len()).unwrap_or(TILE_WIDTH);
        let n = (self.tree.size() - u64::from(width)) / u64::from(TILE_WIDTH);
        let bundle = Bundle::new(n, width).context("a log too long for tiles")?;
        let bytes = encode_bundle(entries.iter().map(Vec::as_slice))?;
        self.write(&TilePath::Entries(bundle).to_string(), &bytes)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.new_place().join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
    }

    fn new_place(&self) -> PathBuf {
        self.staging.path().join("new")
    }

    fn place(self) -> Result<()> {
        if self.out.exists() {
            // What stood there goes with the rest of the staging directory.
            fs::rename(&self.out, self.staging.path().join("old"))?;
        }
        fs::rename(self.new_place(), &self.out)
            .with_context(|| format!("cannot put the export at {}", self.out.display()))
    }
}

/// The checkpoint of what stands at `out`; `None` if nothing does.
fn earlier_export(out: &Path, key: &VerifierKey) -> Result<Option<Checkpoint>> {
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", out.display())),
    };
    let mut is_empty = true;
    for entry in entries {
        let name = entry?.file_name();
        if !["checkpoint", "checkpoints", "tile"].iter().any(|part| name == *part) {
            bail!("{} holds {} and is no export; name another directory", out.display(), name.display());
        }
        is_empty = false;
    }
    if is_empty {
        return Ok(None);
    }
    let note = fs::read(out.join("checkpoint"))
        .with_context(|| format!("{} is no whole export; name another directory", out.display()))?;
    Checkpoint::open(&note, key)
        .map(Some)
        .with_context(|| format!("{} holds an export of another log; name another directory", out.display()))
}
