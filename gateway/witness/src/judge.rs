//! What a witness may cosign.

use pmh_audit::{
    Checkpoint,
    tree::{empty_root, verify_consistency},
    witness::AddCheckpoint,
};
use pmh_store::TreeHead;

/// Why a witness does not cosign. The numbers are the specification's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: no request of this form, or an old size larger than the checkpoint's.
    #[error("the request is malformed")]
    Malformed,
    /// 404: this witness does not watch the log.
    #[error("the log is not known here")]
    UnknownLog,
    /// 403: no key of the log made the signature.
    #[error("the checkpoint is not signed by the log")]
    Unsigned,
    /// 409: the proof does not start at the tree cosigned last, which has this size; also another root at that size.
    #[error("the proof starts at another size than the one cosigned last")]
    Conflict(u64),
    /// 422: the log does not prove that it only grew.
    #[error("the checkpoint is not consistent with the one cosigned last")]
    Inconsistent,
    /// 500: nothing was written down, so nothing may be signed.
    #[error("the witness could not write down what it would say")]
    Memory,
}

impl Refusal {
    /// HTTP status.
    pub fn status(self) -> http::StatusCode {
        match self {
            Self::Malformed => http::StatusCode::BAD_REQUEST,
            Self::UnknownLog => http::StatusCode::NOT_FOUND,
            Self::Unsigned => http::StatusCode::FORBIDDEN,
            Self::Conflict(_) => http::StatusCode::CONFLICT,
            Self::Inconsistent => http::StatusCode::UNPROCESSABLE_ENTITY,
            Self::Memory => http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Whether a signed checkpoint may follow the tree that was cosigned last; `None` if there was none.
pub fn judge(known: Option<TreeHead>, request: &AddCheckpoint, next: &Checkpoint) -> Result<(), Refusal> {
    let (known_size, known_root) = known.unwrap_or((0, empty_root()));
    if request.old_size() > next.size() {
        return Err(Refusal::Malformed);
    }
    if request.old_size() != known_size {
        return Err(Refusal::Conflict(known_size));
    }
    if known_size == next.size() {
        let same = known_root == *next.root() && request.proof().is_empty();
        return if same { Ok(()) } else { Err(Refusal::Conflict(known_size)) };
    }
    // Every tree grew out of the empty one; there is nothing to prove.
    if known_size == 0 {
        return Ok(());
    }
    verify_consistency(known_size, next.size(), request.proof(), &known_root, next.root())
        .map_err(|_| Refusal::Inconsistent)
}
