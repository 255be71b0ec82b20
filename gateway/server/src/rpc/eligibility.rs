//! `pmh.eligibility.v1.EligibilityService`.

use std::collections::BTreeSet;

use pmh_domain::{
    codes::{LawNumber, SchemeGroup},
    eligibility::Chart,
    time::DateRange,
};
use pmh_proto::{
    common::Reason,
    eligibility::{
        self as pb, eligibility_service_server::EligibilityService, put_entitlements_request,
        verify_eligibility_request::Service as When,
    },
};
use prost::Message as _;
use tonic::{Request, Response, Status, Streaming};

use super::{
    bulk::{self, Answers, Item, Kept},
    convert,
    fields::{self, Fields},
    service::Service,
    status::Refusal,
};
use crate::ops::{
    self, Call,
    bulk::Batch,
    entitlements,
    verify::{Inquiry, verify_eligibility},
};

#[tonic::async_trait]
impl EligibilityService for Service {
    async fn verify_eligibility(
        &self,
        request: Request<pb::VerifyEligibilityRequest>,
    ) -> Result<Response<pb::VerifyEligibilityResponse>, Status> {
        let (call, message) =
            self.open("/pmh.eligibility.v1.EligibilityService/VerifyEligibility", request)?;
        let outcome = self.verify(&call, message).await;
        self.answer(&call, outcome).await
    }

    type PutEntitlementsStream = Answers<pb::PutEntitlementsResponse>;

