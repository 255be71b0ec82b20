//! Append, proof, order, and what happens when something goes wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pmh_audit::{
    ChainBody, Checkpoint, Kind, Receipt,
    tree::{leaf_hash, verify_inclusion},
};
use pmh_store::{Conclusion, Fault, GatewayStore, Page, Proposal, Reply, State};
use tokio::task::JoinSet;

use crate::{
    listen::{LINES, listen},
    support::*,
};

/// Releases `n` callers at once, about `people` different persons.
pub(crate) async fn flood(store: &GatewayStore, n: usize, people: u8) -> Vec<Receipt> {
    let mut callers = JoinSet::new();
    for caller in 0..n {
        let store = store.clone();
        let person = [u8::try_from(caller % usize::from(people)).unwrap(); 32];
        callers.spawn(async move { disclose(&store, person).await.unwrap().1 });
    }
    callers.join_all().await
}

/// All entries are in the trees of their checkpoints, no index is given twice,
/// no size has two roots. A batch shares a checkpoint, so each signature is
/// verified once; unoptimized, that is what takes the time.
pub(crate) fn assert_one_history(receipts: &[Receipt]) {
    let mut checkpoints: BTreeMap<&str, Checkpoint> = BTreeMap::new();
    let mut indexes = BTreeSet::new();
    let mut roots = BTreeMap::new();
    for receipt in receipts {
        let checkpoint = checkpoints
            .entry(&receipt.checkpoint)
            .or_insert_with(|| Checkpoint::open(receipt.checkpoint.as_bytes(), key().verifier()).unwrap());
        let (size, root) = (checkpoint.size(), *checkpoint.root());
        verify_inclusion(receipt.index, size, &leaf_hash(&receipt.leaf), &receipt.path, &root).unwrap();
        assert!(indexes.insert(receipt.index), "index given twice");
        assert_eq!(*roots.entry(size).or_insert(root), root, "two roots for one size");
    }
}

pub(crate) async fn every_receipt_of_every_batch_verifies(place: Place) {
    let open = place.open().await;
    let mut receipts = Vec::new();
    for callers in [1, 2, 3, 17, 64, 113] {
        receipts.extend(flood(&open, callers, 7).await);
    }
    for receipt in &receipts {
        verify(receipt);
    }
    assert_one_history(&receipts);
    let indexes: BTreeSet<u64> = receipts.iter().map(|receipt| receipt.index).collect();
    assert!(indexes.into_iter().eq(0..receipts.len() as u64), "indexes have a gap");
    let check = open.reader().check().await.unwrap();
    assert_eq!((check.intact, check.defect), (receipts.len() as u64, None));
    for receipt in &receipts {
        let page = Page { from_index: receipt.index, end_index: receipt.index + 1, limit: 1 };
        assert_eq!(open.reader().entries(&page).await.unwrap()[0].leaf, receipt.leaf);
    }
    open.close().await;
}

pub(crate) async fn callers_released_together_share_commits(place: Place) {
    let open = place.open().await;
    let mut raw = place.raw().await;
    raw.hold().await;
    let store = open.store.clone();
    let callers = tokio::spawn(async move { flood(&store, 300, 9).await });
    // The first ones wait for the lock, the others gather behind them.
    eventually("all callers wait", async || {
        tokio::task::yield_now().await;
        open.waiting() == 300
    })
    .await;
    raw.release().await;
    assert_one_history(&callers.await.unwrap());
    assert!(raw.count("SELECT COUNT(*) FROM log_root").await <= 2, "commits were not shared");
    open.close().await;
}

pub(crate) async fn each_persons_chain_is_gapless(place: Place) {
    let open = place.open().await;
    flood(&open, 90, 3).await;
    let receipts = flood(&open, 30, 3).await;
    let page = Page { from_index: 0, end_index: 120, limit: 200 };
    let mut chains: BTreeMap<[u8; 32], (u64, Option<[u8; 32]>)> = BTreeMap::new();
    for entry in open.reader().entries(&page).await.unwrap() {
        let (_, body) = open.reader().part(entry.index, 2).await.unwrap().unwrap();
        let chain = ChainBody::decode(&body).unwrap();
        let link = &chain.links[0];
        let (seq, newest) = chains.entry(*link.tag()).or_default();
        assert_eq!(link.seq(), *seq + 1);
        assert_eq!(link.previous().copied(), *newest);
        (*seq, *newest) = (link.seq(), Some(leaf_hash(&entry.leaf)));
    }
    assert_eq!(chains.values().map(|(seq, _)| *seq).collect::<Vec<_>>(), [40; 3]);
    // A receipt opens subject and detail, and the stored parts are the same.
    let verified = verify(&receipts[0]);
    assert_eq!(verified.subject.unwrap().sub(), "pairwise-subject");
    let (salt, body) = open.reader().part(receipts[0].index, 4).await.unwrap().unwrap();
    assert_eq!((&salt, &body), (receipts[0].detail.salt.as_bytes(), &receipts[0].detail.body));
    open.close().await;
}

