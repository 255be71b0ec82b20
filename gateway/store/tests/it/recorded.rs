//! Checkups that an institution recorded: one commit with their delivery and case, read once, amended for thirty days.

use std::sync::atomic::Ordering;

use jiff::civil::date;
use pmh_audit::Kind;
use pmh_domain::{
    checkup::{
        item::RawEntry,
        kind::CheckupKind,
        record::{Checkup, Context, RawCheckup},
        urgent::Cause,
    },
    resident::Sex,
};
use pmh_store::{
    ChunkRow, GatewayStore, RowOutcome, RowVerdict, SubjectRef,
    checkup::{
        BatchEnd, CheckupChunk, CheckupsOf, Judged, KeptCheckup, NewCase, NewRecord, PersonCheckups,
        RecordOutcome, RecordRefusal, RecordedCheckup, Registered, UrgentCase,
    },
};

use crate::support::*;

const CLINIC: &str = "clinic:1310310243";
const CASE: &str = "0190f3a0-0000-7000-8000-000000000002";

fn known() -> Context {
    Context { today: date(2026, 4, 1), birth: None, sex: Sex::Unknown }
}

fn visit(version: u32, own_code: &str) -> Checkup {
    let raw = RawCheckup {
        record_id: "v-1".to_owned(),
        source_version: version.to_string(),
        kind: Some(CheckupKind::Dental),
        date: "2026-03-01".to_owned(),
        own_code: own_code.to_owned(),
        ..RawCheckup::default()
    };
    Checkup::validate_presented(&raw, &known()).unwrap().value
}

type Told = RecordOutcome<(), ()>;

/// Records a version; a `cause` is urgent.
async fn record(
    store: &GatewayStore,
    key: &str,
    person: Option<SubjectRef>,
    checkup: Checkup,
    cause: Option<Cause>,
) -> Told {
    let new = NewRecord {
        institution: CLINIC.to_owned(),
        record_id: checkup.record_id.clone(),
        person,
        on_behalf: false,
        today: date(2026, 4, 1),
    };
    let decide = move |registered: Registered<'_>| {
        let key = registered.home.map_or("", |link| link.resident_key.as_str());
        let raised = |cause| NewCase {
            case_id: CASE.to_owned(),
            resident_key: key.to_owned(),
            record_id: checkup.record_id.clone(),
            cause,
        };
        Ok(Judged { cases: cause.map(raised).into_iter().collect(), checkup: checkup.clone(), said: () })
    };
    let once = idempotency(key, 1);
    outcome(Kind::Write, |conclude| store.record_checkup(attempt(), once, new, decide, conclude)).await.0
}

fn kept(told: Told) -> RecordedCheckup<()> {
    let RecordOutcome::Kept(kept) = told else { panic!("{told:?}") };
    kept
}

fn refused(told: &Told) -> RecordRefusal {
    let RecordOutcome::Refused(refusal) = told else { panic!("{told:?}") };
    *refusal
}

async fn cases(store: &GatewayStore) -> Vec<UrgentCase> {
    let list = |conclude| store.list_urgent_cases(attempt(), chiyoda(), true, conclude);
    outcome(Kind::Disclosure, list).await.0.cases
}

/// The town is shown everything.
async fn shown(store: &GatewayStore) -> Vec<KeptCheckup> {
    let all = |person: &PersonCheckups| person.records.iter().map(|kept| kept.checkup_id).collect();
    let of = (chiyoda(), resident_key(1).as_str().to_owned());
    let show = |conclude| store.show_checkups(attempt(), of, all, conclude);
    outcome(Kind::Disclosure, show).await.0.unwrap().records
}

async fn read(store: &GatewayStore, of: CheckupsOf) -> PersonCheckups {
    outcome(Kind::Disclosure, |conclude| store.read_checkups(attempt(), of, conclude)).await.0.unwrap()
}

pub(crate) async fn a_record_its_delivery_and_its_case_are_one_commit(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let told = kept(record(&open, "k1", Some(person), visit(1, "A"), Some(Cause::Item10)).await);
    assert_eq!(
        (told.outcome, told.deliveries[0].municipality.as_str()),
        (RowOutcome::Created, "municipality:131016")
    );
    // The process ends here: no notice to anybody.
    open.close().await;
    let open = place.open().await;
    let mut raw = place.raw().await;
    let together = "SELECT COUNT(*) FROM checkup_row r JOIN checkup_delivery d ON d.entry_idx = r.entry_idx
         JOIN checkup_urgent u ON u.entry_idx = r.entry_idx";
    assert_eq!(raw.count(together).await, 1);
    let [case] = cases(&open).await.try_into().unwrap();
    assert_eq!((&*case.sender, &*case.resident_key), (CLINIC, "R-1"));

    // An amendment that is as urgent raises no second case, and the first one stays the record's.
    let told = kept(record(&open, "k2", Some(person), visit(2, "B"), Some(Cause::Item10)).await);
    assert_eq!(
        told.deliveries.iter().map(|delivery| delivery.cases.clone()).collect::<Vec<_>>(),
        [vec![None], vec![None]],
        "the case is the record's"
    );
    assert_eq!(cases(&open).await.len(), 1);
    open.close().await;
}

