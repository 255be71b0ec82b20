//! Who is calling, and on whose behalf.
//!
//! Five questions, each answered by a type that only its own check can build:
//!
//! | question | answer | module |
//! |---|---|---|
//! | which organization holds the other end of this TLS connection? | [`ClientIdentity`](peer::ClientIdentity) | [`peer`] |
//! | was a genuine card presented, and is it still in force? | [`VerifiedCard`](card::VerifiedCard) | [`card`], [`challenge`], [`reader`] |
//! | is this token ours, in time, and bound to this caller? | [`Verified`](token::Verified) | [`token`] |
//! | which person is meant, in whose eyes? | [`Pairwise`](pairwise::Pairwise) | [`pairwise`], [`keys`] |
//! | may this caller do this now? | [`Permit`](policy::Permit) | [`policy`] |
//!
//! The crate has no I/O, no clock and no source of randomness: an instant is an argument (`now`, Unix seconds), and
//! so are random bytes ([`Random`]). It knows no transport, no database and no record.

pub mod card;
pub mod challenge;
mod crypto;
pub mod directory;
mod jws;
pub mod keys;
pub mod names;
pub mod oid;
pub mod organization;
pub mod pairwise;
pub mod peer;
pub mod policy;
pub mod reader;
pub mod token;
mod wire;
mod x509;

#[cfg(test)]
mod testing;

/// Fills a buffer with bytes from a cryptographically secure source.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]);
