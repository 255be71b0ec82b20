//! What an erasure leaves in the database's own files.
//!
//! SQLite overwrites deleted rows with zeros (`secure_delete`), but its write-ahead log keeps the pages of before
//! until it is folded into the file and cut off. PostgreSQL only marks rows as dead: `VACUUM` gives their room back
//! and does not blank it, and its own log and archives keep them as long as the operator keeps those. There an erasure
//! rests on the destroyed key, and docs/operations.md says what the operator must do. Neither can speak for the disk
//! below the file, or for backups.

use crate::{
    Attempt, AuthStore, Concluding, Conclusion, Fault, GatewayStore, Reader, Reply,
    db::Value,
    sequencer::{BoxFuture, Lane, Transaction, Tx},
};

impl GatewayStore {
    /// Cleans the files after erasures; false if somebody was still reading an older state, to be tried again.
    pub async fn clean_files(&self, attempt: Attempt) -> Result<bool, Fault> {
        let Some(cleaned) = self.reader().clean().await? else { return Ok(false) };
        if !cleaned.0.is_empty() {
            drop(self.write(Lane::Bulk, attempt, None, cleaned, nothing).await?.into_parts());
        }
        Ok(true)
    }
}

impl AuthStore {
    /// Cleans the files after erasures; false if somebody was still reading an older state, to be tried again.
    pub async fn clean_files(&self, attempt: Attempt) -> Result<bool, Fault> {
        let Some(cleaned) = self.reader().clean().await? else { return Ok(false) };
        if !cleaned.0.is_empty() {
            drop(self.write(attempt, cleaned, nothing).await?.into_parts());
        }
        Ok(true)
    }
}

/// Erasures of which the files say nothing any more.
struct Cleaned(Vec<Value>);

impl Reader {
    /// `None` if the files could not be cleaned now.
    async fn clean(&self) -> Result<Option<Cleaned>, Fault> {
        let rows = self.fetch("SELECT erased_by FROM erasure_trace", vec![]).await?;
        let erasures = rows.iter().map(|row| row.int(0).map(Value::from)).collect::<Result<Vec<_>, _>>()?;
        if erasures.is_empty() {
            return Ok(Some(Cleaned(erasures)));
        }
        if !self.is_sqlite() {
            for vacuum in VACUUM {
                self.fetch(vacuum, vec![]).await?;
            }
            return Ok(Some(Cleaned(erasures)));
        }
        // Busy (first column): a reader stood in the way for five seconds.
        let row = self.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)", vec![]).await?;
        let is_busy = row.map(|row| row.flag(0)).transpose()?.unwrap_or(true);
        Ok((!is_busy).then_some(Cleaned(erasures)))
    }
}

impl Transaction for Cleaned {
    type Outcome = ();
    const TOUCHES_PERSONS: bool = false;

    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(tx.in_chunks("DELETE FROM erasure_trace WHERE erased_by IN", &[], self.0.clone()))
    }
}

fn nothing(_: Concluding<'_, ()>) -> Conclusion<()> {
    Conclusion { reply: Reply::Answer(Vec::new()), draft: None }
}

const VACUUM: [&str; 3] = ["VACUUM audit_part", "VACUUM subject_key", "VACUUM subject_ix"];
