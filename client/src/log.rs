//! Reading a log and holding it to its word: checkpoints that only grow, entries that stay.

use pmh_audit::tree::{ProofError as PathError, verify_consistency, verify_inclusion};
use pmh_audit::{Checkpoint, Hash, VerifierKey};
use pmh_proto::audit::{GetCheckpointRequest, GetConsistencyProofRequest, GetInclusionProofRequest, Log};

use crate::call::WhichLog;
use crate::error::Error;
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
