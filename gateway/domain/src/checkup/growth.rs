//! Where a child stands among children of the same sex and age.
//!
//! The 2023 national survey (令和5年乳幼児身体発育調査) publishes seven
//! percentiles per age band. L, M and S were fitted to each band (LMS method,
//! Cole 1990) and are interpolated linearly between the bands' midpoints: to
//! look up a whole band at once misjudges children near its ends. A girl of
//! 18.0 months with 9.0 kg is «3 to 10» by band and at the 22.8th percentile
//! in truth.
//!
//! Age is chronological; nothing is corrected for a preterm birth. Under two
//! years length is measured lying. A position is no diagnosis.

mod age;
mod normal;
mod record;
mod table;

use serde::{Deserialize, Serialize};

pub use age::{Age, NotBorn};
pub use record::{Child, Placed, placed};
pub use table::{Basis, Measure};

use crate::resident::Sex;
use table::Curve;

/// Which national table an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Stable name of table and fit.
    pub id: &'static str,
    /// The survey.
    pub name_ja: &'static str,
    /// The survey in English.
    pub name_en: &'static str,
    /// Day of publication, ISO 8601.
    pub published: &'static str,
    /// Version of our fit of L, M and S.
    pub fit: &'static str,
    /// Credit, as the terms of use ask.
    pub credit_ja: &'static str,
}

/// The reference of every position given here.
pub const REFERENCE: Reference = Reference {
    id: "jp-2023",
    name_ja: "令和5年乳幼児身体発育調査（こども家庭庁）",
    name_en: "National growth survey of infants and children 2023 (Children and Families Agency, Japan)",
    published: "2024-12-25",
    fit: "lms-1",
    credit_ja: "令和5年乳幼児身体発育調査（こども家庭庁）を加工して作成",
};

/// A child's position in one measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Position {
    /// Standard deviations from the median, after removing skewness.
    pub z: f64,
    /// Share of children that measure less, in per cent. Outside 3 to 97 it is the curve's, not the survey's.
    pub percentile: f64,
    /// Between which published lines.
    pub band: Band,
    /// The median at this age, kg or cm.
    pub median: f64,
    /// Where L, M and S came from.
    pub basis: Basis,
}

/// Between which of the seven published percentile lines a value lies; a value
/// on a line belongs to the band above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Band {
    /// Below the 3rd.
    #[serde(rename = "BELOW_P3")]
    Below3,
    /// 3rd to 10th.
    #[serde(rename = "P3_TO_P10")]
    From3To10,
    /// 10th to 25th.
    #[serde(rename = "P10_TO_P25")]
    From10To25,
    /// 25th to 50th.
    #[serde(rename = "P25_TO_P50")]
    From25To50,
    /// 50th to 75th.
    #[serde(rename = "P50_TO_P75")]
    From50To75,
    /// 75th to 90th.
    #[serde(rename = "P75_TO_P90")]
    From75To90,
    /// 90th to 97th.
    #[serde(rename = "P90_TO_P97")]
    From90To97,
    /// The 97th and above.
    #[serde(rename = "FROM_P97")]
    Above97,
}

/// Why there is no position. No number is invented instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NoPosition {
    /// The table is by sex.
    #[error("the table is by sex, and the sex is not stated")]
    SexUnknown,
    /// Nobody states the birth date.
    #[error("the birth date is not known")]
    BirthUnknown,
    /// The value is older than the child.
    #[error("the day lies before the birth")]
    BeforeBirth,
    /// Past the last age of the table for this measure.
    #[error("the table ends before this age")]
    AfterTable,
    /// No child measures that: a typing error or a wrong unit.
    #[error("no child measures that; check number and unit")]
    Impossible,
    /// The embedded table lacks the row; the program is broken.
    #[error("the table is not available")]
    NoTable,
}

/// The position of a measured value in kg or cm. Errors: as named.
pub fn position(measure: Measure, sex: Sex, age: Age, value: f64) -> Result<Position, NoPosition> {
    if !measure.possible().contains(&value) {
        return Err(NoPosition::Impossible);
    }
    let curve = Curve::at(measure, sex, age)?;
    let z = curve.z(value);
    Ok(Position {
        z,
        percentile: 100.0 * normal::cumulative(z),
        band: Band::of(z),
        median: curve.median,
        basis: curve.basis,
    })
}

/// The value in kg or cm at `z` standard deviations, to draw a curve.
/// Errors: as named.
pub fn value_at(measure: Measure, sex: Sex, age: Age, z: f64) -> Result<f64, NoPosition> {
    Ok(Curve::at(measure, sex, age)?.value(z))
}

impl Band {
    /// Every band, from low to high.
    pub const ALL: [Self; 8] = [
        Self::Below3,
        Self::From3To10,
        Self::From10To25,
        Self::From25To50,
        Self::From50To75,
        Self::From75To90,
        Self::From90To97,
        Self::Above97,
    ];

    fn of(z: f64) -> Self {
        let lines = PUBLISHED_LINES.iter().filter(|line| **line <= z).count();
        Self::ALL.get(lines).copied().unwrap_or(Self::Above97)
    }

    /// In Japanese, as read to a parent.
    pub fn ja(self) -> &'static str {
        match self {
            Self::Below3 => "3パーセンタイル未満",
            Self::From3To10 => "3〜10パーセンタイル",
            Self::From10To25 => "10〜25パーセンタイル",
            Self::From25To50 => "25〜50パーセンタイル",
            Self::From50To75 => "50〜75パーセンタイル",
            Self::From75To90 => "75〜90パーセンタイル",
            Self::From90To97 => "90〜97パーセンタイル",
            Self::Above97 => "97パーセンタイル以上",
        }
    }

    /// In English.
    pub fn en(self) -> &'static str {
        match self {
            Self::Below3 => "below the 3rd",
            Self::From3To10 => "3rd to 10th",
            Self::From10To25 => "10th to 25th",
            Self::From25To50 => "25th to 50th",
            Self::From50To75 => "50th to 75th",
            Self::From75To90 => "75th to 90th",
            Self::From90To97 => "90th to 97th",
            Self::Above97 => "97th and above",
        }
    }
}

impl NoPosition {
    /// In Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            Self::SexUnknown => "性別が不明のため、性別ごとの表を使えません",
            Self::BirthUnknown => "生年月日が不明です",
            Self::BeforeBirth => "測定日が生年月日より前です",
            Self::AfterTable => "この月齢は表の範囲を超えています",
            Self::Impossible => "あり得ない値です。数値と単位を確認してください",
            Self::NoTable => "表を読み込めません",
        }
    }
}

/// z of the 3rd, 10th, 25th, 50th, 75th, 90th and 97th percentile.
pub const PUBLISHED_LINES: [f64; 7] = [
    -1.880_793_608_151_251,
    -1.281_551_565_544_6,
    -0.674_489_750_196_082,
    0.0,
    0.674_489_750_196_082,
    1.281_551_565_544_6,
    1.880_793_608_151_251,
];
