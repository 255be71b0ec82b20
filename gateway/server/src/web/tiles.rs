//! Both logs as C2SP tlog-tiles: the gateway log's prefix is `/`, the auth log's is `/auth`.
//!
//! Hashes are for every organization. An entry bundle is for auditors, and each reading of one is an entry first; its
//! receipt travels in the header `pmh-receipt`, base64 of `pmh.audit.v1.Receipt`, whose detail part commits to SHA-256
//! of the path asked for and of the body.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{OriginalUri, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{
    HeaderValue, StatusCode, Uri,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use pmh_audit::tile::{Bundle, Tile, TilePath};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::{
    edge::{CallInfo, Peer},
    ops::{
        Call, Gateway,
        log::{
            self, Log,
            tiles::{BundleBytes, entry_bundle, hash_tile},
        },
    },
    rpc::{
        receipt,
        status::{Refusal, reason_name},
    },
};

/// The paths of both logs.
pub(super) fn routes(gateway: &Arc<Gateway>) -> Router {
    let of = |log| {
        Router::new()
            .route("/checkpoint", get(checkpoint))
            .route("/tile/{*place}", get(tile))
            .with_state(Tiles { gateway: Arc::clone(gateway), log })
    };
    of(Log::Gateway).nest("/auth", of(Log::Auth))
}

#[derive(Clone)]
struct Tiles {
    gateway: Arc<Gateway>,
    log: Log,
}

type Caller = (Extension<Arc<Peer>>, Extension<CallInfo>, OriginalUri);

impl Tiles {
    fn call(&self, (Extension(peer), Extension(info), OriginalUri(uri)): Caller, path: &'static str) -> Call {
        let request_sha256 = Sha256::digest(uri.path()).into();
        Call::new(&self.gateway, peer, info, path, &[], request_sha256)
    }

    async fn checkpoint(&self, call: &Call) -> Result<Response, Refusal> {
        call.authorize(&self.gateway, None)?;
        let note = log::checkpoint(&self.gateway, self.log).await?;
        Ok(([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")], note).into_response())
    }

    async fn hashes(&self, call: &Call, tile: Tile) -> Result<Response, Refusal> {
        call.authorize(&self.gateway, None)?;
        Ok(for_ever(hash_tile(&self.gateway, self.log, tile).await?))
    }

    async fn entries(&self, call: &Call, bundle: Bundle) -> Result<Response, Refusal> {
        call.authorize(&self.gateway, None)?;
        let recorded = entry_bundle(&self.gateway, call, self.log, bundle).await?;
        let (BundleBytes(bytes), proof) = recorded.into_parts();
        let mut response = for_ever(bytes);
        let proof = proof.map(|proof| {
            let mut proof = receipt::to_proto(proof);
            receipt::mark(&self.gateway, &mut proof);
            HeaderValue::from_str(&BASE64.encode(proof.encode_to_vec()))
        });
        if let Some(Ok(proof)) = proof {
            response.headers_mut().insert(RECEIPT, proof);
        }
        Ok(response)
    }

    async fn answer(&self, call: &Call, outcome: Result<Response, Refusal>) -> Response {
        match outcome {
            Ok(response) => response,
            Err(refusal) => refused(&self.gateway.record_refusal(call, refusal).await),
        }
    }
}

async fn checkpoint(State(tiles): State<Tiles>, caller: Caller) -> Response {
    let call = tiles.call(caller, "/checkpoint");
    let outcome = tiles.checkpoint(&call).await;
    tiles.answer(&call, outcome).await
}

async fn tile(State(tiles): State<Tiles>, uri: Uri, caller: Caller) -> Response {
    let Ok(path) = uri.path().trim_start_matches('/').parse::<TilePath>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let call =
        tiles.call(caller, if matches!(path, TilePath::Hashes(_)) { "/tile" } else { "/tile/entries" });
    let outcome = match path {
        TilePath::Hashes(tile) => tiles.hashes(&call, tile).await,
        TilePath::Entries(bundle) => tiles.entries(&call, bundle).await,
    };
    tiles.answer(&call, outcome).await
}

/// What such a path names never changes, a partial tile included: its width is part of the path. Private, because a
/// shared cache would ask neither the policy nor the log.
fn for_ever(bytes: Vec<u8>) -> Response {
    let headers =
        [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "private, max-age=31536000, immutable")];
    (headers, bytes).into_response()
}

/// The reason's stable name, as in the calls.
fn refused(refusal: &Refusal) -> Response {
    let status = match refusal.code() {
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::PermissionDenied | Code::Unauthenticated => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let headers = [(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store")];
    (status, headers, format!("{}\n", reason_name(refusal.reason()))).into_response()
}

const TEXT: &str = "text/plain; charset=utf-8";
const RECEIPT: &str = "pmh-receipt";
