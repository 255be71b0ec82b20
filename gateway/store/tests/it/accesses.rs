//! "Who looked at my data?": one chain per audience, each complete by itself, whatever the order of events.

use std::collections::{BTreeMap, BTreeSet};

use pmh_audit::{ChainBody, Kind, part::Audience};
use pmh_store::{
    AccessItem, Answered, Chains, EntrySubject, GatewayStore, GuardianChange, Question, Questioned, ReadBy,
    Recorded, Reply, Scan, SubjectRef,
};
use tokio::task::JoinSet;

use crate::support::*;

const TODAY: &str = "2026-04-01";

fn relation(child: SubjectRef, guardian: SubjectRef, ended: bool) -> GuardianChange {
    let issuer = "municipality:131016".to_owned();
    GuardianChange { child, guardian, issuer, until: "2041-05-05".to_owned(), ended }
}

/// Begins or ends a guardian's list; gives the index of the entry that did, if one was needed.
async fn put(store: &GatewayStore, change: GuardianChange) -> Option<u64> {
    let child = change.child;
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let conclude = move |concluding: pmh_store::Concluding<'_, bool>| {
        let pmh_store::Concluding::Fresh(changed) = concluding else { panic!("not the first time") };
        keep.send(changed).unwrap();
        let draft = changed.then(|| draft(Kind::RegistryChange, Some(child)));
        pmh_store::Conclusion { reply: Reply::<()>::Answer(Vec::new()), draft }
    };
    let (_, receipt) = store.put_guardian(attempt(), change, conclude).await.unwrap().into_parts();
    let changed = kept.try_recv().unwrap();
    assert_eq!(receipt.is_some(), changed, "what is known already needs no entry");
    receipt.map(|receipt| receipt.index)
}

/// A look at a list: read, recorded, and the look's own index.
async fn look(store: &GatewayStore, chains: &Chains, about: SubjectRef) -> (Vec<AccessItem>, u64) {
    let (size, _) = store.reader().head().await.unwrap();
    let page = store.reader().accesses(chains, size, 10_000).await.unwrap();
    assert_eq!(page.next, None);
    let also = chains.also().to_vec();
    let conclude = move |_: pmh_store::Concluding<'_, ()>| {
        let mut draft = draft(Kind::CitizenQuery, Some(about));
        draft.subject = Some(EntrySubject { reference: about, sub: "s".to_owned(), also: also.clone() });
        pmh_store::Conclusion { reply: Reply::<()>::Answer(Vec::new()), draft: Some(draft) }
    };
    let recorded: Recorded<Reply<()>> = store.note_access(attempt(), chains, conclude).await.unwrap();
    let (_, receipt) = recorded.into_parts();
    let index = receipt.unwrap().index;
    let own = store.reader().chain_of(index).await.unwrap().unwrap();
    for (tag, newest) in chains.tags().iter().zip(&page.newest) {
        let items: Vec<&AccessItem> = page.items.iter().filter(|item| has(item, tag)).collect();
        let mut expected = link(&own.body, tag);
        assert_eq!(expected.0, newest + 1);
        for item in items {
            let (seq, previous) = link(&item.chain.as_ref().unwrap().body, tag);
            assert_eq!((seq, Some(item.leaf_hash)), (expected.0 - 1, expected.1), "entry {}", item.index);
            expected = (seq, previous);
        }
        assert_eq!(expected, (1, None), "down to number 1");
    }
    (page.items, index)
}

fn has(item: &AccessItem, tag: &[u8; 32]) -> bool {
    let body = ChainBody::decode(&item.chain.as_ref().unwrap().body).unwrap();
    body.links.iter().any(|link| link.tag() == tag)
}

fn link(body: &[u8], tag: &[u8; 32]) -> (u64, Option<[u8; 32]>) {
    let body = ChainBody::decode(body).unwrap();
    let link = body.links.iter().find(|link| link.tag() == tag).expect("a link of this tag");
    (link.seq(), link.previous().copied())
}

