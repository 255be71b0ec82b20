//! Reading the log: checkpoints and proofs for everybody, entries for
//! auditors. Reading entries is an entry, before its answer.

use pmh_audit::{
    Checkpoint, Hash, Kind, Leaf, SigningKey, registry,
    tree::{consistency_path, consistency_ranges, inclusion_path, inclusion_ranges},
};
use pmh_proto::common::Reason;
use pmh_store::{Page, Reader, StoredEntry};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{Call, Gateway, unavailable};
use crate::rpc::status::Refusal;

/// Which of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Disclosures and writes.
    Gateway,
    /// Presentations and tokens.
    Auth,
}

/// A page of entries.
#[derive(Debug, Clone)]
pub struct Search {
    /// Which log.
    pub log: Log,
    /// First instant, microseconds.
    pub from_us: Option<i64>,
    /// One past the last instant, microseconds.
    pub to_us: Option<i64>,
    /// Only this requester, `<kind>:<code>`.
    pub requester: Option<String>,
    /// Entries at most.
    pub limit: usize,
    /// Where the page before ended: next index and the tree size it speaks for.
    pub after: Option<(u64, u64)>,
}

/// What a page holds.
#[derive(Debug, Clone)]
pub struct Found {
    /// Entries with their leaf read out.
    pub entries: Vec<(StoredEntry, Leaf)>,
    /// Where to go on; a page may be short, even empty, and not the last.
    pub next: Option<(u64, u64)>,
    /// Tree this page speaks for: it stays the same from page to page, so that
    /// a past page never changes.
    pub tree_size: u64,
}

impl Gateway {
    fn reader(&self, log: Log) -> &Reader {
        match log {
            Log::Gateway => self.store.reader(),
            Log::Auth => self.auth.reader(),
        }
    }

    fn log_signer(&self, log: Log) -> &Arc<SigningKey> {
        match log {
            Log::Gateway => &self.logs.gateway,
            Log::Auth => &self.logs.auth,
        }
    }
}

/// The newest checkpoint, made again from the committed head: Ed25519 is
/// deterministic, so it is the one that was answered with.
pub async fn checkpoint(gateway: &Gateway, log: Log) -> Result<String, Refusal> {
    let (size, root) = gateway.reader(log).head().await.map_err(|fault| unavailable(&fault))?;
    if size == 0 {
        return Err(Refusal::new(Reason::NotFound));
    }
    sign(gateway, log, size, root)
}

/// Path of one entry, and its leaf hash.
pub async fn inclusion(
    gateway: &Gateway,
    log: Log,
    index: u64,
    size: u64,
) -> Result<(Vec<Hash>, Hash), Refusal> {
    let reader = gateway.reader(log);
    let (newest, _) = reader.head().await.map_err(|fault| unavailable(&fault))?;
    if index >= size || size > newest {
        return Err(Refusal::invalid_fields(vec![]).with_field("tree_size", Reason::Value));
    }
    let invalid = || Refusal::invalid_fields(vec![]).with_field("index", Reason::Value);
    let ranges = inclusion_ranges(index, size).ok_or_else(invalid)?;
    let hashes = Hashes::read(reader, ranges).await?;
    let path =
        inclusion_path(index, size, |range| hashes.of(range)).map_err(|_| Refusal::new(Reason::Internal))?;
    let leaf = reader.leaf_hashes(index..index + 1).await.map_err(|fault| unavailable(&fault))?;
    let leaf = leaf.first().copied().ok_or_else(|| Refusal::new(Reason::Internal))?;
    Ok((path, leaf))
}

/// Proof that the larger tree only appended.
pub async fn consistency(gateway: &Gateway, log: Log, old: u64, new: u64) -> Result<Vec<Hash>, Refusal> {
    let reader = gateway.reader(log);
    let (newest, _) = reader.head().await.map_err(|fault| unavailable(&fault))?;
    if old == 0 || old > new || new > newest {
        return Err(Refusal::invalid_fields(vec![]).with_field("old_size", Reason::Value));
    }
    let invalid = || Refusal::invalid_fields(vec![]).with_field("old_size", Reason::Value);
    let ranges = consistency_ranges(old, new).ok_or_else(invalid)?;
    let hashes = Hashes::read(reader, ranges).await?;
    consistency_path(old, new, |range| hashes.of(range)).map_err(|_| Refusal::new(Reason::Internal))
}

