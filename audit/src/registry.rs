//! The frozen numbers that stand in leaves and parts, and their names.
//!
//! A number once given is never reused. Unknown numbers decode and verify; they only have no name here. Purposes
//! are HL7 v3 GeneralPurposeOfUse codes.

/// Declares a registry once: the type, its numbers and names. `NONE` is 0 everywhere.
macro_rules! registry {
    ($(#[$doc:meta])* $type:ident($int:ty) { $($number:literal $constant:ident $name:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $type(pub $int);

        impl $type {
            /// Nothing applies.
            pub const NONE: Self = Self(0);
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($number);)*

            /// All named numbers, ascending.
            pub const KNOWN: &[Self] = &[$(Self::$constant),*];

            /// The registered name; `None` for 0 and for numbers of a later version.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }

            /// The number of a registered name, compared exactly.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$constant),)*
                    _ => None,
                }
            }
        }
    };
}

registry! {
    /// A method of the contract.
    Method(u16) {
        1 BEGIN_PRESENTATION "BeginPresentation";
        2 COMPLETE_PRESENTATION "CompletePresentation";
        3 RENEW_TOKEN "RenewToken";
        4 NARROW_PRESENCE "NarrowPresence";
        5 END_PRESENCE "EndPresence";
        10 PUT_ORGANIZATION "PutOrganization";
        11 GET_ORGANIZATION "GetOrganization";
        12 LIST_ORGANIZATIONS "ListOrganizations";
        13 SUSPEND_ORGANIZATION "SuspendOrganization";
        14 RESUME_ORGANIZATION "ResumeOrganization";
        15 PUT_COMPETENCE "PutCompetence";
        16 LIST_COMPETENCES "ListCompetences";
        20 PUT_RESIDENTS "PutResidents";
        21 LINK_CREDENTIAL "LinkCredential";
        22 PROPOSE_LINK "ProposeLink";
        23 DECIDE_LINK "DecideLink";
        24 MOVE_RESIDENT "MoveResident";
        25 PUT_RELATION "PutRelation";
        26 PUT_RESTRICTION "PutRestriction";
        27 LIST_LINK_PROPOSALS "ListLinkProposals";
        30 VERIFY_ELIGIBILITY "VerifyEligibility";
        31 PUT_ENTITLEMENTS "PutEntitlements";
        32 LIST_ENTITLEMENTS "ListEntitlements";
        33 ADVANCE_WATERMARK "AdvanceWatermark";
        34 ACKNOWLEDGE_DOSES "AcknowledgeDoses";
        35 RELEASE_DOSE "ReleaseDose";
        36 GET_ERROR_PREVENTION_REPORT "GetErrorPreventionReport";
        37 LIST_CLAIM_LINES "ListClaimLines";
        40 PUT_AUTHORIZATIONS "PutAuthorizations";
        41 EVALUATE_DOSE "EvaluateDose";
        42 RESERVE_DOSE "ReserveDose";
        43 RECORD_DOSE "RecordDose";
        44 AMEND_DOSE "AmendDose";
        45 VOID_DOSE "VoidDose";
        46 LIST_DOSES "ListDoses";
        47 GET_FORECAST "GetForecast";
        48 WATCH_DOSES "WatchDoses";
        49 PUT_DOSES "PutDoses";
        50 PUSH_CHECKUPS "PushCheckups";
        52 UNDO_BATCH "UndoBatch";
        53 CONFIRM_BATCH "ConfirmBatch";
        54 LIST_CHECKUPS "ListCheckups";
        55 GET_CHECKUP "GetCheckup";
        56 LIST_FOLLOW_UPS "ListFollowUps";
        57 CLOSE_FOLLOW_UP "CloseFollowUp";
        58 PUT_TICKETS "PutTickets";
        59 USE_TICKET "UseTicket";
        60 GET_CHECKPOINT "GetCheckpoint";
        61 GET_ENTRY "GetEntry";
        62 SEARCH_ENTRIES "SearchEntries";
        63 GET_INCLUSION_PROOF "GetInclusionProof";
        64 GET_CONSISTENCY_PROOF "GetConsistencyProof";
        65 GET_RECEIPT "GetReceipt";
        66 REQUEST_PERSON_SEARCH "RequestPersonSearch";
        67 APPROVE_PERSON_SEARCH "ApprovePersonSearch";
        68 OPEN_PARTS "OpenParts";
        69 LIST_MY_ACCESSES "ListMyAccesses";
        70 QUESTION_ACCESS "QuestionAccess";
        71 ANSWER_QUESTION "AnswerQuestion";
        72 LIST_QUESTIONS "ListQuestions";
        73 EXPORT_ENTRIES "ExportEntries";
        74 READ_ENTRY_BUNDLE "ReadEntryBundle";
        75 ERASE_PERSON "ErasePerson";
        76 PUT_LEGAL_HOLD "PutLegalHold";
        77 RELEASE_LEGAL_HOLD "ReleaseLegalHold";
        78 PUT_ACCESS_DELAY "PutAccessDelay";
        80 LIST_URGENT_CASES "ListUrgentCases";
        81 ACKNOWLEDGE_URGENT_CASE "AcknowledgeUrgentCase";
        82 RECORD_CHECKUP "RecordCheckup";
        85 RELEASE_TICKET "ReleaseTicket";
        86 VOID_TICKET "VoidTicket";
        87 LIST_TICKETS "ListTickets";
        88 PUT_SESSIONS "PutSessions";
        89 REQUEST_PLACE "RequestPlace";
        90 CANCEL_PLACE "CancelPlace";
        91 LIST_SESSIONS "ListSessions";
        92 GET_QUESTIONNAIRE "GetQuestionnaire";
        93 PUT_ANSWERS "PutAnswers";
        94 CHECK_IN "CheckIn";
        100 REQUEST_HANDOFF "RequestHandoff";
        101 OFFER_HANDOFF "OfferHandoff";
        102 ACCEPT_HANDOFF "AcceptHandoff";
        103 DECLINE_HANDOFF "DeclineHandoff";
        104 WITHDRAW_HANDOFF "WithdrawHandoff";
        105 READ_HANDOFF_RECORDS "ReadHandoffRecords";
        106 REPORT_TO_HOME "ReportToHome";
        107 RETURN_HANDOFF "ReturnHandoff";
        108 CLOSE_HANDOFF "CloseHandoff";
        109 LIST_HANDOFFS "ListHandoffs";
        110 WATCH_HANDOFFS "WatchHandoffs";
        111 EXPORT_EVIDENCE "ExportEvidence";
        112 CONFIRM_HANDOFF "ConfirmHandoff";
        113 DELIVER "Deliver";
        114 READ_RECORDS "ReadRecords";
        115 NOTIFY_BIRTH "NotifyBirth";
        116 LIST_BIRTHS "ListBirths";
        117 MERGE_CHILD "MergeChild";
        118 NOTIFY_LOSS "NotifyLoss";
        120 ACKNOWLEDGE_REPORT "AcknowledgeReport";
        121 EXTEND_HANDOFF "ExtendHandoff";
        122 ADD_CONSENT "AddConsent";
        123 MOVE_HANDOFF "MoveHandoff";
        124 APPROVE_POSTPARTUM_CARE "ApprovePostpartumCare";
        125 VERIFY_POSTPARTUM_CARE "VerifyPostpartumCare";
    }
}

