//! The gateway service and the pmh command.
//!
//! `edge` knows connections and organizations, `rpc` messages, `ops` use cases;
//! `runtime` builds one from a configuration, `sandbox` fills one with the
//! invented world, `cli` is the command.

pub mod cli;
pub mod config;
pub mod edge;
pub mod ops;
mod reload;
pub mod rpc;
pub mod runtime;
pub mod sandbox;
mod system;
mod upkeep;
mod web;
pub mod witness_role;
mod witnessing;
