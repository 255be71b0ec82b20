//! Doses beside links and registers: nothing that was recorded gets lost.

use jiff::civil::date;
use pmh_audit::Kind;
use pmh_store::{
    GatewayStore, RowOutcome, RowVerdict, SubjectRef,
    vaccination::{
        Against, DoseChange, DoseChunk, DoseRecord, DoseStatus, DosesOf, ImportedDose, NewVersion,
        PersonDoses, Product, Programme, Source,
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
        source,
        findings: Vec::new(),
        override_reason: String::new(),
        change_reason: String::new(),
    }
}

async fn write(store: &GatewayStore, of: DosesOf, dose_id: &str, status: DoseStatus) {
    let version = NewVersion {
        dose_id: dose_id.to_owned(),
        organization: "clinic:1312345678".to_owned(),
        record: record(status, Source::Unreserved),
        against: Against::NoLease,
        tell: vec![HOME.to_owned()],
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
        rows: vec![row("1", 1, RowVerdict::Accepted(imported))],
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
