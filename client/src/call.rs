//! Every method of the contract as a pair of messages, so that one piece of code sends, checks and retries them all.

use pmh_audit::registry::Method;
use pmh_proto::audit::Receipt;
use pmh_proto::{audit, checkup, directory, eligibility, handoff, presence, resident, vaccination};
use prost::Message;

/// A request of a unary method.
pub trait Call: Message + Clone + Send + Sync + 'static {
    /// Its answer.
    type Response: Message + Default + Send + Sync + 'static;
    /// Full gRPC path.
    const PATH: &'static str;
    /// Name of the method, as in the registry of log entries.
    const NAME: &'static str;
    /// Which log records it, a refusal of it at least.
    const LOG: WhichLog;
    /// What may be done when no answer arrived.
    const REPEAT: Repeat;

    /// Which log records the answer to this very request.
    fn log(&self) -> WhichLog {
        Self::LOG
    }

    /// Number of the method in log entries; 0 for one that leaves none.
    fn method() -> Method {
        Method::from_name(Self::NAME).unwrap_or_default()
    }
}

/// A call whose answer carries a receipt.
pub trait Recorded: Call<Response: Receipted> {}

impl<C: Call<Response: Receipted>> Recorded for C {}

/// An answer that carries a receipt.
pub trait Receipted: Message + Default + Clone + Send + Sync + 'static {
    /// Takes the receipt out; what is left is what the receipt speaks of.
    fn take_receipt(&mut self) -> Option<Receipt>;
    /// Puts it back.
    fn set_receipt(&mut self, receipt: Option<Receipt>);
}

/// The logs of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichLog {
    /// Disclosures and writes.
    Gateway,
    /// Presentations and tokens.
    Auth,
}

/// What may be done when no answer arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Send it again: it reads, or its idempotency key makes it happen once.
    Safe,
    /// Never: a second attempt is refused by design, or means something else.
    Never,
}

macro_rules! calls {
    ($($area:ident $service:literal $log:ident { $($repeat:ident $name:literal $request:ident => $response:ident;)* })*) => {
        $($(
            impl Call for $area::$request {
                type Response = $area::$response;
                const PATH: &'static str =
                    concat!("/pmh.", stringify!($area), ".v1.", $service, "/", $name);
                const NAME: &'static str = $name;
                const LOG: WhichLog = WhichLog::$log;
                const REPEAT: Repeat = Repeat::$repeat;
            }
        )*)*
    };
}

macro_rules! receipted {
    ($($area:ident { $($response:ident)* })*) => {
        $($(
            impl Receipted for $area::$response {
                fn take_receipt(&mut self) -> Option<Receipt> {
                    self.receipt.take()
                }

                fn set_receipt(&mut self, receipt: Option<Receipt>) {
                    self.receipt = receipt;
                }
            }
        )*)*
    };
}