    async fn put_entitlements(
        &self,
        request: Request<Streaming<pb::PutEntitlementsRequest>>,
    ) -> Result<Response<Self::PutEntitlementsStream>, Status> {
        let (metadata, extensions, mut stream) = request.into_parts();
        let path = "/pmh.eligibility.v1.EligibilityService/PutEntitlements";
        let call = self.call(path, &metadata, &extensions, [0; 32])?;
        let opened = match self.permit(&call) {
            Ok(permit) => bulk::header(&mut stream, item).await.map(|batch| (permit, batch)),
            Err(refusal) => Err(refusal),
        };
        let (permit, batch) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.answer(&call, Err(refusal)).await,
        };
        let service = self.clone();
        let put = move |call: Call, rows| {
            let (service, permit, batch) = (service.clone(), permit.clone(), batch.clone());
            async move { service.put_rows(&call, &permit, &batch, rows).await }
        };
        Ok(Response::new(bulk::serve(self.clone(), call, stream, item, put)))
    }

    async fn list_entitlements(
        &self,
        request: Request<pb::ListEntitlementsRequest>,
    ) -> Result<Response<pb::ListEntitlementsResponse>, Status> {
        let (call, message) =
            self.open("/pmh.eligibility.v1.EligibilityService/ListEntitlements", request)?;
        let outcome = self.list(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn advance_watermark(
        &self,
        request: Request<pb::AdvanceWatermarkRequest>,
    ) -> Result<Response<pb::AdvanceWatermarkResponse>, Status> {
        let (call, message) =
            self.open("/pmh.eligibility.v1.EligibilityService/AdvanceWatermark", request)?;
        let outcome = self.advance(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn verify(
        &self,
        call: &Call,
        message: pb::VerifyEligibilityRequest,
    ) -> Result<pb::VerifyEligibilityResponse, Refusal> {
        let permit = call.authorize(&self.gateway, fields::purpose(message.purpose))?;
        let inquiry = inquiry(message)?;
        let recorded = verify_eligibility(&self.gateway, call, permit, inquiry, convert::answer).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }

    async fn put_rows(
        &self,
        call: &Call,
        permit: &pmh_auth::policy::Permit,
        batch: &Batch,
        rows: Vec<pb::EntitlementRow>,
    ) -> Result<pb::PutEntitlementsResponse, Refusal> {
        let rows: Result<Vec<_>, _> = rows
            .into_iter()
            .map(|row| {
                let row_id = row.row_id.clone();
                let unknown = convert::unknown_words(&row);
                bulk::received(row, &row_id, unknown, convert::raw_entitlement)
            })
            .collect();
        let encode = |reports: &[ops::bulk::RowReport]| {
            pb::PutEntitlementsResponse { rows: bulk::results(reports), ..Default::default() }.encode_to_vec()
        };
        let kept: Kept = entitlements::put_chunk(&self.gateway, call, permit, batch, &rows?, encode).await?;
        self.decode(kept)
    }

    async fn list(
        &self,
        call: &Call,
        message: &pb::ListEntitlementsRequest,
    ) -> Result<pb::ListEntitlementsResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let resident_key = checked.identifier("resident_key", &message.resident_key, 100);
        checked.finish()?;
        let encode = |versions: &[pmh_domain::entitlement::Entitlement]| {
            let entitlements = versions.iter().map(convert::version).collect();
            pb::ListEntitlementsResponse { entitlements, receipt: None }.encode_to_vec()
        };
        let kept = entitlements::list(&self.gateway, call, resident_key.unwrap_or_default(), encode).await?;
        self.decode(kept)
    }

    async fn advance(
        &self,
        call: &Call,
        message: &pb::AdvanceWatermarkRequest,
    ) -> Result<pb::AdvanceWatermarkResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let law_no = checked.code("law_no", &message.law_no, LawNumber::parse);
        let as_of = match &message.as_of {
            None => {
                checked.wrong("as_of", Reason::Required);
                None
            }
            Some(as_of) => convert::to_micros(as_of).or_else(|| {
                checked.wrong("as_of", Reason::Date);
                None
            }),
        };
        checked.finish()?;
        let (Some(key), Some(law_no), Some(as_of)) = (key, law_no, as_of) else {
            return Err(Refusal::new(Reason::Internal));
        };
        let encode = move || {
            pb::AdvanceWatermarkResponse { as_of: Some(convert::micros(as_of)), receipt: None }
                .encode_to_vec()
        };
        let kept = entitlements::advance_watermark(&self.gateway, call, &key, law_no, as_of, encode).await?;
        self.decode(kept)
    }
}

fn item(message: pb::PutEntitlementsRequest) -> Item<pb::EntitlementRow> {
    match message.item {
        Some(put_entitlements_request::Item::Header(header)) => Item::Header(header),
        Some(put_entitlements_request::Item::Row(row)) => Item::Row(row),
        None => Item::Nothing,
    }
}

fn inquiry(message: pb::VerifyEligibilityRequest) -> Result<Inquiry, Refusal> {
    let mut checked = Fields::default();
    let period = period(&mut checked, message.service.as_ref());
    let care = convert::to_care(message.care_type);
    if pb::CareType::try_from(message.care_type).is_err() {
        checked.wrong("care_type", Reason::Value);
    }
    let groups = groups(&mut checked, &message.groups);
    let chart = message.chart.unwrap_or_default();
    let birth_date = checked.optional_date("chart.birth_date", &chart.birth_date);
    if pmh_proto::common::Sex::try_from(chart.sex).is_err() {
        checked.wrong("chart.sex", Reason::Value);
    }
    if message.if_version.len() > MAX_VERSION {
        checked.wrong("if_version", Reason::Width);
    }
    if pmh_domain::codes::looks_like_individual_number(&message.if_version) {
        checked.wrong("if_version", Reason::IndividualNumberForbidden);
    }
    if pmh_domain::codes::looks_like_individual_number(&message.subject) {
        checked.wrong("subject", Reason::IndividualNumberForbidden);
    }
    checked.finish()?;
    Ok(Inquiry {
        period: period.ok_or_else(|| Refusal::new(Reason::Internal))?,
        care,
        groups,
        chart: Chart { birth_date, sex: convert::sex(chart.sex) },
        if_version: (!message.if_version.is_empty()).then_some(message.if_version),
        subject: (!message.subject.is_empty()).then_some(message.subject),
    })
}

fn period(checked: &mut Fields, service: Option<&When>) -> Option<DateRange> {
    match service {
        None => {
            checked.wrong("date", Reason::Required);
            None
        }
        Some(When::Date(date)) => checked.date("date", date).map(DateRange::day),
        Some(When::Period(period)) => {
            let from = checked.date("period.from", &period.from);
            let to = checked.date("period.to", &period.to);
            let Ok(range) = DateRange::new(from?, to?) else {
                checked.wrong("period.to", Reason::IntervalReversed);
                return None;
            };
            if range.days() > LONGEST_PERIOD {
                checked.wrong("period", Reason::DateOutOfRange);
                return None;
            }
            Some(range)
        }
    }
}

fn groups(checked: &mut Fields, groups: &[String]) -> BTreeSet<SchemeGroup> {
    if groups.len() > MAX_GROUPS {
        checked.wrong("groups", Reason::Width);
    }
    let parse = |(position, group): (usize, &String)| {
        checked.code(&format!("groups[{position}]"), group, SchemeGroup::parse)
    };
    groups.iter().enumerate().take(MAX_GROUPS).filter_map(parse).collect()
}

const LONGEST_PERIOD: i32 = 366;
const MAX_GROUPS: usize = 64;
const MAX_VERSION: usize = 64;
