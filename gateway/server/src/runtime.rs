//! A gateway from its configuration: open, check, serve, drain. Reads as one list.

mod peers;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use pmh_audit::SigningKey;
use pmh_auth::{
    card::{CardCas, CardProfile, RevocationList, Revocations},
    directory::DirectoryTrust,
    keys::KeyRing,
    oid::PolicyOid,
    peer::{LeafProfile, OrganizationVerifier},
    reader::ReaderTrust,
    token::TokenSigner,
};
use pmh_domain::{
    checkup::urgent::UrgentRules, eligibility::Rules, organization::OrganizationId, vaccination::RuleBook,
};
use pmh_store::{
    AuthStore, Clock, Concluding, Conclusion, GatewayStore, Location, LogSettings, Reader, RegistryChange,
    Reply, State, StoreKeys, default_checkpoint_file, last_signed,
};
use pmh_witness::feed::WitnessUrl;
use rustls::{ClientConfig, RootCertStore, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    config::{Config, TlsConfig, WebConfig, WitnessPeer, is_postgres},
    edge::{Edge, EdgeSetup, HTTP1, Reflection, TlsStore, server_config, server_config_for},
    ops::{
        self, Gateway, GatewaySetup,
        auditor::jurisdiction::{Area, Jurisdictions},
        erasure::retention::Retention,
        gateway::{Directory, LogSigners},
        log::Log,
        witnessing::{Witness, Witnesses},
    },
    reload, rpc, system,
    upkeep::{self, ticks},
    web::{self, Web},
    witnessing,
};

/// A gateway that serves.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the pages are, if they are served.
    pub web_address: Option<SocketAddr>,
    /// Verifier keys of the gateway log and the auth log.
    pub log_keys: (pmh_audit::VerifierKey, pmh_audit::VerifierKey),
    shutdown: CancellationToken,
    server: JoinHandle<Result<()>>,
}

impl Running {
    /// Opens everything and begins to serve.
    pub async fn start(config: &Config) -> Result<Self> {
        Self::start_by(config, Arc::new(system::now_us)).await
    }

    /// The same by another clock (microseconds since 1970), for tests of what happens after days.
    pub async fn start_by(config: &Config, clock: Clock) -> Result<Self> {
        let gateway = Arc::new(open_by(config, Arc::clone(&clock)).await?);
        let listener = TcpListener::bind(&config.listen).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let edge = edge(config, &gateway, clock).await?;
        let web = web(config, &edge, &gateway).await?;
        let web_address = web.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?;
        let shutdown = CancellationToken::new();
        let (gateway_key, auth_key) = gateway.log_keys();
        let log_keys = (gateway_key.clone(), auth_key.clone());
        let housekeeping =
            tokio::spawn(housekeeping(Arc::clone(&gateway), edge.live(), edge.readiness(), shutdown.clone()));
        let (file, ruling) = (config.vaccination.rules.clone(), Arc::clone(&gateway));
        let reloading = tokio::spawn(reload::on_hangup(reload::hangups()?, shutdown.clone(), move || {
            // Without a file the rules are part of the program and stay.
            if let Some(file) = &file {
                reload::again(&ruling.vaccination, file);
            }
        }));
        let routes = rpc::routes(&gateway, config.edge.max_message_bytes);
        let (stop, keeper) = (shutdown.clone(), Arc::clone(&gateway));
        let server = tokio::spawn(async move {
            let calls = async {
                let served = edge.serve(listener, routes, stop.clone()).await.context("serving");
                stop.cancel();
                served
            };
            let pages = async {
                if let Some((listener, web)) = web {
                    web.serve(listener, stop.clone()).await;
                }
            };
            let (served, ()) = tokio::join!(calls, pages);
            housekeeping.await.context("housekeeping")?;
            reloading.await.context("reloading")?;
            // After the last call, so that its refusal is among them.
            note(keeper.flush_refusals().await);
            served
        });
        Ok(Self { address, web_address, log_keys, shutdown, server })
    }

