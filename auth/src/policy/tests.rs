use std::collections::BTreeSet;

use super::*;
use crate::names::{Acr, Purpose, Role, Tier, scope};
use crate::organization::OrganizationUrn;
use crate::peer::ClientIdentity;
use crate::testing::tokens::{ISSUING, issue, request, verifier};
use crate::testing::{NOW, pki};
use crate::token::{Consent, Consented, Purposes, Scopes, Seconds, TokenRequest, Verified};

/// Who may do what, written down apart from the table under test.
///
/// Roles: C clinic, P pharmacy, M municipality, F prefecture, U auditor, A app, W witness, O operator, S service.
/// Purposes: `-` none, `*` those of the role, `Q` the person's own request. Then the token, its scope, tiers and consent.
const MATRIX: &str = "
    1 pmh.presence.v1.PresenceService/BeginPresentation           CPMFA     - mtls
    2 pmh.presence.v1.PresenceService/CompletePresentation        CPMFA     - mtls
    3 pmh.presence.v1.PresenceService/RenewToken                  CPMFA     - mtls
    4 pmh.presence.v1.PresenceService/NarrowPresence              CPMFA     - mtls
    5 pmh.presence.v1.PresenceService/EndPresence                 CPMFA     - mtls
   10 pmh.directory.v1.OrganizationService/PutOrganization        O         * mtls
   11 pmh.directory.v1.OrganizationService/GetOrganization        CPMFUAWOS - mtls
   12 pmh.directory.v1.OrganizationService/ListOrganizations      CPMFUAWOS - mtls
   13 pmh.directory.v1.OrganizationService/SuspendOrganization    O         * mtls
   14 pmh.directory.v1.OrganizationService/ResumeOrganization     O         * mtls
   15 pmh.directory.v1.OrganizationService/PutCompetence          MFO       * mtls
   16 pmh.directory.v1.OrganizationService/ListCompetences        CPMFUAWOS - mtls
   20 pmh.resident.v1.ResidentService/PutResidents                MF        * mtls
   21 pmh.resident.v1.ResidentService/LinkCredential              MFO       * optional link:write full none
   22 pmh.resident.v1.ResidentService/ProposeLink                 CP        * token link:propose full any
   23 pmh.resident.v1.ResidentService/DecideLink                  MF        * mtls
   24 pmh.resident.v1.ResidentService/MoveResident                MF        * mtls
   25 pmh.resident.v1.ResidentService/PutRelation                 MF        * mtls
   26 pmh.resident.v1.ResidentService/PutRestriction              MF        * mtls
   27 pmh.resident.v1.ResidentService/ListLinkProposals           MF        * mtls
   30 pmh.eligibility.v1.EligibilityService/VerifyEligibility     CPA       * token eligibility:read full,grace none
   31 pmh.eligibility.v1.EligibilityService/PutEntitlements       MF        * mtls
   32 pmh.eligibility.v1.EligibilityService/ListEntitlements      MF        * mtls
   33 pmh.eligibility.v1.EligibilityService/AdvanceWatermark      MF        * mtls
   41 pmh.vaccination.v1.VaccinationService/EvaluateDose          C         V token vaccination:read full none
   42 pmh.vaccination.v1.VaccinationService/ReserveDose           C         V token vaccination:write full none
   43 pmh.vaccination.v1.VaccinationService/RecordDose            C         V optional vaccination:write full none
   46 pmh.vaccination.v1.VaccinationService/ListDoses             CMA       V optional vaccination:read full none
   47 pmh.vaccination.v1.VaccinationService/GetForecast           CMA       V optional vaccination:read full none
   34 pmh.vaccination.v1.VaccinationService/AcknowledgeDoses      M         V mtls
   35 pmh.vaccination.v1.VaccinationService/ReleaseDose           C         V mtls
   36 pmh.vaccination.v1.VaccinationService/GetErrorPreventionReport M         V mtls
   37 pmh.vaccination.v1.VaccinationService/ListClaimLines        CM        V mtls
   40 pmh.vaccination.v1.VaccinationService/PutAuthorizations     M         V mtls
   44 pmh.vaccination.v1.VaccinationService/AmendDose             CM        V mtls
   45 pmh.vaccination.v1.VaccinationService/VoidDose              CM        V mtls
   48 pmh.vaccination.v1.VaccinationService/WatchDoses            M         V mtls
   49 pmh.vaccination.v1.VaccinationService/PutDoses              M         V mtls
   50 pmh.checkup.v1.CheckupService/PushCheckups                  CM        V mtls
   52 pmh.checkup.v1.CheckupService/UndoBatch                     CM        V mtls
   53 pmh.checkup.v1.CheckupService/ConfirmBatch                  M         V mtls
   54 pmh.checkup.v1.CheckupService/ListCheckups                  CMA       V optional checkup:read full none
   55 pmh.checkup.v1.CheckupService/GetCheckup                    CMA       V optional checkup:read full none
   56 pmh.checkup.v1.CheckupService/ListFollowUps                 M         V mtls
   57 pmh.checkup.v1.CheckupService/CloseFollowUp                 M         V mtls
   80 pmh.checkup.v1.CheckupService/ListUrgentCases               M         V mtls
   81 pmh.checkup.v1.CheckupService/AcknowledgeUrgentCase         M         V mtls
   82 pmh.checkup.v1.CheckupService/RecordCheckup                 C         V optional checkup:write full none
   58 pmh.checkup.v1.TicketService/PutTickets                     M         V mtls
   87 pmh.checkup.v1.TicketService/ListTickets                    CMA       V optional checkup:read full none
   59 pmh.checkup.v1.TicketService/UseTicket                      C         V optional checkup:write full none
   85 pmh.checkup.v1.TicketService/ReleaseTicket                  C         V mtls
   86 pmh.checkup.v1.TicketService/VoidTicket                     M         V mtls
   88 pmh.checkup.v1.SessionService/PutSessions                   M         V mtls
   89 pmh.checkup.v1.SessionService/RequestPlace                  MA        V optional checkup:write full none
   90 pmh.checkup.v1.SessionService/CancelPlace                   MA        V optional checkup:write full none
   91 pmh.checkup.v1.SessionService/ListSessions                  MA        V optional checkup:read full none
   92 pmh.checkup.v1.QuestionnaireService/GetQuestionnaire        CMA       V optional checkup:read full none
   93 pmh.checkup.v1.QuestionnaireService/PutAnswers              CMA       V optional checkup:write full none
   94 pmh.checkup.v1.QuestionnaireService/CheckIn                 CM        V optional checkup:write full none
  100 pmh.handoff.v1.HandoffService/RequestHandoff                M         V token handoff:accept full none
  101 pmh.handoff.v1.HandoffService/OfferHandoff                  M         V mtls
  102 pmh.handoff.v1.HandoffService/AcceptHandoff                 M         V optional handoff:accept full none
  103 pmh.handoff.v1.HandoffService/DeclineHandoff                M         V mtls
  104 pmh.handoff.v1.HandoffService/WithdrawHandoff               M         V mtls
  105 pmh.handoff.v1.HandoffService/ReadHandoffRecords            M         V mtls
  106 pmh.handoff.v1.HandoffService/ReportToHome                  M         V mtls
  107 pmh.handoff.v1.HandoffService/ReturnHandoff                 M         V mtls
  108 pmh.handoff.v1.HandoffService/CloseHandoff                  M         V mtls
  109 pmh.handoff.v1.HandoffService/ListHandoffs                  M         V mtls
  110 pmh.handoff.v1.HandoffService/WatchHandoffs                 M         V mtls
  111 pmh.handoff.v1.HandoffService/ExportEvidence                M         V mtls
  112 pmh.handoff.v1.HandoffService/ConfirmHandoff                M         V mtls
  120 pmh.handoff.v1.HandoffService/AcknowledgeReport             M         V mtls
  121 pmh.handoff.v1.HandoffService/ExtendHandoff                 M         V mtls
  122 pmh.handoff.v1.HandoffService/AddConsent                    M         V mtls
  123 pmh.handoff.v1.HandoffService/MoveHandoff                   M         V mtls
  124 pmh.handoff.v1.HandoffService/ApprovePostpartumCare         M         V mtls
  125 pmh.handoff.v1.HandoffService/VerifyPostpartumCare          C         V optional care:verify full none
  113 pmh.handoff.v1.HandoffPeerService/Deliver                   M         V mtls
  114 pmh.handoff.v1.HandoffPeerService/ReadRecords               M         V mtls
  115 pmh.handoff.v1.BirthService/NotifyBirth                     C         V optional birth:notify full none
  116 pmh.handoff.v1.BirthService/ListBirths                      M         V mtls
  117 pmh.handoff.v1.BirthService/MergeChild                      M         V mtls
  118 pmh.handoff.v1.BirthService/NotifyLoss                      CM        V optional birth:notify full none
   60 pmh.audit.v1.AuditService/GetCheckpoint                     CPMFUAWOS - mtls
   61 pmh.audit.v1.AuditService/GetEntry                          U         - mtls
   62 pmh.audit.v1.AuditService/SearchEntries                     U         - mtls
   63 pmh.audit.v1.AuditService/GetInclusionProof                 CPMFUAWOS - mtls
   64 pmh.audit.v1.AuditService/GetConsistencyProof               CPMFUAWOS - mtls
   65 pmh.audit.v1.AuditService/GetReceipt                        CPMFUAWOS - mtls
   73 pmh.audit.v1.AuditService/ExportEntries                     U         - mtls
    0 checkpoint                                                  CPMFUAWOS - mtls
    0 tile                                                        CPMFUAWOS - mtls
   74 tile/entries                                                U         - mtls
   66 pmh.audit.v1.AuditService/RequestPersonSearch               U         - mtls
   67 pmh.audit.v1.AuditService/ApprovePersonSearch               U         - mtls
   68 pmh.audit.v1.AuditService/OpenParts                         U         - mtls
   69 pmh.audit.v1.AuditService/ListMyAccesses                    MFA       Q token access:read full none
   70 pmh.audit.v1.AuditService/QuestionAccess                    MFA       Q token access:read full none
   71 pmh.audit.v1.AuditService/AnswerQuestion                    CPMFA     - mtls
   72 pmh.audit.v1.AuditService/ListQuestions                     CPMFA     - mtls
   78 pmh.audit.v1.AuditService/PutAccessDelay                    MF        * mtls
   75 pmh.audit.v1.AuditService/ErasePerson                       O         * mtls
   76 pmh.audit.v1.AuditService/PutLegalHold                      UO        * mtls
   77 pmh.audit.v1.AuditService/ReleaseLegalHold                  UO        * mtls
    0 grpc.health.v1.Health/Check                                 CPMFUAWOS - mtls
    0 grpc.health.v1.Health/List                                  CPMFUAWOS - mtls
    0 grpc.health.v1.Health/Watch                                 CPMFUAWOS - mtls
    0 grpc.reflection.v1.ServerReflection/ServerReflectionInfo      CPMFUAWOS - mtls
    0 grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo CPMFUAWOS - mtls
