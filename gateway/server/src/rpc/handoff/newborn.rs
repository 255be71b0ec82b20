//! The nine items of a birth certificate, as they travel.

use jiff::civil::DateTime;
use pmh_domain::{
    checkup::gestation::GestationalAge,
    handoff::{
        Attendant, AttendantKind, BirthItem, BirthOrder, BirthPlace, Loss, Newborn, Notice, NoticeId,
        PlaceKind, StaySays,
    },
    resident::Sex,
};
use pmh_proto::{
    common::{self, Reason},
    handoff as pb,
};
use uuid::Uuid;

use super::super::{convert, fields::Fields};

/// A newborn as a facility tells of it; `None` if something is wrong, which is noted under `path`.
pub(in crate::rpc) fn received(
    checked: &mut Fields,
    path: &str,
    wire: &pb::Newborn,
    now: jiff::Timestamp,
) -> Option<Newborn> {
    if common::Sex::try_from(wire.sex).is_err() {
        checked.wrong(format!("{path}.sex"), Reason::Value);
    }
    let mut text = |field: &str, value: &str, longest: usize, is_required: bool| {
        let name = format!("{path}.{field}");
        match (value.is_empty(), is_required) {
            (true, false) => Some(String::new()),
            _ => checked.identifier(&name, value, longest),
        }
    };
    let name = text("name", &wire.name, MAX_NAME, false);
    let facility = text("facility_name", &wire.facility_name, MAX_NAME, false);
    let address = text("place_address", &wire.place_address, MAX_ADDRESS, true);
    let mother = text("mother_name", &wire.mother_name, MAX_NAME, true);
    let attendant = text("attendant_name", &wire.attendant_name, MAX_NAME, true);
    let attendant_address = text("attendant_address", &wire.attendant_address, MAX_ADDRESS, true);
    let place_kind = noted(checked, path, "place_kind", place_kind(wire.place_kind));
    let attendant_kind = noted(checked, path, "attendant_kind", attendant_kind(wire.attendant_kind));
    let born_at = noted(checked, path, "born_at", minute(&wire.born_at));
    let gestation = noted(checked, path, "gestation", GestationalAge::parse(&wire.gestation).ok());
    let issued_on = checked.date(&format!("{path}.issued_on"), &wire.issued_on);
    let mut number = |field: &str, value: u32| noted(checked, path, field, u8::try_from(value).ok());
    let plurality = number("plurality", wire.plurality);
    let order = number("birth_order", wire.birth_order);
    let live_born = number("live_born", wire.live_born);
    let stillborn = number("stillborn", wire.stillborn);
    let weight_g = measured(checked, path, "weight_g", wire.weight_g);
    let length_mm = measured(checked, path, "length_mm", wire.length_mm);
    let (name, sex) = (name?, convert::sex(wire.sex));
    let born_at = born_at?;
    let newborn = Newborn {
        notice: Notice {
            id: NoticeId([0; 16]),
            order: BirthOrder(order?),
            plurality: plurality?,
            born_on: born_at.date(),
        },
        name,
        sex,
        born_at,
        place: BirthPlace { kind: place_kind?, facility: facility?, address: address? },
        weight_g,
        length_mm,
        mother_name: mother?,
        gestation: gestation?,
        live_born: live_born?,
        stillborn: stillborn?,
        issued_on: issued_on?,
        attendant: Attendant { kind: attendant_kind?, name: attendant?, address: attendant_address? },
    };
    match newborn.check(now) {
        Ok(()) => Some(newborn),
        Err(error) => {
            checked.wrong(format!("{path}.{}", field_of(error.0)), Reason::Value);
            None
        }
    }
}

/// A newborn as it is told.
pub(in crate::rpc) fn to_wire(newborn: &Newborn) -> pb::Newborn {
    let place = match newborn.place.kind {
        PlaceKind::Hospital => pb::BirthPlaceKind::Hospital,
        PlaceKind::Clinic => pb::BirthPlaceKind::Clinic,
        PlaceKind::MidwiferyHome => pb::BirthPlaceKind::MidwiferyHome,
        PlaceKind::Home => pb::BirthPlaceKind::Home,
        PlaceKind::Other => pb::BirthPlaceKind::Other,
    };
    let attendant = match newborn.attendant.kind {
        AttendantKind::Doctor => pb::BirthAttendantKind::Doctor,
        AttendantKind::Midwife => pb::BirthAttendantKind::Midwife,
        AttendantKind::Other => pb::BirthAttendantKind::Other,
    };
    pb::Newborn {
        name: newborn.name.clone(),
        sex: sex(newborn.sex).into(),
        born_at: minute_text(newborn.born_at),
        place_kind: place.into(),
        facility_name: newborn.place.facility.clone(),
        place_address: newborn.place.address.clone(),
        weight_g: newborn.weight_g.map_or(0, u32::from),
        length_mm: newborn.length_mm.map_or(0, u32::from),
        plurality: newborn.notice.plurality.into(),
        birth_order: newborn.notice.order.0.into(),
        mother_name: newborn.mother_name.clone(),
        gestation: newborn.gestation.to_string(),
        live_born: newborn.live_born.into(),
        stillborn: newborn.stillborn.into(),
        issued_on: newborn.issued_on.to_string(),
        attendant_kind: attendant.into(),
        attendant_name: newborn.attendant.name.clone(),
        attendant_address: newborn.attendant.address.clone(),
    }
}

