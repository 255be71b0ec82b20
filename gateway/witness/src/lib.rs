//! Witnesses (C2SP tlog-witness v1.0), both sides of the wire.
//!
//! A witness says of a log that it only ever grew: it cosigns the newest checkpoint after checking that it is consistent
//! with the one it cosigned before. Whoever demands a quorum of witnesses cannot be shown a history of their own.
//!
//! - [`judge`]: what a witness may cosign, as a pure rule;
//! - [`role`]: the witness itself: judge, write down, only then sign;
//! - [`serve`]: `POST /add-checkpoint` over HTTP/1.1, with or without TLS;
//! - [`feed`]: a log's call to a witness.
//!
//! Not here: the texts on the wire and the cosignature itself (`pmh_audit::witness`, `pmh_audit::note`), and when a
//! log calls whom (the gateway).

pub mod feed;
pub mod judge;
pub mod role;
pub mod serve;
