//! `pmh.handoff.v1.HandoffService` and `HandoffPeerService`.

mod answer;
mod care;
mod change;
mod evidence;
pub(super) mod newborn;
mod parse;
mod peer;
mod report;
mod request;
mod view;
mod watch;
pub(crate) mod wire;
mod words;

use pmh_auth::names::Purpose;
use pmh_domain::handoff::{HandoffId, OneTimeCode, Side};
use pmh_domain::time::tokyo_date;
use pmh_proto::{
    common::Reason,
    handoff::{self as pb, handoff_service_server::HandoffService},
};
use tonic::{Request, Response, Status};

use super::{bulk::Answers, fields::Fields, service::Service, status::Refusal};
use crate::ops::{Call, handoff as ops, unavailable};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.handoff.v1.HandoffService/", $method)
    };
}

#[tonic::async_trait]
impl HandoffService for Service {
    type ReadHandoffRecordsStream = Answers<pb::ReadHandoffRecordsResponse>;
    type WatchHandoffsStream = Answers<pb::WatchHandoffsResponse>;

    async fn request_handoff(
        &self,
        request: Request<pb::RequestHandoffRequest>,
    ) -> Result<Response<pb::RequestHandoffResponse>, Status> {
        let (call, message) = self.open(path!("RequestHandoff"), request)?;
        let outcome = self.ask(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn offer_handoff(
        &self,
        request: Request<pb::OfferHandoffRequest>,
    ) -> Result<Response<pb::OfferHandoffResponse>, Status> {
        let (call, message) = self.open(path!("OfferHandoff"), request)?;
        let outcome = self.offer(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn accept_handoff(
        &self,
        request: Request<pb::AcceptHandoffRequest>,
    ) -> Result<Response<pb::AcceptHandoffResponse>, Status> {
        let (call, message) = self.open(path!("AcceptHandoff"), request)?;
        let outcome = self.accept(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn decline_handoff(
        &self,
        request: Request<pb::DeclineHandoffRequest>,
    ) -> Result<Response<pb::DeclineHandoffResponse>, Status> {
        let (call, message) = self.open(path!("DeclineHandoff"), request)?;
        let outcome = self.decline(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn withdraw_handoff(
        &self,
        request: Request<pb::WithdrawHandoffRequest>,
    ) -> Result<Response<pb::WithdrawHandoffResponse>, Status> {
        let (call, message) = self.open(path!("WithdrawHandoff"), request)?;
        let outcome = self.withdraw(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn read_handoff_records(
        &self,
        request: Request<pb::ReadHandoffRecordsRequest>,
    ) -> Result<Response<Self::ReadHandoffRecordsStream>, Status> {
        let (call, message) = self.open(path!("ReadHandoffRecords"), request)?;
        let outcome = self.view(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn return_handoff(
        &self,
        request: Request<pb::ReturnHandoffRequest>,
    ) -> Result<Response<pb::ReturnHandoffResponse>, Status> {
        let (call, message) = self.open(path!("ReturnHandoff"), request)?;
        let outcome = self.hand_back(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn close_handoff(
        &self,
        request: Request<pb::CloseHandoffRequest>,
    ) -> Result<Response<pb::CloseHandoffResponse>, Status> {
        let (call, message) = self.open(path!("CloseHandoff"), request)?;
        let outcome = self.close(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_handoffs(
        &self,
        request: Request<pb::ListHandoffsRequest>,
    ) -> Result<Response<pb::ListHandoffsResponse>, Status> {
        let (call, _) = self.open(path!("ListHandoffs"), request)?;
        let outcome = self.list_own_handoffs(&call).await;
        self.answer(&call, outcome).await
    }

    async fn confirm_handoff(
        &self,
        request: Request<pb::ConfirmHandoffRequest>,
    ) -> Result<Response<pb::ConfirmHandoffResponse>, Status> {
        let (call, message) = self.open(path!("ConfirmHandoff"), request)?;
        let outcome = self.confirm_accept(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn report_to_home(
        &self,
        request: Request<pb::ReportToHomeRequest>,
    ) -> Result<Response<pb::ReportToHomeResponse>, Status> {
        let (call, message) = self.open(path!("ReportToHome"), request)?;
        let outcome = self.report(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn acknowledge_report(
        &self,
        request: Request<pb::AcknowledgeReportRequest>,
    ) -> Result<Response<pb::AcknowledgeReportResponse>, Status> {
        let (call, message) = self.open(path!("AcknowledgeReport"), request)?;
        let outcome = self.acknowledged(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn watch_handoffs(
        &self,
        request: Request<pb::WatchHandoffsRequest>,
    ) -> Result<Response<Self::WatchHandoffsStream>, Status> {
        let (call, message) = self.open(path!("WatchHandoffs"), request)?;
        let outcome = self.watch_own_handoffs(&call, &message);
        self.answer(&call, outcome).await
    }

    async fn extend_handoff(
        &self,
        request: Request<pb::ExtendHandoffRequest>,
    ) -> Result<Response<pb::ExtendHandoffResponse>, Status> {
        let (call, message) = self.open(path!("ExtendHandoff"), request)?;
        let outcome = self.extend(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn add_consent(
        &self,
        request: Request<pb::AddConsentRequest>,
    ) -> Result<Response<pb::AddConsentResponse>, Status> {
        let (call, message) = self.open(path!("AddConsent"), request)?;
        let outcome = self.consent(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn move_handoff(
        &self,
        request: Request<pb::MoveHandoffRequest>,
    ) -> Result<Response<pb::MoveHandoffResponse>, Status> {
        let (call, message) = self.open(path!("MoveHandoff"), request)?;
        let outcome = self.change_residence(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn approve_postpartum_care(
        &self,
        request: Request<pb::ApprovePostpartumCareRequest>,
    ) -> Result<Response<pb::ApprovePostpartumCareResponse>, Status> {
        let (call, message) = self.open(path!("ApprovePostpartumCare"), request)?;
        let outcome = self.approve_care(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn verify_postpartum_care(
        &self,
        request: Request<pb::VerifyPostpartumCareRequest>,
    ) -> Result<Response<pb::VerifyPostpartumCareResponse>, Status> {
        let (call, message) = self.open(path!("VerifyPostpartumCare"), request)?;
        let outcome = self.verify_care(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn export_evidence(
        &self,
        request: Request<pb::ExportEvidenceRequest>,
    ) -> Result<Response<pb::ExportEvidenceResponse>, Status> {
        let (call, message) = self.open(path!("ExportEvidence"), request)?;
        let outcome = self.export(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn offer(
        &self,
        call: &Call,
        message: &pb::OfferHandoffRequest,
    ) -> Result<pb::OfferHandoffResponse, Refusal> {
        self.permit(call)?;
        let asked = match message.request_id.as_str() {
            "" => None,
            _ => Some(self.asked_for(call, &message.request_id).await?),
        };
        let drawn = parse::Drawn { handoff: self.gateway.random_bytes(), code: self.gateway.random_bytes() };
        let (key, resident_key, offer) =
            parse::offer(message, call.issuer()?, asked.as_ref(), &drawn, call.now)?;
        if let Some(asked) = &asked {
            ops::is_asked_for(&self.gateway, call, &resident_key, asked.says()).await?;
        }
        self.decode(ops::offer(&self.gateway, call, &key, resident_key, offer).await?)
    }

    async fn accept(
        &self,
        call: &Call,
        message: &pb::AcceptHandoffRequest,
    ) -> Result<pb::AcceptHandoffResponse, Refusal> {
        // At the counter the token says that she is there; the municipality's own purpose is implied.
        let permit = call.authorize(&self.gateway, Some(Purpose::Pubhlth))?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let code = <[u8; 16]>::try_from(message.code.as_slice()).ok();
        if !message.code.is_empty() {
            parse::required(&mut checked, "code", code);
        }
        let given = parse::required(&mut checked, "answers", wire::given(&message.answers));
        checked.finish()?;
        let ((key, id), given) = named.zip(given).ok_or_else(wrong)?;
        let code = code.map(OneTimeCode);
        self.decode(ops::accept(&self.gateway, call, &permit, &key, id, code, given).await?)
    }

    async fn decline(
        &self,
        call: &Call,
        message: &pb::DeclineHandoffRequest,
    ) -> Result<pb::DeclineHandoffResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let reason = parse::required(&mut checked, "reason", words::to_decline(message.reason));
        checked.finish()?;
        let ((key, id), reason) = named.zip(reason).ok_or_else(wrong)?;
        let kept = if self.is_home(call, id).await? {
            ops::refuse_request(&self.gateway, call, &key, id, reason).await?
        } else {
            ops::decline(&self.gateway, call, &key, id, reason).await?
        };
        self.decode(kept)
    }

    async fn withdraw(
        &self,
        call: &Call,
        message: &pb::WithdrawHandoffRequest,
    ) -> Result<pb::WithdrawHandoffResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let categories = parse::categories(&mut checked, &message.categories);
        checked.finish()?;
        let ((key, id), categories) = named.zip(categories).ok_or_else(wrong)?;
        let kept = match (self.is_home(call, id).await?, categories.is_empty()) {
            (true, true) => ops::withdraw(&self.gateway, call, &key, id).await?,
            (true, false) => ops::withdraw_consent(&self.gateway, call, &key, id, categories).await?,
            (false, true) => {
                return Err(Refusal::invalid_fields(vec![]).with_field("categories", Reason::Required));
            }
            (false, false) => ops::withdraw_consent_here(&self.gateway, call, &key, id, categories).await?,
        };
        self.decode(kept)
    }

    async fn hand_back(
        &self,
        call: &Call,
        message: &pb::ReturnHandoffRequest,
    ) -> Result<pb::ReturnHandoffResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let named = parse::named(&mut checked, &message.idempotency_key, &message.handoff_id);
        let duties = parse::duties(&mut checked, &message.duties);
        checked.finish()?;
        let ((key, id), duties) = named.zip(duties).ok_or_else(wrong)?;
        self.decode(ops::give_back(&self.gateway, call, &key, id, duties).await?)
    }

    async fn close(
        &self,
        call: &Call,
        message: &pb::CloseHandoffRequest,
    ) -> Result<pb::CloseHandoffResponse, Refusal> {
        self.permit(call)?;
        let (key, id) = parse::only_named(&message.idempotency_key, &message.handoff_id)?;
        self.decode(ops::close(&self.gateway, call, &key, id).await?)
    }

    async fn confirm_accept(
        &self,
        call: &Call,
        message: &pb::ConfirmHandoffRequest,
    ) -> Result<pb::ConfirmHandoffResponse, Refusal> {
        self.permit(call)?;
        let (key, id) = parse::only_named(&message.idempotency_key, &message.handoff_id)?;
        self.decode(ops::confirm(&self.gateway, call, &key, id).await?)
    }

    async fn list_own_handoffs(&self, call: &Call) -> Result<pb::ListHandoffsResponse, Refusal> {
        self.permit(call)?;
        let today = tokyo_date(call.now);
        let render = move |handoffs: &[ops::Listed], requests: &[ops::Requested], has_more| {
            answer::list(handoffs, requests, has_more, today)
        };
        let (mut response, proof) = ops::list(&self.gateway, call, render).await?.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }

    /// Whether the caller is home of a handoff. Of one that it has no part in it is neither, and hears so from the step.
    async fn is_home(&self, call: &Call, id: HandoffId) -> Result<bool, Refusal> {
        let found = self.gateway.store.reader().handoff(id, Side::Home).await;
        let found = found.map_err(|fault| unavailable(&fault))?;
        Ok(found.is_some_and(|stored| stored.municipality == call.short()))
    }
}

/// A field was missing although none was wrong: our mistake.
fn wrong() -> Refusal {
    Refusal::new(Reason::Internal)
}
