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
        source: Cause,
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
    /// The database is older than what this gateway signed: a backup was restored, or a standby took over that had not
    /// got everything. Receipts beyond it are out there, so this log must not go on.
    #[error(
        "the database holds {stored} entries of the log, but this gateway signed a checkpoint of {signed}: an earlier \
         state was restored; see docs/operations.md"
    )]
    Rewound {
        /// Entries in the database.
        stored: u64,
        /// Entries in the last signed checkpoint.
        signed: u64,
    },
    /// The database holds another history than this gateway signed.
    #[error(
        "the first {signed} entries in the database are not those of the checkpoint that this gateway signed; see \
         docs/operations.md"
    )]
    Rewritten {
        /// Entries in the last signed checkpoint.
        signed: u64,
    },
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

/// A driver's error that says what failed and never about whom: PostgreSQL
/// puts the values of a refused row into its message.
pub struct Cause(sqlx::Error);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            sqlx::Error::Database(error) => {
                write!(f, "code {}", error.code().as_deref().unwrap_or("none"))?;
                error.constraint().map_or(Ok(()), |constraint| write!(f, ", constraint {constraint}"))
            }
            sqlx::Error::Io(error) => write!(f, "connection: {}", error.kind()),
            sqlx::Error::Tls(_) => f.write_str("TLS"),
            sqlx::Error::Configuration(_) => f.write_str("configuration"),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => f.write_str("type of a column"),
            _ => f.write_str("driver"),
        }
    }
}

impl std::fmt::Debug for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Cause {}

impl Fault {
    pub(crate) fn database(step: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { step, source: Cause(source) }
    }

    /// Whether the transaction may simply run again, because nothing of it is
    /// kept: it met another one, or its connection ended before COMMIT.
    pub(crate) fn is_retryable(&self) -> bool {
        self.is_contention() || self.is_lost()
    }

    /// Serialization failure, deadlock, or a busy database (SQLSTATE 40001,
    /// 40P01; SQLite 5, 517).
    pub(crate) fn is_contention(&self) -> bool {
        matches!(self.code().as_deref(), Some("40001" | "40P01" | "5" | "517"))
    }

    /// The connection is gone: class 08, a server that shuts down (57P01 to
    /// 57P03), or one that waited too long for us (25P03).
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Database { source: Cause(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)), .. } => true,
            _ => self.code().is_some_and(|code| {
                code.starts_with("08") || matches!(code.as_ref(), "57P01" | "57P02" | "57P03" | "25P03")
            }),
        }
    }

    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Database { source: Cause(sqlx::Error::Database(error)), .. } => error.code(),
            _ => None,
        }
    }
}
