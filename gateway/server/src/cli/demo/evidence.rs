//! Question and answer as an institution keeps them, and another process that judges them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use pmh_audit::VerifierKey;
use pmh_client::Recorded;
use prost::Message as _;
use serde_json::json;
use tokio::process::Command;

use super::{super::output::Language, house::Visit};

/// The two messages of one call, encoded.
pub(super) struct Evidence {
    path: &'static str,
    request: Vec<u8>,
    response: Vec<u8>,
}

/// What another process says of a file.
pub(super) struct Verdict {
    /// 0: proved, 1: not proved.
    pub(super) code: Option<i32>,
    /// Line by line.
    pub(super) said: Vec<String>,
}

impl Evidence {
    /// What the hospital keeps of a visit.
    pub(super) fn of(visit: &Visit) -> Self {
        Self::of_call(&visit.request, &visit.answer.response)
    }

    /// What an institution keeps of any recorded call.
    pub(super) fn of_call<C: Recorded>(request: &C, response: &C::Response) -> Self {
        Self { path: C::PATH, request: request.encode_to_vec(), response: response.encode_to_vec() }
    }

    /// The same with one bit of one byte of the answer changed: the last digit of the first place where `number`
    /// stands. Also the position of that byte, from 1.
    pub(super) fn with_changed_digit(&self, number: &str) -> Result<(Self, usize)> {
        let found = self.response.windows(number.len()).position(|part| part == number.as_bytes());
        let last = found.context("the number is not in the answer")? + number.len() - 1;
        let mut response = self.response.clone();
        *response.get_mut(last).context("the last digit")? ^= 1;
        Ok((Self { path: self.path, request: self.request.clone(), response }, last + 1))
    }

    /// Bytes of the answer.
    pub(super) fn len(&self) -> usize {
        self.response.len()
    }

    /// Writes the file that `pmh counter verify --save` writes.
    pub(super) async fn save(&self, file: PathBuf) -> Result<PathBuf> {
        let document = json!({
            "method": self.path,
            "request": BASE64.encode(&self.request),
            "response": BASE64.encode(&self.response),
        });
        tokio::fs::write(&file, document.to_string()).await?;
        Ok(file)
    }
}

/// Has another process judge a file: it gets the file and the log's public key, and no connection.
pub(super) async fn judge(file: &Path, key: &VerifierKey, language: Language) -> Result<Verdict> {
    let program = std::env::current_exe().context("this program's path")?;
    let output = Command::new(program)
        .args(["audit", "verify-receipt"])
        .arg(file)
        .args(["--vkey", &key.to_string(), "--lang", language.pick("ja", "en")])
        .output()
        .await
        .context("the other process did not start")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).lines().map(str::to_owned).collect();
    Ok(Verdict { code: output.status.code(), said })
}

/// How `pmh audit verify-receipt` names an answer that is not the recorded one.
pub(super) const RESPONSE_CHANGED: &str = "RESPONSE_CHANGED";
