//! Doses beside links and registers: nothing that was recorded gets lost.

use jiff::civil::date;
use pmh_audit::Kind;
use pmh_store::{
    GatewayStore, RowConflict, RowDone, RowOutcome, RowVerdict, SubjectRef,
    vaccination::{
        Against, DoseChange, DoseChunk, DoseRecord, DoseStatus, DosesOf, ImportedDose, LateNews, NewVersion,
        PersonDoses, Product, Programme, RegisterRow, Source, Statement,
    },
};

use crate::support::*;

const CARD: SubjectRef = [0xca; 32];
const HOME: &str = "municipality:131016";
const DOSE: &str = "6f1f3d0e-5a1b-4c52-9a63-0c8f0e0b7a01";

fn record(status: DoseStatus, source: Source) -> DoseRecord {
    DoseRecord {
        vaccine: "HEPB".to_owned(),
        series: "HEPB".to_owned(),
        dose_number: 1,
        status,
        occurrence: date(2026, 4, 1),
        product: Product::default(),
        quantity_ul: 250,
        route: None,
        site: None,
        performer: "clinic:1312345678".to_owned(),
        doctor: String::new(),
        payer: HOME.to_owned(),
        programme: Programme::Routine,
        authorization_key: String::new(),
        due_date: None,
        conditions: Vec::new(),
        ruled_out: false,
        source,
        findings: Vec::new(),
        override_reason: String::new(),
        change_reason: String::new(),
    }
}

async fn write(store: &GatewayStore, of: DosesOf, dose_id: &str, status: DoseStatus) {
    write_telling(store, of, dose_id, status, vec![HOME.to_owned()]).await;
}

async fn write_telling(
    store: &GatewayStore,
    of: DosesOf,
    dose_id: &str,
    status: DoseStatus,
    tell: Vec<String>,
) {
    let version = NewVersion {
        dose_id: dose_id.to_owned(),
        organization: "clinic:1312345678".to_owned(),
        record: record(status, Source::Unreserved),
        against: Against::NoLease,
        tell,
    };
    let decide = move |_: &PersonDoses, _: Option<&str>| {
        ((), DoseChange { dose: Some(version.clone()), ..DoseChange::default() })
    };
    let stepped =
        outcome(Kind::Write, |conclude| store.dose_step(attempt(), None, of, decide, conclude)).await.0;
    assert!(stepped.is_some());
}

async fn known(store: &GatewayStore, person: SubjectRef) -> PersonDoses {
    let decide = |doses: &PersonDoses, _: Option<&str>| (doses.clone(), DoseChange::default());
    let of = DosesOf::Person(person);
    let stepped =
        outcome(Kind::Disclosure, |conclude| store.dose_step(attempt(), None, of, decide, conclude)).await.0;
    stepped.unwrap().decided
}

/// A card is seen first, its dose is corrected after a municipality has linked it.
pub(crate) async fn p10_a_dose_recorded_before_the_link_keeps_its_lineage_after_it(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    write(&open, DosesOf::Person(CARD), DOSE, DoseStatus::Completed).await;
    outcome(Kind::RegistryChange, |c| open.link_subjects(attempt(), None, vec![CARD], person, c)).await;
    write(&open, DosesOf::Dose(DOSE.to_owned()), DOSE, DoseStatus::AdministeredInError).await;
    for reference in [CARD, person] {
        let doses = known(&open, reference).await.doses;
        assert_eq!(doses.len(), 1, "the corrected dose is there under either reference");
        assert_eq!((doses[0].version, doses[0].record.status), (2, DoseStatus::AdministeredInError));
    }
    let told = open.reader().told_doses(HOME, 0, 10).await.unwrap();
    let versions: Vec<u32> = told.iter().map(|told| told.dose.version).collect();
    assert_eq!(versions, [1, 2], "the municipality is told of both versions");
    assert!(told.iter().all(|told| told.subject == person), "as one person");
    write(&open, DosesOf::Dose(DOSE.to_owned()), DOSE, DoseStatus::EnteredInError).await;
    assert_eq!(known(&open, person).await.doses[0].version, 3);
    open.close().await;
}

/// 予診のみ at one clinic in the morning, the shot at another in the afternoon.
pub(crate) async fn a_registers_dose_is_kept_beside_a_screening_of_the_same_day(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    write(&open, DosesOf::Person(person), DOSE, DoseStatus::NotDone).await;
    let imported = ImportedDose {
        resident_key: resident_key(1).as_str().to_owned(),
        dose_id: "6f1f3d0e-5a1b-4c52-9a63-0c8f0e0b7a02".to_owned(),
        record: record(DoseStatus::Completed, Source::Register),
    };
    let chunk = DoseChunk {
        issuer: chiyoda(),
        method: 49,
        batch_id: "b".to_owned(),
        dry_run: false,
        rows: vec![row("1", 1, RowVerdict::Accepted(RegisterRow::Dose(Box::new(imported))))],
    };
    let done = outcome(Kind::BulkChunk, |conclude| open.put_doses(attempt(), chunk, conclude)).await.0;
    assert_eq!(done[0].outcome, RowOutcome::Created);
    assert_eq!(known(&open, person).await.doses.len(), 2);
    open.close().await;
}

/// What nobody has been told yet cannot be acknowledged away.
pub(crate) async fn p10_an_acknowledgement_ahead_of_the_log_hides_nothing(place: Place) {
    let open = place.open().await;
    let ahead = u64::try_from(i64::MAX).unwrap();
    let stands = outcome(Kind::Write, |conclude| {
        open.acknowledge_doses(attempt(), idempotency("ahead", 1), HOME.to_owned(), ahead, conclude)
    })
    .await
    .0;
    write(&open, DosesOf::Person(CARD), DOSE, DoseStatus::Completed).await;
    assert_eq!(open.reader().acknowledged_doses(HOME).await.unwrap(), Some(stands));
    assert_eq!(open.reader().told_doses(HOME, stands, 10).await.unwrap().len(), 1);
    open.close().await;
}

