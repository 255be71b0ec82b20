//! An institution's day in one stream: each row names its person by the ticket, and nobody learns whose a number is.

use pmh_client::{Error, Gateway, Issuer, Presentation};
use pmh_proto::checkup::{
    BatchState, CheckupKind, CheckupRecord, CheckupRow, ConfirmBatchRequest, Delivery, DeliveryState,
    GetCheckupRequest, Instrument, InstrumentScores, IssuedTicket, ListCheckupsRequest,
    ListUrgentCasesRequest, PushSummary, ReadCheckup, RecordCheckupRequest, TicketArea, TicketHolder,
    TicketPart, TicketRow, UndoBatchRequest, UndoBatchResponse, UrgentCase, VoidTicketRequest,
    ticket_row::What,
};
use pmh_proto::common::{BulkHeader, DateRange, Purpose, Reason, RowOutcome, RowResult};
use pmh_proto::resident::{PutRestrictionRequest, RestrictionKind};

use super::rig::{CLINIC, HACHIOJI, Person, header, now, reason, today, uuid, world};

const OTHER_CLINIC: &str = "clinic:1419811373";
const CLINIC_URN: &str = "urn:x-pmh:org:clinic:1310310243";

/// A mother of 八王子市 without a card, and a ticket of hers.
struct Mother {
    town: Gateway,
    person: Person,
    number: String,
}

impl Mother {
    async fn new() -> Self {
        Self::of(Person::aged(30).registered(&world().gateway(HACHIOJI).await).await).await
    }

    async fn of(person: Person) -> Self {
        let town = world().gateway(HACHIOJI).await;
        let number = format!("T-{}", uuid());
        let ticket = What::Ticket(IssuedTicket {
            number: number.clone(),
            resident_key: person.resident_key.clone(),
            kind: CheckupKind::Postpartum.into(),
            part: TicketPart::Basic.into(),
            cap_yen: 5_000,
            valid: Some(DateRange { from: today().to_string(), to: today().to_string() }),
            area: TicketArea::Anywhere.into(),
            issued_on: today().to_string(),
            pregnancy: "1".to_owned(),
            children: 0,
        });
        let row = TicketRow { row_id: "1".to_owned(), what: Some(ticket) };
        let counts = Box::pin(bulk(&town).put(&header(), vec![row], |_| ())).await.unwrap();
        assert_eq!(counts.created, 1);
        Self { town, person, number }
    }

    fn holder(&self) -> TicketHolder {
        TicketHolder {
            issuer: format!("urn:x-pmh:org:{HACHIOJI}"),
            number: self.number.clone(),
            birth_date: self.person.birth_date.to_string(),
        }
    }

    fn row(&self, record: &CheckupRecord) -> CheckupRow {
        CheckupRow { row_id: uuid(), record: Some(record.clone()), holder: Some(self.holder()) }
    }

    async fn at_home(&self) -> Vec<ReadCheckup> {
        let resident_key = self.person.resident_key.clone();
        let request = ListCheckupsRequest { resident_key, ..Default::default() };
        self.town.call(&request, None).await.unwrap().response.checkups
    }

    async fn cases(&self) -> Vec<UrgentCase> {
        let list = ListUrgentCasesRequest { include_read: true };
        let mut cases = self.town.call(&list, None).await.unwrap().response.cases;
        cases.retain(|case| case.resident_key == self.person.resident_key);
        cases
    }
}

fn bulk(gateway: &Gateway) -> Issuer {
    let keys = pmh::sandbox::log_keys(&world().sandbox).unwrap();
    Issuer::new(gateway.channel().clone(), gateway.identity().clone(), keys)
}

/// What was said of each row, how it ended, and how many chunks carried a proof.
struct Pushed {
    rows: Vec<RowResult>,
    summary: PushSummary,
    proofs: usize,
}

impl Pushed {
    fn outcomes(&self) -> Vec<RowOutcome> {
        self.rows.iter().map(RowResult::outcome).collect()
    }

