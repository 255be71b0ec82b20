//! Open until somebody closes them.

use jiff::civil::date;
use pmh_domain::checkup::follow_up::{
    CloseRefusal, ClosedByHand, Closing, FollowUp, FollowUpState, standing,
};
use pmh_domain::checkup::judgement::Disposition;
use pmh_domain::checkup::record::{Checkup, RawCheckup};
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{TODAY, eighteen_months, kept};

fn judged(disposition: Disposition) -> Checkup {
    kept(&RawCheckup { disposition: Some(disposition), ..eighteen_months() })
}

fn opened(disposition: Disposition) -> FollowUp {
    FollowUp::after(None, &judged(disposition), TODAY).unwrap()
}

#[test]
fn only_what_asks_for_something_opens_one() {
    for disposition in Disposition::ALL {
        let found = FollowUp::after(None, &judged(disposition), TODAY);
        assert_eq!(found.is_some(), disposition.needs_follow_up(), "{disposition:?}");
        assert!(found.is_none_or(|found| found.state == FollowUpState::Open));
    }
}

#[test]
fn the_day_of_the_examination_closes_what_asked_for_it() {
    let asked = opened(Disposition::DetailedExamination);
    let examined = |disposition| {
        kept(&RawCheckup {
            disposition: Some(disposition),
            detailed_exam_on: "2026-11-21".into(),
            ..eighteen_months()
        })
    };
    let closed = FollowUp::after(Some(&asked), &examined(Disposition::DetailedExamination), TODAY).unwrap();
    let state = FollowUpState::Closed { on: date(2026, 11, 21), closing: Closing::Examined };
    assert_eq!(closed.state, state);
    let treatment = FollowUp::after(None, &examined(Disposition::Treatment), TODAY).unwrap();
    assert_eq!(treatment.state, FollowUpState::Open);
}

#[test]
fn an_amendment_closes_and_reopens_but_a_resent_row_undoes_no_persons_closing() {
    let open = opened(Disposition::Observation);
    let amended = FollowUp::after(Some(&open), &judged(Disposition::Nothing), TODAY).unwrap();
    assert_eq!(amended.state, FollowUpState::Closed { on: TODAY, closing: Closing::Amended });
    let again = FollowUp::after(Some(&amended), &judged(Disposition::Observation), TODAY).unwrap();
    assert_eq!(again.state, FollowUpState::Open);

    let closed = open.close(TODAY, Closing::Resolved).unwrap();
    let resent = FollowUp::after(Some(&closed), &judged(Disposition::Observation), TODAY).unwrap();
    assert_eq!(resent, closed);
    let worse = FollowUp::after(Some(&closed), &judged(Disposition::Treatment), TODAY).unwrap();
    assert_eq!(worse.state, FollowUpState::Open);

    let withdrawn = kept(&RawCheckup { withdrawn: true, ..eighteen_months() });
    let gone = FollowUp::after(Some(&open), &withdrawn, TODAY).unwrap();
    assert_eq!(gone.state, FollowUpState::Closed { on: TODAY, closing: Closing::Amended });
}

#[test]
fn it_is_closed_once() {
    let open = opened(Disposition::Observation);
    assert_eq!(open.close(date(2026, 11, 21), Closing::Resolved), Err(CloseRefusal::BeforeOpened));
    assert_eq!(open.close(TODAY, Closing::Amended), Err(CloseRefusal::NotByHand));
    let closed = open.close(TODAY, Closing::Resolved).unwrap();
    assert_eq!(closed.close(TODAY, Closing::Resolved), Ok(closed.clone()));
    assert_eq!(closed.close(TODAY, Closing::Declined), Err(CloseRefusal::Closed));
}

proptest! {
    /// However often versions come, what asks for something and that nobody
    /// closed is on the list.
    #[test]
    fn nothing_is_lost_from_the_list(
        versions in prop::collection::vec((select(Disposition::ALL.as_slice()), any::<bool>()), 1..10)
    ) {
        let mut known: Option<FollowUp> = None;
        let mut closed_for: Option<Disposition> = None;
        for (disposition, closes) in versions {
            known = FollowUp::after(known.as_ref(), &judged(disposition), TODAY);
            let is_open = known.as_ref().is_some_and(|known| known.state == FollowUpState::Open);
            if closed_for == Some(disposition) {
                prop_assert!(!is_open);
            } else {
                prop_assert_eq!(is_open, disposition.needs_follow_up());
                closed_for = closed_for.filter(|_| !disposition.needs_follow_up());
            }
            if closes && is_open {
                known = known.map(|known| known.close(TODAY, Closing::Resolved).unwrap());
                closed_for = Some(disposition);
            }
        }
    }
}

/// One thing that happens to a record.
#[derive(Debug, Clone, Copy)]
enum Step {
    Judged(Disposition),
    Withdrawn,
    Closed(Closing),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let by_hand = [Closing::Examined, Closing::UnderTreatment, Closing::Resolved, Closing::Declined];
    let step = prop_oneof![
        4 => select(Disposition::ALL.as_slice()).prop_map(Step::Judged),
        1 => Just(Step::Withdrawn),
        3 => select(by_hand.to_vec()).prop_map(Step::Closed),
    ];
    prop::collection::vec(step, 0..12)
}

proptest! {
    /// What is reckoned from the versions and the closings alone is what somebody had who was there at each step.
    #[test]
    fn it_stands_as_if_every_step_had_been_followed(steps in steps()) {
        let (mut versions, mut closings, mut known) = (Vec::new(), Vec::new(), None::<FollowUp>);
        for step in steps {
            let (disposition, withdrawn) = match step {
                Step::Judged(disposition) => (Some(disposition), false),
                Step::Withdrawn => (None, true),
                Step::Closed(closing) => {
                    let open = known.as_ref().filter(|known| known.state == FollowUpState::Open);
                    if let (Some(open), Some(version)) = (open, versions.last()) {
                        let version: &Checkup = version;
                        closings.push(ClosedByHand {
                            version: version.source_version,
                            disposition: open.disposition,
                            on: TODAY,
                            closing,
                        });
                        known = Some(open.close(TODAY, closing).unwrap());
                    }
                    continue;
                }
            };
            let source_version = (versions.len() + 1).to_string();
            let version = kept(&RawCheckup { disposition, withdrawn, source_version, ..eighteen_months() });
            known = FollowUp::after(known.as_ref(), &version, version.date);
            versions.push(version);
        }
        prop_assert_eq!(standing(&versions, &closings), known);
    }
}

#[test]
fn a_closing_of_a_version_that_was_undone_stands_for_the_same_judgement_before_it() {
    let of = |version: &str| kept(&RawCheckup { source_version: version.into(), ..observed() });
    let closed = |version: &Checkup| ClosedByHand {
        version: version.source_version,
        disposition: Disposition::Observation,
        on: TODAY,
        closing: Closing::Resolved,
    };
    let state = FollowUpState::Closed { on: TODAY, closing: Closing::Resolved };
    assert_eq!(standing(&[of("1")], &[closed(&of("2"))]).unwrap().state, state);
    let worse = kept(&RawCheckup { disposition: Some(Disposition::Treatment), ..observed() });
    assert_eq!(standing(&[worse], &[closed(&of("2"))]).unwrap().state, FollowUpState::Open);
}

fn observed() -> RawCheckup {
    RawCheckup { disposition: Some(Disposition::Observation), ..eighteen_months() }
}
