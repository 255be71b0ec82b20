//! `pmh.checkup.v1.CheckupService`.

mod answer;
mod follow_ups;
pub(super) mod parse;
mod reading;
mod record;

pub(super) use answer::record;

use std::sync::Arc;

use pmh_auth::{names::Role, policy::Permit};
use pmh_proto::{
    checkup::{self as pb, checkup_service_server::CheckupService},
    common::{BulkSummary, Reason, RowResult},
};
use prost::Message as _;
use tonic::{Request, Response, Status, Streaming};

use super::{
    bulk::{self, Answers, BulkAnswer},
    fields::Fields,
    service::Service,
    status::Refusal,
};
use crate::ops::{
    Call,
    bulk::RowReport,
    checkup::{self as ops, PushStream},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.checkup.v1.CheckupService/", $method)
    };
}

#[tonic::async_trait]
impl CheckupService for Service {
    type PushCheckupsStream = Answers<pb::PushCheckupsResponse>;

    async fn push_checkups(
        &self,
        request: Request<Streaming<pb::PushCheckupsRequest>>,
    ) -> Result<Response<Self::PushCheckupsStream>, Status> {
        let (metadata, extensions, mut stream) = request.into_parts();
        let call = self.call(path!("PushCheckups"), &metadata, &extensions, [0; 32])?;
        let opened = match self.permit(&call) {
            Ok(permit) => bulk::header(&mut stream, parse::item).await.map(|batch| (permit, batch)),
            Err(refusal) => Err(refusal),
        };
        let (permit, batch) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.answer(&call, Err(refusal)).await,
        };
        let push = Arc::new(PushStream::new(batch));
        let (service, rows_of) = (self.clone(), Arc::clone(&push));
        let put = move |call: Call, rows| {
            let (service, permit, push) = (service.clone(), permit.clone(), Arc::clone(&rows_of));
            async move { service.push_rows(&call, &permit, &push, rows).await }
        };
        let service = self.clone();
        let end = move |call: Call, summary| async move { service.end_batch(&call, &push, summary).await };
        Ok(Response::new(bulk::serve_to_the_end(self.clone(), call, stream, parse::item, put, end)))
    }

    async fn confirm_batch(
        &self,
        request: Request<pb::ConfirmBatchRequest>,
    ) -> Result<Response<pb::ConfirmBatchResponse>, Status> {
        let (call, message) = self.open(path!("ConfirmBatch"), request)?;
        let outcome = self.confirm(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn undo_batch(
        &self,
        request: Request<pb::UndoBatchRequest>,
    ) -> Result<Response<pb::UndoBatchResponse>, Status> {
        let (call, message) = self.open(path!("UndoBatch"), request)?;
        let outcome = self.undo(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn record_checkup(
        &self,
        request: Request<pb::RecordCheckupRequest>,
    ) -> Result<Response<pb::RecordCheckupResponse>, Status> {
        let (call, message) = self.open(path!("RecordCheckup"), request)?;
        let outcome = self.examined(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_checkups(
        &self,
        request: Request<pb::ListCheckupsRequest>,
    ) -> Result<Response<pb::ListCheckupsResponse>, Status> {
        let (call, message) = self.open(path!("ListCheckups"), request)?;
        let outcome = self.read_page(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn get_checkup(
        &self,
        request: Request<pb::GetCheckupRequest>,
    ) -> Result<Response<pb::GetCheckupResponse>, Status> {
        let (call, message) = self.open(path!("GetCheckup"), request)?;
        let outcome = self.read_one(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_follow_ups(
        &self,
        request: Request<pb::ListFollowUpsRequest>,
    ) -> Result<Response<pb::ListFollowUpsResponse>, Status> {
        let (call, message) = self.open(path!("ListFollowUps"), request)?;
        let outcome = self.open_follow_ups(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn close_follow_up(
        &self,
        request: Request<pb::CloseFollowUpRequest>,
    ) -> Result<Response<pb::CloseFollowUpResponse>, Status> {
        let (call, message) = self.open(path!("CloseFollowUp"), request)?;
        let outcome = self.end_follow_up(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_urgent_cases(
        &self,
        request: Request<pb::ListUrgentCasesRequest>,
    ) -> Result<Response<pb::ListUrgentCasesResponse>, Status> {
        let (call, message) = self.open(path!("ListUrgentCases"), request)?;
        let outcome = self.list_cases(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn acknowledge_urgent_case(
        &self,
        request: Request<pb::AcknowledgeUrgentCaseRequest>,
    ) -> Result<Response<pb::AcknowledgeUrgentCaseResponse>, Status> {
        let (call, message) = self.open(path!("AcknowledgeUrgentCase"), request)?;
        let outcome = self.acknowledge_case(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl BulkAnswer for pb::PushCheckupsResponse {
    fn rows(&self) -> &[RowResult] {
        &self.rows
    }

    fn last(summary: BulkSummary) -> Self {
        let summary = pb::PushSummary { rows: Some(summary), ..Default::default() };
        Self { summary: Some(summary), ..Self::default() }
    }
}

impl Service {
    async fn push_rows(
        &self,
        call: &Call,
        permit: &Permit,
        stream: &PushStream,
        rows: Vec<pb::CheckupRow>,
    ) -> Result<pb::PushCheckupsResponse, Refusal> {
        if permit.role() == Role::Clinic {
            let rows = parse::visits(rows)?;
            let encode = |reports: &[RowReport]| answer::chunk(reports, &[]).encode_to_vec();
            return self.decode(ops::push_visits(&self.gateway, call, permit, stream, rows, encode).await?);
        }
        let rows = parse::rows(rows)?;
        let encode = |reports: &[RowReport], changes: &[(usize, Vec<String>)]| {
            answer::chunk(reports, changes).encode_to_vec()
        };
        self.decode(ops::push_rows(&self.gateway, call, permit, stream, rows, encode).await?)
    }

    async fn end_batch(
        &self,
        call: &Call,
        stream: &PushStream,
        rows: BulkSummary,
    ) -> Result<pb::PushCheckupsResponse, Refusal> {
        let render = move |ended: &_| answer::ended(rows, ended).encode_to_vec();
        self.decode(ops::end_batch(&self.gateway, call, stream, render).await?)
    }

    async fn confirm(
        &self,
        call: &Call,
        message: &pb::ConfirmBatchRequest,
    ) -> Result<pb::ConfirmBatchResponse, Refusal> {
        self.permit(call)?;
        let (key, batch_id) = keyed(&message.idempotency_key, "batch_id", &message.batch_id)?;
        let render = |(): &()| {
            let state = pb::BatchState::Accepted.into();
            pb::ConfirmBatchResponse { state, receipt: None }.encode_to_vec()
        };
        self.decode(ops::confirm_batch(&self.gateway, call, &key, batch_id, render).await?)
    }

    async fn undo(
        &self,
        call: &Call,
        message: &pb::UndoBatchRequest,
    ) -> Result<pb::UndoBatchResponse, Refusal> {
        self.permit(call)?;
        let (key, batch_id) = keyed(&message.idempotency_key, "batch_id", &message.batch_id)?;
        let render = |undone: &_| answer::undone(undone).encode_to_vec();
        self.decode(ops::undo_batch(&self.gateway, call, &key, batch_id, render).await?)
    }

    async fn list_cases(
        &self,
        call: &Call,
        message: &pb::ListUrgentCasesRequest,
    ) -> Result<pb::ListUrgentCasesResponse, Refusal> {
        self.permit(call)?;
        let render = |list: &_| answer::cases(list).encode_to_vec();
        self.decode(ops::list_urgent_cases(&self.gateway, call, message.include_read, render).await?)
    }

    async fn acknowledge_case(
        &self,
        call: &Call,
        message: &pb::AcknowledgeUrgentCaseRequest,
    ) -> Result<pb::AcknowledgeUrgentCaseResponse, Refusal> {
        self.permit(call)?;
        let (key, case_id) = keyed(&message.idempotency_key, "case_id", &message.case_id)?;
        let render = |case: &_, now_us| {
            let urgent_case = Some(answer::case(case, now_us));
            pb::AcknowledgeUrgentCaseResponse { urgent_case, receipt: None }.encode_to_vec()
        };
        self.decode(ops::acknowledge_urgent_case(&self.gateway, call, &key, case_id, render).await?)
    }
}

/// The caller's key, and the id of what it is about.
fn keyed(key: &str, path: &str, id: &str) -> Result<(String, String), Refusal> {
    let mut checked = Fields::default();
    let (key, id) = (checked.uuid("idempotency_key", key), checked.uuid(path, id));
    checked.finish()?;
    key.zip(id).ok_or_else(wrong)
}

/// A field was missing although none was wrong: our mistake.
fn wrong() -> Refusal {
    Refusal::new(Reason::Internal)
}

const MAX_KEY: usize = 100;