fn indexes(items: &[AccessItem]) -> Vec<u64> {
    items.iter().map(|item| item.index).collect()
}

/// Entries are made while those before them are committed, on chains that an operation in between may make forgotten,
/// and beside operations that fail.
async fn i22_every_list_is_complete_however_callers_crowd(place: Place) {
    let open = place.open().await;
    let guardian = enrol(&open, chiyoda(), 9).await;
    let mut told: BTreeMap<SubjectRef, BTreeSet<u64>> = BTreeMap::new();
    for number in 1..=6 {
        told.insert(enrol(&open, chiyoda(), number).await, BTreeSet::new());
    }
    let children: Vec<SubjectRef> = told.keys().copied().collect();
    for _ in 0..scaled(16, 160) {
        let mut callers = JoinSet::new();
        for _ in 0..40 {
            let (store, children) = (open.store.clone(), children.clone());
            callers.spawn(async move {
                let mut entered = Vec::new();
                for _ in 0..8 {
                    let mut dice = [0; 2];
                    random(&mut dice);
                    let child = children[usize::from(dice[0]) % children.len()];
                    entered.push((child, one_of_a_crowd(&store, child, guardian, dice[1]).await));
                }
                entered
            });
        }
        for (child, index) in callers.join_all().await.into_iter().flatten() {
            told.get_mut(&child).unwrap().extend(index);
        }
    }
    for (child, told) in told {
        let chains = open.reader().chains_of_person(child).await.unwrap();
        let (items, _) = look(&open, &chains, child).await;
        assert_eq!(indexes(&items), told.into_iter().rev().collect::<Vec<_>>());
        if let Some(chains) = open.reader().chains_of_guardian(child, guardian, TODAY).await.unwrap() {
            look(&open, &chains, child).await;
        }
    }
    let mut scan = Scan::begin(open.reader().clone()).await.unwrap();
    while scan.step(1_000).await.unwrap() {}
    assert_eq!(scan.defects(), []);
    open.close().await;
}

#[test]
fn i22_every_list_is_complete_however_callers_crowd_on_sqlite() {
    on_sqlite(i22_every_list_is_complete_however_callers_crowd);
}

#[test]
fn i22_every_list_is_complete_however_callers_crowd_on_postgres() {
    on_postgres(i22_every_list_is_complete_however_callers_crowd);
}

/// The index of what was entered about the child.
async fn one_of_a_crowd(
    store: &GatewayStore,
    child: SubjectRef,
    guardian: SubjectRef,
    dice: u8,
) -> Option<u64> {
    match dice % 64 {
        0..=3 => put(store, relation(child, guardian, dice >= 128)).await,
        4..=5 => {
            enrol(store, tokyo(), 1).await;
            None
        }
        // The codec refuses a name so long, after the chain has taken it.
        6..=8 => {
            let mut unwritable = draft(Kind::Disclosure, Some(child));
            unwritable.subject.as_mut().unwrap().sub = "x".repeat(70_000);
            let refused = store.disclose(attempt(), Some(child), move |_, _| ((), Some(unwritable.clone())));
            assert!(refused.await.is_err());
            None
        }
        _ => Some(disclose(store, child).await.unwrap().1.index),
    }
}

/// What one guardian's list should hold, told by a few lines of Rust.
#[derive(Default, Clone)]
struct Expected {
    in_force: bool,
    entries: Vec<u64>,
}

