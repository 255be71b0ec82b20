//! Open until somebody closes them.

use jiff::civil::date;
use pmh_domain::checkup::follow_up::{CloseRefusal, Closing, FollowUp, FollowUpState};
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
