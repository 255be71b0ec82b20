//! Somebody with the database's password changes the log.

use std::collections::BTreeSet;

use pmh_audit::Hash;
use pmh_store::{LogDefect, Scan};

use crate::{log::flood, support::*};

/// Every way to change, remove, add or swap a row that the newest rows show.
const CHANGES: &[&str] = &[
    "UPDATE log_entry SET leaf = (SELECT leaf FROM log_entry WHERE idx = 3) WHERE idx = 4",
    "UPDATE log_entry SET leaf_hash = (SELECT leaf_hash FROM log_entry WHERE idx = 3) WHERE idx = 4",
    "UPDATE log_entry SET leaf = (SELECT o.leaf FROM log_entry o WHERE o.idx = 3),
        leaf_hash = (SELECT o.leaf_hash FROM log_entry o WHERE o.idx = 3) WHERE idx = 4",
    "DELETE FROM log_entry WHERE idx = 9",
    "DELETE FROM log_entry WHERE idx = 2",
    "INSERT INTO log_entry SELECT 10, leaf, leaf_hash FROM log_entry WHERE idx = 9",
    "UPDATE log_root SET root = (SELECT leaf_hash FROM log_entry WHERE idx = 0) WHERE size = 10",
    "DELETE FROM log_root WHERE size = 10",
    "INSERT INTO log_root SELECT 11, root, time_us FROM log_root WHERE size = 10",
    "UPDATE log_head SET root = (SELECT leaf_hash FROM log_entry WHERE idx = 0)",
    "UPDATE log_head SET size = 9",
    "UPDATE log_head SET frontier = (SELECT leaf_hash FROM log_entry WHERE idx = 0)",
    // An older state restored, but for the entries.
    "UPDATE log_head SET size = 0, root = (SELECT root FROM log_root ORDER BY size LIMIT 1)",
    "DELETE FROM log_head",
];

const TABLES: [&str; 3] = ["log_entry", "log_root", "log_head"];