";

struct Line {
    number: u16,
    path: String,
    roles: &'static str,
    purposes: &'static str,
    token: &'static str,
    scope: &'static str,
    tiers: &'static str,
    consent: &'static str,
}

fn matrix() -> Vec<Line> {
    let read = |line: &'static str| {
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap_or_default();
        Line {
            number: next().parse().unwrap(),
            path: format!("/{}", next()),
            roles: next(),
            purposes: next(),
            token: next(),
            scope: next(),
            tiers: next(),
            consent: next(),
        }
    };
    MATRIX.lines().filter(|line| !line.trim().is_empty()).map(read).collect()
}

fn letter(role: Role) -> char {
    match role {
        Role::Clinic => 'C',
        Role::Pharmacy => 'P',
        Role::Municipality => 'M',
        Role::Prefecture => 'F',
        Role::Auditor => 'U',
        Role::App => 'A',
        Role::Witness => 'W',
        Role::Operator => 'O',
        Role::Service => 'S',
    }
}

fn purposes_of(role: Role) -> &'static [Purpose] {
    match role {
        Role::Clinic | Role::Pharmacy => &[Purpose::Treat, Purpose::Hpaymt],
        Role::Municipality | Role::Prefecture => &[Purpose::Hpaymt, Purpose::Patrqt, Purpose::Pubhlth],
        Role::App => &[Purpose::Patrqt],
        Role::Operator => &[Purpose::Hsysadmin],
        Role::Auditor | Role::Witness | Role::Service => &[],
    }
}

