//! Two sandboxes that know each other as peers: 八王子市 is home on the first, 町田市 the stay side on the second.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, thread};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use pmh::config::{Config, HandoffPeer};
use pmh::runtime::Running;
use pmh::sandbox::{self, SandboxOptions};
use pmh_audit::{CosigningKey, SigningKey};
use pmh_client::{Error, Gateway, Proven};
use pmh_proto::audit::Receipt;
use pmh_proto::common::Reason;
use pmh_proto::handoff::{DeliverRequest, DeliverResponse};
use pmh_testkit::pki::DevPki;
use pmh_testkit::sandbox::Sandbox;

pub(super) const HOME: &str = "urn:x-pmh:org:municipality:132012";
pub(super) const STAY: &str = "urn:x-pmh:org:municipality:132098";
pub(super) const AT_HOME: &str = "hachioji-1";
pub(super) const AT_STAY: &str = "machida-1";

/// The wire between the two.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wire {
    /// It works.
    Open,
    /// Nothing gets through but what a test carries by hand.
    Cut,
    /// The same, and home believes the stay side's log only under the cosignature of [`witness`].
    Witnessed,
}

/// One gateway.
pub(super) struct Town {
    pub(super) dir: PathBuf,
    sandbox: Sandbox,
    pub(super) pki: DevPki,
}

pub(super) struct Pair {
    pub(super) home: Town,
    pub(super) stay: Town,
}

/// Opened by the first test that needs it; the directories go with the process.
pub(super) fn pair(wire: Wire) -> &'static Pair {
    static OPEN: OnceLock<Pair> = OnceLock::new();
    static CUT: OnceLock<Pair> = OnceLock::new();
    static WITNESSED: OnceLock<Pair> = OnceLock::new();
    let pair = match wire {
        Wire::Open => &OPEN,
        Wire::Cut => &CUT,
        Wire::Witnessed => &WITNESSED,
    };
    pair.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let dir = tempfile::tempdir().unwrap();
                let (home, stay) = (filled(dir.path(), "home").await, filled(dir.path(), "stay").await);
                let (at_home, at_stay) = (free_address(), free_address());
                let (to_home, to_stay) = match wire {
                    Wire::Open => (at_home.clone(), at_stay.clone()),
                    Wire::Cut | Wire::Witnessed => ("127.0.0.1:1".to_owned(), "127.0.0.1:1".to_owned()),
                };
                let home_peer = peer((&home, HOME, AT_STAY), &to_home);
                let mut stay_peer = peer((&stay, STAY, AT_HOME), &to_stay);
                if wire == Wire::Witnessed {
                    let policy = dir.path().join("stay.policy");
                    let key = witness().verifier().to_string();
                    fs::write(&policy, format!("witness W {key}\nquorum W\n")).unwrap();
                    stay_peer.witness_policy = Some(policy);
                }
                let home = start(home, at_home, stay_peer).await;
                let stay = start(stay, at_stay, home_peer).await;
                tell.send(Pair { home: home.0, stay: stay.0 }).unwrap();
                std::future::pending::<()>().await;
                drop((home.1, stay.1));
            });
        });
        told.recv().unwrap()
    })
}

/// Two towns that are ready to be served by processes of their own, each by its `serve.toml`.
pub(super) async fn configured(dir: &Path) -> Pair {
    let (mut home, mut stay) = (filled(dir, "home").await, filled(dir, "stay").await);
    (home.sandbox.address, stay.sandbox.address) = (free_address(), free_address());
    let home_peer = peer((&home, HOME, AT_STAY), &home.sandbox.address);
    let stay_peer = peer((&stay, STAY, AT_HOME), &stay.sandbox.address);
    configure(&home, &stay_peer);
    configure(&stay, &home_peer);
    Pair { home, stay }
}

fn configure(town: &Town, peer: &HandoffPeer) {
    let text = fs::read_to_string(town.dir.join(sandbox::CONFIG)).unwrap();
    let mut config: toml::Table = text.parse().unwrap();
    config.insert("listen".to_owned(), town.sandbox.address.clone().into());
    let log = config["log"].as_table_mut().unwrap();
    log.remove("witnesses");
    log.insert("witness_quorum".to_owned(), 0.into());
    let path = |path: &Path| toml::Value::from(path.to_str().unwrap());
    let mut entry = toml::Table::new();
    entry.insert("municipalities".to_owned(), peer.municipalities.clone().into());
    entry.insert("address".to_owned(), peer.address.clone().into());
    entry.insert("server_name".to_owned(), peer.server_name.clone().into());
    entry.insert("roots".to_owned(), toml::Value::Array(peer.roots.iter().map(|root| path(root)).collect()));
    entry.insert("certificate".to_owned(), path(&peer.certificate));
    entry.insert("key".to_owned(), path(&peer.key));
    entry.insert("organization".to_owned(), peer.organization.clone().into());
    entry.insert("log_key".to_owned(), peer.log_key.clone().into());
    let peers = toml::Table::from_iter([("peers".to_owned(), toml::Value::Array(vec![entry.into()]))]);
    config.insert("handoff".to_owned(), peers.into());
    fs::write(town.dir.join("serve.toml"), toml::to_string(&config).unwrap()).unwrap();
}

