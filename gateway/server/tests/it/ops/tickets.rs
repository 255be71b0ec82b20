//! Tickets over the wire: paid once, told nobody by whom, given back by whoever used it.

use pmh_client::{Gateway, Issuer, Presence, Presentation};
use pmh_proto::checkup::{
    CheckupKind, ExtraVisits, IssuedTicket, ListTicketsRequest, ReleaseTicketRequest, Ticket, TicketArea,
    TicketOutcome, TicketPart, TicketRow, TicketState, UseTicketRequest, UseTicketResponse,
    VoidTicketRequest, ticket_row::What,
};
use pmh_proto::common::{DateRange, Purpose, Reason, RowOutcome, RowResult};
use pmh_proto::resident::{PutRestrictionRequest, RestrictionKind};

use super::rig::{CLINIC, HACHIOJI, Person, header, now, reason, today, uuid, world};

const OTHER_CLINIC: &str = "clinic:1419811373";
const APP: &str = "app:test-app";

/// A mother whom 八王子市 knows, her card linked, and a ticket of hers.
struct Scene {
    town: Gateway,
    mother: Person,
    number: String,
}

impl Scene {
    async fn begin(area: TicketArea) -> Self {
        let town = world().gateway(HACHIOJI).await;
        let mother = Person::aged(30).registered(&town).await.linked(HACHIOJI).await;
        let number = format!("T-{}", uuid());
        let scene = Self { town, mother, number };
        let results = put(&scene.town, vec![row("1", scene.ticket(area))]).await;
        assert_eq!(results[0].outcome(), RowOutcome::Created, "{:?}", results[0].problems);
        scene
    }

    fn ticket(&self, area: TicketArea) -> What {
        What::Ticket(IssuedTicket {
            number: self.number.clone(),
            resident_key: self.mother.resident_key.clone(),
            kind: CheckupKind::Pregnancy.into(),
            part: TicketPart::Basic.into(),
            cap_yen: 5_000,
            valid: Some(DateRange { from: today().to_string(), to: today().to_string() }),
            area: area.into(),
            issued_on: today().to_string(),
            pregnancy: "1".to_owned(),
            children: 0,
        })
    }

    async fn presence(&mut self, organization: &str, purpose: Purpose) -> (Gateway, Presence) {
        let counter = world().terminal(organization).await;
        let mut presentation = Presentation::for_checkups("checkup", purpose);
        presentation.scopes.push("checkup:write".to_owned());
        let presence = counter.present(&mut self.mother, &presentation, now()).await.unwrap();
        (counter.gateway().clone(), presence)
    }

    fn visit(&self, record_id: &str, fee_yen: u32) -> UseTicketRequest {
        UseTicketRequest {
            idempotency_key: uuid(),
            purpose: Purpose::Treat.into(),
            issuer: format!("urn:x-pmh:org:{HACHIOJI}"),
            number: self.number.clone(),
            record_id: record_id.to_owned(),
            kind: CheckupKind::Pregnancy.into(),
            date: today().to_string(),
            fee_yen,
            ..Default::default()
        }
    }

    fn on_paper(&self, record_id: &str, fee_yen: u32) -> UseTicketRequest {
        let birth_date = self.mother.birth_date.to_string();
        UseTicketRequest { birth_date, ..self.visit(record_id, fee_yen) }
    }

    fn release(&self, record_id: &str) -> ReleaseTicketRequest {
        ReleaseTicketRequest {
            idempotency_key: uuid(),
            issuer: format!("urn:x-pmh:org:{HACHIOJI}"),
            number: self.number.clone(),
            record_id: record_id.to_owned(),
        }
    }

    fn void(&self) -> VoidTicketRequest {
        VoidTicketRequest { idempotency_key: uuid(), number: self.number.clone() }
    }

    async fn at_home(&self) -> Ticket {
        let resident_key = self.mother.resident_key.clone();
        let request = ListTicketsRequest { resident_key, ..Default::default() };
        self.town.call(&request, None).await.unwrap().response.tickets.remove(0)
    }
}

fn row(row_id: &str, what: What) -> TicketRow {
    TicketRow { row_id: row_id.to_owned(), what: Some(what) }
}

async fn put(town: &Gateway, rows: Vec<TicketRow>) -> Vec<RowResult> {
    let keys = pmh::sandbox::log_keys(&world().sandbox).unwrap();
    let issuer = Issuer::new(town.channel().clone(), town.identity().clone(), keys);
    let mut results = Vec::new();
    issuer.put(&header(), rows, |chunk| results.extend_from_slice(chunk.rows)).await.unwrap();
    results
}

async fn listed(gateway: &Gateway, presence: &Presence, purpose: Purpose) -> Vec<Ticket> {
    let request = ListTicketsRequest { purpose: purpose.into(), ..Default::default() };
    gateway.call(&request, Some(presence.bearer())).await.unwrap().response.tickets
}

