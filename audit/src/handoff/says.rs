//! What entries of a handoff say, and which entry may say it.

use super::Side;
use super::wire::{Fields, NotCanonical};
use crate::leaf::Kind;
use crate::tree::Hash;

macro_rules! says {
    ($($number:literal $word:ident $name:literal $meaning:literal;)*) => {
        /// What an entry tells the other side.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Says {
            $(#[doc = $meaning] $word,)*
            /// What a later version says, by the number of its field.
            Other(u64),
        }

        impl Says {
            /// Stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$word => $name,)*
                    Self::Other(_) => "other",
                }
            }

            fn from_field(number: u64) -> Self {
                match number {
                    $($number => Self::$word,)*
                    other => Self::Other(other),
                }
            }
        }
    };
}

says! {
    3 Offer "offer" "Home offers.";
    4 Confirmed "confirmed" "Home confirms: duties pass.";
    5 Shortened "shortened" "Home shortens the stay.";
    6 ChildDuties "child_duties" "Home tells of duties towards a child.";
    7 ReturnReceived "return_received" "Home has the return.";
    8 Ended "ended" "Home ended it.";
    9 Accepted "accepted" "The stay side accepts.";
    10 Declined "declined" "The stay side declines.";
    11 Extension "extension" "The stay side asks for a longer stay.";
    12 GivenBack "given_back" "The stay side gives duties back.";
    13 ConsentWithdrawn "consent_withdrawn" "The mother took consent back at the stay side.";
    14 Returned "returned" "The stay side gives everything back.";
    15 Reported "reported" "The stay side reports what was done, or what home must hear of.";
    16 Acknowledged "acknowledged" "At home a person has read a report.";
    17 ConsentGiven "consent_given" "The mother shares more.";
    18 Requested "requested" "The stay side asks for an offer.";
    19 RequestRefused "request_refused" "Home makes no offer.";
    20 CareApproved "care_approved" "Home approves postpartum care.";
    21 CareEnded "care_ended" "Home takes back what it approved of care.";
    30 Born "born" "The stay side tells of a birth.";
    31 Lost "lost" "The stay side tells of a loss.";
}

impl Says {
    /// Whether an entry of this side and kind may say it.
    pub(super) fn fits(self, side: Side, kind: Kind) -> bool {
        let (speaker, kinds): (Side, &[Kind]) = match self {
            Self::Offer => (Side::Home, &[Kind::HandoffOffer]),
            Self::Confirmed => (Side::Home, &[Kind::HandoffConfirm]),
            Self::Shortened | Self::ChildDuties | Self::Acknowledged | Self::CareApproved => {
                (Side::Home, &[Kind::Write])
            }
            Self::CareEnded => (Side::Home, &[Kind::HandoffWithdraw]),
            Self::ReturnReceived => (Side::Home, &[Kind::HandoffReturn]),
            Self::Ended => (Side::Home, &[Kind::HandoffWithdraw, Kind::HandoffClose]),
            Self::Accepted => (Side::Stay, &[Kind::HandoffAccept]),
            Self::Declined => (Side::Stay, &[Kind::HandoffDecline]),
            Self::Extension | Self::Reported | Self::Requested | Self::Born | Self::Lost => {
                (Side::Stay, &[Kind::Write])
            }
            Self::ConsentGiven => (Side::Home, &[Kind::RegistryChange]),
            Self::RequestRefused => (Side::Home, &[Kind::HandoffDecline]),
            Self::GivenBack | Self::Returned => (Side::Stay, &[Kind::HandoffReturn]),
            Self::ConsentWithdrawn => (Side::Stay, &[Kind::HandoffWithdraw]),
            Self::Other(_) => return true,
        };
        side == speaker && kinds.contains(&kind)
    }

    /// What it may answer; `None` if it may answer anything, or nothing.
    pub(super) fn answers(self) -> Option<&'static [Self]> {
        match self {
            Self::Confirmed => Some(&[Self::Accepted, Self::Extension]),
            Self::ReturnReceived => Some(&[Self::Returned]),
            Self::Accepted | Self::Declined | Self::ConsentWithdrawn => Some(&[Self::Offer]),
            Self::Extension | Self::GivenBack | Self::Returned => Some(&[Self::Confirmed]),
            Self::Acknowledged => Some(&[Self::Reported]),
            Self::CareEnded => Some(&[Self::ConsentWithdrawn]),
            Self::Offer | Self::RequestRefused => Some(&[Self::Requested]),
            _ => None,
        }
    }

    /// Whether it may also be said by itself: an offer that nobody asked for, consent that was withdrawn at home.
    pub(super) fn stands_alone(self) -> bool {
        matches!(self, Self::Offer | Self::CareEnded) || self.answers().is_none()
    }

    /// Whether the entry that says it may itself be the one that enters what it answers.
    pub(super) fn hears(self) -> bool {
        matches!(
            self,
            Self::ReturnReceived
                | Self::Ended
                | Self::ChildDuties
                | Self::CareEnded
                | Self::Acknowledged
                | Self::RequestRefused
                | Self::Other(_)
        )
    }
}

/// What an entry that tells nothing enters of the other side, by its kind.
pub(super) fn heard_by(side: Side, kind: Kind) -> Option<&'static [Says]> {
    Some(match (side, kind) {
        (Side::Home, Kind::HandoffAccept) => &[Says::Accepted],
        (Side::Home, Kind::HandoffDecline) => &[Says::Declined],
        (Side::Home, Kind::HandoffReturn) => &[Says::GivenBack],
        (Side::Stay, Kind::HandoffOffer) => &[Says::Offer],
        (Side::Stay, Kind::HandoffDecline) => &[Says::RequestRefused],
        (Side::Stay, Kind::HandoffConfirm) => &[Says::Confirmed],
        (Side::Stay, Kind::HandoffReturn) => &[Says::ReturnReceived],
        (Side::Stay, Kind::HandoffClose) => &[Says::Ended],
        _ => return None,
    })
}

/// A statement as far as its order needs it. What it says in full is in the bytes that its entry commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) handoff: String,
    /// Index and leaf of the other log's entry that it answers.
    pub(super) cause: Option<(u64, Hash)>,
    pub(super) says: Says,
}

impl Statement {
    /// From the response that an entry commits to; `None` if it tells nothing.
    pub(super) fn read(response: &[u8]) -> Result<Option<Self>, NotCanonical> {
        let mut fields = Fields::new(response);
        let Some(statement) = fields.bytes(1)? else { return Ok(None) };
        let mut fields = Fields::new(statement);
        let handoff = fields.text(1)?.to_owned();
        let cause = fields.bytes(2)?.map(|cause| {
            let mut fields = Fields::new(cause);
            Ok((fields.number(1)?, fields.hash(2)?))
        });
        let says = fields.any_message()?.map(Says::from_field).ok_or(NotCanonical)?;
        Ok(Some(Self { handoff, cause: cause.transpose()?, says }))
    }
}
