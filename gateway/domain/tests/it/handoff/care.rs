//! 産後ケア: what home approves, and what a facility may rely on, on the days around every boundary.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pmh_domain::handoff::{
    Answers, Bases, CareAnswer, CareApproval, CareError, CareKind, Category, Cost, Decision, Duty,
    DutyAnswer, News, Offer, OneTimeCode, Refusal, Report, Restriction, Terms,
};
use pmh_domain::time::DateRange;

use super::world::{CODE, FIRST, LAST, World, code, consent, day, terms};

const CARE: [Duty; 2] = [Duty::PostpartumCare, Duty::Consultation];
const COPAYMENT: u32 = 1_500;

#[test]
fn an_approval_has_a_day_and_no_more_than_a_month_of_them_at_a_price_that_can_be() {
    let period = DateRange::day(day(FIRST));
    let new = |days, yen| CareApproval::new(CareKind::Day, days, yen, period).map(|_| ());
    assert_eq!([new(1, 0), new(31, 100_000)], [Ok(()), Ok(())]);
    assert_eq!([new(0, 0), new(32, 0)], [Err(CareError::Days), Err(CareError::Days)]);
    assert_eq!(new(1, 100_001), Err(CareError::Copayment));
}

#[test]
fn home_approves_from_the_accept_on_within_the_stay_and_what_the_mother_shares() {
    let mut world = offered(&CARE, &SHARED);
    let seven = approval(CareKind::Day, 7, FIRST, LAST);
    assert!(matches!(world.home.approve_care(seven, world.now), Err(Refusal::State(_))), "nobody accepted");
    accept(&mut world, &CARE);
    for (first, last) in [(FIRST - 1, LAST), (FIRST, LAST + 1)] {
        let outside = approval(CareKind::Day, 7, first, last);
        assert_eq!(world.home.approve_care(outside, world.now), Err(Refusal::Days));
    }
    assert!(world.at_home(world.home.approve_care(seven, world.now)), "before the stay begins");
    assert_eq!(world.home.approve_care(seven, world.now), Ok(Decision::Known));
    world.pass_days(FIRST + 3);
    let past = approval(CareKind::ShortStay, 1, FIRST, FIRST + 2);
    assert_eq!(world.home.approve_care(past, world.now), Err(Refusal::Days), "its last day is gone");
    let mut silent = offered(&CARE, &[Category::Notice]);
    accept(&mut silent, &CARE);
    assert_eq!(silent.home.approve_care(seven, silent.now), Err(Refusal::NotShared));
    let mut declined = offered(&CARE, &SHARED);
    accept(&mut declined, &[Duty::Consultation]);
    assert_eq!(declined.home.approve_care(seven, declined.now), Err(Refusal::NotHeld));
}

#[test]
fn a_day_to_come_is_answered_before_she_comes_and_today_once_home_has_confirmed() {
    let mut world = accepted();
    assert_eq!(asked(&world, FIRST), CareAnswer::NoApproval);
    approve(&mut world, approval(CareKind::Day, 7, FIRST + 2, LAST - 2));
    let seen: Vec<_> = [FIRST + 1, FIRST + 2, LAST - 2, LAST - 1].map(|day| word(&asked(&world, day))).into();
    assert_eq!(seen, ["not yet", "approved", "approved", "over"], "both ends are included");
    world.pass_days(FIRST + 2);
    assert_eq!(word(&asked(&world, FIRST + 2)), "not yet", "home has not confirmed");
    assert_eq!(word(&asked(&world, FIRST + 3)), "approved");
    assert!(world.at_home(world.home.confirm(world.now)));
    world.settle();
    assert_eq!(word(&asked(&world, FIRST + 2)), "approved");
    assert!(world.at_home(world.home.shorten(day(FIRST + 4), world.now)));
    world.settle();
    let CareAnswer::Approved(care) = asked(&world, FIRST + 4) else { panic!("the last day of the stay") };
    assert_eq!(care[0].last, day(FIRST + 4), "the stay ends before the approval");
    assert_eq!(word(&asked(&world, FIRST + 5)), "over");
    assert!(world.decide_stay(|stay, now| stay.give_back([Duty::PostpartumCare].into(), now)));
    assert_eq!(word(&asked(&world, FIRST + 3)), "over", "it is home's again");
}

