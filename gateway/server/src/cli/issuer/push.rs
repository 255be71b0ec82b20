//! From an officer's file to the gateway's verdict on each row.

use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pmh_client::Chunk;
use pmh_intake::{FileError, FileKind, Intake, Mapping, Options};
use pmh_proto::checkup::PushSummary;
use pmh_proto::common::BulkHeader;

use super::checkup_rows::checkups;
use super::diff;
use super::dose_rows::doses;
use super::register::Register;
use super::report::{self, Document, Proof, Sent};
use super::rows::{Batch, Rows, entitlements, residents};
use super::session_rows::{self, sessions};
use super::ticket_rows::tickets;
use crate::cli::counter::Trouble;
use crate::cli::counter::access::{Access, AccessArgs};
use crate::cli::output::{Language, LanguageArgs, aside, json, line};
use crate::sandbox::uuid;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CSV in UTF-8 or CP932, with Japanese or English headers.
    file: PathBuf,
    #[command(flatten)]
    access: AccessArgs,
    /// Do everything but keep.
    #[arg(long)]
    dry_run: bool,
    /// TOML file that says how the issuer's own layout differs.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The report as one JSON object on standard output.
    #[arg(long)]
    json: bool,
    /// The same JSON to a file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where the rows to correct go; otherwise beside the file, as FILE.corrected.csv. A file that is already
    /// there is an officer's work and is kept: the next free name is taken.
    #[arg(long, value_name = "FILE")]
    corrected: Option<PathBuf>,
    /// Only for doses: the register is here with every dose up to this day, in this file and those sent before.
    #[arg(long, value_name = "DATE")]
    complete_through: Option<jiff::civil::Date>,
    /// UUID of a batch to resume; otherwise a new one.
    #[arg(long, value_name = "UUID")]
    batch_id: Option<uuid::Uuid>,
    #[command(flatten)]
    language: LanguageArgs,
}

/// What the file is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Rights.
    Entitlements,
    /// The persons who hold them.
    Residents,
    /// Past doses.
    Doses,
    /// Checkups.
    Checkups,
    /// Tickets (受診券・補助券).
    Tickets,
    /// Days of group checkups (集団健診).
    Sessions,
}

/// Runs it.
pub(crate) async fn run(what: What, args: &Args) -> Result<ExitCode> {
    ensure!(
        what == What::Doses || args.complete_through.is_none(),
        "--complete-through speaks of a register of doses"
    );
    let (bytes, mapping) = files(what, args)?;
    let options = Options::default();
    match what {
        What::Entitlements => {
            push(what, args, pmh_intake::read(&bytes, &mapping, &options), |intake| entitlements(intake))
                .await
        }
        What::Residents => push(what, args, pmh_intake::read(&bytes, &mapping, &options), residents).await,
        What::Doses => {
            let read = pmh_intake::read_doses(&bytes, &mapping, &options);
            push(what, args, read, |intake| doses(intake, args.complete_through)).await
        }
        What::Checkups => {
            let read = pmh_intake::read_checkups(&bytes, &mapping, &options);
            push(what, args, read, |intake| checkups(intake)).await
        }
        What::Tickets => {
            let read = pmh_intake::read_tickets(&bytes, &mapping, &options);
            push(what, args, read, |intake| tickets(intake)).await
        }
        What::Sessions => {
            push(what, args, pmh_intake::read_sessions(&bytes, &mapping, &options), sessions).await
        }
    }
}

