//! A birth or loss that a facility at the stay side tells of, and what a certificate cannot say.

use jiff::civil::{DateTime, date};
use pmh_domain::checkup::gestation::GestationalAge;
use pmh_domain::handoff::{
    Attendant, AttendantKind, BirthItem, BirthOrder, BirthPlace, ChildEvent, Children, Decision, Duty, Loss,
    Newborn, Notice, NoticeId, PlaceKind, Refusal,
};
use pmh_domain::resident::Sex;

use super::world::{World, all_accepted, at, code, officers};

#[test]
fn what_a_facility_at_the_stay_side_tells_is_homes_once_it_arrives() {
    let mut world = World::active();
    assert!(world.decide_stay(|stay, _| stay.birth(newborn(1, 2))));
    assert_eq!(world.stay.as_ref().unwrap().birth(newborn(1, 2)), Ok(Decision::Known));
    assert_eq!(world.stay.as_ref().unwrap().birth(newborn(1, 3)), Err(Refusal::Contradicts));
    assert!(world.home.children().is_expecting(), "it is under way");
    world.settle();
    world.resend();
    world.settle();
    assert_eq!(world.home.children().living().collect::<Vec<_>>(), [BirthOrder(1)], "doubles change nothing");
    assert!(world.decide_stay(|stay, _| stay.loss(NoticeId([1; 16]), Loss::Pregnancy)));
    let stay = world.stay.as_ref().unwrap();
    assert!(stay.may_act(Duty::NewbornVisit, world.now).is_err(), "it stops here and now");
    assert!(stay.may_act(Duty::Consultation, world.now).is_ok(), "her care goes on");
    world.settle();
    assert_eq!(world.home.holder(Duty::NewbornVisit, world.now), None);
}

#[test]
fn a_side_that_does_not_answer_for_the_mother_tells_nothing() {
    let mut world = World::new();
    world.settle();
    assert_eq!(world.stay.as_ref().unwrap().birth(newborn(1, 1)), Err(Refusal::NotHeld), "not accepted");
    assert!(world.decide_stay(|stay, now| stay.accept(&code(), all_accepted(), now)));
    assert!(world.stay.as_ref().unwrap().birth(newborn(1, 1)).is_ok());
    assert!(world.decide_stay(|stay, _| Ok(stay.restrict())));
    assert_eq!(
        world.stay.as_ref().unwrap().birth(newborn(1, 1)),
        Err(Refusal::NotHeld),
        "home is not to know"
    );
}

#[test]
fn only_what_was_entered_is_corrected() {
    let mut children = Children::rebuild(&[ChildEvent::Born(newborn(1, 1).notice)]);
    let loss = Loss::Child(BirthOrder(1));
    assert_eq!(children.correct(loss, officers()), Decision::Known);
    children.apply(&ChildEvent::Lost(loss));
    assert!(children.is_lost(BirthOrder(1)));
    let Decision::Append(corrected) = children.correct(loss, officers()) else { panic!("it is entered") };
    children.apply(&corrected);
    assert!(!children.is_lost(BirthOrder(1)));
}

#[test]
fn a_certificate_whose_items_do_not_fit_is_named_by_the_item() {
    assert_eq!(newborn(1, 2).check(at(0)), Ok(()));
    let spoilt = |item: BirthItem, spoil: fn(&mut Newborn)| {
        let mut newborn = newborn(1, 2);
        spoil(&mut newborn);
        assert_eq!(newborn.check(at(0)).unwrap_err().0, item);
    };
    spoilt(BirthItem::BornAt, |newborn| newborn.born_at = DateTime::constant(2026, 8, 19, 1, 2, 0, 0));
    spoilt(BirthItem::BornAt, |newborn| {
        newborn.born_at = DateTime::constant(2027, 8, 20, 1, 2, 0, 0);
        newborn.notice.born_on = date(2027, 8, 20);
    });
    spoilt(BirthItem::Facility, |newborn| newborn.place.facility.clear());
    spoilt(BirthItem::Facility, |newborn| newborn.place.kind = PlaceKind::Home);
    spoilt(BirthItem::Weight, |newborn| newborn.weight_g = Some(3));
    spoilt(BirthItem::Length, |newborn| newborn.length_mm = Some(49));
    spoilt(BirthItem::BirthOrder, |newborn| newborn.notice.order = BirthOrder(3));
    spoilt(BirthItem::BirthOrder, |newborn| newborn.notice.plurality = 11);
    spoilt(BirthItem::LiveBorn, |newborn| newborn.live_born = 0);
    spoilt(BirthItem::IssuedOn, |newborn| newborn.issued_on = date(2026, 8, 19));
    spoilt(BirthItem::IssuedOn, |newborn| newborn.issued_on = date(2027, 8, 20));
}

fn newborn(order: u8, plurality: u8) -> Newborn {
    let born_at = DateTime::constant(2026, 8, 20, 3, 7, 0, 0);
    Newborn {
        notice: Notice {
            id: NoticeId([1; 16]),
            order: BirthOrder(order),
            plurality,
            born_on: born_at.date(),
        },
        name: String::new(),
        sex: Sex::Female,
        born_at,
        place: BirthPlace {
            kind: PlaceKind::Clinic,
            facility: "架空産婦人科".to_owned(),
            address: "架空町1".to_owned(),
        },
        weight_g: Some(2_950),
        length_mm: Some(490),
        mother_name: "架空 花子".to_owned(),
        gestation: GestationalAge::new(38, 4).unwrap(),
        live_born: 1,
        stillborn: 0,
        issued_on: born_at.date(),
        attendant: Attendant {
            kind: AttendantKind::Doctor,
            name: "架空 医子".to_owned(),
            address: "架空町2".to_owned(),
        },
    }
}
