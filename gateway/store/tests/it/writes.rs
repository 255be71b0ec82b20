//! Writes: repeated, at once, in order, published, forgotten.

use std::sync::atomic::Ordering;

use pmh_audit::Kind;
use pmh_domain::{codes::LawNumber, resident::RestrictionKind};
use pmh_store::{
    Concluding, Conclusion, Fault, GatewayStore, Recorded, RegistryChange, Released, Reply, ResidentChange,
};

use tokio::task::JoinSet;

use crate::support::*;

async fn enrol_clinic(
    store: &GatewayStore,
    key: &str,
    request: u8,
    answer: &'static [u8],
) -> Result<Recorded<Reply<&'static str>>, Fault> {
    let change = RegistryChange::PutOrganization {
        id: "clinic:1312345678".to_owned(),
        name: "試験医院".to_owned(),
    };
    store
        .change_registry(attempt(), Some(idempotency(key, request)), change, move |concluding| {
            match concluding {
                Concluding::Fresh(changed) => {
                    assert!(changed.is_some());
                    Conclusion {
                        reply: Reply::Answer(answer.to_vec()),
                        draft: Some(draft(Kind::RegistryChange, None)),
                    }
                }
                Concluding::Replay(first) => Conclusion {
                    reply: Reply::Answer(first.to_vec()),
                    draft: Some(draft(Kind::Replay, None)),
                },
                Concluding::KeyReused => Conclusion {
                    reply: Reply::Refused("key reused"),
                    draft: Some(draft(Kind::Refusal, None)),
                },
            }
        })
        .await
}

fn told(recorded: Recorded<Reply<&'static str>>) -> (Result<Vec<u8>, &'static str>, Kind) {
    let (reply, receipt) = recorded.into_parts();
    let kind = verify(&receipt.unwrap()).leaf.kind;
    match reply {
        Reply::Answer(answer) => (Ok(answer), kind),
        Reply::Refused(why) => (Err(why), kind),
    }
}

pub(crate) async fn a_repeated_write_returns_the_first_answer(place: Place) {
    let open = place.open().await;
    let first = told(enrol_clinic(&open, "k", 1, b"first").await.unwrap());
    assert_eq!(first, (Ok(b"first".to_vec()), Kind::RegistryChange));
    let version = open.registry().borrow().version;
    let again = told(enrol_clinic(&open, "k", 1, b"second").await.unwrap());
    assert_eq!(again, (Ok(b"first".to_vec()), Kind::Replay));
    let other = told(enrol_clinic(&open, "k", 2, b"third").await.unwrap());
    assert_eq!(other, (Err("key reused"), Kind::Refusal));
    assert_eq!(open.registry().borrow().version, version, "a replay changed something");
    open.close().await;

    let open = place.open().await;
    assert_eq!(told(enrol_clinic(&open, "k", 1, b"x").await.unwrap()).0, Ok(b"first".to_vec()));
    place.clock.fetch_add(7 * DAY_US, Ordering::Relaxed);
    assert_eq!(told(enrol_clinic(&open, "k", 2, b"later").await.unwrap()).0, Ok(b"later".to_vec()));
    // The answer is kept, but not so that a reader of the file could read it.
    let mut raw = place.raw().await;
    let plain = if place.is_sqlite() { "hex(answer)" } else { "upper(encode(answer, 'hex'))" };
    let stored = raw.texts(&format!("SELECT {plain} FROM idempotency")).await;
    assert!(!stored[0].contains("6C61746572"));
    open.close().await;
}

