//! Code systems: every number on a certificate is a type that cannot hold a
//! wrong one.
//!
//! Each type has `parse`, which names the rule that failed and never repeats
//! the input, and [`explain`] tells a vendor's tester what is right or wrong
//! with a value and what its parts mean.
//!
//! A check digit shows that a number was not mistyped. It does not show that
//! the thing exists; where a dated register is published (municipalities) we
//! ask it as well.

mod check;
mod corporate;
mod digits;
mod error;
mod explain;
mod individual;
mod institution;
mod insurer;
mod municipality;
mod payer;
mod prefecture;
mod recipient;
mod register;
mod scheme;

pub use corporate::CorporateNumber;
pub use error::CodeError;
pub use explain::{CodeKind, CodeNote, CodePart, CodeReport, explain};
pub use individual::looks_like_individual_number;
pub use institution::{CheckRule, FeeTable, InstitutionCode};
pub use insurer::InsurerNumber;
pub use municipality::{MunicipalityCode, MunicipalityKind};
pub use payer::PayerNumber;
pub use prefecture::PrefectureCode;
pub use recipient::{RecipientNumber, RecipientWarning};
pub use register::{SchemeEntry, SchemeKind, scheme_entries, scheme_entry};
pub use scheme::{LawNumber, SchemeGroup, SchemeKey};

/// Text forms of a code type that has `parse` and `Display`: `FromStr`, and
/// the conversions serde uses so that stored JSON is checked again when read.
macro_rules! text_forms {
    ($code:ty, $error:ty) => {
        impl std::str::FromStr for $code {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $code {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$code> for String {
            fn from(code: $code) -> Self {
                code.to_string()
            }
        }
    };
}
pub(crate) use text_forms;
