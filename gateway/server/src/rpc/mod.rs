//! One file per service: parse the message into domain types, call the
//! operation, turn its recorded outcome into the answer. Messages of the
//! contract never leave this folder.

mod accesses;
mod audit;
mod auditor;
mod births;
mod bulk;
mod checkup;
mod convert;
mod coverage;
mod directory;
mod eligibility;
mod erasure;
mod fields;
pub(crate) mod handoff;
mod operator;
mod presence;
mod questionnaires;
pub mod receipt;
mod resident;
mod service;
mod sessions;
pub mod status;
mod tickets;
mod vaccination;

pub use service::routes;

pub(crate) use service::Service;