pub(crate) async fn two_writes_with_one_key_at_once_have_one_effect(place: Place) {
    let open = place.open().await;
    let mut raw = place.raw().await;
    raw.hold().await;
    let (one, two) = (open.store.clone(), open.store.clone());
    let one = tokio::spawn(async move { enrol_clinic(&one, "k", 1, b"one").await });
    let two = tokio::spawn(async move { enrol_clinic(&two, "k", 1, b"two").await });
    eventually("both wait", async || open.waiting() == 2).await;
    raw.release().await;
    let (one, two) = (told(one.await.unwrap().unwrap()), told(two.await.unwrap().unwrap()));
    assert_eq!(one.0, two.0);
    let mut kinds = [one.1, two.1];
    kinds.sort_by_key(|kind| u8::from(*kind));
    assert_eq!(kinds, [Kind::RegistryChange, Kind::Replay]);
    open.close().await;
}

/// A write and the reads around it, all in one batch: the read before does not
/// see it, the read behind does.
pub(crate) async fn operations_of_a_batch_see_each_other_in_order(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (began, has_begun) = std::sync::mpsc::channel::<()>();
    let store = open.store.clone();
    let first = tokio::spawn(async move {
        let waits = move |_: &_, _: &_| {
            let _ = began.send(());
            let _ = wait.recv();
            ((), None)
        };
        store.disclose(attempt(), None, waits).await.map(drop)
    });
    // Its batch takes nobody else any more.
    tokio::task::block_in_place(|| has_begun.recv()).unwrap();
    let restrict = outcome(Kind::Write, |conclude| {
        let change = ResidentChange::Restrict(RestrictionKind::Protective, false);
        let key = resident_key(1).as_str().to_owned();
        open.change_resident(attempt(), idempotency("r", 1), chiyoda(), key, change, conclude)
    });
    let enrol = outcome(Kind::RegistryChange, |conclude| {
        let change = RegistryChange::PutOrganization { id: "app:a".to_owned(), name: "A".to_owned() };
        open.change_registry(attempt(), None, change, conclude)
    });
    // Polled in this order, so they stand in the queue in this order before the first may end.
    let (before, restricted, enrolled, after, ()) = tokio::join!(
        biased;
        disclose(&open, person),
        restrict,
        enrol,
        disclose(&open, person),
        async { drop(go) },
    );
    first.await.unwrap().unwrap();
    let (before, after) = (before.unwrap(), after.unwrap());
    assert!(!before.0.facts.links[0].protective);
    assert!(before.0.registry.organizations.is_empty());
    assert!(after.0.facts.links[0].protective);
    assert!(after.0.registry.organizations.contains_key("app:a"));
    let indexes = [before.1.index, restricted.1.unwrap().index, enrolled.1.unwrap().index, after.1.index];
    assert!(indexes.is_sorted());
    assert_eq!(before.1.tree_size, after.1.tree_size, "not one batch");
    open.close().await;
}

pub(crate) async fn a_decision_behind_background_work_has_its_facts(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let mut raw = place.raw().await;
    raw.hold().await;
    // Of one lane with the decision, so that it is surely before it, and about nobody. Nothing is remembered of the
    // person: the enrolment made everything forgotten.
    let nothing =
        |_: Concluding<'_, Released>| Conclusion::<()> { reply: Reply::Answer(vec![]), draft: None };
    let (released, answered, ()) = tokio::join!(
        biased;
        open.release_legal_hold(attempt(), idempotency("h", 1), "auditor:a".to_owned(), "none".to_owned(), nothing),
        disclose(&open, person),
        raw.release(),
    );
    drop(released.unwrap().into_parts());
    assert_eq!(answered.unwrap().0.facts.links.len(), 1);
    open.close().await;
}

