//! A municipality's feed of its residents' doses, each message checked against its receipt.

use pmh_audit::Verified;
use pmh_audit::registry::Method;
use pmh_proto::StrictCodec;
use pmh_proto::vaccination::{
    ListClaimLinesRequest, ListClaimLinesResponse, WatchDosesRequest, WatchDosesResponse,
};
use prost::Message;
use tonic::Streaming;

use crate::call::Receipted;
use crate::error::Error;
use crate::gateway::{Gateway, failure};
use crate::receipt::{Expected, check, check_answer, check_subject, digest, response_digest};

/// Recorded messages about persons, one after the other.
#[derive(Debug)]
pub struct DoseStream<R> {
    gateway: Gateway,
    method: Method,
    request: [u8; 32],
    messages: Streaming<R>,
}

/// A recorded message that names its person.
pub trait AboutPerson: Receipted {
    /// The person as the caller knows them.
    fn subject(&self) -> &str;
}

impl AboutPerson for WatchDosesResponse {
    fn subject(&self) -> &str {
        &self.subject
    }
}

impl AboutPerson for ListClaimLinesResponse {
    fn subject(&self) -> &str {
        &self.subject
    }
}

impl Gateway {
    /// What others write about the caller's residents. A stream that breaks is taken up again with the last cursor.
    pub async fn watch_doses(
        &self,
        request: &WatchDosesRequest,
    ) -> Result<DoseStream<WatchDosesResponse>, Error> {
        self.stream_doses("/pmh.vaccination.v1.VaccinationService/WatchDoses", Method::WATCH_DOSES, request)
            .await
    }

    /// The claim lines of a period.
    pub async fn list_claim_lines(
        &self,
        request: &ListClaimLinesRequest,
    ) -> Result<DoseStream<ListClaimLinesResponse>, Error> {
        let path = "/pmh.vaccination.v1.VaccinationService/ListClaimLines";
        self.stream_doses(path, Method::LIST_CLAIM_LINES, request).await
    }

    async fn stream_doses<Q: Message + Clone + 'static, R: AboutPerson>(
        &self,
        path: &'static str,
        method: Method,
        request: &Q,
    ) -> Result<DoseStream<R>, Error> {
        let mut grpc = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static(path);
        let codec = StrictCodec::<Q, R>::default();
        let sent = grpc.server_streaming(tonic::Request::new(request.clone()), path, codec).await;
        let messages = sent.map_err(failure)?.into_inner();
        Ok(DoseStream { gateway: self.clone(), method, request: digest(request), messages })
    }
}

impl<R: AboutPerson> DoseStream<R> {
    /// The next message with its proof; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<(R, Verified)>, Error> {
        let Some(mut message) = self.messages.message().await.map_err(failure)? else { return Ok(None) };
        let expected = Expected {
            requester: self.gateway.identity().organization(),
            method: self.method,
            request: self.request,
            response: response_digest(&message),
        };
        let receipt = message.take_receipt();
        let proof = check(receipt.as_ref(), &self.gateway.keys().gateway, &expected)?;
        check_answer(&proof)?;
        check_subject(&proof, message.subject())?;
        message.set_receipt(receipt);
        Ok(Some((message, proof)))
    }
}
