//! Erasure: content goes from every table and file, places and proofs stay, holds win, and a crash finishes nothing
//! halfway.

mod files;
mod model;

pub(crate) use files::i08_receipts_roots_and_proofs_survive_erasure;

use std::sync::Arc;

use pmh_audit::{ChainBody, Kind, Leaf, Receipt, registry::Tier, tree::leaf_hash};
use pmh_store::{
    Asked, AuthStore, Concluding, Conclusion, Erasing, ErasureAsked, Filter, GatewayStore, Held, LegalHold,
    NewErasure, NewPersonSearch, Page, Released, Reply, Retained, RetentionStep, Span, SubjectRef, ToErase,
};

use crate::support::*;

/// What two people agreed on is carried out; gives the entry that says so.
async fn erase(store: &GatewayStore, what: ToErase) -> (Erasing, Option<Receipt>) {
    let erasure_id = ask(store, what).await;
    carry_out(store, &erasure_id, what).await
}

async fn ask(store: &GatewayStore, what: ToErase) -> String {
    let erasure_id = fresh("erasure");
    let request = NewErasure {
        erasure_id: erasure_id.clone(),
        requester: "operator:test-operator".to_owned(),
        lives_us: DAY_US,
        asked: ErasureAsked {
            what,
            case_reference: "case-1".to_owned(),
            ground: "個人情報保護法98条".to_owned(),
            terminal: "operator-1".to_owned(),
            certificate_sha256: [7; 32],
            operator: "op-1".to_owned(),
        },
    };
    let key = idempotency(&fresh("ask"), 1);
    outcome(Kind::Write, |c| store.request_erasure(attempt(), key, request, c)).await;
    erasure_id
}

async fn carry_out(store: &GatewayStore, erasure_id: &str, what: ToErase) -> (Erasing, Option<Receipt>) {
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let conclude = move |concluding: Concluding<'_, Erasing>| {
        let Concluding::Fresh(erasing) = concluding else { panic!("not the first time") };
        keep.send(erasing.clone()).unwrap();
        erasure_entry(&erasing, what)
    };
    let key = idempotency(&fresh("erase"), 1);
    let recorded = store.erase(attempt(), key, erasure_id.to_owned(), what, conclude).await.unwrap();
    (kept.recv().await.unwrap(), recorded.into_parts().1)
}

/// The entry of an erasure stands in the person's new list; that of a refused one in nobody's.
fn erasure_entry(erasing: &Erasing, what: ToErase) -> Conclusion<()> {
    let draft = match (erasing, what) {
        (Erasing::Done(_), ToErase::Person(person)) => draft(Kind::Erasure, Some(person)),
        (Erasing::Done(_), ToErase::Entry(_)) => draft(Kind::Erasure, None),
        _ => draft(Kind::Refusal, None),
    };
    Conclusion { reply: Reply::Answer(Vec::new()), draft: Some(draft) }
}

async fn hold(store: &GatewayStore, hold_id: &str, what: ToErase) -> (Held, u64) {
    let organization = "auditor:test-auditor".to_owned();
    let wanted = LegalHold { hold_id: hold_id.to_owned(), organization, what };
    let key = idempotency(&fresh("hold"), 1);
    let (held, receipt) = outcome(Kind::Write, |c| store.put_legal_hold(attempt(), key, wanted, c)).await;
    (held, receipt.unwrap().index)
}

async fn release(store: &GatewayStore, hold_id: &str, organization: &str) -> Released {
    let (key, id, organization) =
        (idempotency(&fresh("release"), 1), hold_id.to_owned(), organization.to_owned());
    outcome(Kind::Write, |c| store.release_legal_hold(attempt(), key, organization, id, c)).await.0
}

fn fresh(prefix: &str) -> String {
    let mut bytes = [0; 8];
    random(&mut bytes);
    format!("{prefix}-{:016x}", u64::from_be_bytes(bytes))
}

async fn hash_of(store: &GatewayStore, index: u64) -> [u8; 32] {
    leaf_hash(&leaf_at(store, index).await)
}