/// A witness of the stay side's log, for which a test holds the pen.
pub(super) fn witness() -> CosigningKey {
    CosigningKey::from_seed("witness.example/w", &[5; 32]).unwrap()
}

/// How others reach a gateway: the certificate that it would believe of them is in its own directory.
fn peer((town, municipality, terminal): (&Town, &str, &str), address: &str) -> HandoffPeer {
    HandoffPeer {
        municipalities: vec![municipality.to_owned()],
        address: address.to_owned(),
        server_name: town.sandbox.server_name.clone(),
        roots: vec![town.dir.join(&town.sandbox.ca)],
        certificate: town.dir.join(format!("terminals/{terminal}.pem")),
        key: town.dir.join(format!("terminals/{terminal}.key.pem")),
        // It calls back by its own municipality's.
        organization: municipality.to_owned(),
        log_key: town.sandbox.log_vkey.clone(),
        witness_policy: None,
        witnesses: 0,
    }
}

async fn filled(dir: &Path, name: &str) -> Town {
    let options = SandboxOptions {
        dir: dir.join(name),
        listen: "127.0.0.1:0".to_owned(),
        limits: None,
        witnesses: Vec::new(),
    };
    let (dir, sandbox) = {
        let filled = Box::pin(sandbox::open(&options)).await.unwrap();
        filled.gateway.stop().await.unwrap();
        (filled.dir, filled.sandbox)
    };
    until_closed(&dir).await;
    Town { pki: DevPki::load(&dir.join("pki")).unwrap(), dir, sandbox }
}

async fn start(mut town: Town, address: String, peer: HandoffPeer) -> (Town, Running) {
    let mut config = Config::load(&town.dir.join(sandbox::CONFIG)).unwrap();
    config.listen = address;
    config.log.witnesses.clear();
    config.log.witness_quorum = 0;
    config.handoff.peers.push(peer);
    let running = Running::start(&config).await.unwrap();
    town.sandbox.address = running.address.to_string();
    (town, running)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A gateway that ended leaves its databases a moment later.
async fn until_closed(dir: &Path) {
    for file in fs::read_dir(dir.join("data")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "lock") {
            let lock = fs::File::open(file).unwrap();
            tokio::task::spawn_blocking(move || lock.lock().unwrap()).await.unwrap();
        }
    }
}

impl Town {
    pub(super) async fn gateway(&self, terminal: &str) -> Gateway {
        sandbox::terminal(&self.dir, &self.sandbox, terminal).await.unwrap().0
    }

    /// The same where it may not be serving.
    pub(super) async fn try_gateway(&self, terminal: &str) -> Option<Gateway> {
        sandbox::terminal(&self.dir, &self.sandbox, terminal).await.ok().map(|(gateway, _)| gateway)
    }

    pub(super) fn keys(&self) -> pmh_client::LogKeys {
        sandbox::log_keys(&self.sandbox).unwrap()
    }

    /// The key of its own log, which whoever runs a gateway holds.
    pub(super) fn log_signer(&self) -> SigningKey {
        let hex = fs::read_to_string(self.dir.join("keys/log-gateway.hex")).unwrap();
        let byte = |place: usize| u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).unwrap();
        SigningKey::from_seed(self.keys().gateway.name(), &std::array::from_fn(byte)).unwrap()
    }

    /// Carries a message here, by the certificate of the other side's gateway.
    pub(super) async fn deliver(
        &self,
        terminal: &str,
        message: Vec<u8>,
        receipt: Option<Receipt>,
    ) -> Result<Proven<DeliverResponse>, Error> {
        let carrier = self.gateway(terminal).await.with_retry(pmh_client::Retry::NEVER);
        carrier.call(&DeliverRequest { message, receipt }, None).await
    }
}

/// Looks again until something is so, for twenty seconds at most.
pub(super) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..400 {
        tick.tick().await;
        if let Some(found) = look().await {
            return found;
        }
    }
    panic!("{what}: never came about");
}

pub(super) fn reason<T>(outcome: Result<T, Error>) -> Reason {
    let Err(error) = outcome else { panic!("the call went through") };
    error.refused().unwrap_or_else(|| panic!("not refused by the gateway: {error:?}")).reason
}

pub(super) fn today() -> Date {
    Timestamp::from_second(now()).unwrap().to_zoned(TimeZone::get("Asia/Tokyo").unwrap()).date()
}

#[expect(clippy::disallowed_methods, reason = "real gateways are asked, and they have real clocks")]
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}
