//! The rules seen from outside: published numbers, rows as issuers send them,
//! and the answers a counter gets.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod checkup;
#[cfg(test)]
mod handoff;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod published;
#[cfg(test)]
mod received;
#[cfg(test)]
mod vaccination;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod world;
