//! What can go wrong in the store, told to the operator and never to a caller.

/// A failure of storage. The message names tables and steps, never content.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database refused or is away.
    #[error("database: {step}")]
    Database {
        /// What was being done.
        step: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// Migration failed or the schema is newer than this program.
    #[error("schema")]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// A stored row is not what this program writes.
    #[error("inconsistent row in {table}, column {column}")]
    Inconsistent {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
    },
    /// The head row moved under the lock: two histories were about to be written.
    #[error("log head moved under the lock")]
    HeadMoved,
    /// The log does not accept entries: a flush failed or the queue is full.
    #[error("log unavailable: {0}")]
    Unavailable(&'static str),
    /// A setting that would break a promise.
    #[error("unsafe setting: {0}")]
    Setting(&'static str),
    /// A sealed body or key does not open.
    #[error("sealed column does not open")]
    Seal,
    /// A file of ours cannot be used.
    #[error("file: {0}")]
    File(#[from] std::io::Error),
}

impl Fault {
    pub(crate) fn database(step: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { step, source }
    }

    /// Whether the transaction may simply run again: serialization failure,
    /// deadlock, or a busy database (SQLSTATE 40001, 40P01; SQLite 5, 517).
    pub(crate) fn is_retryable(&self) -> bool {
        let Self::Database { source: sqlx::Error::Database(error), .. } = self else { return false };
        matches!(error.code().as_deref(), Some("40001" | "40P01" | "5" | "517"))
    }
}
