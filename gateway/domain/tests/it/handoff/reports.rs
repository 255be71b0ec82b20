//! Reports: what is one, when home must hear at once, and how long an alarm waits.

use jiff::{SignedDuration, ToSpan as _};
use pmh_domain::checkup::urgent::UrgentRules;
use pmh_domain::handoff::{
    Assessment, Cost, Decision, Duty, GivenDose, HomeAct, LeafHash, News, Officer, Refusal, Report,
    ReportError, Standing,
};

use super::world::{FIRST, LAST, World, day, terms};

fn report(duty: Option<Duty>, news: News) -> Result<Report, ReportError> {
    Report::new(duty, day(FIRST), news, None, false)
}

fn epds(total: u8, item10: u8) -> Result<Report, ReportError> {
    report(Some(Duty::NewbornVisit), News::Epds { total, item10 })
}

#[test]
fn a_result_is_of_its_own_duty_and_its_numbers_can_be() {
    assert!(report(Some(Duty::Consultation), News::Visit(Assessment::Fine)).is_ok());
    for duty in [None, Some(Duty::Vaccination)] {
        assert_eq!(report(duty, News::Visit(Assessment::Fine)), Err(ReportError::Duty));
    }
    let doses = |doses: Vec<GivenDose>| report(Some(Duty::Vaccination), News::Doses(doses));
    assert_eq!(doses(Vec::new()), Err(ReportError::Number));
    assert_eq!(doses(vec![GivenDose { vaccine: "BCG".into(), number: 0 }]), Err(ReportError::Number));
    for (total, item10) in [(31, 0), (30, 4), (2, 3)] {
        assert_eq!(epds(total, item10), Err(ReportError::Number));
    }
    let cost = Cost { ticket: String::new(), paid_yen: 1, paper_receipt: String::new() };
    let paid = Report::new(None, day(FIRST), News::Transfer, Some(cost), false);
    assert_eq!(paid, Err(ReportError::Cost), "a move costs nothing at a window");
}

#[test]
fn nine_points_or_one_of_item_ten_is_urgent_and_a_protective_case_always() {
    let rules = UrgentRules::with([]);
    let rule = rules.on(terms().home, day(FIRST)).unwrap();
    let urgent = |total, item10| epds(total, item10).unwrap().under(rule).is_urgent();
    assert_eq!([urgent(8, 0), urgent(9, 0), urgent(1, 1)], [false, true, true]);
    assert!(report(None, News::Protective).unwrap().is_urgent());
    let hours = |report: Result<Report, ReportError>| report.unwrap().within();
    assert_eq!(hours(report(None, News::Protective)), Some(SignedDuration::from_hours(1)));
    assert_eq!(hours(report(None, News::EarlyBirth)), Some(SignedDuration::from_hours(24)));
    assert_eq!(hours(epds(8, 0)), None);
}

#[test]
fn an_unread_alarm_is_escalated_again_and_again_until_a_person_reads_it() {
    let mut world = World::active();
    assert!(world.decide_stay(|stay, now| stay.report(report(None, News::Protective).unwrap(), now)));
    world.settle();
    let [alarm] = world.home.alarms()[..] else { panic!("one alarm") };
    let after = |minutes: i64| alarm.escalations(world.now.checked_add(minutes.minutes()).unwrap());
    assert_eq!([after(-1), after(0), after(59), after(60), after(150)], [0, 0, 0, 1, 2]);
    let officer = || Officer("h-07".into());
    let unknown = world.home.acknowledge(LeafHash([0; 32]), officer());
    assert_eq!(unknown, Err(Refusal::NoReport));
    assert!(world.at_home(world.home.acknowledge(alarm.of.leaf, officer())));
    assert_eq!(world.home.acknowledge(alarm.of.leaf, Officer("h-08".into())), Ok(Decision::Known));
    assert_eq!(world.stay.as_ref().unwrap().alarms().len(), 1, "it has not heard yet");
    world.settle();
    assert!(world.home.alarms().is_empty() && world.stay.as_ref().unwrap().alarms().is_empty());
}

#[test]
fn what_was_done_before_the_return_arrived_is_entered_late_and_not_refused() {
    let mut world = World::active();
    let visit = report(Some(Duty::NewbornVisit), News::Visit(Assessment::Fine)).unwrap();
    assert!(world.decide_stay(|stay, now| stay.report(visit, now)));
    let said = std::mem::take(&mut world.to_home);
    assert!(world.decide_stay(|stay, _| stay.give_all_back()));
    world.settle();
    assert!(world.home_hears(&said[0]));
    let last = &world.home_log.last().unwrap().act;
    assert!(matches!(last, HomeAct::Reported { standing: Standing::Late, .. }));
}

#[test]
fn a_wish_to_stay_longer_waits_until_it_is_granted() {
    let mut world = World::active();
    assert!(world.decide_stay(|stay, now| stay.ask_longer(day(LAST + 5), now)));
    world.settle();
    assert_eq!(world.home.asked_until(), Some(day(LAST + 5)));
    assert_eq!((world.home.alarms().len(), world.stay.as_ref().unwrap().alarms().len()), (1, 1));
    assert!(world.at_home(world.home.confirm(world.now)));
    world.settle();
    assert!(world.home.alarms().is_empty() && world.stay.as_ref().unwrap().alarms().is_empty());
}
