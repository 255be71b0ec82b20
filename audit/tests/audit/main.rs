//! The crate from outside: published vectors, golden files, and properties.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod ed25519;
#[cfg(test)]
mod encoding;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod handoff;
#[cfg(test)]
mod list;
#[cfg(test)]
mod merkle;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod policy;
#[cfg(feature = "cli")]
#[cfg(test)]
mod program;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tlog_proof;
