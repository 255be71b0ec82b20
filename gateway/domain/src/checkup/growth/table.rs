//! The table, and the curve at one age between two of its rows.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Age, NoPosition};
use crate::resident::Sex;

const LMS: &str = include_str!("../../../data/checkup/growth_jp2023_lms.csv");

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// 体重, kg.
    Weight,
    /// 身長, cm; lying under two years.
    #[serde(rename(deserialize = "length_height"))]
    Height,
    /// 頭囲, cm.
    #[serde(rename(deserialize = "head_circumference"))]
    Head,
}

/// Where L, M and S of an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Basis {
    /// Between the midpoints of two bands.
    Interpolated,
    /// Past the last midpoint but inside the last band: that band as
    /// published, since there is nothing beyond to interpolate towards.
    LastBand,
}

impl Measure {
    /// All three, in the order of the handbook.
    pub const ALL: [Self; 3] = [Self::Weight, Self::Height, Self::Head];

    /// The unit of every value of this measure.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Weight => "kg",
            Self::Height | Self::Head => "cm",
        }
    }

    /// In Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            Self::Weight => "体重",
            Self::Height => "身長",
            Self::Head => "頭囲",
        }
    }

    /// In English.
    pub fn en(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Height => "height",
            Self::Head => "head",
        }
    }

    /// Bounds of the possible under seven years, ours and wide: they find
    /// grams, metres and slipped decimal points, not unusual children.
    pub fn possible(self) -> RangeInclusive<f64> {
        match self {
            Self::Weight => 0.2..=80.0,
            Self::Height => 15.0..=150.0,
            Self::Head => 10.0..=70.0,
        }
    }
}

/// L, M and S at one age.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    skew: f64,
    pub(super) median: f64,
    spread: f64,
    pub(super) basis: Basis,
}

impl Curve {
    pub(super) fn at(measure: Measure, sex: Sex, age: Age) -> Result<Self, NoPosition> {
        if sex == Sex::Unknown {
            return Err(NoPosition::SexUnknown);
        }
        let rows = TABLE.get(&(measure, sex)).ok_or(NoPosition::NoTable)?;
        let last = rows.last().ok_or(NoPosition::NoTable)?;
        let months = age.months();
        if months >= last.age_months_to_exclusive {
            return Err(NoPosition::AfterTable);
        }
        if months >= last.age_months_mid {
            return Ok(Self::between(last, last, 0.0, Basis::LastBand));
        }
        let pairs = rows.iter().zip(rows.iter().skip(1));
        let mut around =
            pairs.filter(|(low, high)| low.age_months_mid <= months && months < high.age_months_mid);
        let (low, high) = around.next().ok_or(NoPosition::NoTable)?;
        let share = (months - low.age_months_mid) / (high.age_months_mid - low.age_months_mid);
        Ok(Self::between(low, high, share, Basis::Interpolated))
    }

    fn between(low: &Row, high: &Row, share: f64, basis: Basis) -> Self {
        let mix = |low: f64, high: f64| low + (high - low) * share;
        Self { skew: mix(low.l, high.l), median: mix(low.m, high.m), spread: mix(low.s, high.s), basis }
    }

    /// z = ((x/M)^L − 1) / (L·S), and its limit ln(x/M)/S where L is nil.
    pub(super) fn z(&self, value: f64) -> f64 {
        let ratio = value / self.median;
        if self.skew.abs() < NIL {
            return ratio.ln() / self.spread;
        }
        (ratio.powf(self.skew) - 1.0) / (self.skew * self.spread)
    }

    /// The inverse of [`Self::z`].
    pub(super) fn value(&self, z: f64) -> f64 {
        if self.skew.abs() < NIL {
            return self.median * (self.spread * z).exp();
        }
        self.median * (1.0 + self.skew * self.spread * z).powf(1.0 / self.skew)
    }
}

const NIL: f64 = 1e-9;

/// By measure and sex, ascending by age.
static TABLE: LazyLock<HashMap<(Measure, Sex), Vec<Row>>> = LazyLock::new(|| read().unwrap_or_default());

fn read() -> Result<HashMap<(Measure, Sex), Vec<Row>>, csv::Error> {
    let mut table: HashMap<_, Vec<Row>> = HashMap::new();
    for row in csv::Reader::from_reader(LMS.as_bytes()).into_deserialize::<Row>() {
        let row = row?;
        table.entry((row.measure, row.sex)).or_default().push(row);
    }
    for rows in table.values_mut() {
        rows.sort_by(|a, b| a.age_months_mid.total_cmp(&b.age_months_mid));
    }
    Ok(table)
}

#[derive(Debug, Clone, Deserialize)]
struct Row {
    measure: Measure,
    sex: Sex,
    age_months_to_exclusive: f64,
    age_months_mid: f64,
    #[serde(rename = "L")]
    l: f64,
    #[serde(rename = "M")]
    m: f64,
    #[serde(rename = "S")]
    s: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_whole() {
        let table = read().unwrap();
        assert_eq!(table.len(), 6);
        assert_eq!(table.values().map(Vec::len).sum::<usize>(), 130);
        for rows in table.values() {
            assert!(rows.windows(2).all(|pair| pair[0].age_months_mid < pair[1].age_months_mid));
            assert!(rows.windows(2).all(|pair| pair[0].m < pair[1].m));
        }
    }

    #[test]
    fn value_and_z_are_inverse_also_where_skew_is_nil() {
        for skew in [-1.2, 0.0, 1e-12, 0.9, 4.6] {
            let curve = Curve { skew, median: 9.0, spread: 0.1, basis: Basis::Interpolated };
            for z in [-2.0, -0.7, 0.0, 1.3, 2.0] {
                assert!((curve.z(curve.value(z)) - z).abs() < 1e-9, "{skew} {z}");
            }
        }
    }
}