async fn i22_every_list_is_complete_whatever_the_order(place: Place) {
    let open = place.open().await;
    let child = enrol(&open, chiyoda(), 1).await;
    let guardians = [enrol(&open, chiyoda(), 2).await, enrol(&open, chiyoda(), 3).await];
    let mut model = [Expected::default(), Expected::default()];
    let mut of_child: Vec<u64> = Vec::new();
    let mut word = [0; 1];
    for _ in 0..scaled(120, 3_000) {
        random(&mut word);
        let who = usize::from(word[0] >> 7);
        let mut ends = None;
        let about = match word[0] % 8 {
            0..=3 => Some(disclose(&open, child).await.unwrap().1.index),
            4 => put(&open, relation(child, guardians[who], false))
                .await
                .inspect(|_| model[who].in_force = true),
            5 => put(&open, relation(child, guardians[who], true)).await.inspect(|_| ends = Some(who)),
            6 => {
                let chains = open.reader().chains_of_person(child).await.unwrap();
                let (items, own) = look(&open, &chains, child).await;
                assert_eq!(indexes(&items), of_child.iter().rev().copied().collect::<Vec<_>>());
                Some(own)
            }
            _ => {
                let chains = open.reader().chains_of_guardian(child, guardians[who], TODAY).await.unwrap();
                assert_eq!(chains.is_some(), model[who].in_force);
                match chains {
                    None => None,
                    Some(chains) => {
                        let (items, own) = look(&open, &chains, child).await;
                        let expected: Vec<u64> = model[who].entries.iter().rev().copied().collect();
                        assert_eq!(indexes(&items), expected);
                        Some(own)
                    }
                }
            }
        };
        let Some(index) = about else { continue };
        of_child.push(index);
        for guardian in model.iter_mut().filter(|guardian| guardian.in_force) {
            guardian.entries.push(index);
        }
        if let Some(who) = ends {
            // The entry that ends a list is its last.
            model[who].in_force = false;
        }
    }
    open.close().await;
}

#[test]
fn i22_every_list_is_complete_whatever_the_order_on_sqlite() {
    on_sqlite(i22_every_list_is_complete_whatever_the_order);
}

#[test]
fn i22_every_list_is_complete_whatever_the_order_on_postgres() {
    on_postgres(i22_every_list_is_complete_whatever_the_order);
}

async fn a_guardian_is_one_audience_under_whichever_reference(place: Place) {
    let open = place.open().await;
    let child = enrol(&open, chiyoda(), 1).await;
    let mother = enrol(&open, chiyoda(), 2).await;
    put(&open, relation(child, mother, false)).await.unwrap();
    let (card, mothers_card) = ([0x77; 32], [0x78; 32]);
    outcome(Kind::RegistryChange, |c| open.link_subjects(attempt(), None, vec![card], child, c)).await;
    outcome(Kind::RegistryChange, |c| open.link_subjects(attempt(), None, vec![mothers_card], mother, c))
        .await;
    let visit = disclose(&open, card).await.unwrap().1.index;
    let chains = open.reader().chains_of_guardian(card, mothers_card, TODAY).await.unwrap().unwrap();
    let (items, _) = look(&open, &chains, card).await;
    assert_eq!(items[0].index, visit, "an entry about the card's reference is about the child");
    let body = ChainBody::decode(&items[0].chain.as_ref().unwrap().body).unwrap();
    let audiences: Vec<Audience> = body.links.iter().map(pmh_audit::part::ChainLink::audience).collect();
    assert_eq!(audiences, [Audience::Person, Audience::Guardian]);
    assert!(open.reader().chains_of_guardian(card, mothers_card, "2041-05-06").await.unwrap().is_none());
    open.close().await;
}

#[test]
fn a_guardian_is_one_audience_under_whichever_reference_on_sqlite() {
    on_sqlite(a_guardian_is_one_audience_under_whichever_reference);
}

#[test]
fn a_guardian_is_one_audience_under_whichever_reference_on_postgres() {
    on_postgres(a_guardian_is_one_audience_under_whichever_reference);
}

