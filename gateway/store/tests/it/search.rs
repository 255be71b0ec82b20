//! A search is a filter over the whole log, whatever the index knows, and a past page stays what it was.

use pmh_audit::{
    Kind, Leaf, OrgRef, ShortText,
    registry::{Categories, Method, Purpose, Tier},
};
use pmh_store::{Asked, Filter, Hits, NewPersonSearch, Page, Span, StoredEntry, SubjectRef};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use tokio::task::JoinSet;

use crate::support::*;

/// What an entry is made of, as small numbers.
type Made = (usize, usize, usize, usize, u16, usize, u32, u8, usize);

/// Requester, holder, method, purpose, outcome, kind, categories, tier, case.
fn made() -> impl Strategy<Value = Made> {
    (0..4_usize, 0..4_usize, 0..3_usize, 0..4_usize, 0..3_u16, 0..3_usize, 0..4_u32, 0..12_u8, 0..3_usize)
}

const ORGANIZATIONS: [&str; 3] = ["clinic:1310310243", "municipality:132012", "auditor:test-auditor"];
const METHODS: [Method; 3] = [Method::VERIFY_ELIGIBILITY, Method::PUT_ENTITLEMENTS, Method::SEARCH_ENTRIES];
const PURPOSES: [Purpose; 4] =
    [Purpose::TREATMENT, Purpose::HEALTHCARE_PAYMENT, Purpose::BREAK_GLASS, Purpose::NONE];
const KINDS: [Kind; 3] = [Kind::Disclosure, Kind::Refusal, Kind::AuditorQuery];
const CASES: [&str; 3] = ["", "case-1", "case-2"];

fn organization(number: usize) -> Option<OrgRef> {
    ORGANIZATIONS.get(number).map(|name| OrgRef::new(name).unwrap())
}

fn draft_of(made: Made, person: Option<SubjectRef>) -> pmh_store::Draft {
    let (requester, holder, method, purpose, outcome, kind, categories, tier, case) = made;
    let mut draft = draft(KINDS[kind], person);
    draft.requester = organization(requester);
    draft.holder = organization(holder);
    draft.method = METHODS[method];
    draft.purpose = PURPOSES[purpose];
    draft.outcome = outcome;
    draft.categories = Categories::from_bits(categories);
    draft.actor.tier = if tier == 0 { Tier::BREAK_GLASS } else { Tier::FULL };
    draft.detail.consent = ShortText::new(CASES[case]).unwrap();
    draft
}

/// Which of the fields of an entry a filter wants to be the same.
fn filter() -> impl Strategy<Value = (Made, [bool; 9])> {
    (made(), prop::array::uniform9(prop::bool::weighted(0.25)))
}

fn filter_of((like, wanted): (Made, [bool; 9])) -> Filter {
    let (requester, holder, method, purpose, outcome, kind, categories, _, case) = like;
    let category = if categories & 1 == 1 { Categories::SUBSIDY } else { Categories::VACCINATION };
    Filter {
        requester: organization(requester).filter(|_| wanted[0]),
        holder: organization(holder).filter(|_| wanted[1]),
        method: wanted[2].then_some(METHODS[method]),
        purpose: wanted[3].then_some(PURPOSES[purpose]),
        outcome: wanted[4].then_some(outcome),
        kind: wanted[5].then_some(KINDS[kind]),
        categories: if wanted[6] { category } else { Categories::NONE },
        break_glass: wanted[7],
        case_reference: (wanted[8] && case > 0).then(|| CASES[case].to_owned()),
    }
}

/// The same question asked of what the entry was made from: no leaf, no index, no SQL.
fn fits(filter: &Filter, made: Made) -> bool {
    let (requester, holder, method, purpose, outcome, kind, categories, tier, case) = made;
    let is_audit = requester == 2;
    (filter.requester.is_none() || filter.requester == organization(requester))
        && (filter.holder.is_none() || filter.holder == organization(holder))
        && filter.method.is_none_or(|wanted| wanted == METHODS[method])
        && filter.purpose.is_none_or(|wanted| wanted == PURPOSES[purpose])
        && filter.outcome.is_none_or(|wanted| wanted == outcome)
        && filter.kind.is_none_or(|wanted| wanted == KINDS[kind])
        && filter.categories.bits() & categories == filter.categories.bits()
        && (!filter.break_glass || tier == 0 || PURPOSES[purpose] == Purpose::BREAK_GLASS)
        && filter.case_reference.as_deref().is_none_or(|wanted| is_audit && wanted == CASES[case])
}

/// Appends all; gives what stands at each index, in the log's order.
async fn append(store: &Open, entries: &[Made], person: Option<SubjectRef>) -> Vec<(u64, Made)> {
    let mut writing = JoinSet::new();
    for &made in entries {
        let store = store.store.clone();
        writing.spawn(async move {
            let written = store.disclose(attempt(), None, move |_, _| ((), Some(draft_of(made, person))));
            (written.await.unwrap().into_parts().1.unwrap().index, made)
        });
    }
    let mut written = writing.join_all().await;
    written.sort_unstable_by_key(|(index, _)| *index);
    written
}

