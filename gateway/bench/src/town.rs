//! A thousand invented children of 八王子市 who hold マル乳, with cards, registered and linked as an issuer and the
//! credential directory would: through the contract, over mutual TLS.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jiff::civil::Date;
use pmh::sandbox::{log_keys, terminal, uuid};
use pmh_client::{Card, CardError, Endpoint, Issuer, LogKeys, Signed};
use pmh_proto::common::{BulkHeader, BulkSummary, Sex};
use pmh_proto::eligibility::{Area, CopaymentRule, CopaymentUnit, EntitlementRow};
use pmh_proto::resident::{LinkCredentialRequest, ResidentRow};
use pmh_testkit::card::{FakeCard, terminal as reader};
use pmh_testkit::directory::DirectoryItem;
use pmh_testkit::pki::{CardRequest, DAY, DevPki, Generation, LeafRequest};
use pmh_testkit::sandbox::Sandbox;
use pmh_testkit::world::code;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::clock;

/// A running sandbox and its authorities.
pub(crate) struct Town {
    dir: PathBuf,
    sandbox: Sandbox,
    pki: DevPki,
    keys: LogKeys,
}

impl Town {
    /// Reads `sandbox.json` in `dir`.
    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let sandbox = Sandbox::load(&dir.join(Sandbox::FILE))?;
        let pki = DevPki::load(&dir.join(&sandbox.pki))?;
        let keys = log_keys(&sandbox)?;
        Ok(Self { dir: dir.to_owned(), sandbox, pki, keys })
    }

    /// Whose logs to believe.
    pub(crate) fn keys(&self) -> &LogKeys {
        &self.keys
    }

    /// Name that challenges come from.
    pub(crate) fn issuer(&self) -> &str {
        &self.sandbox.issuer
    }

    /// A new terminal of the clinic, for one connection.
    pub(crate) fn desk(&self, number: usize) -> Result<Endpoint> {
        self.terminal(&format!("clinic:{}", code::TOKYO_CLINIC), &format!("bench-{number}"))
    }

    /// A new terminal of the municipality.
    pub(crate) fn office(&self) -> Result<Endpoint> {
        self.terminal(code::HACHIOJI, "bench-office")
    }

    fn terminal(&self, organization: &str, name: &str) -> Result<Endpoint> {
        let urn = format!("urn:x-pmh:org:{organization}");
        let request = LeafRequest::new(&urn, name, clock::now() - 60);
        let identity = self.pki.leaf(&request)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key().to_vec()));
        Ok(Endpoint {
            address: self.sandbox.address.clone(),
            server_name: self.sandbox.server_name.clone(),
            roots: vec![CertificateDer::from(self.pki.root().to_vec())],
            chain: identity.chain().iter().map(|der| CertificateDer::from(der.clone())).collect(),
            key,
        })
    }

    /// Registers so many children, of 18 months thirty days ago, and nothing else of them.
    pub(crate) async fn register(&self, persons: usize) -> Result<()> {
        self.put_residents(&self.issuer_of_rows().await?, persons, clock::day(-19 * 30 - 30)).await
    }

    /// Gives cards to so many children and tells the gateway all about them.
    pub(crate) async fn settle(&self, persons: usize) -> Result<Vec<HeldCard>> {
        let birth_date = clock::day(-3 * 365 - 100);
        let cards = self.cards(persons, birth_date)?;
        let issuer = self.issuer_of_rows().await?;
        self.put_residents(&issuer, persons, birth_date).await?;
        let rights: Vec<_> = (0..persons).map(right).collect();
        let summary = issuer.put(&batch(), rights, |_| {}).await?;
        ensure!(all_taken(&summary), "rights were refused");
        self.link(&cards).await?;
        Ok(cards)
    }

    async fn issuer_of_rows(&self) -> Result<Issuer> {
        let (hachioji, keys) = terminal(&self.dir, &self.sandbox, HACHIOJI_TERMINAL).await?;
        Ok(Issuer::new(hachioji.channel().clone(), hachioji.identity().clone(), keys))
    }

    async fn put_residents(&self, issuer: &Issuer, persons: usize, birth_date: Date) -> Result<()> {
        let residents: Vec<_> = (0..persons).map(|number| resident(number, birth_date)).collect();
        let summary = issuer.put(&batch(), residents, |_| {}).await?;
        ensure!(all_taken(&summary), "residents were refused");
        Ok(())
    }

    fn cards(&self, persons: usize, birth_date: Date) -> Result<Vec<HeldCard>> {
        let request = CardRequest::new(Generation::P384, birth_date, clock::now() - 30 * DAY);
        (0..persons).map(|_| Ok(HeldCard(FakeCard::issue(&self.pki, &request, PIN)?))).collect()
    }

    /// By the directory's word, in batches that fit a message.
    async fn link(&self, cards: &[HeldCard]) -> Result<()> {
        let (operator, _) = terminal(&self.dir, &self.sandbox, OPERATOR_TERMINAL).await?;
        let ca = self.pki.card_ca_key_id(Generation::P384)?;
        let numbered: Vec<_> = cards.iter().enumerate().collect();
        for (batch, part) in numbered.chunks(BATCH).enumerate() {
            let items = part.iter().map(|(number, card)| {
                Ok(DirectoryItem::Resident {
                    credential: card.0.credential_digest(&ca)?,
                    issuer: code::HACHIOJI.to_owned(),
                    resident_key: resident_key(*number),
                })
            });
            let items = items.collect::<Result<Vec<_>>>()?;
            let signed =
                self.pki.directory().sign(DIRECTORY, &format!("bench-{batch}"), clock::now(), &items)?;
            let request = LinkCredentialRequest {
                idempotency_key: uuid(),
                resident_key: String::new(),
                directory_batch: signed,
            };
            let linked = operator.call(&request, None).await.context("the directory's batch")?;
            ensure!(usize::try_from(linked.response.linked)? == part.len(), "cards were not linked");
        }
        Ok(())
    }

    /// Bytes of both databases.
    pub(crate) fn stored_bytes(&self) -> u64 {
        let size = |name: &str| fs::metadata(self.dir.join("data").join(name)).map_or(0, |file| file.len());
        size("gateway.db") + size("auth.db")
    }
}

