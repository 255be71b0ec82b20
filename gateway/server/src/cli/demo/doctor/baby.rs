//! The baby with its card, and what a clinic does with it.

use anyhow::{Result, ensure};
use jiff::{ToSpan as _, civil::Date};
use pmh_client::{Presence, Presentation, Proven, Terminal};
use pmh_proto::{
    common::{BulkHeader, DateRange, Purpose, Sex},
    resident::ResidentRow,
    vaccination::{
        Administration, AuthorizationKind, AuthorizationRow, DoctorOverride, DoseSource, EvaluateDoseRequest,
        Evaluation, Product, Programme, Questionnaire, RecordDoseRequest, RecordDoseResponse,
        ReserveDoseRequest, ReserveDoseResponse, Shot,
    },
};
use pmh_testkit::{
    card::FakeCard,
    directory::DirectoryItem,
    pki::{CardRequest, DAY, Generation},
    world::code,
};

use super::{super::house::House, Recorded, script::OFFICE};
use crate::{cli::card::HeldCard, sandbox, system};

/// An invented baby of a hundred days, registered in 八王子市.
pub(super) struct Baby {
    pub(super) card: HeldCard,
    pub(super) resident_key: String,
    pub(super) today: Date,
}

impl Baby {
    /// Registered, with a card that the directory links.
    pub(super) async fn born(house: &House) -> Result<Self> {
        let today = house.today();
        let birth_date = today.checked_sub(100.days())?;
        let row = ResidentRow {
            row_id: "1".to_owned(),
            resident_key: KEY.to_owned(),
            birth_date: birth_date.to_string(),
            sex: Sex::Female.into(),
            ..ResidentRow::default()
        };
        let summary = house.issuer(OFFICE).await?.put(&header(), vec![row], |_| {}).await?;
        ensure!(summary.created == 1, "the baby was not registered: {summary:?}");
        let pki = house.pki()?;
        let request = CardRequest::new(Generation::P384, birth_date, system::now_s() - DAY);
        let card = FakeCard::issue(&pki, &request, PIN)?;
        let credential = card.credential_digest(&pki.card_ca_key_id(Generation::P384)?)?;
        let item = DirectoryItem::Resident {
            credential,
            issuer: code::HACHIOJI.to_owned(),
            resident_key: KEY.to_owned(),
        };
        ensure!(house.tell_directory("demo-baby", &[item]).await? == 1, "the card was not linked");
        Ok(Self { card: HeldCard::new(card, PIN), resident_key: KEY.to_owned(), today })
    }

    /// A 依頼書 of home for every dose of a vaccine.
    pub(super) async fn give_letter(&self, house: &House, vaccine: &str) -> Result<()> {
        let row = AuthorizationRow {
            row_id: "1".to_owned(),
            resident_key: self.resident_key.clone(),
            authorization_key: "letter-1".to_owned(),
            kind: AuthorizationKind::Request.into(),
            vaccine: vaccine.to_owned(),
            valid: Some(DateRange {
                from: self.today.to_string(),
                to: self.today.checked_add(90.days())?.to_string(),
            }),
            ..AuthorizationRow::default()
        };
        let summary = house.issuer(OFFICE).await?.put(&header(), vec![row], |_| {}).await?;
        ensure!(summary.created == 1, "the letter was not taken: {summary:?}");
        Ok(())
    }
}

/// A clinic to which the card was shown.
pub(super) struct Desk {
    pub(super) place: String,
    terminal: Terminal,
    presence: Presence,
}

impl Desk {
    pub(super) async fn with_card(house: &House, terminal: &str, card: &mut HeldCard) -> Result<Self> {
        let place = house.place(terminal);
        let terminal = house.terminal(terminal).await?;
        let presentation = Presentation::for_vaccination(TEXT);
        let presence = Box::pin(terminal.present(card, &presentation, system::now_s())).await?;
        Ok(Self { place, terminal, presence })
    }

    pub(super) async fn evaluate(&self, shot: Shot) -> Result<Evaluation> {
        let request =
            EvaluateDoseRequest { shot: Some(shot), purpose: Purpose::Treat.into(), ..Default::default() };
        let answer = self.terminal.call(&self.presence, &request).await?;
        Ok(answer.response.evaluation.unwrap_or_default())
    }

    /// `reason`: a doctor goes past what a doctor may.
    pub(super) async fn reserve(
        &self,
        shot: Shot,
        reason: Option<&str>,
    ) -> Result<Proven<ReserveDoseResponse>> {
        let request = ReserveDoseRequest {
            idempotency_key: sandbox::uuid(),
            shot: Some(shot),
            doctor_override: reason.map(|reason| DoctorOverride { reason: reason.to_owned() }),
            purpose: Purpose::Treat.into(),
            ..Default::default()
        };
        Ok(self.terminal.call(&self.presence, &request).await?)
    }

    /// The reservation names the person; no token is needed any more.
    pub(super) async fn record(&self, request: &RecordDoseRequest) -> Result<Proven<RecordDoseResponse>> {
        Ok(self.terminal.gateway().call(request, None).await?)
    }

    /// From a paper 予診票.
    pub(super) async fn record_late(&self, shot: Shot) -> Result<Recorded> {
        let request = RecordDoseRequest { late: DoseSource::Paper.into(), ..record_request("", shot) };
        let answer = self.terminal.call(&self.presence, &request).await?;
        Ok((request, answer.response))
    }
}

/// A routine shot, asked and seen.
pub(super) fn shot(vaccine: &str, day: Date) -> Shot {
    Shot {
        vaccine: vaccine.to_owned(),
        date: day.to_string(),
        programme: Programme::Routine.into(),
        product: Some(Product { lot_number: "DEMO-0042".to_owned(), ..Product::default() }),
        questionnaire: Some(Questionnaire::default()),
        paper_seen: true,
        ..Shot::default()
    }
}

pub(super) fn record_request(reservation_id: &str, shot: Shot) -> RecordDoseRequest {
    RecordDoseRequest {
        idempotency_key: sandbox::uuid(),
        reservation_id: reservation_id.to_owned(),
        shot: Some(shot),
        administration: Some(Administration {
            quantity_ul: 250,
            doctor: "dr-7".to_owned(),
            ..Default::default()
        }),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    }
}

fn header() -> BulkHeader {
    BulkHeader { batch_id: sandbox::uuid(), dry_run: false }
}

const KEY: &str = "H-0900";
const PIN: &str = "1234";
const TEXT: &str = "予防接種の記録を確認し、今回の接種を登録します。よろしいですか。";
