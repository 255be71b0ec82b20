//! The closed vocabularies of presentation and token: each word has one spelling and one number.
//!
//! Numbers go into log leaves and sealed states and never change; spellings go into tokens.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! vocabulary {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$word_meta:meta])* $word:ident = $number:literal $text:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$word_meta])* $word, )+ }

        impl $name {
            /// Every word, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$( Self::$word, )+];

            /// The spelling in tokens and texts.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$word => $text, )+ }
            }

            /// The number in log leaves and sealed states.
            pub const fn number(self) -> u8 {
                match self { $( Self::$word => $number, )+ }
            }

            /// The word with exactly this spelling.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }

            /// The word with this number.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.number() == number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom(concat!("unknown ", stringify!($name))))
            }
        }
    };
}

vocabulary! {
    /// What an organization is. The registry decides; a certificate only claims.
    Role {
        /// 医科・歯科.
        Clinic = 1 "clinic",
        /// 薬局.
        Pharmacy = 2 "pharmacy",
        /// 市区町村.
        Municipality = 3 "municipality",
        /// 都道府県.
        Prefecture = 4 "prefecture",
        /// An auditor with a jurisdiction; reads the log, never writes.
        Auditor = 5 "auditor",
        /// A vendor's backend acting for citizens.
        App = 6 "app",
        /// Cosigns checkpoints.
        Witness = 7 "witness",
        /// Runs the gateway; never sees record content.
        Operator = 8 "operator",
        /// A part of the gateway itself.
        Service = 9 "service",
    }
}

vocabulary! {
    /// Why a record is asked for: HL7 PurposeOfUse (v3-ActReason).
    Purpose {
        /// Treatment.
        Treat = 1 "TREAT",
        /// Payment: eligibility and ceilings.
        Hpaymt = 2 "HPAYMT",
        /// Public health: vaccination registers.
        Pubhlth = 3 "PUBHLTH",
        /// Coordination of care: the handoff.
        Coc = 4 "COC",
        /// The citizen's own request.
        Patrqt = 5 "PATRQT",
        /// Emergency treatment.
        Etreat = 6 "ETREAT",
        /// Break the glass.
        Btg = 7 "BTG",
        /// System administration.
        Hsysadmin = 8 "HSYSADMIN",
    }
}

vocabulary! {
    /// How the holder was verified, as established by the auth side.
    ///
    /// The card's signature proves the card, not what unlocked it; see [`crate::reader::establish`].
    Acr {
        /// Four digits on the card.
        Pin = 1 "urn:x-pmh:acr:pin",
        /// A phone's biometrics standing for the PIN.
        Device = 2 "urn:x-pmh:acr:device",
        /// A registered reader compared the face with the photo in the chip.
        Face = 3 "urn:x-pmh:acr:face",
        /// Staff compared the face; the reader vouches for the mode.
        Visual = 4 "urn:x-pmh:acr:visual",
        /// The card was held over the reader without any verification.
        Tap = 5 "urn:x-pmh:acr:tap",
    }
}

impl Acr {
    /// The authentication methods of RFC 8176 style that belong to this class; a token with others is refused.
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Pin => &["sc", "pin"],
            Self::Device => &["swk", "bio"],
            Self::Face => &["sc", "face"],
            Self::Visual => &["sc", "vis"],
            Self::Tap => &["tap"],
        }
    }
}

vocabulary! {
    /// What the terminal says was used, before anyone has checked it.
    UserVerification {
        /// PIN.
        Pin = 1 "pin",
        /// Phone.
        Device = 2 "device",
        /// Face match by machine.
        Face = 3 "face",
        /// Face compared by staff.
        Visual = 4 "visual",
        /// Tap without signature.
        Tap = 5 "tap",
    }
}

vocabulary! {
    /// How far a presence reaches.
    Tier {
        /// Everything consented to.
        Full = 1 "full",
        /// Card certificate expired less than three months ago, or its revocation data is stale.
        Grace = 2 "grace",
        /// Presented by tap.
        Tap = 3 "tap",
        /// Break-glass.
        Btg = 4 "btg",
    }
}

vocabulary! {
    /// What carried the credential.
    CredentialKind {
        /// The plastic card.
        Card = 1 "card",
        /// The phone's own certificate.
        Mobile = 2 "mobile",
    }
}

/// Scopes a token may carry: what the presence was opened to do.
pub mod scope {
    /// Read the answer of VerifyEligibility.
    pub const ELIGIBILITY_READ: &str = "eligibility:read";
    /// Propose a link between the card's person and an issuer's resident.
    pub const LINK_PROPOSE: &str = "link:propose";
    /// Link the presented card to a resident at the issuer's counter.
    pub const LINK_WRITE: &str = "link:write";

    /// Read doses and what the rules say of one.
    pub const VACCINATION_READ: &str = "vaccination:read";
    /// Reserve and record doses.
    pub const VACCINATION_WRITE: &str = "vaccination:write";
    /// Read checkups.
    pub const CHECKUP_READ: &str = "checkup:read";
    /// Use tickets, book places, answer questionnaires.
    pub const CHECKUP_WRITE: &str = "checkup:write";
    /// Bind a handoff to the card's person: accept an offer, or ask for one.
    pub const HANDOFF_ACCEPT: &str = "handoff:accept";
    /// Tell municipalities of a birth or a loss.
    pub const BIRTH_NOTIFY: &str = "birth:notify";
    /// Show a facility what care her home municipality approved.
    pub const CARE_VERIFY: &str = "care:verify";
    /// Read who looked at one's own data, and question it.
    pub const ACCESS_READ: &str = "access:read";

    /// Every scope of this version.
    pub const ALL: &[&str] = &[
        ELIGIBILITY_READ,
        LINK_PROPOSE,
        LINK_WRITE,
        ACCESS_READ,
        VACCINATION_READ,
        VACCINATION_WRITE,
        CHECKUP_READ,
        CHECKUP_WRITE,
        HANDOFF_ACCEPT,
        BIRTH_NOTIFY,
        CARE_VERIFY,
    ];

    /// The most scopes a token carries.
    pub const MAX: usize = 16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_name_each_other() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(*purpose));
            assert_eq!(Purpose::from_number(purpose.number()), Some(*purpose));
        }
        assert_eq!(Purpose::parse("treat"), None);
        assert_eq!(Purpose::from_number(0), None);
    }

    #[test]
    fn a_word_escaped_in_json_is_still_that_word() {
        assert_eq!(serde_json::from_str::<Role>("\"clin\\u0069c\"").unwrap(), Role::Clinic);
        assert!(serde_json::from_str::<Role>("1").is_err());
    }
}
