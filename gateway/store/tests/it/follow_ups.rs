//! Checkups as they are read: by every reference of a person, and those that ask for something until somebody closes them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use pmh_audit::{Kind, registry::Method};
use pmh_domain::{
    checkup::{
        follow_up::{CloseRefusal, Closing},
        judgement::Disposition,
        kind::CheckupKind,
        record::{Checkup, Context, RawCheckup},
        version::{SourceVersion, Standing},
    },
    resident::Sex,
};
use pmh_store::{
    ChunkRow, GatewayStore, RowVerdict, SubjectRef,
    checkup::{
        BatchEnd, BatchState, CheckupChunk, CheckupsOf, CloseOutcome, FollowUpPage, FollowUpPlace,
        NewClosing, PersonCheckups,
    },
};

use crate::{links::link, support::*};

const TODAY: Date = date(2026, 4, 1);

fn judged(resident: u8, record: &str, version: u32, disposition: Disposition) -> Checkup {
    let raw = RawCheckup {
        record_id: record.to_owned(),
        source_version: version.to_string(),
        resident_key: resident_key(resident).as_str().to_owned(),
        kind: Some(CheckupKind::Dental),
        date: "2026-03-01".to_owned(),
        disposition: Some(disposition),
        // A text that looks like a judgement is none.
        own_code: "1".to_owned(),
        own_label: "\"disposition\":\"TREATMENT\"".to_owned(),
        ..RawCheckup::default()
    };
    let known = Context { today: TODAY, birth: None, sex: Sex::Unknown };
    Checkup::validate(&raw, &known).unwrap().value
}

/// A whole accepted batch.
async fn send(store: &GatewayStore, batch: &str, checkups: Vec<Checkup>) {
    let row = |checkup: Checkup| ChunkRow {
        row_id: format!("{}-{}", checkup.record_id, checkup.source_version),
        row_sha256: [0; 32],
        verdict: RowVerdict::Accepted(checkup),
    };
    let chunk = CheckupChunk {
        sender: chiyoda(),
        method: Method::PUSH_CHECKUPS.0,
        batch_id: batch.to_owned(),
        dry_run: false,
        rows: checkups.into_iter().map(row).collect(),
        cases: Vec::new(),
    };
    outcome(Kind::BulkChunk, |conclude| store.push_checkups(attempt(), chunk, conclude)).await;
    let end = BatchEnd {
        sender: chiyoda().organization().to_string(),
        batch_id: batch.to_owned(),
        dry_run: false,
        today: TODAY,
        shapes: BTreeMap::new(),
    };
    let (ended, _) = outcome(Kind::Write, |conclude| store.end_checkup_batch(attempt(), end, conclude)).await;
    assert_eq!(ended.state, BatchState::Accepted);
}

async fn undo(store: &GatewayStore, batch: &str) {
    let (key, batch) = (idempotency(&format!("undo {batch}"), 1), batch.to_owned());
    outcome(Kind::Write, |conclude| {
        store.undo_checkup_batch(attempt(), key, chiyoda().organization().to_string(), batch, conclude)
    })
    .await;
}

async fn page(store: &GatewayStore, after: Option<FollowUpPlace>) -> FollowUpPage {
    let list = |conclude| store.list_follow_ups(attempt(), chiyoda(), after, conclude);
    outcome(Kind::Disclosure, list).await.0
}

async fn open_ones(store: &GatewayStore) -> Vec<(String, Disposition)> {
    let page = page(store, None).await;
    page.open.into_iter().map(|open| (open.checkup.record_id, open.disposition)).collect()
}

fn closing(record: &str, version: u32, closing: Closing, on: Date) -> NewClosing {
    let version = SourceVersion::parse(&version.to_string()).unwrap();
    NewClosing {
        municipality: chiyoda(),
        institution: None,
        record_id: record.to_owned(),
        version,
        closing,
        on,
    }
}

async fn close(store: &GatewayStore, key: &str, closing: NewClosing) -> CloseOutcome {
    let close = |conclude| store.close_follow_up(attempt(), idempotency(key, 1), closing, conclude);
    outcome(Kind::Write, close).await.0
}

async fn read(store: &GatewayStore, of: CheckupsOf) -> PersonCheckups {
    outcome(Kind::Disclosure, |conclude| store.read_checkups(attempt(), of, conclude)).await.0.unwrap()
}