async fn leaf_at(store: &GatewayStore, index: u64) -> Vec<u8> {
    let page = Page { from_index: index, end_index: index + 1, limit: 1 };
    store.reader().entries(&page).await.unwrap().remove(0).leaf
}

fn indexes(erasing: &Erasing) -> Vec<u64> {
    let Erasing::Done(entries) = erasing else { panic!("{erasing:?}") };
    entries.iter().map(|entry| entry.index).collect()
}

/// A person's list as the store gives it, newest first: index, and number in the chain if the content is there.
async fn list(store: &GatewayStore, person: SubjectRef) -> Vec<(u64, Option<u64>)> {
    let chains = store.reader().chains_of_person(person).await.unwrap();
    let page = store.reader().accesses(&chains, 1 << 40, 10_000).await.unwrap();
    let tag = chains.tags()[0];
    let number = |body: &[u8]| {
        let body = ChainBody::decode(body).unwrap();
        body.links.iter().find(|link| *link.tag() == tag).unwrap().seq()
    };
    page.items.iter().map(|item| (item.index, item.chain.as_ref().map(|chain| number(&chain.body)))).collect()
}

/// Everything about a person goes, under every reference; others keep theirs; the list begins again with the erasure.
pub(crate) async fn i19_a_person_is_erased_under_every_reference(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let other = enrol(&open, chiyoda(), 2).await;
    let card = [0x77; 32];
    let mut about = vec![disclose(&open, person).await.unwrap().1.index];
    about.push(disclose(&open, card).await.unwrap().1.index);
    outcome(Kind::RegistryChange, |c| open.link_subjects(attempt(), None, vec![card], person, c)).await;
    let kept = disclose(&open, other).await.unwrap().1;
    about.push(disclose(&open, card).await.unwrap().1.index);

    let (erasing, receipt) = erase(&open, ToErase::Person(person)).await;
    assert_eq!(indexes(&erasing), about);
    let by = receipt.unwrap().index;
    for index in about {
        assert_eq!(open.reader().openings(index).await.unwrap(), None);
        assert_eq!(open.reader().erased_by(index).await.unwrap(), Some(by));
    }
    assert!(open.reader().openings(kept.index).await.unwrap().is_some(), "somebody else's");
    assert_eq!(open.reader().erased_by(kept.index).await.unwrap(), None);
    assert_eq!(list(&open, person).await, [(by, Some(1))]);
    let next = disclose(&open, person).await.unwrap().1.index;
    assert_eq!(list(&open, person).await, [(next, Some(2)), (by, Some(1))]);
    assert_eq!(list(&open, other).await.len(), 1);
    open.close().await;
}

/// One entry loses its content and keeps its place; the chain goes on under the same key, the newest entry's too.
pub(crate) async fn an_erased_entry_keeps_its_place(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let first = disclose(&open, person).await.unwrap().1.index;
    let newest = disclose(&open, person).await.unwrap().1.index;
    let (erasing, receipt) = erase(&open, ToErase::Entry(newest)).await;
    assert_eq!(indexes(&erasing), [newest]);
    let by = receipt.unwrap().index;
    assert_eq!(list(&open, person).await, [(newest, None), (first, Some(1))]);
    let next = disclose(&open, person).await.unwrap().1.index;
    assert_eq!(list(&open, person).await, [(next, Some(3)), (newest, None), (first, Some(1))]);
    let keys = place.raw().await.count("SELECT COUNT(*) FROM subject_key").await;
    assert_eq!(keys, 1, "no second key for the same person");

    assert_eq!(erase(&open, ToErase::Entry(newest)).await.0, Erasing::Before(by));
    assert_eq!(erase(&open, ToErase::Entry(1 << 40)).await.0, Erasing::Unknown);
    assert_eq!(erase(&open, ToErase::Entry(u64::MAX)).await.0, Erasing::Unknown);
    let about_nobody = by;
    assert_eq!(erase(&open, ToErase::Entry(about_nobody)).await.0, Erasing::NotErasable);
    let of_a_person = erase(&open, ToErase::Person(person)).await.1.unwrap().index;
    assert_eq!(erase(&open, ToErase::Entry(of_a_person)).await.0, Erasing::NotErasable);
    open.close().await;
}

