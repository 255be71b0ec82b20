//! Parsing a request: all violations at once, by path, never by value.

use std::str::FromStr;

use jiff::civil::Date;
use pmh_domain::codes::{self, CodeError};
use pmh_proto::common::{Purpose, Reason};

use super::status::{FieldViolation, Refusal};

/// Collects violations while fields are read.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Vec<FieldViolation>,
    individual_number: bool,
}

impl Fields {
    /// Notes a violation.
    pub(super) fn wrong(&mut self, path: impl Into<String>, reason: Reason) {
        self.individual_number |= reason == Reason::IndividualNumberForbidden;
        self.violations.push(FieldViolation { path: path.into(), reason });
    }

    /// What was wrong, for a row of a stream.
    pub(super) fn into_violations(self) -> Vec<FieldViolation> {
        self.violations
    }

    /// The refusal, if anything was wrong. What looks like an individual
    /// number is named before all else (P4).
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match (self.violations.is_empty(), self.individual_number) {
            (true, _) => Ok(()),
            (false, true) => {
                let refusal = Refusal::new(Reason::IndividualNumberForbidden);
                let hits = self.violations.into_iter();
                Err(hits
                    .filter(|hit| hit.reason == Reason::IndividualNumberForbidden)
                    .fold(refusal, |refusal, hit| refusal.with_field(hit.path, hit.reason)))
            }
            (false, false) => Err(Refusal::invalid_fields(self.violations)),
        }
    }

    /// A code of the domain.
    pub(super) fn code<T>(
        &mut self,
        path: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, CodeError>,
    ) -> Option<T> {
        if codes::looks_like_individual_number(text) {
            self.wrong(path, Reason::IndividualNumberForbidden);
            return None;
        }
        self.declared_code(path, text, parse)
    }

    /// A code of the domain that an issuer has declared to have 12 digits.
    pub(super) fn declared_code<T>(
        &mut self,
        path: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, CodeError>,
    ) -> Option<T> {
        if text.is_empty() {
            self.wrong(path, Reason::Required);
            return None;
        }
        parse(text).map_err(|error| self.wrong(path, code_reason(&error))).ok()
    }

    /// A civil date, required.
    pub(super) fn date(&mut self, path: &str, text: &str) -> Option<Date> {
        if text.is_empty() {
            self.wrong(path, Reason::Required);
            return None;
        }
        self.optional_date(path, text)
    }

    /// A civil date; empty is none. The library's parser accepts much more than
    /// `YYYY-MM-DD`, so the form is compared.
    pub(super) fn optional_date(&mut self, path: &str, text: &str) -> Option<Date> {
        if text.is_empty() {
            return None;
        }
        match Date::from_str(text) {
            Ok(date) if date.to_string() == text => Some(date),
            _ => {
                self.wrong(path, Reason::Date);
                None
            }
        }
    }

    /// A UUID in its usual form.
    pub(super) fn uuid(&mut self, path: &str, text: &str) -> Option<String> {
        if text.is_empty() {
            self.wrong(path, Reason::Required);
            return None;
        }
        match uuid::Uuid::try_parse(text) {
            Ok(uuid) if text.len() == 36 => Some(uuid.to_string()),
            _ => {
                self.wrong(path, Reason::Value);
                None
            }
        }
    }

    /// A key or id of the caller's: bounded, printable, no individual number.
    pub(super) fn identifier(&mut self, path: &str, text: &str, longest: usize) -> Option<String> {
        if text.is_empty() {
            self.wrong(path, Reason::Required);
        } else if text.chars().count() > longest {
            self.wrong(path, Reason::Width);
        } else if text.chars().any(char::is_control) {
            self.wrong(path, Reason::Characters);
        } else if codes::looks_like_individual_number(text) {
            self.wrong(path, Reason::IndividualNumberForbidden);
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// A known value of an enum, not its zero.
    pub(super) fn word<T: TryFrom<i32>>(&mut self, path: &str, number: i32) -> Option<T> {
        match (number, T::try_from(number)) {
            (0, _) => {
                self.wrong(path, Reason::Required);
                None
            }
            (_, Ok(word)) => Some(word),
            (_, Err(_)) => {
                self.wrong(path, Reason::Value);
                None
            }
        }
    }
}

/// The policy's purpose of a contract purpose.
pub(super) fn purpose(purpose: i32) -> Option<pmh_auth::names::Purpose> {
    use pmh_auth::names::Purpose as Policy;
    match Purpose::try_from(purpose).ok()? {
        Purpose::Unspecified => None,
        Purpose::Treat => Some(Policy::Treat),
        Purpose::Hpaymt => Some(Policy::Hpaymt),
        Purpose::Pubhlth => Some(Policy::Pubhlth),
        Purpose::Coc => Some(Policy::Coc),
        Purpose::Patrqt => Some(Policy::Patrqt),
    }
}

fn code_reason(error: &CodeError) -> Reason {
    let reason = pmh_domain::problem::FieldReason::from(*error);
    super::status::reason_named(reason.name()).unwrap_or(Reason::Value)
}