/// The whole relation within one batch: its entries are those between its first and its last.
#[test]
fn a_list_begins_and_ends_within_one_batch() {
    on_sqlite(async |place| {
        let open = place.open().await;
        let child = enrol(&open, chiyoda(), 1).await;
        let mother = enrol(&open, chiyoda(), 2).await;
        let before = disclose(&open, child);
        let began = put(&open, relation(child, mother, false));
        let between = disclose(&open, child);
        let (before, began, between) = tokio::join!(before, began, between);
        let (before, began) = (before.unwrap().1.index, began.unwrap());
        let between = between.unwrap().1.index;
        let chains = open.reader().chains_of_guardian(child, mother, TODAY).await.unwrap().unwrap();
        let (items, _) = look(&open, &chains, child).await;
        let expected: Vec<u64> =
            [between, began, before].into_iter().filter(|index| *index >= began).collect();
        assert_eq!(indexes(&items), expected);
        let ended = put(&open, relation(child, mother, true));
        let after = disclose(&open, child);
        let (ended, after) = tokio::join!(ended, after);
        put(&open, relation(child, mother, false)).await.unwrap();
        let (items, _) = look(&open, &chains, child).await;
        assert!(indexes(&items).contains(&ended.unwrap()));
        assert!(!indexes(&items).contains(&after.unwrap().1.index));
        open.close().await;
    });
}

async fn a_delay_is_kept_changed_and_only_about_entries_of_persons(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let index = disclose(&open, person).await.unwrap().1.index;
    let delay = async |index, until_us| {
        let ground = "個人情報保護法78条1項".to_owned();
        let key = idempotency(&format!("{index} {until_us}"), 1);
        let put = |c| open.put_access_delay(attempt(), key, (index, until_us), ground, c);
        outcome(Kind::KeyOrPolicyChange, put).await.0
    };
    assert!(delay(index, START_US + DAY_US).await);
    assert!(!delay(0, START_US + DAY_US).await, "a bulk chunk is about nobody");
    assert!(!delay(1 << 40, START_US + DAY_US).await);
    let chains = open.reader().chains_of_person(person).await.unwrap();
    let (items, _) = look(&open, &chains, person).await;
    let found = items[0].delay.as_ref().unwrap();
    assert_eq!((found.0, found.1.as_str()), (START_US + DAY_US, "個人情報保護法78条1項"));
    assert!(delay(index, START_US + 2 * DAY_US).await);
    let (items, own) = look(&open, &chains, person).await;
    assert_eq!((items[0].reader, items[1].reader), (ReadBy::Oneself, ReadBy::Nobody));
    assert_eq!(items[1].delay.as_ref().unwrap().0, START_US + 2 * DAY_US);
    // What is withheld cannot be questioned, one's own look can.
    assert_eq!(ask(&open, &chains, person, index, "q1").await, Questioned::NotListed);
    assert!(matches!(ask(&open, &chains, person, own, "q2").await, Questioned::Kept { .. }));
    open.close().await;
}

/// One of everything, for those who look at the statements.
pub(crate) async fn day(open: &GatewayStore, child: SubjectRef) {
    let guardian = [0x66; 32];
    put(open, relation(child, guardian, false)).await.unwrap();
    let chains = open.reader().chains_of_guardian(child, guardian, TODAY).await.unwrap().unwrap();
    let (items, own) = look(open, &chains, child).await;
    assert!(matches!(ask(open, &chains, child, own, "day").await, Questioned::Kept { .. }));
    let organization = "clinic:1312345678".to_owned();
    open.reader().questions(&organization, 1 << 40, 10).await.unwrap();
    let answer = |c| {
        let key = idempotency("day-answer", 1);
        open.answer_question(attempt(), key, organization.clone(), "day".to_owned(), "はい。".to_owned(), c)
    };
    assert!(matches!(outcome(Kind::Write, answer).await.0, Answered::Kept { .. }));
    let delay = |c| {
        let (key, what) = (idempotency("day-delay", 1), (items[0].index, START_US));
        open.put_access_delay(attempt(), key, what, "x".to_owned(), c)
    };
    outcome(Kind::KeyOrPolicyChange, delay).await;
    assert_eq!(open.reader().relations_of(child).await.unwrap().len(), 1);
    let person = open.reader().chains_of_person(child).await.unwrap();
    look(open, &person, child).await;
}