calls! {
    presence "PresenceService" Auth {
        // The nonce is the key of a presentation, and it is spent by the first attempt that arrives.
        Never "CompletePresentation" CompletePresentationRequest => CompletePresentationResponse;
        Safe "BeginPresentation" BeginPresentationRequest => BeginPresentationResponse;
        Safe "RenewToken" RenewTokenRequest => RenewTokenResponse;
        Safe "NarrowPresence" NarrowPresenceRequest => NarrowPresenceResponse;
        Safe "EndPresence" EndPresenceRequest => EndPresenceResponse;
    }
    directory "OrganizationService" Gateway {
        Safe "PutOrganization" PutOrganizationRequest => PutOrganizationResponse;
        Safe "GetOrganization" GetOrganizationRequest => GetOrganizationResponse;
        Safe "ListOrganizations" ListOrganizationsRequest => ListOrganizationsResponse;
        Safe "SuspendOrganization" SuspendOrganizationRequest => SuspendOrganizationResponse;
        Safe "ResumeOrganization" ResumeOrganizationRequest => ResumeOrganizationResponse;
        Safe "PutCompetence" PutCompetenceRequest => PutCompetenceResponse;
        Safe "ListCompetences" ListCompetencesRequest => ListCompetencesResponse;
    }
    resident "ResidentService" Gateway {
        Safe "LinkCredential" LinkCredentialRequest => LinkCredentialResponse;
        Safe "ProposeLink" ProposeLinkRequest => ProposeLinkResponse;
        Safe "DecideLink" DecideLinkRequest => DecideLinkResponse;
        Safe "ListLinkProposals" ListLinkProposalsRequest => ListLinkProposalsResponse;
        Safe "MoveResident" MoveResidentRequest => MoveResidentResponse;
        Safe "PutRestriction" PutRestrictionRequest => PutRestrictionResponse;
    }
    // Relations are kept where cards are: a guardian's card must open the child there.
    resident "ResidentService" Auth {
        Safe "PutRelation" PutRelationRequest => PutRelationResponse;
    }
    eligibility "EligibilityService" Gateway {
        Safe "VerifyEligibility" VerifyEligibilityRequest => VerifyEligibilityResponse;
        Safe "ListEntitlements" ListEntitlementsRequest => ListEntitlementsResponse;
        Safe "AdvanceWatermark" AdvanceWatermarkRequest => AdvanceWatermarkResponse;
    }
    vaccination "VaccinationService" Gateway {
        Safe "EvaluateDose" EvaluateDoseRequest => EvaluateDoseResponse;
        Safe "ReserveDose" ReserveDoseRequest => ReserveDoseResponse;
        Safe "ReleaseDose" ReleaseDoseRequest => ReleaseDoseResponse;
        Safe "RecordDose" RecordDoseRequest => RecordDoseResponse;
        Safe "AmendDose" AmendDoseRequest => AmendDoseResponse;
        Safe "VoidDose" VoidDoseRequest => VoidDoseResponse;
        Safe "ListDoses" ListDosesRequest => ListDosesResponse;
        Safe "GetForecast" GetForecastRequest => GetForecastResponse;
        Safe "AcknowledgeDoses" AcknowledgeDosesRequest => AcknowledgeDosesResponse;
        Safe "GetErrorPreventionReport" GetErrorPreventionReportRequest => GetErrorPreventionReportResponse;
    }
    checkup "CheckupService" Gateway {
        Safe "RecordCheckup" RecordCheckupRequest => RecordCheckupResponse;
        Safe "ConfirmBatch" ConfirmBatchRequest => ConfirmBatchResponse;
        Safe "UndoBatch" UndoBatchRequest => UndoBatchResponse;
        Safe "ListCheckups" ListCheckupsRequest => ListCheckupsResponse;
        Safe "GetCheckup" GetCheckupRequest => GetCheckupResponse;
        Safe "ListFollowUps" ListFollowUpsRequest => ListFollowUpsResponse;
        Safe "CloseFollowUp" CloseFollowUpRequest => CloseFollowUpResponse;
        Safe "ListUrgentCases" ListUrgentCasesRequest => ListUrgentCasesResponse;
        Safe "AcknowledgeUrgentCase" AcknowledgeUrgentCaseRequest => AcknowledgeUrgentCaseResponse;
    }
    checkup "TicketService" Gateway {
        Safe "ListTickets" ListTicketsRequest => ListTicketsResponse;
        Safe "UseTicket" UseTicketRequest => UseTicketResponse;
        Safe "ReleaseTicket" ReleaseTicketRequest => ReleaseTicketResponse;
        Safe "VoidTicket" VoidTicketRequest => VoidTicketResponse;
    }
    checkup "SessionService" Gateway {
        Safe "PutSessions" PutSessionsRequest => PutSessionsResponse;
        Safe "RequestPlace" RequestPlaceRequest => RequestPlaceResponse;
        Safe "CancelPlace" CancelPlaceRequest => CancelPlaceResponse;
        Safe "ListSessions" ListSessionsRequest => ListSessionsResponse;
    }
    checkup "QuestionnaireService" Gateway {
        Safe "GetQuestionnaire" GetQuestionnaireRequest => GetQuestionnaireResponse;
        Safe "PutAnswers" PutAnswersRequest => PutAnswersResponse;
        Safe "CheckIn" CheckInRequest => CheckInResponse;
    }
    handoff "HandoffService" Gateway {
        Safe "OfferHandoff" OfferHandoffRequest => OfferHandoffResponse;
        Safe "AcceptHandoff" AcceptHandoffRequest => AcceptHandoffResponse;
        Safe "DeclineHandoff" DeclineHandoffRequest => DeclineHandoffResponse;
        Safe "WithdrawHandoff" WithdrawHandoffRequest => WithdrawHandoffResponse;
        Safe "ReturnHandoff" ReturnHandoffRequest => ReturnHandoffResponse;
        Safe "CloseHandoff" CloseHandoffRequest => CloseHandoffResponse;
        Safe "ListHandoffs" ListHandoffsRequest => ListHandoffsResponse;
        Safe "ConfirmHandoff" ConfirmHandoffRequest => ConfirmHandoffResponse;
        Safe "RequestHandoff" RequestHandoffRequest => RequestHandoffResponse;
        Safe "ReportToHome" ReportToHomeRequest => ReportToHomeResponse;
        Safe "AcknowledgeReport" AcknowledgeReportRequest => AcknowledgeReportResponse;
        Safe "ExtendHandoff" ExtendHandoffRequest => ExtendHandoffResponse;
        Safe "AddConsent" AddConsentRequest => AddConsentResponse;
        Safe "MoveHandoff" MoveHandoffRequest => MoveHandoffResponse;
        Safe "ApprovePostpartumCare" ApprovePostpartumCareRequest => ApprovePostpartumCareResponse;
        Safe "VerifyPostpartumCare" VerifyPostpartumCareRequest => VerifyPostpartumCareResponse;
        Safe "ExportEvidence" ExportEvidenceRequest => ExportEvidenceResponse;
    }
    handoff "BirthService" Gateway {
        Safe "NotifyBirth" NotifyBirthRequest => NotifyBirthResponse;
        Safe "ListBirths" ListBirthsRequest => ListBirthsResponse;
        Safe "MergeChild" MergeChildRequest => MergeChildResponse;
        Safe "NotifyLoss" NotifyLossRequest => NotifyLossResponse;
    }
    handoff "HandoffPeerService" Gateway {
        Safe "Deliver" DeliverRequest => DeliverResponse;
        Safe "ReadRecords" ReadRecordsRequest => ReadRecordsResponse;
    }
    audit "AuditService" Gateway {
        Safe "GetCheckpoint" GetCheckpointRequest => GetCheckpointResponse;
        Safe "GetInclusionProof" GetInclusionProofRequest => GetInclusionProofResponse;
        Safe "GetConsistencyProof" GetConsistencyProofRequest => GetConsistencyProofResponse;
        Safe "GetReceipt" GetReceiptRequest => GetReceiptResponse;
        Safe "GetEntry" GetEntryRequest => GetEntryResponse;
        Safe "SearchEntries" SearchEntriesRequest => SearchEntriesResponse;
        Safe "RequestPersonSearch" RequestPersonSearchRequest => RequestPersonSearchResponse;
        Safe "ApprovePersonSearch" ApprovePersonSearchRequest => ApprovePersonSearchResponse;
        Safe "OpenParts" OpenPartsRequest => OpenPartsResponse;
        Safe "PutAccessDelay" PutAccessDelayRequest => PutAccessDelayResponse;
        Safe "QuestionAccess" QuestionAccessRequest => QuestionAccessResponse;
        Safe "AnswerQuestion" AnswerQuestionRequest => AnswerQuestionResponse;
        Safe "ListQuestions" ListQuestionsRequest => ListQuestionsResponse;
        Safe "ErasePerson" ErasePersonRequest => ErasePersonResponse;
        Safe "PutLegalHold" PutLegalHoldRequest => PutLegalHoldResponse;
        Safe "ReleaseLegalHold" ReleaseLegalHoldRequest => ReleaseLegalHoldResponse;
    }
}

