//! Who takes part: organizations and issuers, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::{
    CodeError, FeeTable, InstitutionCode, MunicipalityCode, MunicipalityKind, PrefectureCode, text_forms,
};

const URN_PREFIX: &str = "urn:x-pmh:org:";

/// Kind of an organization, as in its URN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationKind {
    /// 医科・歯科, and 訪問看護 stations; code is the 10-digit institution code.
    Clinic,
    /// 薬局; 10-digit institution code with fee table 4.
    Pharmacy,
    /// 市区町村; 6-digit code.
    Municipality,
    /// 都道府県; 6-digit code.
    Prefecture,
    /// An audit office with a jurisdiction.
    Auditor,
    /// A citizen app's vendor.
    App,
    /// A witness of the log.
    Witness,
    /// The operator of the gateway.
    Operator,
    /// A gateway process speaking to another.
    Service,
}

/// An organization: kind and code. The short form `clinic:1310500023` is used
/// in the log, the URN `urn:x-pmh:org:clinic:1310500023` in certificates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationId {
    kind: OrganizationKind,
    code: String,
}

/// The municipality or prefecture competent for a scheme and a person
/// (実施機関).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssuerId {
    is_prefecture: bool,
    code: MunicipalityCode,
}

/// Why a text names no organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrganizationError {
    /// Not `<kind>:<code>`, nor that after `urn:x-pmh:org:`.
    #[error("is not an organization name")]
    Form,
    /// A kind that does not exist.
    #[error("is of an unknown kind of organization")]
    Kind,
    /// The code is wrong in itself.
    #[error("has a code that is wrong")]
    Code(#[from] CodeError),
    /// The code is right, but of another kind of organization.
    #[error("has a code of another kind of organization")]
    CodeOfOtherKind,
    /// An organization that cannot be an issuer.
    #[error("is neither a municipality nor a prefecture")]
    NotAnIssuer,
}

impl OrganizationKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Clinic,
        Self::Pharmacy,
        Self::Municipality,
        Self::Prefecture,
        Self::Auditor,
        Self::App,
        Self::Witness,
        Self::Operator,
        Self::Service,
    ];

    /// The name in URNs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clinic => "clinic",
            Self::Pharmacy => "pharmacy",
            Self::Municipality => "municipality",
            Self::Prefecture => "prefecture",
            Self::Auditor => "auditor",
            Self::App => "app",
            Self::Witness => "witness",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// From the name in URNs.
    pub fn parse(name: &str) -> Result<Self, OrganizationError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(OrganizationError::Kind)
    }
}

impl OrganizationId {
    /// Checks that the code is one of this kind. Errors: the code's own, or
    /// that it belongs to another kind.
    pub fn new(kind: OrganizationKind, code: &str) -> Result<Self, OrganizationError> {
        match kind {
            OrganizationKind::Clinic | OrganizationKind::Pharmacy => {
                let is_pharmacy = InstitutionCode::parse(code)?.fee_table() == FeeTable::Pharmacy;
                matches_kind(is_pharmacy == (kind == OrganizationKind::Pharmacy))?;
            }
            OrganizationKind::Municipality | OrganizationKind::Prefecture => {
                let is_prefecture = MunicipalityCode::parse(code)?.kind() == MunicipalityKind::Prefecture;
                matches_kind(is_prefecture == (kind == OrganizationKind::Prefecture))?;
            }
            _ => check_plain_code(code)?,
        }
        Ok(Self { kind, code: code.to_owned() })
    }

    /// Parses either form. Errors: form, kind, code.
    pub fn parse(text: &str) -> Result<Self, OrganizationError> {
        Self::parse_short(text.strip_prefix(URN_PREFIX).unwrap_or(text))
    }

    /// Parses `urn:x-pmh:org:<kind>:<code>` and nothing else, as in a
    /// certificate. Errors: form, kind, code.
    pub fn parse_urn(text: &str) -> Result<Self, OrganizationError> {
        Self::parse_short(text.strip_prefix(URN_PREFIX).ok_or(OrganizationError::Form)?)
    }

    /// Parses `<kind>:<code>` and nothing else. Errors: form, kind, code.
    pub fn parse_short(text: &str) -> Result<Self, OrganizationError> {
        let (kind, code) = text.split_once(':').ok_or(OrganizationError::Form)?;
        Self::new(OrganizationKind::parse(kind)?, code)
    }

    /// Kind.
    pub fn kind(&self) -> OrganizationKind {
        self.kind
    }

    /// The code after the kind.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// `urn:x-pmh:org:<kind>:<code>`.
    pub fn urn(&self) -> String {
        format!("{URN_PREFIX}{self}")
    }