    /// Outcome and problems: what may not differ where nothing may be learnt.
    fn told(&self) -> Vec<(RowOutcome, Vec<(String, Reason)>)> {
        let said = |row: &RowResult| {
            let problems = row.problems.iter().map(|problem| (problem.field.clone(), problem.reason()));
            (row.outcome(), problems.collect())
        };
        self.rows.iter().map(said).collect()
    }
}

async fn push(clinic: &Gateway, header: &BulkHeader, rows: Vec<CheckupRow>) -> Pushed {
    let (mut results, mut proofs) = (Vec::new(), 0);
    let told = |chunk: pmh_client::Chunk<'_>| {
        results.extend_from_slice(chunk.rows);
        proofs += usize::from(chunk.proof.is_some());
    };
    let summary = Box::pin(bulk(clinic).put(header, rows, told)).await.unwrap();
    Pushed { rows: results, summary, proofs }
}

async fn clinic() -> Gateway {
    world().gateway(CLINIC).await
}

/// EPDS with nothing but an answer to item 10.
fn postpartum(item_10: i32) -> CheckupRecord {
    let mut items = vec![0; 9];
    items.push(item_10);
    let total = Some(u32::try_from(item_10).unwrap());
    CheckupRecord {
        record_id: format!("r-{}", uuid()),
        source_version: "1".to_owned(),
        kind: CheckupKind::Postpartum.into(),
        date: today().to_string(),
        pregnancy: "p-1".to_owned(),
        scores: vec![InstrumentScores { instrument: Instrument::Epds.into(), items, total }],
        ..Default::default()
    }
}

fn version(record: &CheckupRecord, version: u32, own_code: &str) -> CheckupRecord {
    let (source_version, own_code) = (version.to_string(), own_code.to_owned());
    CheckupRecord { source_version, own_code, ..record.clone() }
}

async fn of_own(clinic: &Gateway, record: &CheckupRecord) -> Result<Delivery, Error> {
    let request = GetCheckupRequest {
        record_id: record.record_id.clone(),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    };
    Ok(clinic.call(&request, None).await?.response.checkup.unwrap().delivery.unwrap())
}

async fn undo(clinic: &Gateway, batch: &BulkHeader) -> Result<UndoBatchResponse, Error> {
    let batch_id = batch.batch_id.clone();
    Ok(clinic.call(&UndoBatchRequest { idempotency_key: uuid(), batch_id }, None).await?.response)
}

#[tokio::test]
async fn r_chk_a_clinics_day_is_each_towns_to_read_and_sent_again_it_changes_nothing() {
    let (clinic, one, other) = (clinic().await, Mother::new().await, Mother::new().await);
    let (first, second) = (postpartum(0), postpartum(0));
    let rows = vec![one.row(&first), other.row(&second)];
    let batch = header();
    let pushed = push(&clinic, &batch, rows.clone()).await;
    assert_eq!(pushed.outcomes(), [RowOutcome::Created; 2], "{:?}", pushed.told());
    assert_eq!((pushed.summary.state(), pushed.proofs), (BatchState::Accepted, 1));
    assert_eq!(of_own(&clinic, &first).await.unwrap().state(), DeliveryState::Unread);

    let [read] = one.at_home().await.try_into().unwrap();
    assert_eq!(read.sender, CLINIC_URN);
    let record = read.record.unwrap();
    assert_eq!((&*record.institution, record.scores.len()), ("1310310243", 1));
    assert!(record.record_id.is_empty() && record.resident_key.is_empty());
    assert_eq!(of_own(&clinic, &first).await.unwrap().state(), DeliveryState::Read);
    assert_eq!(of_own(&clinic, &second).await.unwrap().state(), DeliveryState::Unread, "the other's is not");

    for batch in [batch, header()] {
        assert_eq!(push(&clinic, &batch, rows.clone()).await.outcomes(), [RowOutcome::Unchanged; 2]);
    }
    let later = [version(&first, 3, "C"), version(&first, 2, "B"), version(&first, 3, "D")];
    let pushed = push(&clinic, &header(), later.iter().map(|record| one.row(record)).collect()).await;
    let disputed = vec![("source_version".to_owned(), Reason::VersionDisputed)];
    assert_eq!(
        pushed.told(),
        [
            (RowOutcome::Updated, vec![]),
            (RowOutcome::Superseded, vec![]),
            (RowOutcome::Quarantined, disputed)
        ]
    );
    let [read] = one.at_home().await.try_into().unwrap();
    assert!(
        read.amended && read.disputed && read.record.unwrap().own_code == "B",
        "of the third neither counts"
    );
}

