//! Positions of what one checkup of a child measured.

use jiff::civil::Date;

use super::{Age, Measure, NoPosition, Position, position};
use crate::checkup::item::Value;
use crate::checkup::kind::Subject;
use crate::checkup::record::Checkup;
use crate::resident::Sex;

/// What the register says of a child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// Birth date.
    pub birth: Date,
    /// Sex.
    pub sex: Sex,
}

/// One measured item with its position, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Code of the item.
    pub item: &'static str,
    /// Where the value stands.
    pub position: Result<Position, NoPosition>,
}

/// Positions of the weight, height and head circumference in a child's checkup; of a mother's there are none. Values at
/// birth are compared with those of newborns, whatever the day of the record.
pub fn placed(checkup: &Checkup, child: Option<Child>) -> Vec<Placed> {
    if checkup.kind.subject() != Subject::Child {
        return Vec::new();
    }
    let measured = MEASURED.iter().filter_map(|measured| {
        let Some(Value::Amount(amount)) = checkup.items.get(measured.item)?.value else { return None };
        let position = measured.place(amount.to_f64(), checkup.date, child);
        Some(Placed { item: measured.item, position })
    });
    measured.collect()
}

struct Measured {
    item: &'static str,
    measure: Measure,
    /// Of the item's unit in one kg or cm.
    per_unit: f64,
    at_birth: bool,
}

impl Measured {
    fn place(&self, amount: f64, day: Date, child: Option<Child>) -> Result<Position, NoPosition> {
        let child = child.ok_or(NoPosition::BirthUnknown)?;
        let age = if self.at_birth { Ok(Age::of_months(0.0)) } else { Age::on(child.birth, day) };
        let age = age.map_err(|_| NoPosition::BeforeBirth)?;
        position(self.measure, child.sex, age, amount / self.per_unit)
    }
}

const fn measured(item: &'static str, measure: Measure, per_unit: f64, at_birth: bool) -> Measured {
    Measured { item, measure, per_unit, at_birth }
}

const MEASURED: [Measured; 6] = [
    measured("birth_weight", Measure::Weight, 1000.0, true),
    measured("birth_length", Measure::Height, 1.0, true),
    measured("birth_head", Measure::Head, 1.0, true),
    measured("weight", Measure::Weight, 1.0, false),
    measured("height", Measure::Height, 1.0, false),
    measured("head", Measure::Head, 1.0, false),
];

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Child(..)")
    }
}