#[test]
fn reported_days_are_counted_by_kind_within_the_approved_days() {
    let mut world = accepted();
    approve(&mut world, approval(CareKind::Day, 3, FIRST, LAST));
    approve(&mut world, approval(CareKind::HomeVisit, 2, FIRST, LAST));
    world.pass_days(FIRST + 1);
    assert!(world.at_home(world.home.confirm(world.now)));
    world.settle();
    used(&mut world, FIRST, 1, Some(CareKind::Day));
    assert_eq!(left(&world), [2, 2]);
    used(&mut world, FIRST - 1, 1, Some(CareKind::Day));
    assert_eq!(left(&world), [2, 2], "before the approved days");
    used(&mut world, FIRST + 1, 2, None);
    assert_eq!(left(&world), [0, 0], "of no kind: it counts against each");
    let CareAnswer::UsedUp(care) = asked(&world, FIRST + 1) else { panic!("nothing is left") };
    assert_eq!(
        (care[0].used, care[0].tickets.as_slice()),
        (3, ["T-1".to_owned(), "T-2".to_owned()].as_slice())
    );
    used(&mut world, FIRST + 1, 9, Some(CareKind::Day));
    assert_eq!(left(&world), [0, 0], "never below none");
    approve(&mut world, approval(CareKind::HomeVisit, 5, FIRST, LAST));
    assert_eq!(left(&world), [0, 3], "a later word on the same kind takes its place");
}

#[test]
fn whatever_order_home_is_heard_in_its_later_word_counts_and_a_restart_changes_nothing() {
    let mut world = accepted();
    for days in [3, 5] {
        assert!(
            world.at_home(world.home.approve_care(approval(CareKind::Day, days, FIRST, LAST), world.now))
        );
    }
    world.to_stay.reverse();
    world.resend();
    world.settle();
    world.crash();
    assert_eq!(left_on(&world, FIRST), [5]);
}

#[test]
fn consent_taken_back_at_either_window_closes_it_and_so_does_every_end() {
    let care: BTreeSet<Category> = [Category::CareApproval].into();
    let mut at_home = accepted_with(7);
    let now = at_home.now;
    assert!(at_home.at_home(at_home.home.withdraw_consent(&care, None, now)));
    assert!(!at_home.home.stands_by_care(now));
    at_home.settle();
    assert_eq!(word(&asked(&at_home, FIRST)), "no approval");
    let again = consent(&[Category::CareApproval]);
    assert!(at_home.at_home(at_home.home.give_consent(again, now)));
    at_home.resend();
    at_home.settle();
    assert_eq!(word(&asked(&at_home, FIRST)), "no approval", "what was ended does not come back by itself");
    approve(&mut at_home, approval(CareKind::Day, 7, FIRST, LAST));
    assert_eq!(word(&asked(&at_home, FIRST)), "approved");

    let mut at_stay = accepted_with(7);
    assert!(at_stay.decide_stay(|stay, now| stay.withdraw_consent(care.clone(), now)));
    assert_eq!(word(&asked(&at_stay, FIRST)), "no approval", "before home has heard of it");
    at_stay.settle();
    assert!(!at_stay.home.stands_by_care(at_stay.now));

    let mut withdrawn = accepted_with(7);
    assert!(withdrawn.at_home(withdrawn.home.withdraw(withdrawn.now)));
    assert!(!withdrawn.home.stands_by_care(withdrawn.now), "before the stay side has heard of it");
    withdrawn.settle();
    assert_eq!(asked(&withdrawn, FIRST), CareAnswer::Over);
}

