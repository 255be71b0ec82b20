//! No state without its entries in both logs, read off the raw logs.

use pmh_domain::handoff::{EntryRef, HomeAct, State, StayAct};

use super::world::World;

/// Walks both logs and panics at a state, or an entry, whose pair is missing.
pub(super) fn check_pairs(world: &World) {
    let offered = world.home_log[0].name;
    let stays =
        |name: EntryRef| world.stay_log.iter().find(|entry| entry.name == name).map(|entry| &entry.act);
    let homes =
        |name: EntryRef| world.home_log.iter().find(|entry| entry.name == name).map(|entry| &entry.act);
    let is_confirm = |name| matches!(homes(name), Some(HomeAct::Confirmed { .. }));
    let (mut is_accepted, mut is_confirmed, mut is_returned) = (false, false, false);
    for entry in &world.home_log {
        match &entry.act {
            HomeAct::Accepted { cause, .. } => {
                assert!(matches!(stays(*cause), Some(StayAct::Accepted(_))), "an accept that nobody made");
                is_accepted = true;
            }
            HomeAct::Declined { cause, .. } => assert!(matches!(stays(*cause), Some(StayAct::Declined(_)))),
            HomeAct::Confirmed { cause, .. } => {
                assert!(is_accepted, "a confirm before the accept");
                assert!(matches!(stays(*cause), Some(StayAct::Accepted(_) | StayAct::Asked { .. })));
                is_confirmed = true;
            }
            HomeAct::Asked { cause, .. } => assert!(matches!(stays(*cause), Some(StayAct::Asked { .. }))),
            HomeAct::GivenBack { cause, .. } => {
                assert!(matches!(stays(*cause), Some(StayAct::GaveBack { .. })));
            }
            HomeAct::Returned { cause } => {
                let Some(StayAct::Returned { cause }) = stays(*cause) else {
                    panic!("a return that nobody made")
                };
                assert!(is_confirm(*cause), "a return of what was never confirmed");
                is_returned = true;
            }
            _ => {}
        }
    }
    for entry in &world.stay_log {
        match &entry.act {
            StayAct::OfferReceived { offered: name, .. } => assert_eq!(*name, offered),
            StayAct::Confirmed { cause, .. } => {
                let Some(HomeAct::Confirmed { cause, .. }) = homes(*cause) else {
                    panic!("a confirm of nobody")
                };
                assert!(stays(*cause).is_some(), "a confirm of what was never said");
            }
            StayAct::Asked { cause, .. } | StayAct::GaveBack { cause, .. } | StayAct::Returned { cause } => {
                assert!(is_confirm(*cause));
            }
            StayAct::Shortened { cause, .. }
            | StayAct::ReturnReceived { cause }
            | StayAct::Ended { cause } => {
                assert!(homes(*cause).is_some());
            }
            _ => {}
        }
    }
    match world.home.state(world.now) {
        State::Accepted => assert!(is_accepted),
        State::Active => assert!(is_accepted && is_confirmed),
        State::Returned => assert!(is_accepted && is_confirmed && is_returned),
        _ => {}
    }
}
