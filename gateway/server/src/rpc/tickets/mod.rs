//! `pmh.checkup.v1.TicketService`.

mod answer;
pub(super) mod parse;
mod rows;

use pmh_auth::policy::Permit;
use pmh_proto::checkup::{self as pb, ticket_service_server::TicketService};
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
    tickets::{self as ops, Cover, SeenTicket},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.checkup.v1.TicketService/", $method)
    };
}

#[tonic::async_trait]
impl TicketService for Service {
    type PutTicketsStream = Answers<pb::PutTicketsResponse>;

    async fn put_tickets(
        &self,
        request: Request<Streaming<pb::PutTicketsRequest>>,
    ) -> Result<Response<Self::PutTicketsStream>, Status> {
        let (metadata, extensions, mut stream) = request.into_parts();
        let call = self.call(path!("PutTickets"), &metadata, &extensions, [0; 32])?;
        let opened = match self.permit(&call) {
            Ok(permit) => bulk::header(&mut stream, rows::item).await.map(|batch| (permit, batch)),
            Err(refusal) => Err(refusal),
        };
        let (permit, batch) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.answer(&call, Err(refusal)).await,
        };
        let service = self.clone();
        let put = move |call: Call, rows| {
            let (service, permit, batch) = (service.clone(), permit.clone(), batch.clone());
            async move { service.put_ticket_rows(&call, &permit, &batch, rows).await }
        };
        Ok(Response::new(bulk::serve(self.clone(), call, stream, rows::item, put)))
    }

    async fn list_tickets(
        &self,
        request: Request<pb::ListTicketsRequest>,
    ) -> Result<Response<pb::ListTicketsResponse>, Status> {
        let (call, message) = self.open(path!("ListTickets"), request)?;
        let outcome = self.tickets_of(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn use_ticket(
        &self,
        request: Request<pb::UseTicketRequest>,
    ) -> Result<Response<pb::UseTicketResponse>, Status> {
        let (call, message) = self.open(path!("UseTicket"), request)?;
        let outcome = self.use_up(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn release_ticket(
        &self,
        request: Request<pb::ReleaseTicketRequest>,
    ) -> Result<Response<pb::ReleaseTicketResponse>, Status> {
        let (call, message) = self.open(path!("ReleaseTicket"), request)?;
        let outcome = self.give_back(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn void_ticket(
        &self,
        request: Request<pb::VoidTicketRequest>,
    ) -> Result<Response<pb::VoidTicketResponse>, Status> {
        let (call, message) = self.open(path!("VoidTicket"), request)?;
        let outcome = self.take_back(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn put_ticket_rows(
        &self,
        call: &Call,
        permit: &Permit,
        batch: &Batch,
        rows: Vec<pb::TicketRow>,
    ) -> Result<pb::PutTicketsResponse, Refusal> {
        let rows = rows::parsed(call.issuer()?, rows)?;
        let encode = |reports: &[_]| {
            pb::PutTicketsResponse { rows: bulk::results(reports), ..Default::default() }.encode_to_vec()
        };
        self.decode(ops::put_tickets(&self.gateway, call, permit, batch, rows, encode).await?)
    }

    async fn tickets_of(
        &self,
        call: &Call,
        message: &pb::ListTicketsRequest,
    ) -> Result<pb::ListTicketsResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let resident = parse::optional(&mut checked, "resident_key", &message.resident_key);
        let place = parse::municipality(&mut checked, &message.institution_municipality);
        checked.finish()?;
        let render = |seen: &[SeenTicket]| answer::listed(seen).encode_to_vec();
        self.decode(ops::list_tickets(&self.gateway, call, &permit, resident, place, render).await?)
    }

    async fn use_up(
        &self,
        call: &Call,
        message: &pb::UseTicketRequest,
    ) -> Result<pb::UseTicketResponse, Refusal> {
        let permit = self.permit_about(call, message.purpose, &message.subject)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let visit = parse::visit(&mut checked, message);
        checked.finish()?;
        let (Some(key), Some(visit)) = (key, visit) else { return Err(parse::wrong()) };
        let render = |cover: &Cover| answer::cover(cover).encode_to_vec();
        self.decode(ops::use_ticket(&self.gateway, call, &permit, &key, &visit, render).await?)
    }

    async fn give_back(
        &self,
        call: &Call,
        message: &pb::ReleaseTicketRequest,
    ) -> Result<pb::ReleaseTicketResponse, Refusal> {
        let permit = self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let ticket = parse::ticket(&mut checked, &message.issuer, &message.number);
        let record = checked.identifier("record_id", &message.record_id, parse::MAX_ID);
        checked.finish()?;
        let (Some(key), Some(ticket), Some(record)) = (key, ticket, record) else {
            return Err(parse::wrong());
        };
        let render = || {
            let state = pb::TicketState::Issued.into();
            pb::ReleaseTicketResponse { state, receipt: None }.encode_to_vec()
        };
        self.decode(ops::release_ticket(&self.gateway, call, &permit, &key, ticket, &record, render).await?)
    }

    async fn take_back(
        &self,
        call: &Call,
        message: &pb::VoidTicketRequest,
    ) -> Result<pb::VoidTicketResponse, Refusal> {
        let permit = self.permit(call)?;
        let mut checked = Fields::default();
        let key = checked.uuid("idempotency_key", &message.idempotency_key);
        let number = checked.identifier("number", &message.number, parse::MAX_ID);
        checked.finish()?;
        let (Some(key), Some(number)) = (key, number) else { return Err(parse::wrong()) };
        let render = || {
            let state = pb::TicketState::Void.into();
            pb::VoidTicketResponse { state, receipt: None }.encode_to_vec()
        };
        self.decode(ops::void_ticket(&self.gateway, call, &permit, &key, number, render).await?)
    }
}