/// A hold wins over every way to erase, names its own entry, and ends with its own organization alone.
pub(crate) async fn a_legal_hold_wins_and_says_which(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let card = [0x77; 32];
    let index = disclose(&open, person).await.unwrap().1.index;
    outcome(Kind::RegistryChange, |c| open.link_subjects(attempt(), None, vec![card], person, c)).await;
    let (held, on_person) = hold(&open, "h-person", ToErase::Person(card)).await;
    assert_eq!(held, Held::Kept);
    let (_, on_entry) = hold(&open, "h-entry", ToErase::Entry(index)).await;
    let holds = [hash_of(&open, on_person).await, hash_of(&open, on_entry).await];
    for what in [ToErase::Person(person), ToErase::Person(card), ToErase::Entry(index)] {
        let (erasing, receipt) = erase(&open, what).await;
        assert_eq!(erasing, Erasing::Held(holds.to_vec()));
        let refusal = Leaf::decode(&receipt.unwrap().leaf).unwrap();
        assert_eq!(refusal.kind, Kind::Refusal, "the refusal is an entry");
    }
    assert!(!retain_all(&open).await.contains(&index), "age changes nothing");
    assert_eq!(release(&open, "h-person", "auditor:another").await, Released::Unknown);
    assert_eq!(release(&open, "h-person", "auditor:test-auditor").await, Released::Done(holds[0]));
    assert_eq!(release(&open, "h-person", "auditor:test-auditor").await, Released::Unknown);
    assert_eq!(erase(&open, ToErase::Person(person)).await.0, Erasing::Held(vec![holds[1]]));
    assert_eq!(release(&open, "h-entry", "auditor:test-auditor").await, Released::Done(holds[1]));
    assert!(matches!(erase(&open, ToErase::Person(person)).await.0, Erasing::Done(_)));
    assert_eq!(hold(&open, "h-late", ToErase::Entry(index)).await.0, Held::Nothing);
    open.close().await;
}

/// A request is carried out once, in its time, and stays known until it is finished everywhere.
pub(crate) async fn a_request_to_erase_is_carried_out_once(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    disclose(&open, person).await.unwrap();
    let what = ToErase::Person(person);
    assert_eq!(carry_out(&open, "never-asked", what).await.0, Erasing::NotAsked);
    let (one, late) = (ask(&open, what).await, ask(&open, what).await);
    assert!(matches!(carry_out(&open, &one, what).await.0, Erasing::Done(_)));
    assert_eq!(carry_out(&open, &one, what).await.0, Erasing::NotAsked, "done before");
    place.clock.fetch_add(DAY_US, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(carry_out(&open, &late, what).await.0, Erasing::NotAsked, "ended");
    open.close().await;

    let open = place.open().await;
    let agreed = open.reader().agreed_erasures().await.unwrap();
    assert_eq!(agreed.iter().map(|request| &request.erasure_id).collect::<Vec<_>>(), [&one]);
    assert!(agreed[0].asked.what == what);
    open.forget_erasure(attempt(), one).await.unwrap();
    assert!(open.reader().agreed_erasures().await.unwrap().is_empty());
    let left = place.raw().await.count("SELECT COUNT(*) FROM erasure_request").await;
    assert_eq!(left, 0, "the one that nobody agreed to in time is gone too");
    open.close().await;
}

/// The other log's half: found by the same references, and nothing is found twice.
pub(crate) async fn the_other_log_follows(place: Place) {
    let (store, task) = place.open_auth().await;
    let person = [0x55; 32];
    note(&store, person).await;
    note(&store, person).await;
    assert_eq!(erase_there(&store, person).await.len(), 2);
    assert_eq!(store.reader().openings(0).await.unwrap(), None);
    assert!(erase_there(&store, person).await.is_empty(), "done before");
    assert!(store.clean_files(attempt()).await.unwrap());
    drop(store);
    task.await.unwrap();
}

async fn note(store: &AuthStore, person: SubjectRef) {
    let conclude = move |_: Concluding<'_, _>| Conclusion::<()> {
        reply: Reply::Answer(Vec::new()),
        draft: Some(draft(Kind::PresentationOrToken, Some(person))),
    };
    drop(store.note_credential(attempt(), [1; 32], conclude).await.unwrap().into_parts());
}

