//! A mother of each test's own, and what officers do about her.

use jiff::ToSpan as _;
use pmh::sandbox::uuid;
use pmh_client::{Card, CardError, Error, Gateway, Issuer, Presentation, Proven, Signed, Terminal};
use pmh_proto::checkup::{
    BatchState, CheckupKind, CheckupRecord, CheckupRow, ConfirmBatchRequest, GestationBasis, Instrument,
    InstrumentScores, ItemEntry,
};
use pmh_proto::common::{BulkHeader, Sex};
use pmh_proto::handoff::{
    AcceptHandoffRequest, AcceptHandoffResponse, ConfirmHandoffRequest, ConfirmHandoffResponse,
    HandoffCategory, HandoffConsent, HandoffConsentOrigin, HandoffDuty, HandoffDutyAnswer, HandoffState,
    HandoffSummary, ListHandoffsRequest, OfferHandoffRequest, OfferHandoffResponse, WithdrawHandoffRequest,
    WithdrawHandoffResponse,
};
use pmh_proto::resident::ResidentRow;
use pmh_testkit::card::{FakeCard, terminal};
use pmh_testkit::pki::{CardRequest, DAY, Generation};

use super::rig::{AT_HOME, AT_STAY, Pair, STAY, Town, now, today, until};

/// She lives at home and has her card with her at the stay side.
pub(super) struct Mother {
    pub(super) resident_key: String,
    pub(super) code: [u8; 16],
    card: FakeCard,
}

/// An offer as it was made.
pub(super) struct Offered {
    pub(super) id: String,
    pub(super) response: OfferHandoffResponse,
}

impl Mother {
    pub(super) async fn living_at_home(pair: &Pair) -> Self {
        let birth_date = today() - 30.years();
        let request = CardRequest::new(Generation::P384, birth_date, now() - 30 * DAY);
        let mother = Self {
            resident_key: format!("m-{}", uuid()),
            code: *uuid::Uuid::parse_str(&uuid()).unwrap().as_bytes(),
            card: FakeCard::issue(&pair.stay.pki, &request, "1234").unwrap(),
        };
        let row = ResidentRow {
            row_id: "r-1".to_owned(),
            resident_key: mother.resident_key.clone(),
            birth_date: birth_date.to_string(),
            sex: Sex::Female.into(),
            ..Default::default()
        };
        let pusher = pusher(&pair.home).await;
        assert_eq!(pusher.put(&header(), vec![row], |_| {}).await.unwrap().created, 1);
        mother
    }

    /// One 妊婦健診 and one 産婦健診 with an EPDS.
    pub(super) async fn examined(&self, pair: &Pair) {
        let weight = ItemEntry {
            code: "mother_weight".to_owned(),
            value: "58.2".to_owned(),
            unit: "kg".to_owned(),
            ..Default::default()
        };
        let record = |kind: CheckupKind, items: Vec<ItemEntry>, scores: Vec<InstrumentScores>| CheckupRow {
            row_id: uuid(),
            record: Some(CheckupRecord {
                record_id: format!("{}-{}", self.resident_key, kind.as_str_name()),
                source_version: "1".to_owned(),
                resident_key: self.resident_key.clone(),
                kind: kind.into(),
                pregnancy: "p-1".to_owned(),
                date: (today() - 10.days()).to_string(),
                items,
                scores,
                ..Default::default()
            }),
            holder: None,
        };
        let epds =
            InstrumentScores { instrument: Instrument::Epds.into(), items: vec![0; 10], total: Some(0) };
        let mut visit = record(CheckupKind::Pregnancy, vec![weight], Vec::new());
        if let Some(record) = &mut visit.record {
            record.gestation = "28w0d".to_owned();
            record.gestation_basis = GestationBasis::Ultrasound.into();
        }
        let rows = vec![visit, record(CheckupKind::Postpartum, Vec::new(), vec![epds])];
        let (pusher, header) = (pusher(&pair.home).await, header());
        let summary = pusher.put(&header, rows, |_| {}).await.unwrap();
        assert_eq!(summary.rows.unwrap().created, 2);
        if summary.state() == BatchState::Held {
            let confirm = ConfirmBatchRequest { idempotency_key: uuid(), batch_id: header.batch_id };
            pusher.gateway().call(&confirm, None).await.unwrap();
        }
    }

    pub(super) async fn offered(&self, pair: &Pair) -> Offered {
        let response = pair.home.gateway(AT_HOME).await.call(&self.offer(), None).await.unwrap().response;
        Offered { id: response.statement.as_ref().unwrap().handoff_id.clone(), response }
    }

