//! A whole log as files: any change of any file is found and named, and what was not changed is not blamed.

use std::collections::BTreeMap;
use std::convert::Infallible;

use pmh_audit::directory::{Finding, Report, verify_directory};
use pmh_audit::tile::{Bundle, Tile, TileBuilder, TilePath, encode_bundle};
use pmh_audit::tree::leaf_hash;
use pmh_audit::{Checkpoint, Frontier, Leaf};
use proptest::prelude::*;

use crate::fixture::{self, ORIGIN};
use crate::support::full_scale;

/// An exported log in memory.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) files: BTreeMap<TilePath, Vec<u8>>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) earlier: Vec<Checkpoint>,
}

impl Log {
    /// `size` invented entries, with a checkpoint before each `step`th.
    pub(crate) fn new(size: u64, step: usize) -> Self {
        Self::of(&(0..size).map(|i| entry(i, 1_000 + i / 3)).collect::<Vec<_>>(), step)
    }

    fn of(entries: &[Vec<u8>], step: usize) -> Self {
        let (mut tree, mut tiles) = (Frontier::default(), TileBuilder::default());
        let (mut files, mut earlier) = (BTreeMap::new(), Vec::new());
        let bytes = |hashes: &[[u8; 32]]| hashes.as_flattened().to_vec();
        for (i, entry) in entries.iter().enumerate() {
            if i % step == 0 {
                earlier.push(Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap());
            }
            tree.push(leaf_hash(entry));
            tiles.push(leaf_hash(entry), |tile, hashes| drop(files.insert(tile.into(), bytes(hashes))));
        }
        files.extend(tiles.partial().map(|(tile, hashes)| (tile.into(), bytes(hashes))));
        for bundle in Bundle::of_tree(tree.size()) {
            let range = usize::try_from(bundle.entries().start).unwrap()
                ..usize::try_from(bundle.entries().end).unwrap();
            let entries = entries[range].iter().map(Vec::as_slice);
            files.insert(bundle.into(), encode_bundle(entries).unwrap());
        }
        Self { files, checkpoint: Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap(), earlier }
    }

    /// As the tiles of level 0 have it.
    #[cfg(feature = "cli")]
    pub(crate) fn leaf_hash(&self, index: u64) -> [u8; 32] {
        let tile = Tile::in_tree(0, index / 256, self.checkpoint.size()).unwrap();
        tile.decode(&self.files[&tile.into()]).unwrap()[usize::try_from(index % 256).unwrap()]
    }

    fn verify(&self) -> Report {
        let read = |path: &TilePath| Ok::<_, Infallible>(self.files.get(path).cloned());
        verify_directory(&self.checkpoint, &self.earlier, read).unwrap()
    }

    fn changed(&self, path: TilePath, change: impl FnOnce(&mut Vec<u8>)) -> Report {
        let mut log = self.clone();
        change(log.files.get_mut(&path).unwrap());
        log.verify()
    }
}

/// Another history of the same length.
fn foreign() -> Vec<Vec<u8>> {
    (0..700).map(|i| entry(i + 1, 5_000)).collect()
}

fn entry(i: u64, time_us: u64) -> Vec<u8> {
    let mut event_id = [0; 16];
    event_id[..8].copy_from_slice(&i.to_be_bytes());
    Leaf { event_id, time_us, ..fixture::leaf() }.encode()
}

fn tile(level: u8, n: u64, width: u16) -> Tile {
    Tile::new(level, n, width).unwrap()
}

/// Which entry of a bundle holds a byte: all entries here have one length.
fn entry_of(bundle: Bundle, at: usize) -> u64 {
    bundle.entries().start + (at / (2 + entry(0, 0).len())) as u64
}

#[test]
fn a_whole_log_is_clean_at_every_interesting_size() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 700] {
        let report = Log::new(size, 50).verify();
        assert!(report.is_clean(), "{size}: {:?}", report.findings);
        assert_eq!((report.entries, report.consistent), (size, size.div_ceil(50)));
        assert_eq!(report.tiles, Tile::of_tree(size).count() as u64);
    }
    assert_eq!(Log::new(7, 1).verify().times, Some((1_000, 1_002)));
}

#[test]
fn i11_each_flipped_byte_is_found_in_its_file_and_at_its_place() {
    let log = Log::new(700, 100);
    let step = if full_scale() { 1 } else { 977 };
    let places = log.files.iter().flat_map(|(path, bytes)| (0..bytes.len()).map(move |at| (*path, at)));
    for (path, at) in places.step_by(step) {
        let report = log.changed(path, |bytes| bytes[at] ^= 1 << (at % 8));
        assert!(!report.is_clean(), "{path} byte {at}");
        for finding in &report.findings {
            assert_eq!(finding.file(), Some(path), "{path} byte {at}: {finding}");
            match path {
                TilePath::Hashes(tile) => {
                    let hash = Some(u16::try_from(at / 32).unwrap());
                    assert_eq!(*finding, Finding::Tile { tile, hash });
                }
                TilePath::Entries(bundle) => {
                    assert_eq!(finding.entry(), Some(entry_of(bundle, at)), "byte {at}");
                }
            }
        }
        assert_eq!(report.findings.len(), 1, "{path} byte {at}: {:?}", report.findings);
    }
}