/// What is wrong with a call that is otherwise in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    Nothing,
    NoToken,
    ForeignToken,
    ExpiredToken,
    NoScope,
    NoPurposeStated,
    PurposeNotInToken,
    PurposeOfAnotherMethod,
    NoConsent,
    ConsentOutlived,
    Tap,
    TierGrace,
    TierTap,
    TierBtg,
}

const DEFECTS: &[Defect] = &[
    Defect::Nothing,
    Defect::NoToken,
    Defect::ForeignToken,
    Defect::ExpiredToken,
    Defect::NoScope,
    Defect::NoPurposeStated,
    Defect::PurposeNotInToken,
    Defect::PurposeOfAnotherMethod,
    Defect::NoConsent,
    Defect::ConsentOutlived,
    Defect::Tap,
    Defect::TierGrace,
    Defect::TierTap,
    Defect::TierBtg,
];

fn expected(line: &Line, role: Role, defect: Defect) -> Result<(), PolicyRefusal> {
    use PolicyRefusal as R;
    if !line.roles.contains(letter(role)) {
        return Err(R::RoleNotAllowed);
    }
    let with_token = line.token == "token" || line.token == "optional" && defect != Defect::NoToken;
    match defect {
        Defect::PurposeOfAnotherMethod => Err(R::PurposeNotAllowed),
        _ if !with_token && line.token != "token" => Ok(()),
        Defect::NoToken => Err(R::TokenMissing),
        Defect::ForeignToken => Err(R::TokenBinding),
        Defect::ExpiredToken => Err(R::TokenExpired),
        Defect::NoScope => Err(R::ScopeMissing),
        Defect::NoPurposeStated | Defect::PurposeNotInToken => Err(R::PurposeNotAllowed),
        Defect::Tap => Err(R::AcrTooLow),
        Defect::TierGrace if line.tiers.contains("grace") => Ok(()),
        Defect::TierGrace | Defect::TierTap | Defect::TierBtg => Err(R::TierLimited),
        Defect::NoConsent | Defect::ConsentOutlived if line.consent == "any" => Err(R::ConsentRequired),
        Defect::Nothing | Defect::NoConsent | Defect::ConsentOutlived => Ok(()),
    }
}

