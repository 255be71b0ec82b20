//! A gateway from its configuration: open, check, serve, drain. Reads as one list.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

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
use pmh_domain::{eligibility::Rules, organization::OrganizationId};
use pmh_store::{
    AuthStore, Concluding, Conclusion, GatewayStore, Location, LogSettings, RegistryChange, Reply, State,
    StoreKeys,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    config::{Config, is_postgres},
    edge::{Edge, EdgeSetup, Reflection, TlsStore, server_config},
    ops::{
        Gateway, GatewaySetup,
        gateway::{Directory, LogSigners},
    },
    rpc, system,
};

/// A gateway that serves.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Verifier keys of the gateway log and the auth log.
    pub log_keys: (pmh_audit::VerifierKey, pmh_audit::VerifierKey),
    shutdown: CancellationToken,
    server: JoinHandle<Result<()>>,
}

impl Running {
    /// Opens everything and begins to serve.
    pub async fn start(config: &Config) -> Result<Self> {
        let gateway = Arc::new(open(config).await?);
        let listener = TcpListener::bind(&config.listen).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        let edge = edge(config, &gateway).await?;
        let shutdown = CancellationToken::new();
        let (gateway_key, auth_key) = gateway.log_keys();
        let log_keys = (gateway_key.clone(), auth_key.clone());
        let housekeeping =
            tokio::spawn(housekeeping(Arc::clone(&gateway), edge.live(), edge.readiness(), shutdown.clone()));
        let routes = rpc::routes(&gateway, config.edge.max_message_bytes);
        let stop = shutdown.clone();
        let server = tokio::spawn(async move {
            edge.serve(listener, routes, stop).await.context("serving")?;
            housekeeping.await.context("housekeeping")?;
            Ok(())
        });
        Ok(Self { address, log_keys, shutdown, server })
    }

    /// Stops accepting, lets calls finish, and returns.
    pub async fn stop(self) -> Result<()> {
        self.shutdown.cancel();
        self.server.await.context("server task")?
    }

    /// Serves until SIGTERM or SIGINT, then drains.
    pub async fn until_signal(self) -> Result<()> {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        self.stop().await
    }
}

/// Brings both databases to this program's schema.
pub async fn migrate(config: &Config) -> Result<()> {
    drop(open(config).await?);
    Ok(())
}

/// Everything but the listener. `pmh config check` stops here.
pub async fn open(config: &Config) -> Result<Gateway> {
    let master = secret(&config.keys.master).context("keys.master")?;
    let keys = KeyRing::from_master(master, config.keys.pairwise_epoch);
    let gateway_signer = log_signer(&config.log.gateway_origin, &config.log.gateway_seed)?;
    let auth_signer = log_signer(&config.log.auth_origin, &config.log.auth_seed)?;
    let (store, _) = GatewayStore::open(LogSettings {
        location: location(&config.database.gateway)?,
        signer: log_signer(&config.log.gateway_origin, &config.log.gateway_seed)?,
        keys: store_keys(&keys, "gateway"),
        clock: Arc::new(system::now_us),
    })
    .await
    .context("gateway database")?;
    let (auth, _) = AuthStore::open(LogSettings {
        location: location(&config.database.auth)?,
        signer: log_signer(&config.log.auth_origin, &config.log.auth_seed)?,
        keys: store_keys(&keys, "auth"),
        clock: Arc::new(system::now_us),
    })
    .await
    .context("auth database")?;
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
        logs: LogSigners { gateway: Arc::new(gateway_signer), auth: Arc::new(auth_signer) },
        auth,
        store,
        keys,
        clock: Arc::new(system::now_us),
        random: system::random(),
    });
    enrol_operator(&gateway, &config.operator).await?;
    Ok(gateway)
}

