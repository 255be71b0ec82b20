//! Reading the log: checkpoints and proofs, for everybody; receipts for those who had them, the whole for auditors.

pub mod export;
pub mod renew;
pub mod tiles;

use std::sync::Arc;

use pmh_audit::{Checkpoint, Hash, SigningKey};
use pmh_proto::common::Reason;
use pmh_store::Reader;

use super::{Gateway, unavailable};
use crate::rpc::status::Refusal;

/// Which of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Disclosures and writes.
    Gateway,
    /// Presentations and tokens.
    Auth,
}

impl Log {
    /// Name of the role whose log it is.
    pub fn role(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Auth => "auth",
        }
    }
}

impl Gateway {
    pub(crate) fn reader(&self, log: Log) -> &Reader {
        match log {
            Log::Gateway => self.store.reader(),
            Log::Auth => self.auth.reader(),
        }
    }

    pub(crate) fn log_signer(&self, log: Log) -> &Arc<SigningKey> {
        match log {
            Log::Gateway => &self.logs.gateway,
            Log::Auth => &self.logs.auth,
        }
    }
}

/// Size of the newest committed tree, and its checkpoint.
pub(crate) async fn checkpoint_of(gateway: &Gateway, log: Log) -> Result<(u64, String), Refusal> {
    let (size, root) = gateway.reader(log).head().await.map_err(|fault| unavailable(&fault))?;
    Ok((size, sign(gateway, log, size, root)?))
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
    let path = reader.inclusion_path(index, size).await.map_err(|fault| unavailable(&fault))?;
    let path = path.ok_or_else(|| Refusal::new(Reason::Internal))?;
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
    let path = reader.consistency_path(old, new).await.map_err(|fault| unavailable(&fault))?;
    path.ok_or_else(|| Refusal::new(Reason::Internal))
}

/// The checkpoint of a committed tree as a signed note.
pub(super) fn sign(gateway: &Gateway, log: Log, size: u64, root: Hash) -> Result<String, Refusal> {
    let signer = gateway.log_signer(log);
    Checkpoint::new(signer.verifier().name(), size, root)
        .and_then(|checkpoint| checkpoint.sign(signer))
        .map_err(|_| Refusal::new(Reason::Internal))
}
