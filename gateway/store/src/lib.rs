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

mod auth;
mod db;
mod entry;
mod fault;
mod gateway;
mod reader;
mod recorded;
mod seal;
mod sequencer;

pub use auth::{
    Admission, Admitted, AuthStore, LinkOutcome, Minted, Person, PresenceRow, PresenceUpdate, Relation,
    RenewalOutcome,
};
pub use db::{Location, Role, migrations};
pub use entry::{Attempt, Draft, EntrySubject};
pub use fault::{Cause, Fault};
pub use gateway::{
    ChunkRow, EntitlementChunk, GatewayStore, Heads, LinkDecision, Organization, PersonFacts, PersonLink,
    Proposal, ProposalState, ProposedLink, Registry, RegistryChange, ResidentChange, ResidentChunk,
    RowConflict, RowDone, RowOutcome, RowVerdict, SubjectRef,
};
pub use reader::{LogCheck, LogDefect, Page, Reader, StoredEntry};
pub use recorded::Recorded;
pub use seal::StoreKeys;
pub use sequencer::{Clock, Concluding, Conclusion, Idempotency, LogSettings, Reply, State};
