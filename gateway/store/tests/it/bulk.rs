//! Rows of a chunk: outcome, resumption, dry run, provenance.

use pmh_audit::Kind;
use pmh_domain::resident::{
    RestrictionKind,
    Sex::{Female, Male},
};
use pmh_store::{ResidentChange, RowConflict, RowDone, RowOutcome, RowVerdict};

use crate::{log::accepted, support::*};

fn done(outcome: RowOutcome) -> RowDone {
    RowDone { outcome, conflict: None }
}

fn refused(conflict: RowConflict) -> RowDone {
    RowDone { outcome: RowOutcome::Rejected, conflict: Some(conflict) }
}

pub(crate) async fn every_row_outcome_is_told(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 1).await;
    let quarantined = || RowVerdict::Quarantined { field: "recipient_number".to_owned() };
    let chunk = entitlement_chunk(
        chiyoda(),
        "first",
        vec![
            row("created", 1, accepted(5, 0)),
            row("updated", 2, accepted(10, 0)),
            row("unchanged", 3, accepted(5, 0)),
            row("superseded", 4, accepted(1, 0)),
            row("conflict", 5, accepted(5, 9)),
            row("nobody", 6, RowVerdict::Accepted(entitlement(chiyoda(), 99, 1, 0))),
            row("quarantined", 7, quarantined()),
            row("rejected", 8, RowVerdict::Rejected),
            // The sender's row ids: the same row again, then another under its id, then the first once more.
            row("created", 1, accepted(5, 0)),
            row("created", 9, accepted(77, 0)),
            row("created", 1, accepted(5, 0)),
        ],
    );
    let first = vec![
        done(RowOutcome::Created),
        done(RowOutcome::Updated),
        done(RowOutcome::Unchanged),
        done(RowOutcome::Superseded),
        refused(RowConflict::HistoryKeyConflict),
        refused(RowConflict::ResidentUnknown),
        done(RowOutcome::Quarantined),
        done(RowOutcome::Rejected),
        done(RowOutcome::Created),
        refused(RowConflict::DuplicateRow),
        done(RowOutcome::Created),
    ];
    assert_eq!(push(&open, chunk).await.0, first);
    let again = entitlement_chunk(
        chiyoda(),
        "second",
        vec![row("a", 1, accepted(5, 0)), row("b", 1, accepted(10, 0)), row("c", 1, accepted(1, 0))],
    );
    assert_eq!(push(&open, again).await.0, vec![done(RowOutcome::Unchanged); 3]);
    // A spreadsheet ate the zeros: 0005 is 5.
    let mut zeros = entitlement(chiyoda(), 1, 5, 0);
    zeros.history_key = pmh_domain::entitlement::HistoryKey::parse("0005").unwrap();
    let chunk = entitlement_chunk(chiyoda(), "third", vec![row("a", 1, RowVerdict::Accepted(zeros))]);
    assert_eq!(push(&open, chunk).await.0, [done(RowOutcome::Unchanged)]);
    let mut raw = place.raw().await;
    assert_eq!(raw.texts("SELECT field FROM quarantine").await, ["recipient_number"]);
    assert_eq!(raw.count("SELECT COUNT(*) FROM entitlement").await, 3);
    open.close().await;
}

pub(crate) async fn the_same_batch_resumes_with_its_first_outcomes(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 1).await;
    let half = || vec![row("1", 1, accepted(1, 0)), row("2", 2, accepted(2, 0))];
    assert_eq!(
        push(&open, entitlement_chunk(chiyoda(), "b", half())).await.0,
        [done(RowOutcome::Created), done(RowOutcome::Updated)]
    );
    open.close().await;
    let open = place.open().await;
    let mut whole = half();
    whole.push(row("3", 3, accepted(3, 0)));
    // A changed row under a known id is refused, and does not unseat the first.
    whole.push(row("1", 9, accepted(9, 0)));
    let resumed = [
        done(RowOutcome::Created),
        done(RowOutcome::Updated),
        done(RowOutcome::Updated),
        refused(RowConflict::DuplicateRow),
    ];
    assert_eq!(push(&open, entitlement_chunk(chiyoda(), "b", whole)).await.0, resumed);
    // Another organization's batch of the same name is another batch.
    enrol(&open, tokyo(), 1).await;
    let other = RowVerdict::Accepted(entitlement(tokyo(), 1, 1, 0));
    let chunk = entitlement_chunk(tokyo(), "b", vec![row("1", 1, other)]);
    assert_eq!(push(&open, chunk).await.0, [done(RowOutcome::Created)]);
    open.close().await;
}

