//! The claims, each of a type that its value cannot leave. What is not listed here is refused.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::AUDIENCE;
use crate::jws::some;
use crate::names::{Acr, CredentialKind, Purpose, Role, Tier, scope};
use crate::organization::OrganizationUrn;
use crate::pairwise::is_sub_shaped;

/// Everything a token says. No name, birth date, insurer number or certificate serial.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For whom: always [`AUDIENCE`].
    pub aud: Audience,
    /// End, Unix seconds.
    pub exp: Seconds,
    /// Issue.
    pub iat: Seconds,
    /// Begin.
    pub nbf: Seconds,
    /// Names the token; revocation goes by it.
    pub jti: Bytes<16>,
    /// The person, as this organization knows them.
    pub sub: Subject,
    /// The organization that may use it.
    pub client_id: OrganizationUrn,
    /// The certificate that may use it.
    pub cnf: Confirmation,
    /// What the organization is.
    pub role: Role,
    /// What it opens.
    pub scope: Scopes,
    /// What for.
    pub pou: Purposes,
    /// What the person agreed to.
    pub cns: Consent,
    /// How the holder was verified.
    pub acr: Acr,
    /// The methods of that class.
    pub amr: Amr,
    /// When the card signed.
    pub auth_time: Seconds,
    /// The visit it belongs to.
    pub pres: Presence,
    /// The store's id of the person, sealed for this token alone.
    pub esub: EncryptedSubject,
    /// Who acts for the subject: a guardian or a member of staff.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The relation on which a guardian acts.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub rel: Option<String>,
    /// Break-glass.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub btg: Option<BreakGlass>,
    /// Version of this list: 1.
    pub v: Version,
}

/// The certificate a token is bound to (RFC 8705 §3.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// SHA-256 of its DER.
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: Bytes<32>,
}

/// What the person agreed to at the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Version of this object: 1.
    pub ver: Version,
    /// Scheme groups, or [`Consented::All`].
    pub grants: Vec<Consented>,
    /// Until when, Unix seconds.
    pub until: Seconds,
    /// The gateway's reference of the consent; empty if nothing was granted.
    pub r#ref: String,
}

/// One granted item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Consented {
    /// All scheme groups, spelt `*`.
    All,
    /// One scheme group, 1 to 16 of `[0-9A-Za-z-]`, for example `52` or `88-13`.
    Group(String),
}

/// The visit that a token belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Public id of the presence; not the handle that renews it.
    pub id: Bytes<16>,
    /// How far it reaches.
    pub tier: Tier,
    /// Card or phone.
    pub cred: CredentialKind,
}

/// Who acts for the subject (RFC 8693 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The guardian's pairwise id, or a staff pseudonym.
    pub sub: String,
    /// Duty code of a member of staff.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub duty: Option<String>,
}

/// Why the glass was broken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    /// Reason code.
    pub reason: String,
    /// Case reference.
    pub case: String,
}

/// `N` bytes, in a token as base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const N: usize>(pub [u8; N]);

/// Whole seconds since 1970, at most 2⁵³: what every JSON implementation reads alike (RFC 7493 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Seconds(i64);

/// Exactly one audience, ours.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "[String; 1]", into = "[String; 1]")]
pub struct Audience;

/// A pairwise id by its shape; whose it is, only the key tells.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(String);

/// 80 base64url characters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EncryptedSubject(String);

/// At most 16 scopes, sorted, one space between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(Vec<String>);

/// At least one purpose, none twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Purpose>", into = "Vec<Purpose>")]
pub struct Purposes(Vec<Purpose>);

/// The methods of exactly one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Amr(Acr);

/// The number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Version;

impl Claims {
    /// What the types alone cannot say: that claims agree with each other.
    pub(super) fn agree(&self) -> bool {
        self.amr.0 == self.acr && self.role == self.client_id.role()
    }
}

impl Consent {
    /// Nothing was granted.
    pub fn none() -> Self {
        Self { ver: Version, grants: Vec::new(), until: Seconds(0), r#ref: String::new() }
    }
}

impl Seconds {
    /// `None` for negative instants and those after 2⁵³.
    pub fn new(unix: i64) -> Option<Self> {
        (0..=LARGEST).contains(&unix).then_some(Self(unix))
    }

