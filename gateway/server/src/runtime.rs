//! A gateway from its configuration: open, check, serve, drain. Reads as one list.

mod parts;
mod peers;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use pmh_audit::SigningKey;
use pmh_auth::{
    keys::KeyRing,
    peer::{LeafProfile, OrganizationVerifier},
    token::TokenSigner,
};
use pmh_domain::{eligibility::Rules, organization::OrganizationId};
use pmh_store::{
    AuthStore, Clock, Concluding, Conclusion, GatewayStore, Reader, RegistryChange, Reply, State, last_signed,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, WebConfig},
    edge::{Edge, EdgeSetup, HTTP1, Reflection, TlsStore, server_config, server_config_for},
    ops::{
        self, Gateway, GatewaySetup,
        erasure::retention::Retention,
        gateway::{Directory, LogSigners},
        log::Log,
    },
    reload, rpc, system,
    upkeep::{self, ticks},
    web::{self, Web},
    witnessing,
};

use parts::{
    card_authorities, card_profile, directory, jurisdictions, log_place, log_settings, log_signer, readers,
    revocations, rule_book, store_keys, text, urgent_rules, witnesses,
};
pub(crate) use parts::{own_certificate, roots, secret};

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
        let (rules, thresholds) = (config.vaccination.rules.clone(), config.checkup.thresholds.clone());
        let ruling = Arc::clone(&gateway);
        let reloading = tokio::spawn(reload::on_hangup(reload::hangups()?, shutdown.clone(), move || {
            // Without a file the rules are part of the program and stay.
            if let Some(file) = &rules {
                reload::again(&ruling.vaccination, file);
            }
            if let Some(file) = &thresholds {
                reload::thresholds_again(&ruling.urgent_rules, file);
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
            upkeep::count_overdue_handoffs(&gateway),
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