pub(crate) async fn a_restart_keeps_everything(place: Place) {
    let open = place.open().await;
    let subject = enrol(&open, chiyoda(), 1).await;
    push(&open, entitlement_chunk(chiyoda(), "b", vec![row("1", 1, accepted(1, 1))])).await;
    let before = flood(&open, 20, 4).await;
    let head = open.reader().head().await.unwrap();
    open.close().await;

    place.clock.fetch_sub(DAY_US, std::sync::atomic::Ordering::Relaxed);
    let open = place.open().await;
    assert_eq!(open.reader().head().await.unwrap(), head);
    let after = flood(&open, 20, 4).await;
    let all: Vec<Receipt> = before.into_iter().chain(after).collect();
    assert_one_history(&all);
    assert_eq!(facts(&open, subject).await.entitlements.len(), 1);
    assert_eq!(open.reader().check().await.unwrap().defect, None);
    // The clock went back by a day; the log's time did not.
    let newest = all.iter().max_by_key(|receipt| receipt.index).unwrap();
    assert_eq!(verify(newest).leaf.time_us, u64::try_from(START_US).unwrap());
    open.close().await;
}

pub(crate) async fn a_full_queue_refuses_at_once_and_forgets_nobody(place: Place) {
    let open = place.open().await;
    let mut raw = place.raw().await;
    raw.hold().await;
    let mut callers = JoinSet::new();
    for caller in 0..5000_u32 {
        let store = open.store.clone();
        callers.spawn(async move {
            let person = [u8::try_from(caller % 5).unwrap(); 32];
            disclose(&store, person).await.map(|(_, receipt)| receipt)
        });
    }
    let refused = tokio::time::timeout(Duration::from_secs(4), async {
        let mut refused = 0;
        while refused < 5000 - 4096 {
            assert!(matches!(callers.join_next().await.unwrap().unwrap(), Err(Fault::Unavailable(_))));
            refused += 1;
        }
        refused
    });
    let refused = refused.await.expect("refusals do not wait for the database");
    raw.release().await;
    let mut receipts = Vec::new();
    let mut late = 0;
    while let Some(answer) = callers.join_next().await {
        match answer.unwrap() {
            Ok(receipt) => receipts.push(receipt),
            Err(_) => late += 1,
        }
    }
    assert_eq!(receipts.len() + refused + late, 5000);
    assert_eq!(receipts.len(), 4096);
    assert_one_history(&receipts[..200]);
    assert_eq!(open.reader().head().await.unwrap().0, receipts.len() as u64);
    open.close().await;
}

pub(crate) async fn an_entry_stays_when_its_caller_has_gone(place: Place) {
    let open = place.open().await;
    let mut raw = place.raw().await;
    raw.hold().await;
    let gone = tokio::time::timeout(Duration::ZERO, disclose(&open, [1; 32])).await;
    assert!(gone.is_err(), "the caller did not wait");
    raw.release().await;
    eventually("the entry", async || open.reader().head().await.unwrap().0 == 1).await;
    let (_, receipt) = disclose(&open, [1; 32]).await.unwrap();
    assert_eq!(receipt.index, 1);
    open.close().await;
}

pub(crate) async fn a_failed_operation_does_not_fail_its_neighbours(place: Place) {
    let open = place.open().await;
    let mut raw = place.raw().await;
    propose(&open, "p-1").await.unwrap();
    raw.hold().await;
    let mut bad: JoinSet<Result<(), Fault>> = JoinSet::new();
    let store = open.store.clone();
    let neighbours = tokio::spawn(async move { flood(&store, 40, 5).await });
    let store = open.store.clone();
    // The database refuses it: the id is taken.
    bad.spawn(async move { propose(&store, "p-1").await });
    let store = open.store.clone();
    // The codec refuses it: a subject is never empty.
    bad.spawn(async move {
        let mut unwritable = draft(Kind::Disclosure, Some([3; 32]));
        unwritable.subject.as_mut().unwrap().sub = "x".repeat(70_000);
        store.disclose(attempt(), None, move |_, _| ((), Some(unwritable.clone()))).await.map(drop)
    });
    let store = open.store.clone();
    // The caller's own code fails.
    bad.spawn(async move {
        let decide = |_: &_, _: &_| -> ((), Option<pmh_store::Draft>) { panic!("a test's own panic") };
        store.disclose(attempt(), None, decide).await.map(drop)
    });
    eventually("all wait", async || open.waiting() == 43).await;
    raw.release().await;
    assert_one_history(&neighbours.await.unwrap());
    for failed in bad.join_all().await {
        assert!(matches!(failed, Err(Fault::Unavailable("not written"))), "{failed:?}");
    }
    assert_eq!(*open.state().borrow(), State::Ready, "an operation's own failure is not the log's");
    let check = open.reader().check().await.unwrap();
    assert_eq!((check.intact, check.defect), (41, None));
    open.close().await;
}

/// audit.md I18: an error of the database names a constraint, never a value.
pub(crate) async fn the_operators_log_names_no_content(place: Place) {
    listen();
    let open = place.open().await;
    propose(&open, "canary-4711").await.unwrap();
    propose(&open, "canary-4711").await.unwrap_err();
    let heard = LINES.lock().unwrap().clone();
    assert!(heard.contains("operation not written") && heard.contains("code "), "{heard}");
    assert!(!heard.contains("canary-4711"), "{heard}");
    open.close().await;
}

