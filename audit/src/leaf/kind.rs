//! What an entry records.

use std::fmt;

/// Declares the known kinds once: number, variant, name, meaning.
macro_rules! kinds {
    ($($number:literal $variant:ident $name:literal $meaning:literal;)*) => {
        /// What an entry records. The numbers are frozen; unknown ones are kept so that the leaf still verifies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = $meaning] $variant,)*
            /// A kind that a later version knows.
            Other(OtherKind),
        }

        impl Kind {
            /// All kinds of this version, in the order of their numbers.
            pub const KNOWN: &[Self] = &[$(Self::$variant),*];

            /// Stable name for machines, `other` for an unknown kind.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(_) => "other",
                }
            }
        }

        impl From<u8> for Kind {
            fn from(number: u8) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    unknown => Self::Other(OtherKind(unknown)),
                }
            }
        }

        impl From<Kind> for u8 {
            fn from(kind: Kind) -> Self {
                match kind {
                    $(Kind::$variant => $number,)*
                    Kind::Other(OtherKind(number)) => number,
                }
            }
        }
    };
}

kinds! {
    1 Disclosure "disclosure" "An answer that contains or denies a record.";
    2 Refusal "refusal" "A refused call that named a person.";
    3 AuditorQuery "auditor_query" "An auditor read the log.";
    4 CitizenQuery "citizen_query" "A person read who looked at their data.";
    5 HandoffOffer "handoff_offer" "A municipality offers a handoff.";
    6 HandoffAccept "handoff_accept" "The other municipality accepts it.";
    7 HandoffReturn "handoff_return" "The duty is given back.";
    8 Erasure "erasure" "Parts of earlier entries were erased.";
    9 KeyOrPolicyChange "key_or_policy_change" "A signing key or a policy changed.";
    10 LogStart "log_start" "First entry of a log, or continuation of another.";
    11 DeliveryOutcome "delivery_outcome" "What became of an answer after it was recorded.";
    12 Write "write" "Records were written.";
    13 PresentationOrToken "presentation_or_token" "A card was presented or a token issued.";
    14 BulkChunk "bulk_chunk" "One committed chunk of a bulk call.";
    15 RegistryChange "registry_change" "Consent, link, relation, restriction or registry changed.";
    16 Replay "replay" "A stored answer was given again.";
    17 HandoffDecline "handoff_decline" "The offer was declined.";
    18 HandoffWithdraw "handoff_withdraw" "The offer was withdrawn.";
    19 HandoffConfirm "handoff_confirm" "Home confirms: the duty passes at this entry.";
    20 HandoffClose "handoff_close" "The handoff is over.";
    21 RefusalSummary "refusal_summary" "Refusals without a person, summed per organization, reason and minute.";
}

/// A number that names none of the known kinds; only `Kind::from(u8)` makes one, so a known kind has one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OtherKind(u8);

impl OtherKind {
    /// The number in the leaf.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_exactly_one_kind() {
        for number in 0..=u8::MAX {
            assert_eq!(u8::from(Kind::from(number)), number);
        }
        let known: Vec<u8> = Kind::KNOWN.iter().map(|kind| u8::from(*kind)).collect();
        assert_eq!(known, (1..=21).collect::<Vec<u8>>());
    }
}
