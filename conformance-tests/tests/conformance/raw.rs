//! Bytes as a broken or hostile program sends them: below the client, on the same connection.

use http::uri::PathAndQuery;
use pmh_client::{Gateway, Refused};
use prost_types::Any;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Bytes;
use tonic::{Request, Status};

/// Sends bytes as the message of a method and returns the refusal, or the bytes of the answer.
pub(crate) async fn send(
    gateway: &Gateway,
    path: &'static str,
    message: Vec<u8>,
    token: Option<&str>,
) -> Result<Vec<u8>, Refused> {
    let mut grpc = tonic::client::Grpc::new(gateway.channel().clone());
    grpc.ready().await.unwrap();
    let mut request = Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let answer = grpc.unary(request, PathAndQuery::from_static(path), BytesCodec).await;
    answer.map(tonic::Response::into_inner).map_err(|status| read(&status))
}

/// The refusal in a status; every answer of the gateway must be one.
#[track_caller]
pub(crate) fn read(status: &Status) -> Refused {
    Refused::read(status).unwrap_or_else(|| panic!("a status without a reason: {status:?}"))
}

/// An encoded message with a field that no contract knows.
pub(crate) fn with_unknown_field(message: &impl prost::Message) -> Vec<u8> {
    let mut bytes = message.encode_to_vec();
    // Field 1000, one byte: what an extended client would send.
    prost::encoding::encode_key(1000, prost::encoding::WireType::Varint, &mut bytes);
    bytes.push(1);
    bytes
}

/// A message larger than any method takes.
pub(crate) fn oversized() -> Vec<u8> {
    use prost::Message as _;
    Any { type_url: "x".repeat(2 << 20), value: Vec::new() }.encode_to_vec()
}

#[derive(Debug, Clone, Copy)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put(buffer, Bytes::from(item));
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl Decoder for BytesCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = prost::bytes::Buf::remaining(buffer);
        Ok(Some(prost::bytes::Buf::copy_to_bytes(buffer, length).to_vec()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}
