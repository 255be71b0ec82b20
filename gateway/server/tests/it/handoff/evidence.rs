//! Evidence of a real handoff: both sides' files verify under both logs' keys, and nothing else does. The auditor finds
//! every entry of a handoff by its id.

use std::collections::BTreeSet;

use pmh::sandbox::uuid;
use pmh_audit::handoff::{Says, Side};
use pmh_audit::{EvidenceError, HandoffFile, Kind, VerifierKey};
use pmh_proto::audit::{Log, SearchEntriesRequest};
use pmh_proto::common::Reason;
use pmh_proto::handoff::{CloseHandoffRequest, ExportEvidenceRequest, HandoffState, ReturnHandoffRequest};
use prost::Message as _;

use super::people::{Mother, arrived, listed};
use super::rig::{AT_HOME, AT_STAY, Pair, Town, Wire, pair, reason, until};

/// From the offer to the close, with nothing on the way any more.
async fn told(pair: &Pair) -> String {
    let mut mother = Mother::living_at_home(pair).await;
    let id = mother.handed_over(pair).await;
    let back = ReturnHandoffRequest { idempotency_key: uuid(), handoff_id: id.clone(), duties: Vec::new() };
    pair.stay.gateway(AT_STAY).await.call(&back, None).await.unwrap();
    arrived(&pair.home, AT_HOME, &id, HandoffState::Returned).await;
    let close = CloseHandoffRequest { idempotency_key: uuid(), handoff_id: id.clone() };
    pair.home.gateway(AT_HOME).await.call(&close, None).await.unwrap();
    for (town, terminal) in [(&pair.home, AT_HOME), (&pair.stay, AT_STAY)] {
        let settled = async || {
            let known = listed(town, terminal, &id).await?;
            (known.state() == HandoffState::Closed && known.unsent == 0).then_some(())
        };
        until("everything arrived", settled).await;
    }
    id
}

async fn exported(town: &Town, terminal: &str, id: &str) -> Vec<u8> {
    let request = ExportEvidenceRequest { handoff_id: id.to_owned() };
    town.gateway(terminal).await.call(&request, None).await.unwrap().response.encode_to_vec()
}

fn keys(pair: &Pair) -> [VerifierKey; 2] {
    [pair.home.keys().gateway, pair.stay.keys().gateway]
}

#[tokio::test]
async fn both_files_of_a_handoff_verify_offline_and_tell_the_same_story() {
    let pair = pair(Wire::Open);
    let id = told(pair).await;
    let mut stories = Vec::new();
    for (town, terminal, side) in [(&pair.home, AT_HOME, Side::Home), (&pair.stay, AT_STAY, Side::Stay)] {
        let file = exported(town, terminal, &id).await;
        let proved = HandoffFile::decode(&file).unwrap().verify(&keys(pair)).unwrap();
        assert_eq!((proved.handoff.as_str(), proved.exporter), (id.as_str(), side));
        assert!(proved.steps.iter().all(|step| step.says.is_none() || step.is_answered));
        stories
            .push(proved.steps.iter().filter_map(|step| Some((step.side, step.says?))).collect::<Vec<_>>());
        for own in keys(pair) {
            assert!(
                HandoffFile::decode(&file).unwrap().verify(&[own]).is_err(),
                "one log's key is not enough"
            );
        }
        // A byte here and there: the library's own test flips every one.
        for place in (0..file.len()).step_by(97) {
            let mut changed = file.clone();
            changed[place] ^= 1;
            let outcome = HandoffFile::decode(&changed).and_then(|file| file.verify(&keys(pair)));
            assert!(outcome.is_err(), "byte {place}");
        }
    }
    let story = [
        (Side::Home, Says::Offer),
        (Side::Stay, Says::Accepted),
        (Side::Home, Says::Confirmed),
        (Side::Stay, Says::Returned),
        (Side::Home, Says::ReturnReceived),
        (Side::Home, Says::Ended),
    ];
    assert_eq!(stories, [story, story]);
}

#[tokio::test]
async fn a_file_made_in_the_middle_says_what_waits() {
    let pair = pair(Wire::Cut);
    let mother = Mother::living_at_home(pair).await;
    let id = mother.offered(pair).await.id;
    let file = exported(&pair.home, AT_HOME, &id).await;
    let proved = HandoffFile::decode(&file).unwrap().verify(&keys(pair)).unwrap();
    let [offer] = &proved.steps[..] else { panic!("one step") };
    assert_eq!((offer.says, offer.is_answered), (Some(Says::Offer), false));
}

#[tokio::test]
async fn only_the_two_sides_export_and_to_everybody_else_there_is_no_handoff() {
    let pair = pair(Wire::Cut);
    let id = Mother::living_at_home(pair).await.offered(pair).await.id;
    let ask = async |terminal: &str, id: &str| {
        let request = ExportEvidenceRequest { handoff_id: id.to_owned() };
        reason(pair.home.gateway(terminal).await.call(&request, None).await)
    };
    assert_eq!((ask(AT_STAY, &id).await, ask(AT_STAY, &uuid()).await), (Reason::NotFound, Reason::NotFound));
    assert_eq!(ask("tokyo-clinic-1", &id).await, Reason::RoleNotAllowed);
}

#[tokio::test]
async fn the_auditor_follows_one_handoff_from_end_to_end_in_either_log() {
    let pair = pair(Wire::Open);
    let (id, other) = (told(pair).await, told(pair).await);
    let file = exported(&pair.home, AT_HOME, &id).await;
    let proved = HandoffFile::decode(&file).unwrap().verify(&keys(pair)).unwrap();
    for (town, side) in [(&pair.home, Side::Home), (&pair.stay, Side::Stay)] {
        let found = found(town, &id).await;
        let steps: BTreeSet<u64> =
            proved.steps.iter().filter(|step| step.side == side).map(|step| step.entry.index).collect();
        assert!(found.iter().map(|(index, _)| *index).collect::<BTreeSet<_>>().is_superset(&steps));
        let is_export = |kind: u32| kind == u32::from(u8::from(Kind::Disclosure));
        assert_eq!(found.iter().any(|(_, kind)| is_export(*kind)), side == Side::Home, "the export too");
        let others = self::found(town, &other).await;
        assert!(found.iter().all(|entry| !others.contains(entry)), "and nothing of another handoff");
    }
}

async fn found(town: &Town, id: &str) -> Vec<(u64, u32)> {
    let request = SearchEntriesRequest {
        log: Log::Gateway.into(),
        case_reference: format!("handoff:{id}"),
        page_size: 256,
        ..Default::default()
    };
    let mut found = Vec::new();
    let auditor = town.gateway("auditor-1").await;
    auditor
        .search(&request, |page| {
            found.extend(page.response.entries.iter().map(|entry| (entry.index, entry.kind)));
        })
        .await
        .unwrap();
    // The auditor's own queries under this reference stand there too.
    found.retain(|(_, kind)| *kind != u32::from(u8::from(Kind::AuditorQuery)));
    found
}

#[test]
fn nothing_is_no_file() {
    assert_eq!(HandoffFile::decode(b""), Err(EvidenceError::Format));
}
