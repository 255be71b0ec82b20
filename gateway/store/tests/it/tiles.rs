//! Tiles, and the proofs that come from them.

use std::ops::Range;

use pmh_audit::{
    Checkpoint, Hash,
    tile::Tile,
    tree::{consistency_path, inclusion_path, leaf_hash, root_of, verify_consistency, verify_inclusion},
};
use pmh_store::{Fault, Reader, TilesMade};

use crate::{log::flood, support::*};

/// A log of so many entries whose leaf hashes are their numbers in 32 digits: the proofs ask for no more.
async fn numbered(place: &Place, open: &Open, size: u64) -> Vec<Hash> {
    let mut raw = place.raw().await;
    let (series, digits) = if place.is_sqlite() {
        (
            "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < {size})",
            "CAST(printf('%032d', i) AS BLOB)",
        )
    } else {
        (
            "WITH s AS (SELECT generate_series(0, {size} - 1) AS i)",
            "CAST(lpad(CAST(i AS TEXT), 32, '0') AS BYTEA)",
        )
    };
    let series = series.replace("{size}", &size.to_string());
    let insert = if place.is_sqlite() {
        format!("INSERT INTO log_entry {series} SELECT i, {digits}, {digits} FROM s")
    } else {
        format!("{series} INSERT INTO log_entry SELECT i, {digits}, {digits} FROM s")
    };
    raw.run(&insert).await.unwrap();
    raw.run(&format!("UPDATE log_head SET size = {size}")).await.unwrap();
    assert_eq!(open.reader().head().await.unwrap().0, size);
    (0..size).map(|i| format!("{i:032}").into_bytes().try_into().unwrap()).collect()
}

fn source(leaves: &[Hash]) -> impl FnMut(Range<u64>) -> Result<Vec<Hash>, ()> {
    |range| Ok(leaves[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec())
}

/// Some proofs of a large tree, each compared with the one from the leaves.
async fn compare(reader: &Reader, leaves: &[Hash], pairs: usize) {
    let size = leaves.len() as u64;
    for _ in 0..pairs {
        let mut bytes = [0; 16];
        random(&mut bytes);
        let [a, b] = [0, 8].map(|at| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap()) % size + 1);
        let (old, new) = (a.min(b), a.max(b));
        let path = reader.inclusion_path(old - 1, new).await.unwrap();
        assert_eq!(path, inclusion_path(old - 1, new, source(leaves)).ok());
        let path = reader.consistency_path(old, new).await.unwrap();
        assert_eq!(path, consistency_path(old, new, source(leaves)).ok());
    }
}

pub(crate) async fn every_proof_of_a_small_tree_is_that_of_its_leaves(place: Place) {
    let open = place.open().await;
    let leaves = numbered(&place, &open, 19).await;
    let reader = open.reader();
    for size in 1..=19 {
        for index in 0..size {
            let path = reader.inclusion_path(index, size).await.unwrap();
            assert_eq!(path, inclusion_path(index, size, source(&leaves)).ok());
            let path = reader.consistency_path(index + 1, size).await.unwrap();
            assert_eq!(path, consistency_path(index + 1, size, source(&leaves)).ok());
        }
        assert_eq!(reader.root_at(size).await.unwrap(), root_of(&leaves[..usize::try_from(size).unwrap()]));
    }
    assert_eq!(reader.inclusion_path(19, 19).await.unwrap(), None);
    assert_eq!(reader.consistency_path(0, 19).await.unwrap(), None);
    open.close().await;
}

pub(crate) async fn proofs_are_the_same_with_no_some_and_all_tiles(place: Place) {
    let open = place.open().await;
    let leaves = numbered(&place, &open, 66_000).await;
    let pairs = scaled(12, 500);
    compare(open.reader(), &leaves, 4).await;
    let made = open.tile_keeper().catch_up(attempt).await.unwrap();
    assert_eq!(made, TilesMade { stored: 257 + 1, different: 0 });
    assert_eq!(open.tile_keeper().catch_up(attempt).await.unwrap(), TilesMade::default());
    compare(open.reader(), &leaves, pairs).await;
    let mut raw = place.raw().await;
    allow_changes(&place, &mut raw).await;
    raw.run("DELETE FROM log_tile WHERE n % 3 = 1 OR level = 1").await.unwrap();
    compare(open.reader(), &leaves, pairs).await;
    open.close().await;
}

async fn allow_changes(place: &Place, raw: &mut Raw) {
    if place.is_sqlite() {
        raw.run("DROP TRIGGER log_tile_no_delete").await.unwrap();
        raw.run("DROP TRIGGER log_tile_no_update").await.unwrap();
    }
}

pub(crate) async fn i13_tiles_that_were_lost_are_made_again_byte_for_byte(place: Place) {
    let open = place.open().await;
    let leaves = numbered(&place, &open, 66_000).await;
    open.tile_keeper().catch_up(attempt).await.unwrap();
    let mut raw = place.raw().await;
    raw.run("CREATE TABLE first AS SELECT * FROM log_tile").await.unwrap();
    allow_changes(&place, &mut raw).await;
    for lost in ["1 = 1", "level = 0", "level = 1", "n % 2 = 0", "n > 200"] {
        raw.run(&format!("DELETE FROM log_tile WHERE {lost}")).await.unwrap();
        open.tile_keeper().catch_up(attempt).await.unwrap();
        let same = "SELECT COUNT(*) FROM log_tile t JOIN first f ON t.level = f.level AND t.n = f.n
            AND t.tile_root = f.tile_root AND t.hashes = f.hashes";
        assert_eq!(raw.count(same).await, 258, "after {lost}");
        assert_eq!(raw.count("SELECT COUNT(*) FROM log_tile").await, 258);
    }
    // And they are the tree's.
    for tile in [Tile::full(0, 3).unwrap(), Tile::full(1, 0).unwrap(), Tile::new(1, 1, 1).unwrap()] {
        let covered = tile.leaves();
        let below = &leaves[usize::try_from(covered.start).unwrap()..usize::try_from(covered.end).unwrap()];
        let each = below.len() / usize::from(tile.width());
        let expected: Vec<Hash> = below.chunks(each).map(root_of).collect();
        assert_eq!(open.reader().tile(tile).await.unwrap(), expected);
    }
    open.close().await;
}

