//! One door to two engines: a closed enum, shared SQL text, typed values.
//!
//! SQLite and PostgreSQL both accept `$1`, `ON CONFLICT … DO UPDATE`, `excluded`
//! and `RETURNING`, so a statement is written once. Where an engine differs the
//! difference is in this file.

mod pool;
mod schema;
mod script;
mod value;

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous},
};

pub(crate) use pool::ReadPool;
pub use schema::migrations;
use schema::{Engine, migrator, witness_migrator};
pub(crate) use script::Script;
pub(crate) use value::{Row, Value};

use crate::Fault;

/// Where a database is.
#[derive(Clone)]
pub enum Location {
    /// A SQLite file; made if it is not there.
    Sqlite(std::path::PathBuf),
    /// A PostgreSQL URL.
    Postgres(String),
}

impl std::fmt::Debug for Location {
    /// Never prints the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

/// Which tables a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Cards, persons, presences.
    Auth,
    /// Records.
    Gateway,
}

/// One connection to one engine.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// How many rows one statement carries: bounds the number of distinct statement texts.
const ROWS_A_STATEMENT: usize = 64;
/// Room for the texts of multi-row statements and of whole scripts, which differ by their numbers of rows.
const STATEMENTS_KEPT: usize = 1024;

impl Connection {
    /// Opens a connection with the settings that durability needs.
    pub(crate) async fn open(location: &Location) -> Result<Self, Fault> {
        match location {
            Location::Sqlite(path) => {
                let mut connection = sqlite_options(path)
                    .create_if_missing(true)
                    .connect()
                    .await
                    .map_err(Fault::database("open"))?;
                refuse_old_sqlite(&mut connection).await?;
                Ok(Self::Sqlite(connection))
            }
            Location::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)
                    .map_err(Fault::database("parse url"))?
                    .application_name("pmh-gateway")
                    .statement_cache_capacity(STATEMENTS_KEPT)
                    .options([("idle_in_transaction_session_timeout", "2s")]);
                let connection = options.connect().await.map_err(Fault::database("connect"))?;
                let mut connection = Self::Postgres(connection);
                connection.refuse_unsafe_postgres().await?;
                Ok(connection)
            }
        }
    }

    /// Opens a connection that cannot write to a database that is there.
    pub(crate) async fn open_to_read(location: &Location) -> Result<Self, Fault> {
        match location {
            Location::Sqlite(path) => {
                // A file opened read-only could not follow the WAL of a writer that has gone.
                let options = sqlite_options(path).pragma("query_only", "on");
                Ok(Self::Sqlite(options.connect().await.map_err(Fault::database("open"))?))
            }
            Location::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)
                    .map_err(Fault::database("parse url"))?
                    .application_name("pmh-gateway reader")
                    .statement_cache_capacity(STATEMENTS_KEPT)
                    .options([("default_transaction_read_only", "on")]);
                Ok(Self::Postgres(options.connect().await.map_err(Fault::database("connect"))?))
            }
        }
    }

    /// Brings the schema up to this program's version; refuses a newer one.
    pub(crate) async fn migrate(&mut self, role: Role) -> Result<(), Fault> {
        match self {
            Self::Sqlite(connection) => migrator(role, Engine::Sqlite).run(connection).await?,
            Self::Postgres(connection) => migrator(role, Engine::Postgres).run(connection).await?,
        }
        Ok(())
    }

    /// The same for a witness's memory.
    pub(crate) async fn migrate_witness(&mut self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(connection) => witness_migrator(Engine::Sqlite).run(connection).await?,
            Self::Postgres(connection) => witness_migrator(Engine::Postgres).run(connection).await?,
        }
        Ok(())
    }

    /// Begins the one writing transaction. SQLite takes the write lock at once,
    /// because an upgrade of a read lock fails without waiting.
    pub(crate) async fn begin(&mut self) -> Result<(), Fault> {
        self.execute(self.begin_text(), vec![]).await.map(drop)
    }

    fn begin_text(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// Begins it and locks and reads the row that everything hangs on.
    pub(crate) async fn begin_with(&mut self, select: &'static str) -> Result<Option<Row>, Fault> {
        match self {
            Self::Sqlite(_) => self.fetch_one(&format!("{}; {select}", self.begin_text()), vec![]).await,
            Self::Postgres(_) => {
                self.begin().await?;
                let locking = format!("{select}{}", self.for_update());
                self.fetch_one(&locking, vec![]).await
            }
        }
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Fault> {
        self.execute("COMMIT", vec![]).await.map(drop)
    }

    /// Ends the connection in good order; on SQLite the WAL is folded in.
    pub(crate) async fn close(self) {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
        if closed.is_err() {
            tracing::debug!("connection ended without its farewell");
        }
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), Fault> {
        self.execute("ROLLBACK", vec![]).await.map(drop)
    }

    /// Suffix that locks the selected row where the transaction has not locked all.
    pub(crate) fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE",
        }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Runs a statement; gives the number of rows it changed.
    pub(crate) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, Fault> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let mut query = sqlx::query(sql);
                for value in values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                        Value::Bytes(value) => query.bind(value),
                    };
                }
                query.execute(connection).await.map(|done| done.rows_affected())
            }
            Self::Postgres(connection) => {
                let mut query = sqlx::query(sql);
                for value in values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                        Value::Bytes(value) => query.bind(value),
                    };
                }
                query.execute(connection).await.map(|done| done.rows_affected())
            }
        }
        .map_err(Fault::database("execute"))
    }

    /// Runs a query; gives all rows.
    pub(crate) async fn fetch(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let mut query = sqlx::query(sql);
                for value in values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                        Value::Bytes(value) => query.bind(value),
                    };
                }
                let rows = query.fetch_all(connection).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(connection) => {
                let mut query = sqlx::query(sql);
                for value in values {
                    query = match value {
                        Value::Int(value) => query.bind(value),
                        Value::Text(value) => query.bind(value),
                        Value::Bytes(value) => query.bind(value),
                    };
                }
                let rows = query.fetch_all(connection).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        }
        .map_err(Fault::database("fetch"))
    }

    /// At most one row.
    pub(crate) async fn fetch_one(&mut self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, Fault> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// `<head> VALUES (…), (…) <tail>` for many rows of equal width.
    pub(crate) async fn insert(
        &mut self,
        head: &'static str,
        tail: &'static str,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, Fault> {
        let mut changed = 0;
        let mut rows = rows.into_iter();
        loop {
            let chunk: Vec<Vec<Value>> = rows.by_ref().take(ROWS_A_STATEMENT).collect();
            let Some(width) = chunk.first().map(Vec::len) else { return Ok(changed) };
            let sql = format!("{} {tail}", self.insert_text(head, chunk.len(), width));
            changed += self.execute(&sql, chunk.into_iter().flatten().collect()).await?;
        }
    }

    /// `<head> VALUES (…), (…)` as this engine has its parameters.
    fn insert_text(&self, head: &str, rows: usize, width: usize) -> String {
        match self {
            // Without OR FAIL every statement of several rows keeps a journal of its own, to undo its first rows if a
            // later one fails. Here any failure undoes the whole transaction.
            Self::Sqlite(_) => {
                let head = head.replacen("INSERT INTO", "INSERT OR FAIL INTO", 1);
                format!("{head} VALUES {}", unnumbered_tuples(rows, width))
            }
            Self::Postgres(_) => format!("{head} VALUES {}", tuples(rows, width)),
        }
    }

    /// A query with one `{keys}` that becomes `$n, $n+1, …` after the fixed values,
    /// or one `{rows}` that becomes `($1), ($2), …`.
    pub(crate) async fn fetch_in(
        &mut self,
        sql: &'static str,
        fixed: &[Value],
        keys: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        let mut found = Vec::new();
        let mut keys = keys.into_iter();
        loop {
            let chunk: Vec<Value> = keys.by_ref().take(ROWS_A_STATEMENT).collect();
            if chunk.is_empty() {
                return Ok(found);
            }
            let sql = match self {
                Self::Sqlite(_) if fixed.is_empty() => sql.replace("{keys}", &unnumbered(chunk.len())),
                _ => sql.replace("{keys}", &placeholders(fixed.len(), chunk.len())),
            };
            let sql = match self {
                Self::Sqlite(_) => sql.replace("{rows}", &unnumbered_tuples(chunk.len(), 1)),
                Self::Postgres(_) => sql.replace("{rows}", &tuples(chunk.len(), 1)),
            };
            let values = fixed.iter().cloned().chain(chunk).collect();
            found.extend(self.fetch(&sql, values).await?);
        }
    }

    /// PostgreSQL settings without which an acknowledged entry could be lost.
    async fn refuse_unsafe_postgres(&mut self) -> Result<(), Fault> {
        for (setting, allowed) in [
            ("fsync", &["on"][..]),
            ("full_page_writes", &["on"][..]),
            ("synchronous_commit", &["on", "remote_apply"][..]),
        ] {
            let row = self.fetch_one(&format!("SHOW {setting}"), vec![]).await?;
            let value = row.map(|row| row.text(0)).transpose()?.unwrap_or_default();
            if !allowed.contains(&value.as_str()) {
                return Err(Fault::Setting(
                    "PostgreSQL must run with fsync, full_page_writes and synchronous_commit on",
                ));
            }
        }
        Ok(())
    }
}

