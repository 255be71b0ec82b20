//! A visit whose evidence was kept, and every way to change it.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pmh_proto::audit::Receipt;
use pmh_proto::eligibility::{VerifyEligibilityRequest, VerifyEligibilityResponse};
use prost::Message as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::sandbox::{Ran, pmh, running};

/// A file that `pmh counter verify --save` wrote, and its messages.
pub(super) struct Kept {
    dir: TempDir,
    pub(super) request: VerifyEligibilityRequest,
    pub(super) response: VerifyEligibilityResponse,
}

impl Kept {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("kept.json");
        let args =
            ["counter", "verify", "--sandbox", running().arg(), "--card", "renewed", "--json", "--save"];
        let ran = pmh(args.into_iter().chain([file.to_str().unwrap()]));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        fs::write(dir.path().join("whole.json"), ran.stdout).unwrap();
        let kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let message = |name: &str| BASE64.decode(kept[name].as_str().unwrap()).unwrap();
        Self {
            request: VerifyEligibilityRequest::decode(message("request").as_slice()).unwrap(),
            response: VerifyEligibilityResponse::decode(message("response").as_slice()).unwrap(),
            dir,
        }
    }

    /// `kept.json` is what was saved, `whole.json` what was printed.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn receipt(&mut self) -> &mut Receipt {
        self.response.receipt.as_mut().unwrap()
    }

    /// Writes the messages as they are now and has them verified.
    pub(super) fn verify(&self) -> Ran {
        let file = self.file("changed.json");
        let changed = json!({
            "method": METHOD,
            "request": BASE64.encode(self.request.encode_to_vec()),
            "response": BASE64.encode(self.response.encode_to_vec()),
        });
        fs::write(&file, changed.to_string()).unwrap();
        verify_file(&file, &running().sandbox().log_vkey)
    }
}

/// `pmh audit verify-receipt --json`.
pub(super) fn verify_file(file: &std::path::Path, vkey: &str) -> Ran {
    pmh(["audit", "verify-receipt", file.to_str().unwrap(), "--vkey", vkey, "--json"])
}

pub(super) const METHOD: &str = "/pmh.eligibility.v1.EligibilityService/VerifyEligibility";
