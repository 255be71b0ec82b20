//! The table: one entry per method of the contract.

use crate::names::Purpose::{self, Hpaymt, Hsysadmin, Patrqt, Pubhlth, Treat};
use crate::names::Role::{self, App, Auditor, Clinic, Municipality, Operator, Pharmacy, Prefecture};
use crate::names::{Acr, Tier, scope};

/// Everything the policy asks of one method.
#[derive(Debug)]
pub struct MethodPolicy {
    /// Full gRPC path, `/package.Service/Method`; over HTTPS the kind of path.
    pub path: &'static str,
    /// The method's number in the log's frozen registry; 0 for calls that leave no entry.
    pub number: u16,
    /// Who may call, and for which purposes.
    pub callers: &'static [Callers],
    /// What the call must bring.
    pub needs: Needs,
}

/// Some roles and the purposes they may state. No purposes: none may be stated.
#[derive(Debug)]
pub struct Callers {
    /// The roles.
    pub roles: &'static [Role],
    /// Their purposes; on calls without a token the first one holds when none is stated.
    pub purposes: &'static [Purpose],
}

/// What a call must bring beside its client certificate.
#[derive(Debug)]
pub enum Needs {
    /// Nothing. A token that comes along is not looked at.
    MutualTls,
    /// A token of a presence.
    Token(TokenNeeds),
    /// A token if a card was presented; without one, other evidence that the method itself checks.
    TokenOptional(TokenNeeds),
}

/// What a token must say.
#[derive(Debug)]
pub struct TokenNeeds {
    /// The scope it must carry.
    pub scope: &'static str,
    /// How the holder may have been verified.
    pub acr: &'static [Acr],
    /// How far the presence must reach.
    pub tiers: &'static [Tier],
    /// What the holder must have agreed to.
    pub consent: ConsentRule,
}

/// What the holder must have agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    /// Nothing: the method discloses nothing, or the law says so.
    None,
    /// Decided item by item in the answer (NOT_CONSENTED); a refusal of everything is still an answer.
    PerItem,
    /// At least one item.
    AnyItem,
}

/// The entry of a method, by its full gRPC path.
pub fn lookup(path: &str) -> Option<&'static MethodPolicy> {
    POLICY.iter().find(|method| method.path == path)
}

