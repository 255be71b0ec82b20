//! A gateway that says what a test wants it to say. Without TLS: what is proved here does not depend on it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pmh_audit::{Kind, SigningKey, registry};
use pmh_auth::challenge::{ToBeSigned, consent_digest, scopes_digest};
use pmh_auth::names;
use pmh_client::issuer::chunk_digest;
use pmh_client::receipt::{digest, response_digest};
use pmh_client::{Identity, Issuer, LogKeys, Retry, Terminal};
use pmh_proto::common::{BulkSummary, RowOutcome, RowResult};
use pmh_proto::eligibility as elig;
use pmh_proto::eligibility::eligibility_service_server::{EligibilityService, EligibilityServiceServer};
use pmh_proto::presence as pres;
use pmh_proto::presence::presence_service_server::{PresenceService, PresenceServiceServer};
use rcgen::{CertificateParams, KeyPair, SanType};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};

use crate::accesses::Lists;
use crate::log::Entry;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const CONSENT: &str = "同意しますか。";

/// How the fake deviates from an honest gateway.
#[derive(Default)]
pub(crate) struct Lies {
    /// Changes the challenge.
    pub(crate) challenge: Option<fn(&mut ToBeSigned)>,
    /// Changes the entry of an answer before it is recorded.
    pub(crate) entry: Option<fn(&mut Entry)>,
    /// Changes the answer after it was recorded.
    pub(crate) answer: Option<fn(&mut elig::VerifyEligibilityResponse)>,
    /// Refuses instead of answering, so many times.
    pub(crate) refusals: Mutex<Vec<Refusing>>,
    /// Breaks off a push after its first chunk, so many times.
    pub(crate) breaks: AtomicUsize,
    /// Changes the answer of a chunk after it was recorded.
    pub(crate) chunk: Option<fn(&mut elig::PutEntitlementsResponse)>,
}

/// Makes a refusal of a request.
pub(crate) type Refusing = fn(&Fake, &elig::VerifyEligibilityRequest) -> Status;

#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    lies: Lies,
    identity: Identity,
    gateway_log: SigningKey,
    auth_log: SigningKey,
    questions: AtomicUsize,
}

impl Fake {
    /// Starts the fake; it ends with the test's runtime.
    pub(crate) async fn start(lies: Lies) -> (Self, Terminal) {
        Self::start_beside(lies, None).await
    }

    /// The same with a list of accesses.
    pub(crate) async fn start_with(lies: Lies, lists: Lists) -> (Self, Terminal) {
        Self::start_beside(lies, Some(lists)).await
    }

