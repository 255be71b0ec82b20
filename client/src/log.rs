//! Reading a log and holding it to its word: checkpoints that only grow, entries that stay.

use pmh_audit::tree::{ProofError as PathError, leaf_hash, verify_consistency, verify_inclusion};
use pmh_audit::{Checkpoint, Hash, VerifierKey};
use pmh_proto::audit::{
    GetCheckpointRequest, GetConsistencyProofRequest, GetInclusionProofRequest, GetReceiptRequest, Log,
    Receipt,
};

use crate::call::WhichLog;
use crate::error::Error;
use crate::export::LogExport;
use crate::gateway::Gateway;
use crate::receipt::{ProofError, array};

/// One log of a gateway. Hashes only, so every organization may read it.
#[derive(Debug, Clone)]
pub struct LogReader {
    gateway: Gateway,
    log: WhichLog,
}

/// What a log could not prove.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The call failed.
    #[error("the log could not be read")]
    Call(#[from] Error),
    /// The checkpoint is not signed by the log's key, or is about another log.
    #[error("the checkpoint does not verify")]
    Checkpoint(#[from] pmh_audit::note::CheckpointError),
    /// A hash has a wrong length.
    #[error("the proof is malformed")]
    Malformed(#[from] ProofError),
    /// The proof does not lead where it should: the log was rewritten, or lost something.
    #[error("the log does not contain what it signed")]
    Broken(#[from] PathError),
    /// The entries do not lead to the root that the log signed at this size.
    #[error("the entries do not lead to the checkpoint of size {0}")]
    Inconsistent(u64),
    /// The log is smaller than a checkpoint it signed.
    #[error("the log is smaller than it was")]
    Shrunk,
}

impl LogReader {
    /// A log behind a gateway.
    pub fn new(gateway: Gateway, log: WhichLog) -> Self {
        Self { gateway, log }
    }

    /// The newest checkpoint, verified.
    pub async fn newest(&self) -> Result<Checkpoint, LogError> {
        let request = GetCheckpointRequest { log: self.number() };
        let answer = self.gateway.call_unrecorded(&request, None).await?;
        Ok(Checkpoint::open(answer.checkpoint.as_bytes(), self.key())?)
    }

    /// Has the log prove that `new` only appended to `old`.
    pub async fn prove_growth(&self, old: &Checkpoint, new: &Checkpoint) -> Result<(), LogError> {
        if new.size() < old.size() {
            return Err(LogError::Shrunk);
        }
        let path = if new.size() == old.size() {
            Vec::new()
        } else {
            let request =
                GetConsistencyProofRequest { log: self.number(), old_size: old.size(), new_size: new.size() };
            hashes(&self.gateway.call_unrecorded(&request, None).await?.path)?
        };
        Ok(verify_consistency(old.size(), new.size(), &path, old.root(), new.root())?)
    }

    /// Has the log prove that it holds this leaf at this index.
    pub async fn prove_entry(&self, leaf: &Hash, index: u64, tree: &Checkpoint) -> Result<(), LogError> {
        if index >= tree.size() {
            return Err(LogError::Shrunk);
        }
        let request = GetInclusionProofRequest { log: self.number(), index, tree_size: tree.size() };
        let path = hashes(&self.gateway.call_unrecorded(&request, None).await?.path)?;
        Ok(verify_inclusion(index, tree.size(), leaf, &path, tree.root())?)
    }

    /// Hash of the leaf at an index, proved to stand in the tree.
    pub async fn leaf_hash(&self, index: u64, tree: &Checkpoint) -> Result<Hash, LogError> {
        let request = GetInclusionProofRequest { log: self.number(), index, tree_size: tree.size() };
        let answer = self.gateway.call_unrecorded(&request, None).await?;
        let leaf = array(&answer.leaf_hash)?;
        verify_inclusion(index, tree.size(), &leaf, &hashes(&answer.path)?, tree.root())?;
        Ok(leaf)
    }

    /// All entries of the tree as of now, with at most so many earlier checkpoints. Auditors only.
    pub async fn export(&self, max_checkpoints: u32) -> Result<LogExport, LogError> {
        let log = match self.log {
            WhichLog::Gateway => Log::Gateway,
            WhichLog::Auth => Log::Auth,
        };
        LogExport::open(self.gateway.clone(), self.key().clone(), log, max_checkpoints).await
    }

    /// A fresh receipt of an entry of one's own, under the newest checkpoint.
    ///
    /// Gives the receipt, verified to hold the leaf that the caller knows; request and response need not be at hand.
    pub async fn renew(&self, index: u64, leaf: &Hash) -> Result<Receipt, LogError> {
        let request = GetReceiptRequest { log: self.number(), index, min_cosigned: 0 };
        let answer = self.gateway.call(&request, None).await?;
        let renewed = answer.response.renewed.ok_or(ProofError::Missing)?;
        let tree = Checkpoint::open(renewed.checkpoint.as_bytes(), self.key())?;
        if leaf_hash(&renewed.leaf) != *leaf || renewed.index != index || renewed.tree_size != tree.size() {
            return Err(ProofError::Message.into());
        }
        verify_inclusion(index, tree.size(), leaf, &hashes(&renewed.path)?, tree.root())?;
        Ok(renewed)
    }

    fn key(&self) -> &VerifierKey {
        self.gateway.keys().of(self.log)
    }

    fn number(&self) -> i32 {
        match self.log {
            WhichLog::Gateway => Log::Gateway.into(),
            WhichLog::Auth => Log::Auth.into(),
        }
    }
}

fn hashes(path: &[Vec<u8>]) -> Result<Vec<Hash>, ProofError> {
    path.iter().map(|hash| array(hash)).collect()
}
