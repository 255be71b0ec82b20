//! The short form of an organization as it stands in leaves and bodies.

use std::fmt;

/// `<kind>:<code>`, for example `clinic:1310000001`: the tail of `urn:x-pmh:org:<kind>:<code>`.
///
/// At most 32 bytes of `[a-z0-9:._-]`, with something on both sides of the first colon. Which kinds exist is the
/// registry's business, not the log's, so that an old verifier reads the entries of a new kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgRef(String);

/// The text is not `<kind>:<code>` within 32 bytes of `[a-z0-9:._-]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an organization is written <kind>:<code>, at most 32 characters of a-z 0-9 : . _ -")]
pub struct OrgRefError;

impl OrgRef {
    /// Longest short form, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// Parses the short form.
    pub fn new(text: &str) -> Result<Self, OrgRefError> {
        let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'.' | b'_' | b'-');
        let (kind, code) = text.split_once(':').ok_or(OrgRefError)?;
        let complete = !kind.is_empty() && !code.is_empty();
        if complete && text.len() <= Self::MAX_BYTES && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(OrgRefError)
        }
    }

    /// `<kind>:<code>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first colon.
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or("", |(kind, _)| kind)
    }

    /// The part after the first colon.
    pub fn code(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, code)| code)
    }
}

impl fmt::Display for OrgRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for OrgRef {
    type Err = OrgRefError;

    fn from_str(text: &str) -> Result<Self, OrgRefError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_kind_colon_code() {
        let org = OrgRef::new("clinic:1310000001").unwrap();
        assert_eq!((org.kind(), org.code()), ("clinic", "1310000001"));
        let longest = format!("app:{}", "x".repeat(28));
        assert!(OrgRef::new(&longest).is_ok());
        for bad in [
            "",
            ":",
            "clinic",
            "clinic:",
            ":1",
            "Clinic:1",
            "clinic:１",
            "clinic: 1",
            "clinic:1\n",
            &format!("{longest}x"),
        ] {
            assert_eq!(OrgRef::new(bad), Err(OrgRefError), "{bad:?}");
        }
    }
}
