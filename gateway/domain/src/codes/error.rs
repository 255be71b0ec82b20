//! Which rule a code broke.

use jiff::civil::Date;

use crate::problem::FieldReason;

/// Why a text is not the code it claims to be. Carries nothing of the text but
/// the check digit that would have fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Wrong number of characters.
    #[error("must have {0}")]
    Width(&'static str),
    /// A character outside the format, for most codes anything but 0-9.
    #[error("has characters that the format does not allow")]
    Characters,
    /// The check digit does not fit the other digits.
    #[error("check digit does not fit; {expected} would")]
    CheckDigit {
        /// The digit that fits.
        expected: u8,
    },
    /// The prefecture part is not 01 to 47.
    #[error("prefecture part is not 01 to 47")]
    Prefecture,
    /// The fee table part (点数表) is not 1, 3, 4 or 6.
    #[error("fee table part is not 1, 3, 4 or 6")]
    FeeTable,
    /// The law number (法別番号) is an insurer's, so this is no public payer.
    #[error("law number belongs to an insurer, not to a subsidy")]
    InsurerLawNumber,
    /// A local scheme's group needs its prefecture, a national one has none.
    #[error("is not a scheme group: national `52`, local `88-13`")]
    GroupForm,
    /// Well formed, but in no register.
    #[error("is not in the register")]
    Unknown,
    /// Existed once, but not on the date asked.
    #[error("was abolished on {0}")]
    AbolishedOn(Date),
    /// Exists, but not yet on the date asked.
    #[error("exists only since {0}")]
    NotBefore(Date),
}

impl CodeError {
    /// Stable machine name, the row reason of the wire contract.
    pub fn reason(self) -> &'static str {
        FieldReason::from(self).name()
    }

    /// The same sentence in Japanese, for a person who corrects the value.
    pub fn message_ja(self) -> String {
        match self {
            Self::Width(_) => "桁数が違います。".to_owned(),
            Self::Characters => "使えない文字があります（半角数字のみ）。".to_owned(),
            Self::CheckDigit { expected } => format!("検証番号が合いません（正しくは{expected}）。"),
            Self::Prefecture => "都道府県番号が01～47ではありません。".to_owned(),
            Self::FeeTable => "点数表番号が1・3・4・6ではありません。".to_owned(),
            Self::InsurerLawNumber => "法別番号が保険者のもので、公費ではありません。".to_owned(),
            Self::GroupForm => "制度区分の形式が違います（国の制度は52、地方の制度は88-13）。".to_owned(),
            Self::Unknown => "登録のない番号です。".to_owned(),
            Self::AbolishedOn(date) => format!("{date}に廃止された番号です。"),
            Self::NotBefore(date) => format!("{date}より前には存在しない番号です。"),
        }
    }
}