async fn bring_index_up(store: &Open) -> u64 {
    let (size, _) = store.reader().head().await.unwrap();
    while let Some(index) = store.reader().search_backlog(size).await.unwrap() {
        store.index_search(attempt(), index).await.unwrap();
    }
    size
}

fn everything(_: &Leaf) -> bool {
    true
}

async fn page(store: &Open, filter: &Filter, from: u64, end: u64, limit: usize) -> Hits {
    store.reader().search(filter, &Span { from, end, limit, admits: &everything }).await.unwrap()
}

/// Every page in turn; each is as large as asked for or goes to the end of what was read.
async fn pages(store: &Open, filter: &Filter, end: u64, limit: usize) -> Vec<Vec<u64>> {
    let (mut from, mut pages) = (0, Vec::new());
    while from < end {
        let hits = page(store, filter, from, end, limit).await;
        assert!(hits.next > from, "a page that goes nowhere");
        assert!(hits.entries.len() <= limit);
        from = hits.next;
        pages.push(indexes(&hits));
    }
    pages
}

fn indexes(hits: &Hits) -> Vec<u64> {
    hits.entries.iter().map(|(entry, _)| entry.index).collect()
}

/// Any filter, any page size, before and after the log has grown and the index with it.
pub(crate) async fn a_search_is_a_filter_over_the_whole_log(place: Place) {
    let store = place.open().await;
    let mut model = Vec::new();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    for _ in 0..3 {
        let entries = prop::collection::vec(made(), 150..330).new_tree(&mut runner).unwrap().current();
        model.extend(append(&store, &entries, None).await);
        let end = bring_index_up(&store).await;
        let filters = prop::collection::vec((filter(), 5..90_usize), scaled(12, 300));
        let mut told = Vec::new();
        for (filter, limit) in filters.new_tree(&mut runner).unwrap().current() {
            let filter = filter_of(filter);
            let pages = pages(&store, &filter, end, limit).await;
            let expected: Vec<u64> =
                model.iter().filter(|(_, made)| fits(&filter, *made)).map(|(index, _)| *index).collect();
            assert_eq!(pages.concat(), expected, "{filter:?}");
            told.push((filter, limit, pages));
        }
        let more = prop::collection::vec(made(), 300).new_tree(&mut runner).unwrap().current();
        model.extend(append(&store, &more, None).await);
        bring_index_up(&store).await;
        for (filter, limit, before) in told {
            assert_eq!(pages(&store, &filter, end, limit).await, before, "a past page changed: {filter:?}");
        }
    }
    store.close().await;
}

/// The index is derived: lost rows are made again, and writing them twice is nothing.
pub(crate) async fn a_lost_index_is_made_anew(place: Place) {
    let store = place.open().await;
    let made: Vec<Made> = (0..600_u16).map(|n| (usize::from(n % 4), 3, 0, 0, n % 3, 0, 1, 1, 0)).collect();
    append(&store, &made, None).await;
    bring_index_up(&store).await;
    let mut raw = place.raw().await;
    let rows = "SELECT word || ' ' || block FROM search_block ORDER BY word, block";
    let before = raw.texts(rows).await;
    assert!(before.len() > 10);
    raw.run("DELETE FROM search_block").await.unwrap();
    bring_index_up(&store).await;
    assert_eq!(raw.texts(rows).await, before);
    drop(raw);
    store.close().await;
}

/// What a reader may not see is left out like what does not fit.
pub(crate) async fn what_is_not_admitted_is_not_found(place: Place) {
    let store = place.open().await;
    let made: Vec<Made> = (0..300).map(|n| (n % 2, 3, 0, 0, 0, 0, 1, 1, 0)).collect();
    append(&store, &made, None).await;
    let end = bring_index_up(&store).await;
    let admits = |leaf: &Leaf| leaf.requester == organization(1);
    let span = Span { from: 0, end, limit: 300, admits: &admits };
    let hits = store.reader().search(&Filter::default(), &span).await.unwrap();
    assert_eq!(hits.entries.len(), 150);
    store.close().await;
}

/// A person is found under every reference that is them, among everybody else's entries.
pub(crate) async fn a_person_is_found_under_every_reference(place: Place) {
    let store = place.open().await;
    let [one, other, stranger] = [[1; 32], [2; 32], [3; 32]];
    let link = outcome(Kind::RegistryChange, |conclude| {
        store.link_subjects(attempt(), None, vec![one, other], one, conclude)
    });
    link.await;
    let entries: Vec<Made> = (0..40).map(|n| (n % 3, 3, 0, 0, 0, 0, 1, 1, 0)).collect();
    let mut expected = append(&store, &entries, Some(one)).await;
    append(&store, &entries, Some(stranger)).await;
    expected.extend(append(&store, &entries, Some(other)).await);
    let end = bring_index_up(&store).await;

    let asked = keep(&store, "0190a8f0-0000-7000-8000-000000000001", other).await;
    assert_eq!(
        (asked.person, asked.people.as_slice()),
        (one, &[one, other][..]),
        "aliases are resolved when the request is kept"
    );
    let filter = Filter { requester: organization(1), ..Filter::default() };
    let (mut from, mut found) = (0, Vec::new());
    while from < end {
        let span = Span { from, end, limit: 7, admits: &everything };
        let hits = store.reader().search_people(&asked.people, &filter, &span).await.unwrap();
        from = hits.next;
        found.extend(indexes(&hits));
    }
    expected.retain(|(_, made)| made.0 == 1);
    assert_eq!(found, expected.iter().map(|(index, _)| *index).collect::<Vec<_>>());
    store.close().await;
}

