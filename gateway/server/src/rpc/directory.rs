//! `pmh.directory.v1.OrganizationService`.

use pmh_domain::{
    codes::{LawNumber, looks_like_individual_number},
    directory::{Competence, RawCompetence},
    organization::{IssuerId, OrganizationId, OrganizationKind},
};
use pmh_proto::{
    common::{Reason, Text},
    directory::{self as pb, organization_service_server::OrganizationService},
    eligibility as elig,
};
use pmh_store::Organization;
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{convert, fields::Fields, service::Service, status::Refusal};
use crate::ops::{
    Call,
    directory::{Enrolment, enrol, put_competence},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.directory.v1.OrganizationService/", $method)
    };
}

#[tonic::async_trait]
impl OrganizationService for Service {
    async fn put_organization(
        &self,
        request: Request<pb::PutOrganizationRequest>,
    ) -> Result<Response<pb::PutOrganizationResponse>, Status> {
        let (call, message) = self.open(path!("PutOrganization"), request)?;
        let outcome = self.put_organization(&call, message).await;
        self.answer(&call, outcome).await
    }

    async fn get_organization(
        &self,
        request: Request<pb::GetOrganizationRequest>,
    ) -> Result<Response<pb::GetOrganizationResponse>, Status> {
        let (call, message) = self.open(path!("GetOrganization"), request)?;
        let outcome = self.get_organization(&call, &message);
        self.answer(&call, outcome).await
    }

    async fn list_organizations(
        &self,
        request: Request<pb::ListOrganizationsRequest>,
    ) -> Result<Response<pb::ListOrganizationsResponse>, Status> {
        let (call, message) = self.open(path!("ListOrganizations"), request)?;
        let outcome = self.permit(&call).map(|_| self.list_organizations(&message));
        self.answer(&call, outcome).await
    }

    async fn suspend_organization(
        &self,
        request: Request<pb::SuspendOrganizationRequest>,
    ) -> Result<Response<pb::SuspendOrganizationResponse>, Status> {
        let (call, message) = self.open(path!("SuspendOrganization"), request)?;
        let encode = |_| pb::SuspendOrganizationResponse::default().encode_to_vec();
        let outcome =
            self.enrol(&call, &message.idempotency_key, &message.urn, Enrolment::Suspend, encode).await;
        let outcome = outcome.and_then(|kept| self.decode(kept));
        self.answer(&call, outcome).await
    }

    async fn resume_organization(
        &self,
        request: Request<pb::ResumeOrganizationRequest>,
    ) -> Result<Response<pb::ResumeOrganizationResponse>, Status> {
        let (call, message) = self.open(path!("ResumeOrganization"), request)?;
        let encode = |_| pb::ResumeOrganizationResponse::default().encode_to_vec();
        let outcome =
            self.enrol(&call, &message.idempotency_key, &message.urn, Enrolment::Resume, encode).await;
        let outcome = outcome.and_then(|kept| self.decode(kept));
        self.answer(&call, outcome).await
    }

    async fn put_competence(
        &self,
        request: Request<pb::PutCompetenceRequest>,
    ) -> Result<Response<pb::PutCompetenceResponse>, Status> {
        let (call, message) = self.open(path!("PutCompetence"), request)?;
        let outcome = self.put_competence(&call, message).await;
        self.answer(&call, outcome).await
    }

