//! Test PKI, fake card and invented family, shared by the sandbox, the demo and every test.
//!
//! Everything a gateway must be given by somebody else before it can answer: certificates of
//! organizations, cards, a face reader, the credential directory, and people. Nothing here verifies
//! anything; the verifiers live in `pmh-auth` and must not learn their rules from this crate.
//!
//! - [`pki`]: three card CAs, an institution CA, leaves, revocation lists, and every defect a
//!   verifier must refuse;
//! - [`card`]: a card that answers APDUs, and the terminal that talks to it;
//! - [`reader`] and [`directory`]: the two signers besides the card;
//! - [`sandbox`]: the file `sandbox.json` that a vendor's program reads;
//! - [`tls`]: the client side of mutual TLS 1.3;
//! - [`world`]: the invented family, as data.
//!
//! Time is passed in as Unix seconds. Randomness comes from aws-lc: keys cannot be seeded there,
//! so nothing made here is reproducible byte for byte, and no test may depend on that.
//!
//! Nothing made here may guard anything: every name says TEST, and keys are written to disk.

pub mod card;
pub mod directory;
mod error;
mod jose;
mod pem;
pub mod pki;
pub mod reader;
pub mod sandbox;
pub mod tls;
pub mod world;

pub use error::{Error, Result};
