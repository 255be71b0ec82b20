//! One write or flush fails: whoever got an answer has an entry, everybody gets an answer, and a flush that failed is
//! never tried again by the same process, because the kernel may have dropped what it could not write.

use std::collections::BTreeMap;

use pmh_audit::tree::leaf_hash;
use pmh_store::{GatewayStore, State};
use tokio::task::JoinSet;

use crate::{
    fault::{Acknowledged, Victim, assert_kept, block_on, hex, tell},
    support::*,
};

const CALLERS: u8 = 6;
const CALLS: usize = 15;
const EIO: &str = "5";
const ENOSPC: &str = "28";

#[test]
fn i02_03_an_error_of_any_write_or_flush_loses_nothing_acknowledged() {
    let steps = scaled(5, 60);
    let mut met = BTreeMap::new();
    for (call, stride) in [("write", 3), ("sync", 1)] {
        for step in 0..steps {
            let at = (1 + step * step * stride / if steps > 10 { 20 } else { 1 }).to_string();
            let errno = if step % 2 == 0 { EIO } else { ENOSPC };
            block_on(async {
                let faults = [("FAULT_CALL", call), ("FAULT_AT", &at), ("FAULT_ERRNO", errno)];
                let Some(story) = Story::of(&faults).await else { return };
                if story.victim.tally(b'F') == 0 {
                    return;
                }
                *met.entry(call).or_insert(0) += 1;
                story.assert_honest().await;
                // Only COMMIT flushes on a caller's behalf: if somebody was refused, that flush was theirs.
                if call == "sync" && story.refused > 0 {
                    assert_eq!(story.ended_as, "Poisoned", "a failed flush was survived at {call} {at}");
                }
            });
        }
    }
    println!("errors met: {met:?}");
    assert!(!cfg!(target_os = "linux") || met.len() == 2, "no error was met");
}

/// Everything fails that needs room, from some write on, until somebody clears up.
#[test]
fn i02_03_a_full_disk_refuses_callers_and_loses_nothing() {
    for step in 0..scaled(4, 40) {
        let at = (1 + step * 37 % 350).to_string();
        block_on(async {
            let Some(victim) = Victim::new().await else { return };
            victim.switch_on();
            let switch = victim.switch();
            let faults = [
                ("FAULT_CALL", "write"),
                ("FAULT_AT", at.as_str()),
                ("FAULT_ERRNO", ENOSPC),
                ("FAULT_WHILE", switch.to_str().unwrap()),
            ];
            let story = Story::told_by(victim, &faults);
            assert!(story.victim.tally(b'F') > 0, "the disk was never full");
            assert!(story.refused > 0 || story.ended_as == "Closed", "nobody was refused");
            story.assert_honest().await;
        });
    }
}

/// What happened to a writer whose disk failed it.
struct Story {
    victim: Victim,
    acknowledged: Acknowledged,
    refused: usize,
    /// Its log's last state, or `Closed` if it did not even open.
    ended_as: String,
    /// Whether the log took an entry once the trouble was over.
    recovered: bool,
}

impl Story {
    async fn of(faults: &[(&str, &str)]) -> Option<Self> {
        Some(Self::told_by(Victim::new().await?, faults))
    }

    fn told_by(victim: Victim, faults: &[(&str, &str)]) -> Self {
        let mut acknowledged = Acknowledged::new();
        let (mut refused, mut ended_as, mut recovered) = (0, String::new(), false);
        for line in victim.start("fault_io::writer_of_some_calls", faults).succeeds() {
            match line.split_once(' ') {
                Some(("ENDED", state)) => state.clone_into(&mut ended_as),
                Some((index, hash)) => drop(acknowledged.insert(index.parse().unwrap(), hash.to_owned())),
                None if line == "RECOVERED" => recovered = true,
                None => refused += 1,
            }
        }
        Self { victim, acknowledged, refused, ended_as, recovered }
    }

    /// Everybody was answered, no answer was a lie, and trouble that is over is over: in the same process unless its
    /// flush failed, in the next one always; also if the power went with the process.
    async fn assert_honest(&self) {
        let answered = self.acknowledged.len() + self.refused;
        let everybody = usize::from(CALLERS) * CALLS;
        match self.ended_as.as_str() {
            "Closed" => assert_eq!(answered, 0),
            "Poisoned" => assert!(answered > everybody && self.refused > 0 && !self.recovered),
            _ => assert!(answered >= everybody && self.recovered, "{}", self.ended_as),
        }
        assert_kept(&self.victim.place(), &self.acknowledged).await;
        assert_kept(&self.victim.after_power_cut(), &self.acknowledged).await;
    }
}

/// Does nothing unless a test above starts it.
#[test]
fn writer_of_some_calls() {
    let Some(victim) = Victim::inside() else { return };
    block_on(async {
        let Ok(open) = victim.place().try_open().await else { return tell("ENDED Closed") };
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(call_some(open.store.clone(), [caller; 32]));
        }
        callers.join_all().await;
        if victim.switch().exists() {
            victim.switch_off();
        }
        match disclose(&open, [1; 32]).await {
            Ok(_) => tell("RECOVERED"),
            Err(_) => tell("REFUSED"),
        }
        let state = *open.state().borrow();
        tell(&format!("ENDED {state:?}"));
        if state == State::Poisoned {
            open.has_ended().await;
        }
    });
}

async fn call_some(store: GatewayStore, person: [u8; 32]) {
    for _ in 0..CALLS {
        match disclose(&store, person).await {
            Ok((_, receipt)) => tell(&format!("{} {}", receipt.index, hex(&leaf_hash(&receipt.leaf)))),
            Err(_) => tell("REFUSED"),
        }
    }
}
