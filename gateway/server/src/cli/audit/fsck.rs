//! `pmh audit fsck`: reads the stored logs from the first entry to the last and names what does not fit.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use pmh_store::{LogDefect, Scan};
use serde_json::json;

use super::export::WhichOfThem;
use crate::{
    cli::output::{json as print_json, line},
    config::Config,
    runtime::{StoredLog, open_stored_log},
};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration of a gateway on this machine; its databases are read, also while it runs.
    #[arg(long, env = "PMH_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Only this log.
    #[arg(long, value_enum)]
    log: Option<WhichOfThem>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found in one log.
struct Found {
    origin: String,
    entries: u64,
    size: u64,
    tiles_not_made: u64,
    /// The first defect of each table.
    defects: Vec<LogDefect>,
}

/// Runs it. Exit 0: whole; 1: not.
pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let config = Config::load(&args.config)?;
    let logs = match args.log {
        Some(log) => vec![log],
        None => vec![WhichOfThem::Gateway, WhichOfThem::Auth],
    };
    let mut found = Vec::new();
    for log in logs {
        found.push(check(open_stored_log(&config, log.into()).await?).await?);
    }
    let is_whole = found.iter().all(|found| found.defects.is_empty());
    if args.json {
        let logs: Vec<_> = found.iter().map(described).collect();
        print_json(&json!({ "ok": is_whole, "logs": logs }))?;
    } else {
        found.iter().for_each(show);
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check(stored: StoredLog) -> Result<Found> {
    let origin = stored.signer.verifier().name().to_owned();
    let reading = || format!("reading {origin}");
    let mut scan = Scan::begin(stored.reader).await.with_context(reading)?.against(stored.last_signed);
    scan.run().await.with_context(reading)?;
    scan.check_people().await.with_context(reading)?;
    Ok(Found {
        entries: scan.position(),
        size: scan.size(),
        tiles_not_made: scan.tiles_not_made(),
        defects: scan.defects().to_vec(),
        origin,
    })
}

fn described(found: &Found) -> serde_json::Value {
    let defects: Vec<_> = found
        .defects
        .iter()
        .map(|defect| json!({ "table": defect.table(), "place": defect.to_string() }))
        .collect();
    json!({
        "origin": found.origin,
        "tree_size": found.size,
        "entries_read": found.entries,
        "tiles_not_made": found.tiles_not_made,
        "defects": defects,
    })
}

fn show(found: &Found) {
    let Found { origin, size, .. } = found;
    if found.defects.is_empty() {
        line(format_args!("whole: {origin}, {size} entries"));
    } else {
        line(format_args!("NOT AS COMMITTED: {origin}, {size} entries; the first defect of each table:"));
    }
    for defect in &found.defects {
        line(format_args!("  {defect}"));
    }
    if found.tiles_not_made > 0 {
        line(format_args!(
            "  {} tiles are not made; the gateway makes them while it runs",
            found.tiles_not_made
        ));
    }
}
