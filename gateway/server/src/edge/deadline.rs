//! How long a call may take: the caller's `grpc-timeout` under our ceiling.
//!
//! Source: gRPC over HTTP/2, `Timeout → "grpc-timeout" TimeoutValue TimeoutUnit`, at most eight digits.

use std::time::Duration;

use http::HeaderMap;

use super::EdgeLimits;
use super::methods::Shape;

/// The time granted to a call. A timeout that cannot be read is treated as absent, as grpc libraries do.
pub(super) fn granted(headers: &HeaderMap, shape: Shape, limits: &EdgeLimits) -> Duration {
    let wanted = headers.get("grpc-timeout").and_then(|value| parse(value.as_bytes()));
    match shape {
        Shape::Stream => wanted.map_or(limits.stream_deadline, |wanted| wanted.min(limits.stream_deadline)),
        Shape::Unary | Shape::Presentation => {
            wanted.map_or(limits.deadline, |wanted| wanted.min(limits.max_deadline))
        }
    }
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount = digits.iter().fold(0_u64, |amount, digit| amount * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(amount * 3600)),
        b'M' => Some(Duration::from_secs(amount * 60)),
        b'S' => Some(Duration::from_secs(amount)),
        b'm' => Some(Duration::from_millis(amount)),
        b'u' => Some(Duration::from_micros(amount)),
        b'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        let second = Duration::from_secs(1);
        for (text, duration) in [
            ("1H", 3600 * second),
            ("2M", 120 * second),
            ("3S", 3 * second),
            ("1500m", 1500 * second / 1000),
            ("99999999u", Duration::from_micros(99_999_999)),
            ("7n", Duration::from_nanos(7)),
            ("99999999H", Duration::from_hours(99_999_999)),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(duration), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_timeout() {
        for text in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "123456789S", "1 S", "１S", "1SS"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_ceiling_depends_on_the_shape() {
        let limits = EdgeLimits::default();
        let with = |text: &'static str| {
            HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-timeout"),
                http::HeaderValue::from_static(text),
            )])
        };
        assert_eq!(granted(&HeaderMap::new(), Shape::Unary, &limits), limits.deadline);
        assert_eq!(granted(&with("20S"), Shape::Unary, &limits), Duration::from_secs(20));
        assert_eq!(granted(&with("1H"), Shape::Unary, &limits), limits.max_deadline);
        assert_eq!(granted(&with("nonsense"), Shape::Presentation, &limits), limits.deadline);
        assert_eq!(granted(&HeaderMap::new(), Shape::Stream, &limits), limits.stream_deadline);
        assert_eq!(granted(&with("1H"), Shape::Stream, &limits), limits.stream_deadline);
        assert_eq!(granted(&with("1S"), Shape::Stream, &limits), Duration::from_secs(1));
    }
}