async fn ask(
    open: &GatewayStore,
    chains: &Chains,
    subject: SubjectRef,
    index: u64,
    question_id: &str,
) -> Questioned {
    let question = Question {
        question_id: question_id.to_owned(),
        index,
        subject,
        reason: 1,
        text: "なぜですか。".to_owned(),
        time_us: 30 * DAY_US,
    };
    let key = idempotency(question_id, 1);
    let put = |c| open.question_access(attempt(), key, chains.clone(), question, c);
    outcome(Kind::CitizenQuery, put).await.0
}

#[test]
fn a_delay_is_kept_changed_and_only_about_entries_of_persons_on_sqlite() {
    on_sqlite(a_delay_is_kept_changed_and_only_about_entries_of_persons);
}

#[test]
fn a_delay_is_kept_changed_and_only_about_entries_of_persons_on_postgres() {
    on_postgres(a_delay_is_kept_changed_and_only_about_entries_of_persons);
}

async fn a_question_is_sealed_and_answered_once(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let index = disclose(&open, person).await.unwrap().1.index;
    let chains = open.reader().chains_of_person(person).await.unwrap();
    let Questioned::Kept { due_us, organization, .. } = ask(&open, &chains, person, index, "q1").await else {
        panic!("not kept")
    };
    assert_eq!((due_us, organization.as_str()), (START_US + 30 * DAY_US, "clinic:1312345678"));
    assert_eq!(ask(&open, &chains, person, index, "q2").await, Questioned::AskedBefore);
    let found = open.reader().questions(&organization, 1 << 40, 10).await.unwrap();
    let [question] = found.as_slice() else { panic!("{} questions", found.len()) };
    assert_eq!(
        (question.text.as_str(), question.sub.as_str(), question.index),
        ("なぜですか。", "pairwise-subject", index)
    );
    assert!(open.reader().questions("clinic:1319999999", 1 << 40, 10).await.unwrap().is_empty());
    let reply = async |organization: &str, key: &str| {
        let (organization, id) = (organization.to_owned(), "q1".to_owned());
        let text = "確認しました。".to_owned();
        let put = |c| open.answer_question(attempt(), idempotency(key, 1), organization, id, text, c);
        outcome(Kind::Write, put).await.0
    };
    assert!(reply("clinic:1319999999", "a0").await == Answered::Unknown);
    assert!(matches!(reply(&organization, "a1").await, Answered::Kept { subject, .. } if subject == person));
    assert!(reply(&organization, "a2").await == Answered::AnsweredBefore);
    let size = open.reader().head().await.unwrap().0;
    let page = open.reader().accesses(&chains, size, 100).await.unwrap();
    let state = page.items.iter().find(|item| item.index == index).unwrap().question.clone().unwrap();
    assert_eq!((state.answer.as_str(), state.answered_us), ("確認しました。", START_US));
    let mut raw = place.raw().await;
    let hex = if place.is_sqlite() { "hex" } else { "encode" };
    let (tail, word) = if place.is_sqlite() { ("", "E381AAE3819C") } else { (", 'hex'", "e381aae3819c") };
    let stored =
        raw.texts(&format!("SELECT {hex}(question{tail}) || {hex}(answer{tail}) FROM access_question")).await;
    assert!(!stored.is_empty() && stored.iter().all(|text| !text.contains(word)), "a text in the clear");
    open.close().await;
}

#[test]
fn a_question_is_sealed_and_answered_once_on_sqlite() {
    on_sqlite(a_question_is_sealed_and_answered_once);
}

#[test]
fn a_question_is_sealed_and_answered_once_on_postgres() {
    on_postgres(a_question_is_sealed_and_answered_once);
}
