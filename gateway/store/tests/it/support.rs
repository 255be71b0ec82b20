//! What every test needs: a place for a database, stores on it, people and entries.

use std::{
    future::Future,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::civil::{Date, date};
use pmh_audit::{
    ActorBody, DetailBody, Kind, OrgRef, Receipt, References, SigningKey, Verified,
    registry::{Categories, Method, Purpose},
};
use pmh_domain::{
    codes::{PayerNumber, RecipientNumber, SchemeGroup},
    entitlement::{Area, Entitlement, HistoryKey, Validity},
    organization::IssuerId,
    resident::{ResidentKey, ResidentLink, Sex},
};
use pmh_store::{
    Attempt, AuthStore, ChunkRow, Concluding, Conclusion, Draft, EntitlementChunk, EntrySubject, Fault,
    GatewayStore, Idempotency, Location, LogSettings, PersonFacts, Recorded, Registry, Reply, ResidentChunk,
    RowDone, RowVerdict, StoreKeys, SubjectRef,
};
use sqlx::Connection as _;
use tokio::task::JoinHandle;

use crate::postgres::{self, Cluster};
pub(crate) use crate::raw::Raw;

/// A place where one test's database is.
pub(crate) struct Place {
    pub(crate) location: Location,
    pub(crate) cluster: Option<&'static Cluster>,
    pub(crate) clock: Arc<AtomicI64>,
    _dir: Option<tempfile::TempDir>,
}

/// A store, and the task that must end before its database is opened again.
pub(crate) struct Open {
    pub(crate) store: GatewayStore,
    task: JoinHandle<()>,
}

pub(crate) fn on_sqlite(test: impl AsyncFnOnce(Place)) {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(dir.path().join("gateway.db"));
    runtime().block_on(test(Place::at(location, None, Some(dir))));
}

pub(crate) fn on_postgres(test: impl AsyncFnOnce(Place)) {
    let Some(cluster) = postgres::cluster() else { return };
    runtime().block_on(async {
        let database = cluster.database().await;
        test(Place::at(Location::Postgres(cluster.url(&database)), Some(cluster), None)).await;
    });
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) const ORIGIN: &str = "audit.pmh.example/gateway";
/// 2026-04-01T00:00:00Z.
pub(crate) const START_US: i64 = 1_775_001_600_000_000;
pub(crate) const DAY_US: i64 = 24 * 3600 * 1_000_000;

impl Place {
    pub(crate) fn at(
        location: Location,
        cluster: Option<&'static Cluster>,
        dir: Option<tempfile::TempDir>,
    ) -> Self {
        Self { location, cluster, clock: Arc::new(AtomicI64::new(START_US)), _dir: dir }
    }

    pub(crate) fn settings(&self) -> LogSettings {
        let clock = Arc::clone(&self.clock);
        LogSettings {
            location: self.location.clone(),
            signer: key(),
            keys: StoreKeys { wrapping: [1; 32], index: [2; 32] },
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            checkpoint_file: None,
        }
    }

    pub(crate) async fn try_open(&self) -> Result<Open, Fault> {
        let (store, task) = GatewayStore::open(self.settings()).await?;
        Ok(Open { store, task })
    }

    pub(crate) async fn open(&self) -> Open {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn open_auth(&self) -> (AuthStore, JoinHandle<()>) {
        AuthStore::open(self.settings()).await.unwrap()
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.location, Location::Sqlite(_))
    }

    /// A connection past the store, for what its interface cannot reach.
    pub(crate) async fn raw(&self) -> Raw {
        match &self.location {
            Location::Sqlite(path) => {
                let options =
                    sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
                Raw::Sqlite(sqlx::SqliteConnection::connect_with(&options).await.unwrap())
            }
            Location::Postgres(url) => Raw::Postgres(sqlx::PgConnection::connect(url).await.unwrap()),
        }
    }
}

impl Open {
    /// Ends the sequencer in good order.
    pub(crate) async fn close(self) {
        drop(self.store);
        self.task.await.unwrap();
    }

    /// The sequencer has ended by itself.
    pub(crate) async fn has_ended(self) {
        self.task.await.unwrap();
    }
}

impl std::ops::Deref for Open {
    type Target = GatewayStore;

    fn deref(&self) -> &GatewayStore {
        &self.store
    }
}

/// Waits for a state, never for a time; gives up after ten seconds.
pub(crate) async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut is_so: F) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !is_so().await {
            tick.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never came: {what}"));
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

pub(crate) fn random(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(8) {
        let word = RandomState::new().build_hasher().finish().to_be_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

pub(crate) fn attempt() -> Attempt {
    Attempt::draw(&mut random)
}

/// Whether large counts are wanted.
pub(crate) fn scaled(small: usize, full: usize) -> usize {
    if std::env::var("PMH_TEST_SCALE").is_ok_and(|scale| scale == "full") { full } else { small }
}

pub(crate) const REQUEST: [u8; 32] = [0x51; 32];
pub(crate) const RESPONSE: [u8; 32] = [0x52; 32];

pub(crate) fn draft(kind: Kind, subject: Option<SubjectRef>) -> Draft {
    Draft {
        kind,
        method: Method::VERIFY_ELIGIBILITY,
        purpose: Purpose::TREATMENT,
        outcome: 0,
        categories: Categories::SUBSIDY,
        holder: None,
        requester: Some(OrgRef::new("clinic:1312345678").unwrap()),
        references: References::default(),
        subject: subject.map(|reference| EntrySubject {
            reference,
            sub: "pairwise-subject".to_owned(),
            also: Vec::new(),
        }),
        actor: ActorBody::default(),
        detail: DetailBody { request_sha256: REQUEST, response_sha256: RESPONSE, ..DetailBody::default() },
    }
}

pub(crate) fn verify(receipt: &Receipt) -> Verified {
    receipt.verify(key().verifier(), &REQUEST, &RESPONSE).unwrap()
}

/// What a disclosure saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) facts: PersonFacts,
    pub(crate) registry: Registry,
}

pub(crate) async fn disclose(store: &GatewayStore, person: SubjectRef) -> Result<(Seen, Receipt), Fault> {
    let recorded = store
        .disclose(attempt(), Some(person), move |facts, registry| {
            let seen = Seen { facts: facts.clone(), registry: registry.clone() };
            (seen, Some(draft(Kind::Disclosure, Some(person))))
        })
        .await?;
    let (seen, receipt) = recorded.into_parts();
    Ok((seen, receipt.unwrap()))
}

pub(crate) async fn facts(store: &GatewayStore, person: SubjectRef) -> PersonFacts {
    disclose(store, person).await.unwrap().0.facts
}

/// Keeps a write's outcome by sending it past the reply.
pub(crate) async fn outcome<O, F>(
    kind: Kind,
    write: impl FnOnce(Box<dyn FnMut(Concluding<'_, O>) -> Conclusion<()> + Send>) -> F,
) -> (O, Option<Receipt>)
where
    O: Clone + Send + 'static,
    F: Future<Output = Result<Recorded<Reply<()>>, Fault>>,
{
    try_outcome(Some(kind), write).await.unwrap()
}

pub(crate) async fn try_outcome<O, F>(
    kind: Option<Kind>,
    write: impl FnOnce(Box<dyn FnMut(Concluding<'_, O>) -> Conclusion<()> + Send>) -> F,
) -> Result<(O, Option<Receipt>), Fault>
where
    O: Clone + Send + 'static,
    F: Future<Output = Result<Recorded<Reply<()>>, Fault>>,
{
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let conclude = move |concluding: Concluding<'_, O>| {
        let Concluding::Fresh(outcome) = concluding else { panic!("not the first time") };
        keep.send(outcome).unwrap();
        Conclusion { reply: Reply::Answer(Vec::new()), draft: kind.map(|kind| draft(kind, None)) }
    };
    let (_, receipt) = write(Box::new(conclude)).await?.into_parts();
    let mut last = None;
    while let Ok(outcome) = kept.try_recv() {
        last = Some(outcome);
    }
    Ok((last.unwrap(), receipt))
}

pub(crate) fn idempotency(key: &str, request: u8) -> Idempotency {
    Idempotency {
        organization: "municipality:131016".to_owned(),
        method: Method::PROPOSE_LINK.0,
        key: key.to_owned(),
        request_sha256: [request; 32],
    }
}

pub(crate) fn chiyoda() -> IssuerId {
    IssuerId::parse("municipality:131016").unwrap()
}

pub(crate) fn tokyo() -> IssuerId {
    IssuerId::parse("prefecture:130001").unwrap()
}

pub(crate) fn resident_key(number: u8) -> ResidentKey {
    ResidentKey::parse(&format!("R-{number}")).unwrap()
}

/// The reference that auth would have made for an issuer's resident.
pub(crate) fn reference(issuer: IssuerId, number: u8) -> SubjectRef {
    let mut reference = [number; 32];
    reference[0] = if issuer == tokyo() { 0xee } else { 0xcc };
    reference
}

pub(crate) fn birth_date() -> Date {
    date(2023, 5, 6)
}

/// Invented.
pub(crate) fn resident(issuer: IssuerId, number: u8) -> ResidentLink {
    ResidentLink {
        issuer,
        resident_key: resident_key(number),
        birth_date: birth_date(),
        sex: Sex::Female,
        last_day: None,
    }
}

/// Invented.
pub(crate) fn entitlement(issuer: IssuerId, number: u8, history_key: u32, content: u8) -> Entitlement {
    Entitlement {
        issuer,
        resident_key: resident_key(number),
        certificate_type_id: "T1".to_owned(),
        certification_sub_key: String::new(),
        history_key: HistoryKey::parse(&history_key.to_string()).unwrap(),
        deleted: false,
        group: SchemeGroup::parse("54").unwrap(),
        certification_name: format!("特定医療費（指定難病）受給者証 {content}"),
        payer_number: Some(PayerNumber::parse("54136015").unwrap()),
        recipient_number: Some(RecipientNumber::parse(&format!("P{number}")).unwrap()),
        validity: Validity::new(date(2026, 4, 1), Some(date(2027, 3, 31))).unwrap(),
        segment: None,
        income_segment: None,
        copayments: Vec::new(),
        additional_conditions: Vec::new(),
        designated_institutions: Vec::new(),
        always_reimbursement: false,
        not_disclosed: false,
        area: Area::Anywhere,
        meal_covered: false,
        details: Vec::new(),
    }
}

pub(crate) fn row<T>(row_id: &str, sha: u8, verdict: RowVerdict<T>) -> ChunkRow<T> {
    ChunkRow { row_id: row_id.to_owned(), row_sha256: [sha; 32], verdict }
}

pub(crate) fn entitlement_chunk(
    issuer: IssuerId,
    batch_id: &str,
    rows: Vec<ChunkRow<Entitlement>>,
) -> EntitlementChunk {
    EntitlementChunk {
        issuer,
        method: Method::PUT_ENTITLEMENTS.0,
        batch_id: batch_id.to_owned(),
        dry_run: false,
        rows,
    }
}

pub(crate) async fn push(store: &GatewayStore, chunk: EntitlementChunk) -> (Vec<RowDone>, Option<Receipt>) {
    outcome(Kind::BulkChunk, |conclude| store.put_entitlements(attempt(), chunk, conclude)).await
}

pub(crate) fn resident_chunk(
    batch_id: &str,
    rows: Vec<ChunkRow<(ResidentLink, SubjectRef)>>,
) -> ResidentChunk {
    let issuer = match &rows[0].verdict {
        RowVerdict::Accepted((link, _)) => link.issuer,
        _ => chiyoda(),
    };
    ResidentChunk {
        issuer,
        method: Method::PUT_RESIDENTS.0,
        batch_id: batch_id.to_owned(),
        dry_run: false,
        rows,
    }
}

pub(crate) async fn put_residents(store: &GatewayStore, chunk: ResidentChunk) -> Vec<RowDone> {
    outcome(Kind::BulkChunk, |conclude| store.put_residents(attempt(), chunk, conclude)).await.0
}

/// Registers a resident under a batch id of its own.
pub(crate) async fn enrol(store: &GatewayStore, issuer: IssuerId, number: u8) -> SubjectRef {
    let reference = reference(issuer, number);
    let row = row("1", 1, RowVerdict::Accepted((resident(issuer, number), reference)));
    put_residents(store, resident_chunk(&format!("enrol-{issuer:?}-{number}"), vec![row])).await;
    reference
}
