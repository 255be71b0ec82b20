//! The log as static files (C2SP tlog-tiles): hashes for everybody, entries for auditors (audit.md §2.2).

use pmh_audit::{
    Kind, Leaf, registry,
    tile::{Bundle, Tile, encode_bundle},
};
use pmh_proto::common::Reason;
use pmh_store::{Page, Recorded};
use sha2::{Digest as _, Sha256};

use super::Log;
use crate::{
    ops::{Call, Gateway, Response, unavailable},
    rpc::status::Refusal,
};

/// Hashes of one tile; none beyond the tree, and no wider than it is there.
pub async fn hash_tile(gateway: &Gateway, log: Log, tile: Tile) -> Result<Vec<u8>, Refusal> {
    let reader = gateway.reader(log);
    let (size, _) = reader.head().await.map_err(|fault| unavailable(&fault))?;
    let there = Tile::in_tree(tile.level(), tile.n(), size);
    if there.is_none_or(|there| there.width() < tile.width()) {
        return Err(Refusal::new(Reason::NotFound));
    }
    let hashes = reader.tile(tile).await.map_err(|fault| unavailable(&fault))?;
    Ok(hashes.as_flattened().to_vec())
}

/// The bytes of an entry bundle.
#[derive(Debug, Clone)]
pub struct BundleBytes(pub Vec<u8>);

impl Response for BundleBytes {
    fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

/// One entry bundle, recorded. A bundle has no gaps, so all of it must lie within the auditor's jurisdiction.
pub async fn entry_bundle(
    gateway: &Gateway,
    call: &Call,
    log: Log,
    bundle: Bundle,
) -> Result<Recorded<BundleBytes>, Refusal> {
    let reader = gateway.reader(log);
    let (size, _) = reader.head().await.map_err(|fault| unavailable(&fault))?;
    let range = bundle.entries();
    if range.end > size {
        return Err(Refusal::new(Reason::NotFound));
    }
    let page = Page { from_index: range.start, end_index: range.end, limit: bundle.width().into() };
    let stored = reader.entries(&page).await.map_err(|fault| unavailable(&fault))?;
    let jurisdiction = gateway.jurisdictions.of(call.short());
    if !stored.iter().all(|entry| Leaf::decode(&entry.leaf).is_ok_and(|leaf| jurisdiction.covers(&leaf))) {
        return Err(gateway.refuse_auditor(call, Reason::OutsideJurisdiction, "").await);
    }
    let bytes = encode_bundle(stored.iter().map(|entry| entry.leaf.as_slice()))
        .map_err(|_| Refusal::new(Reason::Internal))?;
    let (response, call) = (BundleBytes(bytes), call.clone());
    gateway
        .store
        .disclose(gateway.attempt(), None, move |_, _| {
            let digest = response.digest();
            (
                response.clone(),
                Some(call.draft(Kind::AuditorQuery, registry::Categories::AUDIT, None, digest)),
            )
        })
        .await
        .map_err(|fault| unavailable(&fault))
}
