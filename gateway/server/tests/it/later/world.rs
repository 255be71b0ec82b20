//! A filled sandbox, started again by a clock of ours.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, tz::TimeZone};
use pmh::config::Config;
use pmh::ops::{Gateway, log::Log};
use pmh::runtime::{self, Running};
use pmh::sandbox::{self, SandboxOptions};
use pmh_client::{Card, CardError, Error, Presence, Presentation, Proven, Signed, Terminal};
use pmh_proto::common::{Purpose, Reason};
use pmh_proto::eligibility::{
    VerifyEligibilityRequest, VerifyEligibilityResponse, verify_eligibility_request::Service,
};
use pmh_store::Clock;
use pmh_testkit::card::{FakeCard, terminal};
use pmh_testkit::sandbox::Sandbox;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

pub(super) const CLINIC: &str = "tokyo-clinic-1";
pub(super) const APP: &str = "app-1";
pub(super) const MINUTE: i64 = 60;
pub(super) const DAY: i64 = 24 * 60 * MINUTE;

pub(super) struct World {
    sandbox: Sandbox,
    config: Config,
    ahead_us: Arc<AtomicI64>,
    running: Running,
    dir: TempDir,
}

/// A gateway whose work a test does.
pub(super) struct Quiet {
    pub(super) gateway: Gateway,
    config: Config,
    _dir: TempDir,
}

impl Quiet {
    pub(super) async fn database(&self, log: Log) -> SqliteConnection {
        database(&self.config, log).await
    }
}

/// A card, and a holder who knows its PIN.
pub(super) struct Held {
    card: FakeCard,
    pin: String,
}

