//! The numbers of the edge, each with its default and what it protects.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// `[edge]` of the configuration. Durations are seconds (`0.5` is allowed), sizes are bytes. Unknown keys are refused.
///
/// Defaults follow identity research §9 and §10.5.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeLimits {
    /// Connections in all. 10,000. One more is closed before TLS.
    pub max_connections: usize,
    /// Connections of one organization. 50. Surplus ones are told CONNECTIONS, up to as many again; then they are closed.
    pub max_connections_per_organization: usize,
    /// Sockets that may be without a complete ClientHello. 1,024. One more turns out the one that has waited longest.
    pub max_waiting_sockets: usize,
    /// Handshakes whose cryptography is under way. 256. Others wait within their own time.
    pub max_handshakes: usize,
    /// From accept to the end of the handshake. 5 s.
    #[serde(deserialize_with = "seconds")]
    pub handshake_timeout: Duration,
    /// Age at which a connection is asked to leave (GOAWAY), ±10 % so that not all return at once. 600 s.
    #[serde(deserialize_with = "seconds")]
    pub connection_age: Duration,
    /// Time between that and the cut. 30 s.
    #[serde(deserialize_with = "seconds")]
    pub connection_grace: Duration,
    /// Calls at a time on one connection. 64.
    pub max_concurrent_streams: u32,
    /// Header list of one request, as HPACK counts it. 16 KiB.
    pub max_header_list_bytes: u32,
    /// Flow-control window of one stream. 256 KiB.
    pub stream_window_bytes: u32,
    /// Flow-control window of one connection. 1 MiB.
    pub connection_window_bytes: u32,
    /// Ping after so much silence. 30 s.
    #[serde(deserialize_with = "seconds")]
    pub keepalive_interval: Duration,
    /// Close when the ping stays unanswered. 10 s.
    #[serde(deserialize_with = "seconds")]
    pub keepalive_timeout: Duration,
    /// One message, either way. 1 MiB. Set on each service where it is built.
    pub max_message_bytes: usize,
    /// A unary call without `grpc-timeout`. 10 s.
    #[serde(deserialize_with = "seconds")]
    pub deadline: Duration,
    /// The longest `grpc-timeout` honoured for a unary call. 30 s.
    #[serde(deserialize_with = "seconds")]
    pub max_deadline: Duration,
    /// A streaming call (bulk, watch, reflection), with or without `grpc-timeout`. 300 s.
    #[serde(deserialize_with = "seconds")]
    pub stream_deadline: Duration,
    /// Calls under way in the whole process; one more is told TRY_AGAIN. 1,024.
    pub max_in_flight: usize,
    /// Calls of one organization. 50 a second, burst 200.
    pub organization_rate: Rate,
    /// Begin and complete of presentations from one terminal. 2 a second, burst 10.
    pub presentation_rate: Rate,
    /// After the signal to stop, calls under way may take so long. 30 s.
    #[serde(deserialize_with = "seconds")]
    pub drain: Duration,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Tokens that come back each second.
    pub per_second: NonZeroU32,
    /// Tokens in a full bucket.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A bucket; zero is read as one, because a bucket that lets nothing through is a suspension in disguise.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: at_least_one(per_second), burst: at_least_one(burst) }
    }
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_organization: 50,
            max_waiting_sockets: 1024,
            max_handshakes: 256,
            handshake_timeout: Duration::from_secs(5),
            connection_age: Duration::from_mins(10),
            connection_grace: Duration::from_secs(30),
            max_concurrent_streams: 64,
            max_header_list_bytes: 16 << 10,
            stream_window_bytes: 256 << 10,
            connection_window_bytes: 1 << 20,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_message_bytes: 1 << 20,
            deadline: Duration::from_secs(10),
            max_deadline: Duration::from_secs(30),
            stream_deadline: Duration::from_mins(5),
            max_in_flight: 1024,
            organization_rate: Rate::new(50, 200),
            presentation_rate: Rate::new(2, 10),
            drain: Duration::from_secs(30),
        }
    }
}

const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| *duration > Duration::ZERO && *duration <= LONGEST)
        .ok_or_else(|| de::Error::custom("not a number of seconds between 0 and a day"))
}

/// A day. Above it a slip of units is likelier than an intention.
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_section_is_the_default() {
        assert_eq!(toml::from_str::<EdgeLimits>("").unwrap(), EdgeLimits::default());
    }

    #[test]
    fn values_are_read_in_seconds() {
        let limits: EdgeLimits =
            toml::from_str("deadline = 2\ndrain = 0.5\norganization_rate = { per_second = 7, burst = 9 }")
                .unwrap();
        assert_eq!(limits.deadline, Duration::from_secs(2));
        assert_eq!(limits.drain, Duration::from_millis(500));
        assert_eq!(limits.organization_rate, Rate::new(7, 9));
    }

    #[test]
    fn unknown_keys_and_senseless_values_are_refused() {
        for text in [
            "dead_line = 2",
            "deadline = -1",
            "deadline = 0",
            "deadline = nan",
            "deadline = 1e9",
            "organization_rate = { per_second = 0, burst = 1 }",
            "organization_rate = { per_second = 1, burst = 1, extra = 1 }",
        ] {
            assert!(toml::from_str::<EdgeLimits>(text).is_err(), "{text}");
        }
    }
}
