//! Checkups by the institution that examined: the town has them at once, and the institution learns what became of them.

use pmh_client::{Error, Gateway, Presence, Presentation};
use pmh_proto::checkup::{
    AcknowledgeUrgentCaseRequest, CheckupKind, CheckupRecord, CloseFollowUpRequest, Delivery, DeliveryState,
    Disposition, FollowUp, FollowUpClosing, GetCheckupRequest, Instrument, InstrumentScores, ItemEntry,
    ListCheckupsRequest, ListFollowUpsRequest, ListUrgentCasesRequest, ReadCheckup, RecordCheckupRequest,
    RecordCheckupResponse,
};
use pmh_proto::common::{Purpose, Reason, RowOutcome};
use pmh_proto::resident::{PutRelationRequest, PutRestrictionRequest, RestrictionKind};

use super::rig::{CLINIC, HACHIOJI, Person, now, reason, today, uuid, world};

const CLINIC_URN: &str = "urn:x-pmh:org:clinic:1310310243";

/// A person of 八王子市 who stands at the clinic with the own card.
struct Scene {
    town: Gateway,
    clinic: Gateway,
    person: Person,
    presence: Presence,
}

impl Scene {
    async fn of(years: i16) -> Self {
        let town = world().gateway(HACHIOJI).await;
        let person = Person::aged(years).registered(&town).await.linked(HACHIOJI).await;
        Self::at_the_clinic(town, person).await
    }

    async fn at_the_clinic(town: Gateway, mut person: Person) -> Self {
        let counter = world().terminal(CLINIC).await;
        let examined = Presentation::for_examination("checkup");
        let presence = counter.present(&mut person, &examined, now()).await.unwrap();
        Self { town, clinic: counter.gateway().clone(), person, presence }
    }

    async fn record(&self, record: &CheckupRecord) -> Result<RecordCheckupResponse, Error> {
        let request = request(record, Purpose::Treat);
        Ok(self.clinic.call(&request, Some(self.presence.bearer())).await?.response)
    }

    async fn without_card(&self, record: &CheckupRecord) -> Result<RecordCheckupResponse, Error> {
        Ok(self.clinic.call(&request(record, Purpose::Treat), None).await?.response)
    }

    /// What the town reads of the person.
    async fn at_home(&self) -> Vec<ReadCheckup> {
        let request =
            ListCheckupsRequest { resident_key: self.person.resident_key.clone(), ..Default::default() };
        self.town.call(&request, None).await.unwrap().response.checkups
    }

    /// What the clinic is told afterwards, without a card.
    async fn asked_again(&self, record: &CheckupRecord) -> ReadCheckup {
        let request = of_own(&record.record_id);
        self.clinic.call(&request, None).await.unwrap().response.checkup.unwrap()
    }

    async fn state(&self, record: &CheckupRecord) -> DeliveryState {
        self.asked_again(record).await.delivery.unwrap().state()
    }

    async fn follow_ups(&self) -> Vec<FollowUp> {
        let (mut request, mut open) = (ListFollowUpsRequest::default(), Vec::new());
        loop {
            let page = self.town.call(&request, None).await.unwrap().response;
            open.extend(page.follow_ups);
            if page.next_page_token.is_empty() {
                open.retain(|open| open.resident_key == self.person.resident_key);
                return open;
            }
            request.page_token = page.next_page_token;
        }
    }
}

fn request(record: &CheckupRecord, purpose: Purpose) -> RecordCheckupRequest {
    RecordCheckupRequest {
        idempotency_key: uuid(),
        record: Some(record.clone()),
        purpose: purpose.into(),
        ..Default::default()
    }
}

fn of_own(record_id: &str) -> GetCheckupRequest {
    let purpose = Purpose::Treat.into();
    GetCheckupRequest { record_id: record_id.to_owned(), purpose, ..Default::default() }
}

fn weighed(kilograms: &str) -> CheckupRecord {
    let weight = ItemEntry {
        code: "weight".to_owned(),
        value: kilograms.to_owned(),
        unit: "kg".to_owned(),
        ..Default::default()
    };
    CheckupRecord { items: vec![weight], ..record(CheckupKind::Year3) }
}

fn postpartum(item_10: i32) -> CheckupRecord {
    let mut items = vec![0; 9];
    items.push(item_10);
    let total = Some(u32::try_from(item_10).unwrap());
    let scores = vec![InstrumentScores { instrument: Instrument::Epds.into(), items, total }];
    CheckupRecord { pregnancy: "p-1".to_owned(), scores, ..record(CheckupKind::Postpartum) }
}

