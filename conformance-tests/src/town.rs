//! An issuer with people of its own, so that no scenario writes about another's.

use anyhow::{Result, ensure};
use jiff::civil::Date;
use pmh_client::{Error, Issuer, Presentation, Proven};
use pmh_proto::common::{BulkHeader, Purpose, RowOutcome, RowResult, Sex};
use pmh_proto::eligibility::{Area, CopaymentRule, CopaymentUnit, EntitlementRow};
use pmh_proto::presence::UserVerification;
use pmh_proto::resident::{
    LinkCredentialRequest, LinkCredentialResponse, PutRelationRequest, PutRelationResponse,
    PutRestrictionRequest, PutRestrictionResponse, ResidentRow, RestrictionKind,
};
use pmh_testkit::card::FakeCard;
use pmh_testkit::pki::{CardRequest, DAY, Generation};

use crate::clock;
use crate::counter::{Counter, TestCard, organization};
use crate::names;
use crate::target::Target;

/// An issuer and its counter.
#[derive(Debug)]
pub struct Town {
    issuer: Issuer,
    counter: Counter,
}

/// Somebody invented for one scenario.
#[derive(Debug)]
pub struct Newcomer {
    /// The issuer's key of the person.
    pub resident_key: String,
    /// Birth date.
    pub birth_date: Date,
    /// The person's card.
    pub card: TestCard,
}

impl Newcomer {
    /// A three-year-old with a sound card that nobody knows.
    pub fn new(target: &Target) -> Result<Self> {
        Self::born(target, clock::day(-3 * 365 - 100))
    }

    /// Somebody with this birth date.
    pub fn born(target: &Target, birth_date: Date) -> Result<Self> {
        let request = CardRequest::new(Generation::P384, birth_date, clock::now() - 30 * DAY);
        let card = TestCard::new(FakeCard::issue(target.pki(), &request, "1234")?);
        Ok(Self { resident_key: format!("c-{}", names::fresh()), birth_date, card })
    }

    /// How the issuer registers the person.
    pub fn row(&self) -> ResidentRow {
        ResidentRow {
            row_id: "r-1".to_owned(),
            resident_key: self.resident_key.clone(),
            birth_date: self.birth_date.to_string(),
            sex: Sex::Female.into(),
            ..Default::default()
        }
    }

    /// マル乳 from 200 days ago for two years.
    pub fn right(&self) -> EntitlementRow {
        child_right(&self.resident_key)
    }
}

impl Town {
    /// 八王子市.
    pub async fn hachioji(target: &Target) -> Result<Self> {
        Self::of(target, organization::HACHIOJI).await
    }

    /// Any issuer of the sandbox.
    pub async fn of(target: &Target, organization: &str) -> Result<Self> {
        Ok(Self { issuer: target.issuer(organization).await?, counter: target.counter(organization).await? })
    }

    /// For calls beyond those below.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The municipal counter.
    pub fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Registers a person.
    pub async fn register(&self, person: &Newcomer) -> Result<()> {
        let results = self.put_residents(vec![person.row()]).await?;
        taken(&results)
    }

    /// Grants a right.
    pub async fn grant(&self, row: EntitlementRow) -> Result<()> {
        taken(&self.put_entitlements(vec![row]).await?)
    }

    /// The person presents the card at the municipal counter: this card is that resident.
    pub async fn link(&self, person: &mut Newcomer) -> Result<Proven<LinkCredentialResponse>, Error> {
        let presence = self.counter.present_as(&mut person.card, &for_linking()).await?;
        let request = LinkCredentialRequest {
            idempotency_key: names::uuid(),
            resident_key: person.resident_key.clone(),
            ..Default::default()
        };
        // The link may make the card's person an alias: the entry is about the survivor, so not about this token's.
        self.counter.gateway().call(&request, Some(presence.bearer())).await
    }

    /// A new resident with a right, whose card is linked.
    pub async fn settle(&self, target: &Target) -> Result<Newcomer> {
        let mut person = Newcomer::new(target)?;
        self.register(&person).await?;
        self.grant(person.right()).await?;
        self.link(&mut person).await?;
        Ok(person)
    }

