//! `pmh audit export`: a log as files that any tlog-tiles verifier reads.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use pmh_audit::Checkpoint;
use pmh_client::{Exported, LogReader, call::WhichLog};
use pmh_store::Page;
use pmh_testkit::sandbox::Sandbox;
use serde_json::json;

use super::directory::LogDirectory;
use crate::{
    cli::output::{json as print_json, line},
    config::Config,
    ops::log::{Log, export::Thinning},
    runtime::{StoredLog, open_stored_log},
    sandbox::{log_keys, terminal},
};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory to write: a new or empty one, or an earlier export of the same log.
    out: PathBuf,
    /// Configuration of a gateway on this machine; its database is read, also while it runs.
    #[arg(long, value_name = "FILE", required_unless_present = "sandbox", conflicts_with = "sandbox")]
    config: Option<PathBuf>,
    /// Directory of a running sandbox, which is asked as its auditor.
    #[arg(long, value_name = "DIR")]
    sandbox: Option<PathBuf>,
    /// Auditor's terminal in the sandbox.
    #[arg(long = "as", value_name = "TERMINAL_ID", default_value = "auditor-1", requires = "sandbox")]
    terminal: String,
    /// Which log.
    #[arg(long, value_enum, default_value = "gateway")]
    log: WhichOfThem,
    /// Every earlier checkpoint, and not about a thousand of them.
    #[arg(long)]
    all_checkpoints: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// `--log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WhichOfThem {
    /// Disclosures and writes.
    Gateway,
    /// Presentations and tokens.
    Auth,
}

/// Runs it.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let checkpoints = if args.all_checkpoints { u32::MAX } else { CHECKPOINTS };
    let tree = match (&args.config, &args.sandbox) {
        (Some(config), _) => {
            let stored = open_stored_log(&Config::load(config)?, args.log.into()).await?;
            from_database(&args.out, &stored, checkpoints).await?
        }
        (None, Some(dir)) => from_sandbox(args, dir, checkpoints).await?,
        (None, None) => bail!("neither --config nor --sandbox"),
    };
    let origin = tree.origin();
    if args.json {
        print_json(
            &json!({ "ok": true, "origin": origin, "tree_size": tree.size(), "directory": args.out }),
        )?;
    } else {
        line(format_args!("{} entries of {origin} in {}", tree.size(), args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The operator, on the machine. What does not lead to the committed roots is not written: then it is a case for fsck.
async fn from_database(out: &Path, stored: &StoredLog, checkpoints: u32) -> Result<Checkpoint> {
    let key = stored.signer.verifier();
    let sign = |size, root| -> Result<(Checkpoint, String)> {
        let checkpoint = Checkpoint::new(key.name(), size, root)?;
        let note = checkpoint.sign(&stored.signer)?;
        Ok((checkpoint, note))
    };
    let mut directory = LogDirectory::begin(out, key)?;
    let (size, root) = stored.reader.head().await?;
    if size == 0 {
        bail!("the log has no entry yet");
    }
    let mut thinning = Thinning::new(size, checkpoints);
    while directory.size() < size {
        let from_index = directory.size();
        let page = Page { from_index, end_index: size, limit: ENTRIES };
        let entries = stored.reader.entries(&page).await?;
        let end = from_index + entries.len() as u64;
        let mut roots = stored.reader.roots(from_index..end).await?.into_iter().peekable();
        for (expected, entry) in (from_index..).zip(entries) {
            if entry.index != expected {
                break;
            }
            directory.push(entry.leaf)?;
            if let Some((size, root)) = roots.next_if(|(size, _)| *size == directory.size())
                && thinning.keeps(size)
            {
                let (checkpoint, note) = sign(size, root)?;
                directory.keep(&checkpoint, &note).context(DAMAGED)?;
            }
        }
        if directory.size() == from_index {
            bail!("entry {from_index} is missing; {DAMAGED}");
        }
    }
    if directory.root() != root {
        bail!("the entries do not lead to the root of the log; {DAMAGED}");
    }
    let (checkpoint, note) = sign(size, root)?;
    directory.finish(&checkpoint, &note)?;
    Ok(checkpoint)
}

/// The auditor, from anywhere: nothing is believed but what leads to the signed root.
async fn from_sandbox(args: &Args, dir: &Path, checkpoints: u32) -> Result<Checkpoint> {
    let sandbox = Sandbox::load(&dir.join(Sandbox::FILE)).context("is this the directory of a sandbox?")?;
    let (log, keys) = (WhichLog::from(args.log), log_keys(&sandbox)?);
    let mut directory = LogDirectory::begin(&args.out, keys.of(log))?;
    let (gateway, _) = terminal(dir, &sandbox, &args.terminal).await?;
    let mut export = LogReader::new(gateway, log).export(checkpoints).await?;
    while let Some(page) = export.next().await? {
        let mut earlier = page.checkpoints.iter().peekable();
        for (index, entry) in (page.first_index..).zip(page.entries) {
            let Exported::Leaf(leaf) = entry else {
                bail!(
                    "entry {index} is outside this auditor's jurisdiction; without it there is no whole export"
                );
            };
            directory.push(leaf)?;
            while let Some((checkpoint, note)) =
                earlier.next_if(|(checkpoint, _)| checkpoint.size() == directory.size())
            {
                directory.keep(checkpoint, note)?;
            }
        }
    }
    let (checkpoint, note) = export.tree().context("an export without a checkpoint")?;
    directory.finish(checkpoint, note)?;
    Ok(checkpoint.clone())
}

impl From<WhichOfThem> for Log {
    fn from(log: WhichOfThem) -> Self {
        match log {
            WhichOfThem::Gateway => Self::Gateway,
            WhichOfThem::Auth => Self::Auth,
        }
    }
}

impl From<WhichOfThem> for WhichLog {
    fn from(log: WhichOfThem) -> Self {
        match log {
            WhichOfThem::Gateway => Self::Gateway,
            WhichOfThem::Auth => Self::Auth,
        }
    }
}

const DAMAGED: &str = "the database was changed; pmh audit fsck says more";
/// Earlier checkpoints that an export holds unless all are asked for.
const CHECKPOINTS: u32 = 1000;
/// Entries read at a time.
const ENTRIES: u32 = 1024;
