//! The audit log as a library: leaf, tree, checkpoint, receipt, verification. No I/O.
//!
//! Everything a stranger needs to check the gateway's log, and everything the gateway needs to write it:
//!
//! - [`leaf`]: the 200-byte record of one event, free of personal data;
//! - [`part`]: what the leaf only commits to, and how a part is opened later or forgotten;
//! - [`tree`]: RFC 6962 hashing, the frontier a sequencer appends with, proofs and their verification;
//! - [`note`]: C2SP signed notes and checkpoints under Ed25519, strict rule;
//! - [`receipt`]: the proof that travels in an answer, verified offline;
//! - [`rows`]: the root over the rows of one bulk chunk;
//! - [`registry`]: the frozen numbers that stand in leaves.
//!
//! Not here: storage, clocks, randomness, sequencing, witnesses, and any transport. Salts, times and event ids
//! are given by the caller. The byte formats are frozen; `README.md` beside this crate tabulates them, and the
//! files under `tests/golden` pin them.

pub mod leaf;
pub mod note;
pub mod part;
pub mod receipt;
pub mod registry;
pub mod rows;
pub mod text;
pub mod tree;

mod codec;

pub use codec::{CodecError, List};
pub use leaf::{Kind, Leaf, LeafError, OrgRef, Reference, References};
pub use note::{Checkpoint, Note, SigningKey, VerifierKey};
pub use part::{ActorBody, ChainBody, DetailBody, Opening, Part, Salt, SubjectBody, commit};
pub use receipt::{Receipt, ReceiptError, Verified};
pub use text::ShortText;
pub use tree::{Frontier, Hash};
