//! The file that is kept: which method, what was asked, what was answered.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_audit::{Verified, VerifierKey};
use pmh_client::call::Call as _;
use pmh_client::receipt::check_subject;
use pmh_client::{ProofError, verify_evidence};
use pmh_proto::audit::{Receipt, WitnessMark};
use pmh_proto::eligibility::{VerifyEligibilityRequest, VerifyEligibilityResponse};
use prost::Message as _;
use serde::Deserialize;

/// A file that can be read; nothing of it is believed yet.
pub(super) struct Evidence {
    method: String,
    request: Vec<u8>,
    response: Vec<u8>,
    receipt: Option<Vec<u8>>,
}

/// Other fields may stand beside these: the output of `pmh counter verify --json` is evidence as it is.
#[derive(Deserialize)]
struct File {
    method: String,
    request: String,
    response: String,
    /// Beside the response, if it was kept apart from it. The counter's `receipt` object is another thing.
    #[serde(default)]
    receipt: serde_json::Value,
}

impl Evidence {
    /// Reads a file.
    pub(super) fn load(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let file: File =
            serde_json::from_slice(&bytes).context("not a file with method, request and response")?;
        ensure!(pmh_proto::METHODS.contains(&file.method.as_str()), "the method is none of the contract");
        let decode = |text: &str| BASE64.decode(text).context("request, response or receipt are not base64");
        Ok(Self {
            request: decode(&file.request)?,
            response: decode(&file.response)?,
            receipt: file.receipt.as_str().map(decode).transpose()?,
            method: file.method,
        })
    }

    /// Full gRPC path.
    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// Whether the log of this key recorded exactly this request and response.
    pub(super) fn verify(&self, key: &VerifierKey) -> Result<Verified, ProofError> {
        let name = self.method.rsplit('/').next().unwrap_or_default();
        let verified = verify_evidence(name, &self.request, &self.response, self.receipt.as_deref(), key)?;
        if self.method == VerifyEligibilityRequest::PATH {
            self.about_its_subject(&verified)?;
        }
        Ok(verified)
    }

    /// What its receipt says about the witnesses.
    pub(super) fn witnesses(&self) -> Option<WitnessMark> {
        let receipt = match &self.receipt {
            Some(apart) => Receipt::decode(apart.as_slice()).ok(),
            None if self.method == VerifyEligibilityRequest::PATH => {
                VerifyEligibilityResponse::decode(self.response.as_slice()).ok()?.receipt
            }
            None => None,
        };
        receipt?.witnesses
    }

    /// An answer that names its subject must name the one in the log.
    fn about_its_subject(&self, verified: &Verified) -> Result<(), ProofError> {
        let response =
            VerifyEligibilityResponse::decode(self.response.as_slice()).map_err(|_| ProofError::Message)?;
        check_subject(verified, &response.subject)
    }
}