#[test]
fn i11_each_missing_cut_or_lengthened_file_is_named_and_no_other() {
    let log = Log::new(700, 100);
    for path in log.files.keys() {
        let mut without = log.clone();
        without.files.remove(path);
        assert_eq!(without.verify().findings, [Finding::Missing(*path)]);
        for change in [
            |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1),
            |bytes: &mut Vec<u8>| bytes.push(0),
            Vec::clear,
        ] {
            let report = log.changed(*path, change);
            assert_eq!(report.findings.iter().map(Finding::file).collect::<Vec<_>>(), [Some(*path)]);
        }
    }
}

#[test]
fn a_changed_entry_is_blamed_on_the_bundle_even_with_its_tile_adapted() {
    // Whoever changes an entry and its leaf hash has still not changed the hash above.
    let log = Log::new(700, 100);
    let forged = entry(300, 7);
    let mut other = log.clone();
    let bundle = Bundle::new(1, 256).unwrap();
    let length = 2 + forged.len();
    other.files.get_mut(&bundle.into()).unwrap()[44 * length + 2..45 * length].copy_from_slice(&forged);
    other.files.get_mut(&tile(0, 1, 256).into()).unwrap()[44 * 32..45 * 32]
        .copy_from_slice(&leaf_hash(&forged));
    let report = other.verify();
    assert!(
        report.findings.contains(&Finding::Tile { tile: tile(0, 1, 256), hash: None }),
        "{:?}",
        report.findings
    );
}

#[test]
fn a_log_rewritten_throughout_is_not_what_the_checkpoint_signs() {
    let log = Log::new(700, 100);
    let mut rewritten = Log::of(&foreign(), 100);
    rewritten.checkpoint = log.checkpoint.clone();
    assert_eq!(rewritten.verify().findings, [Finding::Root]);
}

#[test]
fn a_log_rewritten_and_signed_again_contradicts_each_earlier_checkpoint() {
    let mut rewritten = Log::of(&foreign(), 100);
    rewritten.earlier = Log::new(700, 100).earlier;
    let expected: Vec<Finding> = (1..7).map(|i| Finding::Inconsistent(i * 100)).collect();
    assert_eq!(rewritten.verify().findings, expected);
}

#[test]
fn a_log_cut_short_contradicts_a_larger_earlier_checkpoint() {
    let mut short = Log::new(600, 100);
    short.earlier.push(Log::new(700, 100).checkpoint);
    assert_eq!(short.verify().findings, [Finding::NotEarlier(700)]);
}

#[test]
fn what_the_log_holds_must_be_leaves_in_the_order_of_time() {
    let mut entries: Vec<Vec<u8>> = (0..300).map(|i| entry(i, 1_000 + i)).collect();
    entries[270] = entry(270, 999);
    entries[280] = b"no leaf".to_vec();
    let bundle = Bundle::new(1, 44).unwrap();
    assert_eq!(
        Log::of(&entries, 100).verify().findings,
        [Finding::Time { bundle, index: 270 }, Finding::Leaf { bundle, index: 280 }]
    );
}

#[test]
fn a_foreign_log_gives_a_hundred_findings_and_a_count() {
    let mut mixed = Log::new(700, 100);
    let foreign = Log::of(&foreign(), 100);
    mixed.files.extend(foreign.files.into_iter().filter(|(path, _)| matches!(path, TilePath::Entries(_))));
    let report = mixed.verify();
    assert_eq!(report.findings.len(), 100);
    assert!(report.more_findings >= 600, "{}", report.more_findings);
}

#[test]
fn findings_read_as_sentences() {
    let bundle = Bundle::new(1, 44).unwrap();
    for (finding, text) in [
        (
            Finding::Entry { bundle, index: 300 },
            "tile/entries/001.p/44: entry 300: it is not the entry that the tree holds",
        ),
        (
            Finding::Tile { tile: tile(1, 0, 2), hash: Some(1) },
            "tile/1/000.p/2: hash 1 is not that of the tree",
        ),
        (Finding::Missing(tile(0, 0, 256).into()), "tile/0/000: the file is missing"),
        (Finding::Root, "checkpoint: it signs another tree than the files hold"),
    ] {
        assert_eq!(finding.to_string(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn i11_any_change_of_any_files_is_found(
        size in 1_u64..600,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_u8..), 1..4),
    ) {
        let log = Log::new(size, 64);
        let mut other = log.clone();
        let paths: Vec<TilePath> = log.files.keys().copied().collect();
        for (path, at, mask) in changes {
            let bytes = other.files.get_mut(path.get(&paths)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        prop_assert_eq!(other.verify().is_clean(), other.files == log.files);
    }
}
