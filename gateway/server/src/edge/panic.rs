//! A bug in one call ends that call and nothing else.
//!
//! The panic hook runs inside the call's span, so a hook that writes through `tracing` shows the request id. Answering
//! HTTP 500 with a text body, as is usual elsewhere, reaches a gRPC client as "invalid compression flag" (foundations,
//! finding 4); here the caller gets INTERNAL like for any other error of ours.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The guarded work panicked; what it was working on must not be touched again.
#[derive(Debug)]
pub(super) struct Panicked;

/// Does one step of a call. Unwind safety is the caller's: on [`Panicked`] it drops the future or body.
pub(super) fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, Panicked> {
    // The payload may quote input, and the hook has printed it for the operator already.
    catch_unwind(AssertUnwindSafe(step)).map_err(|_| Panicked)
}
