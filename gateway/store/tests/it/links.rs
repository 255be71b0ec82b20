//! Cards and residents: two references, one person, in any order and back.

use pmh_audit::Kind;
use pmh_store::{GatewayStore, Heads, LinkDecision, Proposal, ProposalState, SubjectRef};

use crate::{log::accepted, support::*};

const CARD: SubjectRef = [0xca; 32];

pub(crate) async fn link(store: &GatewayStore, members: &[SubjectRef], survivor: SubjectRef) -> Heads {
    let members = members.to_vec();
    outcome(Kind::RegistryChange, |conclude| {
        store.link_subjects(attempt(), None, members, survivor, conclude)
    })
    .await
    .0
}

pub(crate) async fn push_then_card_then_link_then_answer(place: Place) {
    let open = place.open().await;
    let person = enrol(&open, chiyoda(), 1).await;
    push(&open, entitlement_chunk(chiyoda(), "b", vec![row("1", 1, accepted(1, 0))])).await;
    let (seen, card_entry) = disclose(&open, CARD).await.unwrap();
    assert!(seen.facts.links.is_empty() && seen.facts.entitlements.is_empty());
    let (_, person_entry) = disclose(&open, person).await.unwrap();
    let heads = link(&open, &[CARD], person).await;
    assert!(heads.changed);
    let mut leaves = heads.leaves;
    leaves.sort_unstable();
    let mut expected = [verify(&card_entry).leaf_hash, verify(&person_entry).leaf_hash];
    expected.sort_unstable();
    assert_eq!(leaves, expected, "the link refers to the newest entry of both");
    for reference in [CARD, person] {
        let seen = facts(&open, reference).await;
        assert_eq!((seen.links.len(), seen.entitlements.len()), (1, 1));
    }
    assert!(!link(&open, &[CARD], person).await.changed);
    open.close().await;
}

pub(crate) async fn link_then_push_then_answer(place: Place) {
    let open = place.open().await;
    let person = reference(chiyoda(), 1);
    link(&open, &[CARD], person).await;
    // A second issuer knows the same person; whoever it is linked through.
    let other = enrol(&open, tokyo(), 1).await;
    link(&open, &[other, CARD], person).await;
    enrol(&open, chiyoda(), 1).await;
    push(&open, entitlement_chunk(chiyoda(), "b", vec![row("1", 1, accepted(1, 0))])).await;
    for reference in [CARD, person, other] {
        let seen = facts(&open, reference).await;
        assert_eq!((seen.links.len(), seen.entitlements.len()), (2, 1));
    }
    assert_eq!(facts(&open, [0xbb; 32]).await.links.len(), 0);
    open.close().await;
}

async fn propose(store: &GatewayStore, id: &str, payer: &str, recipient: &str, birth_date: &str) -> bool {
    let proposal = Proposal {
        proposal_id: id.to_owned(),
        subject: CARD,
        proposed_by: "clinic:1312345678".to_owned(),
        payer_number: payer.to_owned(),
        recipient_number: recipient.to_owned(),
        birth_date: birth_date.to_owned(),
    };
    let key = idempotency(id, 1);
    outcome(Kind::RegistryChange, |conclude| store.propose_link(attempt(), key, proposal, conclude)).await.0
}

async fn decide(store: &GatewayStore, key: &str, id: &str, decision: LinkDecision) -> Option<Heads> {
    let key = idempotency(key, 1);
    outcome(Kind::RegistryChange, |conclude| {
        store.decide_link(attempt(), key, chiyoda(), id.to_owned(), decision, conclude)
    })
    .await
    .0
}

/// Two residents with one right each; the second has the first's number too.
async fn two_residents(store: &GatewayStore) {
    for number in [1, 2] {
        enrol(store, chiyoda(), number).await;
        let version = pmh_store::RowVerdict::Accepted(entitlement(chiyoda(), number, 1, 0));
        push(store, entitlement_chunk(chiyoda(), &format!("b{number}"), vec![row("1", 1, version)])).await;
    }
}

