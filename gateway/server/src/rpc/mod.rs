//! One file per service: parse the message into domain types, call the
//! operation, turn its recorded outcome into the answer. Messages of the
//! contract never leave this folder.

mod audit;
mod bulk;
mod convert;
mod coverage;
mod directory;
mod eligibility;
mod fields;
mod presence;
pub mod receipt;
mod resident;
mod service;
pub mod status;

pub use service::routes;
