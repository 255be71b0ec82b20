//! `pmh vaccine`: the vaccination rules, offline.

mod forecast;
mod page;
mod rules;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use pmh_domain::vaccination::RuleBook;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Judge the doses given and say when the next ones are due. Not for clinical use.
    Forecast(forecast::Args),
    /// List the rules with version and source.
    Rules(rules::Args),
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Forecast(args) => forecast::run(&args),
        Command::Rules(args) => rules::run(&args),
    }
}

/// Which rules hold.
#[derive(Debug, clap::Args)]
struct BookArgs {
    /// A rule book to use instead of the embedded one.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

impl BookArgs {
    fn book(&self) -> Result<RuleBook> {
        let Some(path) = &self.rules else { return Ok(RuleBook::embedded()?.clone()) };
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        RuleBook::parse(&text).with_context(|| path.display().to_string())
    }
}
