//! When the home municipality must hear at once.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use pmh_domain::checkup::Confidence;
use pmh_domain::checkup::record::RawCheckup;
use pmh_domain::checkup::scores::{Instrument, RawScores};
use pmh_domain::checkup::urgent::{
    CaseStanding, Cause, Urgency, UrgentCase, UrgentRule, UrgentRules, urgency,
};
use pmh_domain::organization::IssuerId;
use proptest::prelude::*;

use super::world::{TODAY, check, epds, postpartum};

fn hachioji() -> IssuerId {
    IssuerId::parse("urn:x-pmh:org:municipality:132012").unwrap()
}

fn machida() -> IssuerId {
    IssuerId::parse("urn:x-pmh:org:municipality:132098").unwrap()
}

fn common() -> UrgentRule {
    UrgentRules::with([]).on(hachioji(), TODAY).unwrap().clone()
}

#[test]
fn nine_in_total_or_one_at_item_ten() {
    let rule = common();
    for (items, expected) in [
        ([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], Urgency::No),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], Urgency::Urgent(Cause::Total)),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Urgency::Urgent(Cause::Item10)),
        ([3, 3, 3, 0, 0, 0, 0, 0, 0, 2], Urgency::Urgent(Cause::TotalAndItem10)),
    ] {
        assert_eq!(urgency(&rule, &epds(items, None)), expected, "{items:?}");
    }
}