    /// Stops accepting, lets calls finish, and returns.
    pub async fn stop(self) -> Result<()> {
        self.shutdown.cancel();
        self.server.await.context("server task")?
    }

    /// Serves until SIGTERM or SIGINT, then drains.
    pub async fn until_signal(self) -> Result<()> {
        told_to_stop().await?;
        self.stop().await
    }
}

/// SIGTERM or SIGINT.
pub(crate) async fn told_to_stop() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// Brings both databases to this program's schema.
pub async fn migrate(config: &Config) -> Result<()> {
    drop(open(config).await?);
    Ok(())
}

/// Everything but the listener. `pmh config check` stops here.
pub async fn open(config: &Config) -> Result<Gateway> {
    open_by(config, Arc::new(system::now_us)).await
}

/// The same by another clock, for tests of what happens after years.
pub async fn open_by(config: &Config, clock: Clock) -> Result<Gateway> {
    let master = secret(&config.keys.master).context("keys.master")?;
    let keys = KeyRing::from_master(master, config.keys.pairwise_epoch);
    let (store, _) = GatewayStore::open(log_settings(config, Log::Gateway, &keys, &clock)?)
        .await
        .context("gateway database")?;
    let (auth, _) =
        AuthStore::open(log_settings(config, Log::Auth, &keys, &clock)?).await.context("auth database")?;
    let card_cas = card_authorities(config)?;
    let gateway = Gateway::new(GatewaySetup {
        signer: TokenSigner::from_pkcs8_pem(&config.issuer, &text(&config.keys.token)?)
            .context("keys.token")?,
        issuer: config.issuer.clone(),
        card_profile: card_profile(config)?,
        revocations: revocations(config, &card_cas)?,
        card_cas,
        readers: readers(config)?,
        directory: directory(config)?,
        rules: Rules::builtin(),
        vaccination: rule_book(config)?,
        urgent_rules: urgent_rules(config)?,
        jurisdictions: jurisdictions(config)?,
        witnesses: witnesses(config, clock())?,
        handoffs: peers::links(&config.handoff)?,
        retention: if config.log.retention { Retention::On } else { Retention::Off },
        time_to_answer: Duration::from_hours(24 * u64::from(config.questions.answer_days)),
        logs: LogSigners {
            gateway: Arc::new(log_signer(config, Log::Gateway)?),
            auth: Arc::new(log_signer(config, Log::Auth)?),
        },
        auth,
        store,
        keys,
        clock,
        random: system::random(),
    });
    enrol_operator(&gateway, &config.operator).await?;
    Ok(gateway)
}

async fn edge(config: &Config, gateway: &Arc<Gateway>, clock: Clock) -> Result<Edge> {
    let profile = LeafProfile::default();
    let clients = OrganizationVerifier::new(roots(&config.tls)?, profile).context("tls.client_roots")?;
    let tls = server_config(own_certificate(&config.tls)?, Arc::new(clients))?;
    let setup = EdgeSetup {
        limits: config.edge.clone(),
        tls: Arc::new(TlsStore::new(tls)),
        profile,
        registry: Arc::new(Directory(gateway.store.registry())),
        reflection: if config.reflection { Reflection::Served } else { Reflection::Hidden },
        clock: Arc::new(move || clock().div_euclid(1_000_000)),
        random: system::random(),
    };
    Ok(Edge::new(setup).await?)
}

/// The pages and their listener, behind the edge's door.
async fn web(config: &Config, edge: &Edge, gateway: &Arc<Gateway>) -> Result<Option<(TcpListener, Web)>> {
    let Some(WebConfig { listen }) = &config.web else { return Ok(None) };
    let clients =
        OrganizationVerifier::new(roots(&config.tls)?, LeafProfile::default()).context("tls.client_roots")?;
    let tls = server_config_for(HTTP1, own_certificate(&config.tls)?, Arc::new(clients))?;
    let listener = TcpListener::bind(listen).await.context("cannot listen for pages")?;
    let door = edge.side_door(Arc::new(TlsStore::new(tls)));
    Ok(Some((listener, Web::new(door, web::routes(gateway)))))
}

