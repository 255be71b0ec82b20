//! The write-ahead log of a SQLite file is folded into the file beside the writer.
//!
//! A checkpoint copies thousands of pages and flushes them. SQLite does it in the COMMIT that made the WAL too long, and
//! for tens of milliseconds nobody is answered. Here another connection does most of it while the writer goes on; what is
//! left for that COMMIT is the little that was written meanwhile. Only a COMMIT can begin the WAL anew, because only the
//! writer can see that nothing more was added.

use tokio::{sync::mpsc, task::JoinHandle};

use crate::{Fault, Location, db::Connection};

/// Entries after which it is worth the while: twice before a COMMIT does it.
const ENTRIES: u64 = 3_000;
/// Pages that a COMMIT folds in a millisecond or two.
const FEW: i64 = 400;
/// What is written during one pass is the work of the next, and each is shorter.
const PASSES: u32 = 3;

/// Folds when asked to.
pub(super) struct Folding {
    ask: mpsc::Sender<()>,
    task: JoinHandle<()>,
    asked_at: u64,
}

impl Folding {
    /// On the runtime of the sequencer, with which it ends.
    pub(super) fn begin(location: Location) -> Self {
        let (ask, asked) = mpsc::channel(1);
        Self { ask, task: tokio::spawn(fold_when_asked(location, asked)), asked_at: 0 }
    }

    /// The log has so many entries now.
    pub(super) fn grown(&mut self, size: u64) {
        if size.saturating_sub(self.asked_at) >= ENTRIES {
            self.asked_at = size;
            // Full: it is about to begin anyway.
            let _ = self.ask.try_send(());
        }
    }

    /// Until its connection is closed, the file is not everybody's.
    pub(super) async fn end(self) {
        let Self { ask, task, .. } = self;
        drop(ask);
        let _ = task.await;
    }
}

async fn fold_when_asked(location: Location, mut asked: mpsc::Receiver<()>) {
    let mut connection = None;
    while asked.recv().await.is_some() {
        if let Err(fault) = fold(&location, &mut connection).await {
            // Nothing is lost: the pages stay in the WAL, from which a COMMIT or the next pass copies them again.
            tracing::warn!(%fault, "the write-ahead log was not folded");
            connection = None;
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
    for _ in 0..PASSES {
        let row = connection.fetch_one("PRAGMA wal_checkpoint(PASSIVE)", vec![]).await?;
        let Some(row) = row else { return Ok(()) };
        let (pages, folded) = (row.int(1)?, row.int(2)?);
        if pages - folded <= FEW {
            return Ok(());
        }
    }
    Ok(())
}
