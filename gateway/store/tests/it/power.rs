//! Power cuts: a file keeps what it held at its last successful flush, and nothing else (audit.md §4.6).
//!
//! A failure is: an acknowledged entry missing or at another index in what survives, a database that does not pass its
//! own check, a log whose tree does not compute. No failure is: an entry nobody was told about. The model drops what
//! was not flushed and tears a flush that was under way; it does not reorder writes within one flush.

use pmh_audit::tree::leaf_hash;
use pmh_store::GatewayStore;

use crate::{
    fault::{Acknowledged, Victim, assert_kept, block_on, hex, tell},
    support::*,
};

const CALLERS: usize = 8;
/// At most this many acknowledgements before a cut: enough that checkpoints of the write-ahead log are cut too.
const MANY: u32 = 4000;

#[test]
fn i03_a_power_cut_loses_nothing_acknowledged() {
    let cuts = scaled(5, 120);
    let mut acknowledged = 0;
    for cut in 0..cuts {
        let Some((victim, told)) = cut_power(&[]) else { return };
        assert!(victim.tally(b's') > 0, "the library was not loaded");
        acknowledged += told.len();
        block_on(assert_kept(&victim.after_power_cut(), &told));
        if cut + 1 == cuts {
            println!("power cut {cuts} times: {acknowledged} acknowledged entries, 0 lost");
        }
    }
}

/// What `synchronous=NORMAL` does, seen from the file: COMMIT does not flush the write-ahead log, a checkpoint does. The
/// store has no such setting, so the library forgets those flushes. Nothing is damaged, and promises are broken: this
/// is why the harness must be able to see it.
#[test]
fn i03_control_without_a_flush_at_commit_acknowledged_entries_are_lost() {
    let (mut acknowledged, mut lost, mut losing) = (0, 0, 0);
    let cuts = scaled(3, 40);
    for _ in 0..cuts {
        let Some((victim, told)) = cut_power(&[("FAULT_FORGET", "1")]) else { return };
        acknowledged += told.len();
        block_on(async {
            let mut raw = victim.after_power_cut().raw().await;
            assert_eq!(raw.texts("PRAGMA integrity_check").await, ["ok"]);
            let kept = u64::try_from(raw.count("SELECT COUNT(*) FROM log_entry").await).unwrap();
            let missing = told.keys().filter(|index| **index >= kept).count();
            lost += missing;
            losing += usize::from(missing > 0);
        });
    }
    println!("control, {cuts} cuts: {lost} of {acknowledged} acknowledged entries lost in {losing} of them");
    assert!(lost > 0, "the harness cannot fail");
}

/// The process dies at the n-th write or flush itself, so that every step of a commit and of a checkpoint is one at
/// which it died.
#[test]
fn i03_a_power_cut_within_a_write_or_a_flush_loses_nothing_acknowledged() {
    let steps = scaled(6, 40);
    for call in ["write", "sync"] {
        for step in 0..steps {
            // Dense among the first, so that opening is hit, and then ever further on.
            let at = (1 + step * step * if call == "write" { 5 } else { 1 }).to_string();
            let faults = [("FAULT_CALL", call), ("FAULT_AT", &at), ("FAULT_ERRNO", "0")];
            block_on(async {
                let Some(victim) = Victim::new().await else { return };
                let (told, status) = victim.start("power::writer_until_its_end", &faults).rest();
                assert!(!status.success(), "it did not die at {call} {at}");
                assert_kept(&victim.after_power_cut(), &acknowledged(told)).await;
                assert_kept(&victim.place(), &Acknowledged::new()).await;
            });
        }
    }
}

/// What a writer had acknowledged when its power was cut at a random moment.
fn cut_power(faults: &[(&str, &str)]) -> Option<(Victim, Acknowledged)> {
    let mut victim = None;
    block_on(async { victim = Victim::new().await });
    let victim = victim?;
    let mut writer = victim.start("power::writer_until_its_end", faults);
    let mut number = [0; 4];
    random(&mut number);
    let number = u32::from_be_bytes(number);
    // As often few as many.
    let until = 1 + number % (MANY >> (number % 5 * 2));
    let mut told: Vec<String> = (0..until).map_while(|_| writer.next()).collect();
    writer.kill();
    told.extend(writer.rest().0);
    Some((victim, acknowledged(told)))
}

fn acknowledged(told: Vec<String>) -> Acknowledged {
    let mut entries = Acknowledged::new();
    for line in told {
        // The last line may have been cut by the kill.
        if let Some((index, hash)) = line.split_once(' ').filter(|(_, hash)| hash.len() == 64) {
            let before = entries.insert(index.parse().unwrap(), hash.to_owned());
            assert_eq!(before, None, "an index was given twice");
        }
    }
    entries
}

/// Does nothing unless a test above starts it.
#[test]
fn writer_until_its_end() {
    let Some(victim) = Victim::inside() else { return };
    block_on(async {
        let open = victim.place().open().await;
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(call_forever(open.store.clone(), [u8::try_from(caller).unwrap(); 32]));
        }
        callers.join_all().await;
    });
}

async fn call_forever(store: GatewayStore, person: [u8; 32]) {
    loop {
        let (_, receipt) = disclose(&store, person).await.unwrap();
        tell(&format!("{} {}", receipt.index, hex(&leaf_hash(&receipt.leaf))));
    }
}
