//! Entry bundles: entries one after the other, each behind a two-byte length.

use crate::codec::Reader;

/// Why bytes or entries are not a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry of more than 65,535 bytes has no length prefix (tlog-tiles).
    #[error("an entry is too long for a bundle")]
    TooLong,
    /// The bytes end inside an entry, or bytes are left after the last one.
    #[error("the bundle does not hold the number of entries it should")]
    Count,
}

/// The bytes of a bundle.
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLong)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle that should hold exactly `width` of them.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    let mut reader = Reader::new(bytes);
    let entries = (0..width)
        .map(|_| reader.medium_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| BundleError::Count)?;
    reader.finish().map_err(|_| BundleError::Count)?;
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bundle_is_lengths_and_entries() {
        let bytes = encode_bundle([&b"ab"[..], b"", b"c"]).unwrap();
        assert_eq!(bytes, b"\0\x02ab\0\0\0\x01c");
        assert_eq!(decode_bundle(&bytes, 3), Ok(vec![&b"ab"[..], b"", b"c"]));
        assert_eq!(decode_bundle(&bytes, 2), Err(BundleError::Count));
        assert_eq!(decode_bundle(&bytes, 4), Err(BundleError::Count));
        assert_eq!(encode_bundle([vec![0; 65_536].as_slice()]), Err(BundleError::TooLong));
    }

    proptest! {
        #[test]
        fn decoding_accepts_only_what_encoding_makes(bytes: Vec<u8>, width in 0_u16..8) {
            if let Ok(entries) = decode_bundle(&bytes, width) {
                prop_assert_eq!(encode_bundle(entries).unwrap(), bytes);
            }
        }
    }
}
