//! C2SP tlog-proof: one entry's proof as a text that a stranger keeps and verifies, with our tools or another's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::ReceiptError;
use crate::leaf::Leaf;
use crate::lines::{decimal, read_hash, split_proof, write_hashes};
use crate::note::{Checkpoint, CheckpointError, VerifierKey, is_signed_note};
use crate::tree::{Hash, leaf_hash, verify_inclusion};

/// A proof as it is written down. Ours carry the leaf in the `extra` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    note: String,
}

/// What a proof proved: only [`TlogProof::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proved {
    /// The entry.
    pub leaf: Leaf,
    /// Its hash in the tree.
    pub leaf_hash: Hash,
    /// Its index.
    pub index: u64,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
}

/// Why a text is no tlog-proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// The first line is not that of version 1.
    #[error("the first line is not \"c2sp.org/tlog-proof@v1\"")]
    Header,
    /// The `extra` line is not base64.
    #[error("the extra line is not base64")]
    Extra,
    /// No `index` line with a decimal number.
    #[error("there is no line \"index\" with a number")]
    Index,
    /// A path line is not the base64 of 32 bytes, no blank line ends the path, or it is longer than any tree is high.
    #[error("a path line is not the base64 of a hash")]
    Path,
    /// What follows the blank line has not the form of a signed note.
    #[error("after the blank line there is no signed note")]
    Note,
}

impl TlogProof {
    /// A proof from its pieces.
    pub fn new(
        extra: Option<Vec<u8>>,
        index: u64,
        path: Vec<Hash>,
        note: String,
    ) -> Result<Self, TlogProofError> {
        if path.len() > MAX_PATH {
            return Err(TlogProofError::Path);
        }
        if !is_signed_note(note.as_bytes()) {
            return Err(TlogProofError::Note);
        }
        Ok(Self { extra, index, path, note })
    }

    /// The text.
    pub fn encode(&self) -> String {
        encode(self.extra.as_deref(), self.index, &self.path, &self.note)
    }

    /// Reads what [`TlogProof::encode`] writes and nothing else.
    pub fn decode(text: &[u8]) -> Result<Self, TlogProofError> {
        let text = str::from_utf8(text).map_err(|_| TlogProofError::Note)?;
        let rest = text.strip_prefix(HEADER).ok_or(TlogProofError::Header)?;
        let (extra, rest) = match rest.strip_prefix("extra ").map(|rest| rest.split_once('\n')) {
            None => (None, rest),
            Some(None) => return Err(TlogProofError::Extra),
            Some(Some((extra, rest))) => {
                (Some(BASE64.decode(extra).map_err(|_| TlogProofError::Extra)?), rest)
            }
        };
        let (index, rest) = rest.split_once('\n').ok_or(TlogProofError::Index)?;
        let index = index.strip_prefix("index ").and_then(decimal).ok_or(TlogProofError::Index)?;
        let (path, note) = split_proof(rest).ok_or(TlogProofError::Path)?;
        let path = path.iter().map(|line| read_hash(line)).collect::<Option<_>>();
        Self::new(extra, index, path.ok_or(TlogProofError::Path)?, note.to_owned())
    }

    /// Checks that the log holds, at the index, the leaf of the `extra` line.
    ///
    /// What the leaf only commits to stays unknown: this proves that the entry stands, not what was asked or answered.
    pub fn verify(&self, key: &VerifierKey) -> Result<Proved, ReceiptError> {
        let bytes = self.extra.as_deref().unwrap_or_default();
        let leaf = Leaf::decode(bytes).map_err(ReceiptError::Leaf)?;
        let checkpoint = Checkpoint::open(self.note.as_bytes(), key)?;
        let leaf_hash = leaf_hash(bytes);
        verify_inclusion(self.index, checkpoint.size(), &leaf_hash, &self.path, checkpoint.root())
            .map_err(ReceiptError::TreePath)?;
        Ok(Proved { leaf, leaf_hash, index: self.index, checkpoint })
    }

    /// Bytes of the `extra` line. Not authenticated by themselves.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Index of the entry, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Inclusion path from the leaf upwards.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// The checkpoint's note, not yet verified.
    pub fn note(&self) -> &str {
        &self.note
    }
}

pub(super) fn encode(extra: Option<&[u8]>, index: u64, path: &[Hash], note: &str) -> String {
    let extra = extra.map(|extra| format!("extra {}\n", BASE64.encode(extra))).unwrap_or_default();
    format!("{HEADER}{extra}index {index}\n{}\n{note}", write_hashes(path))
}

/// Only the three ways a checkpoint fails, told as a receipt tells them.
impl From<CheckpointError> for ReceiptError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Note(note) => Self::NoteSignature(note),
            CheckpointError::Format => Self::Checkpoint,
            CheckpointError::Origin => Self::Origin,
        }
    }
}

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";
/// No tree of 2^63 leaves is higher.
const MAX_PATH: usize = 63;
