//! What another gateway says to this one.

use pmh_proto::{
    common::Reason,
    handoff::{self as pb, handoff_peer_service_server::HandoffPeerService},
};
use tonic::{Request, Response, Status};

use super::{
    super::{fields::Fields, service::Service, status::Refusal},
    answer, parse, wire, words, wrong,
};
use crate::ops::{Call, handoff as ops};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.handoff.v1.HandoffPeerService/", $method)
    };
}

#[tonic::async_trait]
impl HandoffPeerService for Service {
    async fn deliver(
        &self,
        request: Request<pb::DeliverRequest>,
    ) -> Result<Response<pb::DeliverResponse>, Status> {
        let (call, message) = self.open(path!("Deliver"), request)?;
        let outcome = self.take(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn read_records(
        &self,
        request: Request<pb::ReadRecordsRequest>,
    ) -> Result<Response<pb::ReadRecordsResponse>, Status> {
        let (call, message) = self.open(path!("ReadRecords"), request)?;
        let outcome = self.disclose(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn take(&self, call: &Call, request: &pb::DeliverRequest) -> Result<pb::DeliverResponse, Refusal> {
        self.permit(call)?;
        let message = wire::received(request).ok_or_else(|| Refusal::new(Reason::ProofInvalid))?;
        let mut response: pb::DeliverResponse =
            self.decode(ops::receive(&self.gateway, call, &message).await?)?;
        close_subject(response.receipt.as_mut());
        Ok(response)
    }

    async fn disclose(
        &self,
        call: &Call,
        request: &pb::ReadRecordsRequest,
    ) -> Result<pb::ReadRecordsResponse, Refusal> {
        self.permit(call)?;
        let mut checked = Fields::default();
        let id = parse::id(&mut checked, &request.handoff_id);
        let category = parse::required(&mut checked, "category", words::to_category(request.category));
        let duty = words::to_duty(request.duty);
        if request.duty != 0 {
            parse::required(&mut checked, "duty", duty);
        }
        checked.finish()?;
        let (handoff, category) = id.zip(category).ok_or_else(wrong)?;
        let child = u8::try_from(request.child).map_err(|_| Refusal::new(Reason::ConsentRequired))?;
        let guest = ops::Guest { handoff, category, child, duty };
        if request.still_open {
            return ops::is_open(&self.gateway, call, guest)
                .await
                .map(|()| pb::ReadRecordsResponse::default());
        }
        let mut response: pb::ReadRecordsResponse =
            self.decode(ops::disclose(&self.gateway, call, guest, answer::at_home).await?)?;
        close_subject(response.receipt.as_mut());
        Ok(response)
    }
}

/// The two sides share no name of the person, not even the one that this gateway would use before the other.
fn close_subject(receipt: Option<&mut pmh_proto::audit::Receipt>) {
    if let Some(receipt) = receipt {
        receipt.subject = None;
    }
}