fn record(kind: CheckupKind) -> CheckupRecord {
    CheckupRecord {
        record_id: format!("r-{}", uuid()),
        source_version: "1".to_owned(),
        kind: kind.into(),
        date: today().to_string(),
        ..Default::default()
    }
}

fn wrong_fields<T>(outcome: Result<T, Error>) -> Vec<(String, Reason)> {
    let Err(error) = outcome else { panic!("the call went through") };
    error.refused().unwrap().fields.iter().map(|field| (field.path.clone(), field.reason)).collect()
}

fn stands(delivery: Option<&Delivery>) -> (DeliveryState, bool) {
    let delivery = delivery.unwrap();
    let text = delivery.text.as_ref().unwrap();
    assert!(!text.ja.is_empty() && !text.en.is_empty());
    assert_eq!(delivery.read_at.is_some(), delivery.state() == DeliveryState::Read);
    assert_eq!(delivery.delivered_at.is_none(), delivery.state() == DeliveryState::NotDelivered);
    (delivery.state(), delivery.urgent)
}

#[tokio::test]
async fn r_chk_what_a_clinic_records_is_the_towns_to_read_and_the_clinic_learns_that_it_was() {
    let scene = Scene::of(3).await;
    let visit = weighed("13.1");
    let kept = scene.record(&visit).await.unwrap();
    assert_eq!(kept.outcome(), RowOutcome::Created, "{:?}", kept.warnings);
    assert_eq!(stands(kept.delivery.as_ref()), (DeliveryState::Unread, false));
    assert_eq!(scene.state(&visit).await, DeliveryState::Unread, "asking is not reading");

    let read = scene.at_home().await.remove(0);
    assert_eq!((&*read.sender, &*read.checkup_id), (CLINIC_URN, &*kept.checkup_id));
    let record = read.record.unwrap();
    assert!(
        record.record_id.is_empty() && record.resident_key.is_empty(),
        "the clinic's keys are the clinic's"
    );
    assert_eq!((&*record.institution, &*record.items[0].value), ("1310310243", "13.1"));
    assert!(read.delivery.is_none() && read.growth[0].absent == 0);

    let after = scene.asked_again(&visit).await;
    assert_eq!(stands(after.delivery.as_ref()), (DeliveryState::Read, false));
    let record = after.record.unwrap();
    assert_eq!((&record.record_id, record.kind()), (&visit.record_id, CheckupKind::Year3));
    assert!(record.items.is_empty() && after.growth.is_empty(), "without a card nothing of what it says");
    let with_card = ListCheckupsRequest { purpose: Purpose::Treat.into(), ..Default::default() };
    let token = Some(scene.presence.bearer());
    let listed = scene.clinic.call(&with_card, token).await.unwrap().response.checkups.remove(0);
    assert_eq!(listed.record.unwrap().items[0].value, "13.1");
    assert_eq!(stands(listed.delivery.as_ref()), (DeliveryState::Read, false));
}

#[tokio::test]
async fn r_chk_an_amendment_needs_no_card_keeps_its_lineage_and_is_unread_again() {
    let scene = Scene::of(3).await;
    let first = weighed("13.1");
    let key = request(&first, Purpose::Treat);
    let token = Some(scene.presence.bearer());
    let same = async || scene.clinic.call(&key, token).await.unwrap().response;
    let kept = RecordCheckupResponse { receipt: None, ..same().await };
    assert_eq!(
        RecordCheckupResponse { receipt: None, ..same().await },
        kept,
        "the same key, the same answer"
    );
    assert_eq!(scene.record(&first).await.unwrap().outcome(), RowOutcome::Unchanged);
    let other = CheckupRecord { record_id: first.record_id.clone(), ..weighed("13.4") };
    assert_eq!(reason(scene.record(&other).await), Reason::VersionConflict);
    scene.at_home().await;
    assert_eq!(scene.state(&first).await, DeliveryState::Read);

    let second = CheckupRecord { source_version: "2".to_owned(), ..other };
    let amended = scene.without_card(&second).await.unwrap();
    assert_eq!((amended.outcome(), &amended.checkup_id), (RowOutcome::Updated, &kept.checkup_id));
    assert_eq!(stands(amended.delivery.as_ref()), (DeliveryState::Unread, false));
    let older = scene.without_card(&first).await.unwrap();
    assert_eq!(older.outcome(), RowOutcome::Unchanged, "the older version is held, and no news");
    let read = scene.at_home().await.remove(0);
    assert!(read.amended && read.record.unwrap().items[0].value == "13.4");
    assert_eq!(scene.state(&first).await, DeliveryState::Read);

    let gone = CheckupRecord { source_version: "3".to_owned(), withdrawn: true, ..second };
    scene.without_card(&gone).await.unwrap();
    let read = scene.at_home().await.remove(0).record.unwrap();
    assert!(read.withdrawn && read.items.is_empty());
}