#[tokio::test]
async fn p5_whoever_tries_ticket_numbers_out_is_told_one_thing() {
    let (clinic, right, protected, void) =
        (clinic().await, Mother::new().await, Mother::new().await, Mother::new().await);
    let restrict = PutRestrictionRequest {
        idempotency_key: uuid(),
        resident_key: protected.person.resident_key.clone(),
        kind: RestrictionKind::Protective.into(),
        ..Default::default()
    };
    protected.town.call(&restrict, None).await.unwrap();
    let taken_back = VoidTicketRequest { idempotency_key: uuid(), number: void.number.clone() };
    void.town.call(&taken_back, None).await.unwrap();
    let born = right.person.birth_date.tomorrow().unwrap().to_string();
    let nobody = || {
        vec![
            TicketHolder { number: format!("T-{}", uuid()), ..right.holder() },
            TicketHolder { birth_date: born.clone(), ..right.holder() },
            TicketHolder { issuer: "urn:x-pmh:org:municipality:132098".to_owned(), ..right.holder() },
            protected.holder(),
            void.holder(),
        ]
    };
    let rows = |holders: Vec<TicketHolder>, record: &dyn Fn() -> CheckupRecord| {
        let row = |holder| CheckupRow { row_id: uuid(), record: Some(record()), holder: Some(holder) };
        holders.into_iter().map(row).collect::<Vec<_>>()
    };
    let unknown = vec![("holder".to_owned(), Reason::TicketHolderUnknown)];
    for dry_run in [true, false] {
        let header = BulkHeader { dry_run, ..header() };
        let pushed = push(&clinic, &header, rows(nobody(), &|| postpartum(3))).await;
        assert_eq!(pushed.told(), vec![(RowOutcome::Quarantined, unknown.clone()); 5]);
        assert_eq!(pushed.proofs, 1, "who tried is in the log, trials too");
    }
    // What the rules refuse is refused alike, whoever's number it is.
    let before_birth = || CheckupRecord { date: "1950-01-01".to_owned(), ..postpartum(0) };
    let mut all = nobody();
    all.push(right.holder());
    let told = push(&clinic, &header(), rows(all, &before_birth)).await.told();
    assert_eq!(told[0].0, RowOutcome::Rejected);
    assert!(told.iter().all(|each| *each == told[0]), "{told:?}");
    for mother in [&right, &protected, &void] {
        assert!(mother.at_home().await.is_empty() && mother.cases().await.is_empty());
    }
}