impl World {
    /// A sandbox with another configuration. Its witness ends with the first start: nobody cosigns any more.
    pub(super) async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = SandboxOptions {
            dir: dir.path().join("sandbox"),
            listen: "127.0.0.1:0".to_owned(),
            limits: None,
            witnesses: Vec::new(),
        };
        let sandbox = {
            let filled = Box::pin(sandbox::open(&options)).await.unwrap();
            filled.gateway.stop().await.unwrap();
            filled.sandbox
        };
        until_closed(&options.dir).await;
        let mut config = Config::load(&options.dir.join("pmh.toml")).unwrap();
        change(&mut config);
        let ahead_us = Arc::new(AtomicI64::new(0));
        let running = Running::start_by(&config, clock(&ahead_us)).await.unwrap();
        let sandbox = Sandbox { address: running.address.to_string(), ..sandbox };
        Self { sandbox, config, ahead_us, running, dir }
    }

    /// Ends, and begins again with what its databases hold.
    pub(super) async fn restarted(self) -> Self {
        self.running.stop().await.unwrap();
        until_closed(&self.dir.path().join("sandbox")).await;
        let running = Running::start_by(&self.config, clock(&self.ahead_us)).await.unwrap();
        let sandbox = Sandbox { address: running.address.to_string(), ..self.sandbox };
        Self { sandbox, running, ..self }
    }

    /// Ends, and opens its databases without serving anybody or doing anything by itself.
    pub(super) async fn quiet(self) -> Quiet {
        self.running.stop().await.unwrap();
        until_closed(&self.dir.path().join("sandbox")).await;
        let gateway = runtime::open_by(&self.config, clock(&self.ahead_us)).await.unwrap();
        Quiet { gateway, config: self.config, _dir: self.dir }
    }

    /// One of the two databases, beside the gateway.
    pub(super) async fn database(&self, log: Log) -> SqliteConnection {
        database(&self.config, log).await
    }

    /// The clock goes on by so many seconds.
    pub(super) fn pass(&self, seconds: i64) {
        self.ahead_us.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(super) async fn stop(self) {
        self.running.stop().await.unwrap();
    }

    /// Seconds, by the gateway's clock.
    pub(super) fn now(&self) -> i64 {
        (now_us() + self.ahead_us.load(Ordering::SeqCst)).div_euclid(1_000_000)
    }

    pub(super) async fn terminal(&self, id: &str) -> Terminal {
        let (gateway, keys) =
            sandbox::terminal(&self.dir.path().join("sandbox"), &self.sandbox, id).await.unwrap();
        Terminal::new(gateway.channel().clone(), gateway.identity().clone(), keys)
    }

    /// The first terminal of an organization, `<kind>:<code>`.
    pub(super) fn terminal_of(&self, organization: &str) -> &str {
        let urn = format!("urn:x-pmh:org:{organization}");
        let known = self.sandbox.organizations.iter().find(|known| known.urn == urn).unwrap();
        &known.terminals[0].id
    }

    pub(super) fn knows(&self, organization: &str) -> bool {
        let urn = format!("urn:x-pmh:org:{organization}");
        self.sandbox.organizations.iter().any(|known| known.urn == urn)
    }

    /// A card of the sandbox.
    pub(super) fn card(&self, name: &str) -> Held {
        let card = self.sandbox.cards.iter().find(|card| card.name == name).unwrap();
        let dir = self.dir.path().join("sandbox");
        let fake = FakeCard::load(&dir.join(&card.cert), &dir.join(&card.key), &card.pin).unwrap();
        Held { card: fake, pin: card.pin.clone() }
    }

    /// A visit at the clinic: the card presented, one prefecture's scheme consented to and asked for.
    pub(super) async fn visit(&self, card: &mut Held) -> Result<Proven<VerifyEligibilityResponse>, Error> {
        let clinic = self.terminal(CLINIC).await;
        let presence =
            clinic.present(card, &Presentation::for_eligibility("consent", &["52"]), self.now()).await?;
        let today = Timestamp::from_second(self.now()).unwrap();
        let today = today.to_zoned(TimeZone::get("Asia/Tokyo").unwrap()).date();
        let question = VerifyEligibilityRequest {
            purpose: Purpose::Hpaymt.into(),
            service: Some(Service::Date(today.to_string())),
            ..Default::default()
        };
        clinic.gateway().call(&question, Some(presence.bearer())).await
    }

    /// The holder in the citizens' app.
    pub(super) async fn sign_in(&self, card: &mut Held) -> (Terminal, Presence) {
        let app = self.terminal(APP).await;
        let presence = app.present(card, &Presentation::for_accesses("list"), self.now()).await.unwrap();
        (app, presence)
    }
}

impl Card for Held {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        let presented = terminal::present(&mut self.card, to_be_signed, &self.pin)
            .map_err(|error| CardError::Unreadable(Box::new(error)))?;
        Ok(Signed { certificate_der: presented.certificate_der, signature: presented.signature })
    }
}

/// A gateway that ended leaves its databases a moment later.
async fn until_closed(sandbox: &Path) {
    for file in fs::read_dir(sandbox.join("data")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "lock") {
            let lock = fs::File::open(file).unwrap();
            tokio::task::spawn_blocking(move || lock.lock().unwrap()).await.unwrap();
        }
    }
}

async fn database(config: &Config, log: Log) -> SqliteConnection {
    let file = match log {
        Log::Gateway => &config.database.gateway,
        Log::Auth => &config.database.auth,
    };
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

fn clock(ahead_us: &Arc<AtomicI64>) -> Clock {
    let ahead_us = Arc::clone(ahead_us);
    Arc::new(move || now_us() + ahead_us.load(Ordering::SeqCst))
}

/// Why a call was refused.
pub(super) fn reason<T>(outcome: Result<T, Error>) -> Reason {
    let Err(error) = outcome else { panic!("the call went through") };
    error.refused().unwrap_or_else(|| panic!("not refused by the gateway: {error:?}")).reason
}

#[expect(clippy::disallowed_methods, reason = "certificates and cards were made by the real clock")]
fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros().try_into().unwrap()
}
