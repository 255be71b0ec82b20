//! Cards, persons and presences.

use pmh_audit::Kind;
use pmh_store::{
    Admission, Admitted, AuthStore, LinkOutcome, Minted, Person, PresenceRow, PresenceUpdate, Relation,
    RenewalOutcome,
};

use crate::support::*;

fn presence(number: u8) -> PresenceRow {
    PresenceRow {
        handle_hash: [number; 32],
        pres_id: [number; 16],
        organization: "clinic:1312345678".to_owned(),
        holder: [0; 16],
        person: [0; 16],
        body: "{}".to_owned(),
        until_us: START_US + DAY_US,
        ended: false,
    }
}

/// The `number`-th presentation, of a card.
fn admission(number: u8, card: u8) -> Admission {
    Admission {
        nonce_hash: [number; 32],
        nonce_expires_us: START_US + DAY_US,
        cred_hash: [card; 32],
        not_after_us: START_US + 365 * DAY_US,
        new_person: [card; 16],
        act_for: None,
        today: "2026-04-01".to_owned(),
        presence: presence(number),
    }
}

async fn admit(store: &AuthStore, admission: Admission) -> Admitted {
    outcome(Kind::PresentationOrToken, |conclude| store.admit(attempt(), admission, conclude)).await.0
}

/// Who is opened, and whether somebody has said who the card is.
pub(crate) async fn opened(store: &AuthStore, number: u8, card: u8) -> (Person, bool) {
    match admit(store, admission(number, card)).await {
        Admitted::Present { holder, person, linked, .. } => {
            assert_eq!(holder, person);
            (person, linked)
        }
        _ => panic!("not admitted"),
    }
}

async fn mint(store: &AuthStore, key: u8, fresh: u8) -> Minted {
    store.mint(attempt(), vec![([key; 32], [fresh; 16])]).await.unwrap()[0]
}

async fn link(store: &AuthStore, card: Person, resident: Person) -> LinkOutcome {
    outcome(Kind::RegistryChange, |conclude| store.link_persons(attempt(), card, resident, conclude)).await.0
}

async fn unlink(store: &AuthStore, person: Person) {
    outcome(Kind::RegistryChange, |conclude| store.unlink(attempt(), person, conclude)).await;
}

pub(crate) async fn update(store: &AuthStore, number: u8, update: PresenceUpdate) -> Option<PresenceRow> {
    let organization = presence(number).organization;
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let conclude = move |concluding: pmh_store::Concluding<'_, Option<PresenceRow>>| {
        let pmh_store::Concluding::Fresh(row) = concluding else { panic!() };
        keep.send(row).unwrap();
        pmh_store::Conclusion::<()> {
            reply: pmh_store::Reply::Answer(Vec::new()),
            draft: Some(draft(Kind::PresentationOrToken, None)),
        }
    };
    store.update_presence(attempt(), [number; 32], organization, update, conclude).await.map(drop).unwrap();
    kept.recv().await.unwrap()
}

fn renew() -> PresenceUpdate {
    PresenceUpdate::Renew { act_for: None, today: "2026-04-01".to_owned() }
}

pub(crate) async fn a_presentation_is_admitted_once(place: Place) {
    let (store, task) = place.open_auth().await;
    assert_eq!(opened(&store, 1, 7).await, ([7; 16], false));
    assert!(matches!(admit(&store, admission(1, 8)).await, Admitted::Replayed));
    let mut again = admission(2, 7);
    again.new_person = [99; 16];
    let Admitted::Present { person, .. } = admit(&store, again).await else { panic!() };
    assert_eq!(person, [7; 16], "a card that was seen stays who it was");
    let mut raw = place.raw().await;
    assert_eq!(raw.count("SELECT COUNT(*) FROM person").await, 1);
    assert_eq!(raw.count("SELECT COUNT(*) FROM presence").await, 2);
    drop(store);
    task.await.unwrap();
}

pub(crate) async fn minting_twice_finds_the_same_person(place: Place) {
    let (store, task) = place.open_auth().await;
    let wanted: Vec<([u8; 32], Person)> = (0..150).map(|n| ([n % 100; 32], [n; 16])).collect();
    let minted = store.mint(attempt(), wanted).await.unwrap();
    assert_eq!(minted.len(), 150);
    assert_eq!(minted[0], Minted { person: [0; 16], new: true });
    assert_eq!(minted[100], Minted { person: [0; 16], new: false });
    assert_eq!(mint(&store, 5, 200).await, Minted { person: [5; 16], new: false });
    assert_eq!(mint(&store, 101, 200).await, Minted { person: [200; 16], new: true });
    assert_eq!(store.reader().head().await.unwrap().0, 0, "minting is no entry");
    drop(store);
    task.await.unwrap();
}