/// Decisions are made ahead, on what the batch under way will leave behind. Here that batch always fails: its write is
/// undone, and no answer may know of it.
pub(crate) async fn nobody_is_answered_from_a_write_that_was_undone(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let mut raw = place.raw().await;
    raw.run(if place.is_sqlite() { NO_ENTRY_BESIDE_SQLITE } else { NO_ENTRY_BESIDE_POSTGRES }).await.unwrap();
    for round in 0..scaled(20, 400) {
        let mut callers = JoinSet::new();
        for _ in 0..40 {
            let store = open.store.clone();
            callers.spawn(async move { disclose(&store, person).await });
        }
        let key = format!("r{round}");
        let resident = resident_key(1).as_str().to_owned();
        let change = ResidentChange::Restrict(RestrictionKind::Protective, false);
        let conclude = |_: Concluding<'_, _>| Conclusion::<()> {
            reply: Reply::Answer(vec![]),
            draft: Some(draft(Kind::Write, None)),
        };
        let restricted =
            open.change_resident(attempt(), idempotency(&key, 1), chiyoda(), resident, change, conclude);
        assert!(matches!(restricted.await, Err(Fault::Unavailable(_))));
        for answer in callers.join_all().await {
            assert!(!answer.unwrap().0.facts.links[0].protective, "decided on what never was");
        }
    }
    open.close().await;
}

const NO_ENTRY_BESIDE_SQLITE: &str = "
    CREATE TRIGGER no_entry BEFORE INSERT ON log_entry
        WHEN EXISTS (SELECT 1 FROM resident_link WHERE restriction <> 0)
        BEGIN SELECT RAISE(ABORT, 'no'); END;";
const NO_ENTRY_BESIDE_POSTGRES: &str = "
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM resident_link WHERE restriction <> 0) THEN RAISE EXCEPTION 'no'; END IF;
            RETURN NEW;
        END $$;
    CREATE TRIGGER no_entry BEFORE INSERT ON log_entry FOR EACH ROW EXECUTE FUNCTION refuse();";

pub(crate) async fn a_directory_change_is_published_when_it_is_committed(place: Place) {
    let open = place.open().await;
    let registry = open.registry();
    assert_eq!(registry.borrow().version, 1);
    enrol_clinic(&open, "k", 1, b"").await.map(drop).unwrap();
    assert_eq!(registry.borrow().organizations["clinic:1312345678"].name, "試験医院");
    let suspend = |suspended| RegistryChange::Suspend { id: "clinic:1312345678".to_owned(), suspended };
    let change = async |change| {
        outcome(Kind::RegistryChange, |conclude| open.change_registry(attempt(), None, change, conclude))
            .await
            .0
    };
    assert!(change(suspend(true)).await.is_some());
    assert!(registry.borrow().organizations["clinic:1312345678"].suspended);
    // A later enrolment renames; it does not resume.
    enrol_clinic(&open, "k2", 1, b"").await.map(drop).unwrap();
    assert!(registry.borrow().organizations["clinic:1312345678"].suspended);
    let version = registry.borrow().version;
    let unknown = RegistryChange::Suspend { id: "clinic:0".to_owned(), suspended: true };
    assert_eq!(change(unknown).await, None);

    let law_no = LawNumber::parse("54").unwrap();
    let advance = |as_of_us| RegistryChange::AdvanceWatermark { issuer: tokyo(), law_no, as_of_us };
    assert!(change(advance(5)).await.is_some());
    assert_eq!(change(advance(4)).await, None, "a watermark does not move back");
    assert!(change(advance(5)).await.is_some());
    assert_eq!(registry.borrow().watermarks[&(tokyo(), law_no)], 5);
    assert_eq!(registry.borrow().version, version + 2);
    open.close().await;
    assert_eq!(place.open().await.registry().borrow().version, version + 2);
}

pub(crate) async fn expired_rows_go_by_themselves(place: Place) {
    let open = place.open().await;
    enrol_clinic(&open, "k", 1, b"").await.map(drop).unwrap();
    enrol(&open, chiyoda(), 1).await;
    let mut raw = place.raw().await;
    let rows = "SELECT (SELECT COUNT(*) FROM idempotency) + (SELECT COUNT(*) FROM bulk_row)";
    assert_eq!(raw.count(rows).await, 2);
    place.clock.fetch_add(7 * DAY_US, Ordering::Relaxed);
    eventually("expired rows are deleted", async || raw.count(rows).await == 0).await;
    open.close().await;
}
