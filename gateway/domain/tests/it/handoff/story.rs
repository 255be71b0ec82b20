//! The story once, by hand: from offer to close, with twins and a loss.

use pmh_domain::handoff::{
    BirthOrder, Category, Decision, Duty, Fence, Holder, HomeAct, Loss, Notice, NoticeId, Person,
    ReadRefusal, Refusal, Restriction, Standing, State, StayState, Write,
};
use pmh_domain::resident::ResidentKey;

use super::world::{DUTIES, FIRST, LAST, World, all_accepted, answers, code, day, officers};

#[test]
fn from_offer_to_close() {
    let mut world = World::new();
    let holder = |world: &World, duty| world.home.holder(duty, world.now);
    world.settle();
    let one_declined = answers(&[Duty::NewbornVisit, Duty::Vaccination].into()).unwrap();
    assert!(world.decide_stay(|stay, now| stay.accept(&code(), one_declined, now)));
    world.settle();
    assert_eq!(world.home.state(world.now), State::Accepted);
    assert_eq!(world.home.confirm(world.now), Err(Refusal::NotYet));
    assert_eq!(
        world.reads(Person::Mother, Category::Notice, None),
        Err(ReadRefusal::NotActive(State::Accepted))
    );

    world.pass_days(FIRST);
    assert!(world.at_home(world.home.confirm(world.now)));
    let fence = world.home.fence().unwrap();
    assert_eq!(fence, Fence(world.home_log.last().unwrap().name.index));
    assert_eq!(holder(&world, Duty::NewbornVisit), Some(Holder::Stay));
    assert_eq!(holder(&world, Duty::Consultation), Some(Holder::Home), "it was declined");
    let stay = world.stay.as_ref().unwrap();
    assert_eq!(
        stay.may_act(Duty::NewbornVisit, world.now),
        Err(Refusal::NotHeld),
        "the confirm is under way"
    );
    world.settle();
    assert_eq!(world.stay.as_ref().unwrap().may_act(Duty::NewbornVisit, world.now), Ok(fence));

    assert!(world.decide_stay(|stay, now| stay.ask_longer(day(LAST + 9), now)));
    world.settle();
    assert!(world.at_home(world.home.confirm(world.now)));
    let write = Write { duty: Duty::Vaccination, fence, done_on: day(FIRST) };
    assert_eq!(world.home.judge(write, world.now), Ok(Standing::Late), "an old fencing number");
    world.settle();
    let fence = world.stay.as_ref().unwrap().fence().unwrap();
    assert_eq!(world.home.judge(Write { fence, ..write }, world.now), Ok(Standing::UnderDuty));

    world.pass_days(LAST + 9 - FIRST);
    assert_eq!(holder(&world, Duty::Vaccination), Some(Holder::Stay), "the last day counts");
    world.pass_days(1);
    assert_eq!(holder(&world, Duty::Vaccination), Some(Holder::Home));
    assert!(world.reads(Person::Mother, Category::Notice, None).is_ok(), "in the grace");
    assert_eq!(
        world.home.judge(Write { fence, ..write }, world.now),
        Ok(Standing::UnderDuty),
        "done in time"
    );
    world.pass_days(14);
    assert_eq!(world.home.state(world.now), State::Expired);
    assert!(world.decide_stay(|stay, _| stay.give_all_back()), "a late return closes the books");
    world.settle();
    assert_eq!(world.home.state(world.now), State::Returned);
    assert!(world.at_home(world.home.close(world.now)));
    world.settle();
    assert_eq!(world.home.state(world.now), State::Closed);
    assert_eq!(world.stay.as_ref().unwrap().state(world.now), StayState::Over);
}

#[test]
fn twins_are_two_and_a_loss_falls_silent() {
    let mut world = World::active();
    let child = |order| Person::Child(BirthOrder(order));
    let reads = |world: &World, order| world.reads(child(order), Category::ChildCheckups, None).is_ok();
    assert!(world.home.children().is_expecting());
    for order in [1, 2] {
        assert!(!reads(&world, order), "not before the birth");
        assert!(world.at_home(world.home.birth(notice(order, 2))));
        assert_eq!(world.home.birth(notice(order, 2)), Ok(Decision::Known), "a notice that came twice");
        assert!(reads(&world, order));
    }
    assert_eq!(world.home.birth(notice(1, 1)), Err(Refusal::Contradicts));
    assert_eq!(world.home.birth(notice(3, 2)), Err(Refusal::Contradicts));
    assert!(world.at_home(Ok(world.home.loss(Loss::Child(BirthOrder(1))))));
    assert_eq!(reads(&world, 1), reads(&world, 3), "as one that was never there");
    assert_eq!(world.home.children().living().collect::<Vec<_>>(), [BirthOrder(2)]);
    assert_eq!(world.home.holder(Duty::NewbornVisit, world.now), Some(Holder::Stay), "owed to the other");
    assert!(world.at_home(Ok(world.home.loss(Loss::Child(BirthOrder(2))))));
    assert_eq!(world.home.holder(Duty::NewbornVisit, world.now), None);
    assert_eq!(world.home.holder(Duty::Consultation, world.now), Some(Holder::Stay), "her care goes on");
    world.settle();
    let stay = world.stay.as_ref().unwrap();
    assert!(stay.may_act(Duty::NewbornVisit, world.now).is_err());
    assert!(stay.may_act(Duty::Consultation, world.now).is_ok());
}

