//! A gateway with an edge and services that do what a test asks for, on a port of its own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pmh::edge::{
    CallInfo, Edge, EdgeLimits, EdgeSetup, Live, OrganizationRegistry, Peer, Rate, Readiness, Reflection,
    Standing, TlsStore, server_config,
};
use pmh_auth::peer::{LeafProfile, OrganizationVerifier};
use pmh_proto::eligibility as elig;
use pmh_proto::eligibility::eligibility_service_server::{EligibilityService, EligibilityServiceServer};
use pmh_proto::presence as pres;
use pmh_proto::presence::presence_service_client::PresenceServiceClient;
use pmh_proto::presence::presence_service_server::{PresenceService, PresenceServiceServer};
use pmh_testkit::pki::{DevPki, Identity, LeafRequest};
use pmh_testkit::tls::client_config;
use rustls::ClientConfig;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};
use tonic_types::StatusExt as _;

pub(super) const CLINIC: &str = "urn:x-pmh:org:clinic:1310310243";
pub(super) const PHARMACY: &str = "urn:x-pmh:org:pharmacy:1340000001";

/// Long enough for any machine, short enough to end a test that waits for nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Rig {
    pub(super) address: SocketAddr,
    pub(super) live: Arc<Live>,
    pub(super) readiness: Readiness,
    pub(super) registry: Arc<Registry>,
    pub(super) probe: Arc<Probe>,
    pub(super) shutdown: CancellationToken,
    pub(super) served: JoinHandle<()>,
}

impl Rig {
    pub(super) async fn start(limits: EdgeLimits) -> Self {
        Self::start_at(limits, now(), Reflection::Served).await
    }

    /// As if it were `clock` (Unix seconds) when certificates are read after the handshake.
    pub(super) async fn start_at(limits: EdgeLimits, clock: i64, reflection: Reflection) -> Self {
        let registry = Arc::new(Registry::default());
        let probe = Arc::new(Probe::default());
        let routes = routes(&probe, limits.max_message_bytes);
        let edge = Edge::new(EdgeSetup {
            limits,
            tls: Arc::new(TlsStore::new(tls())),
            profile: LeafProfile::default(),
            registry: Arc::<Registry>::clone(&registry),
            reflection,
            clock: Arc::new(move || clock),
            random: Arc::new(|buffer| getrandom::fill(buffer).unwrap()),
        })
        .await
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (live, readiness) = (edge.live(), edge.readiness());
        let serving = edge.serve(listener, routes, shutdown.clone());
        let served = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, live, readiness, registry, probe, shutdown, served }
    }

    /// A channel of the clinic's first terminal.
    pub(super) async fn clinic(&self) -> PresenceServiceClient<Channel> {
        self.client(&terminal(CLINIC)).await
    }

    pub(super) async fn client(&self, identity: &Identity) -> PresenceServiceClient<Channel> {
        PresenceServiceClient::new(self.channel(identity).await)
    }

    pub(super) async fn channel(&self, identity: &Identity) -> Channel {
        let address = self.address;
        let config = Arc::new(client_config(&[pki().root().to_vec()], Some(identity)).unwrap());
        let connect = tower::service_fn(move |_| {
            let config = Arc::clone(&config);
            async move { tls_connect(address, config).await.map(hyper_util::rt::TokioIo::new) }
        });
        Endpoint::from_static("http://gateway.test").connect_with_connector(connect).await.unwrap()
    }

    /// An encrypted stream on which nothing has been said.
    pub(super) async fn tls(&self, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        tls_connect(self.address, Arc::new(config)).await
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        within(self.served).await.unwrap();
    }
}

async fn tls_connect(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(config).connect(ServerName::try_from("localhost").unwrap(), socket).await
}

/// Roomy where a test does not look, so that each looks at one limit.
pub(super) fn roomy() -> EdgeLimits {
    EdgeLimits {
        organization_rate: Rate::new(1_000_000, 1_000_000),
        presentation_rate: Rate::new(1_000_000, 1_000_000),
        deadline: Duration::from_mins(1),
        handshake_timeout: Duration::from_mins(1),
        ..EdgeLimits::default()
    }
}