#[test]
fn a_restriction_on_either_side_leaves_nothing_to_rely_on() {
    let mut world = accepted_with(7);
    assert!(world.home.stands_by_care(world.now));
    assert!(world.at_home(Ok(world.home.restrict(Restriction::OtherSide))));
    assert!(!world.home.stands_by_care(world.now));
    assert!(world.decide_stay(|stay, _| Ok(stay.restrict())));
    assert_eq!(asked(&world, FIRST), CareAnswer::NoApproval, "as of a mother whom nobody knows");
}

#[test]
fn the_code_opens_its_own_handoff_alone() {
    let world = accepted();
    let stay = world.stay.as_ref().unwrap();
    assert!(stay.is_opened_by(&OneTimeCode(CODE)));
    assert!(!stay.is_opened_by(&OneTimeCode([0; 16])));
}

const SHARED: [Category; 2] = [Category::Notice, Category::CareApproval];

fn offered(duties: &[Duty], shared: &[Category]) -> World {
    let bases = Bases::new(&[consent(shared)], Vec::new());
    let duties = duties.iter().copied().collect();
    let mut world = World::offering(Offer::new(Terms { duties, bases, ..terms() }).unwrap());
    world.settle();
    world
}

fn accept(world: &mut World, duties: &[Duty]) {
    use pmh_domain::handoff::DeclineReason::NoCapacity;
    let answer = |duty: Duty| {
        if duties.contains(&duty) { DutyAnswer::Accepted } else { DutyAnswer::Declined(NoCapacity) }
    };
    let given = CARE.iter().map(|duty| (*duty, answer(*duty))).collect();
    let answers = Answers::new(&CARE.into(), given).unwrap();
    assert!(world.decide_stay(|stay, now| stay.accept(&code(), answers, now)));
    world.settle();
}

fn accepted() -> World {
    let mut world = offered(&CARE, &SHARED);
    accept(&mut world, &CARE);
    world
}

fn accepted_with(days: u8) -> World {
    let mut world = accepted();
    approve(&mut world, approval(CareKind::Day, days, FIRST, LAST));
    world
}

fn approval(kind: CareKind, days: u8, first: i64, last: i64) -> CareApproval {
    CareApproval::new(kind, days, COPAYMENT, DateRange::new(day(first), day(last)).unwrap()).unwrap()
}

fn approve(world: &mut World, approval: CareApproval) {
    assert!(world.at_home(world.home.approve_care(approval, world.now)));
    world.settle();
}

fn used(world: &mut World, on: i64, days: u8, kind: Option<CareKind>) {
    let ticket = format!(
        "T-{}",
        world.stay.as_ref().unwrap().reports().iter().filter(|known| known.report.on() >= day(FIRST)).count()
            + 1
    );
    let cost = Cost { ticket, paid_yen: COPAYMENT, paper_receipt: String::new() };
    let news = News::PostpartumCare { days, kind };
    let report = Report::new(Some(Duty::PostpartumCare), day(on), news, Some(cost), false).unwrap();
    assert!(world.decide_stay(|stay, now| stay.report(report, now)));
    world.settle();
}

fn asked(world: &World, on: i64) -> CareAnswer {
    let on: Date = day(on);
    world.stay.as_ref().unwrap().care(on, world.now)
}

fn word(answer: &CareAnswer) -> &'static str {
    match answer {
        CareAnswer::NoApproval => "no approval",
        CareAnswer::Over => "over",
        CareAnswer::NotYet => "not yet",
        CareAnswer::UsedUp(_) => "used up",
        CareAnswer::Approved(_) => "approved",
    }
}

fn left(world: &World) -> Vec<u32> {
    left_on(world, world.day())
}

fn left_on(world: &World, on: i64) -> Vec<u32> {
    asked(world, on).care().iter().map(pmh_domain::handoff::Care::days_left).collect()
}