/// What happens beside the calls. Each by itself, so that a slow database delays
/// no suspension (P11).
async fn housekeeping(
    gateway: Arc<Gateway>,
    live: Arc<crate::edge::Live>,
    readiness: crate::edge::Readiness,
    shutdown: CancellationToken,
) {
    let beside = async {
        tokio::join!(
            follow_logs(&gateway, &readiness),
            follow_register(&gateway, &live),
            follow_presences(&gateway),
            write_refusals(&gateway),
            follow_search(&gateway),
            upkeep::follow_erasures(&gateway),
            upkeep::deliver_handoffs(&gateway),
            upkeep::keep_log(&gateway, Log::Gateway),
            upkeep::keep_log(&gateway, Log::Auth),
            witnessing::follow_witnesses(&gateway, &readiness),
        )
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        _ = beside => {}
    }
}

/// Readiness is what the logs say.
async fn follow_logs(gateway: &Gateway, readiness: &crate::edge::Readiness) {
    let mut states = (gateway.store.state(), gateway.auth.state());
    loop {
        let known = [*states.0.borrow_and_update(), *states.1.borrow_and_update()];
        if known.contains(&State::Poisoned) {
            // What the kernel dropped is unknown; only a restart reads it again (audit.md §2.4).
            tracing::error!("a log could not be flushed; the process ends");
            std::process::exit(70);
        }
        if known.iter().all(|state| *state == State::Ready) {
            readiness.ready().await;
        } else {
            readiness.not_ready().await;
        }
        let changed = tokio::select! {
            changed = states.0.changed() => changed,
            changed = states.1.changed() => changed,
        };
        if changed.is_err() {
            return readiness.not_ready().await;
        }
    }
}

/// Suspended organizations lose their connections.
async fn follow_register(gateway: &Gateway, live: &crate::edge::Live) {
    let mut register = gateway.store.registry();
    while register.changed().await.is_ok() {
        let known = register.borrow_and_update().clone();
        live.end(|peer| {
            let id = peer.identity().organization().short();
            known.organizations.get(id).is_none_or(|organization| organization.suspended)
        });
    }
}

/// Presences that ended on another replica end here.
async fn follow_presences(gateway: &Gateway) {
    let mut second = ticks(Duration::from_secs(1));
    loop {
        second.tick().await;
        if let Err(fault) = gateway.refresh_denied().await {
            tracing::warn!(error = %fault, "ended presences not read");
        }
    }
}

/// Counted refusals are written down.
async fn write_refusals(gateway: &Gateway) {
    let mut minute = ticks(Duration::from_mins(1));
    loop {
        minute.tick().await;
        note(gateway.flush_refusals().await);
    }
}

/// The search index follows the logs, so that no search has to wait for it.
async fn follow_search(gateway: &Gateway) {
    let mut second = ticks(Duration::from_secs(1));
    loop {
        second.tick().await;
        if let Err(fault) = gateway.follow_search().await {
            tracing::warn!(error = %fault, "search index not brought up");
        }
    }
}

fn note(flushed: Result<(), pmh_store::Fault>) {
    if let Err(fault) = flushed {
        tracing::warn!(error = %fault, "refusal summaries not written");
    }
}

/// An empty register knows nobody who could enrol anybody. Nobody asked for it,
/// but whoever reads the log learns who could from then on.
async fn enrol_operator(gateway: &Gateway, urn: &str) -> Result<()> {
    let operator = OrganizationId::parse_urn(urn).context("operator")?;
    if !gateway.registry().organizations.is_empty() {
        return Ok(());
    }
    let change = RegistryChange::PutOrganization { id: operator.to_string(), name: "operator".to_owned() };
    let conclude = move |_: Concluding<'_, Option<i64>>| Conclusion::<()> {
        reply: Reply::Answer(Vec::new()),
        draft: Some(ops::directory::first_operator(&operator)),
    };
    let enrolled = gateway.store.change_registry(gateway.attempt(), None, change, conclude).await?;
    drop(enrolled.into_parts());
    Ok(())
}