async fn push<R>(
    what: What,
    args: &Args,
    read: std::result::Result<Intake<R>, FileError>,
    batch: impl FnOnce(&mut Intake<R>) -> Batch,
) -> Result<ExitCode> {
    let language = args.language.language();
    let access = args.access.place()?.access(None)?;
    let mut intake = match read {
        Ok(intake) => intake,
        Err(error) => return unreadable(&error, args.json, language),
    };
    for text in report::before_sending(&args.file, &intake, language) {
        if args.json { aside(text) } else { line(text) }
    }
    let header =
        BulkHeader { batch_id: args.batch_id.map_or_else(uuid, |id| id.to_string()), dry_run: args.dry_run };
    let batch = batch(&mut intake);
    let sent = send(&access, &header, batch).await;
    report::judge(&mut intake, &sent);
    let corrected = write_corrected(args, &intake)?;
    let mut document = Document::new(what, &header, &intake, &sent, corrected.as_deref());
    document.register = args.complete_through.map(|_| Register::of(&sent));
    document.ok &= document.register != Some(Register::Incomplete);
    if let Some(file) = &args.report {
        write(file, &serde_json::to_vec_pretty(&document)?)?;
    }
    if let Some(trouble) = &sent.failure {
        tracing::warn!(error = trouble as &dyn std::error::Error, "not everything was answered");
    }
    if args.json {
        json(&document)?;
    } else {
        report::after_sending(&document, &intake, &sent, language).into_iter().for_each(line);
        if let Some((register, through)) = document.register.zip(args.complete_through) {
            line(register.line(through, language));
        }
    }
    Ok(if document.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn files(what: What, args: &Args) -> Result<(Vec<u8>, Mapping)> {
    let kind = match what {
        What::Entitlements | What::Residents => FileKind::Entitlements,
        What::Doses => FileKind::Doses,
        What::Checkups => FileKind::Checkups,
        What::Tickets => FileKind::Tickets,
        What::Sessions => FileKind::Sessions,
    };
    let named = |file: &Path| format!("{} cannot be read", file.display());
    let mapping = match &args.mapping {
        None => Mapping::default(),
        Some(file) => {
            let text = fs::read_to_string(file).with_context(|| named(file))?;
            Mapping::parse_for(kind, &text).context("--mapping")?
        }
    };
    let bytes = fs::read(&args.file).with_context(|| named(&args.file))?;
    Ok((bytes, mapping))
}

/// Exit 2: there is no row to speak of.
fn unreadable(error: &FileError, as_json: bool, language: Language) -> Result<ExitCode> {
    let (ja, en) = (error.message_ja(), error.to_string());
    if as_json {
        json(
            &serde_json::json!({ "ok": false, "reason": error.code(), "instruction": { "ja": ja, "en": en } }),
        )?;
    } else {
        line(format_args!("{} ({})", language.pick(ja, en), error.code()));
    }
    Ok(ExitCode::from(2))
}

/// Sends what can be sent. A failure on the way is part of the result: what was answered before it stays.
async fn send(access: &Access, header: &BulkHeader, batch: Batch) -> Sent {
    let Batch { rows, repeated } = batch;
    let mut sent = Sent { repeated, ..Sent::default() };
    if rows.is_empty() {
        return sent;
    }
    let rows = match rows {
        Rows::Sessions(groups) => return session_rows::send(access, header.dry_run, groups).await,
        rows => rows,
    };
    // Only a dry run looks at them again.
    let tried = match &rows {
        Rows::Checkups(rows) if header.dry_run => rows.clone(),
        _ => Vec::new(),
    };
    let bar = progress(rows.len());
    let told = |chunk: Chunk<'_>| {
        bar.set_position(u64::try_from(chunk.done).unwrap_or(u64::MAX));
        sent.results.extend(chunk.rows.iter().map(|row| (row.row_id.clone(), row.clone())));
        sent.proofs.extend(chunk.proof.map(|proof| Proof::new(proof, chunk.rows.len())));
        sent.changes.extend_from_slice(chunk.changes);
    };
    match put(access, header, rows, told).await {
        Ok(gate) => sent.gate = gate,
        Err(trouble) => sent.failure = Some(trouble),
    }
    if sent.failure.is_none() && !tried.is_empty() {
        match diff::read(access, tried, &sent.changes).await {
            Ok(diffs) => sent.diffs = diffs,
            Err(trouble) => sent.failure = Some(trouble),
        }
    }
    bar.finish_and_clear();
    sent
}

async fn put(
    access: &Access,
    header: &BulkHeader,
    rows: Rows,
    told: impl FnMut(Chunk<'_>) + Send,
) -> std::result::Result<Option<PushSummary>, Trouble> {
    let issuer = access.issuer().await?;
    match rows {
        Rows::Entitlements(rows) => issuer.put(header, rows, told).await?,
        Rows::Residents(rows) => issuer.put(header, rows, told).await?,
        Rows::Doses(rows) => issuer.put(header, rows, told).await?,
        Rows::Tickets(rows) => issuer.put(header, rows, told).await?,
        Rows::Checkups(rows) => return Ok(Some(issuer.put(header, rows, told).await?)),
        // Not in bulk: `send` has sent them.
        Rows::Sessions(_) => return Ok(None),
    };
    Ok(None)
}

/// A bar for a person; nothing where standard error is a file.
fn progress(rows: usize) -> ProgressBar {
    let target =
        if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(u64::try_from(rows).ok(), target);
    match ProgressStyle::with_template("{bar:40} {pos}/{len}  {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write_corrected<R>(args: &Args, intake: &Intake<R>) -> Result<Option<PathBuf>> {
    let Some(bytes) = intake.corrected_file() else { return Ok(None) };
    let path = args.corrected.clone().unwrap_or_else(|| free_name(&args.file, &bytes));
    write(&path, &bytes)?;
    Ok(Some(path))
}

/// `export.corrected.csv`, or the first of `export.corrected-2.csv` and so on that is free or says the same.
fn free_name(file: &Path, bytes: &[u8]) -> PathBuf {
    let is_free = |name: &Path| fs::read(name).map_or(!name.exists(), |there| there == bytes);
    let mut name = file.with_extension("corrected.csv");
    let mut number = 2;
    while !is_free(&name) {
        name = file.with_extension(format!("corrected-{number}.csv"));
        number += 1;
    }
    name
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_officers_corrected_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("export.csv");
        let first = free_name(&file, b"rows");
        assert_eq!(first, dir.path().join("export.corrected.csv"));
        fs::write(&first, "rows").unwrap();
        assert_eq!(free_name(&file, b"rows"), first, "nothing would change");
        fs::write(&first, "rows, half corrected").unwrap();
        assert_eq!(free_name(&file, b"rows"), dir.path().join("export.corrected-2.csv"));
    }
}
