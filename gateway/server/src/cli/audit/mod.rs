//! `pmh audit`: proofs, checked without any connection; what an auditor asks a gateway; and
//! whole logs, exported or read through.

mod directory;
mod entries;
mod erase;
mod evidence;
mod export;
mod fsck;
mod open;
mod person;
mod search;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use pmh_audit::{Verified, VerifierKey};
use pmh_domain::time::tokyo_minute;
use serde_json::{Value, json};

use super::output::{Language, LanguageArgs, hex, json as print_json, line, witnesses_json, witnesses_line};
use evidence::Evidence;
use verdict::Verdict;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prove that a kept answer was recorded and not changed since. Exit 0: proved, 1: not, 2: no such file.
    VerifyReceipt(VerifyReceipt),
    /// Entries that fit all filters, every page and every receipt checked. The search itself becomes an entry.
    Search(Box<search::Args>),
    /// By person: one asks, another agrees, then it can be searched for a day.
    #[command(subcommand)]
    Person(person::Command),
    /// Open parts of one entry under a warrant.
    Open(Box<open::Args>),
    /// Erase the content of an entry, or all that the log says about a resident: one asks, another agrees.
    Erase(Box<erase::Args>),
    /// Legal holds: what must not be erased.
    #[command(subcommand)]
    Hold(erase::HoldCommand),
    /// Write a log as a plain tlog-tiles directory, with its checkpoint and earlier ones.
    Export(Box<export::Args>),
    /// Read the stored logs from end to end and name the first defect of each table. Exit 0: whole, 1: not.
    Fsck(fsck::Args),
}

#[derive(Debug, clap::Args)]
struct VerifyReceipt {
    /// JSON with method, and request and response in base64, as `pmh counter verify --save` writes it.
    file: PathBuf,
    /// Verifier key of the log, from somebody you trust and never from the file: name+hex+base64.
    #[arg(long, value_name = "KEY")]
    vkey: VerifierKey,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs it.
pub async fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::VerifyReceipt(args) => verify_receipt(&args),
        Command::Search(args) => search::run(&args).await,
        Command::Person(command) => person::run(&command).await,
        Command::Open(args) => open::run(&args).await,
        Command::Erase(args) => erase::run(&args).await,
        Command::Hold(command) => erase::run_hold(&command).await,
        Command::Export(args) => export::run(&args).await,
        Command::Fsck(args) => fsck::run(&args).await,
    }
}

/// What the gateway refuses, or what does not hold: exit 1.
fn refused(error: &pmh_client::Error, json: bool) -> Result<ExitCode> {
    let reason = error.refused().map(|refused| crate::rpc::status::reason_name(refused.reason));
    if json {
        print_json(
            &json!({ "ok": false, "code": reason.unwrap_or("NOT_PROVED"), "message": error.to_string() }),
        )?;
    } else {
        let message = error.refused().map_or_else(|| error.to_string(), |refused| refused.message.clone());
        line(format_args!("{}: {message}", reason.unwrap_or("NOT_PROVED")));
    }
    Ok(ExitCode::FAILURE)
}

fn verify_receipt(args: &VerifyReceipt) -> Result<ExitCode> {
    let language = args.language.language();
    let evidence = Evidence::load(&args.file)?;
    match evidence.verify(&args.vkey) {
        Ok(verified) => {
            if args.json {
                print_json(&proved(&evidence, &verified))?;
            } else {
                proved_lines(&evidence, &verified, language).into_iter().for_each(line);
                witnesses_line(evidence.witnesses().as_ref(), language).into_iter().for_each(line);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let verdict = Verdict::from(error);
            if args.json {
                print_json(&not_proved(&verdict))?;
            } else {
                let said = language.pick(verdict.ja, verdict.en);
                let title = language.pick("証明されませんでした", "NOT PROVED");
                line(format_args!("{title}: {said} ({})", verdict.code));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn proved(evidence: &Evidence, verified: &Verified) -> Value {
    let leaf = &verified.leaf;
    json!({
        "ok": true,
        "verified": true,
        "method": evidence.method(),
        "index": verified.index,
        "tree_size": verified.checkpoint.size(),
        "origin": verified.checkpoint.origin(),
        "leaf_hash": hex(&verified.leaf_hash),
        "time": instant(leaf.time_us).map(|time| time.to_string()),
        "requester": leaf.requester.as_ref().map(ToString::to_string),
        "purpose": leaf.purpose.name(),
        "subject": verified.subject.as_ref().map(pmh_audit::SubjectBody::sub),
        "witnesses": witnesses_json(evidence.witnesses().as_ref()),
    })
}

fn not_proved(verdict: &Verdict) -> Value {
    json!({
        "ok": false,
        "verified": false,
        "code": verdict.code,
        "message": { "ja": verdict.ja, "en": verdict.en },
    })
}

fn proved_lines(evidence: &Evidence, verified: &Verified, language: Language) -> Vec<String> {
    let leaf = &verified.leaf;
    let (index, size, origin) = (verified.index, verified.checkpoint.size(), verified.checkpoint.origin());
    let requester = leaf.requester.as_ref().map(ToString::to_string).unwrap_or_default();
    let time = instant(leaf.time_us).map(tokyo_minute).unwrap_or_default();
    let purpose = leaf.purpose.name().unwrap_or("-");
    let method = evidence.method();
    match language {
        Language::Ja => vec![
            "証明されました: 要求と応答は記録されたときのままです。".to_owned(),
            format!("  記録  {origin} の番号{index}（署名された全{size}件のうち）"),
            format!("  時刻  {time}（日本時間）"),
            format!("  照会  {requester}（目的 {purpose}）"),
            format!("  操作  {method}"),
        ],
        Language::En => vec![
            "PROVED: request and response are as they were recorded.".to_owned(),
            format!("  entry    {index} of {size} in {origin}"),
            format!("  time     {time} (Tokyo)"),
            format!("  asked by {requester} (purpose {purpose})"),
            format!("  method   {method}"),
        ],
    }
}

fn instant(us: u64) -> Option<jiff::Timestamp> {
    i64::try_from(us).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
}
