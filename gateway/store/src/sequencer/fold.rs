//! The write-ahead log of a SQLite file is folded into the file beside the writer.
//!
//! A checkpoint copies thousands of pages and flushes them. SQLite does it in the COMMIT that made the WAL too long, and
//! for tens of milliseconds nobody is answered. Here another connection does most of it while the writer goes on, pass
//! after pass; the little that was written during the last pass is left to the writer, between two batches. Only the
//! writer can begin the WAL anew, because only it can see that nothing more was added.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{sync::mpsc, task::JoinHandle};

use crate::{Fault, Location, db::Connection};

/// Entries after which it is worth the while: before SQLite would do it in a COMMIT.
const ENTRIES: u64 = 6_000;
/// Pages that the writer folds in a few milliseconds.
const FEW: i64 = 1_000;
/// What is written during one pass is the work of the next, and each is shorter.
const PASSES: u32 = 4;

/// Folds when asked to.
pub(super) struct Folding {
    ask: mpsc::Sender<()>,
    task: JoinHandle<()>,
    asked_at: u64,
    /// The rest is the writer's.
    is_little_left: Arc<AtomicBool>,
}

impl Folding {
    /// On the runtime of the sequencer, with which it ends.
    pub(super) fn begin(location: Location) -> Self {
        let (ask, asked) = mpsc::channel(1);
        let is_little_left = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(fold_when_asked(location, asked, Arc::clone(&is_little_left)));
        Self { ask, task, asked_at: 0, is_little_left }
    }

    /// The log has so many entries now. Whether the writer is to fold the rest.
    pub(super) fn grown(&mut self, size: u64) -> bool {
        if size.saturating_sub(self.asked_at) >= ENTRIES {
            self.asked_at = size;
            // Full: it is about to begin anyway.
            let _ = self.ask.try_send(());
        }
        self.is_little_left.swap(false, Ordering::Relaxed)
    }

    /// Until its connection is closed, the file is not everybody's.
    pub(super) async fn end(self) {
        let Self { ask, task, .. } = self;
        drop(ask);
        let _ = task.await;
    }
}

async fn fold_when_asked(location: Location, mut asked: mpsc::Receiver<()>, is_little_left: Arc<AtomicBool>) {
    let mut connection = None;
    while asked.recv().await.is_some() {
        match fold(&location, &mut connection).await {
            Ok(()) => is_little_left.store(true, Ordering::Relaxed),
            Err(fault) => {
                not_folded(&fault);
                connection = None;
            }
        }
    }
    if let Some(connection) = connection {
        connection.close().await;
    }
}

async fn fold(location: &Location, connection: &mut Option<Connection>) -> Result<(), Fault> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(location).await?),
    };
    let mut before = 0;
    for _ in 0..PASSES {
        let folded = pass(connection).await?;
        if folded - before <= FEW {
            break;
        }
        before = folded;
    }
    Ok(())
}

/// Copies what is in the WAL now; how many of its pages are in the file then. SQLite flushes the file in the pass that
/// leaves none, which beside a busy writer is the writer's own.
pub(super) async fn pass(connection: &mut Connection) -> Result<i64, Fault> {
    let row = connection.fetch_one("PRAGMA wal_checkpoint(PASSIVE)", vec![]).await?;
    row.map_or(Ok(0), |row| row.int(2))
}

/// Nothing is lost: the pages stay in the WAL, from which the next pass copies them again.
pub(super) fn not_folded(fault: &Fault) {
    tracing::warn!(%fault, "the write-ahead log was not folded");
}
