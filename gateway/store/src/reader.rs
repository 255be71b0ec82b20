//! Reads that need no lock: pages of the log, proofs, single records.

use std::{ops::Range, sync::Arc};

use pmh_audit::Hash;
use pmh_domain::organization::IssuerId;

use crate::{
    Fault, Location, StoreKeys,
    db::{ReadPool, Row, Value},
    gateway::{ProposedLink, SubjectRef},
};

/// Reading connections of its own, so that readers never wait for the writer.
#[derive(Clone)]
pub struct Reader {
    pool: Arc<ReadPool>,
    pub(crate) keys: StoreKeys,
    is_sqlite: bool,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Index.
    pub index: u64,
    /// Leaf, format 1.
    pub leaf: Vec<u8>,
}

/// A range of the log to read, in the order of the log.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// First index.
    pub from_index: u64,
    /// One past the last index.
    pub end_index: u64,
    /// Entries at most.
    pub limit: u32,
}

impl Reader {
    /// Reads a database beside the program that writes it, or when there is none. Changes nothing: a database of
    /// another version is not brought up, and what this version does not find there fails when it is read.
    pub async fn open(location: &Location, keys: StoreKeys) -> Result<Self, Fault> {
        let is_sqlite = matches!(location, Location::Sqlite(_));
        Ok(Self { pool: Arc::new(ReadPool::open(location).await?), keys, is_sqlite })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.is_sqlite
    }

    pub(crate) async fn fetch(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        self.pool.fetch(sql, values).await
    }

