//! `pmh.vaccination.v1.VaccinationService`.

mod answer;
mod parse;
mod rows;
mod streams;

pub(super) use answer::dose;

use pmh_auth::policy::Permit;
use pmh_proto::{
    common::Reason,
    vaccination::{self as pb, vaccination_service_server::VaccinationService},
};
use prost::Message as _;
use tonic::{Request, Response, Status, Streaming};

use super::{
    bulk::{self, Answers},
    fields::Fields,
    service::Service,
    status::Refusal,
};
use crate::ops::{
    Call,
    bulk::Batch,
    vaccination::{self as ops, Correction, ForecastOf, Told, Wish},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.vaccination.v1.VaccinationService/", $method)
    };
}

/// A bulk stream of this service: header, chunks, summary.
macro_rules! serve_rows {
    ($service:expr, $path:expr, $request:expr, $item:path, $put:ident) => {{
        let (metadata, extensions, mut stream) = $request.into_parts();
        let call = $service.call($path, &metadata, &extensions, [0; 32])?;
        let opened = match $service.permit(&call) {
            Ok(permit) => bulk::header(&mut stream, $item).await.map(|batch| (permit, batch)),
            Err(refusal) => Err(refusal),
        };
        let (permit, batch) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return $service.answer(&call, Err(refusal)).await,
        };
        let service = $service.clone();
        let put = move |call: Call, rows| {
            let (service, permit, batch) = (service.clone(), permit.clone(), batch.clone());
            async move { service.$put(&call, &permit, &batch, rows).await }
        };
        Ok(Response::new(bulk::serve($service.clone(), call, stream, $item, put)))
    }};
}

#[tonic::async_trait]
impl VaccinationService for Service {
    type PutAuthorizationsStream = Answers<pb::PutAuthorizationsResponse>;

    async fn put_authorizations(
        &self,
        request: Request<Streaming<pb::PutAuthorizationsRequest>>,
    ) -> Result<Response<Self::PutAuthorizationsStream>, Status> {
        serve_rows!(
            self,
            path!("PutAuthorizations"),
            request,
            rows::authorization_item,
            put_authorization_rows
        )
    }

    type PutDosesStream = Answers<pb::PutDosesResponse>;

    async fn put_doses(
        &self,
        request: Request<Streaming<pb::PutDosesRequest>>,
    ) -> Result<Response<Self::PutDosesStream>, Status> {
        serve_rows!(self, path!("PutDoses"), request, rows::dose_item, put_dose_rows)
    }

