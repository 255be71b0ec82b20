//! `pmh-bench`: what a call costs, beside a bare mTLS echo measured in the same run; and the tests with large counts at
//! full size.
//!
//! Every server is a process of its own, so that its CPU can be told from the client's. Echo and gateway are driven in
//! turn by the same client over connections of the same kind, because a machine's speed drifts: only ratios taken in
//! one run mean anything.

mod call;
mod child;
mod clock;
mod desk;
mod echo;
mod gateway;
mod log;
mod push;
mod report;
mod run;
mod soak;
mod town;
mod vaccination;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Memory goes from thread to thread with every call, which the system's allocator makes dear.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "What a call costs beside a bare mTLS echo")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// VerifyEligibility with prepared tokens; also with tokens never seen before, and the whole visit.
    Eligibility(run::Args),
    /// The whole counter visit alone: begin, complete, verify.
    Visit(run::Args),
    /// EvaluateDose and RecordDose beside VerifyEligibility.
    Vaccination(run::Args),
    /// Appends to the log with receipt, beside one transaction per entry.
    Log(log::Args),
    /// A batch of checkups streamed in, beside a bare streaming echo of the same messages.
    Push(push::Args),
    /// The tests with large counts, at full size.
    Soak,
    /// The echo, as a child of this program.
    #[command(hide = true)]
    ServeEcho {
        /// Directory of the sandbox, for its certificates.
        #[arg(long)]
        dir: PathBuf,
        /// Size of an answer.
        #[arg(long)]
        answer_bytes: usize,
    },
    /// The gateway, as a child of this program.
    #[command(hide = true)]
    ServeGateway {
        /// Directory of the sandbox.
        #[arg(long)]
        dir: PathBuf,
        /// TOML with the limits.
        #[arg(long)]
        limits: PathBuf,
    },
}

/// The same runtime for every process, and the same as the command `pmh` has.
fn main() -> Result<ExitCode> {
    let command = Cli::parse().command;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Eligibility(args) => runtime.block_on(run::eligibility(args))?,
        Command::Visit(args) => runtime.block_on(run::visits(args))?,
        Command::Vaccination(args) => runtime.block_on(run::vaccinations(args))?,
        Command::Log(args) => runtime.block_on(log::run(args))?,
        Command::Push(args) => runtime.block_on(push::run(args))?,
        Command::Soak => return soak::run(),
        Command::ServeEcho { dir, answer_bytes } => runtime.block_on(echo::serve(&dir, answer_bytes))?,
        Command::ServeGateway { dir, limits } => runtime.block_on(gateway::serve(dir, &limits))?,
    }
    Ok(ExitCode::SUCCESS)
}