/// A card whose holder knows the PIN.
#[derive(Debug)]
pub(crate) struct HeldCard(FakeCard);

impl Card for HeldCard {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        reader::present(&mut self.0, to_be_signed, PIN)
            .map(|presented| Signed {
                certificate_der: presented.certificate_der,
                signature: presented.signature,
            })
            .map_err(|error| CardError::Unreadable(Box::new(error)))
    }
}

/// The municipality's key of its `number`-th child.
pub(crate) fn resident_key(number: usize) -> String {
    format!("B-{number:06}")
}

fn resident(number: usize, birth_date: Date) -> ResidentRow {
    ResidentRow {
        row_id: format!("r-{number}"),
        resident_key: resident_key(number),
        birth_date: birth_date.to_string(),
        sex: Sex::Female.into(),
        ..Default::default()
    }
}

/// マル乳 of 八王子市 (88), applied in Tokyo, with the payer number that the city publishes.
fn right(number: usize) -> EntitlementRow {
    EntitlementRow {
        row_id: format!("e-{number}"),
        resident_key: resident_key(number),
        certificate_type_id: "88MARUNYU".to_owned(),
        certification_name: "乳幼児医療証（マル乳）".to_owned(),
        law_no: "88".to_owned(),
        payer_number: code::PAYER_88_HACHIOJI.to_owned(),
        recipient_number: format!("{:07}", 1_000_000 + number),
        valid_from: clock::day(-200).to_string(),
        valid_to: clock::day(530).to_string(),
        copayments: vec![CopaymentRule { unit: CopaymentUnit::RatePercent.into(), ..Default::default() }],
        area: Area::Prefecture.into(),
        history_key: "1".to_owned(),
        ..Default::default()
    }
}

fn batch() -> BulkHeader {
    BulkHeader { batch_id: uuid(), dry_run: false }
}

fn all_taken(summary: &BulkSummary) -> bool {
    summary.rejected + summary.quarantined == 0
}

const PIN: &str = "1234";
const HACHIOJI_TERMINAL: &str = "hachioji-1";
const OPERATOR_TERMINAL: &str = "operator-1";
/// The name that the sandbox trusts.
const DIRECTORY: &str = "directory.sandbox.pmh.example";
/// Lines of one directory batch.
const BATCH: usize = 1000;