pub(super) fn pki() -> &'static DevPki {
    static PKI: OnceLock<DevPki> = OnceLock::new();
    PKI.get_or_init(|| DevPki::generate(now()).unwrap())
}

pub(super) fn terminal(organization: &str) -> Identity {
    pki().terminal(organization, "desk-1", now() - 60).unwrap()
}

pub(super) fn leaf(request: &LeafRequest) -> Identity {
    pki().leaf(request).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are checked by rustls against the machine's clock"
)]
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("waited for nothing")
}

/// Small in CI, as stated in the requirement with `PMH_TEST_SCALE=full`.
pub(super) fn scale(small: usize, full: usize) -> usize {
    if std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full") { full } else { small }
}

/// The reason of a status, after checking that it is complete: known, of our domain, with a request id.
pub(super) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "pmh");
    assert_eq!(info.metadata.get("request_id").map(String::len), Some(32));
    info.reason.clone()
}

pub(super) fn retry_delay(status: &Status) -> Option<Duration> {
    status.get_error_details().retry_info().and_then(|info| info.retry_delay)
}

/// A request that asks the probe for a behaviour.
pub(super) fn ask<T: Default>(behaviour: &'static str) -> Request<T> {
    let mut request = Request::new(T::default());
    request.metadata_mut().insert("behave", behaviour.parse().unwrap());
    request
}

