//! A few connections for readers, so that none waits for the writer and not all for one.

use std::sync::Mutex;

use tokio::sync::Semaphore;

use super::{Connection, Location, Row, Value};
use crate::Fault;

/// Connections that cannot write. Opened when needed, kept for the next reader.
pub(crate) struct ReadPool {
    location: Location,
    seats: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl ReadPool {
    /// Opens the first connection, so that a database that cannot be read is known at once.
    pub(crate) async fn open(location: &Location) -> Result<Self, Fault> {
        let first = Connection::open_to_read(location).await?;
        Ok(Self { location: location.clone(), seats: Semaphore::new(SEATS), idle: Mutex::new(vec![first]) })
    }

    /// One read. A connection that ended meanwhile is replaced, once; one whose reader went away in the middle is
    /// dropped with it.
    pub(crate) async fn fetch(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        let _seat = self.seats.acquire().await.map_err(|_| Fault::Unavailable("readers closed"))?;
        if let Some(mut connection) = self.take() {
            match connection.fetch(sql, values.clone()).await {
                Err(fault) if fault.is_lost() => {}
                done => {
                    self.keep(connection);
                    return done;
                }
            }
        }
        let mut connection = Connection::open_to_read(&self.location).await?;
        let rows = connection.fetch(sql, values).await?;
        self.keep(connection);
        Ok(rows)
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().ok()?.pop()
    }

    fn keep(&self, connection: Connection) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(connection);
        }
    }
}

/// Readers at a time. A read is a few pages from memory; more would only take the processor from the writer.
const SEATS: usize = 4;
