//! One ticket, one use.

use jiff::civil::{Date, date};
use pmh_domain::checkup::kind::CheckupKind;
use pmh_domain::checkup::ticket::{
    ExtraRule, Place, Repeat, Ticket, TicketPart, TicketRefusal, TicketState, Use, issuable,
};
use pmh_domain::codes::{MunicipalityCode, PrefectureCode};
use pmh_domain::entitlement::Area;
use pmh_domain::organization::IssuerId;
use pmh_domain::time::DateRange;
use proptest::prelude::*;
use proptest::sample::select;

use super::world::TODAY;

const HACHIOJI: &str = "132012";
const MACHIDA: &str = "132098";

fn issuer(code: &str) -> IssuerId {
    IssuerId::parse(&format!("urn:x-pmh:org:municipality:{code}")).unwrap()
}

fn ticket(area: Area) -> Ticket {
    Ticket {
        issuer: issuer(HACHIOJI),
        number: "0000001".into(),
        kind: CheckupKind::Pregnancy,
        part: TicketPart::Basic,
        cap_yen: 5_000,
        window: DateRange::new(date(2026, 4, 1), date(2027, 3, 31)).unwrap(),
        area,
        state: TicketState::Issued,
    }
}

fn used(record: &str, fee_yen: u32) -> Use {
    Use {
        record_id: record.into(),
        date: TODAY,
        kind: CheckupKind::Pregnancy,
        place: place("13", Some(HACHIOJI)),
        fee_yen,
    }
}

fn place(prefecture: &str, municipality: Option<&str>) -> Place {
    Place {
        prefecture: PrefectureCode::parse(prefecture).unwrap(),
        municipality: municipality.map(|code| MunicipalityCode::parse(code).unwrap()),
    }
}

#[test]
fn the_issuer_pays_up_to_the_cap() {
    let consumed = ticket(Area::Prefecture).consume(&used("a", 7_200)).unwrap();
    assert_eq!((consumed.issuer_yen, consumed.family_yen, consumed.first), (5_000, 2_200, Repeat::First));
    let consumed = ticket(Area::Prefecture).consume(&used("a", 3_000)).unwrap();
    assert_eq!((consumed.issuer_yen, consumed.family_yen), (3_000, 0));
}

#[test]
fn the_same_use_again_is_the_same_answer_and_any_other_is_refused() {
    let after = ticket(Area::Anywhere).consume(&used("a", 5_000)).unwrap().ticket;
    let again = after.consume(&used("a", 5_000)).unwrap();
    assert_eq!((again.first, &again.ticket), (Repeat::Again, &after));
    assert_eq!(after.consume(&used("b", 5_000)), Err(TicketRefusal::Used));
    assert_eq!(after.consume(&used("a", 4_000)), Err(TicketRefusal::OtherFacts));
    assert_eq!(after.void(TODAY), Err(TicketRefusal::Used));
    assert_eq!(after.release("b"), after);
    assert_eq!(after.release("a"), ticket(Area::Anywhere));
}

#[test]
fn kind_days_and_area_are_those_printed_on_it() {
    let refused = |area, wanted: Use| ticket(area).consume(&wanted).err();
    let at = |place: Place| Use { place, ..used("a", 1) };
    let on = |date: Date| Use { date, ..used("a", 1) };
    assert_eq!(
        refused(Area::Anywhere, Use { kind: CheckupKind::Postpartum, ..used("a", 1) }),
        Some(TicketRefusal::OtherKind)
    );
    assert_eq!(refused(Area::Anywhere, on(date(2026, 3, 31))), Some(TicketRefusal::OutsideWindow));
    assert_eq!(refused(Area::Anywhere, on(date(2027, 3, 31))), None);
    assert_eq!(refused(Area::Anywhere, at(place("01", None))), None);
    assert_eq!(refused(Area::Prefecture, at(place("14", None))), Some(TicketRefusal::OutsideArea));
    assert_eq!(refused(Area::Prefecture, at(place("13", None))), None);
    assert_eq!(refused(Area::Municipality, at(place("13", None))), Some(TicketRefusal::AreaUnknown));
    assert_eq!(refused(Area::Municipality, at(place("13", Some(MACHIDA)))), Some(TicketRefusal::OutsideArea));
    assert_eq!(refused(Area::Municipality, at(place("13", Some(HACHIOJI)))), None);
    let void = ticket(Area::Anywhere).void(TODAY).unwrap();
    assert_eq!(void.consume(&used("a", 1)), Err(TicketRefusal::Void));
}

#[test]
fn fourteen_and_what_the_municipality_adds() {
    let hachioji = issuer(HACHIOJI);
    let window = DateRange::new(date(2026, 4, 1), date(2027, 3, 31)).unwrap();
    let rules = [ExtraRule { issuer: hachioji, window, singleton: 0, multiple: 5 }];
    assert_eq!(issuable(&[], hachioji, TODAY, 2, 0), 14);
    assert_eq!(issuable(&rules, hachioji, TODAY, 1, 14), 0);
    assert_eq!(issuable(&rules, hachioji, TODAY, 2, 14), 5);
    assert_eq!(issuable(&rules, hachioji, TODAY, 2, 19), 0);
    assert_eq!(issuable(&rules, hachioji, date(2026, 3, 31), 2, 14), 0);
    assert_eq!(issuable(&rules, issuer(MACHIDA), TODAY, 2, 14), 0);
}

proptest! {
    /// Whatever is tried in whatever order, between two releases one record
    /// at most has paid with it.
    #[test]
    fn never_two_payers(
        steps in prop::collection::vec((select(vec!["a", "b", "c"]), 0..3_u8, 1..9_000_u32), 0..30)
    ) {
        let mut ticket = ticket(Area::Anywhere);
        let mut holder: Option<&str> = None;
        for (record, step, fee) in steps {
            if step == 0 {
                ticket = ticket.release(record);
                holder = holder.filter(|holder| *holder != record);
            } else if let Ok(consumed) = ticket.consume(&used(record, fee)) {
                prop_assert!(holder.is_none() || holder == Some(record));
                prop_assert_eq!(consumed.first == Repeat::First, holder.is_none());
                prop_assert_eq!(consumed.issuer_yen + consumed.family_yen, fee);
                prop_assert!(consumed.issuer_yen <= 5_000);
                ticket = consumed.ticket;
                holder = Some(record);
            } else {
                prop_assert!(holder.is_some());
            }
        }
    }
}