fn paid(answer: &UseTicketResponse) -> (TicketOutcome, u32, u32) {
    (answer.outcome(), answer.issuer_yen, answer.family_yen)
}

#[tokio::test]
async fn a_ticket_pays_for_one_visit_and_nobody_learns_whose() {
    let mut scene = Scene::begin(TicketArea::Anywhere).await;
    let (clinic, presence) = scene.presence(CLINIC, Purpose::Treat).await;
    let token = Some(presence.bearer());
    let before = listed(&clinic, &presence, Purpose::Treat).await.remove(0);
    assert_eq!((before.state(), before.today()), (TicketState::Issued, TicketOutcome::Covered));

    let visit = scene.visit("v-1", 7_200);
    let first = clinic.call(&visit, token).await.unwrap().response;
    assert_eq!((paid(&first), first.cap_yen), ((TicketOutcome::Covered, 5_000, 2_200), 5_000));
    let again = UseTicketRequest { idempotency_key: uuid(), ..visit.clone() };
    for same in [visit, again] {
        let same = clinic.call(&same, token).await.unwrap().response;
        assert_eq!((paid(&same), &same.sentence), (paid(&first), &first.sentence), "the same visit");
    }
    let dearer = clinic.call(&scene.visit("v-1", 8_000), token).await.unwrap().response;
    assert_eq!(paid(&dearer), (TicketOutcome::OtherFacts, 0, 8_000));
    let second = clinic.call(&scene.visit("v-2", 7_200), token).await.unwrap().response;
    assert_eq!(paid(&second), (TicketOutcome::Used, 0, 7_200));

    let (other, theirs) = scene.presence(OTHER_CLINIC, Purpose::Treat).await;
    let elsewhere = other.call(&scene.visit("v-1", 7_200), Some(theirs.bearer())).await.unwrap().response;
    assert_eq!(elsewhere.outcome(), TicketOutcome::Used, "another institution's visit of the same name");
    let seen = listed(&other, &theirs, Purpose::Treat).await.remove(0);
    assert_eq!((seen.state(), seen.today(), seen.r#use), (TicketState::Used, TicketOutcome::Used, None));
    let own = listed(&clinic, &presence, Purpose::Treat).await.remove(0).r#use.unwrap();
    assert_eq!((own.record_id.as_str(), own.family_yen), ("v-1", 2_200));
    let claimed = scene.at_home().await.r#use.unwrap();
    assert_eq!((claimed.institution, claimed.issuer_yen), (format!("urn:x-pmh:org:{CLINIC}"), 5_000));
    let (app, at_home) = scene.presence(APP, Purpose::Patrqt).await;
    let hers = listed(&app, &at_home, Purpose::Patrqt).await.remove(0).r#use.unwrap();
    assert_eq!((hers.record_id.as_str(), hers.fee_yen), ("", 7_200));
}

#[tokio::test]
async fn what_was_used_is_given_back_by_its_user_and_taken_back_by_its_issuer() {
    let mut scene = Scene::begin(TicketArea::Prefecture).await;
    let (clinic, presence) = scene.presence(CLINIC, Purpose::Treat).await;
    let token = Some(presence.bearer());
    clinic.call(&scene.visit("v-1", 4_000), token).await.unwrap();
    assert_eq!(reason(scene.town.call(&scene.void(), None).await), Reason::StateNotAllowed);
    let other = world().gateway(OTHER_CLINIC).await;
    for (gateway, record) in [(&other, "v-1"), (&clinic, "v-2")] {
        assert_eq!(reason(gateway.call(&scene.release(record), None).await), Reason::NotFound, "{record}");
    }
    let released = clinic.call(&scene.release("v-1"), None).await.unwrap().response;
    assert_eq!((released.state(), scene.at_home().await.state()), (TicketState::Issued, TicketState::Issued));
    let machida = world().gateway("municipality:132098").await;
    assert_eq!(reason(machida.call(&scene.void(), None).await), Reason::NotFound, "another's ticket");
    for _ in 0..2 {
        assert_eq!(scene.town.call(&scene.void(), None).await.unwrap().response.state(), TicketState::Void);
    }
    let void = clinic.call(&scene.visit("v-3", 4_000), token).await.unwrap().response;
    assert_eq!(paid(&void), (TicketOutcome::Void, 0, 4_000));
}

#[tokio::test]
async fn on_paper_number_and_birth_date_open_one_ticket() {
    let scene = Scene::begin(TicketArea::Municipality).await;
    let (clinic, other) = (world().gateway(CLINIC).await, world().gateway(OTHER_CLINIC).await);
    assert_eq!(reason(clinic.call(&scene.visit("p-1", 1), None).await), Reason::TokenMissing);
    let wrong = UseTicketRequest { birth_date: "1990-01-01".to_owned(), ..scene.visit("p-1", 1) };
    assert_eq!(reason(clinic.call(&wrong, None).await), Reason::NotFound);
    let tomorrow =
        UseTicketRequest { date: today().tomorrow().unwrap().to_string(), ..scene.on_paper("p-1", 1) };
    assert_eq!(reason(clinic.call(&tomorrow, None).await), Reason::InvalidFields);

    let outcome = async |gateway: &Gateway, municipality: &str| {
        let institution_municipality = municipality.to_owned();
        let request = UseTicketRequest { institution_municipality, ..scene.on_paper("p-1", 9_000) };
        gateway.call(&request, None).await.map(|answer| paid(&answer.response))
    };
    assert_eq!(outcome(&clinic, "").await.unwrap().0, TicketOutcome::AreaUnknown);
    assert_eq!(outcome(&clinic, "132098").await.unwrap(), (TicketOutcome::OutsideArea, 0, 9_000));
    assert_eq!(outcome(&other, "").await.unwrap().0, TicketOutcome::OutsideArea);
    assert_eq!(reason(outcome(&other, "132012").await), Reason::InvalidFields, "not of its prefecture");
    assert_eq!(outcome(&clinic, "132012").await.unwrap(), (TicketOutcome::Covered, 5_000, 4_000));
}

#[tokio::test]
async fn each_row_is_told_what_is_wrong_with_it() {
    let scene = Scene::begin(TicketArea::Anywhere).await;
    let What::Ticket(sound) = scene.ticket(TicketArea::Anywhere) else { unreachable!() };
    let individual = (100_000_000_000_u64..100_000_001_000)
        .map(|number| number.to_string())
        .find(|number| pmh_domain::codes::looks_like_individual_number(number))
        .unwrap();
    let changed = |number: &str, change: fn(&mut IssuedTicket)| {
        let mut ticket = IssuedTicket { number: number.to_owned(), ..sound.clone() };
        change(&mut ticket);
        What::Ticket(ticket)
    };
    let rows = [
        (What::Ticket(sound.clone()), RowOutcome::Unchanged, Reason::Unspecified),
        (changed("n", |ticket| ticket.kind = 0), RowOutcome::Rejected, Reason::Required),
        (changed("n", |ticket| ticket.area = 99), RowOutcome::Rejected, Reason::Value),
        (changed("n", |ticket| ticket.cap_yen = 1_000_001), RowOutcome::Rejected, Reason::Value),
        (changed("n", |ticket| ticket.pregnancy.clear()), RowOutcome::Rejected, Reason::Required),
        (
            changed("n", |ticket| ticket.valid.as_mut().unwrap().to = "2020-01-01".to_owned()),
            RowOutcome::Rejected,
            Reason::IntervalReversed,
        ),
        (
            changed("n", |ticket| ticket.resident_key = "nobody".to_owned()),
            RowOutcome::Rejected,
            Reason::ResidentUnknown,
        ),
        (changed(&individual, |_| {}), RowOutcome::Quarantined, Reason::IndividualNumberForbidden),
        (
            What::ExtraVisits(ExtraVisits { window: None, singleton: 31, multiple: 0 }),
            RowOutcome::Rejected,
            Reason::Required,
        ),
    ];
    let sent = rows.iter().enumerate().map(|(at, (what, ..))| row(&at.to_string(), what.clone())).collect();
    let results = put(&scene.town, sent).await;
    for ((what, outcome, reason), result) in rows.iter().zip(&results) {
        let told = result.problems.first().map_or(Reason::Unspecified, pmh_proto::common::RowProblem::reason);
        assert_eq!((result.outcome(), told), (*outcome, *reason), "{what:?}");
    }
}

#[tokio::test]
async fn p16_a_protected_person_has_no_tickets_in_an_app() {
    let mut scene = Scene::begin(TicketArea::Anywhere).await;
    let restrict = PutRestrictionRequest {
        idempotency_key: uuid(),
        resident_key: scene.mother.resident_key.clone(),
        kind: RestrictionKind::Protective.into(),
        ..Default::default()
    };
    scene.town.call(&restrict, None).await.unwrap();
    let (app, presence) = scene.presence(APP, Purpose::Patrqt).await;
    assert_eq!(listed(&app, &presence, Purpose::Patrqt).await, []);
    let (clinic, presence) = scene.presence(CLINIC, Purpose::Treat).await;
    assert_eq!(listed(&clinic, &presence, Purpose::Treat).await.len(), 1);
    let used = clinic.call(&scene.visit("v-1", 1_000), Some(presence.bearer())).await.unwrap();
    assert_eq!(paid(&used.response).0, TicketOutcome::Covered);
    assert!(used.proof.leaf.holder.is_none(), "where she lives is nobody else's to read in a receipt");
}
