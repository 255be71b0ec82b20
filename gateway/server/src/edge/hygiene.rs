//! What a request must be and must not carry before anybody looks at it.

use http::header::{AUTHORIZATION, CONTENT_TYPE, Entry};
use http::{HeaderMap, HeaderName, Method, Request};

/// What a call's `authorization` metadata says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// There is none.
    Absent,
    /// One bearer token (RFC 6750 §2.1), not yet looked at.
    Bearer(&'a str),
    /// Two values, another scheme, or not text: TOKEN_INVALID. To take the first of two would let a proxy and us see
    /// different callers (R-TOK-10).
    Unusable,
}

/// Reads the `authorization` metadata of a call.
pub fn authorization(headers: &HeaderMap) -> Authorization<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Authorization::Absent };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    });
    match (token, values.next()) {
        (Some(token), None) => Authorization::Bearer(token),
        _ => Authorization::Unusable,
    }
}

/// Removes metadata by which a caller or a proxy could claim an identity (P2), and hides token and operator from debug
/// output.
pub(super) fn clean(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> = headers.keys().filter(|name| claims_identity(name)).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
    for secret in [AUTHORIZATION, OPERATOR] {
        if let Entry::Occupied(mut values) = headers.entry(secret) {
            for value in values.iter_mut() {
                value.set_sensitive(true);
            }
        }
    }
}

/// Whether the request is gRPC at all. If not, the answer's HTTP status says so too, lest a client that is not gRPC
/// take 200 for success (gRPC over HTTP/2, "Requests").
pub(super) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    request.method() == Method::POST
        && content_type.is_some_and(|value| value.starts_with(b"application/grpc"))
}

fn claims_identity(name: &HeaderName) -> bool {
    CLAIMS.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// Pseudonym of a member of the calling organization's staff.
const OPERATOR: HeaderName = HeaderName::from_static("pmh-operator");
/// Beginnings of header names that proxies use to say who is behind them.
const CLAIMS: [&str; 8] = [
    "forwarded",
    "x-forwarded-",
    "x-client-cert",
    "x-pmh-",
    "x-real-ip",
    "x-ssl-",
    "ssl-client-",
    "pmh-request-id",
];

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn r_az_09_caller_sent_identities_are_dropped() {
        let mut sent = headers(&[
            ("x-forwarded-client-cert", "By=spiffe://x"),
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
            ("x-client-cert-subject", "CN=clinic"),
            ("x-pmh-org", "clinic:1"),
            ("pmh-request-id", "00"),
            ("x-real-ip", "192.0.2.1"),
            ("authorization", "Bearer t"),
            ("grpc-timeout", "1S"),
        ]);
        clean(&mut sent);
        let mut kept: Vec<_> = sent.keys().map(HeaderName::as_str).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["authorization", "grpc-timeout"]);
    }

    #[test]
    fn r_tok_22_the_token_does_not_show_in_debug_output() {
        let mut sent = headers(&[("authorization", "Bearer canary"), ("pmh-operator", "canary")]);
        clean(&mut sent);
        assert!(!format!("{sent:?}").contains("canary"));
    }

    #[test]
    fn r_tok_10_two_authorization_values_are_unusable() {
        let read = |pairs| match authorization(&headers(pairs)) {
            Authorization::Absent => "absent",
            Authorization::Bearer(token) => {
                assert_eq!(token, "t");
                "bearer"
            }
            Authorization::Unusable => "unusable",
        };
        assert_eq!(read(&[]), "absent");
        assert_eq!(read(&[("authorization", "Bearer t")]), "bearer");
        assert_eq!(read(&[("authorization", "bearer t")]), "bearer");
        assert_eq!(read(&[("authorization", "Bearer t"), ("authorization", "Bearer t")]), "unusable");
        assert_eq!(read(&[("authorization", "Basic t")]), "unusable");
        assert_eq!(read(&[("authorization", "Bearer ")]), "unusable");
        assert_eq!(read(&[("authorization", "Bearer")]), "unusable");
    }
}