/// Every method that exists.
pub const POLICY: &[MethodPolicy] = &[
    // A card is presented at a terminal; the presence becomes the token of other calls.
    open(1, "/pmh.presence.v1.PresenceService/BeginPresentation", PRESENTERS),
    open(2, "/pmh.presence.v1.PresenceService/CompletePresentation", PRESENTERS),
    open(3, "/pmh.presence.v1.PresenceService/RenewToken", PRESENTERS),
    open(4, "/pmh.presence.v1.PresenceService/NarrowPresence", PRESENTERS),
    open(5, "/pmh.presence.v1.PresenceService/EndPresence", PRESENTERS),
    // Who takes part, and who is competent for what. Issuers put their own competence only; the method checks that.
    open(10, "/pmh.directory.v1.OrganizationService/PutOrganization", OPERATOR),
    open(11, "/pmh.directory.v1.OrganizationService/GetOrganization", EVERYBODY),
    open(12, "/pmh.directory.v1.OrganizationService/ListOrganizations", EVERYBODY),
    open(13, "/pmh.directory.v1.OrganizationService/SuspendOrganization", OPERATOR),
    open(14, "/pmh.directory.v1.OrganizationService/ResumeOrganization", OPERATOR),
    open(15, "/pmh.directory.v1.OrganizationService/PutCompetence", ISSUERS_AND_OPERATOR),
    open(16, "/pmh.directory.v1.OrganizationService/ListCompetences", EVERYBODY),
    // Residents, each issuer its own.
    open(20, "/pmh.resident.v1.ResidentService/PutResidents", ISSUERS),
    MethodPolicy {
        path: "/pmh.resident.v1.ResidentService/LinkCredential",
        number: 21,
        callers: ISSUERS_AND_OPERATOR,
        needs: Needs::TokenOptional(TokenNeeds {
            scope: scope::LINK_WRITE,
            acr: VERIFIED_HOLDER,
            tiers: &[Tier::Full],
            consent: ConsentRule::None,
        }),
    },
    MethodPolicy {
        path: "/pmh.resident.v1.ResidentService/ProposeLink",
        number: 22,
        callers: &[Callers { roles: &[Clinic, Pharmacy], purposes: &[Treat, Hpaymt] }],
        needs: Needs::Token(TokenNeeds {
            scope: scope::LINK_PROPOSE,
            acr: VERIFIED_HOLDER,
            tiers: &[Tier::Full],
            consent: ConsentRule::AnyItem,
        }),
    },
    open(23, "/pmh.resident.v1.ResidentService/DecideLink", ISSUERS),
    open(24, "/pmh.resident.v1.ResidentService/MoveResident", ISSUERS),
    open(25, "/pmh.resident.v1.ResidentService/PutRelation", ISSUERS),
    open(26, "/pmh.resident.v1.ResidentService/PutRestriction", ISSUERS),
    open(27, "/pmh.resident.v1.ResidentService/ListLinkProposals", ISSUERS),
    // Rights: asked with the person present, put by their issuers.
    MethodPolicy {
        path: "/pmh.eligibility.v1.EligibilityService/VerifyEligibility",
        number: 30,
        callers: &[
            Callers { roles: &[Clinic, Pharmacy], purposes: &[Treat, Hpaymt] },
            Callers { roles: &[App], purposes: &[Patrqt] },
        ],
        needs: Needs::Token(TokenNeeds {
            scope: scope::ELIGIBILITY_READ,
            acr: VERIFIED_HOLDER,
            // In grace the answer is CARD_LIMITED; it discloses no subsidy.
            tiers: &[Tier::Full, Tier::Grace],
            consent: ConsentRule::PerItem,
        }),
    },
    open(31, "/pmh.eligibility.v1.EligibilityService/PutEntitlements", ISSUERS),
    open(32, "/pmh.eligibility.v1.EligibilityService/ListEntitlements", ISSUERS),
    open(33, "/pmh.eligibility.v1.EligibilityService/AdvanceWatermark", ISSUERS),
    // Doses: at the counter with the card, a municipality's own residents without. Under a reservation, and for one's own
    // recent record, the method itself looks at who asks.
    method(
        41,
        "/pmh.vaccination.v1.VaccinationService/EvaluateDose",
        AT_THE_SHOT,
        Needs::Token(LOOK_AT_DOSES),
    ),
    method(42, "/pmh.vaccination.v1.VaccinationService/ReserveDose", AT_THE_SHOT, Needs::Token(GIVE_DOSES)),
    method(
        43,
        "/pmh.vaccination.v1.VaccinationService/RecordDose",
        AT_THE_SHOT,
        Needs::TokenOptional(GIVE_DOSES),
    ),
    method(
        46,
        "/pmh.vaccination.v1.VaccinationService/ListDoses",
        DOSE_READERS,
        Needs::TokenOptional(LOOK_AT_DOSES),
    ),
    method(
        47,
        "/pmh.vaccination.v1.VaccinationService/GetForecast",
        DOSE_READERS,
        Needs::TokenOptional(LOOK_AT_DOSES),
    ),
    open(34, "/pmh.vaccination.v1.VaccinationService/AcknowledgeDoses", REGISTERS),
    open(35, "/pmh.vaccination.v1.VaccinationService/ReleaseDose", AT_THE_SHOT),
    open(36, "/pmh.vaccination.v1.VaccinationService/GetErrorPreventionReport", REGISTERS),
    open(37, "/pmh.vaccination.v1.VaccinationService/ListClaimLines", DOSE_WRITERS),
    open(40, "/pmh.vaccination.v1.VaccinationService/PutAuthorizations", REGISTERS),
    open(44, "/pmh.vaccination.v1.VaccinationService/AmendDose", DOSE_WRITERS),
    open(45, "/pmh.vaccination.v1.VaccinationService/VoidDose", DOSE_WRITERS),
    open(48, "/pmh.vaccination.v1.VaccinationService/WatchDoses", REGISTERS),
    open(49, "/pmh.vaccination.v1.VaccinationService/PutDoses", REGISTERS),
    // Checkups: each municipality its own residents' and batches, an institution who was present there. By a card or, in
    // bulk, by the ticket; the method looks at who asks.
    open(50, "/pmh.checkup.v1.CheckupService/PushCheckups", DOSE_WRITERS),
    open(52, "/pmh.checkup.v1.CheckupService/UndoBatch", DOSE_WRITERS),
    open(53, "/pmh.checkup.v1.CheckupService/ConfirmBatch", REGISTERS),
    read(54, "/pmh.checkup.v1.CheckupService/ListCheckups"),
    read(55, "/pmh.checkup.v1.CheckupService/GetCheckup"),
    open(56, "/pmh.checkup.v1.CheckupService/ListFollowUps", REGISTERS),
    open(57, "/pmh.checkup.v1.CheckupService/CloseFollowUp", REGISTERS),
    open(80, "/pmh.checkup.v1.CheckupService/ListUrgentCases", REGISTERS),
    open(81, "/pmh.checkup.v1.CheckupService/AcknowledgeUrgentCase", REGISTERS),
    method(
        82,
        "/pmh.checkup.v1.CheckupService/RecordCheckup",
        AT_THE_SHOT,
        Needs::TokenOptional(ACT_AT_CHECKUPS),
    ),
    // Tickets: put and taken back by their municipality, used where the card or the paper is.
    open(58, "/pmh.checkup.v1.TicketService/PutTickets", REGISTERS),
    read(87, "/pmh.checkup.v1.TicketService/ListTickets"),
    method(59, "/pmh.checkup.v1.TicketService/UseTicket", AT_THE_SHOT, Needs::TokenOptional(ACT_AT_CHECKUPS)),
    open(85, "/pmh.checkup.v1.TicketService/ReleaseTicket", AT_THE_SHOT),
    open(86, "/pmh.checkup.v1.TicketService/VoidTicket", REGISTERS),
    // Places at group checkups: a family with its card, the municipality for its own resident.
    open(88, "/pmh.checkup.v1.SessionService/PutSessions", REGISTERS),
    method(
        89,
        "/pmh.checkup.v1.SessionService/RequestPlace",
        FAMILIES,
        Needs::TokenOptional(ACT_AT_CHECKUPS),
    ),
    method(90, "/pmh.checkup.v1.SessionService/CancelPlace", FAMILIES, Needs::TokenOptional(ACT_AT_CHECKUPS)),
    method(
        91,
        "/pmh.checkup.v1.SessionService/ListSessions",
        FAMILIES,
        Needs::TokenOptional(LOOK_AT_CHECKUPS),
    ),
    // Questionnaires: the family with its card or app, the clinic with the card, the municipality for its own resident.
    read(92, "/pmh.checkup.v1.QuestionnaireService/GetQuestionnaire"),
    method(
        93,
        "/pmh.checkup.v1.QuestionnaireService/PutAnswers",
        CHECKUP_READERS,
        Needs::TokenOptional(ACT_AT_CHECKUPS),
    ),
    method(
        94,
        "/pmh.checkup.v1.QuestionnaireService/CheckIn",
        DOSE_WRITERS,
        Needs::TokenOptional(ACT_AT_CHECKUPS),
    ),
    // Handoffs: each municipality its own side's. The mother's card binds an accept to her.
    method(100, "/pmh.handoff.v1.HandoffService/RequestHandoff", REGISTERS, Needs::Token(BIND_HANDOFF)),
    open(101, "/pmh.handoff.v1.HandoffService/OfferHandoff", REGISTERS),
    // Without her only where she was here when the offer was asked for; the method checks that.
    method(
        102,
        "/pmh.handoff.v1.HandoffService/AcceptHandoff",
        REGISTERS,
        Needs::TokenOptional(BIND_HANDOFF),
    ),
    open(103, "/pmh.handoff.v1.HandoffService/DeclineHandoff", REGISTERS),
    open(104, "/pmh.handoff.v1.HandoffService/WithdrawHandoff", REGISTERS),
    open(105, "/pmh.handoff.v1.HandoffService/ReadHandoffRecords", REGISTERS),
    open(106, "/pmh.handoff.v1.HandoffService/ReportToHome", REGISTERS),
    open(107, "/pmh.handoff.v1.HandoffService/ReturnHandoff", REGISTERS),
    open(108, "/pmh.handoff.v1.HandoffService/CloseHandoff", REGISTERS),
    open(109, "/pmh.handoff.v1.HandoffService/ListHandoffs", REGISTERS),
    open(110, "/pmh.handoff.v1.HandoffService/WatchHandoffs", REGISTERS),
    open(111, "/pmh.handoff.v1.HandoffService/ExportEvidence", REGISTERS),
    open(112, "/pmh.handoff.v1.HandoffService/ConfirmHandoff", REGISTERS),
    open(120, "/pmh.handoff.v1.HandoffService/AcknowledgeReport", REGISTERS),
    open(121, "/pmh.handoff.v1.HandoffService/ExtendHandoff", REGISTERS),
    open(122, "/pmh.handoff.v1.HandoffService/AddConsent", REGISTERS),
    open(123, "/pmh.handoff.v1.HandoffService/MoveHandoff", REGISTERS),
    // Postpartum care: home approves; a facility asks, with the mother's card or, as the method checks, with her code.
    open(124, "/pmh.handoff.v1.HandoffService/ApprovePostpartumCare", REGISTERS),
    method(
        125,
        "/pmh.handoff.v1.HandoffService/VerifyPostpartumCare",
        AT_THE_SHOT,
        Needs::TokenOptional(RELY_ON_CARE),
    ),
    // Another gateway, by the certificate of a municipality that it serves; receipts decide, not the connection.
    open(113, "/pmh.handoff.v1.HandoffPeerService/Deliver", REGISTERS),
    open(114, "/pmh.handoff.v1.HandoffPeerService/ReadRecords", REGISTERS),
    // Births: told by a facility with the mother's card or ticket, kept and merged by her municipality.
    method(
        115,
        "/pmh.handoff.v1.BirthService/NotifyBirth",
        AT_THE_SHOT,
        Needs::TokenOptional(TELL_OF_BIRTHS),
    ),
    open(116, "/pmh.handoff.v1.BirthService/ListBirths", REGISTERS),
    open(117, "/pmh.handoff.v1.BirthService/MergeChild", REGISTERS),
    method(
        118,
        "/pmh.handoff.v1.BirthService/NotifyLoss",
        DOSE_WRITERS,
        Needs::TokenOptional(TELL_OF_BIRTHS),
    ),
    // The log: its heads and proofs are for everybody, its entries for auditors.
    open(60, "/pmh.audit.v1.AuditService/GetCheckpoint", EVERYBODY),
    open(61, "/pmh.audit.v1.AuditService/GetEntry", AUDITOR),
    open(62, "/pmh.audit.v1.AuditService/SearchEntries", AUDITOR),
    open(63, "/pmh.audit.v1.AuditService/GetInclusionProof", EVERYBODY),
    open(64, "/pmh.audit.v1.AuditService/GetConsistencyProof", EVERYBODY),
    // Everybody its own, auditors any; the method checks that.
    open(65, "/pmh.audit.v1.AuditService/GetReceipt", EVERYBODY),
    open(73, "/pmh.audit.v1.AuditService/ExportEntries", AUDITOR),
    // The same over HTTPS as C2SP tlog-tiles, by the kind of path; no methods of the contract.
    open(0, "/checkpoint", EVERYBODY),
    open(0, "/tile", EVERYBODY),
    open(74, "/tile/entries", AUDITOR),
    // By person only with two people and a case; parts only with a warrant. The methods check that.
    open(66, "/pmh.audit.v1.AuditService/RequestPersonSearch", AUDITOR),
    open(67, "/pmh.audit.v1.AuditService/ApprovePersonSearch", AUDITOR),
    open(68, "/pmh.audit.v1.AuditService/OpenParts", AUDITOR),
    // Who looked at my data: in the citizen's app, or with the card at a municipal counter. Whoever asked then answers.
    of_the_citizen(69, "/pmh.audit.v1.AuditService/ListMyAccesses"),
    of_the_citizen(70, "/pmh.audit.v1.AuditService/QuestionAccess"),
    open(71, "/pmh.audit.v1.AuditService/AnswerQuestion", PRESENTERS),
    open(72, "/pmh.audit.v1.AuditService/ListQuestions", PRESENTERS),
    // Each its own entries alone; the method checks that.
    open(78, "/pmh.audit.v1.AuditService/PutAccessDelay", ISSUERS),
    // How the log forgets: the operator with two people, unless an auditor or the operator holds it. The methods check that.
    open(75, "/pmh.audit.v1.AuditService/ErasePerson", OPERATOR),
    open(76, "/pmh.audit.v1.AuditService/PutLegalHold", AUDITOR_AND_OPERATOR),
    open(77, "/pmh.audit.v1.AuditService/ReleaseLegalHold", AUDITOR_AND_OPERATOR),
    // What gRPC itself brings along.
    open(0, "/grpc.health.v1.Health/Check", EVERYBODY),
    open(0, "/grpc.health.v1.Health/List", EVERYBODY),
    open(0, "/grpc.health.v1.Health/Watch", EVERYBODY),
    open(0, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", EVERYBODY),
    open(0, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", EVERYBODY),
];

const fn open(number: u16, path: &'static str, callers: &'static [Callers]) -> MethodPolicy {
    MethodPolicy { path, number, callers, needs: Needs::MutualTls }
}

const fn method(number: u16, path: &'static str, callers: &'static [Callers], needs: Needs) -> MethodPolicy {
    MethodPolicy { path, number, callers, needs }
}

const fn read(number: u16, path: &'static str) -> MethodPolicy {
    method(number, path, CHECKUP_READERS, Needs::TokenOptional(LOOK_AT_CHECKUPS))
}

const fn of_the_citizen(number: u16, path: &'static str) -> MethodPolicy {
    let needs = Needs::Token(TokenNeeds {
        scope: scope::ACCESS_READ,
        acr: VERIFIED_HOLDER,
        tiers: &[Tier::Full],
        consent: ConsentRule::None,
    });
    MethodPolicy { path, number, callers: CITIZENS, needs }
}

const EVERYBODY: &[Callers] = &[Callers { roles: Role::ALL, purposes: &[] }];
const PRESENTERS: &[Callers] =
    &[Callers { roles: &[Clinic, Pharmacy, Municipality, Prefecture, App], purposes: &[] }];
const ISSUERS: &[Callers] = &[Callers { roles: &[Municipality, Prefecture], purposes: &[Hpaymt] }];
const OPERATOR: &[Callers] = &[Callers { roles: &[Operator], purposes: &[Hsysadmin] }];
const CITIZENS: &[Callers] = &[Callers { roles: &[App, Municipality, Prefecture], purposes: &[Patrqt] }];
const AUDITOR: &[Callers] = &[Callers { roles: &[Auditor], purposes: &[] }];
const AUDITOR_AND_OPERATOR: &[Callers] =
    &[Callers { roles: &[Auditor], purposes: &[] }, Callers { roles: &[Operator], purposes: &[Hsysadmin] }];
const ISSUERS_AND_OPERATOR: &[Callers] = &[
    Callers { roles: &[Municipality, Prefecture], purposes: &[Hpaymt] },
    Callers { roles: &[Operator], purposes: &[Hsysadmin] },
];

const AT_THE_SHOT: &[Callers] = &[Callers { roles: &[Clinic], purposes: &[Treat] }];
const REGISTERS: &[Callers] = &[Callers { roles: &[Municipality], purposes: &[Pubhlth] }];
const DOSE_WRITERS: &[Callers] = &[
    Callers { roles: &[Clinic], purposes: &[Treat] },
    Callers { roles: &[Municipality], purposes: &[Pubhlth] },
];
const DOSE_READERS: &[Callers] = &[
    Callers { roles: &[Clinic], purposes: &[Treat] },
    Callers { roles: &[Municipality], purposes: &[Pubhlth] },
    Callers { roles: &[App], purposes: &[Patrqt] },
];
/// With the card at the counter or in the app; a municipality its own residents without. The method looks at who asks.
const CHECKUP_READERS: &[Callers] = &[
    Callers { roles: &[Clinic], purposes: &[Treat] },
    Callers { roles: &[Municipality], purposes: &[Pubhlth, Patrqt] },
    Callers { roles: &[App], purposes: &[Patrqt] },
];
const FAMILIES: &[Callers] = &[
    Callers { roles: &[Municipality], purposes: &[Pubhlth] },
    Callers { roles: &[App], purposes: &[Patrqt] },
];

/// The scope is in the text that the card signs; consent to the shot itself is the 予診票's.
const LOOK_AT_DOSES: TokenNeeds = TokenNeeds {
    scope: scope::VACCINATION_READ,
    acr: VERIFIED_HOLDER,
    tiers: &[Tier::Full],
    consent: ConsentRule::None,
};
const BIND_HANDOFF: TokenNeeds = TokenNeeds {
    scope: scope::HANDOFF_ACCEPT,
    acr: VERIFIED_HOLDER,
    tiers: &[Tier::Full],
    consent: ConsentRule::None,
};
const LOOK_AT_CHECKUPS: TokenNeeds = TokenNeeds { scope: scope::CHECKUP_READ, ..LOOK_AT_DOSES };
const ACT_AT_CHECKUPS: TokenNeeds = TokenNeeds { scope: scope::CHECKUP_WRITE, ..LOOK_AT_DOSES };
const TELL_OF_BIRTHS: TokenNeeds = TokenNeeds { scope: scope::BIRTH_NOTIFY, ..LOOK_AT_DOSES };
const RELY_ON_CARE: TokenNeeds = TokenNeeds { scope: scope::CARE_VERIFY, ..LOOK_AT_DOSES };
const GIVE_DOSES: TokenNeeds = TokenNeeds { scope: scope::VACCINATION_WRITE, ..LOOK_AT_DOSES };

/// Everything but a bare tap.
const VERIFIED_HOLDER: &[Acr] = &[Acr::Pin, Acr::Device, Acr::Face, Acr::Visual];
