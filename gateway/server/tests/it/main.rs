//! The server over real sockets.

#[cfg(test)]
mod canary;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod handoff;
#[cfg(test)]
mod house;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod later;
#[cfg(test)]
mod ops;