    /// The institution code of a clinic or pharmacy.
    pub fn institution(&self) -> Option<InstitutionCode> {
        match self.kind {
            OrganizationKind::Clinic | OrganizationKind::Pharmacy => InstitutionCode::parse(&self.code).ok(),
            _ => None,
        }
    }

    /// Itself as an issuer. Errors: not an issuer.
    pub fn issuer(&self) -> Result<IssuerId, OrganizationError> {
        let is_prefecture = match self.kind {
            OrganizationKind::Municipality => false,
            OrganizationKind::Prefecture => true,
            _ => return Err(OrganizationError::NotAnIssuer),
        };
        Ok(IssuerId { is_prefecture, code: MunicipalityCode::parse(&self.code)? })
    }
}

impl IssuerId {
    /// Parses `municipality:132012` or `prefecture:130001`, also as a URN.
    /// Errors: as for organizations, and not an issuer.
    pub fn parse(text: &str) -> Result<Self, OrganizationError> {
        OrganizationId::parse(text)?.issuer()
    }

    /// Its 6-digit code.
    pub fn code(self) -> MunicipalityCode {
        self.code
    }

    /// The prefecture it is or lies in.
    pub fn prefecture(self) -> PrefectureCode {
        self.code.prefecture()
    }

    /// Its name, for example 東京都 or 八王子市.
    pub fn name(self) -> &'static str {
        self.code.name()
    }

    /// Its organization kind.
    pub fn kind(self) -> OrganizationKind {
        if self.is_prefecture { OrganizationKind::Prefecture } else { OrganizationKind::Municipality }
    }

    /// Itself as an organization.
    pub fn organization(self) -> OrganizationId {
        OrganizationId { kind: self.kind(), code: self.code.to_string() }
    }
}

fn matches_kind(matches: bool) -> Result<(), OrganizationError> {
    if matches { Ok(()) } else { Err(OrganizationError::CodeOfOtherKind) }
}

/// Codes without a register behind them: 1 to 20 of `a-z`, `0-9`, `-`.
fn check_plain_code(code: &str) -> Result<(), CodeError> {
    if !(1..=20).contains(&code.len()) {
        return Err(CodeError::Width("1 to 20 characters"));
    }
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if code.bytes().all(is_plain) { Ok(()) } else { Err(CodeError::Characters) }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.code)
    }
}

impl fmt::Display for IssuerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind().name(), self.code)
    }
}

text_forms!(OrganizationId, OrganizationError);
text_forms!(IssuerId, OrganizationError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_organization() {
        let id = OrganizationId::parse("municipality:132012").unwrap();
        assert_eq!(id.urn(), "urn:x-pmh:org:municipality:132012");
        assert_eq!(OrganizationId::parse(&id.urn()).unwrap(), id);
        assert_eq!(id.to_string(), "municipality:132012");
        assert_eq!(id.issuer().unwrap().name(), "八王子市");
        assert_eq!(OrganizationId::parse_urn("municipality:132012"), Err(OrganizationError::Form));
        assert!(OrganizationId::parse_short("urn:x-pmh:org:municipality:132012").is_err());
    }

    #[test]
    fn a_code_must_be_of_its_kind() {
        use OrganizationError::{Code, CodeOfOtherKind, Form, Kind};
        for (text, error) in [
            ("clinic", Form),
            ("hospital:0110116381", Kind),
            ("Clinic:0110116381", Kind),
            ("pharmacy:0110116381", CodeOfOtherKind),
            ("prefecture:132012", CodeOfOtherKind),
            ("municipality:130001", CodeOfOtherKind),
            ("clinic:0110116382", Code(CodeError::CheckDigit { expected: 1 })),
            ("app:", Code(CodeError::Width("1 to 20 characters"))),
            ("app:Tokyo", Code(CodeError::Characters)),
            ("app:a:b", Code(CodeError::Characters)),
        ] {
            assert_eq!(OrganizationId::parse(text), Err(error), "{text}");
        }
        assert!(OrganizationId::parse("clinic:0110116381").is_ok());
        assert_eq!(IssuerId::parse("auditor:tokyo"), Err(OrganizationError::NotAnIssuer));
    }

    /// The audit leaf has 32 bytes for an organization's short form.
    #[test]
    fn the_longest_short_forms_fit_the_leaf() {
        let plain = [OrganizationKind::Auditor, OrganizationKind::Operator, OrganizationKind::Service];
        for kind in plain {
            let id = OrganizationId::new(kind, &"x".repeat(20)).unwrap();
            assert!(id.to_string().len() <= 32);
        }
        assert!(OrganizationId::parse("municipality:132012").unwrap().to_string().len() <= 32);
    }
}