/// What a guest may know of a birth: nothing that names anybody.
pub(in crate::rpc) fn summary(newborn: &Newborn) -> pb::HandoffBirthSummary {
    pb::HandoffBirthSummary {
        born_at: minute_text(newborn.born_at),
        weight_g: newborn.weight_g.map_or(0, u32::from),
        length_mm: newborn.length_mm.map_or(0, u32::from),
        gestation: newborn.gestation.to_string(),
        sex: sex(newborn.sex).into(),
    }
}

/// The stay side's message of a birth.
pub(in crate::rpc) fn birth(newborn: &Newborn) -> pb::HandoffBirth {
    pb::HandoffBirth { birth_id: id_text(newborn.notice.id), newborn: Some(to_wire(newborn)) }
}

/// And back; only what this gateway itself would have taken, at the instant of the message's entry or later.
pub(in crate::rpc) fn of_birth(wire: &pb::HandoffBirth) -> Option<Newborn> {
    let mut checked = Fields::default();
    let newborn = received(&mut checked, "", wire.newborn.as_ref()?, jiff::Timestamp::MAX)?;
    checked.finish().ok()?;
    let id = birth_id(&wire.birth_id)?;
    Some(Newborn { notice: Notice { id, ..newborn.notice }, ..newborn })
}

/// The stay side's message of a loss.
pub(in crate::rpc) fn loss(birth: NoticeId, loss: Loss) -> pb::HandoffLoss {
    let child = match loss {
        Loss::Pregnancy => 0,
        Loss::Child(order) => order.0.into(),
    };
    pb::HandoffLoss { birth_id: id_text(birth), child }
}

/// And back.
pub(in crate::rpc) fn of_loss(wire: &pb::HandoffLoss) -> Option<StaySays> {
    let loss = match u8::try_from(wire.child).ok()? {
        0 => Loss::Pregnancy,
        place => Loss::Child(BirthOrder(place)),
    };
    Some(StaySays::Lost { birth: birth_id(&wire.birth_id)?, loss })
}

/// A birth's id from its usual form.
pub(in crate::rpc) fn birth_id(text: &str) -> Option<NoticeId> {
    let id = Uuid::try_parse(text).ok().filter(|id| id.to_string() == text)?;
    Some(NoticeId(id.into_bytes()))
}

/// And back.
pub(in crate::rpc) fn id_text(id: NoticeId) -> String {
    Uuid::from_bytes(id.0).to_string()
}

fn noted<T>(checked: &mut Fields, path: &str, field: &str, value: Option<T>) -> Option<T> {
    if value.is_none() {
        checked.wrong(format!("{path}.{field}"), Reason::Value);
    }
    value
}

/// Zero is not measured.
fn measured(checked: &mut Fields, path: &str, field: &str, value: u32) -> Option<u16> {
    noted(checked, path, field, u16::try_from(value).ok()).filter(|measured| *measured > 0)
}

/// `YYYY-MM-DDTHH:MM` and nothing else.
fn minute(text: &str) -> Option<DateTime> {
    let at: DateTime = text.parse().ok()?;
    (minute_text(at) == text).then_some(at)
}

fn minute_text(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

fn sex(sex: Sex) -> common::Sex {
    match sex {
        Sex::Male => common::Sex::Male,
        Sex::Female => common::Sex::Female,
        Sex::Unknown => common::Sex::Unspecified,
    }
}

fn place_kind(number: i32) -> Option<PlaceKind> {
    Some(match pb::BirthPlaceKind::try_from(number).ok()? {
        pb::BirthPlaceKind::Unspecified => return None,
        pb::BirthPlaceKind::Hospital => PlaceKind::Hospital,
        pb::BirthPlaceKind::Clinic => PlaceKind::Clinic,
        pb::BirthPlaceKind::MidwiferyHome => PlaceKind::MidwiferyHome,
        pb::BirthPlaceKind::Home => PlaceKind::Home,
        pb::BirthPlaceKind::Other => PlaceKind::Other,
    })
}

fn attendant_kind(number: i32) -> Option<AttendantKind> {
    Some(match pb::BirthAttendantKind::try_from(number).ok()? {
        pb::BirthAttendantKind::Unspecified => return None,
        pb::BirthAttendantKind::Doctor => AttendantKind::Doctor,
        pb::BirthAttendantKind::Midwife => AttendantKind::Midwife,
        pb::BirthAttendantKind::Other => AttendantKind::Other,
    })
}

fn field_of(item: BirthItem) -> &'static str {
    match item {
        BirthItem::BornAt => "born_at",
        BirthItem::Facility => "facility_name",
        BirthItem::Weight => "weight_g",
        BirthItem::Length => "length_mm",
        BirthItem::BirthOrder => "birth_order",
        BirthItem::LiveBorn => "live_born",
        BirthItem::IssuedOn => "issued_on",
    }
}

const MAX_NAME: usize = 100;
const MAX_ADDRESS: usize = 200;
