//! For the blocked side a restricted handoff is one that never was (P16 b).

use pmh_domain::handoff::{
    Ask, BirthOrder, Category, Duty, Holder, Person, Proven, ReadRefusal, Refusal, Restriction, StaySays,
    Write, guest_reads,
};

use super::world::{HANDOFF, Key, Receipt, Verifier, World, day};

#[test]
fn p16_the_blocked_side_is_answered_as_if_nothing_existed() {
    let mut world = World::active();
    let fence = world.home.fence().unwrap();
    let proof = world.proof().unwrap();
    assert!(world.decide_stay(|stay, now| stay.ask_longer(day(40), now)));
    assert!(world.at_home(Ok(world.home.restrict(Restriction::OtherSide))));
    assert!(world.to_stay.is_empty(), "nothing says so");
    for person in [Person::Mother, Person::Child(BirthOrder(1))] {
        for category in Category::ALL {
            let ask = Ask { handoff: HANDOFF, person, category, duty: Some(Duty::NewbornVisit) };
            let blocked = guest_reads(Some((&world.home, &proof)), ask, world.now);
            assert_eq!(blocked, guest_reads(None, ask, world.now));
            assert_eq!(blocked, Err(ReadRefusal::Unknown));
        }
    }
    let write = Write { duty: Duty::Vaccination, fence, done_on: day(10) };
    assert_eq!(world.home.judge(write, world.now), Err(Refusal::Unknown));
    let never = Write { fence: pmh_domain::handoff::Fence(1), ..write };
    assert_eq!(world.home.judge(never, world.now), Err(Refusal::Unknown));
    for receipt in world.to_home.clone() {
        let proven = Proven::check(&Verifier, &receipt).unwrap();
        assert_eq!(world.home.receive(&proven, world.now), Err(Refusal::Unknown));
    }
    world.resend();
    assert!(world.to_stay.is_empty(), "nor when everything is sent again");
    assert_eq!(world.home.holder(Duty::Vaccination, world.now), Some(Holder::Home));
}

/// Also an entry that home acted on before: `Known` would say that it exists.
#[test]
fn what_was_heard_before_is_unknown_too() {
    let mut world = World::active();
    let heard = world.accept.clone().unwrap();
    assert!(matches!(heard.statement.says, StaySays::Accept(_)));
    assert!(world.at_home(Ok(world.home.restrict(Restriction::OtherSide))));
    let proven = Proven::check(&Verifier, &Receipt { key: Key::Genuine, ..heard }).unwrap();
    assert_eq!(world.home.receive(&proven, world.now), Err(Refusal::Unknown));
}

#[test]
fn a_place_can_be_hidden_alone() {
    let mut world = World::active();
    assert!(world.reads(Person::Mother, Category::Place, None).is_ok());
    assert!(world.at_home(Ok(world.home.restrict(Restriction::Place))));
    assert_eq!(world.reads(Person::Mother, Category::Place, None), Err(ReadRefusal::NotAllowed));
    assert!(world.reads(Person::Mother, Category::Notice, None).is_ok());
}

#[test]
fn a_stay_side_that_protects_her_from_home_falls_silent() {
    let mut world = World::active();
    assert!(world.decide_stay(|stay, now| stay.give_back([Duty::Vaccination].into(), now)));
    world.to_home.clear();
    assert!(world.decide_stay(|stay, _| Ok(stay.restrict())));
    world.resend();
    assert!(world.to_home.is_empty());
    let from_home = world.to_stay.clone();
    for receipt in &from_home {
        let proven = Proven::check(&Verifier, receipt).unwrap();
        assert_eq!(world.stay.as_ref().unwrap().receive(&proven), Err(Refusal::Unknown));
    }
}
