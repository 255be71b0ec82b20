//! The audit log as a library: leaf, tree, checkpoint, receipt, verification. No I/O.
//!
//! Everything a stranger needs to check the gateway's log, and everything the gateway needs to write it:
//!
//! - [`leaf`]: the 200-byte record of one event, free of personal data;
//! - [`part`]: what the leaf only commits to, and how a part is opened later or forgotten;
//! - [`tree`]: RFC 6962 hashing, the frontier a sequencer appends with, proofs and their verification;
//! - [`tile`]: the tree in files of 256 hashes, C2SP tlog-tiles;
//! - [`note`]: C2SP signed notes, checkpoints and cosignatures under Ed25519, strict rule;
//! - [`policy`]: whose cosignatures make a checkpoint believable, C2SP tlog-policy;
//! - [`witness`]: the texts that logs and witnesses exchange, C2SP tlog-witness;
//! - [`receipt`]: the proof that travels in an answer, verified offline;
//! - [`list`]: a person's list of accesses, verified to have no gap, the newest end included;
//! - [`handoff`]: a handoff between two municipalities, proved from both logs by one file;
//! - [`rows`]: the root over the rows of one bulk chunk;
//! - [`registry`]: the frozen numbers that stand in leaves.
//!
//! Not here: storage, clocks, randomness, sequencing, and any transport. Salts, times and event ids
//! are given by the caller. The byte formats are frozen; `README.md` beside this crate tabulates them, and the
//! files under `tests/golden` pin them.

pub mod directory;
pub mod handoff;
pub mod leaf;
pub mod list;
pub mod note;
pub mod part;
pub mod policy;
pub mod receipt;
pub mod registry;
pub mod rows;
pub mod text;
pub mod tile;
pub mod tree;
pub mod witness;

mod codec;
mod lines;

pub use codec::{CodecError, List};
pub use handoff::{EvidenceError, HandoffFile, VerifiedHandoff};
pub use leaf::{Kind, Leaf, LeafError, OrgRef, Reference, References};
pub use list::{AccessList, ListEntry, ListError, ListPage, VerifiedList, verify_chain};
pub use note::{Checkpoint, Cosigned, CosigningKey, Note, SigningKey, VerifierKey, WitnessKey};
pub use part::{ActorBody, ChainBody, DetailBody, Opening, Part, Salt, SubjectBody, commit};
pub use policy::Policy;
pub use receipt::{Receipt, ReceiptError, TlogProof, Verified};
pub use text::ShortText;
pub use tree::{Frontier, Hash};