#[test]
fn a_row_refused_for_its_total_still_cries_out() {
    let scores = epds([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Some(0));
    assert!(check(&RawCheckup { scores: vec![scores.clone()], ..postpartum() }).is_err());
    assert_eq!(urgency(&common(), &scores), Urgency::Urgent(Cause::Item10));
    assert_eq!(urgency(&common(), &epds([0; 10], Some(9))), Urgency::Urgent(Cause::Total));
}

#[test]
fn missing_answers_are_undecided_and_never_a_no() {
    let rule = common();
    let scores = |items: Vec<Option<u8>>, total| RawScores { instrument: Instrument::Epds, items, total };
    assert_eq!(urgency(&rule, &scores(Vec::new(), Some(8))), Urgency::Undecided);
    assert_eq!(urgency(&rule, &scores(Vec::new(), Some(9))), Urgency::Urgent(Cause::Total));
    let mut open = vec![Some(0); 10];
    open[9] = None;
    assert_eq!(urgency(&rule, &scores(open, None)), Urgency::Undecided);
    let mut open = vec![Some(1); 10];
    (open[0], open[1], open[9]) = (None, None, Some(0));
    assert_eq!(urgency(&rule, &scores(open.clone(), None)), Urgency::Undecided);
    open[8] = Some(0);
    (open[0], open[2], open[3], open[4], open[5]) = (Some(0), Some(0), Some(0), Some(0), Some(0));
    assert_eq!(urgency(&rule, &scores(open, None)), Urgency::No);
    let bonding = RawScores { instrument: Instrument::Bonding, items: vec![Some(3); 10], total: None };
    assert_eq!(urgency(&rule, &bonding), Urgency::No);
}

#[test]
fn a_municipalitys_own_threshold_holds_from_its_day() {
    let own = UrgentRule {
        issuer: Some(hachioji()),
        since: date(2026, 4, 1),
        until: Some(date(2027, 3, 31)),
        epds_total_at_least: 8,
        epds_item10_at_least: 1,
        source: "invented".into(),
        confidence: Confidence::Ours,
    };
    let older = UrgentRule { since: date(2016, 4, 1), until: None, ..own.clone() };
    let old = UrgentRules::with([older]);
    assert_eq!(
        old.on(hachioji(), TODAY).unwrap().epds_total_at_least,
        8,
        "an own rule goes before the common one"
    );
    let rules = UrgentRules::with([own]);
    let total = |issuer, day| rules.on(issuer, day).map(|rule| rule.epds_total_at_least);
    assert_eq!(total(hachioji(), date(2026, 3, 31)), Some(9));
    assert_eq!(total(hachioji(), date(2026, 4, 1)), Some(8));
    assert_eq!(total(hachioji(), date(2027, 4, 1)), Some(9));
    assert_eq!(total(machida(), date(2026, 4, 1)), Some(9));
    assert_eq!(total(machida(), date(2017, 3, 31)), None);
}

#[test]
fn a_case_escalates_until_a_person_has_read_it() {
    let raised: Timestamp = "2026-11-22T01:00:00Z".parse().unwrap();
    let after = |hours| raised + SignedDuration::from_hours(hours);
    let every = SignedDuration::from_hours(4);
    let case = UrgentCase::raised(raised);
    for (hours, escalations) in [(-1, 0), (0, 0), (3, 0), (4, 1), (9, 2)] {
        assert_eq!(case.standing(after(hours), every), CaseStanding::Unread { escalations }, "{hours}");
    }
    assert_eq!(case.standing(after(9), SignedDuration::ZERO), CaseStanding::Unread { escalations: 0 });
    let read = case.read_by("nurse-7", after(5)).read_by("nurse-8", after(6));
    assert_eq!(read.standing(after(100), every), CaseStanding::Read { at: after(5) });
    assert_eq!(read.read.unwrap().by, "nurse-7");
}

proptest! {
    /// To answer a missing item can only make sure of what was possible.
    #[test]
    fn an_answer_never_turns_urgent_into_no(
        items in prop::collection::vec(prop::option::of(0..=3_u8), 10), at in 0..10_usize, score in 0..=3_u8
    ) {
        let rule = common();
        let scores = |items: &[Option<u8>]| RawScores { instrument: Instrument::Epds, items: items.to_vec(), total: None };
        let before = urgency(&rule, &scores(&items));
        let mut answered = items.clone();
        answered[at] = items[at].or(Some(score));
        let after = urgency(&rule, &scores(&answered));
        match before {
            Urgency::Urgent(_) => prop_assert!(matches!(after, Urgency::Urgent(_))),
            Urgency::No => prop_assert_eq!(after, Urgency::No),
            Urgency::Undecided => {}
        }
        if answered.iter().all(Option::is_some) {
            prop_assert_ne!(after, Urgency::Undecided);
        }
    }
}

const HEADER: &str = "issuer,since,until,epds_total_at_least,epds_item10_at_least,source,confidence\n";

fn parsed(rows: &str) -> Result<UrgentRules, String> {
    UrgentRules::parse(&format!("{HEADER}{rows}")).map_err(|error| error.to_string())
}

#[test]
fn a_file_gives_a_municipality_its_own_threshold_from_its_own_day() {
    let rules = parsed("municipality:132012,2026-04-01,,8,2,own,ours\n").unwrap();
    let total = |issuer, day| rules.on(issuer, day).unwrap().epds_total_at_least;
    assert_eq!(total(hachioji(), date(2026, 3, 31)), 9);
    assert_eq!(total(hachioji(), date(2026, 4, 1)), 8);
    assert_eq!(total(machida(), date(2026, 4, 1)), 9, "nobody else's");
}

#[test]
fn a_threshold_that_cannot_be_meant_is_refused_by_its_row() {
    let good = "municipality:132012,2026-04-01,,9,1,own,ours\n";
    for (bad, said) in [
        (",2026-04-01,,9,1,own,ours", "row 2: the issuer"),
        ("prefecture:130001,2026-04-01,,9,1,own,ours", "row 2: the issuer"),
        ("municipality:132098,2026-04-01,2026-03-31,9,1,own,ours", "row 2: the last day"),
        ("municipality:132098,2026-04-01,,31,1,own,ours", "row 2: the total"),
        ("municipality:132098,2026-04-01,,9,0,own,ours", "row 2: the total"),
        ("municipality:132012,2026-04-01,2026-05-01,9,1,own,ours", "row 2: an earlier row"),
    ] {
        let error = parsed(&format!("{good}{bad}\n")).unwrap_err();
        assert!(error.starts_with(said), "{bad}: {error}");
    }
    assert!(parsed("municipality:132012,2026-04-01,,nine,1,own,ours\n").is_err());
    assert!(parsed(good).is_ok());
}