/// One certificate for every name: terminals know us by the name they expect,
/// and there is nothing else here to choose.
#[derive(Debug)]
struct OwnCertificate(Arc<CertifiedKey>);

impl rustls::server::ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

pub(crate) fn own_certificate(tls: &TlsConfig) -> Result<Arc<dyn rustls::server::ResolvesServerCert>> {
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).context("tls.key")?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let certified = CertifiedKey::from_der(chain, key, &provider).context("tls.certificate")?;
    Ok(Arc::new(OwnCertificate(Arc::new(certified))))
}

/// Roots that organizations' certificates lead to.
pub(crate) fn roots(tls: &TlsConfig) -> Result<Vec<CertificateDer<'static>>> {
    let roots: Vec<_> = tls.client_roots.iter().map(|path| certificates(path)).collect::<Result<_>>()?;
    Ok(roots.concat())
}

fn witnesses(config: &Config, now_us: i64) -> Result<Witnesses> {
    let list: Vec<Witness> =
        config.log.witnesses.iter().map(|peer| witness(config, peer)).collect::<Result<_>>()?;
    if usize::try_from(config.log.witness_quorum)? > list.len() {
        bail!("log.witness_quorum is larger than the number of witnesses");
    }
    let stop_after = config.log.stop_unwitnessed_minutes.map(|minutes| Duration::from_mins(minutes.into()));
    let period = Duration::from_secs(config.log.witness_period_seconds.max(1).into());
    Ok(Witnesses::new(list, config.log.witness_quorum, period, stop_after, now_us))
}

fn witness(config: &Config, peer: &WitnessPeer) -> Result<Witness> {
    let mut roots = RootCertStore::empty();
    for path in &peer.roots {
        roots.add_parsable_certificates(certificates(path)?);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(
            certificates(&config.tls.certificate)?,
            PrivateKeyDer::from_pem_file(&config.tls.key).context("tls.key")?,
        )
        .context("tls.certificate")?;
    let url = WitnessUrl::parse(&peer.url, Arc::new(tls)).context("log.witnesses.url")?;
    Ok(Witness { url, key: peer.key.parse().context("log.witnesses.key")? })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    read().with_context(|| format!("certificates in {}", path.display()))
}

fn card_authorities(config: &Config) -> Result<CardCas> {
    let authorities: Vec<Vec<u8>> =
        config.cards.authorities.iter().map(|path| bytes(path)).collect::<Result<_>>()?;
    Ok(CardCas::from_der(authorities.iter().map(Vec::as_slice))?)
}

fn card_profile(config: &Config) -> Result<CardProfile> {
    let policies: Result<Vec<PolicyOid>, _> =
        config.cards.policies.iter().map(|policy| PolicyOid::parse(policy)).collect();
    Ok(CardProfile::new(policies.context("cards.policies")?))
}

fn revocations(config: &Config, authorities: &CardCas) -> Result<Revocations> {
    let mut revocations = Revocations::none();
    for path in &config.cards.revocation_lists {
        let list = RevocationList::from_der(&bytes(path)?, authorities, system::now_s())
            .with_context(|| format!("revocation list {}", path.display()))?;
        revocations.install(list).context("cards.revocation_lists")?;
    }
    Ok(revocations)
}

fn readers(config: &Config) -> Result<ReaderTrust> {
    let mut roots = Vec::new();
    for path in &config.readers.authorities {
        roots.extend(certificates(path)?);
    }
    // Without authorities no reader is trusted, whatever its policy; 2.999 is the arc for examples.
    let policy = if config.readers.policy.is_empty() { "2.999" } else { &config.readers.policy };
    let policy = PolicyOid::parse(policy).context("readers.policy")?;
    Ok(ReaderTrust::new(roots.iter().map(AsRef::as_ref), policy)?)
}

fn directory(config: &Config) -> Result<Option<DirectoryTrust>> {
    let Some(directory) = &config.directory else { return Ok(None) };
    let key = rustls_pki_types::SubjectPublicKeyInfoDer::from_pem_file(&directory.public_key)
        .context("directory.public_key")?;
    Ok(Some(DirectoryTrust::new(&directory.issuer, &key)?))
}

fn rule_book(config: &Config) -> Result<RuleBook> {
    match &config.vaccination.rules {
        Some(file) => reload::read(file),
        None => RuleBook::embedded().cloned().context("the embedded rule book"),
    }
}

fn urgent_rules(config: &Config) -> Result<UrgentRules> {
    match &config.checkup.thresholds {
        Some(file) => UrgentRules::parse(&text(file)?).context("checkup.thresholds"),
        None => Ok(UrgentRules::with([])),
    }
}

fn jurisdictions(config: &Config) -> Result<Jurisdictions> {
    let mut jurisdictions = Jurisdictions::default();
    for auditor in &config.auditors {
        let organization =
            OrganizationId::parse_urn(&auditor.organization).context("auditors.organization")?;
        let areas: Result<Vec<Area>, _> = auditor.jurisdiction.iter().map(|area| Area::parse(area)).collect();
        jurisdictions.grant(&organization, areas.context("auditors.jurisdiction")?);
    }
    Ok(jurisdictions)
}

fn location(database: &str) -> Result<Location> {
    if is_postgres(database) {
        let verified = database.split(['?', '&']).skip(1).any(|pair| pair == "sslmode=verify-full");
        if !is_local(database) && !verified {
            bail!("a PostgreSQL server on another host needs sslmode=verify-full");
        }
        return Ok(Location::Postgres(database.to_owned()));
    }
    Ok(Location::Sqlite(database.into()))
}

/// Whether a server is on this machine: by a name that is no other's beginning, or by its socket.
fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = authority.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = host.split(':').next().unwrap_or_default();
    let socket = query.split('&').find_map(|pair| pair.strip_prefix("host="));
    match socket {
        Some(socket) => socket.starts_with('/') || socket.starts_with("%2F") || socket.starts_with("%2f"),
        None => ["", "localhost", "127.0.0.1"].contains(&name),
    }
}

