//! The crate from outside.

#[cfg(test)]
mod accesses;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod liars;
#[cfg(test)]
mod log;