/// Each log lists itself.
impl Call for audit::ListMyAccessesRequest {
    type Response = audit::ListMyAccessesResponse;
    const PATH: &'static str = "/pmh.audit.v1.AuditService/ListMyAccesses";
    const NAME: &'static str = "ListMyAccesses";
    const LOG: WhichLog = WhichLog::Gateway;
    const REPEAT: Repeat = Repeat::Safe;

    fn log(&self) -> WhichLog {
        match audit::ListMyAccessesRequest::log(self) {
            audit::Log::Auth => WhichLog::Auth,
            audit::Log::Gateway | audit::Log::Unspecified => WhichLog::Gateway,
        }
    }
}

receipted! {
    handoff { NotifyBirthResponse ListBirthsResponse MergeChildResponse NotifyLossResponse }
    presence { CompletePresentationResponse RenewTokenResponse NarrowPresenceResponse EndPresenceResponse }
    directory {
        PutOrganizationResponse SuspendOrganizationResponse ResumeOrganizationResponse PutCompetenceResponse
    }
    resident {
        PutResidentsResponse LinkCredentialResponse ProposeLinkResponse DecideLinkResponse ListLinkProposalsResponse
        MoveResidentResponse PutRelationResponse PutRestrictionResponse
    }
    vaccination {
        EvaluateDoseResponse ReserveDoseResponse ReleaseDoseResponse RecordDoseResponse AmendDoseResponse VoidDoseResponse
        ListDosesResponse GetForecastResponse AcknowledgeDosesResponse GetErrorPreventionReportResponse
        PutDosesResponse PutAuthorizationsResponse WatchDosesResponse ListClaimLinesResponse
    }
    handoff {
        OfferHandoffResponse AcceptHandoffResponse DeclineHandoffResponse WithdrawHandoffResponse ReturnHandoffResponse
        CloseHandoffResponse ListHandoffsResponse ExportEvidenceResponse ConfirmHandoffResponse DeliverResponse ReadRecordsResponse
        ReadHandoffRecordsResponse ReportToHomeResponse AcknowledgeReportResponse ExtendHandoffResponse AddConsentResponse
        MoveHandoffResponse WatchHandoffsResponse RequestHandoffResponse ApprovePostpartumCareResponse
        VerifyPostpartumCareResponse
    }
    checkup {
        PushCheckupsResponse ConfirmBatchResponse UndoBatchResponse ListCheckupsResponse ListUrgentCasesResponse
        GetCheckupResponse ListFollowUpsResponse CloseFollowUpResponse
        AcknowledgeUrgentCaseResponse RecordCheckupResponse
    }
    checkup {
        PutTicketsResponse ListTicketsResponse UseTicketResponse ReleaseTicketResponse VoidTicketResponse
        PutSessionsResponse RequestPlaceResponse CancelPlaceResponse ListSessionsResponse
        GetQuestionnaireResponse PutAnswersResponse CheckInResponse
    }
    eligibility {
        VerifyEligibilityResponse PutEntitlementsResponse ListEntitlementsResponse AdvanceWatermarkResponse
    }
    audit {
        GetReceiptResponse ExportEntriesResponse GetEntryResponse SearchEntriesResponse RequestPersonSearchResponse ApprovePersonSearchResponse OpenPartsResponse
        ListMyAccessesResponse QuestionAccessResponse AnswerQuestionResponse ListQuestionsResponse PutAccessDelayResponse
        ErasePersonResponse PutLegalHoldResponse ReleaseLegalHoldResponse
    }
}