pub(crate) async fn a_changed_log_is_noticed_at_start(place: Place) {
    let open = place.open().await;
    flood(&open, 4, 2).await;
    flood(&open, 6, 2).await;
    open.close().await;
    let mut raw = place.raw().await;
    if place.is_sqlite() {
        for trigger in ["entry_no_update", "entry_no_delete", "root_no_update", "root_no_delete"] {
            raw.run(&format!("DROP TRIGGER log_{trigger}")).await.unwrap();
        }
    }
    for table in TABLES {
        raw.run(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await.unwrap();
    }
    for change in CHANGES {
        raw.run(change).await.unwrap();
        assert!(place.try_open().await.is_err(), "not noticed: {change}");
        for table in TABLES {
            raw.run(&format!("DELETE FROM {table}")).await.unwrap();
            raw.run(&format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await.unwrap();
        }
    }
    place.open().await.close().await;
}

pub(crate) async fn a_changed_log_is_named_by_the_check(place: Place) {
    let open = place.open().await;
    flood(&open, 3, 2).await;
    let mut sizes = vec![open.reader().head().await.unwrap().0];
    // More than a page of the check, and more than the start looks at.
    for _ in 0..6 {
        flood(&open, 200, 5).await;
        sizes.push(open.reader().head().await.unwrap().0);
    }
    let mut raw = place.raw().await;
    if place.is_sqlite() {
        raw.run("DROP TRIGGER log_entry_no_update").await.unwrap();
    }
    raw.run("CREATE TABLE kept AS SELECT * FROM log_entry").await.unwrap();

    raw.run("UPDATE log_entry SET leaf = leaf_hash WHERE idx = 1100").await.unwrap();
    let check = open.reader().check().await.unwrap();
    assert_eq!((check.intact, check.defect), (1100, Some(LogDefect::Entry(1100))));
    raw.run("UPDATE log_entry SET leaf = (SELECT k.leaf FROM kept k WHERE k.idx = 1100) WHERE idx = 1100")
        .await
        .unwrap();
    assert_eq!(open.reader().check().await.unwrap().defect, None);

    // Leaf and hash agree with each other: then it is the tree that does not.
    raw.run(
        "UPDATE log_entry SET leaf = (SELECT k.leaf FROM kept k WHERE k.idx = 1),
            leaf_hash = (SELECT k.leaf_hash FROM kept k WHERE k.idx = 1) WHERE idx = 2",
    )
    .await
    .unwrap();
    let Some(LogDefect::Root(size)) = open.reader().check().await.unwrap().defect else {
        panic!("the forged entry was not noticed")
    };
    assert!((3..=sizes[0]).contains(&size));
    open.close().await;
}

/// Every column of the log, but for the version of the directory in the head, which is no part of it.
const COLUMNS: &[(&str, &str, &str, Content)] = &[
    ("log_entry", "idx", "leaf", Content::Bytes),
    ("log_entry", "idx", "leaf_hash", Content::Bytes),
    ("log_entry", "idx", "idx", Content::Number),
    ("log_root", "size", "root", Content::Bytes),
    ("log_root", "size", "time_us", Content::Number),
    ("log_root", "size", "size", Content::Number),
    ("log_tile", "n", "hashes", Content::Bytes),
    ("log_tile", "n", "tile_root", Content::Bytes),
    ("log_tile", "n", "n", Content::Number),
    ("log_tile", "n", "level", Content::Number),
    ("log_head", "log_id", "size", Content::Number),
    ("log_head", "log_id", "root", Content::Bytes),
    ("log_head", "log_id", "frontier", Content::Bytes),
    ("log_head", "log_id", "time_us", Content::Number),
];

#[derive(Clone, Copy, PartialEq)]
enum Content {
    Bytes,
    Number,
}

/// A log of some hundred entries in batches of their own time, its tiles made, its rows free to be changed.
async fn exposed(place: &Place) -> (Open, Raw) {
    let open = place.open().await;
    for callers in [1, 1, 1, 200, 1, 1, 150, 1, 200, 1] {
        flood(&open, callers, 3).await;
        place.clock.fetch_add(1_000, std::sync::atomic::Ordering::Relaxed);
    }
    open.tile_keeper().catch_up(attempt).await.unwrap();
    let mut raw = place.raw().await;
    if place.is_sqlite() {
        for table in ["entry", "root", "tile"] {
            raw.run(&format!("DROP TRIGGER log_{table}_no_update")).await.unwrap();
            raw.run(&format!("DROP TRIGGER log_{table}_no_delete")).await.unwrap();
        }
    }
    for table in ["log_entry", "log_root", "log_tile", "log_head"] {
        raw.run(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await.unwrap();
    }
    (open, raw)
}

async fn restore(raw: &mut Raw, table: &str) {
    raw.run(&format!("DELETE FROM {table}")).await.unwrap();
    raw.run(&format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await.unwrap();
}

async fn fsck(open: &Open, known: Option<(u64, Hash)>) -> Vec<LogDefect> {
    let mut scan = Scan::begin(open.reader().clone()).await.unwrap().against(known);
    scan.run().await.unwrap();
    scan.check_people().await.unwrap();
    scan.defects().to_vec()
}

fn any(below: usize) -> usize {
    let mut bytes = [0; 8];
    random(&mut bytes);
    usize::try_from(u64::from_be_bytes(bytes) % u64::try_from(below).unwrap()).unwrap()
}

pub(crate) async fn i11_any_changed_byte_is_named_with_its_table(place: Place) {
    let (open, mut raw) = exposed(&place).await;
    assert_eq!(fsck(&open, None).await, []);
    for (table, key, column, content) in COLUMNS {
        for _ in 0..scaled(2, 60) {
            let keys = raw.texts(&format!("SELECT CAST({key} AS TEXT) FROM {table} ORDER BY {key}")).await;
            let row = &keys[any(keys.len())];
            let changed = match content {
                Content::Number => format!("{column} + {}", 1 + any(3) * 1_000_000),
                Content::Bytes => flipped(&place, &mut raw, table, key, row, column).await,
            };
            let change = format!("UPDATE {table} SET {column} = {changed} WHERE {key} = {row}");
            // A key that another row has cannot be taken.
            if raw.run(&change).await.is_err() {
                continue;
            }
            let defects = fsck(&open, None).await;
            assert!(defects.iter().any(|defect| defect.table() == *table), "{defects:?} after {change}");
            restore(&mut raw, table).await;
        }
    }
    assert_eq!(fsck(&open, None).await, []);
    open.close().await;
}

/// The column's content with one bit of it turned over, as a literal.
async fn flipped(place: &Place, raw: &mut Raw, table: &str, key: &str, row: &str, column: &str) -> String {
    let hex = if place.is_sqlite() { format!("hex({column})") } else { format!("encode({column}, 'hex')") };
    let text = raw.texts(&format!("SELECT {hex} FROM {table} WHERE {key} = {row} LIMIT 1")).await.remove(0);
    let at = any(text.len());
    let digit = text[at..=at].chars().next().unwrap().to_digit(16).unwrap() ^ (1 << any(4));
    let text = format!("{}{digit:x}{}", &text[..at], &text[at + 1..]);
    if place.is_sqlite() { format!("x'{text}'") } else { format!("'\\x{text}'::bytea") }
}

pub(crate) async fn i11_a_row_that_is_gone_or_new_or_elsewhere_is_named_with_its_table(place: Place) {
    let (open, mut raw) = exposed(&place).await;
    let size = open.reader().head().await.unwrap().0;
    for (table, key) in [("log_entry", "idx"), ("log_root", "size")] {
        for _ in 0..scaled(6, 60) {
            let keys = raw.texts(&format!("SELECT CAST({key} AS TEXT) FROM {table} ORDER BY {key}")).await;
            // Roots of one flood may be of one microsecond; the last of each is not.
            let singles: Vec<&String> =
                keys.iter().filter(|key| ["1", "2", "3"].contains(&key.as_str())).collect();
            let row = if table == "log_root" { singles[any(singles.len())] } else { &keys[any(keys.len())] };
            raw.run(&format!("DELETE FROM {table} WHERE {key} = {row}")).await.unwrap();
            let defects = fsck(&open, None).await;
            assert!(
                defects.iter().any(|defect| defect.table() == table),
                "{defects:?} without {table} {row}"
            );
            restore(&mut raw, table).await;
        }
    }
    for (table, change) in [
        ("log_entry", format!("INSERT INTO log_entry SELECT {size}, leaf, leaf_hash FROM kept_log_entry WHERE idx = 1")),
        ("log_entry", "INSERT INTO log_entry SELECT -1, leaf, leaf_hash FROM kept_log_entry WHERE idx = 1".to_owned()),
        ("log_root", format!("INSERT INTO log_root SELECT {size} + 5, root, time_us FROM kept_log_root WHERE size = 1")),
        ("log_root", "INSERT INTO log_root SELECT 0, root, time_us FROM kept_log_root WHERE size = 1".to_owned()),
        ("log_root", "INSERT INTO log_root SELECT 100, root, time_us FROM kept_log_root WHERE size = 1 ON CONFLICT (size) DO UPDATE SET root = excluded.root".to_owned()),
        ("log_tile", "INSERT INTO log_tile SELECT 0, 77, tile_root, hashes FROM kept_log_tile WHERE n = 0".to_owned()),
        ("log_tile", "INSERT INTO log_tile SELECT 1, 0, tile_root, hashes FROM kept_log_tile WHERE n = 0".to_owned()),
        ("log_tile", "INSERT INTO log_tile SELECT 9, 0, tile_root, hashes FROM kept_log_tile WHERE n = 0".to_owned()),
        ("log_tile", "INSERT INTO log_tile SELECT -1, 0, tile_root, hashes FROM kept_log_tile WHERE n = 0".to_owned()),
        ("log_tile", "DELETE FROM log_tile WHERE n = 0".to_owned()),
        ("log_head", "DELETE FROM log_head".to_owned()),
    ] {
        raw.run(&change).await.unwrap();
        match Scan::begin(open.reader().clone()).await {
            Err(_) => assert_eq!(table, "log_head"),
            Ok(mut scan) => {
                scan.run().await.unwrap();
                let defects = scan.defects();
                assert!(defects.iter().any(|defect| defect.table() == table), "{defects:?} after {change}");
            }
        }
        restore(&mut raw, table).await;
    }
    for _ in 0..scaled(4, 40) {
        let (a, b) = (any(300), 300 + any(200));
        for (into, from) in [(a, b), (b, a)] {
            raw.run(&format!(
                "UPDATE log_entry SET leaf = (SELECT k.leaf FROM kept_log_entry k WHERE k.idx = {from}),
                    leaf_hash = (SELECT k.leaf_hash FROM kept_log_entry k WHERE k.idx = {from}) WHERE idx = {into}"
            ))
            .await
            .unwrap();
        }
        // Both fit their hashes and may be of one microsecond; roots and tiles do not fit.
        let defects = fsck(&open, None).await;
        let tables: BTreeSet<&str> = defects.iter().map(LogDefect::table).collect();
        assert!(tables.is_superset(&["log_root", "log_tile"].into()), "{a} and {b}: {defects:?}");
        restore(&mut raw, "log_entry").await;
    }
    // The newest tile is only not made yet.
    raw.run("DELETE FROM log_tile WHERE n = 1").await.unwrap();
    let mut scan = Scan::begin(open.reader().clone()).await.unwrap();
    scan.run().await.unwrap();
    assert_eq!((scan.defects(), scan.tiles_not_made()), (&[][..], 1));
    open.close().await;
}

pub(crate) async fn i11_a_history_made_anew_is_found_by_who_holds_a_checkpoint(place: Place) {
    let (open, mut raw) = exposed(&place).await;
    let (size, root) = open.reader().head().await.unwrap();
    open.close().await;
    // Somebody with the database makes everything fit again, which no reading of it alone can find out.
    for table in ["log_entry", "log_root", "log_tile"] {
        raw.run(&format!("DELETE FROM {table}")).await.unwrap();
    }
    for table in ["audit_part", "subject_ix", "log_event", "log_head"] {
        raw.run(&format!("DELETE FROM {table}")).await.unwrap();
    }
    let open = place.open().await;
    flood(&open, usize::try_from(size).unwrap(), 3).await;
    assert_eq!(fsck(&open, None).await, []);
    assert_eq!(fsck(&open, Some((size, root))).await, [LogDefect::Signed(size)]);
    open.close().await;
}

pub(crate) async fn fsck_names_rows_of_people_that_point_nowhere(place: Place) {
    let (open, mut raw) = exposed(&place).await;
    for change in [
        "UPDATE subject_ix SET idx = 1000000 WHERE seq = 5",
        "UPDATE subject_ix SET idx = -1 WHERE seq = 1",
        "UPDATE subject_ix SET idx = 0 WHERE seq = 7",
    ] {
        raw.run("CREATE TABLE kept_people AS SELECT * FROM subject_ix").await.unwrap();
        raw.run(change).await.unwrap();
        let defects = fsck(&open, None).await;
        assert!(matches!(defects[..], [LogDefect::People(1..)]), "{defects:?} after {change}");
        raw.run("DELETE FROM subject_ix").await.unwrap();
        raw.run("INSERT INTO subject_ix SELECT * FROM kept_people").await.unwrap();
        raw.run("DROP TABLE kept_people").await.unwrap();
    }
    open.close().await;
}