    /// Guardian and child.
    pub async fn relate(
        &self,
        guardian: &Newcomer,
        child: &Newcomer,
    ) -> Result<Proven<PutRelationResponse>, Error> {
        self.put_relation(guardian, child, false).await
    }

    /// Ends it.
    pub async fn unrelate(
        &self,
        guardian: &Newcomer,
        child: &Newcomer,
    ) -> Result<Proven<PutRelationResponse>, Error> {
        self.put_relation(guardian, child, true).await
    }

    async fn put_relation(
        &self,
        guardian: &Newcomer,
        child: &Newcomer,
        ended: bool,
    ) -> Result<Proven<PutRelationResponse>, Error> {
        let request = PutRelationRequest {
            idempotency_key: names::uuid(),
            guardian_resident_key: guardian.resident_key.clone(),
            child_resident_key: child.resident_key.clone(),
            ended,
            ..Default::default()
        };
        self.issuer.gateway().call(&request, None).await
    }

    /// Protects a resident from everybody who acts for them.
    pub async fn protect(&self, resident: &Newcomer) -> Result<Proven<PutRestrictionResponse>, Error> {
        let request = PutRestrictionRequest {
            idempotency_key: names::uuid(),
            resident_key: resident.resident_key.clone(),
            kind: RestrictionKind::Protective.into(),
            lifted: false,
        };
        self.issuer.gateway().call(&request, None).await
    }

    /// Sends residents under a new batch id and returns the results.
    pub async fn put_residents(&self, rows: Vec<ResidentRow>) -> Result<Vec<RowResult>, Error> {
        let mut results = Vec::new();
        self.issuer.put(&batch(), rows, |chunk| results.extend_from_slice(chunk.rows)).await?;
        Ok(results)
    }

    /// Sends rights under a new batch id and returns the results.
    pub async fn put_entitlements(&self, rows: Vec<EntitlementRow>) -> Result<Vec<RowResult>, Error> {
        let mut results = Vec::new();
        self.issuer.put(&batch(), rows, |chunk| results.extend_from_slice(chunk.rows)).await?;
        Ok(results)
    }
}

/// A header with a new batch id.
pub fn batch() -> BulkHeader {
    BulkHeader { batch_id: names::uuid(), dry_run: false }
}

/// What a card is presented for at a municipal counter.
pub fn for_linking() -> Presentation {
    Presentation {
        purposes: vec![Purpose::Hpaymt],
        scopes: vec!["link:write".to_owned()],
        consent_text: "このカードを住民登録と結び付けますか。".to_owned(),
        offered: Vec::new(),
        granted: Vec::new(),
        verification: UserVerification::Pin,
        act_for: None,
    }
}

/// マル乳 of 八王子市 (88), applied in Tokyo, with the payer number that the city publishes.
pub fn child_right(resident_key: &str) -> EntitlementRow {
    EntitlementRow {
        row_id: "e-1".to_owned(),
        resident_key: resident_key.to_owned(),
        certificate_type_id: "88MARUNYU".to_owned(),
        certification_name: "乳幼児医療証（マル乳）".to_owned(),
        law_no: "88".to_owned(),
        payer_number: "88138243".to_owned(),
        recipient_number: "0000018".to_owned(),
        valid_from: clock::day(-200).to_string(),
        valid_to: clock::day(530).to_string(),
        copayments: vec![CopaymentRule { unit: CopaymentUnit::RatePercent.into(), ..Default::default() }],
        area: Area::Prefecture.into(),
        history_key: "1".to_owned(),
        ..Default::default()
    }
}

fn taken(results: &[RowResult]) -> Result<()> {
    for result in results {
        let kept =
            matches!(result.outcome(), RowOutcome::Created | RowOutcome::Updated | RowOutcome::Unchanged);
        ensure!(kept, "row {}: {:?} {:?}", result.row_id, result.outcome(), result.problems);
    }
    Ok(())
}