fn spoilt(role: Role, peer: &ClientIdentity, defect: Defect) -> TokenRequest {
    let mut request = request();
    request.organization = peer.organization().clone();
    request.thumbprint = *peer.thumbprint();
    request.scopes = Scopes::new(scope::ALL.iter().map(|&scope| scope.to_owned())).unwrap();
    request.purposes = Purposes::new(Purpose::ALL.iter().copied()).unwrap();
    match defect {
        Defect::PurposeNotInToken => {
            let others = Purpose::ALL.iter().filter(|purpose| !purposes_of(role).contains(purpose));
            request.purposes = Purposes::new(others.copied()).unwrap();
        }
        Defect::NoConsent => request.consent = Consent::none(),
        Defect::ConsentOutlived => request.consent.until = Seconds::new(NOW).unwrap(),
        Defect::Tap => request.acr = Acr::Tap,
        Defect::TierGrace => request.tier = Tier::Grace,
        Defect::TierTap => request.tier = Tier::Tap,
        Defect::TierBtg => request.tier = Tier::Btg,
        _ => {}
    }
    request
}

/// Every scope but the one that this method needs.
fn without_scope(line: &Line, role: Role, peer: &ClientIdentity) -> TokenRequest {
    let mut request = spoilt(role, peer, Defect::Nothing);
    let others = scope::ALL.iter().filter(|scope| **scope != line.scope);
    request.scopes = Scopes::new(others.map(|&scope| scope.to_owned())).unwrap();
    request
}

fn verified(request: &TokenRequest, peer: &ClientIdentity) -> Verified {
    verifier().verify(&issue(request).token, peer, NOW).unwrap()
}

#[test]
fn r_az_02_the_answer_equals_the_matrix_for_every_role_method_and_defect() {
    let lines = matrix();
    let mut decided = 0;
    for role in Role::ALL.iter().copied() {
        let urn = OrganizationUrn::new(role, "1311234567").unwrap();
        let (peer, neighbour) = (pki::identity(urn.as_str(), "t-1"), pki::identity(urn.as_str(), "t-2"));
        let caller = Caller::new(&peer, role).unwrap();
        for defect in DEFECTS.iter().copied() {
            let holder = if defect == Defect::ForeignToken { &neighbour } else { &peer };
            let common = verified(&spoilt(role, holder, defect), holder);
            let now = if defect == Defect::ExpiredToken { NOW + 306 } else { NOW };
            for line in &lines {
                let purpose = match defect {
                    Defect::PurposeOfAnotherMethod => Some(Purpose::Coc),
                    Defect::NoPurposeStated => None,
                    _ => match line.purposes {
                        "*" => purposes_of(role).first().copied(),
                        "Q" => Some(Purpose::Patrqt),
                        // At the shot, in the register, in the citizen's app.
                        "V" if role == Role::Clinic => Some(Purpose::Treat),
                        "V" if role == Role::App => Some(Purpose::Patrqt),
                        "V" => Some(Purpose::Pubhlth),
                        _ => None,
                    },
                };
                let own =
                    (defect == Defect::NoScope).then(|| verified(&without_scope(line, role, &peer), &peer));
                let token = (defect != Defect::NoToken).then_some(own.as_ref().unwrap_or(&common));
                let decision = authorize(lookup(&line.path), &caller, token, purpose, now).map(|_| ());
                assert_eq!(decision, expected(line, role, defect), "{role} {} {defect:?}", line.path);
                decided += 1;
            }
        }
    }
    assert_eq!(decided, lines.len() * Role::ALL.len() * DEFECTS.len());
}