pub(crate) async fn a_proposal_needs_exactly_one_match(place: Place) {
    let open = place.open().await;
    two_residents(&open).await;
    let born = birth_date().to_string();
    assert!(propose(&open, "p-1", "54136015", "P1", &born).await);
    assert!(!propose(&open, "p-2", "54136015", "P1", "1999-01-01").await);
    assert!(!propose(&open, "p-3", "54136015", "P9", &born).await);
    assert!(!propose(&open, "p-4", "", "P1", &born).await);
    // Now two people hold P1.
    let mut twin = entitlement(chiyoda(), 2, 2, 0);
    twin.recipient_number = entitlement(chiyoda(), 1, 1, 0).recipient_number;
    let chunk =
        entitlement_chunk(chiyoda(), "twin", vec![row("1", 1, pmh_store::RowVerdict::Accepted(twin))]);
    push(&open, chunk).await;
    assert!(!propose(&open, "p-5", "54136015", "P1", &born).await, "never guess who somebody is");
    let waiting =
        outcome(Kind::Disclosure, |conclude| open.list_proposals(attempt(), chiyoda(), conclude)).await.0;
    assert_eq!(waiting.iter().map(|proposal| proposal.proposal_id.as_str()).collect::<Vec<_>>(), ["p-1"]);
    assert_eq!((waiting[0].card, waiting[0].resident), (CARD, reference(chiyoda(), 1)));
    assert!(outcome(Kind::Disclosure, |c| open.list_proposals(attempt(), tokyo(), c)).await.0.is_empty());
    open.close().await;
}

pub(crate) async fn a_proposal_is_decided_once(place: Place) {
    let open = place.open().await;
    two_residents(&open).await;
    let resident = reference(chiyoda(), 1);
    for id in ["p-1", "p-2"] {
        propose(&open, id, "54136015", "P1", &birth_date().to_string()).await;
    }
    assert!(facts(&open, CARD).await.links.is_empty(), "a proposal is served only after it is confirmed");
    let confirm = || LinkDecision::Confirm { members: vec![CARD], survivor: resident };
    assert_eq!(decide(&open, "a", "p-1", LinkDecision::Undo { card: CARD }).await, None);
    assert!(decide(&open, "b", "p-1", confirm()).await.unwrap().changed);
    assert_eq!(decide(&open, "c", "p-1", confirm()).await, None);
    assert_eq!(decide(&open, "d", "p-1", LinkDecision::Refuse).await, None);
    assert!(decide(&open, "e", "p-2", LinkDecision::Refuse).await.is_some());
    assert_eq!(decide(&open, "f", "p-2", confirm()).await, None);
    assert_eq!(decide(&open, "g", "nobody's", confirm()).await, None);
    assert_eq!(facts(&open, CARD).await.entitlements.len(), 1);
    let stored = open.reader().proposal(chiyoda(), "p-1").await.unwrap().unwrap();
    assert_eq!(stored.state, ProposalState::Confirmed);
    assert!(open.reader().proposal(tokyo(), "p-1").await.unwrap().is_none());
    assert!(decide(&open, "h", "p-1", LinkDecision::Undo { card: CARD }).await.is_some());
    assert!(facts(&open, CARD).await.links.is_empty());
    assert_eq!(facts(&open, resident).await.links.len(), 1);
    open.close().await;
}

/// The card is truly the Tokyo resident's and was linked to a Chiyoda resident
/// by error. After the undo those two must not stay one through the card.
pub(crate) async fn an_undone_link_separates_the_resident_alone(place: Place) {
    for stranger_survives in [false, true] {
        let open = place.open().await;
        two_residents(&open).await;
        let rightful = enrol(&open, tokyo(), 1).await;
        let stranger = reference(chiyoda(), 1);
        let id = format!("p-{stranger_survives}");
        propose(&open, &id, "54136015", "P1", &birth_date().to_string()).await;
        link(&open, &[CARD], rightful).await;
        let (members, survivor) = if stranger_survives {
            (vec![CARD, rightful], stranger)
        } else {
            (vec![CARD, stranger], rightful)
        };
        decide(&open, &format!("a{id}"), &id, LinkDecision::Confirm { members, survivor }).await.unwrap();
        assert_eq!(facts(&open, CARD).await.links.len(), 2);
        decide(&open, &format!("b{id}"), &id, LinkDecision::Undo { card: CARD }).await.unwrap();
        for (reference, issuer) in [(CARD, tokyo()), (rightful, tokyo()), (stranger, chiyoda())] {
            let links = facts(&open, reference).await.links;
            assert_eq!(links.iter().map(|link| link.link.issuer).collect::<Vec<_>>(), [issuer]);
        }
        open.close().await;
    }
}