pub(crate) async fn the_first_reading_of_each_version_stays(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let at = |us| place.clock.store(us, Ordering::Relaxed);
    record(&open, "k1", Some(person), visit(1, "A"), None).await;
    let first = START_US + 5;
    for now in [first, first + 5] {
        at(now);
        shown(&open).await;
    }
    at(first + 9);
    let told = kept(record(&open, "k2", Some(person), visit(2, "B"), None).await);
    let times: Vec<_> = told.deliveries.iter().map(|delivery| delivery.read_us).collect();
    assert_eq!(times, [Some(first), None]);
    // Who reads it otherwise is not the town.
    read(&open, CheckupsOf::Person(person)).await;
    let of_record = CheckupsOf::Recorded(CLINIC.to_owned(), "v-1".to_owned());
    let kept = read(&open, of_record).await.records.remove(0);
    assert_eq!(kept.deliveries[1].read_us, None);
    shown(&open).await;
    assert_eq!(shown(&open).await[0].deliveries[1].read_us, Some(first + 9));
    open.close().await;
}

pub(crate) async fn a_version_that_is_no_news_changes_nothing(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let other = enrol(&open, chiyoda(), 2).await;
    record(&open, "k1", Some(person), visit(2, "A"), None).await;
    let same = record(&open, "k2", Some(person), visit(2, "A"), None).await;
    assert_eq!(kept(same).outcome, RowOutcome::Unchanged);
    for (key, version, content) in [("k3", 2, "B"), ("k4", 1, "A")] {
        let told = record(&open, key, Some(person), visit(version, content), Some(Cause::Total)).await;
        assert_eq!(refused(&told), RecordRefusal::VersionConflict);
    }
    let told = record(&open, "k5", Some(other), visit(3, "A"), Some(Cause::Total)).await;
    assert_eq!(refused(&told), RecordRefusal::OtherPerson);
    let mut raw = place.raw().await;
    for table in ["checkup_row", "checkup_delivery"] {
        assert_eq!(raw.count(&format!("SELECT COUNT(*) FROM {table}")).await, 1, "{table}");
    }
    assert_eq!(cases(&open).await, []);
    open.close().await;
}

pub(crate) async fn without_a_card_a_record_is_amended_for_thirty_days(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let nobody = record(&open, "k0", None, visit(1, "A"), None).await;
    assert_eq!(refused(&nobody), RecordRefusal::CardMissing);
    record(&open, "k1", Some(person), visit(1, "A"), None).await;
    place.clock.store(START_US + 30 * DAY_US, Ordering::Relaxed);
    let told = kept(record(&open, "k2", None, visit(2, "B"), None).await);
    assert_eq!((told.subject, told.outcome), (person, RowOutcome::Updated));
    place.clock.store(START_US + 30 * DAY_US + 1, Ordering::Relaxed);
    let late = record(&open, "k3", None, visit(3, "C"), None).await;
    assert_eq!(refused(&late), RecordRefusal::CardMissing);
    let with_card = record(&open, "k4", Some(person), visit(3, "C"), None).await;
    assert_eq!(kept(with_card).outcome, RowOutcome::Updated);
    open.close().await;
}

/// A child's checkup, with what its mother said if she is named.
fn childs(version: u32, mother: Option<u8>) -> Checkup {
    let asked =
        RawEntry { code: "harsh_discipline".to_owned(), value: "no".to_owned(), ..RawEntry::default() };
    let raw = RawCheckup {
        record_id: "c-1".to_owned(),
        source_version: version.to_string(),
        resident_key: resident_key(1).as_str().to_owned(),
        mother_key: mother.map(|number| resident_key(number).as_str().to_owned()).unwrap_or_default(),
        kind: Some(CheckupKind::Month18),
        date: "2026-03-01".to_owned(),
        items: vec![asked],
        ..RawCheckup::default()
    };
    Checkup::validate(&raw, &known()).unwrap().value
}

async fn push_childs(store: &GatewayStore, batch: &str, checkup: Checkup) {
    let row =
        ChunkRow { row_id: "1".to_owned(), row_sha256: [0; 32], verdict: RowVerdict::Accepted(checkup) };
    let chunk = CheckupChunk {
        sender: chiyoda(),
        method: 50,
        batch_id: batch.to_owned(),
        dry_run: false,
        rows: vec![row],
        cases: Vec::new(),
    };
    outcome(Kind::BulkChunk, |conclude| store.push_checkups(attempt(), chunk, conclude)).await;
    let end = BatchEnd {
        sender: chiyoda().organization().to_string(),
        batch_id: batch.to_owned(),
        dry_run: false,
        today: date(2026, 4, 1),
        shapes: std::collections::BTreeMap::new(),
    };
    outcome(Kind::Write, |conclude| store.end_checkup_batch(attempt(), end, conclude)).await;
}

pub(crate) async fn a_mother_finds_what_names_her_now(place: Place) {
    let open = place.open().await;
    let child = enrol(&open, chiyoda(), 1).await;
    let (mother, other) = (enrol(&open, chiyoda(), 2).await, enrol(&open, chiyoda(), 3).await);
    let found = async |person| read(&open, CheckupsOf::Oneself(person)).await.at_childrens.len();
    push_childs(&open, "1", childs(1, Some(2))).await;
    assert_eq!([found(child).await, found(mother).await, found(other).await], [0, 1, 0]);
    assert_eq!(read(&open, CheckupsOf::Person(mother)).await.at_childrens, [], "only to herself");
    // The town had named the wrong mother, and then takes that back.
    push_childs(&open, "2", childs(2, Some(3))).await;
    assert_eq!([found(mother).await, found(other).await], [0, 1]);
    let undo = |conclude| {
        let key = idempotency("undo", 1);
        open.undo_checkup_batch(
            attempt(),
            key,
            chiyoda().organization().to_string(),
            "2".to_owned(),
            conclude,
        )
    };
    outcome(Kind::Write, undo).await;
    assert_eq!([found(mother).await, found(other).await], [1, 0]);
    push_childs(&open, "3", childs(3, None)).await;
    assert_eq!([found(mother).await, found(other).await], [0, 0]);
    open.close().await;
}
