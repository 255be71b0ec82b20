//! Writes of one transaction that need no answer in between.
//!
//! Each statement handed to SQLite's own thread costs two wake-ups, on a busy machine the dearest part of a small
//! statement; so a script goes there in one piece. PostgreSQL takes its statements one by one.

use super::{Connection, ROWS_A_STATEMENT, Value, tuples, unnumbered_tuples};
use crate::Fault;

/// Statements and their values, in order.
#[derive(Default)]
pub(crate) struct Script {
    statements: Vec<Statement>,
    changes: u64,
}

enum Statement {
    /// `head VALUES (…), (…)`.
    Insert { head: &'static str, rows: usize, width: usize, values: Vec<Value> },
    /// Its parameters are bare question marks.
    Update { sql: &'static str, values: Vec<Value> },
}

impl Script {
    /// Rows of equal width; none at all is nothing to do.
    pub(crate) fn insert(&mut self, head: &'static str, rows: Vec<Vec<Value>>) {
        let mut rows = rows.into_iter().peekable();
        while let Some(width) = rows.peek().map(Vec::len) {
            let mut values = Vec::with_capacity(width * ROWS_A_STATEMENT);
            let mut count = 0;
            for row in rows.by_ref().take(ROWS_A_STATEMENT) {
                values.extend(row);
                count += 1;
            }
            self.statements.push(Statement::Insert { head, rows: count, width, values });
            self.changes += count as u64;
        }
    }

    /// An update that must hit exactly one row.
    pub(crate) fn update_one(&mut self, sql: &'static str, values: Vec<Value>) {
        self.statements.push(Statement::Update { sql, values });
        self.changes += 1;
    }

    /// Runs everything; false if fewer rows were changed than there are.
    pub(crate) async fn run(self, connection: &mut Connection) -> Result<bool, Fault> {
        if self.statements.is_empty() {
            return Ok(true);
        }
        let changed = if connection.is_sqlite() {
            let mut text = String::with_capacity(1024);
            let mut all = Vec::new();
            for statement in self.statements {
                let (sql, values) = statement.for_sqlite();
                text.push_str(&sql);
                text.push(';');
                all.extend(values);
            }
            connection.execute(&text, all).await?
        } else {
            let mut changed = 0;
            for statement in self.statements {
                let (sql, values) = statement.for_postgres();
                changed += connection.execute(&sql, values).await?;
            }
            changed
        };
        Ok(changed == self.changes)
    }
}

impl Statement {
    fn for_sqlite(self) -> (String, Vec<Value>) {
        match self {
            Self::Insert { head, rows, width, values } => {
                (format!("{} VALUES {}", or_fail(head), unnumbered_tuples(rows, width)), values)
            }
            Self::Update { sql, values } => (sql.to_owned(), values),
        }
    }

    fn for_postgres(self) -> (String, Vec<Value>) {
        match self {
            Self::Insert { head, rows, width, values } => {
                (format!("{head} VALUES {}", tuples(rows, width)), values)
            }
            Self::Update { sql, values } => (numbered(sql), values),
        }
    }
}

/// Without OR FAIL every statement of several rows keeps a journal of its own, to undo its first rows if a later one
/// fails. Here any failure undoes the whole transaction.
pub(super) fn or_fail(head: &str) -> String {
    head.replacen("INSERT INTO", "INSERT OR FAIL INTO", 1)
}

fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    for (n, piece) in sql.split('?').enumerate() {
        if n > 0 {
            text.push('$');
            text.push_str(&n.to_string());
        }
        text.push_str(piece);
    }
    text
}