#[test]
fn the_matrix_and_the_table_list_the_same_methods() {
    let expected: Vec<_> = matrix().into_iter().map(|line| (line.number, line.path)).collect();
    let table: Vec<_> = POLICY.iter().map(|method| (method.number, method.path.to_owned())).collect();
    assert_eq!(table, expected);
    let paths: BTreeSet<_> = POLICY.iter().map(|method| method.path).collect();
    assert_eq!(paths.len(), POLICY.len());
    let numbers: Vec<_> = POLICY.iter().map(|method| method.number).filter(|number| *number > 0).collect();
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
}

/// Reads the contract's own text, so that a method added there without a policy is found here.
#[test]
fn r_az_01_every_method_of_the_contract_has_exactly_one_entry() {
    let contract = contract_methods();
    assert!(contract.len() > 25, "{contract:?}");
    let ours: BTreeSet<_> =
        POLICY.iter().map(|method| method.path.to_owned()).filter(|path| path.starts_with("/pmh.")).collect();
    assert_eq!(ours, contract);
}

fn contract_methods() -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/pmh"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                methods.extend(methods_in(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    methods
}

fn methods_in(text: &str) -> Vec<String> {
    let (mut package, mut service, mut methods) = (String::new(), String::new(), Vec::new());
    for line in text.lines() {
        let word = |start: &str| {
            line.trim().strip_prefix(start).map(|rest| rest.split(['(', ';', ' ', '{']).next().unwrap())
        };
        if let Some(name) = word("package ") {
            name.clone_into(&mut package);
        } else if let Some(name) = word("service ") {
            name.clone_into(&mut service);
        } else if let Some(name) = word("rpc ") {
            methods.push(format!("/{package}.{service}/{name}"));
        }
    }
    methods
}

fn clinic_permit(path: &str, purpose: Option<Purpose>) -> Permit {
    let peer = &*pki::SAMPLE_IDENTITY;
    let token = verified(&request(), peer);
    authorize(lookup(path), &Caller::new(peer, Role::Clinic).unwrap(), Some(&token), purpose, NOW).unwrap()
}

const VERIFY: &str = "/pmh.eligibility.v1.EligibilityService/VerifyEligibility";

#[test]
fn a_permit_carries_what_the_work_and_its_record_need() {
    let permit = clinic_permit(VERIFY, Some(Purpose::Hpaymt));
    let peer = &*pki::SAMPLE_IDENTITY;
    assert_eq!((permit.method(), permit.purpose(), permit.role()), (30, Some(Purpose::Hpaymt), Role::Clinic));
    assert_eq!((permit.organization(), permit.thumbprint()), (peer.organization(), peer.thumbprint()));
    assert_eq!(permit.terminal(), Some("desk-1"));
    let subject = permit.subject().unwrap();
    assert_eq!(subject.sub(), request().sub);
    assert_eq!(subject.grants(), [Consented::All]);
    assert_eq!((subject.acr(), subject.tier(), subject.consent_ref()), (Acr::Pin, Tier::Full, "c-1"));
    assert_eq!((subject.presence_id(), subject.expires_at()), ([5; 16], NOW + 300));
    assert_eq!(subject.open(&ISSUING.keys.encrypted_subjects()), Ok(request().subject_ref));
    assert!(!format!("{permit:?}").contains(subject.sub()));
}

#[test]
fn r_az_03_a_body_that_names_another_person_is_refused() {
    let permit = clinic_permit(VERIFY, Some(Purpose::Treat));
    let subject = permit.subject().unwrap();
    assert_eq!(subject.require_same(None), Ok(()));
    assert_eq!(subject.require_same(Some(&request().sub)), Ok(()));
    let other = ISSUING.keys.pairwise().sub(&[1; 16], pki::CLINIC);
    assert_eq!(subject.require_same(Some(&other)), Err(PolicyRefusal::SubjectMismatch));
}

