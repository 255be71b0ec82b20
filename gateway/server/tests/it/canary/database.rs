//! Every column of every table, as whoever has the file can read it.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::forms::Canary;

/// A column that holds an identifier.
pub(super) struct Holder {
    pub(super) table: String,
    pub(super) column: String,
    /// Which identifier.
    pub(super) what: &'static str,
}

pub(super) async fn holders(file: &Path, canaries: &[Canary]) -> Vec<Holder> {
    let mut database = SqliteConnectOptions::new().filename(file).read_only(true).connect().await.unwrap();
    let mut found = Vec::new();
    for table in texts(&mut database, "SELECT name FROM sqlite_schema WHERE type = 'table'").await {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        for column in texts(&mut database, &columns).await {
            let values =
                format!("SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
            for row in sqlx::query(AssertSqlSafe(values)).fetch_all(&mut database).await.unwrap() {
                let value: Vec<u8> = row.get(0);
                for canary in canaries.iter().filter(|canary| canary.is_in(&value)) {
                    found.push(Holder { table: table.clone(), column: column.clone(), what: canary.what });
                }
            }
        }
    }
    found
}

async fn texts(database: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(database).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