#[tokio::test]
async fn r_chk_a_high_epds_of_a_clinic_is_read_when_a_person_of_the_town_has_read_it() {
    let scene = Scene::of(30).await;
    let visit = postpartum(2);
    let kept = scene.record(&visit).await.unwrap();
    assert_eq!(stands(kept.delivery.as_ref()), (DeliveryState::Unread, true));
    let text = kept.delivery.unwrap().text.unwrap();
    assert!(text.ja.contains("開庁時間") && text.en.contains("office hours"), "{text:?}");
    scene.at_home().await;
    assert_eq!(scene.state(&visit).await, DeliveryState::Unread, "a program that fetched it is no person");

    let list = ListUrgentCasesRequest::default();
    let cases = scene.town.call(&list, None).await.unwrap().response.cases;
    let case = cases.iter().find(|case| case.record_id == visit.record_id).unwrap();
    assert_eq!((&*case.sender, &case.resident_key), (CLINIC_URN, &scene.person.resident_key));
    let nurse = scene.town.clone().with_operator("nurse-7").unwrap();
    let read = AcknowledgeUrgentCaseRequest { idempotency_key: uuid(), case_id: case.case_id.clone() };
    nurse.call(&read, None).await.unwrap();
    let after = scene.asked_again(&visit).await;
    assert_eq!(stands(after.delivery.as_ref()), (DeliveryState::Read, true));
    assert!(after.record.unwrap().scores.is_empty(), "without a card nothing of what it says");

    // The same visit with a lower score is another; an amendment that repeats the cause raises nothing anew.
    let ordinary = scene.record(&postpartum(0)).await.unwrap();
    assert_eq!(stands(ordinary.delivery.as_ref()), (DeliveryState::Unread, false));
    let again = CheckupRecord { source_version: "2".to_owned(), own_code: "A".to_owned(), ..visit };
    let again = scene.without_card(&again).await.unwrap();
    assert_eq!(stands(again.delivery.as_ref()), (DeliveryState::Read, true));
}

#[tokio::test]
async fn r_chk_what_a_clinic_found_is_followed_up_at_home() {
    let scene = Scene::of(3).await;
    let disposition = Disposition::DetailedExamination.into();
    let visit = CheckupRecord { disposition, ..weighed("9.9") };
    scene.record(&visit).await.unwrap();
    let [open] = scene.follow_ups().await.try_into().unwrap();
    assert_eq!((&*open.sender, &open.record_id), (CLINIC_URN, &visit.record_id));
    assert_eq!(open.disposition(), Disposition::DetailedExamination);
    let close = CloseFollowUpRequest {
        idempotency_key: uuid(),
        record_id: open.record_id,
        source_version: open.source_version,
        closing: FollowUpClosing::Examined.into(),
        date: today().to_string(),
        sender: open.sender,
    };
    let as_own = CloseFollowUpRequest { idempotency_key: uuid(), sender: String::new(), ..close.clone() };
    assert_eq!(reason(scene.town.call(&as_own, None).await), Reason::NotFound);
    let elsewhere = world().gateway("municipality:132098").await;
    let call = elsewhere.call(&close, None).await;
    assert_eq!(reason(call), Reason::NotFound, "it was not delivered there");
    scene.town.call(&close, None).await.unwrap();
    assert_eq!(scene.follow_ups().await, []);
}

