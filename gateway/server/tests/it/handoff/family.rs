//! What facilities and officers do about a birth.

use pmh::sandbox::uuid;
use pmh_client::{Error, Issuer, Presentation, Proven, Terminal};
use pmh_proto::checkup::{
    BatchState, CheckupKind, CheckupRecord, CheckupRow, ConfirmBatchRequest, Disposition,
    ListFollowUpsRequest,
};
use pmh_proto::common::{BulkHeader, Sex};
use pmh_proto::handoff::{
    AcceptHandoffRequest, Birth, BirthAttendantKind, BirthPlaceKind, HandoffCategory, HandoffConsent,
    HandoffConsentOrigin, HandoffDuty, HandoffDutyAnswer, HandoffState, ListBirthsRequest, MergeChildRequest,
    MergeChildResponse, Newborn, NotifyBirthRequest, NotifyBirthResponse, NotifyLossRequest,
    NotifyLossResponse, ReadHandoffRecordsRequest, ReadHandoffRecordsResponse,
    handoff_service_client::HandoffServiceClient,
};
use pmh_proto::resident::{PutRestrictionRequest, ResidentRow, RestrictionKind};

use super::people::{Mother, arrived, confirm};
use super::rig::{AT_HOME, AT_STAY, Pair, Town, now, today, until};

pub(super) const FACILITY: &str = "tokyo-clinic-1";
pub(super) const SHARED: [HandoffCategory; 4] = [
    HandoffCategory::Delivery,
    HandoffCategory::ChildCheckups,
    HandoffCategory::ChildVaccinations,
    HandoffCategory::MotherVaccinations,
];
pub(super) const DUTIES: [HandoffDuty; 3] =
    [HandoffDuty::NewbornVisit, HandoffDuty::PostpartumCheckup, HandoffDuty::Vaccination];

/// A mother at her stay, who shares what is asked for here.
pub(super) async fn at_her_stay(pair: &Pair, categories: &[HandoffCategory]) -> (Mother, String) {
    let mut mother = Mother::living_at_home(pair).await;
    let consent = HandoffConsent {
        categories: categories.iter().map(|category| i32::from(*category)).collect(),
        origin: HandoffConsentOrigin::Card.into(),
        ..Default::default()
    };
    let mut offer = mother.offer();
    offer.consents = vec![consent];
    offer.duties = DUTIES.map(i32::from).to_vec();
    let offered = pair.home.gateway(AT_HOME).await.call(&offer, None).await.unwrap().response;
    let id = offered.statement.unwrap().handoff_id;
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Offered).await;
    let window = window(&pair.stay, AT_STAY).await;
    let presence = window.present(&mut mother, &Presentation::for_handoff("handoff"), now()).await.unwrap();
    let accepted = |duty: HandoffDuty| HandoffDutyAnswer { duty: duty.into(), declined: 0 };
    let accept = AcceptHandoffRequest {
        idempotency_key: uuid(),
        handoff_id: id.clone(),
        code: mother.code.to_vec(),
        answers: DUTIES.map(accepted).to_vec(),
    };
    window.gateway().call(&accept, Some(presence.bearer())).await.unwrap();
    arrived(&pair.home, AT_HOME, &id, HandoffState::Accepted).await;
    confirm(pair, &id).await.unwrap();
    arrived(&pair.stay, AT_STAY, &id, HandoffState::Active).await;
    (mother, id)
}

/// One of so many newborns, in characters that must survive.
pub(super) fn newborn(order: u32, plurality: u32) -> Newborn {
    Newborn {
        name: if order == 1 { "葛\u{E0101}城 髙子".to_owned() } else { String::new() },
        sex: Sex::Female.into(),
        born_at: format!("{}T00:{order:02}", today()),
        place_kind: BirthPlaceKind::Hospital.into(),
        facility_name: "架空産婦人科病院".to_owned(),
        place_address: "東京都町田市架空町1-1".to_owned(),
        weight_g: 2_400 + order,
        length_mm: 470,
        plurality,
        birth_order: order,
        mother_name: "架空 花子".to_owned(),
        gestation: "37w2d".to_owned(),
        live_born: order,
        stillborn: 0,
        issued_on: today().to_string(),
        attendant_kind: BirthAttendantKind::Midwife.into(),
        attendant_name: "架空 助子".to_owned(),
        attendant_address: "東京都町田市架空町1-2".to_owned(),
    }
}

/// She presents her card at a facility of a town, which tells of the birth.
pub(super) async fn notified(
    town: &Town,
    mother: &mut Mother,
    newborns: Vec<Newborn>,
) -> Result<Proven<NotifyBirthResponse>, Error> {
    let window = window(town, FACILITY).await;
    let presence = window.present(mother, &Presentation::for_birth("birth"), now()).await?;
    let request = NotifyBirthRequest { idempotency_key: uuid(), newborns, mother: None };
    let first = window.gateway().call(&request, Some(presence.bearer())).await?;
    let again = window.gateway().call(&request, Some(presence.bearer())).await?;
    assert_eq!(again.response.birth_id, first.response.birth_id, "the same request gives the first answer");
    Ok(first)
}

pub(super) async fn lost(
    town: &Town,
    mother: &mut Mother,
    birth_id: &str,
    child: u32,
) -> Result<Proven<NotifyLossResponse>, Error> {
    let window = window(town, FACILITY).await;
    let presence = window.present(mother, &Presentation::for_birth("loss"), now()).await?;
    let request = NotifyLossRequest {
        idempotency_key: uuid(),
        birth_id: birth_id.to_owned(),
        child,
        ..Default::default()
    };
    window.gateway().call(&request, Some(presence.bearer())).await
}

