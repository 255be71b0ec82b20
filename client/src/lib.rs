//! What a terminal, an issuer or an auditor needs to use a gateway without trusting it more than necessary.
//!
//! Connect with your certificate ([`endpoint`]), present a card ([`terminal`]), send rows ([`issuer`]), read the log
//! ([`log`]). Every answer that the contract promises a receipt for is checked before it is handed out; an answer
//! without a valid one is an error, because an unrecorded answer is the one thing a gateway must never give. A
//! refusal is read into [`Refused`], and its receipt is checked by the same rules.
//!
//! Not here: card readers (give a [`Card`]), screens, storage, and clocks: an instant is an argument, in Unix seconds.

pub mod accesses;
pub mod call;
pub mod card;
pub mod doses;
pub mod endpoint;
mod error;
pub mod export;
pub mod gateway;
pub mod handoffs;
pub mod identity;
pub mod issuer;
pub mod log;
pub mod presence;
pub mod receipt;
pub mod refusal;
mod search;
pub mod terminal;

pub use accesses::{AccessesError, MyAccess, MyAccesses};
pub use call::{Call, Recorded};
pub use card::{Card, CardError, Signed};
pub use endpoint::{ConnectError, Endpoint, connect, connect_lazy};
pub use error::Error;
pub use export::{ExportPage, Exported, LogExport};
pub use gateway::{Gateway, LogKeys, Proven, Retry};
pub use identity::{Identity, IdentityError};
pub use issuer::{Chunk, Issuer};
pub use log::LogReader;
pub use presence::Presence;
pub use receipt::{ProofError, verify_evidence};
pub use refusal::Refused;
pub use terminal::{Answer, Presentation, Terminal};
