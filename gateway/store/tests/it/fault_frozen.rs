//! A database that stands still, and many callers at one instant: how much gathers, and how often is flushed.

use std::{fs, time::Duration};

use pmh_store::{Fault, GatewayStore};
use tokio::task::JoinSet;

use crate::{
    fault::{Victim, block_on, tell},
    log::{assert_one_history, flood},
    support::*,
};

/// Operations that may wait (`QUEUE` of the sequencer).
const QUEUE: usize = 4096;
/// Entries in one commit at most (`BATCH` of the sequencer).
const BATCH: usize = 1024;
/// What a minute of refused callers may leave behind: allocator slack, and nothing that grows with their number.
const SLACK: usize = 16 << 20;

#[test]
fn i26_a_frozen_database_leaves_memory_and_queue_bounded_and_answers_everybody() {
    block_on(async {
        let Some(victim) = Victim::new().await else { return };
        let switch = victim.switch();
        let faults = [("FAULT_BLOCK", switch.to_str().unwrap())];
        for line in victim.start("fault_frozen::writer_whose_disk_stands_still", &faults).succeeds() {
            println!("{line}");
        }
    });
}

/// Does nothing unless the test above starts it. The minute is sixty waves of callers, not sixty seconds: nothing
/// happens in the store while its write is stuck, so time itself changes nothing.
#[test]
fn writer_whose_disk_stands_still() {
    let Some(victim) = Victim::inside() else { return };
    block_on(async {
        let open = victim.place().open().await;
        disclose(&open, [1; 32]).await.unwrap();
        victim.switch_on();
        let mut waiting = JoinSet::new();
        waiting.spawn(receipt(open.store.clone()));
        eventually("a stuck write", async || victim.tally(b'b') > 0).await;
        for _ in 1..QUEUE {
            waiting.spawn(receipt(open.store.clone()));
        }
        eventually("a full queue", async || open.waiting() == QUEUE).await;
        let memory = resident_bytes();
        for second in 0..60 {
            let mut wave = JoinSet::new();
            for _ in 0..500 {
                let store = open.store.clone();
                wave.spawn(async move { disclose(&store, [2; 32]).await });
            }
            let wave = tokio::time::timeout(Duration::from_secs(20), wave.join_all()).await;
            for answer in wave.expect("refusals do not wait for the database") {
                assert!(matches!(answer, Err(Fault::Unavailable("queue full"))), "second {second}");
            }
            assert!(open.waiting() <= QUEUE);
        }
        let grown = resident_bytes().saturating_sub(memory);
        assert!(grown < SLACK, "{grown} bytes more after a minute");
        victim.switch_off();
        let mut receipts = Vec::new();
        for answer in waiting.join_all().await {
            receipts.push(answer.expect("whoever waited is answered when the database returns"));
        }
        assert_one_history(&receipts[..200]);
        assert_eq!(open.reader().head().await.unwrap().0, 1 + receipts.len() as u64);
        tell(&format!(
            "{} waited and were answered, 30000 refused at once, {grown} bytes more",
            receipts.len()
        ));
        open.close().await;
    });
}

async fn receipt(store: GatewayStore) -> Result<pmh_audit::Receipt, Fault> {
    disclose(&store, [1; 32]).await.map(|(_, receipt)| receipt)
}

/// proc_pid_statm(5), second field.
fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Within the process; that nothing else can make an answer is the type `Recorded`, and that the socket's side keeps to
/// it is what the kill tests of the whole program see.
#[test]
fn i01_no_answer_comes_before_its_flush() {
    block_on(async {
        let Some(victim) = Victim::new().await else { return };
        let switch = victim.switch();
        let faults = [("FAULT_HOLD", switch.to_str().unwrap())];
        victim.start("fault_frozen::writer_whose_flush_is_held", &faults).succeeds();
    });
}

/// Does nothing unless the test above starts it.
#[test]
fn writer_whose_flush_is_held() {
    let Some(victim) = Victim::inside() else { return };
    block_on(async {
        let open = victim.place().open().await;
        disclose(&open, [1; 32]).await.unwrap();
        victim.switch_on();
        let call = tokio::spawn(receipt(open.store.clone()));
        eventually("a flush that waits", async || victim.tally(b'b') > 0).await;
        let flushed = victim.tally(b's');
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            assert!(!call.is_finished(), "answered while the flush was held");
        }
        assert_eq!((victim.tally(b's'), open.reader().head().await.unwrap().0), (flushed, 1));
        victim.switch_off();
        assert_eq!(call.await.unwrap().unwrap().index, 1);
        assert!(victim.tally(b's') > flushed);
        open.close().await;
    });
}

#[test]
fn i06_callers_of_one_instant_share_flushes() {
    block_on(async {
        for callers in [1, 2, 64, 1024, 2500] {
            let Some(victim) = Victim::new().await else { return };
            let told = victim.start(
                "fault_frozen::writer_for_callers_of_one_instant",
                &[("PMH_STORE_CALLERS", &callers.to_string())],
            );
            let flushes: usize = told.succeeds().first().unwrap().parse().unwrap();
            println!("{callers} callers, {flushes} flushes");
            assert!((1..=2 + callers / BATCH).contains(&flushes), "{callers} callers, {flushes} flushes");
        }
    });
}

/// Does nothing unless the test above starts it.
#[test]
fn writer_for_callers_of_one_instant() {
    let Some(victim) = Victim::inside() else { return };
    let callers: usize = std::env::var("PMH_STORE_CALLERS").unwrap().parse().unwrap();
    block_on(async {
        let place = victim.place();
        let open = place.open().await;
        // The write-ahead log's first frames cost a flush of their own.
        disclose(&open, [1; 32]).await.unwrap();
        let mut raw = place.raw().await;
        raw.hold().await;
        let store = open.store.clone();
        let flood = tokio::spawn(async move { flood(&store, callers, 9).await });
        eventually("all callers wait", async || {
            tokio::task::yield_now().await;
            open.waiting() == callers
        })
        .await;
        let before = victim.tally(b's');
        raw.release().await;
        assert_eq!(flood.await.unwrap().len(), callers);
        tell(&(victim.tally(b's') - before).to_string());
        open.close().await;
    });
}
