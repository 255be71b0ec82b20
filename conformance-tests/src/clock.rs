//! The one clock of the suite.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// This instant.
#[expect(clippy::disallowed_methods, reason = "a black-box suite lives in the gateway's own time")]
pub fn instant() -> Timestamp {
    Timestamp::now()
}

/// This instant, Unix seconds.
pub fn now() -> i64 {
    instant().as_second()
}

/// Today in Tokyo.
pub fn today() -> Date {
    instant().to_zoned(TimeZone::get("Asia/Tokyo").unwrap_or(TimeZone::UTC)).date()
}

/// `days` after today, or before it.
pub fn day(days: i64) -> Date {
    today().saturating_add(days.days())
}

/// Whether every count is to be as large as the promises state it.
pub fn full_scale() -> bool {
    std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full")
}
