//! What the five services share.

use std::sync::Arc;

use http::Extensions;
use pmh_audit::Receipt;
use pmh_auth::policy::Permit;
use pmh_proto::common::Reason;
use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::{Request, Response, Status, metadata::MetadataMap, service::Routes};

use super::{fields, operator, receipt, status::Refusal};
use crate::{
    edge::{CallInfo, Peer},
    ops::{self, Call, Gateway},
};

/// A service of the contract over the running gateway.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) gateway: Arc<Gateway>,
}

/// All services, with their message limit.
pub fn routes(gateway: &Arc<Gateway>, max_message_bytes: usize) -> Routes {
    let service = Service { gateway: Arc::clone(gateway) };
    macro_rules! bounded {
        ($($area:ident :: $module:ident :: $server:ident),*) => {
            Routes::default()$(.add_service(
                pmh_proto::$area::$module::$server::new(service.clone())
                    .max_decoding_message_size(max_message_bytes)
                    .max_encoding_message_size(max_message_bytes),
            ))*
        };
    }
    bounded!(
        presence::presence_service_server::PresenceServiceServer,
        directory::organization_service_server::OrganizationServiceServer,
        resident::resident_service_server::ResidentServiceServer,
        eligibility::eligibility_service_server::EligibilityServiceServer,
        vaccination::vaccination_service_server::VaccinationServiceServer,
        checkup::checkup_service_server::CheckupServiceServer,
        checkup::ticket_service_server::TicketServiceServer,
        checkup::session_service_server::SessionServiceServer,
        checkup::questionnaire_service_server::QuestionnaireServiceServer,
        handoff::birth_service_server::BirthServiceServer,
        handoff::handoff_service_server::HandoffServiceServer,
        handoff::handoff_peer_service_server::HandoffPeerServiceServer,
        audit::audit_service_server::AuditServiceServer
    )
}

impl Service {
    /// The call behind a unary request, and its message.
    pub(super) fn open<M: Message>(
        &self,
        path: &'static str,
        request: Request<M>,
    ) -> Result<(Call, M), Status> {
        let (metadata, extensions, message) = request.into_parts();
        let sha256 = Sha256::digest(message.encode_to_vec()).into();
        Ok((self.call(path, &metadata, &extensions, sha256)?, message))
    }

    /// The call behind any request. The edge has put peer and info there; if
    /// it has not, nobody is served.
    pub(super) fn call(
        &self,
        path: &'static str,
        metadata: &MetadataMap,
        extensions: &Extensions,
        request_sha256: [u8; 32],
    ) -> Result<Call, Status> {
        let missing = || Status::from(Refusal::new(Reason::OrgIdentityMissing));
        let peer = extensions.get::<Arc<Peer>>().ok_or_else(missing)?;
        let info = extensions.get::<CallInfo>().ok_or_else(missing)?;
        let values: Vec<&[u8]> = metadata
            .get_all("authorization")
            .iter()
            .map(tonic::metadata::MetadataValue::as_encoded_bytes)
            .collect();
        let call = Call::new(&self.gateway, Arc::clone(peer), *info, path, &values, request_sha256);
        Ok(call.by(operator::read(metadata)))
    }

    /// Permit for a method that states no purpose of its own.
    pub(crate) fn permit(&self, call: &Call) -> Result<Permit, Refusal> {
        call.authorize(&self.gateway, None)
    }

    /// A permit, and the token's person if the request names one.
    pub(super) fn permit_about(&self, call: &Call, purpose: i32, subject: &str) -> Result<Permit, Refusal> {
        if pmh_domain::codes::looks_like_individual_number(subject) {
            return Err(Refusal::new(Reason::IndividualNumberForbidden)
                .with_field("subject", Reason::IndividualNumberForbidden));
        }
        let permit = call.authorize(&self.gateway, fields::purpose(purpose))?;
        let named = (!subject.is_empty()).then_some(subject);
        match permit.subject() {
            Some(token) => {
                token.require_same(named).map_err(|refusal| Refusal::named(refusal.reason()))?;
            }
            None if named.is_some() => return Err(Refusal::new(Reason::SubjectMismatch)),
            None => {}
        }
        Ok(permit)
    }

    /// The proof of an answer, with the state of the witnesses.
    pub(super) fn receipt(&self, receipt: Receipt) -> pmh_proto::audit::Receipt {
        let mut receipt = receipt::to_proto(receipt);
        receipt::mark(&self.gateway, &mut receipt);
        receipt
    }

    /// A response that the log committed to as bytes, with its proof.
    pub(super) fn decode<M: Receipted>(
        &self,
        (bytes, receipt): (Vec<u8>, Option<Receipt>),
    ) -> Result<M, Refusal> {
        let mut message = M::decode(bytes.as_slice()).map_err(|_| Refusal::new(Reason::Internal))?;
        if let Some(receipt) = receipt {
            message.attach(self.receipt(receipt));
        }
        Ok(message)
    }

