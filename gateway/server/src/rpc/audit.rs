//! `pmh.audit.v1.AuditService`.

use pmh_audit::Hash;
use pmh_proto::audit::{self as pb, audit_service_server::AuditService};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{bulk::Answers, receipt, service::Service, status::Refusal};
use crate::ops::{
    Call,
    log::{
        self, Log,
        export::{Export, ExportQuery, Exported},
        renew::{Renewed, renew},
    },
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

    async fn get_receipt(
        &self,
        request: Request<pb::GetReceiptRequest>,
    ) -> Result<Response<pb::GetReceiptResponse>, Status> {
        let (call, message) = self.open(path!("GetReceipt"), request)?;
        let outcome = self.renew(&call, &message).await;
        self.answer(&call, outcome).await
    }

    type ExportEntriesStream = Answers<pb::ExportEntriesResponse>;

    async fn export_entries(
        &self,
        request: Request<pb::ExportEntriesRequest>,
    ) -> Result<Response<Self::ExportEntriesStream>, Status> {
        let (call, message) = self.open(path!("ExportEntries"), request)?;
        let query = ExportQuery {
            log: which(message.log),
            from_index: message.from_index,
            tree_size: (message.tree_size > 0).then_some(message.tree_size),
            max_checkpoints: message.max_checkpoints,
        };
        let begun = match self.permit(&call) {
            Ok(_) => Export::begin(&self.gateway, &query).await,
            Err(refusal) => Err(refusal),
        };
        let stream = begun.map(|export| self.clone().export_pages(call.clone(), export));
        self.answer(&call, stream).await
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

    async fn request_person_search(
        &self,
        request: Request<pb::RequestPersonSearchRequest>,
    ) -> Result<Response<pb::RequestPersonSearchResponse>, Status> {
        let (call, message) = self.open(path!("RequestPersonSearch"), request)?;
        let outcome = self.request_search(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn approve_person_search(
        &self,
        request: Request<pb::ApprovePersonSearchRequest>,
    ) -> Result<Response<pb::ApprovePersonSearchResponse>, Status> {
        let (call, message) = self.open(path!("ApprovePersonSearch"), request)?;
        let outcome = self.approve_search(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn open_parts(
        &self,
        request: Request<pb::OpenPartsRequest>,
    ) -> Result<Response<pb::OpenPartsResponse>, Status> {
        let (call, message) = self.open(path!("OpenParts"), request)?;
        let outcome = self.parts(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_my_accesses(
        &self,
        request: Request<pb::ListMyAccessesRequest>,
    ) -> Result<Response<pb::ListMyAccessesResponse>, Status> {
        let (call, message) = self.open(path!("ListMyAccesses"), request)?;
        let outcome = self.my_accesses(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn put_access_delay(
        &self,
        request: Request<pb::PutAccessDelayRequest>,
    ) -> Result<Response<pb::PutAccessDelayResponse>, Status> {
        let (call, message) = self.open(path!("PutAccessDelay"), request)?;
        let outcome = self.delay_access(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn question_access(
        &self,
        request: Request<pb::QuestionAccessRequest>,
    ) -> Result<Response<pb::QuestionAccessResponse>, Status> {
        let (call, message) = self.open(path!("QuestionAccess"), request)?;
        let outcome = self.ask_about_access(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn answer_question(
        &self,
        request: Request<pb::AnswerQuestionRequest>,
    ) -> Result<Response<pb::AnswerQuestionResponse>, Status> {
        let (call, message) = self.open(path!("AnswerQuestion"), request)?;
        let outcome = self.answer_own_question(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn list_questions(
        &self,
        request: Request<pb::ListQuestionsRequest>,
    ) -> Result<Response<pb::ListQuestionsResponse>, Status> {
        let (call, message) = self.open(path!("ListQuestions"), request)?;
        let outcome = self.own_questions(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn erase_person(
        &self,
        request: Request<pb::ErasePersonRequest>,
    ) -> Result<Response<pb::ErasePersonResponse>, Status> {
        let (call, message) = self.open(path!("ErasePerson"), request)?;
        let outcome = self.erase(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn put_legal_hold(
        &self,
        request: Request<pb::PutLegalHoldRequest>,
    ) -> Result<Response<pb::PutLegalHoldResponse>, Status> {
        let (call, message) = self.open(path!("PutLegalHold"), request)?;
        let outcome = self.put_hold(&call, &message).await;
        self.answer(&call, outcome).await
    }

    async fn release_legal_hold(
        &self,
        request: Request<pb::ReleaseLegalHoldRequest>,
    ) -> Result<Response<pb::ReleaseLegalHoldResponse>, Status> {
        let (call, message) = self.open(path!("ReleaseLegalHold"), request)?;
        let outcome = self.release_hold(&call, &message).await;
        self.answer(&call, outcome).await
    }
}

impl Service {
    async fn renew(
        &self,
        call: &Call,
        message: &pb::GetReceiptRequest,
    ) -> Result<pb::GetReceiptResponse, Refusal> {
        self.permit(call)?;
        let log = which(message.log);
        let recorded = renew(&self.gateway, call, log, message.index, message.min_cosigned, renewed).await?;
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(response)
    }

    /// Each page asks the policy again: an auditor may be suspended in the middle of a long export.
    async fn export_page(
        &self,
        call: &Call,
        export: &mut Export,
    ) -> Result<Option<pb::ExportEntriesResponse>, Refusal> {
        self.permit(call)?;
        let Some(recorded) = export.page(&self.gateway, call, exported).await? else { return Ok(None) };
        let (mut response, proof) = recorded.into_parts();
        response.receipt = proof.map(|proof| self.receipt(proof));
        Ok(Some(response))
    }

    fn export_pages(self, call: Call, mut export: Export) -> Answers<pb::ExportEntriesResponse> {
        let (sender, pages) = mpsc::channel(PAGES_AHEAD);
        let exporting = async move {
            loop {
                let page = match self.export_page(&call, &mut export).await {
                    Ok(Some(page)) => Ok(page),
                    Ok(None) => return,
                    Err(refusal) => Err(Status::from(self.gateway.record_refusal(&call, refusal).await)),
                };
                let is_last = page.is_err();
                if sender.send(page).await.is_err() || is_last {
                    return;
                }
            }
        };
        tokio::spawn(exporting.in_current_span());
        Box::pin(ReceiverStream::new(pages))
    }
}

fn renewed(renewed: &Renewed) -> pb::GetReceiptResponse {
    let renewed = pb::Receipt {
        leaf: renewed.leaf.clone(),
        index: renewed.index,
        tree_size: renewed.tree_size,
        path: hashes(&renewed.path),
        checkpoint: renewed.checkpoint.clone(),
        detail: renewed.detail.clone().map(receipt::opening),
        subject: renewed.subject.clone().map(receipt::opening),
        chain: None,
        witnesses: None,
    };
    pb::GetReceiptResponse { renewed: Some(renewed), receipt: None }
}

fn exported(page: &Exported) -> pb::ExportEntriesResponse {
    let entry = |entry: &Result<Vec<u8>, Hash>| match entry {
        Ok(leaf) => pb::ExportedEntry { leaf: leaf.clone(), leaf_hash: Vec::new() },
        Err(hash) => pb::ExportedEntry { leaf: Vec::new(), leaf_hash: hash.to_vec() },
    };
    pb::ExportEntriesResponse {
        tree_size: page.tree_size,
        checkpoint: page.checkpoint.clone().unwrap_or_default(),
        first_index: page.first_index,
        entries: page.entries.iter().map(entry).collect(),
        checkpoints: page.checkpoints.clone(),
        receipt: None,
    }
}

/// Pages that may wait for a slow reader.
const PAGES_AHEAD: usize = 2;

pub(super) fn which(number: i32) -> Log {
    match pb::Log::try_from(number) {
        Ok(pb::Log::Auth) => Log::Auth,
        _ => Log::Gateway,
    }
}

pub(super) fn hashes(path: &[Hash]) -> Vec<Vec<u8>> {
    path.iter().map(|hash| hash.to_vec()).collect()
}