fn tls() -> rustls::ServerConfig {
    let identity = pki().server(&["localhost"], now() - 60, 1).unwrap();
    let chain = identity.chain().iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::try_from(identity.key().to_vec()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let certified = CertifiedKey::from_der(chain, key, &provider).unwrap();
    let roots = [CertificateDer::from(pki().root().to_vec())];
    let verifier = OrganizationVerifier::new(roots, LeafProfile::default()).unwrap();
    server_config(Arc::new(rustls::sign::SingleCertAndKey::from(certified)), Arc::new(verifier)).unwrap()
}

fn routes(probe: &Arc<Probe>, max_message: usize) -> Routes {
    let presence = PresenceServiceServer::from_arc(Arc::clone(probe)).max_decoding_message_size(max_message);
    let eligibility =
        EligibilityServiceServer::from_arc(Arc::clone(probe)).max_decoding_message_size(max_message);
    Routes::new(presence).add_service(eligibility)
}

/// Active unless said otherwise; the two organizations of the tests are registered.
#[derive(Default)]
pub(super) struct Registry(Mutex<HashMap<String, Standing>>);

impl Registry {
    pub(super) fn set(&self, urn: &str, standing: Standing) {
        self.0.lock().unwrap().insert(urn.to_owned(), standing);
    }
}

impl OrganizationRegistry for Registry {
    fn standing(&self, urn: &str) -> Standing {
        let registered = if [CLINIC, PHARMACY].contains(&urn) { Standing::Active } else { Standing::Unknown };
        self.0.lock().unwrap().get(urn).copied().unwrap_or(registered)
    }
}

/// Services that behave as the metadata `behave` says; `calls` counts handlers that ran.
#[derive(Default)]
pub(super) struct Probe {
    started: Notify,
    released: OnceLock<Semaphore>,
    pub(super) calls: std::sync::atomic::AtomicUsize,
}

impl Probe {
    /// Waits until a call with `hang` is in its handler. Each start wakes one waiter.
    pub(super) async fn hanging(&self) {
        within(self.started.notified()).await;
    }

    /// Lets `count` hanging calls finish.
    pub(super) fn release(&self, count: usize) {
        self.gate().add_permits(count);
    }

    fn gate(&self) -> &Semaphore {
        self.released.get_or_init(|| Semaphore::new(0))
    }

    async fn behave<T, U: Default>(&self, request: &Request<T>) -> Result<Response<U>, Status> {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match request.metadata().get("behave").map_or("", |value| value.to_str().unwrap()) {
            "panic" => panic!("as asked (canary)"),
            "hang" => {
                self.started.notify_one();
                self.gate().acquire().await.unwrap().forget();
            }
            "fail" => return Err(Status::unknown("canary")),
            _ => {}
        }
        Ok(empty())
    }
}

#[tonic::async_trait]
impl PresenceService for Probe {
    /// Answers with the caller as the edge sees it: connection, organization and request id.
    async fn begin_presentation(
        &self,
        request: Request<pres::BeginPresentationRequest>,
    ) -> Result<Response<pres::BeginPresentationResponse>, Status> {
        self.behave::<_, ()>(&request).await?;
        for claim in ["x-pmh-org", "x-client-cert", "x-forwarded-client-cert", "forwarded"] {
            assert!(request.metadata().get(claim).is_none(), "{claim} reached a handler");
        }
        let peer: &Arc<Peer> = request.extensions().get().unwrap();
        let info: &CallInfo = request.extensions().get().unwrap();
        let to_be_signed = format!("{:?} {}", peer.connection(), peer.urn()).into_bytes();
        let sealed_state = info.request_id.to_string().into_bytes();
        Ok(Response::new(pres::BeginPresentationResponse {
            to_be_signed,
            sealed_state,
            ..Default::default()
        }))
    }

    async fn complete_presentation(
        &self,
        request: Request<pres::CompletePresentationRequest>,
    ) -> Result<Response<pres::CompletePresentationResponse>, Status> {
        self.behave(&request).await
    }

    async fn renew_token(
        &self,
        request: Request<pres::RenewTokenRequest>,
    ) -> Result<Response<pres::RenewTokenResponse>, Status> {
        self.behave(&request).await
    }

    async fn narrow_presence(
        &self,
        request: Request<pres::NarrowPresenceRequest>,
    ) -> Result<Response<pres::NarrowPresenceResponse>, Status> {
        self.behave(&request).await
    }

    async fn end_presence(
        &self,
        request: Request<pres::EndPresenceRequest>,
    ) -> Result<Response<pres::EndPresenceResponse>, Status> {
        self.behave(&request).await
    }
}

fn empty<T: Default>() -> Response<T> {
    Response::new(T::default())
}

type Chunk = Result<elig::PutEntitlementsResponse, Status>;

#[tonic::async_trait]
impl EligibilityService for Probe {
    async fn verify_eligibility(
        &self,
        request: Request<elig::VerifyEligibilityRequest>,
    ) -> Result<Response<elig::VerifyEligibilityResponse>, Status> {
        self.behave(&request).await
    }

    type PutEntitlementsStream = Pin<Box<dyn Stream<Item = Chunk> + Send>>;

    /// One chunk, then what was asked for happens inside the stream.
    async fn put_entitlements(
        &self,
        request: Request<Streaming<elig::PutEntitlementsRequest>>,
    ) -> Result<Response<Self::PutEntitlementsStream>, Status> {
        let first = tokio_stream::once(Chunk::Ok(elig::PutEntitlementsResponse::default()));
        let behaviour =
            request.metadata().get("behave").map_or("", |value| value.to_str().unwrap()).to_owned();
        let rest: Self::PutEntitlementsStream = match behaviour.as_str() {
            "hang" => Box::pin(tokio_stream::pending()),
            "panic" => Box::pin(tokio_stream::iter(std::iter::from_fn(|| panic!("as asked (canary)")))),
            "fail" => Box::pin(tokio_stream::once(Err(Status::unknown("canary")))),
            _ => Box::pin(tokio_stream::empty()),
        };
        Ok(Response::new(Box::pin(tokio_stream::StreamExt::chain(first, rest))))
    }

    async fn list_entitlements(
        &self,
        _: Request<elig::ListEntitlementsRequest>,
    ) -> Result<Response<elig::ListEntitlementsResponse>, Status> {
        Ok(empty())
    }

    async fn advance_watermark(
        &self,
        _: Request<elig::AdvanceWatermarkRequest>,
    ) -> Result<Response<elig::AdvanceWatermarkResponse>, Status> {
        Ok(empty())
    }
}