/// The link brings the notice after the loss: nothing may be said all the same.
#[test]
fn a_notice_that_comes_after_the_loss_undoes_nothing() {
    let mut world = World::active();
    assert!(world.at_home(Ok(world.home.loss(Loss::Pregnancy))));
    assert!(!world.home.children().is_expecting());
    assert!(world.at_home(world.home.birth(notice(1, 1))));
    assert_eq!(world.home.children().living().count(), 0);
    assert!(world.at_home(Ok(world.home.correct_loss(Loss::Pregnancy, officers()))));
    assert_eq!(world.home.children().living().count(), 1);
}

#[test]
fn a_provisional_child_becomes_one_resident() {
    let mut world = World::active();
    let merge = |world: &World, order, key: &str| {
        world.home.merge(BirthOrder(order), ResidentKey::parse(key).unwrap(), officers())
    };
    assert_eq!(merge(&world, 1, "r-1"), Err(Refusal::CauseMissing));
    for order in [1, 2] {
        world.at_home(world.home.birth(notice(order, 2)));
    }
    let decided = merge(&world, 1, "r-1");
    assert!(matches!(decided, Ok(Decision::Append(HomeAct::Merged { .. }))));
    assert!(world.at_home(decided));
    assert_eq!(merge(&world, 1, "r-1"), Ok(Decision::Known));
    assert_eq!(merge(&world, 1, "r-2"), Err(Refusal::Contradicts));
    assert_eq!(merge(&world, 2, "r-1"), Err(Refusal::Contradicts), "twins are two residents");
}

#[test]
fn with_the_residence_every_duty_moves() {
    let mut world = World::active();
    assert_eq!(world.home.moved(day(FIRST + 1), world.now), Err(Refusal::NotYet));
    assert!(world.at_home(world.home.moved(day(FIRST), world.now)));
    for duty in DUTIES {
        assert_eq!(world.home.holder(duty, world.now), Some(Holder::NewHome));
    }
    assert!(world.reads(Person::Mother, Category::Notice, None).is_err());
    assert!(world.at_home(Ok(world.home.restrict(Restriction::OtherSide))));
    let holder = world.home.holder(Duty::Consultation, world.now);
    assert_eq!(holder, Some(Holder::NewHome), "a restriction brings nothing back");
}

/// Three entries of home, all under way: the longer stay, then a shorter one.
#[test]
fn what_home_said_last_counts_in_whichever_order_it_arrives() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut world = World::active();
        for last in [LAST + 5, LAST + 9] {
            assert!(world.decide_stay(|stay, now| stay.ask_longer(day(last), now)));
            for receipt in std::mem::take(&mut world.to_home) {
                assert!(world.home_hears(&receipt));
            }
            assert!(world.at_home(world.home.confirm(world.now)));
        }
        assert!(world.at_home(world.home.shorten(day(LAST - 5), world.now)));
        let said = std::mem::take(&mut world.to_stay);
        for place in order {
            assert!(world.stay_hears(&said[place]), "{order:?}");
        }
        assert_eq!(world.stay.as_ref().unwrap().fence(), world.home.fence(), "{order:?}");
        world.pass_days(LAST - 4 - FIRST);
        let acts = world.stay.as_ref().unwrap().may_act(Duty::Vaccination, world.now);
        assert_eq!(acts, Err(Refusal::NotHeld), "{order:?}: the shorter stay came last");
    }
}

#[test]
fn one_answer_stands() {
    let mut world = World::new();
    world.settle();
    assert!(world.decide_stay(|stay, now| stay.accept(&code(), all_accepted(), now)));
    let again = |world: &mut World| world.decide_stay(|stay, now| stay.accept(&code(), all_accepted(), now));
    assert!(!again(&mut world));
    world.crash();
    assert!(!again(&mut world), "nor after a restart");
    let stay = world.stay.as_ref().unwrap();
    let other = answers(&[Duty::Vaccination].into()).unwrap();
    assert_eq!(stay.accept(&code(), other, world.now), Err(Refusal::Contradicts));
    assert_eq!(answers(&[].into()), Err(Refusal::Answers), "to decline all is to decline");
}

fn notice(order: u8, plurality: u8) -> Notice {
    Notice { id: NoticeId([order; 16]), order: BirthOrder(order), plurality, born_on: day(FIRST) }
}
