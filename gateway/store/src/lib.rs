//! Persistence: named transactions over SQLite and PostgreSQL, and the
//! sequencer that commits effect and leaf together.
//!
//! Guarantees: a [`Recorded`] value exists only after its entry, its effect and
//! the log's head were committed in one transaction; operations of one batch
//! see each other in order; one that fails never fails its neighbours; nothing
//! acknowledged is lost by a crash. sqlx types never leave this crate, and it
//! knows no transport.
//!
//! To add a write: a struct with its arguments, `impl Transaction` with the
//! statements, a method on the store that submits it.

mod accesses;
mod auth;
pub mod birth;
pub mod checkup;
mod cosignatures;
mod db;
mod entry;
mod erasure;
mod fault;
mod gateway;
pub mod handoff;
mod last_checkpoint;
pub mod questionnaire;
mod reader;
mod recorded;
mod scan;
mod seal;
mod search;
mod sequencer;
pub mod session;
pub mod ticket;
mod tiles;
pub mod vaccination;
mod witness;

pub use accesses::{
    AccessItem, AccessPage, Answered, Chains, GuardianChange, Question, QuestionState, Questioned, ReadBy,
    StoredQuestion,
};
pub use auth::{
    Admission, Admitted, AuthStore, LinkOutcome, Minted, Person, PresenceRow, PresenceUpdate, Relation,
    RenewalOutcome,
};
pub use cosignatures::{CosignedRoot, Cosigner, StoredCosignature};
pub use db::{Location, Role, migrations, sqlite_options};
pub use entry::{Attempt, Draft, EntrySubject};
pub use erasure::{
    ErasedEntry, Erasing, ErasureAsked, ErasureRequest, Held, LegalHold, NewErasure, Released, Retained,
    RetentionStep, ToErase,
};
pub use fault::{Cause, Fault};
pub use gateway::{
    ChunkRow, EntitlementChunk, GatewayStore, Heads, LinkDecision, Organization, PersonFacts, PersonLink,
    Proposal, ProposalState, ProposedLink, Registry, RegistryChange, ResidentChange, ResidentChunk,
    RowConflict, RowDone, RowOutcome, RowVerdict, SubjectRef,
};
pub use last_checkpoint::{default_checkpoint_file, last_signed};
pub use reader::{Page, Reader, StoredEntry};
pub use recorded::Recorded;
pub use scan::{LogCheck, LogDefect, Scan};
pub use seal::StoreKeys;
pub use search::{Asked, Filter, Hits, NewPersonSearch, PersonSearch, SearchIndex, Span};
pub use sequencer::{Clock, Concluding, Conclusion, Idempotency, LogSettings, Reply, State};
pub use tiles::{TileKeeper, TilesMade};
pub use witness::{TreeHead, WitnessStore};
