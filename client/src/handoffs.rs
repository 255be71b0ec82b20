//! What happens to a municipality's handoffs, each message checked against its receipt.

use pmh_audit::Verified;
use pmh_audit::registry::Method;
use pmh_proto::StrictCodec;
use pmh_proto::handoff::{WatchHandoffsRequest, WatchHandoffsResponse};
use tonic::Streaming;

use crate::call::Receipted;
use crate::error::Error;
use crate::gateway::{Gateway, failure};
use crate::receipt::{Expected, check, check_answer, digest, response_digest};

/// Recorded changes, one after the other.
#[derive(Debug)]
pub struct HandoffStream {
    gateway: Gateway,
    request: [u8; 32],
    messages: Streaming<WatchHandoffsResponse>,
}

impl Gateway {
    /// Changes of the caller's handoffs. A stream that breaks is taken up again with the last cursor.
    pub async fn watch_handoffs(&self, request: &WatchHandoffsRequest) -> Result<HandoffStream, Error> {
        let mut grpc = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/pmh.handoff.v1.HandoffService/WatchHandoffs");
        let codec = StrictCodec::<WatchHandoffsRequest, WatchHandoffsResponse>::default();
        let sent = grpc.server_streaming(tonic::Request::new(request.clone()), path, codec).await;
        let messages = sent.map_err(failure)?.into_inner();
        Ok(HandoffStream { gateway: self.clone(), request: digest(request), messages })
    }
}

impl HandoffStream {
    /// The next message with its proof; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<(WatchHandoffsResponse, Verified)>, Error> {
        let Some(mut message) = self.messages.message().await.map_err(failure)? else { return Ok(None) };
        let expected = Expected {
            requester: self.gateway.identity().organization(),
            method: Method::WATCH_HANDOFFS,
            request: self.request,
            response: response_digest(&message),
        };
        let receipt = message.take_receipt();
        let proof = check(receipt.as_ref(), &self.gateway.keys().gateway, &expected)?;
        check_answer(&proof)?;
        message.set_receipt(receipt);
        Ok(Some((message, proof)))
    }
}