async fn propose(store: &GatewayStore, id: &str) -> Result<(), Fault> {
    let proposal = Proposal {
        proposal_id: id.to_owned(),
        subject: [9; 32],
        proposed_by: "clinic:1312345678".to_owned(),
        payer_number: "54136015".to_owned(),
        recipient_number: "P1".to_owned(),
        birth_date: birth_date().to_string(),
    };
    let key = format!("{:?}", attempt_number());
    store
        .propose_link(attempt(), idempotency(&key, 1), proposal, |_| Conclusion {
            reply: Reply::<()>::Answer(Vec::new()),
            draft: Some(draft(Kind::RegistryChange, None)),
        })
        .await
        .map(drop)
}

fn attempt_number() -> [u8; 16] {
    let mut number = [0; 16];
    random(&mut number);
    number
}

/// The commit itself fails: a deferred constraint is broken. On SQLite that is
/// what a failed flush looks like, and the sequencer must not try again, though
/// here each operation alone would succeed. The first caller may be a batch of
/// his own there, taken before the lock was met: he alone may have his entry.
pub(crate) async fn a_commit_that_fails_is_told_to_everybody_in_it(place: Place) {
    let open = place.open().await;
    let kept = flood(&open, 5, 2).await;
    let mut raw = place.raw().await;
    raw.run(if place.is_sqlite() { BROKEN_COMMIT_SQLITE } else { BROKEN_COMMIT_POSTGRES }).await.unwrap();
    raw.hold().await;
    let mut callers = JoinSet::new();
    for _ in 0..10 {
        let store = open.store.clone();
        callers.spawn(async move { disclose(&store, [1; 32]).await });
    }
    eventually("all wait", async || open.waiting() == 10).await;
    raw.release().await;
    let mut recorded = kept.len() as u64;
    for answer in callers.join_all().await {
        match answer {
            Ok(_) => recorded += 1,
            Err(fault) => assert!(matches!(fault, Fault::Unavailable(_)), "{fault}"),
        }
    }
    assert!(recorded - kept.len() as u64 <= u64::from(place.is_sqlite()), "an answer left without its entry");
    if place.is_sqlite() {
        assert_eq!(*open.state().borrow(), State::Poisoned);
        assert!(matches!(disclose(&open, [1; 32]).await, Err(Fault::Unavailable(_))));
        open.has_ended().await;
        raw.run("DROP TRIGGER broken_commit").await.unwrap();
        let open = place.open().await;
        assert_eq!(open.reader().check().await.unwrap().intact, recorded);
        open.close().await;
    } else {
        raw.run("DROP TRIGGER broken_commit ON log_entry").await.unwrap();
        let (_, receipt) = disclose(&open, [1; 32]).await.unwrap();
        assert_eq!(receipt.index, recorded);
        assert_eq!(*open.state().borrow(), State::Ready);
        open.close().await;
    }
}

/// Breaks the commit of two entries and more.
const BROKEN_COMMIT_SQLITE: &str = "
    CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER broken_commit AFTER INSERT ON log_entry WHEN NEW.idx > (SELECT size FROM log_head)
        BEGIN INSERT INTO child VALUES (1); END;";
const BROKEN_COMMIT_POSTGRES: &str = "
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE CONSTRAINT TRIGGER broken_commit AFTER INSERT ON log_entry
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();";

pub(crate) fn accepted(
    history_key: u32,
    content: u8,
) -> pmh_store::RowVerdict<pmh_domain::entitlement::Entitlement> {
    pmh_store::RowVerdict::Accepted(entitlement(chiyoda(), 1, history_key, content))
}

/// A checkpoint names the log, so that one key cannot lend one log's root to another.
#[test]
fn the_origin_is_in_every_checkpoint() {
    on_sqlite(async |place| {
        let open = place.open().await;
        let (_, receipt) = disclose(&open, [1; 32]).await.unwrap();
        let checkpoint = Checkpoint::open(receipt.checkpoint.as_bytes(), key().verifier()).unwrap();
        assert_eq!(checkpoint.origin(), ORIGIN);
        open.close().await;
    });
}

#[test]
fn a_second_process_on_one_sqlite_file_does_not_start() {
    on_sqlite(async |place| {
        let open = place.open().await;
        assert!(matches!(place.try_open().await, Err(Fault::Setting(_))));
        open.close().await;
        place.open().await.close().await;
    });
}

#[test]
fn sqlite_refuses_to_change_an_entry() {
    on_sqlite(async |place| {
        let open = place.open().await;
        flood(&open, 3, 1).await;
        let mut raw = place.raw().await;
        for change in [
            "UPDATE log_entry SET leaf = x'00'",
            "DELETE FROM log_entry",
            "UPDATE log_root SET root = x'00'",
            "DELETE FROM log_root",
        ] {
            assert!(raw.run(change).await.is_err(), "{change}");
        }
        open.close().await;
    });
}