async fn edge(config: &Config, gateway: &Arc<Gateway>) -> Result<Edge> {
    let mut roots = Vec::new();
    for path in &config.tls.client_roots {
        roots.extend(certificates(path)?);
    }
    let profile = LeafProfile::default();
    let clients = OrganizationVerifier::new(roots, profile).context("tls.client_roots")?;
    let tls = server_config(Arc::new(OwnCertificate(certified_key(config)?)), Arc::new(clients))?;
    let setup = EdgeSetup {
        limits: config.edge.clone(),
        tls: Arc::new(TlsStore::new(tls)),
        profile,
        registry: Arc::new(Directory(gateway.store.registry())),
        reflection: if config.reflection { Reflection::Served } else { Reflection::Hidden },
        clock: Arc::new(system::now_s),
        random: system::random(),
    };
    Ok(Edge::new(setup).await?)
}

/// What happens beside the calls: readiness follows the logs, suspended
/// organizations lose their connections, ended presences reach this replica,
/// counted refusals are written down.
async fn housekeeping(
    gateway: Arc<Gateway>,
    live: Arc<crate::edge::Live>,
    readiness: crate::edge::Readiness,
    shutdown: CancellationToken,
) {
    let mut registry = gateway.store.registry();
    let mut states = (gateway.store.state(), gateway.auth.state());
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut minute = tokio::time::interval(Duration::from_mins(1));
    loop {
        let ready = [*states.0.borrow_and_update(), *states.1.borrow_and_update()];
        if ready.contains(&State::Poisoned) {
            // What the kernel dropped is unknown; only a restart reads it again (audit.md §2.4).
            tracing::error!("a log could not be flushed; the process ends");
            std::process::exit(70);
        }
        if ready.iter().all(|state| *state == State::Ready) {
            readiness.ready().await;
        } else {
            readiness.not_ready().await;
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            Ok(()) = registry.changed() => {
                let known = registry.borrow_and_update().clone();
                live.end(|peer| {
                    let id = peer.identity().organization().short();
                    known.organizations.get(id).is_none_or(|organization| organization.suspended)
                });
            }
            Ok(()) = states.0.changed() => {}
            Ok(()) = states.1.changed() => {}
            _ = second.tick() => {
                if let Err(fault) = gateway.refresh_denied().await {
                    tracing::warn!(error = %fault, "ended presences not read");
                }
            }
            _ = minute.tick() => note(gateway.flush_refusals().await),
        }
    }
    note(gateway.flush_refusals().await);
}

fn note(flushed: Result<(), pmh_store::Fault>) {
    if let Err(fault) = flushed {
        tracing::warn!(error = %fault, "refusal summaries not written");
    }
}

/// An empty register knows nobody who could enrol anybody.
async fn enrol_operator(gateway: &Gateway, urn: &str) -> Result<()> {
    let operator = OrganizationId::parse_urn(urn).context("operator")?;
    if !gateway.registry().organizations.is_empty() {
        return Ok(());
    }
    let change = RegistryChange::PutOrganization { id: operator.to_string(), name: "operator".to_owned() };
    let conclude =
        |_: Concluding<'_, Option<i64>>| Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft: None };
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

fn certified_key(config: &Config) -> Result<Arc<CertifiedKey>> {
    let chain = certificates(&config.tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&config.tls.key).context("tls.key")?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider).context("tls.certificate")?))
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

fn location(database: &str) -> Result<Location> {
    if is_postgres(database) {
        if !is_local(database) && !database.contains("sslmode=verify-full") {
            bail!("a PostgreSQL server on another host needs sslmode=verify-full");
        }
        return Ok(Location::Postgres(database.to_owned()));
    }
    Ok(Location::Sqlite(database.into()))
}

fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.starts_with("localhost")
        || host.starts_with("127.0.0.1")
        || host.starts_with('/')
        || host.contains("host=/")
}

fn store_keys(keys: &KeyRing, role: &str) -> StoreKeys {
    StoreKeys {
        wrapping: *keys.application(&format!("{role}/wrapping")),
        index: *keys.application(&format!("{role}/index")),
    }
}

fn log_signer(origin: &str, seed: &Path) -> Result<SigningKey> {
    let seed = secret(seed).with_context(|| format!("log seed {}", seed.display()))?;
    Ok(SigningKey::from_seed(origin, &seed)?)
}

/// 64 hexadecimal digits in a file.
fn secret(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
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