registry! {
    /// Purpose of use.
    Purpose(u16) {
        1 TREATMENT "TREAT";
        2 HEALTHCARE_PAYMENT "HPAYMT";
        3 PUBLIC_HEALTH "PUBHLTH";
        4 COORDINATION_OF_CARE "COC";
        5 PATIENT_REQUEST "PATRQT";
        6 EMERGENCY_TREATMENT "ETREAT";
        7 BREAK_GLASS "BTG";
        8 SYSTEM_ADMINISTRATION "HSYSADMIN";
    }
}

registry! {
    /// How a presence was established.
    Acr(u8) {
        1 PIN "pin";
        2 DEVICE "device";
        3 FACE "face";
        4 VISUAL "visual";
        5 TAP "tap";
    }
}

registry! {
    /// How much a presence opens.
    Tier(u8) {
        1 FULL "full";
        2 GRACE "grace";
        3 TAP "tap";
        4 BREAK_GLASS "btg";
    }
}

/// Classes of record that an entry touched, as a bitmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Categories(u32);

impl Categories {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Subsidy entitlements.
    pub const SUBSIDY: Self = Self(1 << 0);
    /// Vaccination records.
    pub const VACCINATION: Self = Self(1 << 1);
    /// Checkup records.
    pub const CHECKUP: Self = Self(1 << 2);
    /// Handoff records.
    pub const HANDOFF: Self = Self(1 << 3);
    /// Links between cards, residents and persons.
    pub const IDENTITY: Self = Self(1 << 4);
    /// Organizations and competences.
    pub const REGISTRY: Self = Self(1 << 5);
    /// The log itself.
    pub const AUDIT: Self = Self(1 << 6);

    /// Any bitmap; bits of a later version are kept.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bitmap as it is encoded.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Names of the known bits that are set, lowest bit first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        CATEGORY_NAMES.iter().filter(move |(category, _)| self.contains(*category)).map(|(_, name)| *name)
    }
}

impl std::ops::BitOr for Categories {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

const CATEGORY_NAMES: &[(Categories, &str)] = &[
    (Categories::SUBSIDY, "subsidy"),
    (Categories::VACCINATION, "vaccination"),
    (Categories::CHECKUP, "checkup"),
    (Categories::HANDOFF, "handoff"),
    (Categories::IDENTITY, "identity"),
    (Categories::REGISTRY, "registry"),
    (Categories::AUDIT, "audit"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_one_to_one_and_zero_has_no_name() {
        for method in Method::KNOWN {
            assert_eq!(method.name().and_then(Method::from_name), Some(*method));
        }
        for purpose in Purpose::KNOWN {
            assert_eq!(purpose.name().and_then(Purpose::from_name), Some(*purpose));
        }
        assert_eq!((Method::NONE.name(), Purpose::NONE.name(), Acr::NONE.name()), (None, None, None));
        assert_eq!(Method(60_000).name(), None);
        assert!(Method::KNOWN.is_sorted() && Purpose::KNOWN.is_sorted());
    }

    #[test]
    fn categories_join_and_name_their_bits() {
        let both = Categories::AUDIT | Categories::SUBSIDY;
        assert_eq!(both.bits(), 0b100_0001);
        assert_eq!(both.names().collect::<Vec<_>>(), ["subsidy", "audit"]);
        assert!(!both.contains(Categories::HANDOFF));
        assert_eq!(Categories::from_bits(1 << 31).bits(), 1 << 31);
    }
}