/// Held as long as a sequencer runs, so that a second program on the same
/// SQLite file stops at start: two would each believe they own the log's head.
pub(crate) struct FileLock(
    #[expect(dead_code, reason = "closing the file gives the lock back")] std::fs::File,
);

impl FileLock {
    /// Locks `<database>.lock`; PostgreSQL needs none, its head row is the lock.
    pub(crate) fn take(location: &Location) -> Result<Option<Self>, Fault> {
        let Location::Sqlite(path) = location else { return Ok(None) };
        let mut name = path.clone().into_os_string();
        name.push(".lock");
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(Fault::Setting("another process has this database open"))
            }
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// The settings that durability needs and speed wants; for the benchmark's control, which must have the same.
#[doc(hidden)]
#[must_use]
pub fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("secure_delete", "on")
        // Small pages: a call changes a few hundred bytes in pages all over the tables, and whole pages are written.
        .page_size(1024)
        // Not more: whenever a tree page splits, COMMIT walks all buckets of the page cache, which are as many as pages.
        .pragma("cache_size", "-1024")
        // Pages that many batches change are folded into the file once; most of them beside the writer (`fold`).
        .pragma("wal_autocheckpoint", "32000")
        .statement_cache_capacity(STATEMENTS_KEPT)
}

/// SQLite 3.7.0 to 3.51.2 can lose committed data when a WAL is reset under two connections.
async fn refuse_old_sqlite(connection: &mut SqliteConnection) -> Result<(), Fault> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut *connection)
        .await
        .map_err(Fault::database("sqlite_version"))?;
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts.as_slice() >= [3, 51, 3].as_slice() {
        return Ok(());
    }
    connection.ping().await.map_err(Fault::database("ping"))?;
    Err(Fault::Setting("SQLite older than 3.51.3 can lose committed data"))
}

/// SQLite looks a numbered parameter up by its name at each bind; a bare `?` it only counts.
fn unnumbered(count: usize) -> String {
    let mut text = "?,".repeat(count);
    text.pop();
    text
}

fn unnumbered_tuples(rows: usize, width: usize) -> String {
    let row = format!("({}),", unnumbered(width));
    let mut text = row.repeat(rows);
    text.pop();
    text
}

fn placeholders(skip: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 5);
    for n in 1..=count {
        if n > 1 {
            text.push(',');
        }
        text.push('$');
        text.push_str(&(skip + n).to_string());
    }
    text
}

fn tuples(rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 5);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        text.push_str(&placeholders(row * width, width));
        text.push(')');
    }
    text
}