pub(crate) async fn a_resident_outlives_a_card_and_the_older_card_survives(place: Place) {
    let (store, task) = place.open_auth().await;
    // The card came first; the issuer's person survives all the same, its records are keyed by it.
    let (card, _) = opened(&store, 1, 1).await;
    let resident = mint(&store, 50, 50).await.person;
    assert_eq!(link(&store, card, resident).await, LinkOutcome { survivor: resident, changed: true });
    assert_eq!(link(&store, card, resident).await, LinkOutcome { survivor: resident, changed: false });
    assert_eq!(opened(&store, 2, 1).await, (resident, true));
    assert_eq!(update(&store, 1, renew()).await.unwrap().person, resident, "from the next token on");
    // Of two issuers' persons the older survives, whichever is named first.
    place.clock.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let younger = mint(&store, 51, 51).await.person;
    assert_eq!(link(&store, younger, card).await.survivor, resident);
    // A renewed card is its predecessor's person, seen before or not.
    let renewal = async |old: u8, new: u8| {
        outcome(Kind::RegistryChange, |c| store.link_renewal(attempt(), [old; 32], [new; 32], c)).await.0
    };
    assert_eq!(
        renewal(1, 2).await,
        RenewalOutcome::Linked { absorbed: None, survivor: resident, changed: true }
    );
    assert_eq!(opened(&store, 3, 2).await, (resident, true));
    let (seen, _) = opened(&store, 4, 3).await;
    assert_eq!(
        renewal(2, 3).await,
        RenewalOutcome::Linked { absorbed: Some(seen), survivor: resident, changed: true }
    );
    assert_eq!(opened(&store, 5, 3).await, (resident, true));
    assert_eq!(renewal(99, 4).await, RenewalOutcome::UnknownOld);
    let attached =
        outcome(Kind::RegistryChange, |c| store.link_credential(attempt(), [4; 32], younger, c)).await.0;
    assert_eq!(attached, RenewalOutcome::Linked { absorbed: None, survivor: resident, changed: true });
    drop(store);
    task.await.unwrap();
}

pub(crate) async fn unlinking_ends_every_presence_of_the_group(place: Place) {
    let (store, task) = place.open_auth().await;
    let (card, _) = opened(&store, 1, 1).await;
    let rightful = mint(&store, 50, 50).await.person;
    place.clock.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let stranger = mint(&store, 51, 51).await.person;
    link(&store, card, rightful).await;
    link(&store, card, stranger).await;
    // Opened after the link, so it holds the survivor and not the card's own person.
    assert_eq!(opened(&store, 2, 1).await.0, rightful);
    unlink(&store, stranger).await;
    for number in [1, 2] {
        assert!(update(&store, number, renew()).await.unwrap().ended);
    }
    let mut denied = store.reader().ended_presences(START_US).await.unwrap();
    denied.sort_unstable();
    assert_eq!(denied, [[1; 16], [2; 16]]);
    assert_eq!(opened(&store, 3, 1).await, (rightful, true));
    // The survivor itself may be the one who leaves.
    unlink(&store, rightful).await;
    assert_eq!(opened(&store, 4, 1).await, (card, false), "nobody says any more who the card is");
    assert_eq!(link(&store, card, stranger).await, LinkOutcome { survivor: stranger, changed: true });
    drop(store);
    task.await.unwrap();
}

pub(crate) async fn a_guardian_opens_a_child_while_the_relation_holds(place: Place) {
    let (store, task) = place.open_auth().await;
    let (card, _) = opened(&store, 1, 1).await;
    let guardian = mint(&store, 50, 50).await.person;
    let child = mint(&store, 51, 51).await.person;
    let relation = |until: &str, ended| Relation {
        guardian,
        child,
        issuer: "municipality:131016".to_owned(),
        child_birth_date: birth_date().to_string(),
        until: until.to_owned(),
        ended,
    };
    let put = async |relation| {
        outcome(Kind::RegistryChange, |conclude| store.put_relation(attempt(), relation, conclude)).await;
    };
    put(relation("2026-04-01", false)).await;
    let for_child = |number| Admission { act_for: Some(child), ..admission(number, 1) };
    assert!(matches!(admit(&store, for_child(2)).await, Admitted::NoRelation));
    link(&store, card, guardian).await;
    let Admitted::Present { holder, person, children, .. } = admit(&store, for_child(3)).await else {
        panic!()
    };
    assert_eq!((holder, person), (guardian, child));
    assert_eq!(children, [(child, birth_date().to_string())]);
    let tomorrow = PresenceUpdate::Renew { act_for: Some(child), today: "2026-04-02".to_owned() };
    assert!(update(&store, 3, tomorrow).await.is_none(), "the relation's last day is over");
    put(relation("2030-01-01", true)).await;
    assert!(matches!(admit(&store, for_child(4)).await, Admitted::NoRelation));
    drop(store);
    task.await.unwrap();
}

pub(crate) async fn narrowing_and_ending_deny_earlier_tokens(place: Place) {
    let (store, task) = place.open_auth().await;
    opened(&store, 1, 1).await;
    let narrow = PresenceUpdate::Narrow { body: "{\"n\":1}".to_owned(), pres_id: [77; 16] };
    assert_eq!(update(&store, 1, narrow).await.unwrap().pres_id, [1; 16]);
    assert_eq!(store.reader().ended_presences(START_US).await.unwrap(), [[1; 16]]);
    let renewed = update(&store, 1, renew()).await.unwrap();
    assert_eq!((renewed.pres_id, renewed.body.as_str(), renewed.ended), ([77; 16], "{\"n\":1}", false));
    assert!(!update(&store, 1, PresenceUpdate::End).await.unwrap().ended, "as it was before");
    assert!(update(&store, 1, renew()).await.unwrap().ended);
    assert_eq!(store.reader().ended_presences(START_US).await.unwrap().len(), 2);
    assert!(update(&store, 9, renew()).await.is_none());
    opened(&store, 2, 1).await;
    place.clock.fetch_add(2 * DAY_US, std::sync::atomic::Ordering::Relaxed);
    assert!(update(&store, 2, renew()).await.unwrap().ended, "its time is over");
    drop(store);
    task.await.unwrap();
}
