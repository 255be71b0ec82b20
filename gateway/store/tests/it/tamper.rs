//! Somebody with the database's password changes the log.

use pmh_store::LogDefect;

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