async fn erase_there(store: &AuthStore, person: SubjectRef) -> Vec<u64> {
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let conclude = move |concluding: Concluding<'_, Erasing>| {
        let Concluding::Fresh(erasing) = concluding else { panic!("not the first time") };
        let found = indexes(&erasing);
        let draft = (!found.is_empty()).then(|| draft(Kind::Erasure, None));
        keep.send(found).unwrap();
        Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft }
    };
    drop(store.erase_person(attempt(), vec![person], conclude).await.unwrap().into_parts());
    kept.recv().await.unwrap()
}

/// Age erases in bounded steps, each an entry; what is young, held, or kept by its category stays.
pub(crate) async fn age_erases_step_by_step(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let other = enrol(&open, chiyoda(), 2).await;
    for _ in 0..300 {
        disclose(&open, person).await.unwrap();
    }
    let held = disclose(&open, other).await.unwrap().1.index;
    hold(&open, "h", ToErase::Entry(held)).await;
    place.clock.fetch_add(DAY_US, std::sync::atomic::Ordering::Relaxed);
    let young = disclose(&open, person).await.unwrap().1.index;
    let before = open.reader().head().await.unwrap().0;
    let erased = retain_all(&open).await;
    assert_eq!(erased.len(), 303, "two enrolments, three hundred visits, the hold's own entry");
    assert!(!erased.contains(&held) && !erased.contains(&young));
    let after = open.reader().head().await.unwrap().0;
    assert_eq!(after - before, 2, "two steps erased something, and each is an entry");
    assert!(open.reader().openings(held).await.unwrap().is_some());
    assert!(retain_all(&open).await.is_empty(), "a second pass finds nothing");
    let list = list(&open, person).await;
    assert_eq!((list.len(), list[0]), (301, (young, Some(301))), "places stay, in their order");
    open.close().await;
}

/// A whole pass over what is older than a moment ago.
async fn retain_all(store: &GatewayStore) -> Vec<u64> {
    let (mut from, mut erased) = (0, Vec::new());
    let young_from_us = u64::try_from(START_US + DAY_US).unwrap();
    loop {
        let step = RetentionStep { from, young_from_us, is_over: Arc::new(|_| true) };
        let retained = retain(store, step).await;
        erased.extend(retained.erased.iter().map(|entry| entry.index));
        match retained.next {
            Some(next) => from = next,
            None => return erased,
        }
    }
}

async fn retain(store: &GatewayStore, step: RetentionStep) -> Retained {
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let conclude = move |concluding: Concluding<'_, Retained>| {
        let Concluding::Fresh(retained) = concluding else { panic!("not the first time") };
        let draft = (!retained.erased.is_empty()).then(|| draft(Kind::Erasure, None));
        keep.send(retained).unwrap();
        Conclusion::<()> { reply: Reply::Answer(Vec::new()), draft }
    };
    drop(store.retain(attempt(), step, conclude).await.unwrap().into_parts());
    kept.recv().await.unwrap()
}

