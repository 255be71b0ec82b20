//! 全国地方公共団体コード: local government codes, with a dated register.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::register::{self, MunicipalityEntry};
use super::{CodeError, PrefectureCode, check, text_forms};

/// A local government code, 6 digits, that is or once was in the register of
/// the Ministry of Internal Affairs (state of 2024-01-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MunicipalityCode {
    digits: Digits<6>,
    prefecture: PrefectureCode,
}

/// Kind of a local government.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MunicipalityKind {
    /// 都道府県.
    Prefecture,
    /// 政令指定都市.
    DesignatedCity,
    /// 市.
    City,
    /// 特別区.
    SpecialWard,
    /// 町.
    Town,
    /// 村.
    Village,
    /// 区 of a designated city: an office, not a municipality of its own.
    Ward,
    /// The six villages of the Northern Territories, in the register alone.
    NorthernTerritoriesVillage,
}

impl MunicipalityCode {
    /// Parses 6 half-width digits. Errors: width, characters, check digit,
    /// prefecture, unknown. A code that was abolished still parses, since old
    /// records carry it; ask [`Self::current_on`] for a date.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let digits = Digits::<6>::parse(text, "6 digits")?;
        check::expect(digits.last(), check::municipality(digits.part(0, 5)))?;
        let prefecture = PrefectureCode::from_part(digits.number(0, 2))?;
        register::municipality(digits.as_str()).ok_or(CodeError::Unknown)?;
        Ok(Self { digits, prefecture })
    }

    /// Whether the local government exists on a date. Errors: abolished, not
    /// yet established.
    pub fn current_on(self, date: Date) -> Result<(), CodeError> {
        match self.entry().map(|entry| (entry.since, entry.abolished_on)) {
            Some((_, Some(abolished))) if abolished <= date => Err(CodeError::AbolishedOn(abolished)),
            Some((Some(since), _)) if date < since => Err(CodeError::NotBefore(since)),
            Some(_) => Ok(()),
            None => Err(CodeError::Unknown),
        }
    }

    /// The 6 digits.
    pub fn as_str(&self) -> &str {
        self.digits.as_str()
    }

    /// 都道府県番号.
    pub fn prefecture(self) -> PrefectureCode {
        self.prefecture
    }

    /// The name, for example 八王子市.
    pub fn name(self) -> &'static str {
        self.entry().map_or("", |entry| &entry.name)
    }

    /// The name in hiragana; empty for abolished codes.
    pub fn kana(self) -> &'static str {
        self.entry().map_or("", |entry| &entry.kana)
    }

    /// The name of its prefecture, its own if it is one.
    pub fn prefecture_name(self) -> &'static str {
        self.entry().map_or("", |entry| &entry.prefecture)
    }

    /// Kind.
    pub fn kind(self) -> MunicipalityKind {
        self.entry().map_or(MunicipalityKind::Ward, |entry| entry.kind)
    }

    /// First day on which it no longer exists, if it was abolished.
    pub fn abolished_on(self) -> Option<Date> {
        self.entry().and_then(|entry| entry.abolished_on)
    }

    /// Its corporate number, computed from the code and not looked up.
    pub fn corporate_number(self) -> Option<&'static str> {
        self.entry().and_then(|entry| entry.corporate_number.as_deref())
    }

    fn entry(self) -> Option<&'static MunicipalityEntry> {
        register::municipality(self.as_str())
    }
}

impl MunicipalityKind {
    /// Stable name, as in the register file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prefecture => "prefecture",
            Self::DesignatedCity => "designated_city",
            Self::City => "city",
            Self::SpecialWard => "special_ward",
            Self::Town => "town",
            Self::Village => "village",
            Self::Ward => "ward",
            Self::NorthernTerritoriesVillage => "northern_territories_village",
        }
    }
}

impl fmt::Display for MunicipalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_forms!(MunicipalityCode, CodeError);
