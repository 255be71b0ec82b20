//! Writes of one transaction that need no answer in between.
//!
//! Each statement handed to SQLite's own thread costs two wake-ups, on a busy machine the dearest part of a small
//! statement; so a script goes there in one piece. PostgreSQL takes its statements one by one.

use super::{Connection, ROWS_A_STATEMENT, Value};
use crate::Fault;

/// Statements and their values, in order.
#[derive(Default)]
pub(crate) struct Script {
    statements: Vec<Statement>,
    /// Updates, each of which gives back the row that it hit.
    updates: usize,
    begins: bool,
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
        }
    }

    /// An update that must hit exactly one row, which it returns.
    pub(crate) fn update_one(&mut self, sql: &'static str, values: Vec<Value>) {
        self.statements.push(Statement::Update { sql, values });
        self.updates += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The transaction begins with it.
    pub(crate) fn begin_first(&mut self) {
        self.begins = true;
    }

    /// Runs everything; false if an update hit no row. An insert succeeds for all of its rows or fails.
    pub(crate) async fn run(self, connection: &mut Connection) -> Result<bool, Fault> {
        let Self { statements, updates, begins } = self;
        let mut texts: Vec<_> = statements.into_iter().map(|statement| statement.text(connection)).collect();
        if begins {
            texts.insert(0, (connection.begin_text().to_owned(), Vec::new()));
        }
        if connection.is_sqlite() {
            texts = vec![at_once(texts)];
        }
        let mut hit = 0;
        for (sql, values) in texts {
            hit += connection.fetch(&sql, values).await?.len();
        }
        Ok(hit == updates)
    }
}

impl Statement {
    fn text(self, connection: &Connection) -> (String, Vec<Value>) {
        match self {
            Self::Insert { head, rows, width, values } => (connection.insert_text(head, rows, width), values),
            Self::Update { sql, values } if connection.is_sqlite() => (sql.to_owned(), values),
            Self::Update { sql, values } => (numbered(sql), values),
        }
    }
}

fn at_once(texts: Vec<(String, Vec<Value>)>) -> (String, Vec<Value>) {
    let (texts, values): (Vec<String>, Vec<Vec<Value>>) = texts.into_iter().unzip();
    (texts.join(";"), values.into_iter().flatten().collect())
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
