//! The names that a certificate gives to an organization and its terminal.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::names::Role;

/// `urn:x-pmh:org:<kind>:<code>`, for example `urn:x-pmh:org:clinic:1311234567`.
///
/// The code is 1 to 20 of `[a-z0-9-]`; whether it is a real institution or municipality is the registry's question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationUrn {
    text: Box<str>,
    role: Role,
}

/// The text is not an organization URN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an organization URN")]
pub struct NotAnOrganization;

impl OrganizationUrn {
    /// Reads the full URN.
    pub fn parse(text: &str) -> Result<Self, NotAnOrganization> {
        let (kind, code) =
            text.strip_prefix(PREFIX).and_then(|short| short.split_once(':')).ok_or(NotAnOrganization)?;
        let role = Role::parse(kind).ok_or(NotAnOrganization)?;
        if text.len() - PREFIX.len() > MAX_SHORT || !is_code(code) {
            return Err(NotAnOrganization);
        }
        Ok(Self { text: text.into(), role })
    }

    /// Builds the URN from its parts.
    pub fn new(role: Role, code: &str) -> Result<Self, NotAnOrganization> {
        Self::parse(&format!("{PREFIX}{role}:{code}"))
    }

    /// The full URN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `<kind>:<code>`, as log leaves name organizations.
    pub fn short(&self) -> &str {
        self.text.strip_prefix(PREFIX).unwrap_or_default()
    }

    /// The kind the name claims.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The code alone.
    pub fn code(&self) -> &str {
        self.short().split_once(':').map_or("", |(_, code)| code)
    }
}

impl fmt::Display for OrganizationUrn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for OrganizationUrn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for OrganizationUrn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for OrganizationUrn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Whether `id` can name a terminal: 1 to 64 of `[A-Za-z0-9._-]`.
pub fn is_terminal_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_code(code: &str) -> bool {
    (1..=20).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What every organization URN begins with.
pub(crate) const PREFIX: &str = "urn:x-pmh:org:";
/// What every terminal URN begins with.
pub(crate) const TERMINAL_PREFIX: &str = "urn:x-pmh:term:";

/// A log leaf holds at most 32 bytes of `<kind>:<code>`.
const MAX_SHORT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_urn_is_read_into_its_parts() {
        let urn = OrganizationUrn::parse("urn:x-pmh:org:clinic:1311234567").unwrap();
        assert_eq!((urn.role(), urn.code(), urn.short()), (Role::Clinic, "1311234567", "clinic:1311234567"));
    }

    #[test]
    fn anything_else_is_not_an_organization() {
        for text in [
            "",
            "urn:x-pmh:org:",
            "urn:x-pmh:org:clinic:",
            "urn:x-pmh:org:hospital:1311234567",
            "urn:x-pmh:org:clinic:131123456A",
            "urn:x-pmh:org:clinic:131:1",
            "URN:x-pmh:org:clinic:1311234567",
            "urn:x-pmh:org:clinic:1311234567\n",
            "urn:x-pmh:org:municipality:123456789012345678901",
            "urn:x-pmh:org:municipality:12345678901234567890",
        ] {
            assert_eq!(OrganizationUrn::parse(text), Err(NotAnOrganization), "{text}");
        }
    }
}