pub(crate) async fn a_tile_that_another_wrote_differently_is_told(place: Place) {
    let open = place.open().await;
    numbered(&place, &open, 600).await;
    let mut raw = place.raw().await;
    raw.hold().await;
    raw.run("INSERT INTO log_tile SELECT 0, 1, leaf_hash, leaf FROM log_entry WHERE idx = 1").await.unwrap();
    let (missing, seen) = tokio::sync::oneshot::channel();
    let mut missing = Some(missing);
    let mut keeper = open.tile_keeper();
    let catching = tokio::spawn(async move {
        // Asked for once it is known which tiles are not there.
        let told = || {
            if let Some(missing) = missing.take() {
                missing.send(()).unwrap();
            }
            attempt()
        };
        keeper.catch_up(told).await
    });
    seen.await.unwrap();
    raw.run("COMMIT").await.unwrap();
    assert_eq!(catching.await.unwrap().unwrap(), TilesMade { stored: 1, different: 1 });
    open.close().await;
}

pub(crate) async fn i07_every_stored_root_is_that_of_the_stored_leaves(place: Place) {
    let open = place.open().await;
    for callers in [1, 2, 40, 113, 5, 200] {
        flood(&open, callers, 7).await;
    }
    open.tile_keeper().catch_up(attempt).await.unwrap();
    let reader = open.reader();
    let (size, root) = reader.head().await.unwrap();
    let leaves = reader.leaf_hashes(0..size).await.unwrap();
    let mut committed = 0;
    for size in 1..=size {
        let expected = root_of(&leaves[..usize::try_from(size).unwrap()]);
        if let Some(stored) = reader.root(size).await.unwrap() {
            assert_eq!(stored, expected);
            committed += 1;
        }
        assert_eq!(reader.root_at(size).await.unwrap(), expected);
    }
    assert!(committed >= 6);
    assert_eq!(root, root_of(&leaves));
    open.close().await;
}

pub(crate) async fn i08_every_receipt_verifies_after_any_growth(place: Place) {
    let mut receipts = Vec::new();
    for _ in 0..3 {
        let open = place.open().await;
        receipts.extend(flood(&open, 120, 7).await);
        open.tile_keeper().catch_up(attempt).await.unwrap();
        let (size, root) = open.reader().head().await.unwrap();
        for receipt in &receipts {
            verify(receipt);
            // The same entry under the newest checkpoint.
            let path = open.reader().inclusion_path(receipt.index, size).await.unwrap().unwrap();
            let leaf = leaf_hash(&receipt.leaf);
            assert_eq!(verify_inclusion(receipt.index, size, &leaf, &path, &root), Ok(()));
        }
        open.close().await;
    }
}

pub(crate) async fn i09_any_two_signed_checkpoints_are_consistent(place: Place) {
    let mut signed = std::collections::BTreeMap::new();
    for _ in 0..2 {
        let open = place.open().await;
        for callers in [1, 3, 150, 9, 60] {
            for receipt in flood(&open, callers, 5).await {
                let checkpoint = Checkpoint::open(receipt.checkpoint.as_bytes(), key().verifier()).unwrap();
                signed.insert(checkpoint.size(), *checkpoint.root());
            }
        }
        open.tile_keeper().catch_up(attempt).await.unwrap();
        for (new, new_root) in &signed {
            assert_eq!(open.reader().root(*new).await.unwrap(), Some(*new_root), "signed and not committed");
            for (old, old_root) in signed.range(..=new) {
                let path = open.reader().consistency_path(*old, *new).await.unwrap().unwrap();
                assert_eq!(verify_consistency(*old, *new, &path, old_root, new_root), Ok(()));
            }
        }
        open.close().await;
    }
    assert!(signed.len() >= 10);
}

pub(crate) async fn a_wrong_tile_is_refused_at_start(place: Place) {
    let open = place.open().await;
    for _ in 0..3 {
        flood(&open, 200, 5).await;
    }
    open.tile_keeper().catch_up(attempt).await.unwrap();
    open.close().await;
    let mut raw = place.raw().await;
    allow_changes(&place, &mut raw).await;
    raw.run("CREATE TABLE kept AS SELECT * FROM log_tile").await.unwrap();
    for change in [
        "UPDATE log_tile SET tile_root = (SELECT leaf_hash FROM log_entry WHERE idx = 0) WHERE n = 1",
        "UPDATE log_tile SET hashes = (SELECT o.hashes FROM log_tile o WHERE o.n = 0) WHERE n = 1",
        "INSERT INTO log_tile SELECT 0, 2, tile_root, hashes FROM log_tile WHERE n = 1",
        "INSERT INTO log_tile SELECT 1, 0, tile_root, hashes FROM log_tile WHERE n = 1",
    ] {
        raw.run(change).await.unwrap();
        let refused = place.try_open().await.map(|_| ());
        assert!(
            matches!(refused, Err(Fault::Inconsistent { table: "log_tile", .. })),
            "not noticed: {change}"
        );
        raw.run("DELETE FROM log_tile").await.unwrap();
        raw.run("INSERT INTO log_tile SELECT * FROM kept").await.unwrap();
    }
    place.open().await.close().await;
}
