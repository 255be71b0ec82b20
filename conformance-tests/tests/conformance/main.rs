//! Scenarios against a running gateway: the one that `PMH_TARGET=DIR/sandbox.json` names, or the workspace's own.
//!
//! A scenario's name begins with the requirement it holds the gateway to: `p1_` to `p10_` for the promises, `r_…` for
//! a requirement of cards, tokens, edge or log, `input_` for what bad input gets.
//!
//! `PMH_TEST_SCALE=full` kills the server 200 times; `PMH_TEST_SEED` repeats the moments of an earlier run. All
//! scenarios share one sandbox, and each writes about people of its own, so a sandbox may be tested twice.

#[cfg(test)]
mod accesses;
#[cfg(test)]
mod auditor;
#[cfg(test)]
mod cards;
#[cfg(test)]
mod checkup_reading;
#[cfg(test)]
mod checkups;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod guardian;
#[cfg(test)]
mod input;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod linking;
#[cfg(test)]
mod presence;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod vaccination;
#[cfg(test)]
mod writes;