#[tokio::test]
async fn r_chk_a_row_names_its_person_by_the_ticket_and_by_nothing_else() {
    let (clinic, mother, other) = (clinic().await, Mother::new().await, Mother::new().await);
    let record = postpartum(0);
    let with = |change: fn(&mut CheckupRow)| {
        let mut row = mother.row(&record);
        change(&mut row);
        row
    };
    let rows = vec![
        with(|row| row.holder = None),
        with(|row| row.holder.as_mut().unwrap().issuer.clear()),
        with(|row| row.holder.as_mut().unwrap().number = "9".repeat(65)),
        with(|row| row.holder.as_mut().unwrap().birth_date = "R7.1.1".to_owned()),
        with(|row| row.record.as_mut().unwrap().resident_key = "17".to_owned()),
        with(|row| row.record.as_mut().unwrap().institution = "1419811373".to_owned()),
    ];
    let told = push(&clinic, &header(), rows).await.told();
    let why = [
        ("holder", Reason::Required),
        ("holder.issuer", Reason::Required),
        ("holder.number", Reason::Width),
        ("holder.birth_date", Reason::Date),
        ("resident_key", Reason::Value),
        ("institution", Reason::Value),
    ];
    let rejected = why.map(|(field, reason)| (RowOutcome::Rejected, vec![(field.to_owned(), reason)]));
    assert_eq!(told, rejected);

    push(&clinic, &header(), vec![mother.row(&record)]).await;
    let told = push(&clinic, &header(), vec![other.row(&version(&record, 2, ""))]).await.told();
    assert_eq!(
        told,
        [(RowOutcome::Rejected, vec![("record_id".to_owned(), Reason::SubjectMismatch)])],
        "one record, one person"
    );
    let own = CheckupRecord { resident_key: mother.person.resident_key.clone(), ..postpartum(0) };
    let told = push(&mother.town, &header(), vec![mother.row(&own)]).await.told();
    assert_eq!(
        told,
        [(RowOutcome::Rejected, vec![("holder".to_owned(), Reason::Value)])],
        "a town's own key"
    );
}

#[tokio::test]
async fn r_chk_what_was_recorded_with_the_card_is_the_same_record_in_the_day() {
    let town = world().gateway(HACHIOJI).await;
    let person = Person::aged(30).registered(&town).await.linked(HACHIOJI).await;
    let mut mother = Mother::of(person).await;
    let counter = world().terminal(CLINIC).await;
    let examined = Presentation::for_examination("checkup");
    let presence = counter.present(&mut mother.person, &examined, now()).await.unwrap();
    let record = postpartum(0);
    let request = |record: &CheckupRecord| RecordCheckupRequest {
        idempotency_key: uuid(),
        record: Some(record.clone()),
        purpose: Purpose::Treat.into(),
        ..Default::default()
    };
    let clinic = counter.gateway();
    clinic.call(&request(&record), Some(presence.bearer())).await.unwrap();
    assert_eq!(push(clinic, &header(), vec![mother.row(&record)]).await.outcomes(), [RowOutcome::Unchanged]);
    let second = version(&record, 2, "B");
    assert_eq!(push(clinic, &header(), vec![mother.row(&second)]).await.outcomes(), [RowOutcome::Updated]);
    let third = clinic.call(&request(&version(&record, 3, "C")), None).await.unwrap().response;
    assert_eq!(third.outcome(), RowOutcome::Updated, "within thirty days without a card");
    assert_eq!(mother.at_home().await.len(), 1);
}

#[tokio::test]
async fn r_chk_each_high_epds_of_a_day_is_one_case_of_its_own_mother() {
    let (clinic, mothers) = (clinic().await, [Mother::new().await, Mother::new().await, Mother::new().await]);
    let records = [postpartum(2), postpartum(1), postpartum(0)];
    let mut rows: Vec<_> = mothers.iter().zip(&records).map(|(mother, record)| mother.row(record)).collect();
    rows.push(mothers[0].row(&version(&records[0], 2, "again")));
    let dry_run = BulkHeader { dry_run: true, ..header() };
    push(&clinic, &dry_run, rows.clone()).await;
    assert!(mothers[0].cases().await.is_empty() && mothers[0].at_home().await.is_empty(), "a trial");
    push(&clinic, &header(), rows).await;
    for (mother, record, count) in
        [(&mothers[0], &records[0], 1), (&mothers[1], &records[1], 1), (&mothers[2], &records[2], 0)]
    {
        let cases = mother.cases().await;
        assert_eq!(cases.len(), count);
        assert!(cases.iter().all(|case| case.sender == CLINIC_URN && case.record_id == record.record_id));
        let delivery = of_own(&clinic, record).await.unwrap();
        assert_eq!((delivery.state(), delivery.urgent), (DeliveryState::Unread, count == 1));
    }
}

