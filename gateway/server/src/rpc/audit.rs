//! `pmh.audit.v1.AuditService`.

use pmh_audit::{Hash, Leaf};
use pmh_proto::{
    audit::{self as pb, audit_service_server::AuditService},
    common::Reason,
};
use pmh_store::StoredEntry;
use tonic::{Request, Response, Status};

use super::{convert, fields::Fields, receipt, service::Service, status::Refusal};
use crate::ops::{
    Call,
    log::{self, Found, Log, Search},
};

macro_rules! path {
    ($method:literal) => {
        concat!("/pmh.audit.v1.AuditService/", $method)
    };
}

#[tonic::async_trait]
impl AuditService for Service {
    async fn get_checkpoint(
        &self,
        request: Request<pb::GetCheckpointRequest>,
    ) -> Result<Response<pb::GetCheckpointResponse>, Status> {
        let (call, message) = self.open(path!("GetCheckpoint"), request)?;
        let outcome = match self.permit(&call) {
            Ok(_) => log::checkpoint(&self.gateway, which(message.log)).await,
            Err(refusal) => Err(refusal),
        };
        self.answer(&call, outcome.map(|checkpoint| pb::GetCheckpointResponse { checkpoint })).await
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<pb::GetInclusionProofRequest>,
    ) -> Result<Response<pb::GetInclusionProofResponse>, Status> {
        let (call, message) = self.open(path!("GetInclusionProof"), request)?;
        let outcome = match self.permit(&call) {
            Ok(_) => {
                log::inclusion(&self.gateway, which(message.log), message.index, message.tree_size).await
            }
            Err(refusal) => Err(refusal),
        };
        let outcome = outcome.map(|(path, leaf)| pb::GetInclusionProofResponse {
            path: hashes(&path),
            leaf_hash: leaf.to_vec(),
        });
        self.answer(&call, outcome).await
    }

    async fn get_consistency_proof(
        &self,
        request: Request<pb::GetConsistencyProofRequest>,
    ) -> Result<Response<pb::GetConsistencyProofResponse>, Status> {
        let (call, message) = self.open(path!("GetConsistencyProof"), request)?;
        let outcome = match self.permit(&call) {
            Ok(_) => {
                log::consistency(&self.gateway, which(message.log), message.old_size, message.new_size).await
            }
            Err(refusal) => Err(refusal),
        };
        let outcome = outcome.map(|path| pb::GetConsistencyProofResponse { path: hashes(&path) });
        self.answer(&call, outcome).await
    }

    async fn get_entry(
        &self,
        request: Request<pb::GetEntryRequest>,
    ) -> Result<Response<pb::GetEntryResponse>, Status> {
        let (call, message) = self.open(path!("GetEntry"), request)?;
        let outcome = self.entry(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn search_entries(
        &self,
        request: Request<pb::SearchEntriesRequest>,
    ) -> Result<Response<pb::SearchEntriesResponse>, Status> {
        let (call, message) = self.open(path!("SearchEntries"), request)?;
        let outcome = self.search(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn entry(
        &self,
        call: &Call,
        message: &pb::GetEntryRequest,
    ) -> Result<pb::GetEntryResponse, Refusal> {
        self.permit(call)?;
        let render = |stored: &StoredEntry, leaf: &Leaf, path: &[Hash], note: &str| pb::GetEntryResponse {
            entry: Some(entry(stored, leaf)),
            path: hashes(path),
            checkpoint: note.to_owned(),
            receipt: None,
        };
        let recorded = log::entry(&self.gateway, call, which(message.log), message.index, render).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(receipt::to_proto);
        Ok(response)
    }

    async fn search(
        &self,
        call: &Call,
        message: &pb::SearchEntriesRequest,
    ) -> Result<pb::SearchEntriesResponse, Refusal> {
        self.permit(call)?;
        let search = search(message)?;
        let render = |found: &Found| pb::SearchEntriesResponse {
            entries: found.entries.iter().map(|(stored, leaf)| entry(stored, leaf)).collect(),
            next_page_token: found.next.map(|(index, size)| format!("{index}.{size}")).unwrap_or_default(),
            tree_size: found.tree_size,
            receipt: None,
        };
        let recorded = log::search(&self.gateway, call, &search, render).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(receipt::to_proto);
        Ok(response)
    }
}

fn search(message: &pb::SearchEntriesRequest) -> Result<Search, Refusal> {
    let mut checked = Fields::default();
    let mut instant = |path: &str, asked: Option<&prost_types::Timestamp>| {
        let asked = asked?;
        let us = convert::to_micros(asked);
        if us.is_none() {
            checked.wrong(path, Reason::Date);
        }
        us
    };
    let from_us = instant("from", message.from.as_ref());
    let to_us = instant("to", message.to.as_ref());
    let after = match message.page_token.as_str() {
        "" => None,
        token => {
            let parts = token
                .split_once('.')
                .and_then(|(index, size)| Some((index.parse().ok()?, size.parse().ok()?)));
            if parts.is_none_or(|(index, size): (u64, u64)| index > size) {
                checked.wrong("page_token", Reason::Value);
            }
            parts
        }
    };
    let requester = match message.requester.as_str() {
        "" => None,
        requester => checked.identifier("requester", requester, MAX_REQUESTER),
    };
    checked.finish()?;
    let limit = match message.page_size {
        0 => DEFAULT_PAGE,
        asked => usize::try_from(asked).unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE),
    };
    Ok(Search { log: which(message.log), from_us, to_us, requester, limit, after })
}

fn entry(stored: &StoredEntry, leaf: &Leaf) -> pb::Entry {
    let name =
        |org: &Option<pmh_audit::OrgRef>| org.as_ref().map(|org| org.as_str().to_owned()).unwrap_or_default();
    pb::Entry {
        index: stored.index,
        leaf: stored.leaf.clone(),
        time: Some(convert::micros(i64::try_from(leaf.time_us).unwrap_or(i64::MAX))),
        kind: u8::from(leaf.kind).into(),
        method: leaf.method.name().unwrap_or_default().to_owned(),
        requester: name(&leaf.requester),
        holder: name(&leaf.holder),
        purpose: leaf.purpose.0.into(),
        outcome: leaf.outcome.into(),
    }
}

fn which(number: i32) -> Log {
    match pb::Log::try_from(number) {
        Ok(pb::Log::Auth) => Log::Auth,
        _ => Log::Gateway,
    }
}

fn hashes(path: &[Hash]) -> Vec<Vec<u8>> {
    path.iter().map(|hash| hash.to_vec()).collect()
}

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 256;
/// As in a leaf.
const MAX_REQUESTER: usize = 32;
