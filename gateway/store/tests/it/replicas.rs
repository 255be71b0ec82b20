//! Several programs on one PostgreSQL, and connections that break.

use std::{path::PathBuf, time::Duration};

use pmh_store::{Location, RegistryChange};
use tokio::{
    net::{TcpListener, UnixStream},
    sync::watch,
};

use crate::{
    log::{assert_one_history, flood},
    support::*,
};

/// audit.md I4, I7, I9, I10 with two programs appending at once.
#[test]
fn two_replicas_write_one_history() {
    on_postgres(async |place| {
        let (one, two) = tokio::join!(place.open(), place.open());
        let mut receipts = Vec::new();
        for _ in 0..scaled(4, 40) {
            let (mine, theirs) = tokio::join!(flood(&one, 60, 5), flood(&two, 60, 5));
            receipts.extend(mine);
            receipts.extend(theirs);
        }
        assert_one_history(&receipts);
        let check = one.reader().check().await.unwrap();
        assert_eq!((check.intact, check.defect), (receipts.len() as u64, None));
        one.close().await;
        two.close().await;
    });
}

/// A suspension reaches a replica that nobody calls (design.md P11: five seconds).
#[test]
fn an_idle_replica_learns_of_a_directory_change() {
    on_postgres(async |place| {
        let (one, two) = tokio::join!(place.open(), place.open());
        let mut registry = two.registry();
        let change = RegistryChange::PutOrganization { id: "app:a".to_owned(), name: "A".to_owned() };
        let kind = pmh_audit::Kind::RegistryChange;
        outcome(kind, |conclude| one.change_registry(attempt(), None, change, conclude)).await;
        let learned = registry.wait_for(|registry| registry.organizations.contains_key("app:a"));
        tokio::time::timeout(Duration::from_secs(5), learned).await.unwrap().unwrap();
        one.close().await;
        two.close().await;
    });
}

#[test]
fn a_lost_connection_is_replaced_before_anybody_notices() {
    on_postgres(async |place| {
        let open = place.open().await;
        flood(&open, 5, 2).await;
        let mut raw = place.raw().await;
        terminate(&mut raw, "TRUE").await;
        flood(&open, 5, 2).await;
        assert_eq!(open.reader().head().await.unwrap().0, 10, "the reader too");
        // While the batch waits for the head lock.
        raw.hold().await;
        let store = open.store.clone();
        let callers = tokio::spawn(async move { flood(&store, 5, 2).await });
        eventually("the batch waits for the lock", async || {
            terminate(&mut raw, "wait_event_type = 'Lock'").await > 0
        })
        .await;
        raw.release().await;
        assert_one_history(&callers.await.unwrap());
        open.close().await;
    });
}

async fn terminate(raw: &mut Raw, which: &str) -> i64 {
    raw.count(&format!(
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    ))
    .await
}

/// I17: COMMIT is done by the server, but its answer is lost on the wire.
#[test]
fn a_commit_whose_answer_is_lost_is_one_entry() {
    commit_interrupted(Interruption::AnswerLost);
}

/// The other half: the server dies before the commit is done, and says so to nobody.
#[test]
fn a_commit_that_never_happened_is_made_again() {
    commit_interrupted(Interruption::BackendDies);
}

#[derive(Clone, Copy, PartialEq)]
enum Interruption {
    AnswerLost,
    BackendDies,
}

/// A deferred trigger holds COMMIT back until an advisory lock is free; in that
/// moment the connection is cut, or the server's side of it killed.
const SLOW_COMMIT: &str = "
    CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON log_entry
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_test();";
const WAITING_BACKENDS: &str =
    "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";

fn commit_interrupted(how: Interruption) {
    on_postgres(async move |place| {
        let proxy = Proxy::start(place.cluster.unwrap().socket()).await;
        let Location::Postgres(url) = &place.location else { unreachable!() };
        let (_, database) = url.split_once("localhost/").unwrap();
        let database = database.split('?').next().unwrap();
        let behind = format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", proxy.port);
        let proxied = Place::at(Location::Postgres(behind), None, None);
        let open = proxied.open().await;
        flood(&open, 3, 2).await;

        let mut raw = place.raw().await;
        raw.run(SLOW_COMMIT).await.unwrap();
        raw.run("SELECT pg_advisory_lock(42)").await.unwrap();
        let store = open.store.clone();
        let callers = tokio::spawn(async move { flood(&store, 7, 2).await });
        let waiting = format!(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND {WAITING_BACKENDS}"
        );
        eventually("COMMIT is under way", async || raw.count(&waiting).await > 0).await;
        match how {
            Interruption::AnswerLost => proxy.cut(),
            Interruption::BackendDies => drop(terminate(&mut raw, WAITING_BACKENDS).await),
        }
        raw.run("SELECT pg_advisory_unlock(42)").await.unwrap();

        let receipts = callers.await.unwrap();
        assert_one_history(&receipts);
        let mut indexes: Vec<u64> = receipts.iter().map(|receipt| receipt.index).collect();
        indexes.sort_unstable();
        assert!(indexes.into_iter().eq(3..10), "an entry was written twice or not at all");
        let check = open.reader().check().await.unwrap();
        assert_eq!((check.intact, check.defect), (10, None));
        open.close().await;
    });
}

/// Bytes in both directions, until all its connections are cut at once.
struct Proxy {
    port: u16,
    cut: watch::Sender<u32>,
}

impl Proxy {
    async fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, cuts) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = UnixStream::connect(&socket).await.unwrap();
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { port, cut }
    }

    fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}
