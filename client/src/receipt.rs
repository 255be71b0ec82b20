//! Receipts as they travel, checked against the call they claim to record (design.md §6.6).

use pmh_audit::registry::Method;
use pmh_audit::{Hash, Kind, OrgRef, Part, Receipt, ReceiptError, Salt, Verified, VerifierKey};
use pmh_proto::audit as wire;
use pmh_proto::{audit, checkup, directory, eligibility, handoff, presence, resident, vaccination};
use prost::Message;
use sha2::{Digest as _, Sha256};

use crate::call::{Call, Receipted, Recorded};

/// Why an answer is not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It has no receipt.
    #[error("there is no receipt")]
    Missing,
    /// The receipt lacks a part, or a part has a wrong length.
    #[error("the receipt is incomplete")]
    Incomplete,
    /// The receipt does not verify.
    #[error("the receipt does not hold")]
    Receipt(#[from] ReceiptError),
    /// The entry is about a call of another organization.
    #[error("the entry names another organization")]
    Requester,
    /// The entry is about another method.
    #[error("the entry names another method")]
    Method,
    /// The entry is of a kind that does not fit: a refusal for an answer, or the reverse.
    #[error("the entry is of another kind")]
    Kind,
    /// The entry states another purpose or outcome.
    #[error("the entry states another purpose or outcome")]
    Outcome,
    /// The entry is about another person, or about none.
    #[error("the entry is about another subject")]
    Subject,
    /// The opening of the chain is not the entry's.
    #[error("the chain that is opened is not the entry's")]
    Chain,
    /// The entry counts other rows than the chunk has.
    #[error("the entry counts other rows than were answered")]
    Rows,
    /// Request, response or method cannot be read.
    #[error("request or response is not a message of that method")]
    Message,
}

/// What a caller knows of its own call.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who asked: oneself.
    pub requester: &'a OrgRef,
    /// What was called.
    pub method: Method,
    /// SHA-256 of the request.
    pub request: Hash,
    /// SHA-256 of the response without its receipt.
    pub response: Hash,
}

/// SHA-256 of a message in field order, which is how a receipt names requests and responses.
pub fn digest(message: &impl Message) -> Hash {
    Sha256::digest(message.encode_to_vec()).into()
}

/// SHA-256 of a response without its receipt.
pub fn response_digest<R: Receipted>(response: &R) -> Hash {
    let mut bare = response.clone();
    bare.take_receipt();
    digest(&bare)
}

/// Checks a receipt against one's own call.
pub fn check(
    receipt: Option<&wire::Receipt>,
    key: &VerifierKey,
    expected: &Expected<'_>,
) -> Result<Verified, ProofError> {
    let receipt = receipt.ok_or(ProofError::Missing)?;
    let verified = from_wire(receipt)?.verify(key, &expected.request, &expected.response)?;
    check_chain(receipt, &verified)?;
    if verified.leaf.requester.as_ref() != Some(expected.requester) {
        Err(ProofError::Requester)
    } else if verified.leaf.method != expected.method {
        Err(ProofError::Method)
    } else {
        Ok(verified)
    }
}

/// Where the chain is opened (in a citizen's own list alone), it is the entry's.
fn check_chain(receipt: &wire::Receipt, verified: &Verified) -> Result<(), ProofError> {
    match &receipt.chain {
        Some(chain) if !opening(chain)?.opens(Part::Chain, &verified.leaf.chain) => Err(ProofError::Chain),
        _ => Ok(()),
    }
}

/// Whether the entry is about this subject.
pub fn check_subject(verified: &Verified, sub: &str) -> Result<(), ProofError> {
    match &verified.subject {
        Some(subject) if subject.sub() == sub => Ok(()),
        _ => Err(ProofError::Subject),
    }
}

/// Whether the entry records an answer and no refusal.
pub(crate) fn check_answer(verified: &Verified) -> Result<(), ProofError> {
    match verified.leaf.kind {
        Kind::Refusal | Kind::RefusalSummary => Err(ProofError::Kind),
        _ => Ok(()),
    }
}

/// The receipt as the audit library knows it.
pub fn from_wire(receipt: &wire::Receipt) -> Result<Receipt, ProofError> {
    let path = receipt.path.iter().map(|hash| array(hash)).collect::<Result<_, _>>()?;
    Ok(Receipt {
        leaf: receipt.leaf.clone(),
        index: receipt.index,
        tree_size: receipt.tree_size,
        path,
        checkpoint: receipt.checkpoint.clone(),
        detail: opening(receipt.detail.as_ref().ok_or(ProofError::Incomplete)?)?,
        subject: receipt.subject.as_ref().map(opening).transpose()?,
    })
}

