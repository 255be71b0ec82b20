//! Receipts that prove nothing, or not what they are sent for. None of them may
//! change anything.

use pmh_domain::handoff::{
    Category, DeclineReason, HandoffId, HomeSays, Person, ReadRefusal, Side, State, Statement, StaySays,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::world::{HANDOFF, Key, LAST, Receipt, World, all_accepted, day, name};

/// What a hostile peer or link sends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lie {
    ForgedKey,
    OtherHandoff,
    AcceptOfNothing,
    BackdatedAccept,
    OwnLog,
    ReturnOfNothing,
    ConfirmOfNothing,
    ReceivedOfNothing,
    ConfirmBeforeOffer,
}

/// Sends it, and panics if a log grew.
pub(super) fn tell(world: &mut World, lie: Lie, which: Index) {
    let (home, stay) = (world.home_log.len(), world.stay_log.len());
    let now = world.now;
    let offered = world.home.offered();
    let nothing = name(Side::Home, 1, "of another matter");
    let to_home = |cause, says, at| {
        let entry = name(Side::Stay, 9_000, "a lie");
        Receipt { key: Key::Genuine, statement: Statement { entry, handoff: HANDOFF, at, cause, says } }
    };
    let to_stay = |index, cause, says| {
        let entry = name(Side::Home, index, "a lie");
        let statement = Statement { entry, handoff: HANDOFF, at: now, cause, says };
        Receipt { key: Key::Genuine, statement }
    };
    let accept = || StaySays::Accept(all_accepted());
    match lie {
        Lie::ForgedKey => {
            let says = [accept(), StaySays::Return, StaySays::Decline(DeclineReason::Other)];
            let cause = Some(which.get(&world.home_log).name);
            let receipt = to_home(cause, which.get(&says).clone(), now);
            world.home_hears(&Receipt { key: Key::Forged, ..receipt });
            let receipt = to_stay(9_000, None, HomeSays::Ended);
            world.stay_hears(&Receipt { key: Key::Forged, ..receipt });
        }
        Lie::OtherHandoff => {
            let mut receipt = to_home(Some(offered), accept(), now);
            receipt.statement.handoff = HandoffId([8; 16]);
            world.home_hears(&receipt);
        }
        Lie::AcceptOfNothing => drop(world.home_hears(&to_home(Some(nothing), accept(), now))),
        Lie::BackdatedAccept => {
            let before = world.home.offered_at() - jiff::SignedDuration::from_hours(24);
            world.home_hears(&to_home(Some(offered), accept(), before));
        }
        Lie::OwnLog => {
            let mut receipt = to_home(Some(offered), accept(), now);
            receipt.statement.entry.log = Side::Home;
            world.home_hears(&receipt);
        }
        Lie::ReturnOfNothing => {
            for cause in [None, Some(nothing), Some(offered)] {
                world.home_hears(&to_home(cause, StaySays::Return, now));
            }
        }
        Lie::ConfirmOfNothing => {
            for cause in [None, Some(nothing), Some(offered)] {
                world.stay_hears(&to_stay(9_000, cause, HomeSays::Confirm { last: day(LAST) }));
            }
        }
        Lie::ReceivedOfNothing => drop(world.stay_hears(&to_stay(9_000, Some(nothing), HomeSays::Received))),
        Lie::ConfirmBeforeOffer => {
            let accepted = world.stay_log.get(1).map(|entry| entry.name);
            world.stay_hears(&to_stay(1, accepted, HomeSays::Confirm { last: day(LAST) }));
        }
    }
    assert_eq!((world.home_log.len(), world.stay_log.len()), (home, stay), "{lie:?}");
}

pub(super) fn any_lie() -> impl Strategy<Value = Lie> {
    select(vec![
        Lie::ForgedKey,
        Lie::OtherHandoff,
        Lie::AcceptOfNothing,
        Lie::BackdatedAccept,
        Lie::OwnLog,
        Lie::ReturnOfNothing,
        Lie::ConfirmOfNothing,
        Lie::ReceivedOfNothing,
        Lie::ConfirmBeforeOffer,
    ])
}

proptest! {
    /// The offer stays an offer, and there is nothing to read.
    #[test]
    fn i24_no_accept_but_the_proven_one_opens_anything(lie in any_lie(), which in any::<Index>()) {
        let mut world = World::new();
        world.settle();
        tell(&mut world, lie, which);
        tell(&mut world, lie, which);
        prop_assert!(world.proof().is_none());
        prop_assert_eq!(world.home.state(world.now), State::Offered);
        let read = world.reads(Person::Mother, Category::Notice, None);
        prop_assert_eq!(read, Err(ReadRefusal::Unknown));
    }
}