    async fn start_beside(lies: Lies, lists: Option<Lists>) -> (Self, Terminal) {
        let fake = Self(Arc::new(Inner {
            lies,
            identity: identity(),
            gateway_log: SigningKey::from_seed("audit.test/gateway", &[7; 32]).unwrap(),
            auth_log: SigningKey::from_seed("audit.test/auth", &[8; 32]).unwrap(),
            questions: AtomicUsize::new(0),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder()
            .add_service(PresenceServiceServer::new(fake.clone()))
            .add_service(EligibilityServiceServer::new(fake.clone()))
            .add_optional_service(lists);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let keys = LogKeys {
            gateway: fake.0.gateway_log.verifier().clone(),
            auth: fake.0.auth_log.verifier().clone(),
        };
        let pause = std::time::Duration::from_millis(1);
        let retry = Retry { attempts: 3, pause, longest_pause: std::time::Duration::from_secs(1) };
        let terminal = Terminal::new(channel, fake.0.identity.clone(), keys).with_retry(retry);
        (fake, terminal)
    }

    /// An issuer of the same organization.
    pub(crate) fn issuer(terminal: &Terminal) -> Issuer {
        let gateway = terminal.gateway();
        let pause = std::time::Duration::from_millis(1);
        let retry = Retry { attempts: 3, pause, longest_pause: pause * 100 };
        let issuer =
            Issuer::new(gateway.channel().clone(), gateway.identity().clone(), gateway.keys().clone());
        issuer.with_retry(retry)
    }

    fn chunk(&self, rows: &[elig::EntitlementRow]) -> elig::PutEntitlementsResponse {
        let result = |row: &elig::EntitlementRow| RowResult {
            row_id: row.row_id.clone(),
            outcome: RowOutcome::Created.into(),
            problems: Vec::new(),
        };
        let mut answer =
            elig::PutEntitlementsResponse { rows: rows.iter().map(result).collect(), ..Default::default() };
        let request = chunk_digest(&mut rows.iter().cloned(), &answer.rows).unwrap();
        let entry = Entry {
            kind: Kind::BulkChunk,
            method: registry::Method::PUT_ENTITLEMENTS,
            rows: u32::try_from(rows.len()).unwrap(),
            ..Entry::new(request, response_digest(&answer))
        };
        answer.receipt = Some(entry.record(&self.0.gateway_log));
        if let Some(lie) = self.0.lies.chunk {
            lie(&mut answer);
        }
        answer
    }

    /// Questions that arrived.
    pub(crate) fn questions(&self) -> usize {
        self.0.questions.load(Ordering::SeqCst)
    }

    pub(crate) fn gateway_log(&self) -> &SigningKey {
        &self.0.gateway_log
    }
}

#[tonic::async_trait]
impl PresenceService for Fake {
    async fn begin_presentation(
        &self,
        request: Request<pres::BeginPresentationRequest>,
    ) -> Result<Response<pres::BeginPresentationResponse>, Status> {
        let request = request.into_inner();
        let offer = request.offer.unwrap();
        let shown: [u8; 32] = offer.text_sha256.try_into().unwrap();
        let numbers = request.purposes.iter().map(|number| u8::try_from(*number).unwrap());
        let mut purposes: Vec<_> =
            numbers.map(|number| names::Purpose::from_number(number).unwrap()).collect();
        purposes.sort_unstable_by_key(|purpose| purpose.as_str());
        let mut challenge = ToBeSigned {
            issuer: "https://auth.test".to_owned(),
            presentation_id: [1; 16],
            nonce: [2; 32],
            organization: self.0.identity.urn(),
            thumbprint: *self.0.identity.thumbprint(),
            terminal: request.terminal_id,
            purposes,
            scopes_digest: scopes_digest(&request.scopes),
            consent_digest: consent_digest(&shown, &offer.groups),
            issued_at: NOW,
            expires_at: NOW + 120,
            wanted: names::UserVerification::Pin,
        };
        if let Some(lie) = self.0.lies.challenge {
            lie(&mut challenge);
        }
        let to_be_signed = challenge.encode().unwrap();
        Ok(Response::new(pres::BeginPresentationResponse { to_be_signed, ..Default::default() }))
    }

    async fn complete_presentation(
        &self,
        request: Request<pres::CompletePresentationRequest>,
    ) -> Result<Response<pres::CompletePresentationResponse>, Status> {
        let request = request.into_inner();
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"p1_x"}"#);
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let mut response = pres::CompletePresentationResponse {
            token: Some(pres::AccessToken { token: format!("e30.{claims}.AA"), expires_at: time(NOW + 300) }),
            presence: vec![9; 32],
            presence_until: time(NOW + 3600),
            tier: pres::Tier::Full.into(),
            ..Default::default()
        };
        let entry = Entry {
            kind: Kind::PresentationOrToken,
            method: registry::Method::COMPLETE_PRESENTATION,
            ..Entry::new(digest(&request), response_digest(&response))
        };
        response.receipt = Some(entry.record(&self.0.auth_log));
        Ok(Response::new(response))
    }

    async fn renew_token(
        &self,
        _: Request<pres::RenewTokenRequest>,
    ) -> Result<Response<pres::RenewTokenResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn narrow_presence(
        &self,
        _: Request<pres::NarrowPresenceRequest>,
    ) -> Result<Response<pres::NarrowPresenceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn end_presence(
        &self,
        _: Request<pres::EndPresenceRequest>,
    ) -> Result<Response<pres::EndPresenceResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl EligibilityService for Fake {
    type PutEntitlementsStream = std::pin::Pin<
        Box<dyn tokio_stream::Stream<Item = Result<elig::PutEntitlementsResponse, Status>> + Send>,
    >;

    async fn verify_eligibility(
        &self,
        request: Request<elig::VerifyEligibilityRequest>,
    ) -> Result<Response<elig::VerifyEligibilityResponse>, Status> {
        self.0.questions.fetch_add(1, Ordering::SeqCst);
        let request = request.into_inner();
        let refusing = self.0.lies.refusals.lock().unwrap().pop();
        if let Some(refusing) = refusing {
            return Err(refusing(self, &request));
        }
        let mut response = elig::VerifyEligibilityResponse {
            state: elig::AnswerState::Answered.into(),
            results: vec![elig::EligibilityResult { group: "88-13".to_owned(), ..Default::default() }],
            subject: "p1_x".to_owned(),
            ..Default::default()
        };
        let mut entry = Entry::new(digest(&request), response_digest(&response));
        if let Some(lie) = self.0.lies.entry {
            lie(&mut entry);
        }
        response.receipt = Some(entry.record(&self.0.gateway_log));
        if let Some(lie) = self.0.lies.answer {
            lie(&mut response);
        }
        Ok(Response::new(response))
    }

    async fn put_entitlements(
        &self,
        request: Request<tonic::Streaming<elig::PutEntitlementsRequest>>,
    ) -> Result<Response<Self::PutEntitlementsStream>, Status> {
        let mut stream = request.into_inner();
        let mut rows = Vec::new();
        while let Some(message) = stream.message().await? {
            if let Some(elig::put_entitlements_request::Item::Row(row)) = message.item {
                rows.push(row);
            }
        }
        let mut answers: Vec<_> = rows.chunks(2).map(|rows| Ok(self.chunk(rows))).collect();
        let created = u32::try_from(rows.len()).unwrap();
        let summary = Some(BulkSummary { created, ..Default::default() });
        answers.push(Ok(elig::PutEntitlementsResponse { summary, ..Default::default() }));
        let breaking = |left: usize| left.checked_sub(1);
        if self.0.lies.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, breaking).is_ok() {
            answers.truncate(1);
            answers.push(Err(Status::unavailable("")));
        }
        Ok(Response::new(Box::pin(tokio_stream::iter(answers))))
    }

    async fn list_entitlements(
        &self,
        _: Request<elig::ListEntitlementsRequest>,
    ) -> Result<Response<elig::ListEntitlementsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn advance_watermark(
        &self,
        _: Request<elig::AdvanceWatermarkRequest>,
    ) -> Result<Response<elig::AdvanceWatermarkResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// A certificate that names the clinic and its terminal.
fn identity() -> Identity {
    let mut params = CertificateParams::default();
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    params.subject_alt_names = vec![uri("urn:x-pmh:org:clinic:1310310243"), uri("urn:x-pmh:term:desk-1")];
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    Identity::from_certificate(certificate.der()).unwrap()
}
