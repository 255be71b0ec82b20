//! 履歴キー: the order of versions.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::problem::FieldReason;

/// A history key, 1 to 100 printable ASCII characters.
///
/// Ordered as a person reads it: runs of digits by their value, everything
/// else byte by byte. So `9` comes before `10`, `20240401-2` before `20250401`,
/// and `007` *is* `7`, because a spreadsheet on the way loses leading zeros.
/// Comparing digits by value only when both keys are all digits, and bytes
/// otherwise, would be no order at all: `9` < `10` < `1a` < `9`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HistoryKey(String);

/// Why a text is no history key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistoryKeyError {
    /// Empty or longer than 100.
    #[error("must have 1 to 100 characters")]
    Width,
    /// Something other than printable ASCII.
    #[error("must be printable ASCII without spaces")]
    Characters,
}

impl HistoryKey {
    /// Takes 1 to 100 printable ASCII characters. Errors: width, characters.
    pub fn parse(text: &str) -> Result<Self, HistoryKeyError> {
        if !(1..=100).contains(&text.chars().count()) {
            return Err(HistoryKeyError::Width);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(HistoryKeyError::Characters);
        }
        Ok(Self(text.to_owned()))
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.0.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).map(Run::of)
    }
}

/// A maximal run of digits, without its leading zeros, or of other bytes. The
/// order between the kinds is that of their first bytes, which never tie.
enum Run<'a> {
    Digits(&'a [u8]),
    Other(&'a [u8]),
}

impl<'a> Run<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match bytes.first() {
            Some(b'0'..=b'9') => {
                let zeros = bytes.iter().take_while(|byte| **byte == b'0').count();
                Self::Digits(bytes.get(zeros..).unwrap_or_default())
            }
            _ => Self::Other(bytes),
        }
    }

    fn cmp(&self, other: &Run<'_>) -> Ordering {
        match (self, other) {
            (Run::Digits(a), Run::Digits(b)) => a.len().cmp(&b.len()).then(a.cmp(b)),
            (Run::Other(a), Run::Other(b)) => a.cmp(b),
            (Run::Digits(_), Run::Other(b)) => b"0".as_slice().cmp(b),
            (Run::Other(a), Run::Digits(_)) => (*a).cmp(b"0".as_slice()),
        }
    }
}

impl Ord for HistoryKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.runs(), other.runs());
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
                (Some(a), Some(b)) => match a.cmp(&b) {
                    Ordering::Equal => {}
                    decided => return decided,
                },
            }
        }
    }
}

impl PartialOrd for HistoryKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for HistoryKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for HistoryKey {}

impl fmt::Debug for HistoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HistoryKey({})", self.0)
    }
}

impl TryFrom<String> for HistoryKey {
    type Error = HistoryKeyError;

    fn try_from(text: String) -> Result<Self, HistoryKeyError> {
        Self::parse(&text)
    }
}

impl From<HistoryKey> for String {
    fn from(key: HistoryKey) -> Self {
        key.0
    }
}

impl From<HistoryKeyError> for FieldReason {
    fn from(error: HistoryKeyError) -> Self {
        match error {
            HistoryKeyError::Width => Self::Width,
            HistoryKeyError::Characters => Self::Characters,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> HistoryKey {
        HistoryKey::parse(text).unwrap()
    }

    #[test]
    fn digits_by_value_and_the_rest_by_byte() {
        for pair in ["9 10", "1a 10", "20240401-2 20250401", "v9 v10", "a b", "1 1-1", "A a"] {
            let (less, greater) = pair.split_once(' ').unwrap();
            assert!(key(less) < key(greater), "{pair}");
        }
        assert_eq!(key("007"), key("7"));
        assert_eq!(key("0"), key("00"));
    }

    #[test]
    fn blank_long_and_wide_keys_are_refused() {
        assert_eq!(HistoryKey::parse(""), Err(HistoryKeyError::Width));
        assert_eq!(HistoryKey::parse(&"1".repeat(101)), Err(HistoryKeyError::Width));
        for text in ["1 2", "１", "a\n"] {
            assert_eq!(HistoryKey::parse(text), Err(HistoryKeyError::Characters));
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[0-2a/:-]{1,4}", b in "[0-2a/:-]{1,4}", c in "[0-2a/:-]{1,4}") {
            let (a, b, c) = (key(&a), key(&b), key(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            if a == b {
                prop_assert_eq!(a.cmp(&c), b.cmp(&c));
            }
        }
    }
}
