//! What the edge counts. Labels come from closed sets alone: methods of the contract, gRPC codes, our own words.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `pmh_rpc_calls_total` | counter | `method`, `code` |
//! | `pmh_rpc_seconds` | histogram | `method` |
//! | `pmh_connections` | gauge | |
//! | `pmh_handshakes_total` | counter | `outcome` |
//!
//! A caller that goes away before its answer is counted `CANCELLED`. Handles are made at first use: the recorder must
//! be installed before the edge serves.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, SharedString, counter, gauge, histogram};
use tonic::Code;

use super::listener::HandshakeOutcome;
use super::methods::{Method, Methods};

/// Counters of the edge, each looked up in the recorder once.
pub(super) struct EdgeMetrics {
    methods: Vec<MethodMetrics>,
    handshakes: [OnceLock<Counter>; HandshakeOutcome::ALL.len()],
    connections: OnceLock<Gauge>,
}

struct MethodMetrics {
    name: SharedString,
    codes: [OnceLock<Counter>; CODES],
    seconds: OnceLock<Histogram>,
}

impl EdgeMetrics {
    pub(super) fn new(methods: &Methods) -> Self {
        let of = |name: &String| MethodMetrics {
            name: SharedString::from(name.clone()),
            codes: Default::default(),
            seconds: OnceLock::new(),
        };
        Self {
            methods: methods.names().iter().map(of).collect(),
            handshakes: Default::default(),
            connections: OnceLock::new(),
        }
    }

    /// A call has ended.
    pub(super) fn call(&self, method: Method, code: Code, took: Duration) {
        let Some(of) = self.methods.get(method.index()) else { return };
        if let Some(cell) = usize::try_from(i32::from(code)).ok().and_then(|code| of.codes.get(code)) {
            let new = || counter!("pmh_rpc_calls_total", "method" => of.name.clone(), "code" => name(code));
            cell.get_or_init(new).increment(1);
        }
        let new = || histogram!("pmh_rpc_seconds", "method" => of.name.clone());
        of.seconds.get_or_init(new).record(took);
    }

    /// A socket has become a connection, or not.
    pub(super) fn handshake(&self, outcome: HandshakeOutcome) {
        if let Some(cell) = self.handshakes.get(outcome as usize) {
            cell.get_or_init(|| counter!("pmh_handshakes_total", "outcome" => outcome.as_str())).increment(1);
        }
    }

    /// There are so many connections now.
    pub(super) fn connections(&self, count: usize) {
        let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
        self.connections.get_or_init(|| gauge!("pmh_connections")).set(count);
    }
}

impl std::fmt::Debug for EdgeMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EdgeMetrics").field("methods", &self.methods.len()).finish_non_exhaustive()
    }
}

/// Name of a code as in the gRPC specification, `statuscodes.md`.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Codes 0 to 16.
const CODES: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[test]
    fn r_sc_05_calls_are_counted_under_closed_labels() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let page = metrics::with_local_recorder(&recorder, || {
            let methods = Methods::from_descriptors(&[pmh_proto::DESCRIPTORS]).unwrap();
            let metrics = EdgeMetrics::new(&methods);
            metrics.call(methods.find("/pmh.audit.v1.AuditService/GetCheckpoint"), Code::Ok, Duration::ZERO);
            metrics.call(methods.find("/canary/canary"), Code::Unimplemented, Duration::ZERO);
            metrics.handshake(HandshakeOutcome::Timeout);
            metrics.connections(3);
            recorder.handle().render()
        });
        for line in [
            r#"pmh_rpc_calls_total{method="pmh.audit.v1.AuditService/GetCheckpoint",code="OK"} 1"#,
            r#"pmh_rpc_calls_total{method="unknown",code="UNIMPLEMENTED"} 1"#,
            r#"pmh_handshakes_total{outcome="timeout"} 1"#,
            "pmh_connections 3",
        ] {
            assert!(page.contains(line), "{line} not in:\n{page}");
        }
        assert!(!page.contains("canary"));
    }
}
