//! A peer that forges, replays and backdates, and a wire that loses, doubles and reorders: everything is carried by hand.

use pmh::sandbox::uuid;
use pmh_audit::Kind;
use pmh_client::call::Receipted;
use pmh_client::receipt::from_wire;
use pmh_proto::audit::Receipt;
use pmh_proto::common::Reason;
use pmh_proto::handoff::{ConfirmHandoffRequest, HandoffCategory, HandoffState, ReadRecordsRequest};

use super::forge::{cosigned, dated};
use super::people::{Mother, Offered, confirm, listed, withdraw};
use super::rig::{AT_HOME, AT_STAY, Pair, Wire, pair, reason};

/// The message that a response is, and its receipt.
fn message<R: Receipted>(response: &R) -> (Vec<u8>, Option<Receipt>) {
    let mut bare = response.clone();
    let receipt = bare.take_receipt();
    (bare.encode_to_vec(), receipt)
}

async fn to_stay<R: Receipted>(
    pair: &Pair,
    response: &R,
) -> pmh_client::Proven<pmh_proto::handoff::DeliverResponse> {
    let (bytes, receipt) = message(response);
    pair.stay.deliver(AT_HOME, bytes, receipt).await.unwrap()
}

async fn to_home<R: Receipted>(
    pair: &Pair,
    response: &R,
) -> pmh_client::Proven<pmh_proto::handoff::DeliverResponse> {
    let (bytes, receipt) = message(response);
    pair.home.deliver(AT_STAY, bytes, receipt).await.unwrap()
}

/// An offer that was carried over.
async fn carried(pair: &Pair, mother: &Mother) -> Offered {
    let offered = mother.offered(pair).await;
    to_stay(pair, &offered.response).await;
    offered
}

#[tokio::test]
async fn the_same_message_again_gives_the_same_answer_and_changes_nothing() {
    let pair = pair(Wire::Cut);
    let mother = Mother::living_at_home(pair).await;
    let offered = mother.offered(pair).await;
    let first = to_stay(pair, &offered.response).await;
    let again = to_stay(pair, &offered.response).await;
    assert_eq!(first.response.statement, again.response.statement);
    assert_eq!((first.proof.leaf.kind, again.proof.leaf.kind), (Kind::HandoffOffer, Kind::Replay));
    let (_, receipt) = message(&offered.response);
    let theirs = pmh_audit::tree::leaf_hash(&from_wire(&receipt.unwrap()).unwrap().leaf);
    let cited: Vec<_> = first.proof.leaf.refs.iter().map(|reference| reference.leaf_hash).collect();
    assert_eq!(cited, [theirs], "the entry cites the sender's leaf");
    assert_eq!(listed(&pair.stay, AT_STAY, &offered.id).await.unwrap().state(), HandoffState::Offered);
}

#[tokio::test]
async fn what_its_receipt_does_not_prove_is_refused() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let offered = carried(pair, &mother).await;
    let code = mother.code;
    let accepted = mother.accepted(pair, &offered.id, code).await.unwrap().response;
    let (bytes, receipt) = message(&accepted);
    let refused = async |bytes: Vec<u8>, receipt: Option<Receipt>, carrier: &str| {
        reason(pair.home.deliver(carrier, bytes, receipt).await)
    };
    // Field, length, field, length: then the handoff's id, and another is none that home knows.
    let mut elsewhere = bytes.clone();
    elsewhere[4] = if elsewhere[4] == b'0' { b'1' } else { b'0' };
    assert_eq!(refused(elsewhere, receipt.clone(), AT_STAY).await, Reason::NotFound);
    for place in [bytes.len() / 2, bytes.len() - 1] {
        let mut forged = bytes.clone();
        forged[place] ^= 1;
        assert_eq!(refused(forged, receipt.clone(), AT_STAY).await, Reason::ProofInvalid, "byte {place}");
    }
    assert_eq!(refused(bytes.clone(), None, AT_STAY).await, Reason::ProofInvalid, "no receipt");
    let (_, homes) = message(&offered.response);
    assert_eq!(refused(bytes.clone(), homes, AT_STAY).await, Reason::ProofInvalid, "home's own receipt");
    assert_eq!(
        refused(bytes.clone(), receipt.clone(), AT_HOME).await,
        Reason::ProofInvalid,
        "another bearer"
    );
    let mut moved = receipt.clone().unwrap();
    moved.index += 1;
    assert_eq!(refused(bytes, Some(moved), AT_STAY).await, Reason::ProofInvalid, "another place in the log");
    assert_eq!(listed(&pair.home, AT_HOME, &offered.id).await.unwrap().state(), HandoffState::Offered);
    to_home(pair, &accepted).await;
    assert_eq!(listed(&pair.home, AT_HOME, &offered.id).await.unwrap().state(), HandoffState::Accepted);
}