fn store_keys(keys: &KeyRing, role: &str) -> StoreKeys {
    StoreKeys {
        wrapping: *keys.application(&format!("{role}/wrapping")),
        index: *keys.application(&format!("{role}/index")),
    }
}

/// What the store of one log is opened with.
fn log_settings(config: &Config, log: Log, keys: &KeyRing, clock: &Clock) -> Result<LogSettings> {
    let (location, checkpoint_file) = log_place(config, log)?;
    if checkpoint_file.is_none() {
        tracing::warn!(?log, "no file for the last checkpoint: a restored database goes unnoticed at start");
    }
    Ok(LogSettings {
        location,
        signer: log_signer(config, log)?,
        keys: store_keys(keys, log.role()),
        clock: Arc::clone(clock),
        checkpoint_file,
    })
}

/// Where a log's database is, and the file of its last checkpoint.
fn log_place(config: &Config, log: Log) -> Result<(Location, Option<PathBuf>)> {
    let (database, named) = match log {
        Log::Gateway => (&config.database.gateway, &config.log.gateway_checkpoint),
        Log::Auth => (&config.database.auth, &config.log.auth_checkpoint),
    };
    let location = location(database)?;
    let file = named.clone().or_else(|| default_checkpoint_file(&location));
    Ok((location, file))
}

fn log_signer(config: &Config, log: Log) -> Result<SigningKey> {
    let (origin, seed) = match log {
        Log::Gateway => (&config.log.gateway_origin, &config.log.gateway_seed),
        Log::Auth => (&config.log.auth_origin, &config.log.auth_seed),
    };
    let seed = secret(seed).with_context(|| format!("log seed {}", seed.display()))?;
    Ok(SigningKey::from_seed(origin, &seed)?)
}

