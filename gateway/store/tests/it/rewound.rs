//! The machine remembers the last checkpoint it signed.

use std::path::PathBuf;

use pmh_store::{Fault, GatewayStore, LogDefect, LogSettings, Scan, last_signed};

use crate::{log::flood, support::*};

const TABLES: [&str; 3] = ["log_entry", "log_root", "log_head"];

struct Machine {
    place: Place,
    file: PathBuf,
    _dir: tempfile::TempDir,
}

impl Machine {
    fn of(place: Place) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { place, file: dir.path().join("checkpoint"), _dir: dir }
    }

    async fn open(&self) -> Result<(GatewayStore, tokio::task::JoinHandle<()>), Fault> {
        let settings = LogSettings { checkpoint_file: Some(self.file.clone()), ..self.place.settings() };
        GatewayStore::open(settings).await
    }

    /// Appends, and waits until the file says so: it is written after the callers were answered.
    async fn grow(&self, callers: usize) -> u64 {
        let (store, task) = self.open().await.unwrap();
        flood(&store, callers, 3).await;
        let (size, _) = store.reader().head().await.unwrap();
        eventually("the file names the newest checkpoint", async || {
            last_signed(&self.file, key().verifier()).unwrap().is_some_and(|(signed, _)| signed == size)
        })
        .await;
        drop(store);
        task.await.unwrap();
        size
    }
}

pub(crate) async fn i12_a_database_restored_to_an_earlier_state_is_refused(place: Place) {
    let machine = Machine::of(place);
    let early = machine.grow(20).await;
    let mut raw = machine.place.raw().await;
    for table in TABLES {
        raw.run(&format!("CREATE TABLE early_{table} AS SELECT * FROM {table}")).await.unwrap();
    }
    let late = machine.grow(30).await;
    if machine.place.is_sqlite() {
        for trigger in ["entry_no_delete", "root_no_delete"] {
            raw.run(&format!("DROP TRIGGER log_{trigger}")).await.unwrap();
        }
    }
    for table in TABLES {
        raw.run(&format!("CREATE TABLE late_{table} AS SELECT * FROM {table}")).await.unwrap();
        raw.run(&format!("DELETE FROM {table}")).await.unwrap();
        raw.run(&format!("INSERT INTO {table} SELECT * FROM early_{table}")).await.unwrap();
    }
    // The earlier state is whole in itself; only who remembers more can tell.
    machine.place.open().await.close().await;
    let refused = machine.open().await.map(|_| ());
    assert!(
        matches!(refused, Err(Fault::Rewound { stored, signed }) if (stored, signed) == (early, late)),
        "{refused:?}"
    );
    // Another history of the same length is no better.
    for derived in ["audit_part", "subject_ix", "log_event"] {
        raw.run(&format!("DELETE FROM {derived} WHERE idx >= {early}")).await.unwrap();
    }
    let open = machine.place.open().await;
    flood(&open, 40, 3).await;
    open.close().await;
    assert!(matches!(machine.open().await.map(|_| ()), Err(Fault::Rewritten { signed }) if signed == late));
    let open = machine.place.open().await;
    let known = last_signed(&machine.file, key().verifier()).unwrap();
    let mut scan = Scan::begin(open.reader().clone()).await.unwrap().against(known);
    scan.run().await.unwrap();
    assert_eq!(scan.defects(), [LogDefect::Signed(late)]);
    open.close().await;
    // With the state that was signed it goes on.
    for table in TABLES {
        raw.run(&format!("DELETE FROM {table}")).await.unwrap();
        raw.run(&format!("INSERT INTO {table} SELECT * FROM late_{table}")).await.unwrap();
    }
    for derived in ["audit_part", "subject_ix", "log_event"] {
        raw.run(&format!("DELETE FROM {derived}")).await.unwrap();
    }
    assert_eq!(machine.grow(1).await, late + 1);
}

pub(crate) async fn i12_a_log_that_shrinks_under_a_running_gateway_stops_it(place: Place) {
    let machine = Machine::of(place);
    machine.grow(5).await;
    let mut raw = machine.place.raw().await;
    raw.run("CREATE TABLE early_head AS SELECT * FROM log_head").await.unwrap();
    let (store, task) = machine.open().await.unwrap();
    flood(&store, 5, 3).await;
    eventually("the file is written", async || {
        last_signed(&machine.file, key().verifier()).unwrap().is_some_and(|(signed, _)| signed == 10)
    })
    .await;
    raw.run("DELETE FROM log_head").await.unwrap();
    raw.run("INSERT INTO log_head SELECT * FROM early_head").await.unwrap();
    assert!(disclose(&store, [1; 32]).await.is_err());
    assert_eq!(*store.state().borrow(), pmh_store::State::Failing);
    drop(store);
    task.await.unwrap();
}
