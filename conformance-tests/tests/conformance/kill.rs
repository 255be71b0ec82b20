//! P1 and P10 under `kill -9`: what was answered is recorded, what was acknowledged is kept, nothing is half done.
//!
//! Callers present cards, verify and push while the server is killed at random moments and started again on the same
//! directory and port. Afterwards the log is read whole and every receipt that any caller ever got is looked up in it.
//!
//! A failure: an answer whose leaf is missing or another; a checkpoint that the log no longer leads up to; an
//! acknowledged push of which a row is missing; a push, acknowledged or not, of which some rows are there and others
//! not. No failure: a call under way at the kill that has an effect although nobody was told, or none.
//! What stays random: which calls are under way, and therefore the counts that are printed.

mod callers;
mod ledger;
mod report;
mod urgent;

use std::path::Path;
use std::time::Duration;

use pmh_conformance::{Server, clock};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use callers::{Callers, Kept};
use ledger::Ledger;
use report::{Checked, Loss};

/// The promise itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p10_kill_9_loses_nothing_that_was_answered() {
    let kills = if clock::full_scale() { 200 } else { 6 };
    let dir = tempfile::tempdir().unwrap();
    let mut random = Seeded::new();
    let mut server = Server::start(dir.path()).await.unwrap();
    let callers = Callers::settle(&server.target().unwrap()).await;
    let (mut kept, mut under_way) = (Kept::default(), 0);
    for _ in 0..kills {
        under_way += round(&mut server, &callers, &mut kept, &mut random).await;
    }
    let (checked, losses) = check(&server, &kept).await;
    println!(
        "seed {}, {kills} kills, {} callers: {} answers received, {under_way} calls in flight at a kill, {checked}",
        random.seed,
        callers.count(),
        kept.answers.len(),
    );
    assert!(losses.is_empty(), "seed {}: {losses:#?}", random.seed);
    assert!(checked.pushes > 0, "nothing was pushed");
    assert!(under_way > 0, "no kill interrupted anything");
}

/// The control: a server that forgets what it had answered. The databases are put back to an older copy, which is
/// what a server that answers before its commit leaves behind at a kill; the same checks must say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p10_the_check_notices_a_server_that_forgets() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Seeded::new();
    let mut server = Server::start(dir.path()).await.unwrap();
    let callers = Callers::settle(&server.target().unwrap()).await;
    let mut kept = Kept::default();
    round(&mut server, &callers, &mut kept, &mut random).await;
    let (_, losses) = check(&server, &kept).await;
    assert!(losses.is_empty(), "nothing is lost yet: {losses:#?}");

    server.kill().unwrap();
    let older = tempfile::tempdir().unwrap();
    copy(&dir.path().join("data"), older.path());
    server.restart().await.unwrap();
    round(&mut server, &callers, &mut kept, &mut random).await;
    server.kill().unwrap();
    std::fs::remove_dir_all(dir.path().join("data")).unwrap();
    copy(older.path(), &dir.path().join("data"));
    server.restart().await.unwrap();

    let (_, losses) = check(&server, &kept).await;
    let lost = |kind: fn(&Loss) -> bool| losses.iter().any(kind);
    assert!(lost(|loss| matches!(loss, Loss::Answer { .. })), "{losses:#?}");
    assert!(lost(|loss| matches!(loss, Loss::Checkpoint { .. })), "{losses:#?}");
    assert!(lost(|loss| matches!(loss, Loss::Effect { .. })), "{losses:#?}");
}

/// Calls until a kill at a random moment, then a restart. Returns how many calls were under way.
async fn round(server: &mut Server, callers: &Callers, kept: &mut Kept, random: &mut Seeded) -> usize {
    let target = server.target().unwrap();
    let running = callers.run(&target, random.random.random());
    running.have_been_answered(ANSWERS_BEFORE_A_KILL).await;
    // The moment is the experiment, not a way to wait for something.
    tokio::time::sleep(Duration::from_millis(random.random.random_range(0..500))).await;
    let under_way = running.under_way();
    server.kill().unwrap();
    running.gather(kept).await;
    server.restart().await.unwrap();
    under_way
}

/// Everything against the log and the records as they are now.
async fn check(server: &Server, kept: &Kept) -> (Checked, Vec<Loss>) {
    let target = server.target().unwrap();
    let ledgers = [Ledger::read(&target, ledger::AUTH).await, Ledger::read(&target, ledger::GATEWAY).await];
    report::check(&target, &ledgers, kept).await
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Randomness that can be asked for again: `PMH_TEST_SEED` repeats the moments and the choices, not the scheduling.
struct Seeded {
    seed: u64,
    random: StdRng,
}

impl Seeded {
    fn new() -> Self {
        let given = std::env::var("PMH_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(rand::random);
        Self { seed, random: StdRng::seed_from_u64(seed) }
    }
}

/// A kill among callers that are still connecting would interrupt nothing.
const ANSWERS_BEFORE_A_KILL: usize = 40;
