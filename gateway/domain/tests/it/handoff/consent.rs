//! Whose word is consent, what else a share may rest on, and what makes no
//! offer.

use std::collections::BTreeSet;

use jiff::civil::date;
use pmh_domain::checkup::Confidence;
use pmh_domain::handoff::{
    Bases, Category, Claimed, Consent, ConsentError, ConsentOrigin, Duty, Giver, Ground, Law, Offer,
    OfferError, Officer, Person, Proven, RULES, Refusal, Request, Side, Statement, Statutory, Stay, Terms,
    TwoOfficers, answer_by,
};
use pmh_domain::organization::IssuerId;

use super::world::{
    HANDOFF, Key, Receipt, STATUTORY, Verifier, World, all_accepted, code, consent, day, name, officers,
    statutory, terms, without_law,
};

#[test]
fn only_the_mothers_word_is_consent() {
    let said = |giver, origin| Consent::received(giver, BTreeSet::from([Category::Notice]), origin);
    for giver in [Giver::Husband, Giver::Proxy, Giver::HospitalStaff] {
        assert_eq!(said(giver, ConsentOrigin::Card), Err(ConsentError::NotTheMother));
    }
    let paper = |form: &str| ConsentOrigin::Paper { form: form.into(), officers: officers() };
    for origin in [ConsentOrigin::Card, ConsentOrigin::App, paper("2026-117")] {
        assert_eq!(said(Giver::Mother, origin.clone()).unwrap().origin(), &origin);
    }
    assert_eq!(said(Giver::Mother, paper("")), Err(ConsentError::NoForm));
    let nothing = Consent::received(Giver::Mother, BTreeSet::new(), ConsentOrigin::App);
    assert_eq!(nothing, Err(ConsentError::Empty));
}

#[test]
fn two_officers_are_two() {
    let officer = |name: &str| Officer(name.into());
    assert!(TwoOfficers::new(officer("a17"), officer("a17")).is_none());
    assert!(TwoOfficers::new(officer("a17"), officer("")).is_none());
    assert!(TwoOfficers::new(officer("a17"), officer("b02")).is_some());
}

#[test]
fn a_law_opens_its_categories_for_its_duties_alone() {
    let mut world = World::active();
    let visit = Some(Duty::NewbornVisit);
    let read = world.reads(Person::Mother, STATUTORY, visit).unwrap();
    assert_eq!(read.ground(), Ground::Law(Law::ProtectionCouncil, Duty::NewbornVisit));
    assert_eq!(world.reads(Person::Mother, Category::Notice, None).unwrap().ground(), Ground::Consent);
    assert!(world.reads(Person::Mother, STATUTORY, None).is_err());
    assert!(world.reads(Person::Mother, STATUTORY, Some(Duty::Vaccination)).is_err());
    assert!(world.reads(Person::Mother, Category::MotherMind, visit).is_err());
    assert!(world.decide_stay(|stay, now| stay.give_back([Duty::NewbornVisit].into(), now)));
    world.settle();
    assert!(world.reads(Person::Mother, STATUTORY, visit).is_err(), "it holds the duty no more");
}

#[test]
fn a_withdrawal_acts_at_once_and_the_last_one_ends_it() {
    let mut world = World::offering(Offer::new(without_law()).unwrap());
    world.settle();
    world.decide_stay(|stay, now| stay.accept(&code(), all_accepted(), now));
    world.settle();
    world.pass_days(10);
    world.at_home(world.home.confirm(world.now));
    world.settle();
    let notice = BTreeSet::from([Category::Notice]);
    assert!(world.decide_stay(|stay, now| stay.withdraw_consent(notice, now)));
    assert!(!world.stay.as_ref().unwrap().may_ask(Category::Notice), "before home has heard of it");
    world.settle();
    assert!(world.reads(Person::Mother, Category::Notice, None).is_err());
    assert!(world.reads(Person::Mother, Category::Delivery, None).is_ok());
    let all = Category::ALL.into();
    assert!(world.at_home(world.home.withdraw_consent(&all, None, world.now)));
    assert!(world.reads(Person::Mother, Category::Delivery, None).is_err());
    assert!(world.stay.as_ref().unwrap().may_act(Duty::Vaccination, world.now).is_ok());
    world.settle();
    assert!(world.stay.as_ref().unwrap().may_act(Duty::Vaccination, world.now).is_err(), "it was told");
    assert!(!world.at_home(world.home.give_consent(consent(&[Category::Notice]), world.now)), "it is over");
}

#[test]
fn terms_that_make_no_offer() {
    let law_for = |duties: &[Duty]| {
        let stated = Statutory { duties: duties.iter().copied().collect(), ..statutory() };
        Bases::new(&[], vec![stated])
    };
    for (terms, error) in [
        (Terms { stay: terms().home, ..terms() }, OfferError::SameSide),
        (Terms { duties: BTreeSet::new(), ..terms() }, OfferError::NoDuty),
        (Terms { bases: Bases::default(), ..terms() }, OfferError::NoBasis),
        (Terms { bases: law_for(&[]), ..terms() }, OfferError::Statutory),
        (Terms { bases: law_for(&[Duty::InfantCheckup]), ..terms() }, OfferError::Statutory),
        (Terms { answer_by: day(31), ..terms() }, OfferError::AnswerBy),
    ] {
        assert_eq!(Offer::new(terms), Err(error));
    }
    assert!(Offer::new(Terms { bases: law_for(&[Duty::NewbornVisit]), ..terms() }).is_ok());
}

#[test]
fn an_offer_answers_the_request_it_names() {
    let request = Request {
        handoff: HANDOFF,
        home: terms().home,
        stay: terms().stay,
        period: terms().period,
        duties: terms().duties,
        consent: consent(&[Category::Notice]),
        mother: Claimed { handbook: "2026-0417".into(), born_on: date(1996, 4, 1) },
    };
    let entry = name(Side::Stay, 400, "request");
    let statement =
        Statement { entry, handoff: HANDOFF, at: super::world::at(0), cause: None, says: request };
    let proven = Proven::check(&Verifier, &Receipt { key: Key::Genuine, statement }).unwrap();
    let elsewhere = Terms { stay: IssuerId::parse("municipality:141500").unwrap(), ..terms() };
    assert_eq!(Offer::answering(&proven, elsewhere), Err(OfferError::NotRequested));
    let offer = Offer::answering(&proven, terms()).unwrap();
    assert_eq!(offer.request(), Some(entry));

    let world = World::offering(offer);
    let sent = Proven::check(&Verifier, &world.to_stay[0]).unwrap();
    let other = Some(name(Side::Stay, 400, "another"));
    let arrives = |us, requested| Stay::offered(&sent, us, requested);
    assert_eq!(arrives(terms().stay, None), Err(Refusal::CauseMissing), "nobody asked for it here");
    assert_eq!(arrives(terms().stay, other), Err(Refusal::CauseMissing));
    assert_eq!(arrives(terms().home, Some(entry)), Err(Refusal::Unknown), "it is to somebody else");
    assert!(arrives(terms().stay, Some(entry)).is_ok());
}

#[test]
fn five_working_days_pass_over_a_weekend() {
    assert_eq!(answer_by(date(2026, 9, 3)), date(2026, 9, 10));
    assert_eq!(answer_by(date(2026, 9, 5)), date(2026, 9, 11));
}

#[test]
fn every_rule_cites_its_source() {
    assert!(RULES.iter().all(|rule| !rule.text.is_empty() && !rule.source.is_empty()));
    assert!(RULES.iter().any(|rule| rule.confidence == Confidence::Unconfirmed));
}