    async fn evaluate_dose(
        &self,
        request: Request<pb::EvaluateDoseRequest>,
    ) -> Result<Response<pb::EvaluateDoseResponse>, Status> {
        let (call, message) = self.open(path!("EvaluateDose"), request)?;
        let outcome = self.evaluate(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn reserve_dose(
        &self,
        request: Request<pb::ReserveDoseRequest>,
    ) -> Result<Response<pb::ReserveDoseResponse>, Status> {
        let (call, message) = self.open(path!("ReserveDose"), request)?;
        let outcome = self.reserve(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn release_dose(
        &self,
        request: Request<pb::ReleaseDoseRequest>,
    ) -> Result<Response<pb::ReleaseDoseResponse>, Status> {
        let (call, message) = self.open(path!("ReleaseDose"), request)?;
        let outcome = self.release(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn record_dose(
        &self,
        request: Request<pb::RecordDoseRequest>,
    ) -> Result<Response<pb::RecordDoseResponse>, Status> {
        let (call, message) = self.open(path!("RecordDose"), request)?;
        let outcome = self.record(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn amend_dose(
        &self,
        request: Request<pb::AmendDoseRequest>,
    ) -> Result<Response<pb::AmendDoseResponse>, Status> {
        let (call, message) = self.open(path!("AmendDose"), request)?;
        let outcome = self.amend(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn void_dose(
        &self,
        request: Request<pb::VoidDoseRequest>,
    ) -> Result<Response<pb::VoidDoseResponse>, Status> {
        let (call, message) = self.open(path!("VoidDose"), request)?;
        let outcome = self.void(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_doses(
        &self,
        request: Request<pb::ListDosesRequest>,
    ) -> Result<Response<pb::ListDosesResponse>, Status> {
        let (call, message) = self.open(path!("ListDoses"), request)?;
        let outcome = self.list_person(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn get_forecast(
        &self,
        request: Request<pb::GetForecastRequest>,
    ) -> Result<Response<pb::GetForecastResponse>, Status> {
        let (call, message) = self.open(path!("GetForecast"), request)?;
        let outcome = self.forecast(&call, &message).await;
        self.answer(&call, outcome).await
    }

    type WatchDosesStream = Answers<pb::WatchDosesResponse>;

    async fn watch_doses(
        &self,
        request: Request<pb::WatchDosesRequest>,
    ) -> Result<Response<Self::WatchDosesStream>, Status> {
        let (call, message) = self.open(path!("WatchDoses"), request)?;
        let outcome = self.watch(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn acknowledge_doses(
        &self,
        request: Request<pb::AcknowledgeDosesRequest>,
    ) -> Result<Response<pb::AcknowledgeDosesResponse>, Status> {
        let (call, message) = self.open(path!("AcknowledgeDoses"), request)?;
        let outcome = self.acknowledge(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn get_error_prevention_report(
        &self,
        request: Request<pb::GetErrorPreventionReportRequest>,
    ) -> Result<Response<pb::GetErrorPreventionReportResponse>, Status> {
        let (call, message) = self.open(path!("GetErrorPreventionReport"), request)?;
        let outcome = self.stopped(&call, &message).await;
        self.answer(&call, outcome).await
    }

    type ListClaimLinesStream = Answers<pb::ListClaimLinesResponse>;

    async fn list_claim_lines(
        &self,
        request: Request<pb::ListClaimLinesRequest>,
    ) -> Result<Response<Self::ListClaimLinesStream>, Status> {
        let (call, message) = self.open(path!("ListClaimLines"), request)?;
        let outcome = self.claim_lines(&call, &message);
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn evaluate(
        &self,
        call: &Call,
        message: &pb::EvaluateDoseRequest,
    ) -> Result<pb::EvaluateDoseResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let shot = parse::shot(&mut checked, message.shot.as_ref());
        checked.finish()?;
        let render = |judged: &ops::Judged| answer::evaluated(judged).encode_to_vec();
        let kept = ops::evaluate_dose(&self.gateway, call, &permit, shot.ok_or_else(wrong)?, render).await?;
        self.decode(kept)
    }

    async fn reserve(
        &self,
        call: &Call,
        message: &pb::ReserveDoseRequest,
    ) -> Result<pb::ReserveDoseResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let shot = parse::shot(&mut checked, message.shot.as_ref());
        let override_reason = parse::override_reason(&mut checked, message.doctor_override.as_ref());
        checked.finish()?;
        let (Some(idempotency_key), Some(shot)) = (key, shot) else { return Err(wrong()) };
        let wish = Wish { idempotency_key, shot, override_reason };
        let render = |judged: &ops::Judged| answer::reserved(judged).encode_to_vec();
        self.decode(ops::reserve_dose(&self.gateway, call, &permit, wish, render).await?)
    }

    async fn release(
        &self,
        call: &Call,
        message: &pb::ReleaseDoseRequest,
    ) -> Result<pb::ReleaseDoseResponse, Refusal> {
        let permit = self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let reservation = checked.uuid("reservation_id", &message.reservation_id);
        checked.finish()?;
        let (Some(key), Some(reservation)) = (key, reservation) else { return Err(wrong()) };
        let render = |released| pb::ReleaseDoseResponse { released, receipt: None }.encode_to_vec();
        self.decode(ops::release_dose(&self.gateway, call, &permit, &key, reservation, render).await?)
    }

    async fn record(
        &self,
        call: &Call,
        message: &pb::RecordDoseRequest,
    ) -> Result<pb::RecordDoseResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let told = parse::told(&mut checked, message);
        checked.finish()?;
        let told: Told = told.ok_or_else(wrong)?;
        let render = |recorded: &ops::RecordedDose| answer::recorded(recorded).encode_to_vec();
        self.decode(ops::record_dose(&self.gateway, call, &permit, told, render).await?)
    }

    async fn amend(
        &self,
        call: &Call,
        message: &pb::AmendDoseRequest,
    ) -> Result<pb::AmendDoseResponse, Refusal> {
        let permit = self.permit(call)?;
        let mut checked = Fields::default();
        let which = (&*message.idempotency_key, &*message.dose_id, message.version, &*message.reason);
        let correction = parse::correction(&mut checked, which);
        let to = parse::amended(&mut checked, message);
        checked.finish()?;
        let correction = Correction { to, ..correction.ok_or_else(wrong)? };
        let render = |dose: &_| {
            pb::AmendDoseResponse { dose: Some(answer::dose(dose)), receipt: None }.encode_to_vec()
        };
        self.decode(ops::correct_dose(&self.gateway, call, &permit, correction, render).await?)
    }

    async fn void(
        &self,
        call: &Call,
        message: &pb::VoidDoseRequest,
    ) -> Result<pb::VoidDoseResponse, Refusal> {
        let permit = self.permit(call)?;
        let mut checked = Fields::default();
        let which = (&*message.idempotency_key, &*message.dose_id, message.version, &*message.reason);
        let correction = parse::correction(&mut checked, which);
        checked.finish()?;
        let render =
            |dose: &_| pb::VoidDoseResponse { dose: Some(answer::dose(dose)), receipt: None }.encode_to_vec();
        let correction = correction.ok_or_else(wrong)?;
        self.decode(ops::correct_dose(&self.gateway, call, &permit, correction, render).await?)
    }

    async fn list_person(
        &self,
        call: &Call,
        message: &pb::ListDosesRequest,
    ) -> Result<pb::ListDosesResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let wanted = parse::dose_list(&mut checked, message);
        checked.finish()?;
        let render = |list: &ops::DoseList| answer::listed(list).encode_to_vec();
        self.decode(ops::list_doses(&self.gateway, call, &permit, wanted, render).await?)
    }

    async fn forecast(
        &self,
        call: &Call,
        message: &pb::GetForecastRequest,
    ) -> Result<pb::GetForecastResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let on = checked.date("date", &message.date);
        let resident = parse::optional(&mut checked, "resident_key", &message.resident_key, MAX_KEY);
        let due_date = checked.optional_date("due_date", &message.due_date);
        let policy = parse::policy(&mut checked, "age_policy", message.age_policy);
        let conditions = parse::conditions(&mut checked, "conditions", &message.conditions);
        checked.finish()?;
        let wanted = ForecastOf { on: on.ok_or_else(wrong)?, due_date, policy, conditions };
        let render = |due: &ops::DueList| answer::forecast(due).encode_to_vec();
        self.decode(ops::get_forecast(&self.gateway, call, &permit, resident, wanted, render).await?)
    }

    async fn acknowledge(
        &self,
        call: &Call,
        message: &pb::AcknowledgeDosesRequest,
    ) -> Result<pb::AcknowledgeDosesResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let cursor = parse::cursor(&mut checked, &message.cursor);
        if message.cursor.is_empty() {
            checked.wrong("cursor", Reason::Required);
        }
        checked.finish()?;
        let (Some(key), Some(cursor)) = (key, cursor) else { return Err(wrong()) };
        let render = |stands: u64| {
            pb::AcknowledgeDosesResponse { cursor: stands.to_string(), receipt: None }.encode_to_vec()
        };
        self.decode(ops::acknowledge_doses(&self.gateway, call, &key, cursor, render).await?)
    }

    async fn stopped(
        &self,
        call: &Call,
        message: &pb::GetErrorPreventionReportRequest,
    ) -> Result<pb::GetErrorPreventionReportResponse, Refusal> {
        self.permit(call)?;
        let days = parse::days(message.days.as_ref(), LONGEST_REPORT)?;
        let recorded = ops::error_prevention_report(&self.gateway, call, days, answer::stopped).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }

    async fn put_dose_rows(
        &self,
        call: &Call,
        permit: &Permit,
        batch: &Batch,
        sent: Vec<pb::DoseRow>,
    ) -> Result<pb::PutDosesResponse, Refusal> {
        let rows = rows::doses(call, &self.gateway.vaccination.load(), sent)?;
        let encode = |reports: &[_]| {
            pb::PutDosesResponse { rows: bulk::results(reports), ..Default::default() }.encode_to_vec()
        };
        self.decode(ops::put_doses(&self.gateway, call, permit, batch, rows, encode).await?)
    }

    async fn put_authorization_rows(
        &self,
        call: &Call,
        permit: &Permit,
        batch: &Batch,
        sent: Vec<pb::AuthorizationRow>,
    ) -> Result<pb::PutAuthorizationsResponse, Refusal> {
        let rows = rows::authorizations(call, &self.gateway.vaccination.load(), sent)?;
        let encode = |reports: &[_]| {
            pb::PutAuthorizationsResponse { rows: bulk::results(reports), ..Default::default() }
                .encode_to_vec()
        };
        self.decode(ops::put_authorizations(&self.gateway, call, permit, batch, rows, encode).await?)
    }
}

/// A field was missing although none was wrong: our mistake.
fn wrong() -> Refusal {
    Refusal::new(Reason::Internal)
}

const MAX_KEY: usize = 100;
const LONGEST_REPORT: i32 = 366;
const LONGEST_CLAIMS: i32 = 92;
