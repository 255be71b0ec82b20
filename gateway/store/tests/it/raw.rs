//! Past the store, to the tables themselves: what its interface cannot reach.

use sqlx::{AssertSqlSafe, Row as _};

/// A connection of the test's own.
pub(crate) enum Raw {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Raw {
    pub(crate) async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(format!("/*test*/ {sql}"));
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop),
            Self::Postgres(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop),
        }
    }

    /// First column of all rows.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(format!("/*test*/ {sql}"));
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    pub(crate) async fn count(&mut self, sql: &str) -> i64 {
        let sql = format!("SELECT CAST(({sql}) AS TEXT)");
        self.texts(&sql).await.first().unwrap().parse().unwrap()
    }

    /// Holds back every writer until [`Raw::release`].
    pub(crate) async fn hold(&mut self) {
        match self {
            Self::Sqlite(_) => self.run("BEGIN IMMEDIATE").await.unwrap(),
            Self::Postgres(_) => {
                self.run("BEGIN").await.unwrap();
                self.run("SELECT size FROM log_head FOR UPDATE").await.unwrap();
            }
        }
    }

    pub(crate) async fn release(&mut self) {
        self.run("ROLLBACK").await.unwrap();
    }
}
