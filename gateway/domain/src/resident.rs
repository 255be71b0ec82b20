//! Resident links, relations and restrictions, as municipalities send them.

mod relation;

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use relation::{RawRelation, Relation, RelationKind};

use crate::codes::looks_like_individual_number;
use crate::organization::IssuerId;
use crate::problem::{Accepted, FieldReason, Findings, RowRefusal};

/// The issuer's own key of a person (宛名番号, 自治体別本人キー), 1 to 100
/// characters, unique inside the issuer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResidentKey(String);

/// Why a text is no resident key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResidentKeyError {
    /// Empty.
    #[error("is empty")]
    Empty,
    /// Longer than 100.
    #[error("has more than 100 characters")]
    Width,
    /// A control character, or blank at an end.
    #[error("has characters that the format does not allow")]
    Characters,
    /// It may be the number this gateway must not hold.
    #[error("looks like a 12-digit individual number")]
    IndividualNumber,
}

/// Administrative sex as on the resident register; FHIR administrative-gender
/// words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
    /// Not stated.
    #[default]
    Unknown,
}

/// An issuer's own person: its key and what a counter compares with the chart.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidentLink {
    /// Who knows the person by this key.
    pub issuer: IssuerId,
    /// The key.
    pub resident_key: ResidentKey,
    /// Birth date.
    pub birth_date: Date,
    /// Sex.
    pub sex: Sex,
    /// Last day on which the issuer serves this person (転出, 死亡); `None` while
    /// it does.
    pub last_day: Option<Date>,
}

/// What is withheld about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestrictionKind {
    /// 不開示: no address, residence, issuer name or other institution in any
    /// answer.
    NonDisclosure,
    /// Protective (DV 等支援措置): the same, and absent from guardian and app views.
    Protective,
}

/// A resident as received.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawResident {
    /// 宛名番号 or 自治体別本人キー.
    pub resident_key: String,
    /// ISO 8601 date.
    pub birth_date: String,
    /// Sex.
    pub sex: Sex,
    /// 消除: no longer served from `removed_on` on.
    pub removed: bool,
    /// ISO 8601 date; required with `removed`, empty without.
    pub removed_on: String,
}

impl ResidentKey {
    /// Takes 1 to 100 characters that do not look like an individual number.
    /// Errors: as named.
    pub fn parse(text: &str) -> Result<Self, ResidentKeyError> {
        match text.chars().count() {
            0 => return Err(ResidentKeyError::Empty),
            1..=100 => {}
            _ => return Err(ResidentKeyError::Width),
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(ResidentKeyError::Characters);
        }
        if looks_like_individual_number(text) {
            return Err(ResidentKeyError::IndividualNumber);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ResidentLink {
    /// Checks a row and reports all violations at once. Birth dates lie
    /// between 1900 and `today`; a removal day may lie ahead by a year, as a
    /// move is registered before it happens.
    pub fn validate(raw: &RawResident, issuer: IssuerId, today: Date) -> Result<Accepted<Self>, RowRefusal> {
        let mut findings = Findings::default();
        let resident_key = findings.take("resident_key", ResidentKey::parse(&raw.resident_key));
        let birth_date = findings.take("birth_date", past_date(&raw.birth_date, today));
        let last_day = removal(raw, today, &mut findings);
        if let (Some(birth), Some(last)) = (birth_date, last_day)
            && last < birth.yesterday().unwrap_or(birth)
        {
            findings.problem("removed_on", FieldReason::IntervalReversed);
        }
        let value = resident_key.zip(birth_date).map(|(resident_key, birth_date)| Self {
            issuer,
            resident_key,
            birth_date,
            sex: raw.sex,
            last_day,
        });
        findings.conclude(value)
    }
}

/// The day before the removal takes effect is the last day served.
fn removal(raw: &RawResident, today: Date, findings: &mut Findings) -> Option<Date> {
    match (raw.removed, raw.removed_on.is_empty()) {
        (false, true) => return None,
        (false, false) => findings.problem("removed_on", FieldReason::Value),
        (true, true) => findings.problem("removed_on", FieldReason::Required),
        (true, false) => {}
    }
    let year_ahead = today.saturating_add(jiff::Span::new().years(1));
    let removed_on = raw.removed.then(|| past_date(&raw.removed_on, year_ahead));
    match removed_on {
        Some(result) if !raw.removed_on.is_empty() => {
            findings.take("removed_on", result).and_then(|day| day.yesterday().ok())
        }
        _ => None,
    }
}

/// An ISO 8601 date from 1900 up to `latest`.
pub(crate) fn past_date(text: &str, latest: Date) -> Result<Date, FieldReason> {
    let date = iso_date(text)?;
    if date < EARLIEST || date > latest { Err(FieldReason::DateOutOfRange) } else { Ok(date) }
}

/// `YYYY-MM-DD` and nothing else; the parser beneath accepts much more.
pub(crate) fn iso_date(text: &str) -> Result<Date, FieldReason> {
    if text.is_empty() {
        return Err(FieldReason::Required);
    }
    let is_iso = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_iso {
        return Err(FieldReason::Date);
    }
    text.parse().map_err(|_| FieldReason::Date)
}

/// Nobody alive was born earlier.
pub(crate) const EARLIEST: Date = Date::constant(1900, 1, 1);

impl fmt::Display for ResidentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resident key names a person, so a debug print withholds it.
impl fmt::Debug for ResidentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentKey(..)")
    }
}

/// Birth date and sex are a person's, so a debug print withholds them.
impl fmt::Debug for ResidentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResidentLink").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A row as received may hold anything.
impl fmt::Debug for RawResident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawResident(..)")
    }
}

impl TryFrom<String> for ResidentKey {
    type Error = ResidentKeyError;

    fn try_from(text: String) -> Result<Self, ResidentKeyError> {
        Self::parse(&text)
    }
}

impl From<ResidentKey> for String {
    fn from(key: ResidentKey) -> Self {
        key.0
    }
}

impl From<ResidentKeyError> for FieldReason {
    fn from(error: ResidentKeyError) -> Self {
        match error {
            ResidentKeyError::Empty => Self::Required,
            ResidentKeyError::Width => Self::Width,
            ResidentKeyError::Characters => Self::Characters,
            ResidentKeyError::IndividualNumber => Self::IndividualNumberForbidden,
        }
    }
}
