//! What no page may do, and from where none may be asked for.
//!
//! A client certificate goes along with every request of the browser, whoever made it, and even to read is recorded
//! under the organization's name. So nothing is done for a page of another site: browsers say so in `Sec-Fetch-Site`
//! (Fetch Metadata), and where that is missing, `Origin` must name this very host (RFC 6454). Opening the first page
//! from a link elsewhere is harmless: it asks nothing of the log.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS,
    },
};

use super::refused;

/// Lets through what a page of ours, or the person at the browser, asked for.
pub(super) async fn same_site(request: Request, next: Next) -> Response {
    let is_first_page = request.method() == Method::GET && request.uri().path() == "/";
    if is_first_page || is_own(request.method(), request.headers()) {
        next.run(request).await
    } else {
        refused::from_elsewhere(request.headers()).into_response()
    }
}

/// Nothing is kept, framed, scripted or fetched from anywhere else.
pub(super) async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_own(method: &Method, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(b"same-origin") => true,
        // An address typed in, a bookmark.
        Some(b"none") => reads,
        Some(_) => false,
        None => match headers.get(ORIGIN) {
            Some(origin) => is_host(origin, headers),
            // No browser that is still maintained sends a form without either header.
            None => reads,
        },
    }
}

/// The host alone is compared: nothing but TLS is spoken at ours.
fn is_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    authority.is_some_and(|(_, authority)| Some(authority) == host)
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const PROTECTION: [(HeaderName, &str); 8] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn own(method: &Method, sent: &[(HeaderName, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("audit.example:8444"));
        for (name, value) in sent {
            headers.insert(name, HeaderValue::from_static(value));
        }
        is_own(method, &headers)
    }

    #[test]
    fn a_form_comes_from_a_page_of_ours_or_not_at_all() {
        assert!(own(&Method::POST, &[(SEC_FETCH_SITE, "same-origin")]));
        assert!(own(&Method::POST, &[(ORIGIN, "https://audit.example:8444")]));
        for sent in [
            &[][..],
            &[(SEC_FETCH_SITE, "none")],
            &[(SEC_FETCH_SITE, "same-site")],
            &[(SEC_FETCH_SITE, "cross-site"), (ORIGIN, "https://audit.example:8444")],
            &[(ORIGIN, "https://audit.example")],
            &[(ORIGIN, "null")],
        ] {
            assert!(!own(&Method::POST, sent), "{sent:?}");
        }
    }

    #[test]
    fn reading_may_begin_at_the_browser_and_not_at_another_site() {
        assert!(own(&Method::GET, &[]) && own(&Method::GET, &[(SEC_FETCH_SITE, "none")]));
        assert!(!own(&Method::GET, &[(SEC_FETCH_SITE, "cross-site")]));
        assert!(!own(&Method::GET, &[(ORIGIN, "https://elsewhere.example")]));
    }
}
