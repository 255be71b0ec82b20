//! A handoff's file proves its story, and any other byte, step or order is found. Two invented municipalities, two logs.

mod logs;

use pmh_audit::handoff::{ProvedStep, Says, Side, Wrong};
use pmh_audit::{EvidenceError, HandoffFile, Kind, ReceiptError, VerifiedHandoff};
use proptest::prelude::*;

use self::logs::{Story, home_key, keys, stay_key};
use crate::support::full_scale;

fn verify(file: &[u8]) -> Result<VerifiedHandoff, EvidenceError> {
    HandoffFile::decode(file)?.verify(&keys())
}

fn told(steps: &[ProvedStep]) -> Vec<(Side, Kind, Option<Says>)> {
    steps.iter().map(|step| (step.side, step.entry.leaf.kind, step.says)).collect()
}

#[test]
fn either_sides_file_tells_the_whole_story_in_an_order_that_could_have_happened() {
    for exporter in [Side::Home, Side::Stay] {
        let proved = verify(&Story::whole().file(exporter)).unwrap();
        assert_eq!(proved.exporter, exporter);
        assert_eq!(
            told(&proved.steps),
            [
                (Side::Home, Kind::HandoffOffer, Some(Says::Offer)),
                (Side::Stay, Kind::HandoffOffer, None),
                (Side::Stay, Kind::HandoffAccept, Some(Says::Accepted)),
                (Side::Home, Kind::HandoffAccept, None),
                (Side::Home, Kind::HandoffConfirm, Some(Says::Confirmed)),
                (Side::Stay, Kind::HandoffConfirm, None),
                (Side::Stay, Kind::HandoffReturn, Some(Says::Returned)),
                (Side::Home, Kind::HandoffReturn, Some(Says::ReturnReceived)),
                (Side::Home, Kind::HandoffClose, Some(Says::Ended)),
                (Side::Stay, Kind::HandoffReturn, None),
                (Side::Stay, Kind::HandoffClose, None),
            ]
        );
        assert!(proved.steps.iter().all(|step| step.says.is_none() || step.is_answered));
        assert_eq!(proved.visits.len(), 1);
    }
}

#[test]
fn an_approval_of_care_is_named_and_home_alone_says_it() {
    let proved = verify(&Story::with_care().file(Side::Home)).unwrap();
    let said: Vec<_> = proved.steps.iter().filter_map(|step| step.says).collect();
    let names: Vec<_> = said.iter().map(|says| says.name()).collect();
    assert_eq!(names, ["offer", "accepted", "confirmed", "care_approved", "consent_withdrawn", "care_ended"]);
    assert!(proved.steps.iter().all(|step| step.says.is_none() || step.is_answered));
    let forged = verify(&Story::with_care_of_the_stay_side().file(Side::Stay));
    assert!(matches!(forged, Err(EvidenceError::Step { side: Side::Stay, .. })), "{forged:?}");
}

#[test]
fn a_story_cut_off_at_any_step_is_proved_as_far_as_it_goes() {
    let whole = Story::whole();
    for home in 1..=whole.home.len() {
        let story = whole.until(home);
        let proved = verify(&story.file(Side::Home)).unwrap_or_else(|error| panic!("{home}: {error:?}"));
        assert_eq!(proved.steps.len(), story.home.len() + story.stay.len());
    }
}

/// Every byte of the file, each of its bits at full scale.
#[test]
fn a_flipped_byte_anywhere_is_found() {
    let file = Story::whole().file(Side::Home);
    for place in 0..file.len() {
        for bit in if full_scale() { 0..8 } else { 0..1 } {
            let mut changed = file.clone();
            changed[place] ^= if full_scale() { 1 << bit } else { 1 << (place % 8) };
            assert!(verify(&changed).is_err(), "byte {place}, bit {bit}");
        }
    }
    for length in 0..file.len() {
        assert!(verify(&file[..length]).is_err(), "cut at {length}");
    }
    assert!(verify(&[file.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_removed_step_is_found_by_the_exports_entry() {
    for exporter in [Side::Home, Side::Stay] {
        let story = Story::whole();
        for (side, place) in story.places() {
            let changed = story.file_with_steps_of(&story.without(side, place), exporter);
            let found = verify(&changed).unwrap_err();
            assert_eq!(found, EvidenceError::Export(Wrong::Receipt(ReceiptError::ResponseDigest)));
        }
    }
}

#[test]
fn two_swapped_steps_are_found_by_the_exports_entry() {
    let story = Story::whole();
    for (side, one) in story.places() {
        for (_, other) in story.places().filter(|(of, other)| *of == side && *other != one) {
            let changed = story.file_with_steps_of(&story.swapped(side, one, other), Side::Home);
            assert!(matches!(verify(&changed), Err(EvidenceError::Export(_))));
        }
    }
}

/// The exporter's own gateway lies: it makes the export's entry for what it shows.
#[test]
fn what_an_exporter_itself_leaves_out_of_the_middle_is_found() {
    for exporter in [Side::Home, Side::Stay] {
        let story = Story::whole();
        for (side, place) in story.places() {
            let Ok(proved) = verify(&story.without(side, place).file(exporter)) else { continue };
            // The newest of a log, and an entry that only acknowledges, may still be on their way: then the file says that
            // something waits, unless a later entry acknowledges the same.
            let is_shown = proved.steps.iter().any(|step| step.says.is_some() && !step.is_answered);
            let is_known = story.is_closing(side, place) || story.is_implied(side, place);
            assert!(is_shown || is_known, "{exporter}'s file without {side}'s step {place}");
        }
    }
}

#[test]
fn whatever_order_an_exporter_makes_up_is_found() {
    let story = Story::whole();
    for (side, one) in story.places() {
        for (_, other) in story.places().filter(|(of, other)| *of == side && *other != one) {
            let found = verify(&story.swapped(side, one, other).file(Side::Home)).unwrap_err();
            assert!(matches!(found, EvidenceError::Step { .. }), "{found:?}");
        }
    }
}

#[test]
fn steps_of_another_handoff_another_log_or_the_wrong_side_are_found() {
    let (story, another) = (Story::whole(), Story::another());
    let mut mixed = story.clone();
    mixed.stay[1] = another.stay[1].clone();
    let wrong = |found| matches!(found, Err(EvidenceError::Step { wrong: Wrong::OtherHandoff, .. }));
    assert!(wrong(verify(&mixed.file(Side::Home))));
    let crossed = Story { home: story.stay.clone(), stay: story.home.clone(), ..story.clone() };
    assert!(matches!(
        verify(&crossed.file(Side::Home)),
        Err(EvidenceError::Step { wrong: Wrong::OtherEntry, .. })
    ));
    let file = HandoffFile::decode(&story.file(Side::Home)).unwrap();
    let none = file.verify(&[home_key().verifier().clone()]);
    assert_eq!(none, Err(EvidenceError::Step { side: Side::Stay, place: 1, wrong: Wrong::NoKey }));
    let other = file.verify(&[stay_key().verifier().clone()]);
    assert_eq!(other, Err(EvidenceError::Export(Wrong::NoKey)));
}

#[test]
fn an_accept_dated_before_its_offer_is_found() {
    let found = verify(&Story::backdated().file(Side::Home)).unwrap_err();
    assert_eq!(found, EvidenceError::Step { side: Side::Stay, place: 1, wrong: Wrong::Backdated });
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(verify(&bytes).is_err());
    }
}
