//! The age rule of witnesses (audit.md §2.6).

use pmh_client::call::Receipted as _;
use pmh_client::{Error, Proven};
use pmh_proto::audit::WitnessState;
use pmh_proto::common::Reason;
use pmh_proto::eligibility::VerifyEligibilityResponse;

use super::world::{MINUTE, World};

/// What a receipt says about the witnesses.
fn told(answer: &Proven<VerifyEligibilityResponse>) -> WitnessState {
    let receipt = answer.response.clone().take_receipt().unwrap();
    let mark = receipt.witnesses.unwrap();
    assert_eq!(mark.cosigned_size, 0, "nobody was heard since the start");
    assert!(mark.cosigned_time.is_none());
    mark.state()
}

/// Emergency access (break-glass), which I25 lets through with a mark, is not built: no method of the contract gives it.
#[tokio::test]
async fn i25_after_the_limit_without_a_quorum_ordinary_disclosures_are_refused_and_their_refusal_is_recorded()
{
    let world = World::start(|config| config.log.stop_unwitnessed_minutes = Some(4 * 60)).await;
    let mut card = world.card("child");
    assert_eq!(told(&world.visit(&mut card).await.unwrap()), WitnessState::Fresh);

    world.pass(16 * MINUTE);
    assert_eq!(told(&world.visit(&mut card).await.unwrap()), WitnessState::Late);

    world.pass(4 * 60 * MINUTE);
    let refused = world.visit(&mut card).await;
    // The client has verified the receipt against this very refusal.
    let Err(Error::Refused(refusal)) = &refused else { panic!("{refused:?}") };
    let receipt = refusal.receipt.as_ref().expect("a refusal that names a person is an entry");
    assert_eq!(receipt.witnesses.as_ref().unwrap().state(), WitnessState::Late);
    assert_eq!(refusal.reason, Reason::NotCosigned);

    // What is no disclosure goes on: the person still sees who asked, this refusal included.
    let (app, presence) = world.sign_in(&mut card).await;
    let list = app.gateway().my_accesses(&presence, &[]).await.unwrap();
    assert_eq!(list.accesses[0].index, receipt.index);
    world.stop().await;
}

#[tokio::test]
async fn i25_without_a_configured_limit_a_counter_never_stops() {
    let world = World::start(|_| {}).await;
    let mut card = world.card("child");
    world.pass(2 * 24 * 60 * MINUTE);
    assert_eq!(told(&world.visit(&mut card).await.unwrap()), WitnessState::Late);
    world.stop().await;
}