#[tokio::test]
async fn the_entry_of_a_repeated_answer_is_no_step_and_no_fencing_number() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let offered = carried(pair, &mother).await;
    let code = mother.code;
    let accepted = mother.accepted(pair, &offered.id, code).await.unwrap().response;
    to_home(pair, &accepted).await;
    let request = ConfirmHandoffRequest { idempotency_key: uuid(), handoff_id: offered.id.clone() };
    let officer = pair.home.gateway(AT_HOME).await;
    let first = officer.call(&request, None).await.unwrap();
    let again = officer.call(&request, None).await.unwrap();
    assert_eq!(first.response.statement, again.response.statement);
    let (bytes, receipt) = message(&again.response);
    assert_eq!(reason(pair.stay.deliver(AT_HOME, bytes, receipt).await), Reason::ProofInvalid);
    to_stay(pair, &first.response).await;
    let stay = listed(&pair.stay, AT_STAY, &offered.id).await.unwrap();
    assert_eq!((stay.state(), stay.fence), (HandoffState::Active, Some(first.proof.index)));
}

#[tokio::test]
async fn lost_and_reordered_messages_leave_the_holder_to_homes_log() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let offered = carried(pair, &mother).await;
    let code = mother.code;
    let accepted = mother.accepted(pair, &offered.id, code).await.unwrap().response;
    // The accept is lost: home has nothing to confirm, and keeps every duty.
    assert_eq!(reason(confirm(pair, &offered.id).await), Reason::StateNotAllowed);
    to_home(pair, &accepted).await;
    let confirmed = confirm(pair, &offered.id).await.unwrap().response;
    // The confirm is late: the duties have passed by home's log, but nobody acts in them yet.
    let (home, stay) = (
        listed(&pair.home, AT_HOME, &offered.id).await.unwrap(),
        listed(&pair.stay, AT_STAY, &offered.id).await.unwrap(),
    );
    assert_eq!((home.held_by_stay.len(), stay.held_by_stay.len()), (2, 0));
    let ended = withdraw(&pair.home, AT_HOME, &offered.id, &[]).await.unwrap().response;
    to_stay(pair, &ended).await;
    to_stay(pair, &confirmed).await;
    to_stay(pair, &ended).await;
    let stay = listed(&pair.stay, AT_STAY, &offered.id).await.unwrap();
    assert_eq!((stay.state(), stay.held_by_stay.len()), (HandoffState::Closed, 0), "what is over stays over");
}

#[tokio::test]
async fn i24_without_a_verified_accept_a_peer_reads_nothing_and_learns_nothing() {
    let pair = pair(Wire::Cut);
    let mother = Mother::living_at_home(pair).await;
    mother.examined(pair).await;
    let offered = carried(pair, &mother).await;
    let peer = pair.home.gateway(AT_STAY).await;
    let ask = async |id: &str, still_open: bool| {
        let request = ReadRecordsRequest {
            handoff_id: id.to_owned(),
            category: HandoffCategory::PregnancyCheckups.into(),
            duty: 0,
            child: 0,
            still_open,
        };
        reason(peer.call_unrecorded(&request, None).await)
    };
    for still_open in [false, true] {
        let (offered, unknown) = (ask(&offered.id, still_open).await, ask(&uuid(), still_open).await);
        assert_eq!((offered, unknown), (Reason::NotFound, Reason::NotFound));
    }
}