const DAY: i64 = DAY_US;

async fn keep(store: &Open, search_id: &str, person: SubjectRef) -> Asked {
    let asked = Asked {
        person,
        people: Vec::new(),
        within: vec!["municipality:132012".to_owned()],
        case_reference: "case-1".to_owned(),
        ground: "invented".to_owned(),
        terminal: "auditor-1".to_owned(),
        certificate_sha256: [7; 32],
        operator: "op-1".to_owned(),
    };
    let request = NewPersonSearch {
        search_id: search_id.to_owned(),
        requester: "auditor:test-auditor".to_owned(),
        lives_us: DAY,
        asked,
    };
    let key = idempotency(search_id, 1);
    let (expires_us, _) = outcome(Kind::AuditorQuery, |conclude| {
        store.request_person_search(attempt(), key, request, conclude)
    })
    .await;
    let kept = store.reader().person_search(search_id, expires_us - 1).await.unwrap().unwrap();
    assert!(!kept.approved && kept.expires_us == expires_us);
    kept.asked
}

pub(crate) async fn a_person_search_is_approved_once_and_ends(place: Place) {
    let store = place.open().await;
    let id = "0190a8f0-0000-7000-8000-000000000002";
    keep(&store, id, [1; 32]).await;
    let approve = async |key: &str| {
        let (store, key, id) = (&store, idempotency(key, 2), id.to_owned());
        outcome(Kind::AuditorQuery, |conclude| store.approve_person_search(attempt(), key, id, conclude))
            .await
            .0
    };
    assert!(approve("a").await);
    assert!(!approve("b").await, "approved before");
    let now = place.clock.load(std::sync::atomic::Ordering::Relaxed);
    assert!(store.reader().person_search(id, now).await.unwrap().unwrap().approved);
    assert!(store.reader().person_search(id, now + DAY).await.unwrap().is_none(), "ended");
    place.clock.fetch_add(DAY, std::sync::atomic::Ordering::Relaxed);
    assert!(!approve("c").await, "ended");
    let mut raw = place.raw().await;
    let bodies = raw.texts("SELECT search_id FROM person_search").await;
    assert_eq!(bodies.len(), 1);
    drop(raw);
    store.close().await;
}

/// Parts open until they are erased, and then say so.
pub(crate) async fn erased_parts_are_told_from_absent_ones(place: Place) {
    let store = place.open().await;
    append(&store, &[(0, 0, 0, 0, 0, 0, 0, 0, 0)], Some([1; 32])).await;
    let opened = store.reader().openings(0).await.unwrap().unwrap();
    let page = Page { from_index: 0, end_index: 1, limit: 1 };
    let StoredEntry { leaf, .. } = store.reader().entries(&page).await.unwrap().remove(0);
    let leaf = Leaf::decode(&leaf).unwrap();
    for (part, opening) in pmh_audit::Part::ALL.into_iter().zip(&opened) {
        assert!(opening.opens(part, leaf.commitment(part)), "{part}");
    }
    let mut raw = place.raw().await;
    raw.run("DELETE FROM subject_key").await.unwrap();
    assert_eq!(store.reader().openings(0).await.unwrap(), None);
    raw.run("DELETE FROM audit_part").await.unwrap();
    assert_eq!(store.reader().openings(0).await.unwrap(), None);
    drop(raw);
    store.close().await;
}

/// Every statement of this module once, for whoever looks at how they are run.
pub(crate) async fn day(store: &Open) {
    append(store, &vec![(2, 0, 0, 0, 0, 2, 0, 0, 1); 300], Some([1; 32])).await;
    let end = bring_index_up(store).await;
    let case_reference = Some(CASES[1].to_owned());
    for filter in [Filter::default(), Filter { case_reference, break_glass: true, ..Filter::default() }] {
        assert!(!pages(store, &filter, end, 90).await.concat().is_empty());
    }
    store.reader().first_at(START_US, end).await.unwrap();
    let id = "0190a8f0-0000-7000-8000-000000000003";
    let asked = keep(store, id, [1; 32]).await;
    let span = Span { from: 0, end, limit: 9, admits: &everything };
    store.reader().search_people(&asked.people, &Filter::default(), &span).await.unwrap();
    outcome(Kind::AuditorQuery, |conclude| {
        store.approve_person_search(attempt(), idempotency("approve-of-the-day", 1), id.to_owned(), conclude)
    })
    .await;
    store.reader().openings(0).await.unwrap();
}
