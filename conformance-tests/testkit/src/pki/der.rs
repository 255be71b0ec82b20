//! The few DER structures that the certificate builder does not know.
//!
//! Only lengths below 65,536 occur here; longer content is an error of this crate's own code and
//! is encoded with a wrong length rather than with a panic.

/// A tag, a definite length, and the content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes() {
        [0, short] if short < 0x80 => out.push(short),
        [0, one] => out.extend([0x81, one]),
        [high, low] => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of already encoded parts.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// A non-negative INTEGER; leading zeros are removed, and one is put back if the top bit is set.
pub(crate) fn integer(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude.iter().position(|byte| *byte != 0).unwrap_or(magnitude.len());
    let digits = magnitude.get(start..).unwrap_or_default();
    match digits.first() {
        None => tlv(0x02, &[0]),
        Some(top) if *top >= 0x80 => tlv(0x02, &[&[0], digits].concat()),
        Some(_) => tlv(0x02, digits),
    }
}

/// `CertificatePolicies` (RFC 5280 §4.2.1.4) with one policy and no qualifiers.
pub(crate) fn policies(oid_content: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(&[&tlv(0x06, oid_content)])])
}

/// `GeneralNames` with one `otherName` (RFC 5280 §4.2.1.6) that holds a UTF-8 string.
pub(crate) fn other_name(oid_content: &[u8], text: &str) -> Vec<u8> {
    let value = tlv(0xa0, &tlv(0x0c, text.as_bytes()));
    sequence(&[&tlv(0xa0, &[tlv(0x06, oid_content), value].concat())])
}

/// `CRLDistributionPoints` (RFC 5280 §4.2.1.13) with one directory name, as on the real card CAs.
pub(crate) fn directory_name_point(name: &[u8]) -> Vec<u8> {
    let full_name = tlv(0xa0, &tlv(0xa4, name));
    sequence(&[&sequence(&[&tlv(0xa0, &full_name)])])
}

/// The content octets of an object identifier given by its arcs.
pub(crate) fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = arcs.iter().copied();
    let first = rest.next().unwrap_or_default() * 40 + rest.next().unwrap_or_default();
    for arc in std::iter::once(first).chain(rest) {
        base128(arc, &mut out);
    }
    out
}

fn base128(arc: u64, out: &mut Vec<u8>) {
    let septets = (64 - arc.leading_zeros()).div_ceil(7).max(1);
    for position in (0..septets).rev() {
        let septet = u8::try_from((arc >> (7 * position)) & 0x7f).unwrap_or_default();
        out.push(if position == 0 { septet } else { septet | 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use x509_parser::der_parser::oid::Oid;
    use x509_parser::prelude::FromDer;

    use super::*;

    proptest! {
        #[test]
        fn object_identifiers_agree_with_another_encoder(
            first in 0u64..3, second in 0u64..40, rest in prop::collection::vec(any::<u64>(), 0..6)
        ) {
            let arcs: Vec<u64> = [first, second].into_iter().chain(rest).collect();
            let theirs = Oid::from(&arcs).unwrap();
            prop_assert_eq!(oid(&arcs), theirs.as_bytes());
        }

        #[test]
        fn integers_are_minimal_and_positive(magnitude in prop::collection::vec(any::<u8>(), 0..40)) {
            let der = integer(&magnitude);
            let (rest, parsed) = x509_parser::der_parser::asn1_rs::Integer::from_der(&der).unwrap();
            prop_assert!(rest.is_empty());
            let bytes = parsed.as_ref();
            prop_assert!(bytes.len() == 1 || bytes[0] != 0 || bytes[1] >= 0x80);
            prop_assert!(bytes[0] < 0x80);
        }
    }

    #[test]
    fn lengths_switch_form_where_der_says() {
        assert_eq!(tlv(4, &[0; 127])[..2], [4, 127]);
        assert_eq!(tlv(4, &[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[0; 256])[..4], [4, 0x82, 1, 0]);
    }
}
