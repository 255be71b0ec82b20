//! The two things that only the system can give: time and randomness. Asked
//! for here and nowhere else.

use std::{sync::Arc, time::UNIX_EPOCH};

use crate::edge::Random;

/// Microseconds since 1970 UTC.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
pub(crate) fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Unix seconds.
pub(crate) fn now_s() -> i64 {
    now_us().div_euclid(1_000_000)
}

/// Fills a buffer. Without randomness nothing here is safe, so the process ends.
pub(crate) fn fill(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        std::process::abort();
    }
}

/// The same, to be passed in.
pub(crate) fn random() -> Random {
    Arc::new(fill)
}

/// The same instant as a timestamp.
pub(crate) fn now() -> Result<jiff::Timestamp, jiff::Error> {
    jiff::Timestamp::from_microsecond(now_us())
}