    pub(crate) async fn fetch_one(&self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, Fault> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// Size and root of the newest committed tree; size 0 for an empty log.
    pub async fn head(&self) -> Result<(u64, Hash), Fault> {
        let row = self
            .fetch_one("SELECT size, root FROM log_head WHERE log_id = 1", vec![])
            .await?
            .ok_or(Fault::Inconsistent { table: "log_head", column: "log_id" })?;
        Ok((unsigned(row.int(0)?)?, row.array(1, "log_head")?))
    }

    /// Root of a tree that was signed; `None` if no batch ended at this size.
    pub async fn root(&self, size: u64) -> Result<Option<Hash>, Fault> {
        let row =
            self.fetch_one("SELECT root FROM log_root WHERE size = $1", vec![signed(size)?.into()]).await?;
        row.map(|row| row.array(0, "log_root")).transpose()
    }

    /// Sizes within a range, its end included, at which a batch ended, with their roots; in ascending order.
    pub async fn roots(&self, range: Range<u64>) -> Result<Vec<(u64, Hash)>, Fault> {
        let rows = self
            .fetch(
                "SELECT size, root FROM log_root WHERE size > $1 AND size <= $2 ORDER BY size",
                vec![signed(range.start)?.into(), signed(range.end)?.into()],
            )
            .await?;
        rows.iter().map(|row| Ok((unsigned(row.int(0)?)?, row.array(1, "log_root")?))).collect()
    }

    /// Entries of a range.
    pub async fn entries(&self, page: &Page) -> Result<Vec<StoredEntry>, Fault> {
        let rows = self
            .fetch(
                "SELECT idx, leaf FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3",
                vec![
                    signed(page.from_index)?.into(),
                    signed(page.end_index)?.into(),
                    i64::from(page.limit).into(),
                ],
            )
            .await?;
        rows.iter()
            .map(|row| Ok(StoredEntry { index: unsigned(row.int(0)?)?, leaf: row.bytes(1)? }))
            .collect()
    }

    /// First index at or after an instant, by the batches' times.
    pub async fn index_at(&self, time_us: i64) -> Result<u64, Fault> {
        let row = self
            .fetch_one("SELECT COALESCE(MAX(size), 0) FROM log_root WHERE time_us < $1", vec![time_us.into()])
            .await?;
        row.map_or(Ok(0), |row| unsigned(row.int(0)?))
    }

    /// Leaf hashes of a range, for proofs.
    pub async fn leaf_hashes(&self, range: Range<u64>) -> Result<Vec<Hash>, Fault> {
        let rows = self
            .fetch(
                "SELECT leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx",
                vec![signed(range.start)?.into(), signed(range.end)?.into()],
            )
            .await?;
        rows.iter().map(|row| row.array(0, "log_entry")).collect()
    }

    /// A part's salt and body; `None` if the entry has none or it was erased.
    pub async fn part(&self, index: u64, part: u8) -> Result<Option<([u8; 32], Vec<u8>)>, Fault> {
        let openings = self.openings(index).await?.unwrap_or_default();
        // A part that the entry does not have was committed to as an empty body.
        let opening = openings.into_iter().nth(usize::from(part).wrapping_sub(1));
        Ok(opening
            .filter(|opening| !opening.body.is_empty())
            .map(|opening| (*opening.salt.as_bytes(), opening.body)))
    }

    /// Reference of an issuer's resident, with its birth date.
    pub async fn resident(
        &self,
        issuer: IssuerId,
        resident_key: &str,
    ) -> Result<Option<(SubjectRef, pmh_domain::resident::ResidentLink)>, Fault> {
        let row = self
            .fetch_one(
                "SELECT subject_ref, body FROM resident_link WHERE issuer = $1 AND resident_key = $2",
                vec![issuer.organization().to_string().into(), resident_key.into()],
            )
            .await?;
        row.map(|row| {
            let link = serde_json::from_str(&row.text(1)?)
                .map_err(|_| Fault::Inconsistent { table: "resident_link", column: "body" })?;
            Ok((row.array(0, "resident_link")?, link))
        })
        .transpose()
    }

    /// A proposal of this issuer, whatever its state.
    pub async fn proposal(&self, issuer: IssuerId, proposal_id: &str) -> Result<Option<ProposedLink>, Fault> {
        let row = self
            .fetch_one(
                "SELECT p.proposal_id, p.subject_ref, l.subject_ref, p.resident_key, p.proposed_by, p.state
                 FROM link_proposal p
                 JOIN resident_link l ON l.issuer = p.issuer AND l.resident_key = p.resident_key
                 WHERE p.issuer = $1 AND p.proposal_id = $2",
                vec![issuer.organization().to_string().into(), proposal_id.into()],
            )
            .await?;
        row.as_ref().map(ProposedLink::read).transpose()
    }

    /// What is remembered of a living presence of this organization (auth database only).
    pub async fn presence_body(
        &self,
        handle_hash: [u8; 32],
        organization: &str,
        now_us: i64,
    ) -> Result<Option<String>, Fault> {
        let row = self
            .fetch_one(
                "SELECT body FROM presence
                 WHERE handle_hash = $1 AND organization = $2 AND ended = 0 AND until_us > $3",
                vec![handle_hash.into(), organization.into(), now_us.into()],
            )
            .await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// Everybody who turned out to be this survivor, without itself (auth database only).
    pub async fn absorbed_by(&self, survivor: [u8; 16]) -> Result<Vec<[u8; 16]>, Fault> {
        let rows =
            self.fetch("SELECT person FROM person_alias WHERE survivor = $1", vec![survivor.into()]).await?;
        rows.iter().map(|row| row.array(0, "person_alias")).collect()
    }

    /// Presence ids whose tokens have ended and may not have expired yet (auth database only).
    pub async fn ended_presences(&self, now_us: i64) -> Result<Vec<[u8; 16]>, Fault> {
        let rows = self
            .fetch("SELECT pres_id FROM ended_presence WHERE expires_us > $1", vec![now_us.into()])
            .await?;
        rows.iter().map(|row| row.array(0, "ended_presence")).collect()
    }
}

pub(crate) fn signed(value: u64) -> Result<i64, Fault> {
    i64::try_from(value).map_err(|_| Fault::Inconsistent { table: "log_entry", column: "idx" })
}

pub(crate) fn unsigned(value: i64) -> Result<u64, Fault> {
    u64::try_from(value).map_err(|_| Fault::Inconsistent { table: "log_entry", column: "idx" })
}