/// A log read beside the gateway that writes it, by the operator on its machine.
pub struct StoredLog {
    /// Reads; it cannot write.
    pub reader: Reader,
    /// Makes the notes of its checkpoints again: Ed25519 is deterministic.
    pub signer: SigningKey,
    /// Size and root that the gateway signed last, if its file is there.
    pub last_signed: Option<(u64, pmh_audit::Hash)>,
}

/// Opens one log to read it.
pub async fn open_stored_log(config: &Config, log: Log) -> Result<StoredLog> {
    let master = secret(&config.keys.master).context("keys.master")?;
    let keys = KeyRing::from_master(master, config.keys.pairwise_epoch);
    let (location, file) = log_place(config, log)?;
    let signer = log_signer(config, log)?;
    let last_signed = match file {
        Some(file) => last_signed(&file, signer.verifier())?,
        None => None,
    };
    let reader = Reader::open(&location, store_keys(&keys, log.role())).await.context("database")?;
    Ok(StoredLog { reader, signer, last_signed })
}

/// 64 hexadecimal digits in a file.
pub(crate) fn secret(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let text = Zeroizing::new(text(path)?);
    let digits = text.trim().as_bytes();
    let mut secret = Zeroizing::new([0; 32]);
    if digits.len() != 64 {
        bail!("not 64 hexadecimal digits");
    }
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair)?;
        *byte = u8::from_str_radix(pair, 16).context("not hexadecimal")?;
    }
    Ok(secret)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inconsistent_rule_book_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rules.json");
        let mut config: Config = toml::from_str(include_str!("../../../pmh.example.toml")).unwrap();
        assert_eq!(rule_book(&config).unwrap().version(), RuleBook::embedded().unwrap().version());
        let book = include_str!("../../domain/data/vaccination/rules.json");
        config.vaccination.rules = Some(file.clone());
        std::fs::write(&file, book).unwrap();
        assert!(rule_book(&config).is_ok());
        std::fs::write(&file, book.replacen("\"HEPB\"", "\"HIB\"", 1)).unwrap();
        let error = format!("{:#}", rule_book(&config).unwrap_err());
        assert!(error.starts_with("vaccination.rules: HIB"), "{error}");
    }

    #[test]
    fn thresholds_that_cannot_be_meant_are_refused_by_row() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("thresholds.csv");
        let mut config: Config = toml::from_str(include_str!("../../../pmh.example.toml")).unwrap();
        assert!(urgent_rules(&config).is_ok());
        config.checkup.thresholds = Some(file.clone());
        assert!(urgent_rules(&config).is_err(), "a file that is named must be there");
        let with = |row: &str| {
            let header = "issuer,since,until,epds_total_at_least,epds_item10_at_least,source,confidence";
            std::fs::write(&file, format!("{header}\n{row}\n")).unwrap();
            urgent_rules(&config).map(|_| ()).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(with("municipality:132012,2026-04-01,,8,1,own,ours"), Ok(()));
        let error = with("municipality:132012,2026-04-01,,0,1,own,ours").unwrap_err();
        assert!(error.starts_with("checkup.thresholds: row 1: the total"), "{error}");
    }

    #[test]
    fn only_this_machine_may_be_spoken_to_in_clear() {
        for local in [
            "postgres://u:p@localhost/pmh",
            "postgres://127.0.0.1:5432/pmh",
            "postgresql:///pmh?host=/run/postgresql",
            "postgres://u@localhost:5432/pmh?sslmode=disable",
        ] {
            assert!(location(local).is_ok(), "{local}");
        }
        for remote in [
            "postgres://localhost.example/pmh",
            "postgres://u:localhost@db.example/pmh",
            "postgres://localhost/pmh?host=db.example",
            "postgres://u:sslmode=verify-full@db.example/pmh",
            "postgres://db.example/sslmode=verify-full",
        ] {
            assert!(location(remote).is_err(), "{remote}");
        }
        assert!(location("postgres://db.example/pmh?sslmode=verify-full").is_ok());
        assert!(matches!(location("data/gateway.db"), Ok(Location::Sqlite(_))));
    }
}
