//! Object identifiers that a configuration names.

use std::fmt;

/// A certificate policy, read from its dotted form.
///
/// Kept as DER content octets: arcs under 2.25 are UUIDs of 128 bits, more than most libraries print or parse.
#[derive(Clone, PartialEq, Eq)]
pub struct PolicyOid {
    dotted: String,
    octets: Vec<u8>,
}

/// The text is not a dotted object identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an object identifier")]
pub struct NotAnOid;

impl PolicyOid {
    /// Reads `1.2.392…`: two or more decimal arcs of at most 128 bits.
    pub fn parse(dotted: &str) -> Result<Self, NotAnOid> {
        let arcs = dotted.split('.').map(arc).collect::<Option<Vec<u128>>>().ok_or(NotAnOid)?;
        let (first, second, rest) = match arcs.as_slice() {
            [first @ 0..=1, second @ 0..=39, rest @ ..] | [first @ 2, second, rest @ ..] => {
                (*first, *second, rest)
            }
            _ => return Err(NotAnOid),
        };
        // X.690 §8.19.4: the first two arcs share one subidentifier.
        let head = (first * 40).checked_add(second).ok_or(NotAnOid)?;
        let octets = std::iter::once(head).chain(rest.iter().copied()).flat_map(base128).collect();
        Ok(Self { dotted: dotted.to_owned(), octets })
    }

    /// Whether these DER content octets are this identifier.
    pub(crate) fn is(&self, octets: &[u8]) -> bool {
        self.octets == octets
    }
}

impl fmt::Display for PolicyOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dotted)
    }
}

impl fmt::Debug for PolicyOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dotted)
    }
}

fn arc(text: &str) -> Option<u128> {
    let number: u128 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Seven bits a byte, most significant first, the high bit on all but the last (X.690 §8.19.2).
fn base128(number: u128) -> Vec<u8> {
    let groups = (128 - number.leading_zeros()).div_ceil(7).max(1);
    (0..groups)
        .rev()
        .map(|group| {
            let [low, ..] = (number >> (7 * group)).to_le_bytes();
            (low & 0x7f) | if group == 0 { 0 } else { 0x80 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_become_octets() {
        // X.690 §8.19.5 gives 2.100.3 as an example.
        assert!(PolicyOid::parse("2.100.3").unwrap().is(&[0x81, 0x34, 0x03]));
        let jpki = PolicyOid::parse("1.2.392.200149.8.5.1.3.30").unwrap();
        assert!(jpki.is(&[0x2a, 0x83, 0x08, 0x8c, 0x9b, 0x55, 8, 5, 1, 3, 30]));
        let uuid = PolicyOid::parse("2.25.147695778947404119763097867352174540710.1").unwrap();
        assert!(uuid.is(&[
            0x69, 0x81, 0xde, 0x9d, 0x96, 0x87, 0xc1, 0xb5, 0xd2, 0xbc, 0x9d, 0x9a, 0x9b, 0xd4, 0xda, 0x9c,
            0xc7, 0x92, 0xef, 0x26, 0x01
        ]));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "1",
            "1.40",
            "3.1",
            "1.2.",
            "1.02",
            "1.-2",
            "+1.2",
            "2.25.999999999999999999999999999999999999999999",
        ] {
            assert_eq!(PolicyOid::parse(text), Err(NotAnOid), "{text}");
        }
    }
}