    async fn list_competences(
        &self,
        request: Request<pb::ListCompetencesRequest>,
    ) -> Result<Response<pb::ListCompetencesResponse>, Status> {
        let (call, message) = self.open(path!("ListCompetences"), request)?;
        let outcome = self.list_competences(&call, &message);
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn put_organization(
        &self,
        call: &Call,
        message: pb::PutOrganizationRequest,
    ) -> Result<pb::PutOrganizationResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let asked = message.organization.unwrap_or_default();
        let id = organization(&mut checked, "organization.urn", &asked.urn);
        let name = checked.identifier("organization.name", &asked.name, 100);
        match (&id, asked.kind) {
            (_, 0) => checked.wrong("organization.kind", Reason::Required),
            (Some(id), asked) if kind(id.kind()) as i32 != asked => {
                checked.wrong("organization.kind", Reason::Value);
            }
            _ => {}
        }
        checked.finish()?;
        let (Some(key), Some(id), Some(name)) = (key, id, name) else {
            return Err(Refusal::new(Reason::Internal));
        };
        let enrolled = (id.clone(), name.clone());
        // To enrol again renames and resumes nobody.
        let suspended =
            self.gateway.registry().organizations.get(&id.to_string()).is_some_and(|known| known.suspended);
        let encode = move |update_us| {
            let (id, name) = &enrolled;
            let organization = Organization { id: id.to_string(), name: name.clone(), suspended, update_us };
            pb::PutOrganizationResponse { organization: Some(to_proto(&organization)), receipt: None }
                .encode_to_vec()
        };
        let kept =
            enrol(&self.gateway, call, &key, Enrolment::Put { organization: id, name }, encode).await?;
        self.decode(kept)
    }

    async fn enrol(
        &self,
        call: &Call,
        key: &str,
        urn: &str,
        what: impl FnOnce(OrganizationId) -> Enrolment,
        encode: impl Fn(i64) -> Vec<u8> + Send + 'static,
    ) -> Result<(Vec<u8>, Option<pmh_audit::Receipt>), Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", key);
        let id = organization(&mut checked, "urn", urn);
        checked.finish()?;
        let (Some(key), Some(id)) = (key, id) else { return Err(Refusal::new(Reason::Internal)) };
        enrol(&self.gateway, call, &key, what(id), encode).await
    }

    fn get_organization(
        &self,
        call: &Call,
        message: &pb::GetOrganizationRequest,
    ) -> Result<pb::GetOrganizationResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let id = organization(&mut checked, "urn", &message.urn);
        checked.finish()?;
        let registry = self.gateway.registry();
        let found = id.and_then(|id| registry.organizations.get(&id.to_string()).map(to_proto));
        let organization = Some(found.ok_or_else(|| Refusal::new(Reason::NotFound))?);
        Ok(pb::GetOrganizationResponse { organization })
    }

    fn list_organizations(&self, message: &pb::ListOrganizationsRequest) -> pb::ListOrganizationsResponse {
        let page = usize::try_from(message.page_size).unwrap_or(0);
        let page = if page == 0 { DEFAULT_PAGE } else { page.min(LARGEST_PAGE) };
        let registry = self.gateway.registry();
        let wanted = |known: &&Organization| {
            let of_kind = message.kind == 0 || to_proto(known).kind == message.kind;
            of_kind && known.id > message.page_token
        };
        let mut found: Vec<&Organization> =
            registry.organizations.values().filter(wanted).take(page + 1).collect();
        let more = found.len() > page;
        found.truncate(page);
        let next = found.last().filter(|_| more).map(|known| known.id.clone());
        pb::ListOrganizationsResponse {
            organizations: found.into_iter().map(to_proto).collect(),
            next_page_token: next.unwrap_or_default(),
        }
    }

    async fn put_competence(
        &self,
        call: &Call,
        message: pb::PutCompetenceRequest,
    ) -> Result<pb::PutCompetenceResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let asked = message.competence.unwrap_or_default();
        let issuer = organization(&mut checked, "competence.issuer", &asked.issuer)
            .and_then(|id| id.issuer().map_err(|_| checked.wrong("competence.issuer", Reason::Value)).ok());
        if elig::Area::try_from(asked.area).is_err() {
            checked.wrong("competence.area", Reason::Value);
        }
        checked.finish()?;
        let (Some(key), Some(issuer)) = (key, issuer) else { return Err(Refusal::new(Reason::Internal)) };
        let name = asked.name.unwrap_or_default();
        let raw = RawCompetence {
            law_no: asked.law_no,
            name_ja: name.ja,
            name_en: name.en,
            since: asked.since,
            until: asked.until,
            payer_numbers: convert::bounded(asked.payer_numbers),
            area: convert::to_area(asked.area),
            twelve_digit_recipients: asked.twelve_digit_recipient_numbers,
        };
        let encode = |competence: &Competence| {
            pb::PutCompetenceResponse { competence: Some(competence_to_proto(competence)), receipt: None }
                .encode_to_vec()
        };
        let kept = put_competence(&self.gateway, call, &key, issuer, &raw, encode).await?;
        self.decode(kept)
    }

    fn list_competences(
        &self,
        call: &Call,
        message: &pb::ListCompetencesRequest,
    ) -> Result<pb::ListCompetencesResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let on = checked.optional_date("on", &message.on);
        let issuer = match message.issuer.as_str() {
            "" => None,
            issuer => IssuerId::parse(issuer).map_err(|_| checked.wrong("issuer", Reason::UnknownCode)).ok(),
        };
        checked.finish()?;
        let registry = self.gateway.registry();
        let wanted = |known: &&Competence| {
            issuer.is_none_or(|issuer| known.issuer == issuer) && on.is_none_or(|day| known.holds_on(day))
        };
        let competences = registry.directory.iter().filter(wanted).map(competence_to_proto).collect();
        Ok(pb::ListCompetencesResponse { competences })
    }
}