/// An erasure hides no broken glass: what could be found by a mark before can be found by it after, in entries that the
/// index has not reached and in those that it reaches later; and a past page stays what it was.
pub(crate) async fn what_was_found_by_a_mark_is_found_after_its_erasure(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let broken = open.disclose(attempt(), None, move |_, _| {
        let mut draft = draft(Kind::Disclosure, Some(person));
        draft.actor.tier = Tier::BREAK_GLASS;
        ((), Some(draft))
    });
    let index = broken.await.unwrap().into_parts().1.unwrap().index;
    disclose(&open, person).await.unwrap();
    let end = open.reader().head().await.unwrap().0;
    assert_eq!(break_glass(&open, end).await, [index]);
    erase(&open, ToErase::Person(person)).await;
    assert_eq!(break_glass(&open, end).await, [index], "the same page as before");
    for _ in 0..256 {
        disclose(&open, person).await.unwrap();
    }
    let end = open.reader().head().await.unwrap().0;
    while let Some(index) = open.reader().search_backlog(end).await.unwrap() {
        open.index_search(attempt(), index).await.unwrap();
    }
    assert_eq!(break_glass(&open, end).await, [index]);
    open.close().await;
}

async fn break_glass(open: &Open, end: u64) -> Vec<u64> {
    let filter = Filter { break_glass: true, ..Filter::default() };
    let span = Span { from: 0, end, limit: 100, admits: &|_| true };
    let hits = open.reader().search(&filter, &span).await.unwrap();
    hits.entries.iter().map(|(stored, _)| stored.index).collect()
}

/// Questions about erased entries go with them, on either side, and so do auditors' searches for the person.
pub(crate) async fn questions_and_searches_go_with_the_person(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    crate::accesses::day(&open, person).await;
    crate::search::day(&open).await;
    let search = outcome(Kind::AuditorQuery, |c| {
        open.request_person_search(attempt(), idempotency("s", 1), search_for(person), c)
    });
    search.await;
    assert!(matches!(erase(&open, ToErase::Person(person)).await.0, Erasing::Done(_)));
    let mut raw = place.raw().await;
    for (table, column) in
        [("access_question", "entry_idx"), ("access_reader", "idx"), ("access_delay", "idx")]
    {
        let left = format!("SELECT COUNT(*) FROM {table} WHERE {column} IN (SELECT idx FROM erased)");
        assert_eq!(raw.count(&left).await, 0, "{table}");
    }
    let searches = raw.texts("SELECT search_id FROM person_search ORDER BY search_id").await;
    assert!(!searches.is_empty() && searches.iter().all(|id| id != "of-the-erased"), "{searches:?}");
    assert!(open.reader().questions("clinic:1312345678", 1 << 40, 10).await.unwrap().is_empty());
    drop(raw);
    open.close().await;
}

fn search_for(person: SubjectRef) -> NewPersonSearch {
    NewPersonSearch {
        search_id: "of-the-erased".to_owned(),
        requester: "auditor:test-auditor".to_owned(),
        lives_us: DAY_US,
        asked: Asked {
            person,
            people: Vec::new(),
            within: Vec::new(),
            case_reference: "case".to_owned(),
            ground: "ground".to_owned(),
            terminal: "auditor-1".to_owned(),
            certificate_sha256: [1; 32],
            operator: "op-1".to_owned(),
        },
    }
}

/// Every statement of this module once, for whoever looks at how they are run.
pub(crate) async fn day(store: &GatewayStore, person: SubjectRef) {
    let index = disclose(store, person).await.unwrap().1.index;
    hold(store, "of-the-day", ToErase::Person(person)).await;
    hold(store, "of-an-entry", ToErase::Entry(index)).await;
    assert!(matches!(erase(store, ToErase::Entry(index)).await.0, Erasing::Held(_)));
    for hold in ["of-the-day", "of-an-entry"] {
        release(store, hold, "auditor:test-auditor").await;
    }
    erase(store, ToErase::Entry(index)).await;
    erase(store, ToErase::Person(person)).await;
    let step = RetentionStep { from: 0, young_from_us: u64::MAX, is_over: Arc::new(|_| false) };
    retain(store, step).await;
    store.reader().erasure_request("none", START_US).await.unwrap();
    store.reader().agreed_erasures().await.unwrap();
    store.forget_erasure(attempt(), "none".to_owned()).await.unwrap();
    store.reader().erased_by(index).await.unwrap();
    assert!(store.clean_files(attempt()).await.unwrap());
}
