//! Files, keys and policies from the command line.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pmh_audit::note::CheckpointError;
use pmh_audit::policy::{NotAccepted, PolicyError};
use pmh_audit::{Cosigned, Policy, VerifierKey};
use serde_json::json;

use crate::verdict::{Verdict, chain};

/// Why the question could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is larger than anything of its sort", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} is not a policy", path.display())]
    Policy { path: PathBuf, source: PolicyError },
    #[error("the verdict cannot be printed")]
    Print(#[source] io::Error),
}

impl Unusable {
    pub(crate) fn print(&self, as_json: bool) -> ExitCode {
        let text = if as_json { json!({ "error": chain(self) }).to_string() } else { chain(self) };
        // Nobody is left to be told if this fails too.
        let _ = writeln!(io::stderr().lock(), "{text}");
        ExitCode::from(2)
    }
}

/// The key of the log, and whose cosignatures are demanded.
#[derive(Debug, clap::Args)]
pub(crate) struct Trust {
    /// The log's public key: NAME+ID+KEY.
    #[arg(long)]
    pub(crate) vkey: VerifierKey,
    /// A C2SP tlog-policy: which witnesses must have cosigned.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl Trust {
    /// Judges checkpoints by these keys.
    pub(crate) fn judge(&self) -> Result<Judge<'_>, Unusable> {
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        Ok(Judge { key: &self.vkey, policy })
    }
}

/// The key and the policy, read.
pub(crate) struct Judge<'a> {
    pub(crate) key: &'a VerifierKey,
    policy: Option<Policy>,
}

impl Judge<'_> {
    /// Opens a checkpoint and demands the quorum, if there is a policy.
    pub(crate) fn open(&self, note: &[u8]) -> Result<Cosigned, NotAccepted> {
        match &self.policy {
            Some(policy) => policy.open(note, self.key),
            None => Cosigned::open(note, self.key, &[]).map_err(NotAccepted::Checkpoint),
        }
    }

    /// Names the witnesses that cosigned; without a policy none is known, so none was looked for.
    pub(crate) fn witnesses(&self, verdict: Verdict, cosigned: &Cosigned) -> Verdict {
        if self.policy.is_some() { verdict.witnesses(cosigned) } else { verdict }
    }

    /// Opens a checkpoint of earlier times: its signature is enough, since its tree is compared with a newer one.
    pub(crate) fn open_earlier(&self, note: &[u8]) -> Result<pmh_audit::Checkpoint, CheckpointError> {
        pmh_audit::Checkpoint::open(note, self.key)
    }
}

/// A whole file of at most 256 MiB.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    read_if_there(path)?.ok_or_else(|| Unusable::Read {
        path: path.to_owned(),
        source: io::Error::from(io::ErrorKind::NotFound),
    })
}

/// A whole file, or `None` if there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Unusable> {
    let unreadable = |source| Unusable::Read { path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Unusable::TooLarge { path: path.to_owned() });
    }
    Ok(Some(bytes))
}

fn read_policy(path: &Path) -> Result<Policy, Unusable> {
    Policy::parse(&read(path)?).map_err(|source| Unusable::Policy { path: path.to_owned(), source })
}

const LARGEST: u64 = 256 << 20;
