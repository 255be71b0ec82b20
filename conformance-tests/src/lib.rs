//! Black-box conformance suite: what it takes to talk to a running gateway, ours or anyone's.
//!
//! The suite knows the contract ([`pmh_proto`]), the log's formats ([`pmh_audit`]), a client ([`pmh_client`]) and
//! invented people with cards ([`pmh_testkit`]); it must not reach the gateway's own crates. The scenarios live in
//! `tests/conformance`; their names carry the requirement they hold the gateway to.
//!
//! - [`Server`] starts, kills and restarts `pmh sandbox` as a process;
//! - [`Target`] is a sandbox to talk to: the one that `PMH_TARGET` names, or one started for this run;
//! - [`counter`] and [`town`] are the two sides of a scenario: who presents cards, and who keeps residents.

mod binary;
pub mod clock;
pub mod counter;
pub mod names;
mod server;
mod target;
pub mod town;

pub use counter::Counter;
pub use server::Server;
pub use target::Target;
pub use town::{Newcomer, Town};