#[tokio::test]
async fn r_chk_a_clinic_takes_its_day_back_and_nobody_elses() {
    let (clinic, mother) = (clinic().await, Mother::new().await);
    let (wrong, right) = (postpartum(2), postpartum(0));
    let (batch, before) = (header(), header());
    push(&clinic, &before, vec![mother.row(&right)]).await;
    push(&clinic, &batch, vec![mother.row(&wrong), mother.row(&version(&right, 2, "x"))]).await;
    let other = world().gateway(OTHER_CLINIC).await;
    for stranger in [&other, &mother.town] {
        assert_eq!(reason(undo(stranger, &batch).await), Reason::NotFound);
    }
    let stays = undo(&clinic, &before).await.unwrap().superseded_record_ids;
    assert_eq!(stays, std::slice::from_ref(&right.record_id));
    let undone = undo(&clinic, &batch).await.unwrap();
    assert_eq!((undone.restored, undone.superseded), (2, 0));
    let [read] = mother.at_home().await.try_into().unwrap();
    assert!(!read.amended);
    assert_eq!(reason(of_own(&clinic, &wrong).await), Reason::NotFound);
    let [case] = mother.cases().await.try_into().unwrap();
    assert_eq!(case.sender, CLINIC_URN, "somebody may have been told");

    let closed = vec![("row_id".to_owned(), Reason::BatchClosed)];
    let pushed = push(&clinic, &batch, vec![mother.row(&wrong)]).await;
    assert_eq!(pushed.told(), [(RowOutcome::Rejected, closed)]);
    assert_eq!(pushed.summary.state(), BatchState::Undone);
    let again = push(&clinic, &header(), vec![mother.row(&wrong)]).await;
    assert_eq!(again.outcomes(), [RowOutcome::Created]);
    let delivery = of_own(&clinic, &wrong).await.unwrap();
    assert_eq!((delivery.state(), delivery.urgent), (DeliveryState::Unread, true), "the case waits still");
    assert_eq!(mother.cases().await.len(), 1);
}

#[tokio::test]
async fn r_chk_a_towns_and_a_clinics_record_of_one_visit_name_each_other() {
    let (clinic, mother) = (clinic().await, Mother::new().await);
    let of_town = |day: String| CheckupRecord {
        resident_key: mother.person.resident_key.clone(),
        institution: "1310310243".to_owned(),
        date: day,
        ..postpartum(0)
    };
    let yesterday = today().yesterday().unwrap().to_string();
    let own = [of_town(today().to_string()), of_town(yesterday)];
    let row =
        |record: &CheckupRecord| CheckupRow { row_id: uuid(), record: Some(record.clone()), holder: None };
    let batch = header();
    let pushed = push(&mother.town, &batch, own.iter().map(row).collect()).await;
    assert_eq!(pushed.outcomes(), [RowOutcome::Created; 2], "{:?}", pushed.told());
    if pushed.summary.state() == BatchState::Held {
        confirm(&mother.town, &batch).await;
    }
    push(&clinic, &header(), vec![mother.row(&postpartum(0))]).await;

    let read = mother.at_home().await;
    assert_eq!(read.len(), 3);
    let theirs = read.iter().find(|read| read.sender == CLINIC_URN).unwrap();
    let of = |record_id: &str| {
        let is_it = |read: &&ReadCheckup| read.record.as_ref().unwrap().record_id == record_id;
        read.iter().find(is_it).unwrap()
    };
    let (same, other) = (of(&own[0].record_id), of(&own[1].record_id));
    assert_eq!(
        (&theirs.same_visit, &same.same_visit),
        (&vec![same.checkup_id.clone()], &vec![theirs.checkup_id.clone()])
    );
    assert!(other.same_visit.is_empty(), "of another day");
}

async fn confirm(town: &Gateway, batch: &BulkHeader) {
    let batch_id = batch.batch_id.clone();
    let request = ConfirmBatchRequest { idempotency_key: uuid(), batch_id };
    town.call(&request, None).await.unwrap();
}
