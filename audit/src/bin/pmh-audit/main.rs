//! `pmh-audit`: checks the log's proofs with public keys alone. No gateway, no network, no database.
//!
//! Exit code 0: verified. 1: not verified, and what is wrong is named. 2: the question could not be asked, because a
//! file cannot be read or a key or policy is none.

mod checkpoint;
mod consistency;
mod directory;
mod evidence;
mod handoff;
mod list;
mod receipt;
mod verdict;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::evidence::Unusable;
use crate::verdict::Verdict;

/// Check receipts, checkpoints, exported logs and lists of accesses. Needs public keys and nothing else.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Print one JSON object instead of plain words.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A receipt as C2SP tlog-proof text: the log holds this entry.
    Receipt(receipt::Args),
    /// A checkpoint: its log signed it, and which witnesses cosigned.
    Checkpoint(checkpoint::Args),
    /// Two checkpoints: the newer log only appended to the older.
    Consistency(consistency::Args),
    /// A whole exported log: every entry, every tile, every earlier checkpoint.
    Directory(directory::Args),
    /// A person's list of accesses: nothing is missing, the newest end included.
    List(list::Args),
    /// The evidence of a handoff between two municipalities: every step under the keys of both logs.
    VerifyEvidence(handoff::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.command).and_then(|verdict| verdict.print(cli.json)) {
        Ok(code) => code,
        Err(unusable) => unusable.print(cli.json),
    }
}

fn run(command: &Command) -> Result<Verdict, Unusable> {
    match command {
        Command::Receipt(args) => receipt::run(args),
        Command::Checkpoint(args) => checkpoint::run(args),
        Command::Consistency(args) => consistency::run(args),
        Command::Directory(args) => directory::run(args),
        Command::List(args) => list::run(args),
        Command::VerifyEvidence(args) => handoff::run(args),
    }
}
