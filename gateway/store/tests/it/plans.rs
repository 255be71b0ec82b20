//! No statement reads a table that grows from end to end.
//!
//! The statements are those that the store really runs: the driver's own
//! statement log is collected while a small day passes, and each is explained.

use crate::{
    listen::{STATEMENTS, listen},
    log::flood,
    support::*,
};
use pmh_audit::Kind;
use pmh_store::{Page, PresenceUpdate, RegistryChange, RowVerdict};

/// Read whole on purpose: the directory is small, and kept in memory; holds and requests are few, and an erasure asks for
/// all of them.
const SMALL: &[&str] = &[
    "organization",
    "competence",
    "watermark",
    "_sqlx_migrations",
    "legal_hold",
    "held_person",
    "held_entry",
    "erasure_trace",
    "erasure_request",
    "person_search",
];

/// Read whole on purpose: `pmh audit fsck` looks at every row of the index by person.
const FSCK: &str = "LAG(idx) OVER (PARTITION BY subject_tag ORDER BY seq)";

#[test]
fn every_statement_of_a_day_uses_an_index() {
    listen();
    on_sqlite(async |place| {
        gateway_day(&place).await;
        explain(&place).await;
    });
    on_sqlite(async |place| {
        auth_day(&place).await;
        explain(&place).await;
    });
}

async fn explain(place: &Place) {
    let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap());
    let statements: Vec<String> = statements
        .into_iter()
        .filter(|sql| ["SELECT", "UPDATE", "DELETE", "INSERT"].iter().any(|verb| sql.starts_with(verb)))
        .collect();
    let mut raw = place.raw().await;
    let Raw::Sqlite(connection) = &mut raw else { unreachable!() };
    let mut explained = 0;
    for sql in &statements {
        let question = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        // Statements of tests that run beside this one are about other tables.
        let Ok(plan) = sqlx::query(question).fetch_all(&mut *connection).await else { continue };
        for step in plan {
            let step: String = sqlx::Row::get(&step, "detail");
            let scans = step.starts_with("SCAN")
                && !step.ends_with("CONSTANT ROW")
                && !step.ends_with("VALUES CLAUSE");
            let is_small = SMALL.iter().any(|table| step.contains(table));
            // The newest rows in the order of the key: a scan that stops.
            let stops = sql.contains("DESC LIMIT");
            assert!(!scans || is_small || stops || sql.contains(FSCK), "{step}\n{sql}");
        }
        explained += 1;
    }
    assert!(explained > 20, "the driver's log was not heard");
}

async fn gateway_day(place: &Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    let rows = vec![row("1", 1, RowVerdict::Accepted(entitlement(chiyoda(), 1, 1, 0)))];
    push(&open, entitlement_chunk(chiyoda(), "b", rows)).await;
    flood(&open, 20, 3).await;
    disclose(&open, person).await.unwrap();
    let kind = Kind::RegistryChange;
    outcome(kind, |c| open.link_subjects(attempt(), None, vec![[9; 32]], person, c)).await;
    let change = RegistryChange::PutOrganization { id: "app:a".to_owned(), name: "A".to_owned() };
    outcome(kind, |c| open.change_registry(attempt(), Some(idempotency("k", 1)), change, c)).await;
    let key = resident_key(1).as_str().to_owned();
    outcome(kind, |c| open.list_entitlements(attempt(), chiyoda(), key, c)).await;
    outcome(kind, |c| open.list_proposals(attempt(), chiyoda(), c)).await;
    let proposal = pmh_store::Proposal {
        proposal_id: "p".to_owned(),
        subject: [8; 32],
        proposed_by: "clinic:1312345678".to_owned(),
        payer_number: "54136015".to_owned(),
        recipient_number: "P1".to_owned(),
        birth_date: birth_date().to_string(),
    };
    outcome(kind, |c| open.propose_link(attempt(), idempotency("l", 1), proposal, c)).await;
    for (key, decision) in [
        ("m", pmh_store::LinkDecision::Confirm { members: vec![[8; 32]], survivor: person }),
        ("n", pmh_store::LinkDecision::Undo { card: [8; 32] }),
    ] {
        let key = idempotency(key, 1);
        outcome(kind, |c| open.decide_link(attempt(), key, chiyoda(), "p".to_owned(), decision, c)).await;
    }
    let page = Page { from_index: 0, end_index: 9, limit: 9 };
    open.reader().entries(&page).await.unwrap();
    open.reader().part(0, 4).await.unwrap();
    open.reader().leaf_hashes(0..9).await.unwrap();
    open.reader().check().await.unwrap();
    open.reader().proposal(chiyoda(), "p").await.unwrap();
    crate::accesses::day(&open, person).await;
    crate::search::day(&open).await;
    crate::erasure::day(&open, person).await;
    open.close().await;
}

async fn auth_day(place: &Place) {
    let (store, task) = place.open_auth().await;
    let people: Vec<[u8; 16]> = store
        .mint(attempt(), vec![([1; 32], [1; 16]), ([2; 32], [2; 16])])
        .await
        .unwrap()
        .iter()
        .map(|minted| minted.person)
        .collect();
    outcome(Kind::RegistryChange, |c| store.link_persons(attempt(), people[0], people[1], c)).await;
    outcome(Kind::RegistryChange, |c| store.link_credential(attempt(), [3; 32], people[1], c)).await;
    crate::auth::opened(&store, 1, 3).await;
    crate::auth::update(&store, 1, PresenceUpdate::End).await;
    outcome(Kind::RegistryChange, |c| store.unlink(attempt(), people[0], c)).await;
    store.reader().ended_presences(START_US).await.unwrap();
    drop(store);
    task.await.unwrap();
}