/// Checks kept evidence without any connection: the method's name, and request and response as they were sent.
///
/// The response may still hold its receipt or come without it, as long as `receipt` is given. Who asked, and about
/// whom, stands in the result for the reader to compare.
pub fn verify_evidence(
    method: &str,
    request: &[u8],
    response: &[u8],
    receipt: Option<&[u8]>,
    key: &VerifierKey,
) -> Result<Verified, ProofError> {
    let (request, response, enclosed) = digests(method, request, response)?;
    let given = receipt.map(wire::Receipt::decode).transpose().map_err(|_| ProofError::Message)?;
    let receipt = given.or(enclosed).ok_or(ProofError::Missing)?;
    let verified = from_wire(&receipt)?.verify(key, &request, &response)?;
    check_chain(&receipt, &verified)?;
    if verified.leaf.method.name() == Some(method) { Ok(verified) } else { Err(ProofError::Method) }
}

type Digests = (Hash, Hash, Option<wire::Receipt>);

macro_rules! by_name {
    ($name:ident, $request:ident, $response:ident: $($call:path)*) => {
        $(if $name == <$call as Call>::NAME {
            return digests_of::<$call>($request, $response);
        })*
    };
}

fn digests(method: &str, request: &[u8], response: &[u8]) -> Result<Digests, ProofError> {
    by_name! { method, request, response:
        presence::CompletePresentationRequest presence::RenewTokenRequest presence::NarrowPresenceRequest
        presence::EndPresenceRequest
        directory::PutOrganizationRequest directory::SuspendOrganizationRequest
        directory::ResumeOrganizationRequest directory::PutCompetenceRequest
        resident::LinkCredentialRequest resident::ProposeLinkRequest resident::DecideLinkRequest
        resident::ListLinkProposalsRequest resident::MoveResidentRequest resident::PutRelationRequest
        resident::PutRestrictionRequest
        eligibility::VerifyEligibilityRequest eligibility::ListEntitlementsRequest
        eligibility::AdvanceWatermarkRequest
        vaccination::EvaluateDoseRequest vaccination::ReserveDoseRequest vaccination::ReleaseDoseRequest
        vaccination::RecordDoseRequest vaccination::AmendDoseRequest vaccination::VoidDoseRequest
        vaccination::ListDosesRequest vaccination::GetForecastRequest vaccination::AcknowledgeDosesRequest
        vaccination::GetErrorPreventionReportRequest
        checkup::ConfirmBatchRequest checkup::UndoBatchRequest checkup::ListCheckupsRequest
        checkup::GetCheckupRequest checkup::ListFollowUpsRequest checkup::CloseFollowUpRequest
        checkup::ListUrgentCasesRequest checkup::AcknowledgeUrgentCaseRequest checkup::RecordCheckupRequest
        handoff::OfferHandoffRequest handoff::AcceptHandoffRequest handoff::DeclineHandoffRequest
        handoff::WithdrawHandoffRequest handoff::ReturnHandoffRequest handoff::CloseHandoffRequest
        handoff::ListHandoffsRequest handoff::ConfirmHandoffRequest handoff::DeliverRequest handoff::ReadRecordsRequest
        handoff::ApprovePostpartumCareRequest handoff::VerifyPostpartumCareRequest
        audit::GetReceiptRequest audit::GetEntryRequest audit::SearchEntriesRequest audit::RequestPersonSearchRequest
        audit::ApprovePersonSearchRequest audit::OpenPartsRequest
        audit::ListMyAccessesRequest audit::QuestionAccessRequest audit::AnswerQuestionRequest
        audit::ListQuestionsRequest audit::ErasePersonRequest audit::PutLegalHoldRequest
        audit::ReleaseLegalHoldRequest
    }
    Err(ProofError::Message)
}

fn digests_of<C: Recorded + Default>(request: &[u8], response: &[u8]) -> Result<Digests, ProofError> {
    let request: C = exactly(request)?;
    let mut response: C::Response = exactly(response)?;
    let receipt = response.take_receipt();
    Ok((digest(&request), digest(&response), receipt))
}

/// Decodes, and refuses fields that decoding would skip: a digest over less than what was given proves less.
fn exactly<M: Message + Default>(bytes: &[u8]) -> Result<M, ProofError> {
    let message = M::decode(bytes).map_err(|_| ProofError::Message)?;
    if message.encoded_len() == bytes.len() { Ok(message) } else { Err(ProofError::Message) }
}

pub(crate) fn opening(opening: &wire::Opening) -> Result<pmh_audit::Opening, ProofError> {
    Ok(pmh_audit::Opening { salt: Salt::new(array(&opening.salt)?), body: opening.body.clone() })
}

pub(crate) fn array(bytes: &[u8]) -> Result<Hash, ProofError> {
    bytes.try_into().map_err(|_| ProofError::Incomplete)
}
