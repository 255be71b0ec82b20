//! May this caller do this now? One table, one function, one proof.
//!
//! [`POLICY`] has exactly one entry per method; what is not listed is denied. [`authorize`] holds the caller, the token
//! and the purpose against it and returns a [`Permit`], which nothing else can make and which the work demands as an
//! argument. The policy looks at the token alone, never at records, so that a refusal tells nothing about a person.
//!
//! To add a method: give it a number in the log's registry, add its entry to [`POLICY`], and add its line to the
//! expected matrix in this module's tests.
//!
//! Municipal calls run on mutual TLS alone in this version. Staff tokens become a further
//! [`Needs`], and the entries that say [`Needs::MutualTls`] for municipalities move to it.

mod authorize;
mod table;

pub use authorize::{Caller, Permit, PolicyRefusal, Subject, authorize, presentable};
pub use table::{Callers, ConsentRule, MethodPolicy, Needs, POLICY, TokenNeeds, lookup};

#[cfg(test)]
mod tests;
