//! Order and identity of entries, through restarts, clocks that lie and operations that run twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use pmh_audit::{Kind, Leaf, Opening, Part, Salt};
use pmh_store::{Fault, Page, StoredEntry};
use tokio::task::JoinSet;

use crate::{
    log::{assert_one_history, flood},
    support::*,
};

pub(crate) async fn i04_indexes_have_no_gap_and_time_never_goes_back(place: Place) {
    let mut receipts = Vec::new();
    for _ in 0..scaled(6, 60) {
        let mut drawn = [0; 3];
        random(&mut drawn);
        let [callers, hours, back] = drawn.map(i64::from);
        // Up to a day forth or back, as a clock that is set by hand.
        let jump = hours * 340_000_000 * if back % 2 == 0 { 1 } else { -1 };
        place.clock.fetch_add(jump, Ordering::Relaxed);
        let open = place.open().await;
        receipts.extend(flood(&open, 1 + usize::try_from(callers).unwrap() % 40, 5).await);
        open.close().await;
    }
    assert_one_history(&receipts);
    let mut newest = 0;
    for (index, entry) in (0..).zip(all_entries(&place).await) {
        assert_eq!(entry.index, index);
        let time = Leaf::decode(&entry.leaf).unwrap().time_us;
        assert!(time >= newest, "entry {index} is older than the one before it");
        newest = time;
    }
}

/// One node: nothing but the sequencer itself can append an attempt again, and it does so when a neighbour spoils the
/// batch. Between replicas, and after a lost COMMIT, it is the database that knows the event (`replicas.rs`).
pub(crate) async fn i05_an_operation_that_runs_again_is_one_entry(place: Place) {
    let mut receipts = Vec::new();
    for _ in 0..scaled(3, 20) {
        let open = place.open().await;
        let mut raw = place.raw().await;
        raw.hold().await;
        let store = open.store.clone();
        let callers = tokio::spawn(async move { flood(&store, 30, 3).await });
        let mut spoilers: JoinSet<Result<(), Fault>> = JoinSet::new();
        let store = open.store.clone();
        spoilers.spawn(async move {
            let mut unwritable = draft(Kind::Disclosure, Some([3; 32]));
            unwritable.subject.as_mut().unwrap().sub = "x".repeat(70_000);
            store.disclose(attempt(), None, move |_, _| ((), Some(unwritable.clone()))).await.map(drop)
        });
        eventually("all wait", async || open.waiting() == 31).await;
        raw.release().await;
        receipts.extend(callers.await.unwrap());
        assert!(spoilers.join_all().await.iter().all(Result::is_err));
        open.close().await;
    }
    let mut events = BTreeMap::new();
    for entry in all_entries(&place).await {
        let event = Leaf::decode(&entry.leaf).unwrap().event_id;
        assert_eq!(events.insert(event, entry.index), None, "one event, two entries");
    }
    assert_eq!(events.len(), receipts.len());
    for receipt in &receipts {
        assert_eq!(events[&Leaf::decode(&receipt.leaf).unwrap().event_id], receipt.index);
    }
}

pub(crate) async fn i20_equal_entries_share_no_commitment(place: Place) {
    let open = place.open().await;
    let mut seen = BTreeSet::new();
    for callers in [1, 1, 2, scaled(40, 2000)] {
        // One person, one requester, one terminal, one request, one answer.
        for receipt in flood(&open, callers, 1).await {
            let leaf = Leaf::decode(&receipt.leaf).unwrap();
            for commitment in [leaf.subject, leaf.chain, leaf.actor, leaf.detail] {
                assert!(seen.insert(commitment), "a commitment came twice");
            }
        }
    }
    open.close().await;
    // It is the salt that does it: under one salt, equal bodies are equal commitments.
    let [one, other] = [1, 1].map(|_| Opening { salt: Salt::new([1; 32]), body: vec![2] });
    assert_eq!(one.commitment(Part::Actor), other.commitment(Part::Actor));
}

async fn all_entries(place: &Place) -> Vec<StoredEntry> {
    let open = place.open().await;
    let (size, _) = open.reader().head().await.unwrap();
    let page = Page { from_index: 0, end_index: size, limit: u32::MAX };
    let entries = open.reader().entries(&page).await.unwrap();
    open.close().await;
    assert_eq!(entries.len() as u64, size);
    entries
}
