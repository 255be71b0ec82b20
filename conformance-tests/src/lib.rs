//! Black-box conformance suite against a running gateway.
