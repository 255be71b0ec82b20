//! The operations over real mutual TLS: what a caller can do by repeating, racing and withdrawing.

mod auditor;
pub(crate) mod console;
mod erasure;
mod linking;
mod log;
mod presence;
mod questionnaires;
mod recorded;
mod refusals;
mod register;
pub(crate) mod rig;
mod sessions;
mod tickets;
mod tiles;
mod visits;
mod witnesses;