#[tokio::test]
async fn r_chk_a_record_needs_its_own_person_present_and_the_rules() {
    let (scene, other) = (Scene::of(3).await, Scene::of(3).await);
    let visit = weighed("13.1");
    assert_eq!(reason(scene.without_card(&visit).await), Reason::TokenMissing);
    let call = scene.clinic.call(&of_own(&visit.record_id), None).await;
    assert_eq!(reason(call), Reason::NotFound);
    scene.record(&visit).await.unwrap();
    let second = CheckupRecord { source_version: "2".to_owned(), ..visit.clone() };
    assert_eq!(reason(other.record(&second).await), Reason::SubjectMismatch);
    let call = scene.town.call(&request(&visit, Purpose::Pubhlth), None).await;
    assert_eq!(reason(call), Reason::RoleNotAllowed);
    let read_only = Presentation::for_checkups("checkup", Purpose::Treat);
    let counter = world().terminal(CLINIC).await;
    let mut third = Person::aged(3).registered(&scene.town).await.linked(HACHIOJI).await;
    let presence = counter.present(&mut third, &read_only, now()).await.unwrap();
    let call =
        counter.gateway().call(&request(&weighed("13"), Purpose::Treat), Some(presence.bearer())).await;
    assert_eq!(reason(call), Reason::ScopeMissing);

    let bad = |change: fn(&mut CheckupRecord)| {
        let mut bad = weighed("13.1");
        change(&mut bad);
        bad
    };
    let cases: [(CheckupRecord, &str, Reason); 6] = [
        (bad(|bad| "17".clone_into(&mut bad.resident_key)), "record.resident_key", Reason::Value),
        (bad(|bad| "17".clone_into(&mut bad.mother_key)), "record.mother_key", Reason::Value),
        (bad(|bad| "1419811373".clone_into(&mut bad.institution)), "record.institution", Reason::Value),
        (
            bad(|bad| "900".clone_into(&mut bad.items[0].value)),
            "record.items[weight].value",
            Reason::Impossible,
        ),
        (
            bad(|bad| bad.date = today().tomorrow().unwrap().to_string()),
            "record.date",
            Reason::DateOutOfRange,
        ),
        (bad(|bad| bad.disposition = 99), "record.disposition", Reason::Value),
    ];
    for (bad, path, why) in cases {
        assert_eq!(wrong_fields(scene.record(&bad).await), [(path.to_owned(), why)]);
        let call = scene.clinic.call(&of_own(&bad.record_id), None).await;
        assert_eq!(reason(call), Reason::NotFound, "nothing of it is kept");
    }
}

#[tokio::test]
async fn r_chk_a_person_whom_no_municipality_knows_is_the_clinics_to_bring_there() {
    let town = world().gateway(HACHIOJI).await;
    let scene = Scene::at_the_clinic(town, Person::aged(30)).await;
    let ordinary = scene.record(&postpartum(0)).await.unwrap();
    assert_eq!(stands(ordinary.delivery.as_ref()), (DeliveryState::NotDelivered, false));
    let urgent = scene.record(&postpartum(1)).await.unwrap();
    assert_eq!(stands(urgent.delivery.as_ref()), (DeliveryState::NotDelivered, true));
    assert_ne!(ordinary.delivery.unwrap().text, urgent.delivery.unwrap().text);
}

#[tokio::test]
async fn p16_a_guardian_of_a_protected_child_is_told_what_an_unknown_child_would_be_and_the_town_the_truth() {
    let town = world().gateway(HACHIOJI).await;
    let mother = Person::aged(30).registered(&town).await.linked(HACHIOJI).await;
    let child = Person::new().registered(&town).await.linked(HACHIOJI).await;
    let relation = PutRelationRequest {
        idempotency_key: uuid(),
        guardian_resident_key: mother.resident_key.clone(),
        child_resident_key: child.resident_key.clone(),
        ..Default::default()
    };
    let restrict = PutRestrictionRequest {
        idempotency_key: uuid(),
        resident_key: child.resident_key.clone(),
        kind: RestrictionKind::Protective.into(),
        ..Default::default()
    };
    town.call(&restrict, None).await.unwrap();
    // The restriction ends what a guardian could do; another municipality's relation may still stand.
    town.call(&relation, None).await.unwrap();
    let mut scene = Scene::at_the_clinic(town, mother).await;
    let handle = scene.presence.dependants[0].child.clone();
    world().terminal(CLINIC).await.renew(&mut scene.presence, Some(&handle)).await.unwrap();

    // Forty days after the birth that only the register knows, so that a judgement by it would show.
    let early = today().checked_sub(jiff::Span::new().years(3)).unwrap().to_string();
    let visit = CheckupRecord { date: early, ..weighed("13.1") };
    let kept = scene.record(&visit).await.unwrap();
    assert_eq!(stands(kept.delivery.as_ref()), (DeliveryState::NotDelivered, false));
    assert_eq!(kept.warnings, []);
    let after = scene.asked_again(&visit).await;
    assert_eq!(stands(after.delivery.as_ref()), (DeliveryState::NotDelivered, false), "nor afterwards");
    let scene = Scene { person: child, ..scene };
    assert_eq!(scene.at_home().await.len(), 1);
    assert_eq!(scene.state(&visit).await, DeliveryState::NotDelivered);
}
