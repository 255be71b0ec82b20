//! One sandbox for all tests of this module, on a thread of its own, and people who belong to one test each.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use pmh::sandbox::{self, SandboxOptions};
use pmh_client::{Card, CardError, Error, Gateway, Presence, Presentation, Signed, Terminal};
use pmh_proto::common::{BulkHeader, Purpose, Reason, Sex};
use pmh_proto::presence::UserVerification;
use pmh_proto::resident::{LinkCredentialRequest, ResidentRow};
use pmh_testkit::card::{FakeCard, terminal};
use pmh_testkit::pki::{CardRequest, DAY, DevPki, Generation};
use pmh_testkit::sandbox::Sandbox;

pub(super) const CLINIC: &str = "clinic:1310310243";
pub(super) const HACHIOJI: &str = "municipality:132012";
pub(super) const TOKYO: &str = "prefecture:130001";
pub(super) const AUDITOR: &str = "auditor:test-auditor";
pub(super) const OPERATOR: &str = "operator:test-operator";

/// The running world.
pub(super) struct World {
    pub(super) dir: PathBuf,
    pub(super) sandbox: Sandbox,
    pub(super) pki: DevPki,
}

/// Opened by the first test; the directory goes with the process.
pub(super) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let temporary = tempfile::tempdir().unwrap();
                let options = SandboxOptions {
                    dir: temporary.path().join("world"),
                    listen: "127.0.0.1:0".to_owned(),
                    limits: None,
                    witnesses: Vec::new(),
                };
                let running = Box::pin(sandbox::open(&options)).await.unwrap();
                tell.send((running.dir.clone(), running.sandbox.clone())).unwrap();
                std::future::pending::<()>().await;
            });
        });
        let (dir, sandbox) = told.recv().unwrap();
        let pki = DevPki::load(&dir.join("pki")).unwrap();
        World { dir, sandbox, pki }
    })
}

impl World {
    /// The first terminal of an organization.
    pub(super) async fn terminal(&self, organization: &str) -> Terminal {
        let gateway = self.gateway(organization).await;
        let keys = sandbox::log_keys(&self.sandbox).unwrap();
        Terminal::new(gateway.channel().clone(), gateway.identity().clone(), keys)
    }

    pub(super) async fn gateway(&self, organization: &str) -> Gateway {
        let urn = format!("urn:x-pmh:org:{organization}");
        let known = self.sandbox.organizations.iter().find(|known| known.urn == urn).unwrap();
        sandbox::terminal(&self.dir, &self.sandbox, &known.terminals[0].id).await.unwrap().0
    }
}

/// Somebody invented for one test.
pub(super) struct Person {
    pub(super) resident_key: String,
    pub(super) birth_date: Date,
    card: FakeCard,
}

impl Person {
    pub(super) fn new() -> Self {
        Self::aged(3)
    }

    pub(super) fn aged(years: i16) -> Self {
        let birth_date = today().checked_sub(years.years()).unwrap().checked_sub(40.days()).unwrap();
        let request = CardRequest::new(Generation::P384, birth_date, now() - 30 * DAY);
        let card = FakeCard::issue(&world().pki, &request, "1234").unwrap();
        Self { resident_key: format!("o-{}", uuid()), birth_date, card }
    }

    /// What the directory calls the card.
    pub(super) fn credential_digest(&self) -> pmh_testkit::directory::CredentialDigest {
        let authority = world().pki.card_ca_key_id(Generation::P384).unwrap();
        self.card.credential_digest(&authority).unwrap()
    }

    /// A resident whom an issuer knows by its own key of this person.
    pub(super) async fn registered(self, issuer: &Gateway) -> Self {
        self.register(issuer).await;
        self
    }

    pub(super) async fn register(&self, issuer: &Gateway) {
        let row = ResidentRow {
            row_id: "r-1".to_owned(),
            resident_key: self.resident_key.clone(),
            birth_date: self.birth_date.to_string(),
            sex: Sex::Female.into(),
            ..Default::default()
        };
        let keys = sandbox::log_keys(&world().sandbox).unwrap();
        let pusher = pmh_client::Issuer::new(issuer.channel().clone(), issuer.identity().clone(), keys);
        let summary = pusher.put(&header(), vec![row], |_| {}).await.unwrap();
        assert_eq!(summary.created, 1);
    }

    /// Links the card at the issuer's counter.
    pub(super) async fn linked(mut self, issuer: &str) -> Self {
        let counter = world().terminal(issuer).await;
        let presence = counter.present(&mut self, &for_linking(), now()).await.unwrap();
        let request = link(&self.resident_key);
        assert_eq!(
            counter.gateway().call(&request, Some(presence.bearer())).await.unwrap().response.linked,
            1
        );
        self
    }
}

impl Card for Person {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        let presented = terminal::present(&mut self.card, to_be_signed, "1234")
            .map_err(|error| CardError::Unreadable(Box::new(error)))?;
        Ok(Signed { certificate_der: presented.certificate_der, signature: presented.signature })
    }
}

/// A card at the clinic, everything offered granted.
pub(super) async fn at_clinic(person: &mut Person, groups: &[&str]) -> (Terminal, Presence) {
    let counter = world().terminal(CLINIC).await;
    let presence = counter.present(person, &for_asking(groups), now()).await.unwrap();
    (counter, presence)
}

pub(super) fn for_asking(groups: &[&str]) -> Presentation {
    let mut presentation = Presentation::for_eligibility("consent", groups);
    presentation.scopes.push("link:propose".to_owned());
    presentation
}

pub(super) fn for_linking() -> Presentation {
    Presentation {
        purposes: vec![Purpose::Hpaymt],
        scopes: vec!["link:write".to_owned()],
        consent_text: "link".to_owned(),
        offered: Vec::new(),
        granted: Vec::new(),
        verification: UserVerification::Pin,
        act_for: None,
    }
}

pub(super) fn link(resident_key: &str) -> LinkCredentialRequest {
    LinkCredentialRequest {
        idempotency_key: uuid(),
        resident_key: resident_key.to_owned(),
        ..Default::default()
    }
}

pub(super) fn header() -> BulkHeader {
    BulkHeader { batch_id: uuid(), dry_run: false }
}

pub(super) fn uuid() -> String {
    sandbox::uuid()
}

#[expect(clippy::disallowed_methods, reason = "a real gateway is asked, and it has a real clock")]
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

pub(crate) fn today() -> Date {
    Timestamp::from_second(now()).unwrap().to_zoned(TimeZone::get("Asia/Tokyo").unwrap()).date()
}

/// Why a call was refused.
pub(super) fn reason<T>(outcome: Result<T, Error>) -> Reason {
    let Err(error) = outcome else { panic!("the call went through") };
    error.refused().unwrap_or_else(|| panic!("not refused by the gateway: {error:?}")).reason
}