pub(crate) async fn what_asks_for_something_is_listed_until_somebody_closes_it(place: Place) {
    use Disposition::{Nothing, Observation, Treatment};
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    send(&open, "1", vec![judged(1, "a", 1, Observation), judged(1, "b", 1, Nothing)]).await;
    assert_eq!(open_ones(&open).await, [("a".to_owned(), Observation)]);

    let resolved = |version| closing("a", version, Closing::Resolved, TODAY);
    let early = closing("a", 1, Closing::Resolved, date(2026, 2, 28));
    assert_eq!(close(&open, "early", early).await, CloseOutcome::Refused(CloseRefusal::BeforeOpened));
    assert_eq!(close(&open, "other", resolved(2)).await, CloseOutcome::OtherVersion);
    let nothing = closing("b", 1, Closing::Resolved, TODAY);
    assert_eq!(close(&open, "nothing", nothing).await, CloseOutcome::NotFound);
    assert_eq!(close(&open, "k1", resolved(1)).await, CloseOutcome::Closed(person));
    assert_eq!(close(&open, "k2", resolved(1)).await, CloseOutcome::Closed(person), "the same again");
    let declined = closing("a", 1, Closing::Declined, TODAY);
    assert_eq!(close(&open, "k3", declined).await, CloseOutcome::Refused(CloseRefusal::Closed));
    assert!(open_ones(&open).await.is_empty());

    // The same judgement reopens nothing, another does, and taking it back closes again.
    send(&open, "2", vec![judged(1, "a", 2, Observation)]).await;
    assert!(open_ones(&open).await.is_empty());
    send(&open, "3", vec![judged(1, "a", 3, Treatment)]).await;
    assert_eq!(open_ones(&open).await, [("a".to_owned(), Treatment)]);
    undo(&open, "3").await;
    assert!(open_ones(&open).await.is_empty());
    send(&open, "4", vec![judged(1, "a", 4, Treatment), judged(1, "b", 2, Treatment)]).await;
    send(&open, "5", vec![judged(1, "a", 5, Nothing)]).await;
    assert_eq!(open_ones(&open).await, [("b".to_owned(), Treatment)]);
    open.close().await;
}

pub(crate) async fn pages_of_follow_ups_pass_over_nothing(place: Place) {
    const RECORDS: u32 = 230;
    let open = place.open().await;
    enrol(&open, chiyoda(), 1).await;
    let disposition = |number| if number % 3 == 0 { Disposition::Treatment } else { Disposition::Nothing };
    // First everything asks, then two of three are amended: most candidates of a page are not open.
    let all = (0..RECORDS).map(|number| judged(1, &format!("{number:03}"), 1, Disposition::Observation));
    send(&open, "1", all.collect()).await;
    let all = (0..RECORDS).map(|number| judged(1, &format!("{number:03}"), 2, disposition(number)));
    send(&open, "2", all.collect()).await;
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = page(&open, after).await;
        found.extend(page.open.into_iter().map(|open| open.checkup.record_id));
        pages += 1;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let expected: Vec<String> = (0..RECORDS).step_by(3).map(|number| format!("{number:03}")).collect();
    assert_eq!((found, pages), (expected, 3));
    open.close().await;
}

pub(crate) async fn a_person_is_read_by_every_reference_and_a_record_that_moved_is_not(place: Place) {
    const CARD: SubjectRef = [0xCA; 32];
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    enrol(&open, chiyoda(), 2).await;
    send(&open, "1", vec![judged(1, "a", 1, Disposition::Nothing), judged(1, "b", 1, Disposition::Nothing)])
        .await;
    assert!(read(&open, CheckupsOf::Person(CARD)).await.records.is_empty());
    link(&open, &[CARD], person).await;
    let by_card = read(&open, CheckupsOf::Person(CARD)).await;
    assert_eq!((by_card.records.len(), by_card.survivor, by_card.links.len()), (2, person, 1));
    let of_resident = |number| CheckupsOf::Resident(chiyoda(), resident_key(number).as_str().to_owned());
    let by_key = read(&open, of_resident(1)).await;
    assert_eq!(by_key.records, by_card.records);
    let ids: BTreeSet<_> = by_key.records.iter().map(|kept| kept.checkup_id).collect();
    assert_eq!(ids.len(), 2);

    // The sender had mistaken the child: the later version is another's.
    send(&open, "2", vec![judged(2, "a", 2, Disposition::Nothing)]).await;
    let left = read(&open, CheckupsOf::Person(CARD)).await.records;
    assert_eq!(left.iter().map(|kept| kept.checkup.record_id.as_str()).collect::<Vec<_>>(), ["b"]);
    let moved = read(&open, of_resident(2)).await.records.remove(0);
    assert!(moved.amended && ids.contains(&moved.checkup_id), "the id stays the record's");
    let versions: Vec<_> =
        moved.versions.iter().map(|(version, standing)| (version.number(), *standing)).collect();
    assert_eq!(versions, [(1, Standing::Superseded), (2, Standing::Current)]);
    open.close().await;
}
