//! The registries' names and numbers, as an auditor writes them.

use pmh_audit::{
    Kind, OrgRef, ShortText,
    registry::{Categories, Method, Purpose},
};
use pmh_domain::organization::IssuerId;
use pmh_proto::{audit::ResidentName, common::Reason};

use crate::{ops::auditor::Named, rpc::fields::Fields};

/// A text, unless it is empty.
pub(super) fn optional(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// `<kind>:<code>`; empty is none.
pub(super) fn organization(checked: &mut Fields, path: &str, text: &str) -> Option<OrgRef> {
    known(checked, path, text, |text| OrgRef::new(text).ok())
}

/// A method's name; empty is none.
pub(super) fn method(checked: &mut Fields, text: &str) -> Option<Method> {
    known(checked, "method", text, Method::from_name)
}

/// A purpose's HL7 code; empty is none.
pub(super) fn purpose(checked: &mut Fields, text: &str) -> Option<Purpose> {
    known(checked, "purpose", text, Purpose::from_name)
}

/// A class of record by name; empty is none.
pub(super) fn category(checked: &mut Fields, text: &str) -> Categories {
    let one = |text: &str| {
        let mut bits = (0..u32::BITS).map(|bit| Categories::from_bits(1 << bit));
        bits.find(|category| category.names().next() == Some(text))
    };
    known(checked, "category", text, one).unwrap_or_default()
}

/// A kind's number; 0 is none.
pub(super) fn kind(checked: &mut Fields, number: u32) -> Option<Kind> {
    match u8::try_from(number) {
        Ok(0) => None,
        Ok(number) => Some(Kind::from(number)),
        Err(_) => wrong(checked, "kind"),
    }
}

/// An outcome's number.
pub(super) fn outcome(checked: &mut Fields, number: Option<u32>) -> Option<u16> {
    u16::try_from(number?).ok().or_else(|| wrong(checked, "outcome"))
}

/// The reference of a case or a warrant, as it is sealed into the entry.
pub(in crate::rpc) fn reference(checked: &mut Fields, path: &str, text: &str) -> Option<String> {
    let text = checked.identifier(path, text, LONGEST_REFERENCE)?;
    if ShortText::new(text.as_str()).is_err() {
        checked.wrong(path, Reason::Width);
        return None;
    }
    Some(text)
}

/// A resident as an issuer names them.
pub(in crate::rpc) fn resident(checked: &mut Fields, resident: &ResidentName) -> Option<Named> {
    let issuer = IssuerId::parse(&resident.issuer).ok();
    if issuer.is_none() {
        checked.wrong("resident.issuer", Reason::Value);
    }
    let key = checked.identifier("resident.resident_key", &resident.resident_key, LONGEST_KEY);
    Some(Named::Resident(issuer?, key?))
}

fn known<T>(checked: &mut Fields, path: &str, text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let text = optional(text)?;
    read(text).or_else(|| wrong(checked, path))
}

fn wrong<T>(checked: &mut Fields, path: &str) -> Option<T> {
    checked.wrong(path, Reason::Value);
    None
}

const LONGEST_REFERENCE: usize = 64;
/// As residents' keys are stored.
const LONGEST_KEY: usize = 100;