    /// The end of every call: the answer, or the refusal with its record.
    pub(super) async fn answer<T>(
        &self,
        call: &Call,
        outcome: Result<T, Refusal>,
    ) -> Result<Response<T>, Status> {
        match outcome {
            Ok(answer) => Ok(Response::new(answer)),
            Err(refusal) => Err(self.gateway.record_refusal(call, refusal).await.into()),
        }
    }
}

/// A response that carries the proof of its entry.
pub(super) trait Receipted: Message + Default {
    /// Puts the proof in its place.
    fn attach(&mut self, receipt: pmh_proto::audit::Receipt);
}

macro_rules! receipted {
    ($($area:ident::$response:ident,)*) => {
        $(impl Receipted for pmh_proto::$area::$response {
            fn attach(&mut self, receipt: pmh_proto::audit::Receipt) {
                self.receipt = Some(receipt);
            }
        })*
    };
}

receipted! {
    audit::ApprovePersonSearchResponse,
    audit::RequestPersonSearchResponse,
    audit::AnswerQuestionResponse,
    audit::PutAccessDelayResponse,
    audit::QuestionAccessResponse,
    audit::ErasePersonResponse,
    audit::PutLegalHoldResponse,
    audit::ReleaseLegalHoldResponse,
    checkup::AcknowledgeUrgentCaseResponse,
    checkup::CheckInResponse,
    checkup::CloseFollowUpResponse,
    checkup::ConfirmBatchResponse,
    checkup::GetCheckupResponse,
    checkup::GetQuestionnaireResponse,
    checkup::PutAnswersResponse,
    checkup::ListCheckupsResponse,
    checkup::ListFollowUpsResponse,
    checkup::ListUrgentCasesResponse,
    checkup::CancelPlaceResponse,
    checkup::ListSessionsResponse,
    checkup::ListTicketsResponse,
    checkup::PushCheckupsResponse,
    checkup::RecordCheckupResponse,
    checkup::PutSessionsResponse,
    checkup::PutTicketsResponse,
    checkup::ReleaseTicketResponse,
    checkup::RequestPlaceResponse,
    checkup::UseTicketResponse,
    checkup::VoidTicketResponse,
    checkup::UndoBatchResponse,
    directory::PutCompetenceResponse,
    directory::PutOrganizationResponse,
    directory::ResumeOrganizationResponse,
    directory::SuspendOrganizationResponse,
    eligibility::AdvanceWatermarkResponse,
    eligibility::ListEntitlementsResponse,
    eligibility::PutEntitlementsResponse,
    handoff::NotifyBirthResponse,
    handoff::ListBirthsResponse,
    handoff::MergeChildResponse,
    handoff::NotifyLossResponse,
    handoff::AcceptHandoffResponse,
    handoff::AcknowledgeReportResponse,
    handoff::AddConsentResponse,
    handoff::ApprovePostpartumCareResponse,
    handoff::CloseHandoffResponse,
    handoff::ConfirmHandoffResponse,
    handoff::DeclineHandoffResponse,
    handoff::DeliverResponse,
    handoff::ExtendHandoffResponse,
    handoff::MoveHandoffResponse,
    handoff::OfferHandoffResponse,
    handoff::ReadRecordsResponse,
    handoff::ReportToHomeResponse,
    handoff::RequestHandoffResponse,
    handoff::ReturnHandoffResponse,
    handoff::WithdrawHandoffResponse,
    presence::CompletePresentationResponse,
    presence::EndPresenceResponse,
    presence::NarrowPresenceResponse,
    presence::RenewTokenResponse,
    resident::DecideLinkResponse,
    resident::LinkCredentialResponse,
    resident::ListLinkProposalsResponse,
    resident::MoveResidentResponse,
    resident::ProposeLinkResponse,
    resident::PutRelationResponse,
    resident::PutResidentsResponse,
    resident::PutRestrictionResponse,
    vaccination::AcknowledgeDosesResponse,
    vaccination::AmendDoseResponse,
    vaccination::EvaluateDoseResponse,
    vaccination::GetForecastResponse,
    vaccination::ListDosesResponse,
    vaccination::PutAuthorizationsResponse,
    vaccination::PutDosesResponse,
    vaccination::RecordDoseResponse,
    vaccination::ReleaseDoseResponse,
    vaccination::ReserveDoseResponse,
    vaccination::VoidDoseResponse,
}

/// Messages with their receipt still absent are what the log commits to.
impl<M: Message + 'static> ops::Response for M {
    fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.encode_to_vec()).into()
    }
}
