//! What a facility tells of one newborn: the nine items of the birth
//! certificate (出生証明書, 昭和27年法務省・厚生省令第1号第1条).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::Notice;
use crate::checkup::gestation::GestationalAge;
use crate::resident::Sex;
use crate::time::tokyo_date;

/// One newborn as the facility's certificate has it. Items 1 to 9 in the
/// law's order; which child of how many (item 5) is in the notice.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newborn {
    /// Which notice, which child, how many, which day.
    pub notice: Notice,
    /// 1: the child's name, often not given yet.
    pub name: String,
    /// 1: sex.
    pub sex: Sex,
    /// 2: instant of the birth to the minute, by the clock on the wall.
    pub born_at: DateTime,
    /// 3: where.
    pub place: BirthPlace,
    /// 4: weight, grams; `None`: not measured.
    pub weight_g: Option<u16>,
    /// 4: length, millimetres; `None`: not measured.
    pub length_mm: Option<u16>,
    /// 6: the mother's name.
    pub mother_name: String,
    /// 6: weeks of pregnancy.
    pub gestation: GestationalAge,
    /// 7: children born alive to her, this one included.
    pub live_born: u8,
    /// 7: her stillbirths from the 22nd week on.
    pub stillborn: u8,
    /// 8: day of the certificate.
    pub issued_on: Date,
    /// 9: who made it.
    pub attendant: Attendant,
}

/// Where a child was born.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BirthPlace {
    /// What kind of place.
    pub kind: PlaceKind,
    /// Name of the facility; empty elsewhere.
    pub facility: String,
    /// Address.
    pub address: String,
}

/// 出生の場所の種別.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PlaceKind {
    /// 病院.
    Hospital,
    /// 診療所.
    Clinic,
    /// 助産所.
    MidwiferyHome,
    /// 自宅.
    Home,
    /// その他.
    Other,
}

/// Who made the certificate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendant {
    /// What they are.
    pub kind: AttendantKind,
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
}

/// In the law's order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AttendantKind {
    /// 医師.
    Doctor,
    /// 助産師.
    Midwife,
    /// その他の立会者.
    Other,
}

/// Which item cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("item {0:?} of the birth certificate cannot be so")]
pub struct BirthError(pub BirthItem);

/// An item of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BirthItem {
    /// 2, or it is not the notice's day.
    BornAt,
    /// 3.
    Facility,
    /// 4.
    Weight,
    /// 4.
    Length,
    /// 5.
    BirthOrder,
    /// 7.
    LiveBorn,
    /// 8.
    IssuedOn,
}

impl Newborn {
    /// Whether the items fit each other and the present. Errors: the first that
    /// does not. The bounds of weight and length only catch a wrong unit.
    pub fn check(&self, now: Timestamp) -> Result<(), BirthError> {
        let today = tokyo_date(now);
        let Notice { order, plurality, born_on, .. } = self.notice;
        let at_a_facility =
            matches!(self.place.kind, PlaceKind::Hospital | PlaceKind::Clinic | PlaceKind::MidwiferyHome);
        let rules = [
            (self.born_at.date() == born_on && born_on <= today, BirthItem::BornAt),
            (at_a_facility != self.place.facility.is_empty(), BirthItem::Facility),
            (self.weight_g.is_none_or(|grams| (200..=9_999).contains(&grams)), BirthItem::Weight),
            (self.length_mm.is_none_or(|millimetres| (150..=800).contains(&millimetres)), BirthItem::Length),
            (plurality <= MOST && (1..=plurality).contains(&order.0), BirthItem::BirthOrder),
            (self.live_born >= 1, BirthItem::LiveBorn),
            (born_on <= self.issued_on && self.issued_on <= today, BirthItem::IssuedOn),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, item)) => Err(BirthError(item)),
            None => Ok(()),
        }
    }
}

/// Children of one birth.
const MOST: u8 = 10;

crate::withheld!(Newborn, BirthPlace, Attendant);
