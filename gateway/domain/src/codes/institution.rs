//! 医療機関コード・薬局コード: the 10-digit institution code.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digits::Digits;
use super::{CodeError, PrefectureCode, check, text_forms};

/// An institution code, 10 digits: prefecture 2, fee table 1, and the 7-digit
/// code, which is unique only together with its prefecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstitutionCode {
    digits: Digits<10>,
    prefecture: PrefectureCode,
    fee_table: FeeTable,
    check_rule: CheckRule,
}

/// 点数表: the fee table an institution bills by, and so its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeeTable {
    /// 1, 医科.
    Medical,
    /// 3, 歯科.
    Dental,
    /// 4, 調剤.
    Pharmacy,
    /// 6, 訪問看護.
    VisitingNursing,
}

/// Which check rule an institution code satisfies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckRule {
    /// The written rule: the check digit covers all ten digits.
    TenDigits,
    /// Saitama, Chiba, Tokyo and Kanagawa: it covers the 7-digit code alone.
    SevenDigits,
    /// A medical code whose check digit was computed with fee table 3: places
    /// that also do dentistry are published like this.
    TenDigitsAsDental,
}

impl InstitutionCode {
    /// Parses 10 half-width digits. Errors: width, characters, prefecture, fee
    /// table, check digit.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let digits = Digits::<10>::parse(text, "10 digits")?;
        let prefecture = PrefectureCode::from_part(digits.number(0, 2))?;
        let fee_table = FeeTable::from_digit(digits.number(2, 3))?;
        let check_rule = check_rule(&digits, prefecture, fee_table)?;
        Ok(Self { digits, prefecture, fee_table, check_rule })
    }

    /// The 10 digits.
    pub fn as_str(&self) -> &str {
        self.digits.as_str()
    }

    /// 都道府県番号.
    pub fn prefecture(&self) -> PrefectureCode {
        self.prefecture
    }

    /// 点数表.
    pub fn fee_table(&self) -> FeeTable {
        self.fee_table
    }

    /// The 7-digit code; never a key without its prefecture.
    pub fn code7(&self) -> &str {
        self.digits.part(3, 10)
    }

    /// The rule by which the check digit fits.
    pub fn check_rule(&self) -> CheckRule {
        self.check_rule
    }
}

/// The written rule would refuse every medical institution of four
/// prefectures: 28,875 of 28,875 published codes there follow the 7-digit rule
/// and none the written one (regional health bureaus' lists, 2025-08).
fn check_rule(
    digits: &Digits<10>,
    prefecture: PrefectureCode,
    fee_table: FeeTable,
) -> Result<CheckRule, CodeError> {
    const SEVEN_DIGIT_PREFECTURES: [u8; 4] = [11, 12, 13, 14];
    if SEVEN_DIGIT_PREFECTURES.contains(&prefecture.number()) {
        check::expect(digits.last(), check::luhn(digits.part(3, 9)))?;
        return Ok(CheckRule::SevenDigits);
    }
    match check::expect(digits.last(), check::luhn(digits.part(0, 9))) {
        Ok(()) => Ok(CheckRule::TenDigits),
        Err(_) if fee_table == FeeTable::Medical && fits_as_dental(digits) => {
            Ok(CheckRule::TenDigitsAsDental)
        }
        Err(error) => Err(error),
    }
}

fn fits_as_dental(digits: &Digits<10>) -> bool {
    let as_dental = format!("{}3{}", digits.part(0, 2), digits.part(3, 9));
    check::luhn(&as_dental) == digits.last()
}

impl FeeTable {
    /// The digit in the code.
    pub fn digit(self) -> u8 {
        match self {
            Self::Medical => 1,
            Self::Dental => 3,
            Self::Pharmacy => 4,
            Self::VisitingNursing => 6,
        }
    }

    /// Stable name: `medical`, `dental`, `pharmacy`, `visiting_nursing`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Medical => "medical",
            Self::Dental => "dental",
            Self::Pharmacy => "pharmacy",
            Self::VisitingNursing => "visiting_nursing",
        }
    }

    fn from_digit(digit: u32) -> Result<Self, CodeError> {
        match digit {
            1 => Ok(Self::Medical),
            3 => Ok(Self::Dental),
            4 => Ok(Self::Pharmacy),
            6 => Ok(Self::VisitingNursing),
            _ => Err(CodeError::FeeTable),
        }
    }
}

impl CheckRule {
    /// Stable name: `ten_digits`, `seven_digits`, `ten_digits_as_dental`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TenDigits => "ten_digits",
            Self::SevenDigits => "seven_digits",
            Self::TenDigitsAsDental => "ten_digits_as_dental",
        }
    }
}

impl fmt::Display for InstitutionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_forms!(InstitutionCode, CodeError);
