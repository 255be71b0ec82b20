//! The edge as a whole: built from its parts, served until told to stop.

use std::sync::Arc;
use std::time::Duration;

use pmh_auth::peer::LeafProfile;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::call::{Calls, Gate};
use super::connection::{Http2, Span, Tasks, spread};
use super::limits::Limits;
use super::listener::{Arrival, Doorkeeper, HandshakeOutcome, WaitingRoom, accept};
use super::methods::Methods;
use super::metrics::EdgeMetrics;
use super::side::SideDoor;
use super::{Clock, EdgeLimits, Live, OrganizationRegistry, Random, Readiness, TlsStore};

/// What an edge is made of.
pub struct EdgeSetup {
    /// Numbers.
    pub limits: EdgeLimits,
    /// Keys and trust; may be replaced while serving.
    pub tls: Arc<TlsStore>,
    /// What a client certificate must be.
    pub profile: LeafProfile,
    /// Who may speak.
    pub registry: Arc<dyn OrganizationRegistry>,
    /// Whether the contract may be asked for.
    pub reflection: Reflection,
    /// For the validity of certificates.
    pub clock: Clock,
    /// For request ids and the spread of ages.
    pub random: Random,
}

/// Whether `grpc.reflection` is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reflection {
    /// In v1 and v1alpha: each is all that some clients speak.
    Served,
    /// UNIMPLEMENTED.
    Hidden,
}

/// The edge cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The compiled contract cannot be read.
    #[error("the compiled contract cannot be read")]
    Contract(#[from] prost::DecodeError),
    /// Reflection refuses the contract.
    #[error("the contract cannot be served by reflection")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// The edge, ready to serve.
pub struct Edge {
    gate: Arc<Gate>,
    door: Doorkeeper,
    live: Arc<Live>,
    readiness: Readiness,
    reporter: HealthReporter,
    reflection: Reflection,
}

impl Edge {
    /// Puts the parts together. A metrics recorder must be installed before.
    pub async fn new(setup: EdgeSetup) -> Result<Self, EdgeError> {
        let methods = Methods::from_descriptors(&DESCRIPTORS)?;
        let live = Live::new(&setup.limits);
        let reporter = HealthReporter::new();
        let door = Doorkeeper::new(setup.tls, setup.profile, Arc::clone(&live), setup.clock, &setup.limits);
        let gate = Arc::new(Gate {
            metrics: EdgeMetrics::new(&methods),
            methods,
            limits: Limits::new(&setup.limits),
            numbers: setup.limits,
            registry: setup.registry,
            random: setup.random,
        });
        let readiness = Readiness::new(reporter.clone()).await;
        Ok(Self { gate, door, live, readiness, reporter, reflection: setup.reflection })
    }

    /// The registry of live connections, for whoever revokes or suspends.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// The switch of the health service. It says NOT_SERVING until [`Readiness::ready`].
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Another listener of this edge, for HTTP/1.1 under `tls`.
    pub(crate) fn side_door(&self, tls: Arc<TlsStore>) -> SideDoor {
        SideDoor::new(Arc::clone(&self.gate), self.door.clone(), tls)
    }

    /// Serves `routes`, health and, if wanted, reflection on `listener` until `shutdown`; then drains.
    ///
    /// Draining: nobody new comes in, health says NOT_SERVING, every connection gets GOAWAY, calls under way finish
    /// within [`EdgeLimits::drain`]; what is left then is cut. Returns when the last call has ended.
    pub async fn serve(
        self,
        listener: TcpListener,
        routes: Routes,
        shutdown: CancellationToken,
    ) -> Result<(), EdgeError> {
        let routes = self.standard_services(routes)?.prepare();
        let tasks = TaskTracker::new();
        let drain = CancellationToken::new();
        let house = Arc::new(House {
            http2: Http2::new(&self.gate.numbers, Tasks(tasks.clone())),
            gate: Arc::clone(&self.gate),
            door: self.door.clone(),
            live: Arc::clone(&self.live),
            routes,
            drain: drain.clone(),
        });
        tokio::select! {
            () = house.clone().accept(&listener, &tasks) => {}
            () = shutdown.cancelled() => {}
        }
        // Before anything else, so that a balancer's next connection goes elsewhere at once.
        drop(listener);
        self.readiness.drain().await;
        drain.cancel();
        self.readiness.end_watches().await;
        tasks.close();
        if timeout(self.gate.numbers.drain, tasks.wait()).await.is_err() {
            let cut = self.live.end_all();
            tracing::warn!(connections = cut, "cut after the drain deadline");
            tasks.wait().await;
        }
        Ok(())
    }

    fn standard_services(&self, routes: Routes) -> Result<Routes, EdgeError> {
        let health = HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()));
        let routes = routes.add_service(health);
        if self.reflection == Reflection::Hidden {
            return Ok(routes);
        }
        let contract = || {
            DESCRIPTORS.iter().fold(tonic_reflection::server::Builder::configure(), |builder, set| {
                builder.register_encoded_file_descriptor_set(set)
            })
        };
        Ok(routes.add_service(contract().build_v1()?).add_service(contract().build_v1alpha()?))
    }
}

/// What every connection needs.
struct House {
    http2: Http2,
    gate: Arc<Gate>,
    door: Doorkeeper,
    live: Arc<Live>,
    routes: Routes,
    drain: CancellationToken,
}

impl House {
    async fn accept(self: Arc<Self>, listener: &TcpListener, tasks: &TaskTracker) {
        let mut waiting = WaitingRoom::new(self.gate.numbers.max_waiting_sockets);
        let mut housekeeping = interval(HOUSEKEEPING);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                socket = accept(listener) => {
                    if self.door.has_room() {
                        tasks.spawn(Arc::clone(&self).welcome(socket, waiting.enter()));
                    } else {
                        self.gate.metrics.handshake(HandshakeOutcome::Full);
                    }
                }
                _ = housekeeping.tick() => self.gate.limits.forget_idle(),
            }
        }
    }

    async fn welcome(self: Arc<Self>, socket: TcpStream, turned_out: CancellationToken) {
        let arrival = tokio::select! {
            arrival = self.door.admit(socket, turned_out) => arrival,
            () = self.drain.cancelled() => return,
        };
        match arrival {
            Err(outcome) => self.gate.metrics.handshake(outcome),
            Ok(arrival) => {
                self.gate.metrics.handshake(HandshakeOutcome::Accepted);
                self.gate.metrics.connections(self.live.count());
                self.attend(arrival).await;
                self.gate.metrics.connections(self.live.count());
            }
        }
    }

    async fn attend(&self, arrival: Arrival) {
        let Arrival { stream, party, seat, certificate_ends_in } = arrival;
        let mut random = [0; 2];
        (self.gate.random)(&mut random);
        let span =
            Span { age: spread(self.gate.numbers.connection_age, random), certificate: certificate_ends_in };
        let calls = Calls::new(Arc::clone(&self.gate), party, self.routes.clone());
        self.http2.serve(stream, calls, span, &self.drain, &seat.cut).await;
    }
}

/// Everything that is served.
const DESCRIPTORS: [&[u8]; 4] = [
    pmh_proto::DESCRIPTORS,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// How often idle buckets are forgotten.
const HOUSEKEEPING: Duration = Duration::from_mins(1);
