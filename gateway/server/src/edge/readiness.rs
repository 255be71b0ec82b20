//! Whether a load balancer should send calls here (`grpc.health.v1`, service `""`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Says whether this process can serve. Starts as not ready; once it drains it stays not ready.
#[derive(Clone, Debug)]
pub struct Readiness {
    reporter: HealthReporter,
    draining: Arc<AtomicBool>,
}

impl Readiness {
    pub(super) async fn new(reporter: HealthReporter) -> Self {
        reporter.set_service_status(WHOLE, ServingStatus::NotServing).await;
        Self { reporter, draining: Arc::default() }
    }

    /// The store can be written, the log can sign, revocation data is fresh: calls are welcome.
    pub async fn ready(&self) {
        if !self.draining.load(Ordering::Acquire) {
            self.reporter.set_service_status(WHOLE, ServingStatus::Serving).await;
        }
        // A drain that began between the two lines above must have the last word.
        if self.draining.load(Ordering::Acquire) {
            self.not_ready().await;
        }
    }

    /// Something that is needed is away.
    pub async fn not_ready(&self) {
        self.reporter.set_service_status(WHOLE, ServingStatus::NotServing).await;
    }

    /// Whether a quorum of witnesses has spoken lately. Calls go on without.
    pub async fn witnesses(&self, heard: bool) {
        let status = if heard { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(WITNESSES, status).await;
    }

    pub(super) async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.not_ready().await;
    }

    /// Ends health watches, which never end by themselves and would hold the drain to its last second.
    pub(super) async fn end_watches(&self) {
        self.reporter.clone().clear_service_status(WHOLE).await;
        self.reporter.clone().clear_service_status(WITNESSES).await;
    }
}

/// The empty name is the whole server.
const WHOLE: &str = "";
/// Known only where witnesses are configured.
const WITNESSES: &str = "pmh.audit.v1.Witnesses";