#[test]
fn a_method_without_a_token_carries_no_person_even_when_a_token_came_along() {
    let permit = clinic_permit("/pmh.presence.v1.PresenceService/RenewToken", None);
    assert!(permit.subject().is_none());
}

#[test]
fn outlived_consent_grants_nothing() {
    let peer = &*pki::SAMPLE_IDENTITY;
    let mut request = request();
    request.consent.until = Seconds::new(NOW).unwrap();
    let token = verified(&request, peer);
    let caller = Caller::new(peer, Role::Clinic).unwrap();
    let at = |now| authorize(lookup(VERIFY), &caller, Some(&token), Some(Purpose::Treat), now).unwrap();
    assert!(at(NOW).subject().unwrap().grants().is_empty());
    assert_eq!(at(NOW - 1).subject().unwrap().grants(), [Consented::All]);
}

#[test]
fn a_method_that_is_not_listed_does_not_exist() {
    let caller = Caller::new(&pki::SAMPLE_IDENTITY, Role::Clinic).unwrap();
    for path in [
        "",
        "/",
        "/pmh.eligibility.v1.EligibilityService/",
        "/pmh.eligibility.v1.EligibilityService/verifyeligibility",
    ] {
        let refused = authorize(lookup(path), &caller, None, None, NOW).map(|_| ());
        assert_eq!(refused, Err(PolicyRefusal::UnknownMethod));
    }
}

#[test]
fn r_tls_12_a_kind_that_the_registry_does_not_confirm_is_no_caller() {
    let refused = Caller::new(&pki::SAMPLE_IDENTITY, Role::Pharmacy).map(|_| ());
    assert_eq!(refused, Err(PolicyRefusal::KindMismatch));
    assert_eq!(PolicyRefusal::KindMismatch.reason(), "ORG_IDENTITY_MISSING");
}

/// P3 at its source: Begin can ask for nothing that the table would not honour for that role.
#[test]
fn what_a_role_may_present_for_is_what_some_method_takes_from_it() {
    for role in Role::ALL.iter().copied() {
        let (purposes, scopes) = presentable(role);
        let may_begin = lookup("/pmh.presence.v1.PresenceService/BeginPresentation")
            .is_some_and(|method| method.callers.iter().any(|callers| callers.roles.contains(&role)));
        assert_eq!(may_begin, !purposes.is_empty() && !scopes.is_empty(), "{role}");
        let taken = |scope: &str, purpose: Purpose| {
            POLICY.iter().any(|method| {
                let callers = method.callers.iter().find(|callers| callers.roles.contains(&role));
                let needs = match &method.needs {
                    Needs::Token(needs) | Needs::TokenOptional(needs) => Some(needs.scope),
                    Needs::MutualTls => None,
                };
                needs == Some(scope) && callers.is_some_and(|callers| callers.purposes.contains(&purpose))
            })
        };
        for scope in scopes {
            assert!(purposes.iter().any(|purpose| taken(scope, *purpose)), "{role} {scope}");
        }
        for purpose in purposes {
            assert!(scopes.iter().any(|scope| taken(scope, *purpose)), "{role} {purpose}");
        }
    }
}

#[test]
fn r_az_04_05_operators_see_no_records_and_auditors_write_nothing() {
    for method in POLICY {
        let service = method.path.split('/').nth(1).unwrap();
        let may = |role| method.callers.iter().any(|callers| callers.roles.contains(&role));
        if may(Role::Operator) && service.starts_with("pmh.") {
            let reads_records = service.contains("eligibility") || method.path.contains("/GetEntry");
            assert!(!reads_records, "{}", method.path);
        }
        if may(Role::Auditor) && service.starts_with("pmh.") {
            let name = method.path.rsplit('/').next().unwrap();
            let reads = ["Get", "List", "Search", "Open", "Export"].iter().any(|verb| name.starts_with(verb));
            // What two auditors agree on is which search may be made, and no record.
            let agrees = ["RequestPersonSearch", "ApprovePersonSearch"].contains(&name);
            // A hold keeps what is there.
            let holds = ["PutLegalHold", "ReleaseLegalHold"].contains(&name);
            assert!(reads || agrees || holds, "{}", method.path);
        }
    }
}
