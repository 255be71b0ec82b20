//! Who of an organization's staff makes a call: the metadata `pmh-operator`, a
//! pseudonym that the organization alone can resolve.
//!
//! It goes into the sealed actor part of the entry and nowhere else.

use pmh_audit::ShortText;
use pmh_domain::codes::looks_like_individual_number;
use pmh_proto::common::Reason;
use tonic::metadata::MetadataMap;

use crate::ops::call::{OPERATOR_FIELD, Operator};

/// Reads it; at most 64 visible ASCII characters, once.
pub(super) fn read(metadata: &MetadataMap) -> Operator {
    let mut values = metadata.get_all(OPERATOR_FIELD).iter();
    let Some(value) = values.next() else { return Ok(ShortText::default()) };
    if values.next().is_some() {
        return Err(Reason::Value);
    }
    let text = value.to_str().map_err(|_| Reason::Characters)?;
    if text.len() > LONGEST {
        return Err(Reason::Width);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Reason::Characters);
    }
    if looks_like_individual_number(text) {
        return Err(Reason::IndividualNumberForbidden);
    }
    ShortText::new(text).map_err(|_| Reason::Characters)
}

const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Operator {
        let mut metadata = MetadataMap::new();
        for value in values {
            metadata.append(OPERATOR_FIELD, value.parse().unwrap());
        }
        read(&metadata)
    }

    #[test]
    fn a_pseudonym_is_taken_as_it_is() {
        assert_eq!(of(&[]).unwrap().as_str(), "");
        assert_eq!(of(&["ward-3/nurse-17"]).unwrap().as_str(), "ward-3/nurse-17");
        assert_eq!(of(&["x".repeat(64).as_str()]).unwrap().as_str().len(), 64);
    }

    #[test]
    fn p4_an_individual_number_is_no_pseudonym() {
        // Published test value.
        for text in ["1234-5678-9018".to_owned(), "1234-5678-9018".replace('-', "")] {
            assert_eq!(of(&[text.as_str()]), Err(Reason::IndividualNumberForbidden), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_twice_or_not_visible_is_refused() {
        assert_eq!(of(&["x".repeat(65).as_str()]), Err(Reason::Width));
        assert_eq!(of(&["a", "b"]), Err(Reason::Value));
        assert_eq!(of(&["a b"]), Err(Reason::Characters));
    }
}