    /// Unix seconds.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Scopes {
    /// Sorts; refuses more than 16 and spellings other than `word:word`.
    pub fn new(scopes: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut sorted: Vec<String> = scopes.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        (sorted.len() <= scope::MAX && sorted.iter().all(|scope| is_scope(scope))).then_some(Self(sorted))
    }

    /// Whether this scope is among them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held == scope)
    }
}

impl Purposes {
    /// Sorts by spelling; refuses none at all.
    pub fn new(purposes: impl IntoIterator<Item = Purpose>) -> Option<Self> {
        let mut sorted: Vec<Purpose> = purposes.into_iter().collect();
        sorted.sort_unstable_by_key(|purpose| purpose.as_str());
        sorted.dedup();
        (!sorted.is_empty()).then_some(Self(sorted))
    }

    /// Whether this purpose is among them.
    pub fn contains(&self, purpose: Purpose) -> bool {
        self.0.contains(&purpose)
    }
}

impl Amr {
    /// The methods of a class.
    pub fn of(acr: Acr) -> Self {
        Self(acr)
    }
}

impl Subject {
    /// `None` unless the text has the shape of a pairwise id.
    pub fn new(sub: String) -> Option<Self> {
        is_sub_shaped(&sub).then_some(Self(sub))
    }

    /// The pairwise id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EncryptedSubject {
    /// `None` unless the text has the right length and alphabet.
    pub fn new(esub: String) -> Option<Self> {
        let fits =
            esub.len() == 80 && esub.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then_some(Self(esub))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| de::Error::custom("not base64url of the right length"))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject")
    }
}

impl fmt::Debug for EncryptedSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptedSubject")
    }
}

/// Turns "does not fit" into the error serde wants.
macro_rules! checked {
    ($($type:ty: $from:ty, $read:expr, $write:expr;)+) => { $(
        impl TryFrom<$from> for $type {
            type Error = &'static str;

            fn try_from(value: $from) -> Result<Self, Self::Error> {
                let read: fn($from) -> Option<Self> = $read;
                read(value).ok_or(concat!("not a valid ", stringify!($type)))
            }
        }

        impl From<$type> for $from {
            fn from(value: $type) -> Self {
                let write: fn($type) -> $from = $write;
                write(value)
            }
        }
    )+ };
}

checked! {
    Seconds: u64, |n| i64::try_from(n).ok().and_then(Self::new), |s| s.0.unsigned_abs();
    Audience: [String; 1], |[aud]| (aud == AUDIENCE).then_some(Self), |_| [AUDIENCE.to_owned()];
    Subject: String, Self::new, |s| s.0;
    EncryptedSubject: String, Self::new, |s| s.0;
    Scopes: String, |text| read_scopes(&text), |s| s.0.join(" ");
    Purposes: Vec<Purpose>, |p| Self::new(p.clone()).filter(|sorted| sorted.0 == p), |p| p.0;
    Amr: Vec<String>, |words| read_amr(&words), |a| a.0.amr().iter().map(|&word| word.to_owned()).collect();
    Version: u8, |n| (n == 1).then_some(Self), |_| 1;
    Consented: String, read_consented, |c| match c { Consented::All => "*".to_owned(), Consented::Group(g) => g };
}

fn read_scopes(text: &str) -> Option<Scopes> {
    let words = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
    Scopes::new(words).filter(|scopes| scopes.0.join(" ") == text)
}

fn read_amr(words: &[String]) -> Option<Amr> {
    Acr::ALL.iter().find(|acr| acr.amr().iter().eq(words.iter())).copied().map(Amr)
}

fn read_consented(text: String) -> Option<Consented> {
    let is_group =
        (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match text.as_str() {
        "*" => Some(Consented::All),
        _ => is_group.then_some(Consented::Group(text)),
    }
}

fn is_scope(scope: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.len() <= 32 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    scope.split_once(':').is_some_and(|(what, how)| is_word(what) && is_word(how))
}

const LARGEST: i64 = 1 << 53;
