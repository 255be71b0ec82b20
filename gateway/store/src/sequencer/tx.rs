//! The batch's transaction as an operation sees it.

use crate::{
    Fault, Idempotency, Role, StoreKeys,
    db::{Connection, Value},
    seal::SealingKey,
};

/// An open transaction under the head lock.
pub(crate) struct Tx {
    pub(crate) connection: Connection,
    pub(crate) keys: StoreKeys,
    /// The connection is unusable and must be opened again.
    pub(crate) lost: bool,
    /// Whether the transaction has begun. A SQLite file, which nobody else writes, is locked by the first write.
    pub(crate) begun: bool,
    /// Time of this batch, microseconds.
    pub(crate) now_us: i64,
    /// Index that this operation's own entry will have.
    pub(crate) next_index: u64,
    /// Version of the directory; raised by whoever changes it.
    pub(crate) registry: i64,
    /// The same as it was when the head was locked.
    pub(crate) stored_registry: i64,
}

/// What an idempotency key was used for before.
pub(crate) enum Earlier {
    Nothing,
    SameRequest(Vec<u8>),
    OtherRequest,
}

impl Tx {
    pub(crate) fn new(connection: Connection, keys: StoreKeys) -> Self {
        Self {
            connection,
            keys,
            lost: false,
            begun: false,
            now_us: 0,
            next_index: 0,
            registry: 0,
            stored_registry: 0,
        }
    }

    /// Begins, unless that is done.
    pub(crate) async fn begin(&mut self) -> Result<(), Fault> {
        if !std::mem::replace(&mut self.begun, true) {
            self.connection.begin().await?;
        }
        Ok(())
    }

    /// Begins with the row that everything hangs on, locked. A connection that cannot even begin is no use any more.
    pub(crate) async fn begin_with(&mut self, select: &'static str) -> Result<Option<crate::db::Row>, Fault> {
        self.begun = true;
        self.connection.begin_with(select).await.inspect_err(|_| self.lost = true)
    }

    /// Nothing of it stays. A connection that cannot roll back is dropped, which rolls back too.
    pub(crate) async fn undo(&mut self) {
        if std::mem::take(&mut self.begun) && !self.lost && self.connection.rollback().await.is_err() {
            self.lost = true;
        }
    }

    pub(crate) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, Fault> {
        self.connection.execute(sql, values).await
    }

    pub(crate) async fn fetch(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<crate::db::Row>, Fault> {
        self.connection.fetch(sql, values).await
    }

    pub(crate) async fn fetch_one(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Option<crate::db::Row>, Fault> {
        self.connection.fetch_one(sql, values).await
    }

    /// Tells this and every other replica to read the directory again.
    pub(crate) fn registry_changed(&mut self) {
        self.registry += 1;
    }

    /// Deletes what has expired by now.
    pub(crate) async fn forget_expired(&mut self, role: Role) -> Result<(), Fault> {
        let own = match role {
            Role::Gateway => EXPIRED_OF_THE_GATEWAY,
            Role::Auth => EXPIRED_OF_AUTH,
        };
        for sql in EXPIRED_OF_THE_LOG.iter().chain(own) {
            self.execute(sql, vec![self.now_us.into()]).await?;
        }
        Ok(())
    }

    pub(crate) async fn earlier_answer(&mut self, key: &Idempotency) -> Result<Earlier, Fault> {
        let row = self
            .fetch_one(
                "SELECT request_sha256, answer FROM idempotency
                 WHERE organization = $1 AND method = $2 AND idempotency_key = $3 AND expires_us > $4",
                vec![
                    key.organization.as_str().into(),
                    i64::from(key.method).into(),
                    key.key.as_str().into(),
                    self.now_us.into(),
                ],
            )
            .await?;
        let Some(row) = row else { return Ok(Earlier::Nothing) };
        if row.bytes(0)? != key.request_sha256 {
            return Ok(Earlier::OtherRequest);
        }
        let answer = SealingKey::of_log(&self.keys).open_at(&key.place(), &row.bytes(1)?)?;
        Ok(Earlier::SameRequest(answer))
    }

    pub(crate) async fn keep_answer(&mut self, key: &Idempotency, answer: &[u8]) -> Result<(), Fault> {
        let sealed = SealingKey::of_log(&self.keys).seal_at(&key.place(), answer)?;
        let expires = self.now_us + KEPT_US;
        self.execute(
            "INSERT INTO idempotency (organization, method, idempotency_key, request_sha256, answer, expires_us)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (organization, method, idempotency_key) DO UPDATE
             SET request_sha256 = excluded.request_sha256, answer = excluded.answer, expires_us = excluded.expires_us",
            vec![
                key.organization.as_str().into(),
                i64::from(key.method).into(),
                key.key.as_str().into(),
                key.request_sha256.into(),
                sealed.into(),
                expires.into(),
            ],
        )
        .await
        .map(drop)
    }
}

/// Rows that have expired go, some at a time, so that nobody waits long for it.
const EXPIRED_OF_THE_LOG: &[&str] =
    &["DELETE FROM idempotency WHERE (organization, method, idempotency_key) IN
     (SELECT organization, method, idempotency_key FROM idempotency WHERE expires_us <= $1 LIMIT 1024)"];
const EXPIRED_OF_THE_GATEWAY: &[&str] = &[
    "DELETE FROM bulk_row WHERE (organization, method, batch_id, row_id) IN
     (SELECT organization, method, batch_id, row_id FROM bulk_row WHERE expires_us <= $1 LIMIT 1024)",
    "DELETE FROM person_search WHERE search_id IN
     (SELECT search_id FROM person_search WHERE expires_us <= $1 LIMIT 1024)",
    "DELETE FROM dose_reservation WHERE reservation_id IN
     (SELECT reservation_id FROM dose_reservation WHERE expires_us <= $1 LIMIT 1024)",
];
const EXPIRED_OF_AUTH: &[&str] = &[
    "DELETE FROM used_presentation WHERE nonce_hash IN
     (SELECT nonce_hash FROM used_presentation WHERE expires_us <= $1 LIMIT 1024)",
    "DELETE FROM ended_presence WHERE pres_id IN
     (SELECT pres_id FROM ended_presence WHERE expires_us <= $1 LIMIT 1024)",
];

/// Stored answers are kept seven days (design.md §6.8).
pub(crate) const KEPT_US: i64 = 7 * 24 * 3600 * 1_000_000;