fn organization(checked: &mut Fields, path: &str, urn: &str) -> Option<OrganizationId> {
    if urn.is_empty() {
        checked.wrong(path, Reason::Required);
        return None;
    }
    let id = OrganizationId::parse_urn(urn).map_err(|_| checked.wrong(path, Reason::UnknownCode)).ok()?;
    if looks_like_individual_number(id.code()) {
        checked.wrong(path, Reason::IndividualNumberForbidden);
        return None;
    }
    Some(id)
}

fn to_proto(known: &Organization) -> pb::Organization {
    let kind_of = OrganizationId::parse_short(&known.id).map(|id| kind(id.kind()));
    pb::Organization {
        urn: format!("urn:x-pmh:org:{}", known.id),
        kind: kind_of.unwrap_or(pb::OrganizationKind::Unspecified).into(),
        name: known.name.clone(),
        suspended: known.suspended,
        update_time: Some(convert::micros(known.update_us)),
    }
}

fn competence_to_proto(known: &Competence) -> pb::Competence {
    let law_no: LawNumber = known.law_no();
    pb::Competence {
        issuer: known.issuer.organization().urn(),
        law_no: law_no.to_string(),
        group: known.group.to_string(),
        name: Some(Text { ja: known.name_ja.clone(), en: known.name_en.clone() }),
        since: known.interval.from().to_string(),
        until: known.interval.to().map(|date| date.to_string()).unwrap_or_default(),
        payer_numbers: known.payer_numbers.iter().map(ToString::to_string).collect(),
        twelve_digit_recipient_numbers: known.twelve_digit_recipients,
        area: convert::area(known.area).into(),
    }
}

fn kind(kind: OrganizationKind) -> pb::OrganizationKind {
    match kind {
        OrganizationKind::Clinic => pb::OrganizationKind::Clinic,
        OrganizationKind::Pharmacy => pb::OrganizationKind::Pharmacy,
        OrganizationKind::Municipality => pb::OrganizationKind::Municipality,
        OrganizationKind::Prefecture => pb::OrganizationKind::Prefecture,
        OrganizationKind::Auditor => pb::OrganizationKind::Auditor,
        OrganizationKind::App => pb::OrganizationKind::App,
        OrganizationKind::Witness => pb::OrganizationKind::Witness,
        OrganizationKind::Operator => pb::OrganizationKind::Operator,
        // A part of the gateway itself is not enrolled.
        OrganizationKind::Service => pb::OrganizationKind::Unspecified,
    }
}

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 500;
