//! The rules: codes, organizations, entitlements, eligibility.
//!
//! Everything here is a pure function over values: no I/O, no clock, no
//! randomness, no transport and no database types. Time and data are passed
//! in, so that the same question over the same facts has the same answer on
//! every machine and in every test.
//!
//! Strings become types once, at the edge of this crate: [`codes`] and
//! [`organization`] for what is written on certificates, [`entitlement`],
//! [`resident`] and [`directory`] for what issuers send, [`eligibility`] for
//! what a counter asks. Error messages never repeat what was sent.

pub mod checkup;
pub mod codes;
pub mod directory;
pub mod eligibility;
pub mod entitlement;
pub mod handoff;
pub mod organization;
pub mod problem;
pub mod resident;
pub mod retention;
pub mod time;
pub mod vaccination;
mod withheld;