pub(crate) async fn a_dry_run_keeps_nothing(place: Place) {
    let open = place.open().await;
    let subject = enrol(&open, chiyoda(), 1).await;
    let size = open.reader().head().await.unwrap().0;
    let mut chunk = entitlement_chunk(
        chiyoda(),
        "b",
        vec![row("1", 1, accepted(1, 0)), row("2", 2, RowVerdict::Quarantined { field: "f".to_owned() })],
    );
    chunk.dry_run = true;
    let (outcomes, receipt) =
        try_outcome(None, |conclude| open.put_entitlements(attempt(), chunk, conclude)).await.unwrap();
    assert_eq!(outcomes, [done(RowOutcome::Created), done(RowOutcome::Quarantined)]);
    assert!(receipt.is_none());
    let link = (resident(chiyoda(), 2), reference(chiyoda(), 2));
    let mut chunk = resident_chunk("b", vec![row("1", 1, RowVerdict::Accepted(link))]);
    chunk.dry_run = true;
    try_outcome(None, |conclude| open.put_residents(attempt(), chunk, conclude)).await.unwrap();
    assert_eq!(open.reader().head().await.unwrap().0, size);
    assert!(facts(&open, subject).await.entitlements.is_empty());
    assert!(facts(&open, reference(chiyoda(), 2)).await.links.is_empty());
    let mut raw = place.raw().await;
    assert_eq!(raw.count("SELECT COUNT(*) FROM bulk_row").await, 1, "only the enrolment's");
    assert_eq!(raw.count("SELECT COUNT(*) FROM quarantine").await, 0);
    open.close().await;
}

/// Three chunks and disclosures in one batch: each chunk's rows name its own entry.
pub(crate) async fn each_version_names_the_entry_that_brought_it(place: Place) {
    let open = place.open().await;
    enrol(&open, chiyoda(), 1).await;
    let mut raw = place.raw().await;
    raw.hold().await;
    let mut chunks = Vec::new();
    for number in 0..6_u32 {
        let rows = vec![row("x", 1, RowVerdict::Rejected), row("1", 1, accepted(number, 0))];
        let chunk = entitlement_chunk(chiyoda(), &format!("b{number}"), rows);
        let store = open.store.clone();
        chunks.push(tokio::spawn(async move { (number, push(&store, chunk).await.1.unwrap()) }));
        let store = open.store.clone();
        chunks.push(tokio::spawn(async move { (99, disclose(&store, [1; 32]).await.unwrap().1) }));
    }
    eventually("disclosures wait", async || open.waiting() == 6).await;
    raw.release().await;
    for chunk in chunks {
        let (number, receipt) = chunk.await.unwrap();
        if number < 99 {
            let place =
                "SELECT CAST(entry_idx AS TEXT) || '/' || CAST(entry_position AS TEXT) FROM entitlement";
            let stored = raw.texts(&format!("{place} WHERE history_key = '{number}'")).await;
            assert_eq!(stored, [format!("{}/1", receipt.index)]);
            assert_eq!(verify(&receipt).leaf.kind, Kind::BulkChunk);
        }
    }
    open.close().await;
}

pub(crate) async fn residents_are_created_corrected_and_kept(place: Place) {
    let open = place.open().await;
    let link = |number, sex| {
        let mut link = resident(chiyoda(), number);
        link.sex = sex;
        RowVerdict::Accepted((link, reference(chiyoda(), number)))
    };
    let rows = vec![
        row("1", 1, link(1, Male)),
        row("2", 2, link(2, Male)),
        // The sender corrects itself within the chunk.
        row("3", 3, link(1, Female)),
        row("4", 4, RowVerdict::Rejected),
    ];
    assert_eq!(
        put_residents(&open, resident_chunk("b", rows)).await,
        [
            done(RowOutcome::Created),
            done(RowOutcome::Created),
            done(RowOutcome::Updated),
            done(RowOutcome::Rejected)
        ]
    );
    assert_eq!(facts(&open, reference(chiyoda(), 1)).await.links[0].link.sex, Female);

    let change = async |key: &str, number: u8, change| {
        let key = (idempotency(key, 1), resident_key(number).as_str().to_owned());
        outcome(Kind::Write, |conclude| {
            open.change_resident(attempt(), key.0, chiyoda(), key.1, change, conclude)
        })
        .await
        .0
    };
    let restrict = ResidentChange::Restrict(RestrictionKind::NonDisclosure, false);
    assert_eq!(change("a", 1, restrict.clone()).await, Some(reference(chiyoda(), 1)));
    assert_eq!(change("b", 99, restrict).await, None);
    assert!(change("c", 1, ResidentChange::Move(Some(birth_date()))).await.is_some());
    let seen = facts(&open, reference(chiyoda(), 1)).await;
    assert_eq!((seen.links[0].non_disclosure, seen.links[0].protective), (true, false));
    assert_eq!(seen.links[0].link.last_day, Some(birth_date()));

    // The restriction outlives the next full transfer of the register.
    let rows = vec![row("1", 1, link(1, Male)), row("2", 1, link(2, Male))];
    assert_eq!(
        put_residents(&open, resident_chunk("c", rows)).await,
        [done(RowOutcome::Updated), done(RowOutcome::Unchanged)]
    );
    assert!(facts(&open, reference(chiyoda(), 1)).await.links[0].non_disclosure);
    let (found, _) = open.reader().resident(chiyoda(), resident_key(2).as_str()).await.unwrap().unwrap();
    assert_eq!(found, reference(chiyoda(), 2));
    open.close().await;
}