/// One entry, its path and the checkpoint that covers it.
pub async fn entry<R: super::Response>(
    gateway: &Gateway,
    call: &Call,
    log: Log,
    index: u64,
    render: impl Fn(&StoredEntry, &Leaf, &[Hash], &str) -> R + Send + 'static,
) -> Result<pmh_store::Recorded<R>, Refusal> {
    let stored_log = gateway.reader(log);
    let (size, root) = stored_log.head().await.map_err(|fault| unavailable(&fault))?;
    let page = Page { from_index: index, end_index: index.saturating_add(1), limit: 1 };
    let stored = stored_log.entries(&page).await.map_err(|fault| unavailable(&fault))?;
    let stored = stored.into_iter().next().ok_or_else(|| Refusal::new(Reason::NotFound))?;
    let leaf = Leaf::decode(&stored.leaf).map_err(|_| Refusal::new(Reason::Internal))?;
    let (path, _) = inclusion(gateway, log, index, size).await?;
    let note = sign(gateway, log, size, root)?;
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&stored, &leaf, &path, &note);
            let draft = call.draft(Kind::AuditorQuery, registry::Categories::AUDIT, None, response.digest());
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

/// A page of entries by period and requester.
pub async fn search<R: super::Response>(
    gateway: &Gateway,
    call: &Call,
    search: &Search,
    render: impl Fn(&Found) -> R + Send + 'static,
) -> Result<pmh_store::Recorded<R>, Refusal> {
    let found = find(gateway.reader(search.log), search).await?;
    let call = call.clone();
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let response = render(&found);
            let draft = call.draft(Kind::AuditorQuery, registry::Categories::AUDIT, None, response.digest());
            (response, Some(draft))
        })
        .await
        .map_err(|fault| unavailable(&fault))
}

async fn find(reader: &Reader, search: &Search) -> Result<Found, Refusal> {
    let (size, _) = reader.head().await.map_err(|fault| unavailable(&fault))?;
    let (mut next, tree_size) = if let Some((next, tree_size)) = search.after {
        if next > tree_size || tree_size > size {
            return Err(Refusal::invalid_fields(vec![]).with_field("page_token", Reason::Value));
        }
        (next, tree_size)
    } else {
        let from = match search.from_us {
            Some(from_us) => reader.index_at(from_us).await.map_err(|fault| unavailable(&fault))?,
            None => 0,
        };
        (from, size)
    };
    let mut entries = Vec::new();
    for _ in 0..READS_PER_PAGE {
        if entries.len() >= search.limit || next >= tree_size {
            break;
        }
        let page = Page { from_index: next, end_index: tree_size, limit: READ_AHEAD };
        let stored = reader.entries(&page).await.map_err(|fault| unavailable(&fault))?;
        if stored.is_empty() {
            return Err(Refusal::new(Reason::Internal));
        }
        for entry in stored {
            next = entry.index + 1;
            let leaf = Leaf::decode(&entry.leaf).map_err(|_| Refusal::new(Reason::Internal))?;
            if is_wanted(search, &leaf) {
                entries.push((entry, leaf));
            }
            if entries.len() == search.limit {
                break;
            }
        }
    }
    let next = (next < tree_size).then_some((next, tree_size));
    Ok(Found { entries, next, tree_size })
}

fn is_wanted(search: &Search, leaf: &Leaf) -> bool {
    let time = i64::try_from(leaf.time_us).unwrap_or(i64::MAX);
    let requester = leaf.requester.as_ref().map(pmh_audit::OrgRef::as_str);
    search.from_us.is_none_or(|from| time >= from)
        && search.to_us.is_none_or(|to| time < to)
        && search.requester.as_deref().is_none_or(|wanted| requester == Some(wanted))
}

fn sign(gateway: &Gateway, log: Log, size: u64, root: Hash) -> Result<String, Refusal> {
    let signer = gateway.log_signer(log);
    Checkpoint::new(signer.verifier().name(), size, root)
        .and_then(|checkpoint| checkpoint.sign(signer))
        .map_err(|_| Refusal::new(Reason::Internal))
}

/// Leaf hashes that a proof needs, read before it is computed.
struct Hashes(BTreeMap<u64, Hash>);

impl Hashes {
    async fn read(reader: &Reader, ranges: impl IntoIterator<Item = Range<u64>>) -> Result<Self, Refusal> {
        let mut hashes = BTreeMap::new();
        for range in ranges {
            let start = range.start;
            let found = reader.leaf_hashes(range).await.map_err(|fault| unavailable(&fault))?;
            hashes.extend((start..).zip(found));
        }
        Ok(Self(hashes))
    }

    fn of(&self, range: Range<u64>) -> Result<Vec<Hash>, Missing> {
        range.map(|index| self.0.get(&index).copied().ok_or(Missing)).collect()
    }
}

/// The log says it has more entries than it has.
#[derive(Debug, thiserror::Error)]
#[error("leaf hash missing")]
struct Missing;

/// Entries read at a time while filtering.
const READ_AHEAD: u32 = 512;
/// A filter that fits little gives short pages, and no call reads the whole log.
const READS_PER_PAGE: usize = 16;