fn statement(through: jiff::civil::Date) -> RowVerdict<RegisterRow> {
    RowVerdict::Accepted(RegisterRow::Complete(Statement { resident_key: String::new(), through }))
}

async fn put(
    store: &GatewayStore,
    batch: &str,
    dry_run: bool,
    rows: Vec<RowVerdict<RegisterRow>>,
) -> Vec<RowDone> {
    let rows =
        rows.into_iter().zip(1_u8..).map(|(verdict, number)| row(&number.to_string(), number, verdict));
    let rows = rows.collect();
    let chunk = DoseChunk { issuer: chiyoda(), method: 49, batch_id: batch.to_owned(), dry_run, rows };
    outcome(Kind::BulkChunk, |conclude| store.put_doses(attempt(), chunk, conclude)).await.0
}

/// One word about the whole register holds for every resident, and only while no row of it is missing.
pub(crate) async fn r_vac_a_register_is_complete_through_the_day_its_municipality_says(place: Place) {
    let open = place.open().await;
    let people = [enrol(&open, chiyoda(), 1).await, enrol(&open, chiyoda(), 2).await];
    let through = async |day: Option<jiff::civil::Date>| {
        for person in people {
            assert_eq!(known(&open, person).await.register_until(HOME), day);
        }
    };
    let may = date(2026, 5, 31);
    through(None).await;
    assert_eq!(put(&open, "dry", true, vec![statement(may)]).await[0].outcome, RowOutcome::Created);
    through(None).await;
    let done = put(&open, "refused", false, vec![RowVerdict::Rejected, statement(may)]).await;
    assert_eq!(done[1].conflict, Some(RowConflict::RowsMissing));
    let later =
        put(&open, "refused", false, vec![RowVerdict::Rejected, RowVerdict::Rejected, statement(may)]).await;
    assert_eq!(later[2].conflict, Some(RowConflict::RowsMissing), "of an earlier chunk of the batch");
    through(None).await;
    assert_eq!(put(&open, "whole", false, vec![statement(may)]).await[0].outcome, RowOutcome::Created);
    through(Some(may)).await;
    let april = date(2026, 4, 30);
    assert_eq!(put(&open, "back", false, vec![statement(april)]).await[0].outcome, RowOutcome::Updated);
    through(Some(april)).await;
    open.close().await;
}

/// What was recorded for a card that nobody knew waits for the municipality that links it, once.
pub(crate) async fn r_vac_a_dose_that_nobody_was_told_of_waits_for_the_link(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    write_telling(&open, DosesOf::Person(CARD), DOSE, DoseStatus::Completed, vec![]).await;
    let waiting = async || open.reader().untold_doses(HOME, "", 10).await.unwrap();
    assert!(waiting().await.is_empty(), "not its resident yet");
    outcome(Kind::RegistryChange, |c| open.link_subjects(attempt(), None, vec![CARD], person, c)).await;
    assert_eq!(waiting().await, [DOSE]);
    assert!(open.reader().untold_doses("municipality:132012", "", 10).await.unwrap().is_empty());
    let news = LateNews { municipality: HOME.to_owned(), dose_id: DOSE.to_owned() };
    let decide = move |_: &PersonDoses, _: Option<&str>| {
        ((), DoseChange { late_news: Some(news.clone()), ..DoseChange::default() })
    };
    let of = DosesOf::Dose(DOSE.to_owned());
    let before = open.reader().told_doses(HOME, 0, 10).await.unwrap();
    assert!(before.is_empty());
    outcome(Kind::RegistryChange, |c| open.dose_step(attempt(), None, of, decide, c)).await;
    let told = open.reader().told_doses(HOME, 0, 10).await.unwrap();
    assert_eq!(told.iter().map(|told| told.dose.dose_id.as_str()).collect::<Vec<_>>(), [DOSE]);
    assert_eq!(told[0].resident_key, resident_key(1).as_str());
    assert!(waiting().await.is_empty(), "once");
    open.close().await;
}

/// The register's row, the giver's own word, the register again.
pub(crate) async fn r_vac_a_register_sent_again_takes_nothing_from_the_givers_word(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let of_register = || {
        let record =
            DoseRecord { performer: String::new(), ..record(DoseStatus::Completed, Source::Register) };
        RowVerdict::Accepted(RegisterRow::Dose(Box::new(ImportedDose {
            resident_key: resident_key(1).as_str().to_owned(),
            dose_id: DOSE.to_owned(),
            record,
        })))
    };
    assert_eq!(put(&open, "1", false, vec![of_register()]).await[0].outcome, RowOutcome::Created);
    write(&open, DosesOf::Person(person), DOSE, DoseStatus::Completed).await;
    assert_eq!(put(&open, "2", false, vec![of_register()]).await[0].outcome, RowOutcome::Unchanged);
    let doses = known(&open, person).await.doses;
    assert_eq!((doses.len(), doses[0].version), (1, 2));
    assert_eq!(doses[0].record.source, Source::Unreserved);
    // Taken back by the giver, the register's own word stands again.
    write(&open, DosesOf::Dose(DOSE.to_owned()), DOSE, DoseStatus::EnteredInError).await;
    assert_eq!(put(&open, "3", false, vec![of_register()]).await[0].outcome, RowOutcome::Updated);
    open.close().await;
}
