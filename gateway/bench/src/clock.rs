//! The one clock of the benchmark.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// This instant, Unix seconds.
pub(crate) fn now() -> i64 {
    instant().as_second()
}

/// This instant, microseconds since 1970 UTC.
pub(crate) fn now_us() -> i64 {
    instant().as_microsecond()
}

/// `days` after today in Tokyo, or before it.
pub(crate) fn day(days: i64) -> Date {
    let tokyo = TimeZone::get("Asia/Tokyo").unwrap_or(TimeZone::UTC);
    instant().to_zoned(tokyo).date().saturating_add(days.days())
}

#[expect(clippy::disallowed_methods, reason = "a client lives in the gateway's own time")]
fn instant() -> Timestamp {
    Timestamp::now()
}