    pub(super) fn offer(&self) -> OfferHandoffRequest {
        let categories = [HandoffCategory::PregnancyCheckups, HandoffCategory::MotherMind];
        let consent = HandoffConsent {
            categories: categories.map(i32::from).to_vec(),
            origin: HandoffConsentOrigin::Card.into(),
            ..Default::default()
        };
        OfferHandoffRequest {
            idempotency_key: uuid(),
            resident_key: self.resident_key.clone(),
            stay: STAY.to_owned(),
            first_day: today().to_string(),
            last_day: (today() + 60.days()).to_string(),
            duties: vec![HandoffDuty::PostpartumCare.into(), HandoffDuty::Consultation.into()],
            consents: vec![consent],
            code: self.code.to_vec(),
            ..Default::default()
        }
    }

    /// She presents her card at the stay side's window, with a code.
    pub(super) async fn accepted(
        &mut self,
        pair: &Pair,
        id: &str,
        code: [u8; 16],
    ) -> Result<Proven<AcceptHandoffResponse>, Error> {
        let gateway = pair.stay.gateway(AT_STAY).await;
        self.accepted_by(&gateway, pair, id, code).await
    }

    /// The same at a gateway that may be gone in the middle.
    pub(super) async fn accepted_by(
        &mut self,
        gateway: &Gateway,
        pair: &Pair,
        id: &str,
        code: [u8; 16],
    ) -> Result<Proven<AcceptHandoffResponse>, Error> {
        let window = Terminal::new(gateway.channel().clone(), gateway.identity().clone(), pair.stay.keys());
        let presentation = Presentation::for_handoff("handoff");
        let presence = window.present(self, &presentation, now()).await?;
        let accepted = |duty: HandoffDuty| HandoffDutyAnswer { duty: duty.into(), declined: 0 };
        let request = AcceptHandoffRequest {
            idempotency_key: uuid(),
            handoff_id: id.to_owned(),
            code: code.to_vec(),
            answers: vec![accepted(HandoffDuty::PostpartumCare), accepted(HandoffDuty::Consultation)],
        };
        window.gateway().call(&request, Some(presence.bearer())).await
    }

    /// Offered, accepted and confirmed over the open wire.
    pub(super) async fn handed_over(&mut self, pair: &Pair) -> String {
        let id = self.offered(pair).await.id;
        arrived(&pair.stay, AT_STAY, &id, HandoffState::Offered).await;
        let code = self.code;
        self.accepted(pair, &id, code).await.unwrap();
        arrived(&pair.home, AT_HOME, &id, HandoffState::Accepted).await;
        confirm(pair, &id).await.unwrap();
        arrived(&pair.stay, AT_STAY, &id, HandoffState::Active).await;
        id
    }
}

impl Card for Mother {
    fn sign(&mut self, to_be_signed: &[u8]) -> Result<Signed, CardError> {
        let presented = terminal::present(&mut self.card, to_be_signed, "1234")
            .map_err(|error| CardError::Unreadable(Box::new(error)))?;
        Ok(Signed { certificate_der: presented.certificate_der, signature: presented.signature })
    }
}

pub(super) async fn confirm(pair: &Pair, id: &str) -> Result<Proven<ConfirmHandoffResponse>, Error> {
    let request = ConfirmHandoffRequest { idempotency_key: uuid(), handoff_id: id.to_owned() };
    pair.home.gateway(AT_HOME).await.call(&request, None).await
}

pub(super) async fn withdraw(
    town: &Town,
    terminal: &str,
    id: &str,
    categories: &[HandoffCategory],
) -> Result<Proven<WithdrawHandoffResponse>, Error> {
    let request = WithdrawHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.to_owned(),
        categories: categories.iter().map(|category| i32::from(*category)).collect(),
    };
    town.gateway(terminal).await.call(&request, None).await
}

/// What a side's list says of a handoff.
pub(super) async fn listed(town: &Town, terminal: &str, id: &str) -> Option<HandoffSummary> {
    let answer = town.gateway(terminal).await.call(&ListHandoffsRequest {}, None).await.unwrap().response;
    answer.handoffs.into_iter().find(|known| known.handoff_id == id)
}

/// Waits until a side knows a handoff in a state.
pub(super) async fn arrived(town: &Town, terminal: &str, id: &str, state: HandoffState) -> HandoffSummary {
    until(state.as_str_name(), async || {
        listed(town, terminal, id).await.filter(|known| known.state() == state)
    })
    .await
}

async fn pusher(town: &Town) -> Issuer {
    let gateway = town.gateway(AT_HOME).await;
    Issuer::new(gateway.channel().clone(), gateway.identity().clone(), town.keys())
}

fn header() -> BulkHeader {
    BulkHeader { batch_id: uuid(), dry_run: false }
}