/// A peer signs its own log, and may write any time into it.
#[tokio::test]
async fn a_step_dated_before_what_it_answers_is_refused_and_changes_nothing() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let offered = carried(pair, &mother).await;
    let code = mother.code;
    let accepted = mother.accepted(pair, &offered.id, code).await.unwrap().response;
    let (bytes, receipt) = message(&accepted);
    let receipt = receipt.unwrap();
    for hours in [1, 24 * 365] {
        let backdated = dated(&receipt, -hours, &pair.stay.log_signer());
        let outcome = pair.home.deliver(AT_STAY, bytes.clone(), Some(backdated)).await;
        assert_eq!(reason(outcome), Reason::StateNotAllowed, "{hours} hours before its offer");
    }
    let of_another_key = dated(&receipt, 0, &pair.home.log_signer());
    let outcome = pair.home.deliver(AT_STAY, bytes, Some(of_another_key)).await;
    assert_eq!(reason(outcome), Reason::ProofInvalid, "and only its own log");
    assert_eq!(listed(&pair.home, AT_HOME, &offered.id).await.unwrap().state(), HandoffState::Offered);
    assert_eq!(reason(confirm(pair, &offered.id).await), Reason::StateNotAllowed, "nothing was accepted");

    to_home(pair, &accepted).await;
    let confirmed = confirm(pair, &offered.id).await.unwrap().response;
    let (bytes, receipt) = message(&confirmed);
    let backdated = dated(&receipt.unwrap(), -1, &pair.home.log_signer());
    let outcome = pair.stay.deliver(AT_HOME, bytes, Some(backdated)).await;
    assert_eq!(reason(outcome), Reason::StateNotAllowed, "home is believed no more than that");
    assert_eq!(listed(&pair.stay, AT_STAY, &offered.id).await.unwrap().state(), HandoffState::Accepted);
    to_stay(pair, &confirmed).await;
    assert_eq!(listed(&pair.stay, AT_STAY, &offered.id).await.unwrap().state(), HandoffState::Active);
}

#[tokio::test]
async fn a_checkpoint_older_than_its_entry_proves_nothing() {
    let pair = pair(Wire::Cut);
    let mut mother = Mother::living_at_home(pair).await;
    let earlier = message(&carried(pair, &Mother::living_at_home(pair).await).await.response).1.unwrap();
    let offered = carried(pair, &mother).await;
    let (code, id) = (mother.code, offered.id.clone());
    let accepted = mother.accepted(pair, &id, code).await.unwrap().response;
    let (bytes, receipt) = message(&accepted);
    let older = Receipt { checkpoint: earlier.checkpoint, tree_size: earlier.tree_size, ..receipt.unwrap() };
    assert_eq!(reason(pair.home.deliver(AT_STAY, bytes, Some(older)).await), Reason::ProofInvalid);
    assert_eq!(listed(&pair.home, AT_HOME, &id).await.unwrap().state(), HandoffState::Offered);
}

#[tokio::test]
async fn where_a_witness_is_demanded_the_logs_own_word_is_not_enough() {
    let pair = pair(Wire::Witnessed);
    let mut mother = Mother::living_at_home(pair).await;
    let offered = carried(pair, &mother).await;
    let code = mother.code;
    let accepted = mother.accepted(pair, &offered.id, code).await.unwrap().response;
    let (bytes, receipt) = message(&accepted);
    let receipt = receipt.unwrap();
    let outcome = pair.home.deliver(AT_STAY, bytes.clone(), Some(receipt.clone())).await;
    assert_eq!(reason(outcome), Reason::ProofInvalid, "nobody but the log signed");
    let mut stranger = cosigned(&receipt);
    stranger.checkpoint = stranger.checkpoint.replace("witness.example/w", "witness.example/x");
    let outcome = pair.home.deliver(AT_STAY, bytes.clone(), Some(stranger)).await;
    assert_eq!(reason(outcome), Reason::ProofInvalid, "a witness that the policy does not name");
    assert_eq!(listed(&pair.home, AT_HOME, &offered.id).await.unwrap().state(), HandoffState::Offered);
    pair.home.deliver(AT_STAY, bytes, Some(cosigned(&receipt))).await.unwrap();
    assert_eq!(listed(&pair.home, AT_HOME, &offered.id).await.unwrap().state(), HandoffState::Accepted);
}