/// What home's list says of a mother's birth, once it is as expected.
pub(super) async fn told_at_home(pair: &Pair, mother: &Mother, is_so: impl Fn(&Birth) -> bool) -> Birth {
    until("the birth at home", async || {
        let gateway = pair.home.gateway(AT_HOME).await;
        let mut after = 0;
        loop {
            let page = gateway.call(&ListBirthsRequest { after }, None).await.unwrap().response;
            let mut births = page.births.into_iter();
            if let Some(birth) = births.find(|birth| birth.mother_resident_key == mother.resident_key) {
                return Some(birth).filter(&is_so);
            }
            if !page.has_more {
                return None;
            }
            after = page.next;
        }
    })
    .await
}

/// The child's municipality registers it.
pub(super) async fn registered(pair: &Pair) -> String {
    let key = format!("c-{}", uuid());
    let row = ResidentRow {
        row_id: "r-1".to_owned(),
        resident_key: key.clone(),
        birth_date: today().to_string(),
        sex: Sex::Female.into(),
        ..Default::default()
    };
    assert_eq!(issuer(pair).await.put(&header(), vec![row], |_| {}).await.unwrap().created, 1);
    key
}

pub(super) async fn merge(
    pair: &Pair,
    (terminal, officer): (&str, &str),
    birth_id: &str,
    child: u32,
    resident_key: &str,
) -> Result<Proven<MergeChildResponse>, Error> {
    let request = MergeChildRequest {
        idempotency_key: uuid(),
        birth_id: birth_id.to_owned(),
        child,
        resident_key: resident_key.to_owned(),
    };
    pair.home.gateway(terminal).await.with_operator(officer).unwrap().call(&request, None).await
}

/// Both officers say the same.
pub(super) async fn merged(pair: &Pair, birth_id: &str, child: u32, resident_key: &str) {
    merge(pair, (AT_HOME, "op-1"), birth_id, child, resident_key).await.unwrap();
    merge(pair, ("hachioji-2", "op-2"), birth_id, child, resident_key).await.unwrap();
}

/// A child's checkup that asks for another look.
pub(super) async fn examined(pair: &Pair, child: &str) -> String {
    let record_id = uuid();
    let record = CheckupRecord {
        record_id: record_id.clone(),
        source_version: "1".to_owned(),
        resident_key: child.to_owned(),
        kind: CheckupKind::Hearing.into(),
        date: today().to_string(),
        disposition: Disposition::Observation.into(),
        ..Default::default()
    };
    let (issuer, header) = (issuer(pair).await, header());
    let rows = vec![CheckupRow { row_id: uuid(), record: Some(record), holder: None }];
    let summary = issuer.put(&header, rows, |_| {}).await.unwrap();
    assert_eq!(summary.rows.unwrap().created, 1);
    if summary.state() == BatchState::Held {
        let confirm = ConfirmBatchRequest { idempotency_key: uuid(), batch_id: header.batch_id };
        issuer.gateway().call(&confirm, None).await.unwrap();
    }
    record_id
}

/// Whether home is reminded of a record.
pub(super) async fn is_followed_up(pair: &Pair, record_id: &str) -> bool {
    let gateway = pair.home.gateway(AT_HOME).await;
    let mut request = ListFollowUpsRequest::default();
    loop {
        let page = gateway.call(&request, None).await.unwrap().response;
        if page.follow_ups.iter().any(|open| open.record_id == record_id) {
            return true;
        }
        if page.next_page_token.is_empty() {
            return false;
        }
        request.page_token = page.next_page_token;
    }
}

pub(super) async fn restricted(pair: &Pair, resident_key: &str) {
    let restrict = PutRestrictionRequest {
        idempotency_key: uuid(),
        resident_key: resident_key.to_owned(),
        kind: RestrictionKind::Protective.into(),
        lifted: false,
    };
    pair.home.gateway(AT_HOME).await.call(&restrict, None).await.unwrap();
}

/// What the guest reads, message by message, or why nothing.
pub(super) async fn read(
    pair: &Pair,
    id: &str,
    categories: &[HandoffCategory],
) -> Result<Vec<ReadHandoffRecordsResponse>, tonic::Status> {
    let gateway = pair.stay.gateway(AT_STAY).await;
    let request = ReadHandoffRecordsRequest {
        handoff_id: id.to_owned(),
        categories: categories.iter().map(|category| i32::from(*category)).collect(),
        ..Default::default()
    };
    let mut client = HandoffServiceClient::new(gateway.channel().clone());
    let mut stream = client.read_handoff_records(request).await?.into_inner();
    let mut told = Vec::new();
    while let Some(message) = stream.message().await? {
        told.push(message);
    }
    Ok(told)
}

/// Category and child of each message.
pub(super) fn shape(told: &[ReadHandoffRecordsResponse]) -> Vec<(HandoffCategory, u32)> {
    let records = told.iter().filter_map(|message| message.records.as_ref());
    records.map(|records| (records.category(), records.child)).collect()
}

pub(super) async fn window(town: &Town, terminal: &str) -> Terminal {
    let gateway = town.gateway(terminal).await;
    Terminal::new(gateway.channel().clone(), gateway.identity().clone(), town.keys())
}

async fn issuer(pair: &Pair) -> Issuer {
    let gateway = pair.home.gateway(AT_HOME).await;
    Issuer::new(gateway.channel().clone(), gateway.identity().clone(), pair.home.keys())
}

fn header() -> BulkHeader {
    BulkHeader { batch_id: uuid(), dry_run: false }
}
