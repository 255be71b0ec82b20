//! The proof that travels in an answer, and its verification without any connection.

mod tlog_proof;

use subtle::ConstantTimeEq as _;

pub use tlog_proof::{Proved, TlogProof, TlogProofError};

use crate::leaf::{Leaf, LeafError};
use crate::note::{Checkpoint, NoteError, VerifierKey};
use crate::part::{BodyError, DetailBody, Opening, Part, SubjectBody};
use crate::tree::{Hash, ProofError, leaf_hash, verify_inclusion};

/// Proof that an answer was recorded before it left. The chain and actor parts are never opened in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The leaf as it stands in the tree.
    pub leaf: Vec<u8>,
    /// Index of the leaf, from 0.
    pub index: u64,
    /// Size of the tree that the checkpoint signs.
    pub tree_size: u64,
    /// Inclusion path from the leaf upwards.
    pub path: Vec<Hash>,
    /// C2SP signed note.
    pub checkpoint: String,
    /// Opens the detail commitment.
    pub detail: Opening,
    /// Opens the subject commitment; `None` if the entry is about no person.
    pub subject: Option<Opening>,
}

/// What a receipt proved: only [`Receipt::verify`] makes one.
///
/// The caller still compares what only it knows: that the leaf's requester is itself, that kind, method and purpose
/// are those of its call, and that the subject is the `sub` of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The entry.
    pub leaf: Leaf,
    /// Its hash in the tree.
    pub leaf_hash: Hash,
    /// Its index.
    pub index: u64,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// What was asked and answered.
    pub detail: DetailBody,
    /// Whom the entry is about, as the requester knows them; `None` if the entry is about no person, or the receipt
    /// leaves the part closed.
    pub subject: Option<SubjectBody>,
}

/// What is wrong with a receipt; each names the one thing that failed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The leaf's bytes are not a leaf.
    #[error("leaf: not a leaf of format 1")]
    Leaf(#[source] LeafError),
    /// The note is not signed by the log's key.
    #[error("note signature: the checkpoint is not signed by the key of this log")]
    NoteSignature(#[source] NoteError),
    /// The note is signed, but its text is no checkpoint.
    #[error("checkpoint: the signed text is not a checkpoint")]
    Checkpoint,
    /// The checkpoint is about another log than the key.
    #[error("origin: the checkpoint is about another log")]
    Origin,
    /// The receipt and its checkpoint state different sizes.
    #[error("tree size: the receipt and its checkpoint differ")]
    TreeSize,
    /// The path does not lead from the leaf to the checkpoint's root.
    #[error("tree path: it does not lead from the leaf to the root")]
    TreePath(#[source] ProofError),
    /// Salt and body do not open the leaf's detail commitment.
    #[error("detail opening: it does not fit the leaf")]
    DetailOpening,
    /// The opened detail part is not one.
    #[error("detail body: not a detail part")]
    DetailBody(#[source] BodyError),
    /// The entry is about another request.
    #[error("request digest: the entry records another request")]
    RequestDigest,
    /// The entry is about another response.
    #[error("response digest: the entry records another response")]
    ResponseDigest,
    /// Salt and body do not open the leaf's subject commitment.
    #[error("subject opening: it does not fit the leaf")]
    SubjectOpening,
    /// The opened subject part is not one.
    #[error("subject body: not a subject part")]
    SubjectBody(#[source] BodyError),
}

impl Receipt {
    /// Checks everything a receipt claims, given the log's key and the SHA-256 of the request and of the response
    /// (encoded in field order, the response with `receipt` cleared) that the caller holds.
    pub fn verify(
        &self,
        key: &VerifierKey,
        request_sha256: &Hash,
        response_sha256: &Hash,
    ) -> Result<Verified, ReceiptError> {
        let leaf = Leaf::decode(&self.leaf).map_err(ReceiptError::Leaf)?;
        let checkpoint = self.open_checkpoint(key)?;
        let leaf_hash = leaf_hash(&self.leaf);
        verify_inclusion(self.index, self.tree_size, &leaf_hash, &self.path, checkpoint.root())
            .map_err(ReceiptError::TreePath)?;
        let detail = self.open_detail(&leaf)?;
        same(&detail.request_sha256, request_sha256, ReceiptError::RequestDigest)?;
        same(&detail.response_sha256, response_sha256, ReceiptError::ResponseDigest)?;
        let subject = self.open_subject(&leaf)?;
        Ok(Verified { leaf, leaf_hash, index: self.index, checkpoint, detail, subject })
    }

    /// The proof as C2SP tlog-proof text, the leaf in its `extra` line: any tlog tool verifies it.
    pub fn to_tlog_proof(&self) -> String {
        tlog_proof::encode(Some(&self.leaf), self.index, &self.path, &self.checkpoint)
    }

    fn open_checkpoint(&self, key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), key)?;
        if checkpoint.size() == self.tree_size { Ok(checkpoint) } else { Err(ReceiptError::TreeSize) }
    }

    fn open_detail(&self, leaf: &Leaf) -> Result<DetailBody, ReceiptError> {
        if !self.detail.opens(Part::Detail, &leaf.detail) {
            return Err(ReceiptError::DetailOpening);
        }
        DetailBody::decode(&self.detail.body).map_err(ReceiptError::DetailBody)
    }

    fn open_subject(&self, leaf: &Leaf) -> Result<Option<SubjectBody>, ReceiptError> {
        let Some(opening) = &self.subject else { return Ok(None) };
        if !opening.opens(Part::Subject, &leaf.subject) {
            return Err(ReceiptError::SubjectOpening);
        }
        // The empty body is how an entry about no person is committed.
        if opening.body.is_empty() {
            return Ok(None);
        }
        SubjectBody::decode(&opening.body).map(Some).map_err(ReceiptError::SubjectBody)
    }
}

fn same(recorded: &Hash, held: &Hash, otherwise: ReceiptError) -> Result<(), ReceiptError> {
    if bool::from(recorded.ct_eq(held)) { Ok(()) } else { Err(otherwise) }
}
